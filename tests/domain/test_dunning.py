"""Reminders of invoices on account: of what is open, once before and once after the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import dunning
from parcelway.domain.attention import due_at
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.decision import Decision
from parcelway.domain.erasing import in_the_way
from parcelway.domain.money import Money
from parcelway.domain.order import Event, advance, totals
from parcelway.domain.receivables import open_items
from parcelway.domain.term import GRACE

from tests.orders import Story, at

# Two invoices: the mugs' and that of everything else.
APART = {("MUG-1", "dc-1"): 9, ("TEA-9", "dc-2"): 9, ("BOOK-3", "dc-2"): 9}


def reminders(story: Story) -> list[Event]:
    return [event for event in story.events if event.type in dunning.REMINDERS]


def looked_after(story: Story, days: int) -> Story:
    """A sweep every twelve hours."""
    for _ in range(2 * days):
        story.later(hours=12).asked_to_pay()
    return story


@pytest.mark.parametrize("days", [0, 1, 2, 3, 4, 14, 30])
def test_each_invoice_is_reminded_of_before_it_is_due_and_once_it_is_overdue(days: int) -> None:
    """Who has to pay on the day of the invoice has just got it: they are only told when it is
    overdue."""
    story = looked_after(at("closed", due_days=days, stock=APART), days + 40)
    assert len(story.invoices) == 2
    for invoice in story.invoices:
        assert invoice.due_on is not None
        told = [each for each in reminders(story) if each.data["number"] == invoice.number]
        before, after = ([], told) if not days else (told[:1], told[1:])
        assert [each.type for each in told] == [
            *([dunning.FALLS_DUE] if days else []),
            dunning.OVERDUE,
        ]
        for each in before:
            assert invoice.issued_at.date() < each.at.date() <= invoice.due_on
        assert after[0].at.date() - invoice.due_on >= GRACE
        assert {each.data["amount"] for each in told} == {invoice.gross.minor}
        assert {each.data["due"] for each in told} == {invoice.due_on.isoformat()}


def test_nobody_is_reminded_of_what_is_paid_and_the_order_rests() -> None:
    story = at("closed", due_days=30)
    gross = totals(story.order).gross.minor
    assert due_at(story.order, story.now) == datetime(2026, 12, 13, 14, tzinfo=UTC)
    story.later(days=20).pays("captured", received=gross)
    assert due_at(story.order, story.now) is None
    assert reminders(looked_after(story, 40)) == []


def test_who_pays_after_the_first_reminder_gets_no_second_one() -> None:
    story = looked_after(at("closed", due_days=30), 29)
    story.pays("captured", received=totals(story.order).gross.minor)
    assert [each.type for each in reminders(looked_after(story, 40))] == [dunning.FALLS_DUE]


def test_who_has_paid_in_part_is_asked_for_the_rest() -> None:
    """Money pays the oldest invoice first."""
    story = at("closed", due_days=30, stock=APART)
    first, second = story.invoices
    story.pays("captured", received=first.gross.minor + 1)
    for each in reminders(looked_after(story, 40)):
        assert (each.data["number"], each.data["amount"]) == (
            second.number,
            second.gross.minor - 1,
        )
    assert len(reminders(story)) == 2


def test_what_was_credited_is_not_asked_for_and_the_other_invoice_is() -> None:
    """Though the other one is older, and money would have paid that first."""
    story = at("closed", due_days=30, stock=APART)
    first, second = story.invoices
    story.credited(Wanted(amount=second.gross))
    story.pays("captured", refunded=second.gross.minor, received=0)
    told = reminders(looked_after(story, 40))
    assert [each.data["number"] for each in told] == [first.number] * 2
    assert {each.data["amount"] for each in told} == {first.gross.minor}


def test_after_an_outage_one_reminder_is_enough() -> None:
    story = at("closed", due_days=30).later(days=60).asked_to_pay().asked_to_pay()
    assert [each.type for each in reminders(looked_after(story, 9))] == [dunning.OVERDUE]


def test_what_is_paid_by_card_is_never_asked_for() -> None:
    story = looked_after(at("closed"), 60)
    assert (story.order.terms, reminders(story)) == ((), [])


@given(st.lists(st.integers(1, 6000), max_size=4))
def test_what_is_open_of_each_invoice_is_what_the_books_say(transfers: list[int]) -> None:
    story = at("closed", due_days=30, stock=APART)
    received = 0
    for minor in transfers:
        received += minor
        story.pays("captured", received=received)
    postings = [posting for made, _ in story.decisions for posting in made.postings]
    items, _ = open_items(postings)
    by_number = {item.reference.removeprefix("invoice:"): item.open for item in items}
    for invoice in story.invoices:
        expected = by_number.get(invoice.number, Money(0, invoice.currency))
        assert dunning.open_of(story.order, invoice.number) == expected


def test_a_reminder_is_not_sent_at_night() -> None:
    story = at("closed", due_days=30)
    look = dunning.next_look(story.order)
    assert look is not None
    night = story.later(days=26, hours=16).now
    assert night.date() == look.date() and night < look
    assert dunning.see_to(story.order, look - timedelta(seconds=1)) is None
    assert dunning.see_to(story.order, look) is not None


def test_what_was_sold_elsewhere_is_reminded_of_there_and_keeps_nobody_from_being_forgotten() -> (
    None
):
    story = at("packed", due_days=14)
    story._apply(Decision(advance(story.order, external_id="B-1")))
    for step in (story.shipped, story.invoiced, story.delivered, story.closed):
        step()
    assert story.order.owed
    looked_after(story, 60)
    assert reminders(story) == []
    assert in_the_way(story.order, (), story.now) is None
    assert in_the_way(at("closed", due_days=14).order, (), story.now) == "money"
