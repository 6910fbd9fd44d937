"""StockTable: balances per (SKU, node) and the journal of every move.

SKU#<sku>            NODE#<node>       balance: the counters and what is available
SKU#<sku>            NODE#<node>#<k>   more of it, when it is split (see store/shards.py)
SKU#<sku>            QUEUE#<node>#...  units of an order that wait for it (see store/queues.py)
JRN#<reference>      <sequence>        journal entry: the moves of one commit
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from parcelway.domain.reservation import require_room
from parcelway.domain.stock import (
    COUNTERS,
    Balance,
    Change,
    Entry,
    Kind,
    Move,
    apply,
    booked,
    net,
)
from parcelway.store import shards
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Stale, Write, commit, put_new, until_fresh
from parcelway.store.database import Database
from parcelway.store.shards import item_key


def read_balances(
    db: Database, keys: Sequence[tuple[str, str]], *, consistent: bool = False
) -> dict[tuple[str, str], Balance]:
    """The balances that exist among `keys` (SKU, node)."""
    found, _ = shards.read(db, keys, consistent=consistent)
    return {key: total(items) for key, items in found.items()}


def balances_of(db: Database, sku: str) -> list[Balance]:
    """A SKU's balances at all nodes."""
    nodes = dict.fromkeys(item["node"] for item in db.query(db.stock, f"SKU#{sku}"))
    return list(read_balances(db, [(sku, node) for node in nodes], consistent=True).values())


def move_writes(
    db: Database, reference: str, sequence: int, at: datetime, moves: Iterable[Move]
) -> list[Write]:
    """The writes that make `moves`: each balance once, and their journal entry.

    Raises what `balance_writes` does.
    """
    moves = list(moves)
    return [*balance_writes(db, at, moves), *journal_writes(db, reference, sequence, at, moves)]


def journal_writes(
    db: Database, reference: str, sequence: int, at: datetime, moves: Sequence[Move]
) -> list[Write]:
    """The journal entry of `moves`, if they change anything."""
    entry = Entry(reference, sequence, at, booked(moves))
    return [_journal(db, entry)] if net(moves) else []


def balance_writes(db: Database, at: datetime, moves: Sequence[Move]) -> list[Write]:
    """The writes that change the balances as all of `moves` together do, each balance once.

    A balance that no longer allows its change fails the commit as Stale: read again, and the
    decision will say what is short. Raises Stale itself where that is known already, and Refusal
    TOO_MANY_LINES for units on more shards than one transaction holds.
    """
    changes = net(moves)
    made = [write for change in changes for write in _changes(db, change, at)]
    if len(made) > len(changes):
        require_room(len(made), {change.node for change in changes})
    return made


def set_on_hand(
    db: Database, sku: str, node: str, quantity: int, as_of: datetime, reference: str
) -> bool:
    """Correct a balance to `quantity` units counted at `as_of`; holds stay as they are.

    False for a count older than one already taken. An equal count is news too: it is later.
    `reference` names the feed or count and, with `as_of`, is booked at most once.
    """

    def attempt() -> bool:
        item = db.get(db.stock, **item_key(sku, node)) or {}
        if "shards" in item:
            shards.merge(db, sku, node)
            item = db.get(db.stock, **item_key(sku, node)) or {}
        difference = quantity - int(item.get("on_hand", 0))
        counted_at = item.get("counted_at", "")
        if counted_at >= iso(as_of):
            return False
        kind: Kind = "adjust" if item else "receive"
        change = Change(sku, node, difference, 0, 0)  # it may drive what is available below zero
        write = _counted(_change(db, change), iso(as_of), item)
        sequence = int(as_of.timestamp() * 1000)
        source = f"{reference}/{sku}/{node}"
        entry = Entry(source, sequence, as_of, (Move(sku, node, kind, difference),))
        commit(db.client, [write, _journal(db, entry)])
        return True

    return until_fresh(attempt)


def _changes(db: Database, change: Change, at: datetime) -> list[Write]:
    """The writes that make one balance's change: one, or several when its shards are to give more
    than any one of them has."""
    sku, node = change.sku, change.node
    available = shards.known(db, sku, node)
    parts: dict[int, Change] | None = {0: change}
    if len(available) > 1 and not change.plain:
        shards.merge(db, sku, node)
        raise _overtaken(db, sku, node)
    if len(available) > 1:
        parts = shards.spread(available, change)
    if parts is None:
        raise _overtaken(db, sku, node)
    crowded = partial(shards.split, db, sku, node, len(available), at) if available else None
    return [
        replace(_change(db, part, shard), crowded=crowded) for shard, part in sorted(parts.items())
    ]


def _change(db: Database, change: Change, shard: int = 0) -> Write:
    """A change of one shard; of shard 0 it may be made without knowing whether there are others,
    but a shard that is gone must not come back.

    On a balance that is split, what is given back may have been taken on another shard: only what
    is available is guarded there, and that every hold is given back once is the order's version's.
    """
    deltas = {name: delta for name, delta in zip(COUNTERS, change.deltas, strict=True) if delta}
    deltas = _ALWAYS | deltas | {"available": change.available}
    sets = [f"{name} = if_not_exists({name}, :zero) + :{name}" for name in deltas]
    values: dict[str, Any] = {":zero": 0, ":sku": change.sku, ":node": change.node}
    values |= {f":{name}": delta for name, delta in deltas.items()}
    conditions = ["attribute_exists(pk)"] if shard else []
    least = {name: -delta for name, delta in deltas.items() if delta < 0 and name in _GUARDED}
    if least and not shard:
        enough = " AND ".join(f"{name} >= :least_{name}" for name in least)
        conditions.append(f"(attribute_exists(shards) OR ({enough}))")
    elif shard:
        least = {}
    if change.least_available is not None:
        least["available"] = change.least_available
        conditions.append("available >= :least_available")
    if change.least_backordered is not None:
        least["queue"] = change.least_backordered
        conditions.append("backordered >= :least_queue")
    if change.supplied:
        values[":supplied"] = change.supplied
        conditions.append("supplied = :supplied")
    values |= {f":least_{name}": units for name, units in least.items()}
    return Write(
        db.stock,
        " AND ".join(conditions),
        key=item_key(change.sku, change.node, shard),
        update="SET sku = :sku, #node = :node, " + ", ".join(sets),
        names={"#node": "node"},
        values=values,
        otherwise=partial(_overtaken, db, change.sku, change.node),
    )


_ALWAYS = {"on_hand": 0, "reserved": 0, "allocated": 0}  # the counters that every balance has
_GUARDED = ("reserved", "allocated", "backordered", "damaged", "safety")


def _overtaken(db: Database, sku: str, node: str) -> Stale:
    shards.forget(db, sku, node)
    return Stale()


def _counted(change: Write, counted_at: str, seen: Mapping[str, Any]) -> Write:
    """A change as a count makes it: of the balance as it was `seen`, and noting when."""
    values = dict(change.values) | {":counted_at": counted_at}
    condition = "attribute_not_exists(pk)"
    if seen:
        condition = "attribute_not_exists(shards) AND on_hand = :seen AND " + (
            "counted_at = :before" if "counted_at" in seen else "attribute_not_exists(counted_at)"
        )
        values |= {":seen": seen["on_hand"]}
        values |= {":before": seen["counted_at"]} if "counted_at" in seen else {}
    return replace(
        change,
        condition=condition,
        update=f"{change.update}, counted_at = :counted_at",
        values=values,
    )


def _journal(db: Database, entry: Entry) -> Write:
    keys = {"pk": f"JRN#{entry.reference}", "sk": f"{entry.sequence:015d}"}
    return put_new(db.stock, keys | encode(entry))


def total(items: Sequence[Mapping[str, Any]]) -> Balance:
    """A balance from the items of all its shards."""
    first, *others = map(to_balance, items)
    for shard in others:
        change = Change(first.sku, first.node, shard.on_hand, shard.reserved, shard.allocated)
        first = apply(first, change)
    return first


def to_balance(item: Mapping[str, Any]) -> Balance:
    """A balance, or one shard's part of it, from its item (plain values)."""
    return decode(Balance, {name: item[name] for name in _FIELDS if name in item})


_FIELDS = ("sku", "node", *COUNTERS, "supplies", "supplied")
