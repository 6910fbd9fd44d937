"""Booking documents: each once for ever, under a reference made of who says it or of its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from parcelway.domain import inventory, stock_books
from parcelway.domain.ids import derived
from parcelway.domain.money import Money
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document, Entry, after, booked, expecting
from parcelway.domain.stock_alerts import Alert
from parcelway.domain.stock_books import Booking
from parcelway.store.alerts import alert_write
from parcelway.store.catalogue import unit_costs
from parcelway.store.commit import Busy, Write, commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.ledger import posting_writes
from parcelway.store.stock import (
    document_writes,
    read_balances,
    read_entries,
    read_entry,
    reorder_point_writes,
)
from parcelway.values import dataclass

Key = tuple[str, str]  # SKU, node
Balances = Mapping[Key, Balance]
Costs = Mapping[str, Money]  # what a unit of a SKU costs the shop, without tax, where it is known


@dataclass(frozen=True, slots=True)
class Booked:
    """A document in the journal (None: there was nothing to book), and the balances it concerns
    as they are now."""

    entry: Entry | None
    balances: Balances


def book(
    db: Database,
    reference: str,
    document: Document,
    at: datetime,
    keys: Iterable[Key],
    decide: Callable[[Balances], Booking | None],
    costs: Costs,
    sequence: int = 0,
) -> Booked:
    """Book what `decide` says of the balances `keys`, goods at their `costs`, or find that it was
    booked before.

    Raises what `decide` raises, Refusal KEY_REUSED when `reference` stands for another document,
    and Busy.
    """
    keys = list(dict.fromkeys(keys))

    def attempt() -> Booked:
        entry = read_entry(db, reference, sequence)
        seen = read_balances(db, keys, consistent=True)
        balances = {key: seen.get(key, Balance(*key)) for key in keys}
        if entry is not None:
            _require_same(entry, document)
            return Booked(entry, balances)
        booking = decide(balances)
        if booking is None:
            return Booked(None, balances)
        new = Entry(reference, sequence, at, (), document=document)
        done, writes = _decided(db, new, booking, balances, seen, costs)
        commit(db.client, [*writes, *_posted(db, [(done, balances)], costs)])
        return done

    return until_fresh(attempt)


@dataclass(frozen=True, slots=True)
class Row:
    """A document about one balance, to be booked once for ever under its reference."""

    reference: str
    document: Document
    key: Key
    decide: Callable[[Balance], Booking]


def book_rows(
    db: Database, rows: Sequence[Row], at: datetime, costs: Costs
) -> list[Booked | Refusal]:
    """Book each of `rows` as `book` would, those about one balance in their order; which of them is
    refused, and why, is no matter to the others.

    So many as fit are one transaction, read and written in three calls; only where others keep
    changing one of its balances, each row of it is written by itself. Raises Busy; some are booked
    then.
    """
    found: dict[int, Booked | Refusal] = {}
    for numbers in _batches(rows):
        batch = {number: rows[number] for number in numbers}
        try:
            found |= until_fresh(partial(_book_batch, db, batch, at, costs), _TRIES)
        except Busy:
            found |= {number: _book_row(db, row, at, costs) for number, row in batch.items()}
    return [found[number] for number in range(len(rows))]


# Rows: each writes its balance, its entry, where that is found, a posting, and perhaps an alert.
_AT_ONCE = 20
_TRIES = 3


def _batches(rows: Sequence[Row]) -> Iterator[list[int]]:
    """The numbers of rows that can be booked together: none is about the balance of another, and
    all that are about one balance come in their order."""
    rounds: list[list[int]] = []
    met: Counter[Key] = Counter()
    for number, row in enumerate(rows):
        if met[row.key] == len(rounds):
            rounds.append([])
        rounds[met[row.key]].append(number)
        met[row.key] += 1
    for numbers in rounds:
        for start in range(0, len(numbers), _AT_ONCE):
            yield numbers[start : start + _AT_ONCE]


def _book_batch(
    db: Database, batch: Mapping[int, Row], at: datetime, costs: Costs
) -> dict[int, Booked | Refusal]:
    entries = read_entries(db, [row.reference for row in batch.values()])
    seen = read_balances(db, [row.key for row in batch.values()], consistent=True)
    found: dict[int, Booked | Refusal] = {}
    fresh: list[tuple[Booked, Balances]] = []
    writes: list[Write] = []
    for number, row in batch.items():
        balances = {row.key: seen.get(row.key, Balance(*row.key))}
        try:
            if entry := entries.get(row.reference):
                _require_same(entry, row.document)
                found[number] = Booked(entry, balances)
                continue
            booking = row.decide(balances[row.key])
        except Refusal as refusal:
            found[number] = refusal
            continue
        new = Entry(row.reference, 0, at, (), document=row.document)
        done, more = _decided(db, new, booking, balances, seen, costs)
        found[number] = done
        fresh.append((done, balances))
        writes += more
    commit(db.client, [*writes, *_posted(db, fresh, costs)])
    return found


def _book_row(db: Database, row: Row, at: datetime, costs: Costs) -> Booked | Refusal:
    try:
        return book(
            db,
            row.reference,
            row.document,
            at,
            [row.key],
            lambda all_: row.decide(all_[row.key]),
            costs,
        )
    except Refusal as refusal:
        return refusal


def _decided(
    db: Database,
    new: Entry,
    booking: Booking,
    balances: Balances,
    seen: Balances,
    costs: Costs,
) -> tuple[Booked, list[Write]]:
    """What books a `new` entry, and the balances as they are then."""
    assert new.document is not None
    said = replace(new.document, oversold=booking.oversold)
    told = replace(new, moves=booking.moves, expected=booking.expected, document=said)
    valued = replace(booking, moves=inventory.valued(told, balances, costs))
    entry = replace(told, moves=booked(valued.moves))
    now = _afterwards(balances, booking)
    alerts = [alert_write(db, alert) for alert in _alerts(entry, booking, now)]
    return Booked(entry, now), [*document_writes(db, entry, valued, seen), *alerts]


def _posted(db: Database, fresh: Sequence[tuple[Booked, Balances]], costs: Costs) -> list[Write]:
    """What books the goods of new documents, booked on those balances, in the money books."""
    return [
        write
        for done, before in fresh
        if done.entry
        for posting in inventory.postings(done.entry, before, costs)
        for write in posting_writes(db, posting, done.entry.at)
    ]


def set_reorder_point(db: Database, sku: str, node: str, point: int | None) -> None:
    """Have somebody told when no more than `point` units are available; None: nobody.

    Raises Busy.
    """
    key = (sku, node)

    def attempt() -> None:
        read_balances(db, [key], consistent=True)
        commit(db.client, reorder_point_writes(db, sku, node, point))

    until_fresh(attempt)


def count(
    db: Database, sku: str, node: str, quantity: int, counted_at: datetime, source: str
) -> bool:
    """Book that `source` counted so many units; False for a count older than one already booked,
    or the same one."""
    reference = derived("stk", source, sku, node, counted_at.isoformat())
    document = Document("count", "", f"{quantity}", source=source)
    key = (sku, node)

    def decide(balances: Balances) -> Booking:
        return stock_books.count(balances[key], quantity, counted_at, counted_at)

    try:
        book(db, reference, document, counted_at, [key], decide, unit_costs(db, [sku]))
    except Refusal as refusal:
        if refusal.reason is not Reason.STALE_COUNT:
            raise
        return False
    return True


def _alerts(entry: Entry, booking: Booking, balances: Balances) -> list[Alert]:
    if not booking.oversold:
        return []
    return [
        Alert(
            "oversold",
            *place,
            entry.at,
            balances[place].available,
            reference=entry.reference,
            units=booking.oversold,
        )
        for place in booking.places
    ]


def _afterwards(balances: Balances, booking: Booking) -> Balances:
    result = after(balances, booking.moves)
    for expected in booking.expected:
        key = (expected.sku, expected.node)
        result[key] = expecting(result[key], expected)
    if booking.counted_at is not None:
        result |= {k: replace(result[k], counted_at=booking.counted_at) for k in booking.places}
    return result


def _require_same(entry: Entry, document: Document) -> None:
    if entry.document is None or entry.document.fingerprint != document.fingerprint:
        raise Refusal(
            Reason.KEY_REUSED,
            "This Idempotency-Key, or this source, was booked with something else.",
            "/source" if document.source else "/headers/Idempotency-Key",
        )
