"""Documents against a model that counts by itself, and their journal replayed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import inventory, stock_books
from parcelway.domain.ledger import balances
from parcelway.domain.money import Money
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import (
    Balance,
    Document,
    Entry,
    Expected,
    Move,
    after,
    allowed,
    expecting,
    net,
)
from parcelway.domain.stock_alerts import crossed, level
from parcelway.domain.stock_books import Booking

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
DOCUMENT, COST = Document("any", "", ""), Money(7, "EUR")
HERE, THERE = ("A", "n1"), ("A", "n2")
units = st.integers(1, 9)
documents = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), units),
        st.tuples(st.just("against"), units),
        st.tuples(st.just("back"), units),
        st.tuples(st.just("broken back"), units),
        st.tuples(st.just("adjust"), st.integers(-9, 9).filter(bool)),
        st.tuples(st.just("count"), st.integers(0, 20)),
        st.tuples(st.just("damage"), units),
        st.tuples(st.just("repair"), units),
        st.tuples(st.just("scrap"), units),
        st.tuples(st.just("sell"), units),
        st.tuples(st.just("safety"), st.integers(0, 9)),
        st.tuples(st.just("announce"), st.integers(0, 9)),
        st.tuples(st.just("send"), units),
        st.tuples(st.just("recall"), units),
        st.tuples(st.just("arrive"), units),
    ),
    max_size=25,
)
# What each does to (on hand, damaged) here, per unit.
EFFECTS = {
    "receive": (1, 0),
    "against": (1, 0),
    "back": (1, 0),
    "broken back": (1, 1),
    "adjust": (1, 0),
    "damage": (0, 1),
    "repair": (0, -1),
    "scrap": (-1, -1),
    "sell": (-1, 0),
    "send": (-1, 0),
}


def decide(kind: str, quantity: int, books: dict[Any, Balance], now: datetime) -> Booking | None:
    here, there, due = books[HERE], books[THERE], now.date() + timedelta(days=quantity)
    if kind == "send":
        return stock_books.send(here, there, quantity, due, f"trf_{now:%H%M}", now)
    sent = [s for s in there.supplies if s.reference.startswith("trf_")]
    if kind == "recall":
        return stock_books.recall(here, there, sent[0].reference) if sent else None
    if kind == "arrive":
        return stock_books.receive(there, quantity, sent[0].reference) if sent else None
    made: dict[str, Any] = {
        "receive": lambda: stock_books.receive(here, quantity),
        "against": lambda: stock_books.receive(here, quantity, "PO"),
        "back": lambda: stock_books.take_back(here, quantity, damaged=False),
        "broken back": lambda: stock_books.take_back(here, quantity, damaged=True),
        "adjust": lambda: stock_books.adjust(here, quantity),
        "count": lambda: stock_books.count(here, quantity, now, now),
        "damage": lambda: stock_books.damage(here, quantity),
        "repair": lambda: stock_books.repair(here, quantity),
        "scrap": lambda: stock_books.scrap(here, quantity),
        "sell": lambda: stock_books.sell(here, quantity),
        "safety": lambda: stock_books.keep_back(here, quantity),
        "announce": lambda: stock_books.announce(here, "PO", due, quantity, now),
    }
    booking: Booking | None = made[kind]()
    return booking


@given(documents)
def test_any_history_is_what_a_model_counts_and_what_its_journal_replays(history: Any) -> None:
    books = {key: Balance(*key) for key in (HERE, THERE)}
    on_hand = damaged = worth = kept = owned = 0
    journal: list[tuple[tuple[Move, ...], tuple[Expected, ...]]] = []
    for number, (kind, quantity) in enumerate(history):
        try:
            booking = decide(kind, quantity, books, NOW + timedelta(minutes=number))
        except Refusal as refusal:
            assert refusal.reason in (Reason.OUT_OF_STOCK, Reason.NOT_FOUND)
            continue
        if booking is None:
            continue
        coming = sum(supply.quantity for supply in books[THERE].supplies)
        assert all(allowed(books[c.sku, c.node], c) for c in net(booking.moves))
        assert booking.oversold == (max(0, quantity - max(0, on_hand)) if kind == "sell" else 0)
        reference = booking.expected[0].reference if kind in ("send", "recall") else f"stk_{number}"
        entry = Entry(reference, number, NOW, booking.moves, booking.expected, DOCUMENT)
        posted = inventory.postings(entry, books, {"A": COST})
        worth += balances(posted).get("inventory", 0)
        for move in inventory.valued(entry, books, {"A": COST}):
            kept += move.worth.minor if move.worth else 0
            owned += move.owned
        books = after(books, booking.moves)
        for expected in booking.expected:
            key = (expected.sku, expected.node)
            books[key] = expecting(books[key], expected)
        if booking.counted_at:
            books[HERE] = replace(books[HERE], counted_at=booking.counted_at)
        journal.append((booking.moves, booking.expected))
        if kind == "count":
            on_hand = quantity
        elif kind == "recall":
            on_hand += coming - sum(supply.quantity for supply in books[THERE].supplies)
        else:
            on_hand += EFFECTS.get(kind, (0, 0))[0] * quantity
            damaged += EFFECTS.get(kind, (0, 0))[1] * quantity
        assert (books[HERE].on_hand, books[HERE].damaged) == (on_hand, damaged)
        assert damaged >= 0
        under_way = sum(s.quantity for s in books[THERE].supplies)
        assert worth == COST.minor * (on_hand + books[THERE].on_hand + under_way)
        assert (kept, owned) == (worth, on_hand + books[THERE].on_hand + under_way)
        supplies = books[HERE].supplies
        assert list(supplies) == sorted(supplies, key=lambda s: (s.due, s.reference))
        assert all(supply.quantity > 0 for supply in supplies)
    replayed = after(
        {key: Balance(*key) for key in (HERE, THERE)},
        [move for moves, _ in journal for move in moves],
    )
    told = [expected for _, all_ in journal for expected in all_]
    for expected in sorted(told, key=lambda each: each.supplied):
        key = (expected.sku, expected.node)
        replayed[key] = expecting(replayed[key], expected)
    assert replayed == {key: replace(book, counted_at=None) for key, book in books.items()}


@pytest.mark.parametrize(
    ("hours", "refused"),
    [(0, False), (13, False), (24 + 11, False), (24 + 12, True)],
    ids=["today", "over in UTC", "still on in the far west", "over everywhere"],
)
def test_a_day_is_over_when_it_is_over_everywhere(hours: int, refused: bool) -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)

    def announce() -> Booking | None:
        now = day + timedelta(hours=hours)
        return stock_books.announce(Balance(*HERE), "PO", day.date(), 1, now)

    if not refused:
        assert announce() is not None
        return
    with pytest.raises(Refusal) as refusal:
        announce()
    assert refusal.value.pointer == "/due"


@given(st.integers(-3, 12), st.integers(-3, 12), st.integers(0, 8))
def test_people_are_told_of_a_fall_through_the_reorder_point_and_of_nothing_else(
    before: int, now: int, point: int
) -> None:
    def rank(available: int) -> int:
        return 2 if available <= 0 else 1 if available <= point else 0

    was = Balance(*HERE, on_hand=before, reorder_point=point)
    alert = crossed(level(was), replace(was, on_hand=now), NOW)
    assert (alert is not None) == (rank(now) > rank(before))
    if alert:
        assert alert.kind == ("out_of_stock" if now <= 0 else "low_stock")
    assert crossed("ok", replace(was, reorder_point=None), NOW) is None
