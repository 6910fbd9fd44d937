"""Reconciling: whatever was not heard of, what the provider has and what orders know come to agree,
and no payment slips between two windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.authorization import GRACE, numbered
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.reconciling import (
    OVERLAP,
    REVIEW_EVERY,
    REVIEWED,
    SETTLING,
    Progress,
    Review,
    begin,
    compare,
    difference,
    differs,
    may_be_held,
    reach,
    reviewed,
    reviewing,
    turned,
    unlisted,
)
from parcelway.domain.settlement import Resolution, resolve

from tests.domain.test_authorization import GROSS, World, histories, played, reading
from tests.orders import START, at

HELD = {"status": "authorized", "authorized": GROSS}
EUROS, NO_EUROS = Money(GROSS.minor, "EUR"), Money(0, "EUR")
IN_EUROS = replace(
    reading(**HELD), amount=EUROS, authorized=EUROS, captured=NO_EUROS, refunded=NO_EUROS
)
TAKEN = HELD | {"status": "captured", "captured": GROSS}


@given(histories(), st.integers(0, 2**9))
def test_what_was_never_heard_of_comes_right(history: list[tuple[str, Any]], lost: int) -> None:
    """Of the reports of a history some, or all, are lost; then everything is reconciled."""
    heard = [step for n, step in enumerate(history) if step[0] != "report" or not lost >> n % 9 & 1]
    world = played([*heard], settled=False)
    for _ in range(3):
        for attempt, seen in sorted(world.held.items()):
            verdict = compare(world.order, world.kept.get(attempt), seen, world.story.now)
            assert verdict in ("agrees", "ask"), verdict  # all of it can be brought into line
            if verdict == "ask":
                world.report(seen)
                world.check()
    for attempt, seen in world.held.items():
        known = world.kept.get(attempt)
        assert compare(world.order, known, seen, world.story.now) == "agrees"
        keeps = seen.authorized > seen.refunded
        assert not keeps or (known is not None and known.counts)
        if world.order.state in ("cancelled", "expired"):
            assert not keeps, "an order that has ended keeps money"
    secured = sum(p.authorized for p in world.kept.values() if p.counts)
    assert world.order.secured == secured


@given(histories())
def test_what_was_all_heard_of_is_left_alone(history: list[tuple[str, Any]]) -> None:
    world = played(history)
    for attempt, seen in world.held.items():
        kept = world.kept[attempt]
        assert not differs(kept, seen, world.story.now)
        assert compare(world.order, kept, seen, world.story.now) == "agrees"


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (reading(**HELD), "ask"),
        (reading(**TAKEN), "ask"),
        (reading(amount=GROSS.minor - 1, **HELD), "ask"),  # given back: not what is to be paid
        (reading(), "agrees"),  # nobody has paid: the customer is at it
        (reading(status="voided"), "agrees"),
        (reading(**TAKEN | {"refunded": GROSS}), "agrees"),
        (IN_EUROS, "currency_differs"),
    ],
)
def test_of_a_payment_that_no_order_knows_only_money_matters(
    seen: GatewayPayment, verdict: str
) -> None:
    order = at("placed").order
    assert compare(order, None, seen, START) == verdict
    with_money = seen.authorized > seen.refunded
    assert compare(None, None, seen, START) == ("unknown_order" if with_money else "agrees")


def test_an_ended_order_takes_nothing_and_leaves_nothing_open() -> None:
    order = at("placed").cancelled().order
    for seen in (reading(**HELD), reading(**TAKEN), reading()):
        assert compare(order, None, seen, START) == "ask"


def test_an_order_that_counts_on_what_is_not_there_is_told_or_shown_to_finance() -> None:
    """Held and let go: the worker hears of it. Taken and not there: nobody but a person can say."""
    story = at("confirmed")
    held, payment = story.seen, story.payment
    assert held is not None and payment is not None
    nothing = Money(0, "USD")
    gone = replace(held, status="voided", authorized=nothing)
    assert compare(story.order, payment, gone, story.now) == "ask"
    taken = at("captured")
    assert taken.payment is not None
    for less in (held, gone):
        less = replace(less, reference=taken.payment.reference)
        assert compare(taken.order, taken.payment, less, taken.now) == "status_differs"
    other = replace(held, amount=held.amount + Money(1, "USD"))
    assert compare(story.order, payment, other, story.now) == "amount_differs"


def test_finance_sees_both_sides_and_decides_once() -> None:
    story = at("captured")
    payment, seen = story.payment, story.seen
    assert payment is not None and seen is not None
    nothing = Money(0, "USD")
    gone = replace(seen, status="voided", authorized=nothing, captured=nothing, made_at=START)
    item = difference("status_differs", payment, gone, story.now)
    assert item.difference is not None and item.difference.order is not None
    assert (item.payout, item.amount, item.since) == ("", nothing, START)
    assert item.difference.provider.status == "voided"
    assert item.difference.order.captured == totals(story.order).gross
    done = resolve(item, None, Resolution("fin_1", START, "paid in cash", "k", "f"))
    assert (done.after, done.postings, done.opened) == (None, (), ())
    assert done.closed[0].resolution is not None
    assert difference("amount_differs", payment, gone, story.now).id != item.id


def test_a_payment_made_by_hand_takes_no_other_ones_number() -> None:
    story = at("confirmed")
    assert story.payment is not None
    for attempt in (0, 1):
        seen = numbered(story.order, [story.payment], reading(attempt, **HELD))
        assert seen.attempt == 2
    assert numbered(story.order, [story.payment], reading(7)).attempt == 7
    world = World()
    world.held[1] = reading(1, **HELD)
    world.report(world.held[1])
    assert (world.order.state, list(world.kept)) == ("confirmed", [1])


# ---- windows


BACK = reach(timedelta(minutes=90))
runs = st.lists(
    st.tuples(st.integers(1, 5000), st.integers(1, 4), st.booleans()), min_size=1, max_size=30
)


@given(runs)
def test_no_moment_is_left_out_and_each_is_seen_again(
    runs: Sequence[tuple[int, int, bool]],
) -> None:
    """Runs at any distance, cut off after any page or made twice at the same time."""
    known, now, seen = Progress(), START, list[tuple[Any, Any]]()
    for minutes, pages, cut_off in runs:
        now += timedelta(minutes=minutes)
        before = known.heard_until
        known = begin(known, now, BACK)
        assert known.window is not None
        since, until = known.window
        assert since < until <= now - SETTLING
        for page in range(pages):
            last = page + 1 == pages and not cut_off
            known = turned(known, "" if last else f"pi_{page}")
        if known.window is None:
            seen.append((since, until))
            assert known.heard_until == max(until, before or until)
        else:
            assert known.heard_until == before
    for (_, until), (since, _) in pairwise(seen):
        assert since <= until - BACK
    assert known.version == sum(pages for _, pages, _ in runs)


@given(hold=st.integers(1, 10_080), graced=st.booleans(), every=st.integers(1, 60))
def test_a_payment_is_seen_again_after_the_last_moment_in_which_it_can_be_paid(
    hold: int, graced: bool, every: int
) -> None:
    """Made with its order, paid when the hold is over, GRACE included, and no webhook tells."""
    back = reach(timedelta(minutes=hold))
    assert back >= OVERLAP
    made, paid = START, START + timedelta(minutes=hold) + (GRACE if graced else timedelta(0))
    known, now, seen = Progress(heard_until=START), START, False
    while now <= paid + timedelta(minutes=every) + SETTLING:
        now += timedelta(minutes=every)
        known = begin(known, now, back)
        assert known.window is not None
        since, until = known.window
        seen = seen or (now >= paid and since <= made < until)
        known = turned(known, "")
    assert seen


def test_a_review_is_begun_at_first_and_once_a_day_and_windows_stay_short() -> None:
    known, begun, spans = Progress(), list[int](), list[timedelta]()
    for hour in range(50):
        now = START + timedelta(hours=hour)
        assert reviewing(Progress(), now).review is None  # nothing was heard of yet
        under_way = begin(known, now, OVERLAP)
        assert under_way.window is not None
        spans.append(under_way.window[1] - under_way.window[0])
        known = reviewing(turned(under_way, ""), now)
        if known.review is not None:
            begun.append(hour)
            assert known.heard_until is not None
            assert known.review.since == known.heard_until - REVIEWED
            assert known.review.until == known.heard_until - OVERLAP
            while known.review is not None:
                known = reviewed(known, "")
    assert begun == [0, 24, 48]
    assert max(spans) == OVERLAP + timedelta(hours=1)
    after_an_outage = begin(known, START + timedelta(days=20), OVERLAP)
    assert after_an_outage.window is not None
    assert known.heard_until is not None
    assert after_an_outage.window[0] == known.heard_until - OVERLAP


@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    days=st.lists(st.integers(0, 3), max_size=30),
)
def test_a_review_goes_on_over_any_runs_with_one_window_and_ends(
    sizes: tuple[int, int, int], days: list[int]
) -> None:
    """However long it takes; the windows of the new payments turn meanwhile."""
    known, now = replace(Progress(), heard_until=START), START
    known = reviewing(known, now)
    first, steps = known.review, list[tuple[str, str]]()
    waits = iter(days)
    assert first is not None
    while known.review is not None:
        review = known.review
        assert (review.since, review.until) == (first.since, first.until)
        steps.append((review.stage, review.after))
        version, number = known.version, len([s for s, _ in steps if s == review.stage])
        size = sizes[("open", "listing", "held").index(review.stage)]
        known = reviewed(known, "" if number == size else f"{review.stage}_{number}")
        assert known.version == version + 1
        if known.review is not None:
            assert known.review.pages == min(len([s for s, _ in steps if s == "listing"]), sizes[1])
        now += timedelta(days=next(waits, 0))
        known = reviewing(turned(begin(known, now, OVERLAP), ""), now) if known.review else known
    expected = [
        (stage, f"{stage}_{n}" if n else "")
        for stage, size in zip(("open", "listing", "held"), sizes, strict=True)
        for n in range(size)
    ]
    assert steps == expected
    assert reviewing(known, START + REVIEW_EVERY - timedelta(minutes=1)).review is None
    with pytest.raises(ValueError, match="no review"):
        reviewed(known, "")


def test_what_an_order_may_count_on_is_what_is_not_over() -> None:
    statuses = ("awaiting_customer", "processing", "authorized", "captured", "voided")
    seen = [replace(reading(), reference=status, status=status) for status in statuses]
    assert list(may_be_held(seen)) == ["awaiting_customer", "processing", "authorized"]


@given(minutes=st.lists(st.integers(-20 * 1440, 60), min_size=1, max_size=8), shown=st.integers())
def test_what_a_review_must_have_shown_and_did_not(minutes: list[int], shown: int) -> None:
    """Never one that was listed, nor one that was made outside of what was looked at."""
    story = at("confirmed")
    assert story.payment is not None
    held = [
        replace(story.payment, reference=f"pi_{n}", created_at=START + timedelta(minutes=away))
        for n, away in enumerate(minutes)
    ]
    listed = {payment.reference for n, payment in enumerate(held) if shown >> n & 1}
    review = Review(START - REVIEWED, START - OVERLAP)
    found = {payment.reference for payment in unlisted(held, listed, review)}
    assert not found & listed
    for payment in held:
        inside = review.since + OVERLAP <= payment.created_at < review.until
        assert (payment.reference in found) == (inside and payment.reference not in listed)
