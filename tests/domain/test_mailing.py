"""Which events are mailed: a voided payment only to who paid for an order that had expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from parcelway.domain.mailing import KINDS, is_over, mailed
from parcelway.domain.order import totals

from tests.orders import Story, at


def released(story: Story) -> Story:
    """The provider holds the money, and lets it go."""
    story.pays("authorized", authorized=totals(story.order).gross.minor)
    return story.pays("voided", authorized=0)


def paying() -> Story:
    return at("placed").pays("awaiting_customer", authorized=0)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (released(paying().expired()), True),
        (paying().expired().pays("voided", authorized=0), False),  # nobody paid
        (released(paying().cancelled()), False),
        (released(at("placed")), False),  # another card may be tried
        (at("confirmed").pays("voided", authorized=0), False),  # on hold until it is paid again
        (at("confirmed").cancelled().pays("voided", authorized=0), False),
    ],
)
def test_only_money_released_after_the_order_expired_is_a_mail(
    story: Story, expected: bool
) -> None:
    assert mailed(story.event("payment.voided"), story.order) is expected


def test_a_release_is_not_mailed_because_the_order_expires_later() -> None:
    story = released(paying().expired())
    event, ended = story.event("payment.voided"), story.order.ended_at
    assert ended is not None
    assert mailed(replace(event, at=ended), story.order)
    assert not mailed(replace(event, at=at("placed").now), story.order)


@pytest.mark.parametrize("data", [{}, {"amount": 0}, {"payment": 1}])
def test_without_an_amount_nothing_was_released(data: dict[str, int]) -> None:
    story = released(paying().expired())
    event = story.event("payment.voided")
    assert event.data["amount"] == totals(story.order).gross.minor
    assert not mailed(replace(event, data=data), story.order)


def test_what_is_mailed_depends_on_the_order_for_voided_payments_only() -> None:
    stories = (
        at("closed").refunded(500),
        at("closed", method="pickup"),
        at("packed").cancelled(),
        paying().expired(),
    )
    for story in stories:
        for event in story.events:
            told = event.type in KINDS and event.type != "payment.voided"
            assert mailed(event, story.order) is told, event.type


def test_a_link_to_pay_is_mailed_only_while_it_can_be_paid() -> None:
    story = at("placed").linked()
    event, until = story.event("payment.link_sent"), story.order.hold_until
    assert mailed(event, story.order)
    assert until is not None
    assert not is_over(event, story.order, until - timedelta(seconds=1))
    assert is_over(event, story.order, until)
    for order in (
        at("confirmed").order,
        at("placed").cancelled().order,
        at("placed").expired().order,
    ):
        assert is_over(event, replace(order, hold_until=until), story.now)


def test_what_happened_is_told_however_late() -> None:
    for story in (at("closed"), at("packed").cancelled(), paying().expired()):
        late = story.now + timedelta(days=99)
        assert not any(is_over(event, story.order, late) for event in story.events)
