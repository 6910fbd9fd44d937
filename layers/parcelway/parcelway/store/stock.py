"""StockTable: balances per (SKU, node) and the journal of every move.

SKU#<sku>            NODE#<node>       balance: the counters and what is available
SKU#<sku>            NODE#<node>#<k>   more of it, when it is split (see store/shards.py)
                     on each `owned`, `worth_<currency>`: what the money books have there (see
                     domain/inventory.py); `posted` counts their changes
JRN#<reference>      <sequence>        journal entry: the moves of one commit
HIS#<sku>#<node>     <time>#<ref>#<n>  -> journal entry of a document about this balance
ALERTS, LEVEL#       (see store/alerts.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from parcelway.domain.reservation import require_room
from parcelway.domain.stock import (
    COUNTERS,
    Balance,
    Change,
    Entry,
    Move,
    apply,
    booked,
    expecting,
    listed,
    net,
)
from parcelway.store import shards
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Stale, Write, put_new
from parcelway.store.database import Database
from parcelway.store.shards import WORTH, item_key

if TYPE_CHECKING:  # who books no documents does not pay for their rules
    from parcelway.domain.stock_books import Booking


def read_balances(
    db: Database, keys: Sequence[tuple[str, str]], *, consistent: bool = False
) -> dict[tuple[str, str], Balance]:
    """The balances that exist among `keys` (SKU, node)."""
    found, _ = shards.read(db, keys, consistent=consistent)
    return {key: total(items) for key, items in found.items()}


def balances_of(db: Database, sku: str) -> list[Balance]:
    """A SKU's balances at all nodes."""
    nodes = dict.fromkeys(item["node"] for item in db.query(db.stock, f"SKU#{sku}", "NODE#"))
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
        require_room(len(made), len({change.node for change in changes}))
    return made


def document_writes(
    db: Database, entry: Entry, booking: Booking, seen: Mapping[tuple[str, str], Balance]
) -> list[Write]:
    """The writes that book a document: its balances as they were `seen`, its journal entry, and
    where it is found in the history of each balance.

    Balances that are no longer so fail the commit as Stale. Those without an item are not `seen`.
    """
    changes = {(change.sku, change.node): change for change in net(booking.moves)}
    made: list[Write] = []
    for place in booking.places:
        change = changes.get(place, Change(*place, 0, 0, 0))
        if not booking.exact:
            made += _changes(db, change, entry.at)
            continue
        if len(shards.known(db, *place)) > 1:
            shards.merge(db, *place)
            raise _overtaken(db, *place)
        made.append(_exactly(_change(db, change), seen.get(place), _noted(booking, seen, place)))
    return [*made, *entry_writes(db, entry, len(made))]


def entry_writes(db: Database, entry: Entry, others: int) -> list[Write]:
    """The writes that keep a document in the journal and in the history of its balances; in the
    journal alone, where these do not fit into a transaction with `others`."""
    told = listed(entry, others)
    return [*(_found_by(db, entry, place) for place in told), _journal(db, entry)]


def reorder_point_writes(db: Database, sku: str, node: str, point: int | None) -> list[Write]:
    """The write that sets a balance's reorder point. One that is split is merged first: a shard
    says it from when it is made. Raises Stale and Busy."""
    if len(shards.known(db, sku, node)) > 1:
        shards.merge(db, sku, node)
        raise _overtaken(db, sku, node)
    write = _change(db, Change(sku, node, 0, 0, 0))
    update = f"{write.update}, reorder_point = :point"
    values = dict(write.values) | {":point": point}
    if point is None:
        update, values = f"{write.update} REMOVE reorder_point", dict(write.values)
    missing = "attribute_not_exists(shards)"
    return [replace(write, condition=missing, update=update, values=values)]


def history(
    db: Database, sku: str, node: str, limit: int, start: Mapping[str, Any] | None
) -> tuple[list[Entry], dict[str, Any] | None]:
    """A page of the documents booked on a balance, newest first, and the key of the last one when
    there are more. Start after `start`, such a key."""
    items, more = db.page(db.stock, f"HIS#{sku}#{node}", limit, start, newest_first=True)
    keys = [(db.stock, f"JRN#{item['reference']}", f"{item['sequence']:015d}") for item in items]
    found = {(item["pk"], item["sk"]): item for _, item in get_many(db.client, keys)}
    return [to_entry(found[pk, sk]) for _, pk, sk in keys if (pk, sk) in found], more


def read_entry(db: Database, reference: str, sequence: int) -> Entry | None:
    """A journal entry, if it was booked."""
    item = db.get(db.stock, f"JRN#{reference}", f"{sequence:015d}")
    return to_entry(item) if item else None


def read_entries(db: Database, references: Sequence[str]) -> dict[str, Entry]:
    """The first journal entry under each of `references` that has one, read strongly consistent."""
    keys = [(db.stock, f"JRN#{reference}", f"{0:015d}") for reference in references]
    entries = [to_entry(item) for _, item in get_many(db.client, keys, consistent=True)]
    return {entry.reference: entry for entry in entries}


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
    # What only one item can keep would have to put the shards together again, each time.
    divisible = bool(available) and change.plain
    crowded = partial(shards.split, db, sku, node, len(available), at) if divisible else None
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
    if change.owned or change.worth:
        deltas |= {"owned": change.owned, "posted": 1}
        deltas |= {f"{WORTH}{currency}": minor for currency, minor in change.worth}
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
    if change.joins is not None:
        values[":joins"] = iso(change.joins)
        conditions.append("(attribute_not_exists(joined_at) OR joined_at < :joins)")
        sets.append("joined_at = :joins")
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


def _noted(
    booking: Booking, seen: Mapping[tuple[str, str], Balance], place: tuple[str, str]
) -> dict[str, Any]:
    """What a document sets on a balance besides its counters."""
    noted: dict[str, Any] = {}
    if booking.counted_at is not None:
        noted["counted_at"] = iso(booking.counted_at)
    for expected in booking.expected:
        if (expected.sku, expected.node) == place:
            balance = expecting(seen.get(place, Balance(*place)), expected)
            noted |= {"supplies": encode(balance.supplies), "supplied": balance.supplied}
    return noted


def _exactly(change: Write, seen: Balance | None, noted: Mapping[str, Any]) -> Write:
    """A change as a document makes it: of the balance as it was `seen`, noting more on it."""
    conditions = [change.condition] if change.condition else []
    values = dict(change.values) | {f":noted_{name}": value for name, value in noted.items()}
    if seen is None:
        conditions.append("attribute_not_exists(pk)")
    else:
        conditions.append("attribute_not_exists(shards)")
        was = {name: getattr(seen, name) or None for name in _READ}
        was["counted_at"] = iso(seen.counted_at) if seen.counted_at else None
        for name, value in was.items():
            missing = f"attribute_not_exists({name})"
            if value is None and name != "counted_at":
                missing = f"({missing} OR {name} = :zero)"
            conditions.append(missing if value is None else f"{name} = :was_{name}")
            values |= {} if value is None else {f":was_{name}": value}
    return replace(
        change,
        condition=" AND ".join(conditions),
        update=", ".join([change.update, *(f"{name} = :noted_{name}" for name in noted)]),
        values=values,
    )


# What a document's decision rests on. Not the claims of orders: they may come and go meanwhile.
_READ = ("on_hand", "damaged", "safety", "supplied")


def _found_by(db: Database, entry: Entry, place: tuple[str, str]) -> Write:
    sku, node = place
    keys = {"pk": f"HIS#{sku}#{node}", "sk": f"{iso(entry.at)}#{entry.reference}#{entry.sequence}"}
    return put_new(db.stock, keys | {"reference": entry.reference, "sequence": entry.sequence})


def to_entry(item: Mapping[str, Any]) -> Entry:
    """A journal entry from its item (plain values). Raises KeyError or TypeError for another."""
    return decode(Entry, {name: value for name, value in item.items() if name not in ("pk", "sk")})


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


_TOLD = ("supplies", "supplied", "counted_at", "reorder_point", "joined_at")
_FIELDS = ("sku", "node", *COUNTERS, *_TOLD)
