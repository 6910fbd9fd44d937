"""StockTable: how many parcels of a node's day have been taken by orders.

CAP#<node>           <date>            taken: parcels

Only nodes with a limited capacity have them: orders of an unlimited one never meet at an item.
The writes go into the transaction of the order's change, whose version sees to it that what was
taken is given back once; alone, a repeat would count twice. Items of days gone by stay: 60 bytes.

Placing an order need not read them: it takes the day it would promise on an empty calendar, and
when that one is full the failed commit learns what is taken, which the next attempt decides on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import cast

from parcelway.domain.order import Slot
from parcelway.domain.shop import Node
from parcelway.store.batches import get_many
from parcelway.store.commit import Stale, Write
from parcelway.store.database import Database

KNOWN_SECONDS = 60.0  # how long a container passes over a full day: there may be room again
_AHEAD = 7  # days that are read at once when one was full


def read(db: Database, slots: Iterable[Slot], *, consistent: bool = False) -> dict[Slot, int]:
    """How many parcels are taken of each of `slots` (node, day)."""
    by_key = {_key(slot): slot for slot in slots}
    keys = [(db.stock, *key) for key in by_key]
    taken = dict.fromkeys(by_key.values(), 0)
    for _, item in get_many(db.client, keys, consistent=consistent) if keys else ():
        taken[by_key[item["pk"], item["sk"]]] = int(item["taken"])
    return taken


def known(db: Database) -> dict[Slot, int]:
    """What this container has learned to be taken of days that were full, a minute ago at most."""
    since = time.monotonic() - KNOWN_SECONDS
    return {slot: taken for slot, (at, taken) in _learned(db).items() if at > since}


def writes(
    db: Database, nodes: Mapping[str, Node], take: Iterable[Slot], give: Iterable[Slot] = ()
) -> list[Write]:
    """The writes that take a parcel for each of `take` and give one back for each of `give`: a day
    twice when it is named twice, and not at all when it is both taken and given.

    `nodes` matter to what is taken alone: they tell the limits, and one that has none by now is
    still counted, so that giving back always can be. A day that has become full fails the commit as
    Stale, and is `known` then: decide again.
    """
    net = Counter(take)
    net.subtract(give)
    made = []
    for slot, parcels in sorted(net.items()):
        if parcels > 0:
            node = nodes.get(slot[0])
            made.append(_take(db, slot, parcels, node.capacity if node else 0))
        elif parcels < 0:
            made.append(_give(db, slot, -parcels))
    return made


def _take(db: Database, slot: Slot, parcels: int, capacity: int) -> Write:
    if 0 < capacity < parcels:
        raise _full(db, slot, capacity)
    room = {":room": capacity - parcels} if capacity else {}
    return Write(
        db.stock,
        "attribute_not_exists(taken) OR taken <= :room" if capacity else "",
        key=_named(slot),
        update="SET taken = if_not_exists(taken, :zero) + :parcels",
        values={":zero": 0, ":parcels": parcels} | room,
        otherwise=partial(_full, db, slot, capacity),
    )


def _give(db: Database, slot: Slot, parcels: int) -> Write:
    return Write(
        db.stock,
        "taken >= :parcels",
        key=_named(slot),
        update="SET taken = taken - :parcels",
        values={":parcels": parcels},
    )


def _full(db: Database, slot: Slot, capacity: int) -> Stale:
    """Learn that a day has no room for what was to be taken, and what is of the days after it."""
    node, day = slot
    week = read(db, [(node, day + timedelta(days=n)) for n in range(_AHEAD)], consistent=True)
    week[slot] = max(week[slot], capacity)
    at = time.monotonic()
    _learned(db).update({each: (at, taken) for each, taken in week.items()})
    return Stale()


def _learned(db: Database) -> dict[Slot, tuple[float, int]]:
    return cast("dict[Slot, tuple[float, int]]", db.memory.setdefault("capacity", {}))


def _key(slot: Slot) -> tuple[str, str]:
    return f"CAP#{slot[0]}", slot[1].isoformat()


def _named(slot: Slot) -> dict[str, str]:
    pk, sk = _key(slot)
    return {"pk": pk, "sk": sk}
