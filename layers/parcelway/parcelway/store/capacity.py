"""StockTable: how many parcels of a node's day have been taken by orders.

CAP#<node>           <date>            taken: parcels

Only nodes with a limited capacity have them: orders of an unlimited one never meet at an item.
The writes go into the transaction of the order's change, whose version sees to it that what was
taken is given back once; alone, a repeat would count twice. Items of days gone by stay: 60 bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from parcelway.domain.promise import Slot
from parcelway.domain.shop import Node
from parcelway.store.batches import get_many
from parcelway.store.commit import Stale, Write
from parcelway.store.database import Database

_AHEAD = 7  # days that are read at once when the day first thought of is full


def read(db: Database, slots: Iterable[Slot], *, consistent: bool = False) -> dict[Slot, int]:
    """How many parcels are taken of each of `slots` (node, day)."""
    by_key = {_key(slot): slot for slot in slots}
    keys = [(db.stock, *key) for key in by_key]
    taken = dict.fromkeys(by_key.values(), 0)
    for _, item in get_many(db.client, keys, consistent=consistent) if keys else ():
        taken[by_key[item["pk"], item["sk"]]] = int(item["taken"])
    return taken


def read_for(
    db: Database,
    wanted: Callable[[Mapping[Slot, int]], Sequence[Slot]],
    *,
    consistent: bool = False,
) -> dict[Slot, int]:
    """What is taken of every day that a promise looks at. `wanted` tells the slots for what is
    known to be taken, as `domain.promise.slots` does: asked until all it names have been read."""
    busy: dict[Slot, int] = {}
    ahead = 1
    while missing := [slot for slot in wanted(busy) if slot not in busy]:
        days = [(node, day + timedelta(days=n)) for node, day in missing for n in range(ahead)]
        busy |= read(db, days, consistent=consistent)
        ahead = _AHEAD
    return busy


def writes(
    db: Database, nodes: Mapping[str, Node], take: Iterable[Slot], give: Iterable[Slot] = ()
) -> list[Write]:
    """The writes that take a parcel for each of `take` and give one back for each of `give`: a day
    twice when it is named twice, and not at all when it is both taken and given.

    A day that has become full fails the commit as Stale: read again, and promise another one. Slots
    of nodes that are gone or unlimited by now are not kept any more.
    """
    net = Counter(take)
    net.subtract(give)
    limits = {node.id: node.capacity for node in nodes.values() if node.capacity}
    return [
        _take(db, slot, parcels, limits[slot[0]]) if parcels > 0 else _give(db, slot, -parcels)
        for slot, parcels in sorted(net.items())
        if parcels and slot[0] in limits
    ]


def _take(db: Database, slot: Slot, parcels: int, capacity: int) -> Write:
    if parcels > capacity:
        raise Stale
    return Write(
        db.stock,
        "attribute_not_exists(taken) OR taken <= :room",
        key=_named(slot),
        update="SET taken = if_not_exists(taken, :zero) + :parcels",
        values={":zero": 0, ":parcels": parcels, ":room": capacity - parcels},
    )


def _give(db: Database, slot: Slot, parcels: int) -> Write:
    return Write(
        db.stock,
        "taken >= :parcels",
        key=_named(slot),
        update="SET taken = taken - :parcels",
        values={":parcels": parcels},
    )


def _key(slot: Slot) -> tuple[str, str]:
    return f"CAP#{slot[0]}", slot[1].isoformat()


def _named(slot: Slot) -> dict[str, str]:
    pk, sk = _key(slot)
    return {"pk": pk, "sk": sk}
