"""Booking documents: each once for ever, under a reference made of who says it or of its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from parcelway.domain import stock_books
from parcelway.domain.ids import derived
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document, Entry, after, booked, expecting
from parcelway.domain.stock_alerts import Alert
from parcelway.domain.stock_books import Booking
from parcelway.store.alerts import alert_write
from parcelway.store.commit import commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.stock import (
    document_writes,
    read_balances,
    read_entry,
    reorder_point_writes,
)
from parcelway.values import dataclass

Key = tuple[str, str]  # SKU, node
Balances = Mapping[Key, Balance]


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
    sequence: int = 0,
) -> Booked:
    """Book what `decide` says of the balances `keys`, or find that it was booked before.

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
        said = replace(document, oversold=booking.oversold)
        moves = booked(booking.moves)
        entry = Entry(reference, sequence, at, moves, booking.expected, said)
        now = _afterwards(balances, booking)
        told = [alert_write(db, alert) for alert in _alerts(entry, booking, now)]
        commit(db.client, [*document_writes(db, entry, booking, seen), *told])
        return Booked(entry, now)

    return until_fresh(attempt)


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
        book(db, reference, document, counted_at, [key], decide)
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
