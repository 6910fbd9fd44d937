"""StockTable: balances per (SKU, node) and the journal of every move.

SKU#<sku>            NODE#<node>       balance: the counters and what is available
JRN#<reference>      <sequence>        journal entry: the moves of one commit
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain.stock import Balance, Change, Entry, Kind, Move, net
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, until_fresh
from parcelway.store.database import Database

_COUNTERS = ("on_hand", "reserved", "allocated", "available")


def read_balances(
    db: Database, keys: Sequence[tuple[str, str]], *, consistent: bool = False
) -> dict[tuple[str, str], Balance]:
    """The balances that exist among `keys` (SKU, node)."""
    wanted = [(db.stock, f"SKU#{sku}", f"NODE#{node}") for sku, node in keys]
    balances = [to_balance(item) for _, item in get_many(db.client, wanted, consistent=consistent)]
    return {(balance.sku, balance.node): balance for balance in balances}


def balances_of(db: Database, sku: str) -> list[Balance]:
    """A SKU's balances at all nodes."""
    return [to_balance(item) for item in db.query(db.stock, f"SKU#{sku}")]


def move_writes(
    db: Database, reference: str, sequence: int, at: datetime, moves: Iterable[Move]
) -> list[Write]:
    """The writes that make `moves`: each balance once, and their journal entry.

    A balance that no longer allows its change fails the commit as Stale: read again, and the
    decision will say what is short.
    """
    entry = Entry(reference, sequence, at, tuple(moves))
    changes = net(entry.moves)
    if not changes:
        return []
    return [*(_change(db, change) for change in changes), _journal(db, entry)]


def set_on_hand(
    db: Database, sku: str, node: str, quantity: int, as_of: datetime, reference: str
) -> bool:
    """Correct a balance to `quantity` units counted at `as_of`; holds stay as they are.

    False for a count older than one already taken. An equal count is news too: it is later.
    `reference` names the feed or count and, with `as_of`, is booked at most once.
    """

    def attempt() -> bool:
        item = db.get(db.stock, f"SKU#{sku}", f"NODE#{node}") or {}
        difference = quantity - int(item.get("on_hand", 0))
        counted_at = item.get("counted_at", "")
        if counted_at >= iso(as_of):
            return False
        kind: Kind = "adjust" if item else "receive"
        change = Change(sku, node, difference, 0, 0)
        write = _counted(_change(db, change), iso(as_of), item)
        sequence = int(as_of.timestamp() * 1000)
        source = f"{reference}/{sku}/{node}"
        entry = Entry(source, sequence, as_of, (Move(sku, node, kind, difference),))
        commit(db.client, [write, _journal(db, entry)])
        return True

    return until_fresh(attempt)


def _change(db: Database, change: Change) -> Write:
    deltas = {name: getattr(change, name) for name in _COUNTERS}
    sets = [f"{name} = if_not_exists({name}, :zero) + :{name}" for name in _COUNTERS]
    values = {":zero": 0, ":sku": change.sku, ":node": change.node}
    values |= {f":{name}": delta for name, delta in deltas.items()}
    guarded = [name for name in _COUNTERS if name != "on_hand" and deltas[name] < 0]
    values |= {f":least_{name}": -deltas[name] for name in guarded}
    return Write(
        db.stock,
        " AND ".join(f"{name} >= :least_{name}" for name in guarded),
        key={"pk": f"SKU#{change.sku}", "sk": f"NODE#{change.node}"},
        update="SET sku = :sku, #node = :node, " + ", ".join(sets),
        names={"#node": "node"},
        values=values,
    )


def _counted(change: Write, counted_at: str, seen: Mapping[str, Any]) -> Write:
    """A change as a count makes it: of the balance as it was `seen`, and noting when. It may drive
    what is available below zero: that is a shortage to show, not to hide."""
    values = dict(change.values) | {":counted_at": counted_at}
    values.pop(":least_available", None)
    condition = "attribute_not_exists(pk)"
    if seen:
        condition = "on_hand = :seen AND " + (
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


def to_balance(item: Mapping[str, Any]) -> Balance:
    """A balance from its item (plain values)."""
    names = ("sku", "node", "on_hand", "reserved", "allocated", "damaged")
    return decode(Balance, {name: item[name] for name in names if name in item})
