"""Holds of money that end: looked at a day before, and once they are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from parcelway.domain import authorization, lapsing
from parcelway.domain.attention import due_at
from parcelway.domain.lapsing import BEFORE_LAPSE
from parcelway.domain.money import Money
from parcelway.domain.order import totals

from tests.orders import Story, at

WEEK = timedelta(days=7)


def held() -> Story:
    """A confirmed order whose money is held for a week."""
    story = at("placed").pays("awaiting_customer", authorized=0)
    assert story.seen is not None
    story.seen = replace(story.seen, capture_before=story.now + WEEK)
    return story.pays("authorized", authorized=totals(story.order).gross.minor)


def test_the_order_is_due_a_day_before_its_hold_lapses() -> None:
    story = held()
    assert story.payment is not None
    end = story.payment.capture_before
    assert end is not None
    assert story.order.lapses == {"1": end - BEFORE_LAPSE}
    quiet = due_at(story.scheduled().released().order, story.now + timedelta(days=4))
    assert quiet == end - BEFORE_LAPSE


def test_it_is_looked_at_twice_and_then_left_alone() -> None:
    story = held()
    assert story.payment is not None
    end = story.payment.capture_before
    assert end is not None
    payments = [story.payment]
    assert lapsing.see_to(story.order, payments, end - BEFORE_LAPSE - timedelta(seconds=1)) is None
    first = lapsing.see_to(story.order, payments, end - BEFORE_LAPSE)
    assert first is not None
    assert [(event.type, event.data) for event in first.events] == [
        ("payment.lapsing", {"payment": 1})
    ]
    assert lapsing.see_to(first.order, payments, end) is None
    second = lapsing.see_to(first.order, payments, end + timedelta(hours=1))
    assert second is not None
    assert second.order.lapses == {}
    assert lapsing.see_to(second.order, payments, end + WEEK) is None


def test_a_capture_in_between_does_not_start_it_again() -> None:
    story = held()
    assert story.payment is not None
    assert story.seen is not None
    end = story.payment.capture_before
    assert end is not None
    first = lapsing.see_to(story.order, [story.payment], end - BEFORE_LAPSE)
    assert first is not None
    some = replace(story.seen, captured=Money(100, story.order.currency))
    partly = authorization.observe(first.order, story.payment, some, story.facts)
    assert partly is not None
    assert partly.order.lapses == first.order.lapses


def test_what_was_captured_or_released_is_not_looked_at() -> None:
    gross = totals(held().order).gross.minor
    assert not held().pays("captured", captured=gross).order.lapses
    assert not held().pays("voided", authorized=0).order.lapses
