"""Disputes: however they are told of, order, books and provider agree on what the bank took."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import ledger
from parcelway.domain.attention import due_at
from parcelway.domain.decision import Decision
from parcelway.domain.dispute import Dispute
from parcelway.domain.disputes import DISPUTE, observe
from parcelway.domain.fulfilment import require_free
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.refusals import Reason, Refusal

from tests.orders import START, Stage, at

LATER = START + timedelta(days=20)
GROSS = totals(at("captured").order).gross.minor
# How a dispute may go, as (status, inquiry) in turn.
PATHS = (
    (("needs_response", False), ("under_review", False), ("won", False)),
    (("needs_response", False), ("under_review", False), ("lost", False)),
    (("needs_response", False), ("lost", False), ("won", False)),
    (("needs_response", True), ("under_review", True), ("closed", True)),
    (("needs_response", True), ("needs_response", False), ("lost", False)),
)


def dispute(number: int = 1, amount: int = 500, **changes: Any) -> Dispute:
    fresh = Dispute(
        f"du_{number}",
        "pi_1",
        Money(amount, "USD"),
        "fraudulent",
        "needs_response",
        START,
        START + timedelta(days=14),
    )
    return replace(fresh, **changes)


def decided(order: Order, known: list[Dispute], *seen: Dispute) -> Decision:
    decision = observe(order, known, seen, LATER)
    assert decision is not None
    return decision


def holds(order: Order) -> list[str]:
    return [hold.detail for hold in order.holds if hold.code == DISPUTE]


def alerts(order: Order) -> list[tuple[str, str]]:
    return [(alert.code, alert.detail) for alert in order.alerts]


@st.composite
def lives(draw: st.DrawFn) -> list[list[Dispute]]:
    """Readings of a payment with up to three disputes: some steps unseen, others seen twice."""
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3))
    amounts = [draw(st.integers(1, GROSS)) for _ in paths]
    at_step = [-1] * len(paths)
    readings = []
    for _ in range(draw(st.integers(1, 10))):
        moved = draw(st.integers(0, len(paths) - 1))
        at_step[moved] = min(at_step[moved] + draw(st.integers(0, 3)), len(paths[moved]) - 1)
        reading = [
            dispute(number, amounts[number], status=path[step][0], inquiry=path[step][1])
            for number, (path, step) in enumerate(zip(paths, at_step, strict=True))
            if step >= 0
        ]
        readings.append(draw(st.permutations(reading)))
    return readings


@given(lives())
def test_order_and_books_say_what_the_bank_took(readings: list[list[Dispute]]) -> None:
    order = at("packed").order
    kept: dict[str, Dispute] = {}
    postings: list[ledger.Posting] = []
    for reading in readings:
        decision = observe(order, list(kept.values()), reading, LATER)
        if decision is None:
            continue
        assert decision.order.version == order.version + 1
        assert len(decision.events) == len(decision.disputes) > 0
        order = decision.order
        kept |= {each.reference: each for each in decision.disputes}
        postings += decision.postings
        assert observe(order, list(kept.values()), reading, LATER) is None
    assert set(kept.values()) == set(readings[-1])
    taken = sum(each.taken for each in kept.values())
    lost = sum(each.lost for each in kept.values())
    assert order.charged_back == taken
    booked = ledger.balances(postings)
    assert booked.get("gateway_clearing", 0) == -taken
    assert booked.get("chargebacks", 0) == taken - lost
    assert booked.get("chargeback_losses", 0) == lost
    assert len({(posting.subject, posting.reference) for posting in postings}) == len(postings)
    standing = {d.reference for d in kept.values() if d.open or d.status == "lost"}
    assert set(holds(order)) == standing and len(holds(order)) == len(standing)


def test_a_dispute_stops_what_has_not_left_until_it_is_won() -> None:
    story = at("packed")
    opened = decided(story.order, [], dispute())
    (shipment,) = story.shipments
    with pytest.raises(Refusal) as refused:
        require_free(opened.order, shipment)
    assert refused.value.reason is Reason.ILLEGAL_STATE and "dispute" in refused.value.detail
    won = decided(opened.order, [dispute()], dispute(status="won"))
    require_free(won.order, shipment)
    lost = decided(opened.order, [dispute()], dispute(status="lost"))
    assert holds(lost.order) == ["du_1"]
    assert lost.order.holds[0].since == opened.order.holds[0].since


def test_somebody_is_told_to_answer_and_how_it_ended() -> None:
    order = at("packed").order
    opened = decided(order, [], dispute())
    assert alerts(opened.order) == [("dispute_opened", "du_1")]
    assert [event.type for event in opened.events] == ["dispute.opened"]
    assert opened.events[0].data == {
        **{"dispute": "du_1", "payment": "pi_1"},
        **{"amount": 500, "status": "needs_response"},
    }
    answered = decided(opened.order, [dispute()], dispute(status="under_review"))
    assert alerts(answered.order) == alerts(opened.order)
    assert [event.type for event in answered.events] == ["dispute.updated"]
    lost = decided(answered.order, [dispute(status="under_review")], dispute(status="lost"))
    assert alerts(lost.order)[1:] == [("dispute_lost", "du_1")]
    assert [event.type for event in lost.events] == ["dispute.lost"]


def test_an_inquiry_holds_the_goods_and_takes_no_money_unless_it_becomes_a_chargeback() -> None:
    asked = dispute(inquiry=True)
    opened = decided(at("packed").order, [], asked)
    assert (holds(opened.order), opened.order.charged_back, opened.postings) == (["du_1"], 0, ())
    over = decided(opened.order, [asked], replace(asked, status="closed"))
    assert (holds(over.order), over.postings) == ([], ())
    charged = decided(opened.order, [asked], dispute())
    assert charged.order.charged_back == 500
    assert alerts(charged.order) == [("dispute_opened", "du_1")] * 2


def test_one_that_is_over_when_it_is_first_heard_of_is_recorded_as_that() -> None:
    order = at("packed").order
    lost = decided(order, [], dispute(status="lost"))
    assert [posting.reference.partition(":")[0] for posting in lost.postings] == [
        *("dispute", "dispute_lost"),
    ]
    won = decided(order, [], dispute(status="won"))
    assert (won.postings, holds(won.order), alerts(won.order)) == ((), [], [])


def test_what_is_decided_is_not_open_again() -> None:
    order = decided(at("packed").order, [], dispute(status="won")).order
    assert observe(order, [dispute(status="won")], [dispute()], LATER) is None
    assert observe(order, [dispute(status="won")], [dispute(status="lost")], LATER) is None


@pytest.mark.parametrize("stage", ["delivered", "closed"])
def test_an_order_that_has_ended_is_told_of_and_not_held(stage: Stage) -> None:
    order = decided(at(stage).order, [], dispute()).order
    assert alerts(order) == [("dispute_opened", "du_1")]
    assert bool(holds(order)) == (stage == "delivered")


def test_a_cancelled_order_whose_money_the_bank_took_waits_for_nothing() -> None:
    order = at("confirmed").cancelled().order
    order = replace(order, payment_status="captured", captured=500, authorized=500)
    assert due_at(order, LATER) is not None
    assert due_at(replace(order, charged_back=500), LATER) is None
