"""A link to pay: how long it holds the goods, and when there is none to send."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.commands import command
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.pay_links import send_link
from parcelway.domain.refusals import Reason, Refusal

from tests.orders import Story, at

CLERK = Actor("staff", "clerk")
DAY = timedelta(minutes=1440)


PAGE = "https://shop.example/pay"


def sent(
    story: Story, order: Order | None = None, later: timedelta = timedelta(0), page: str = PAGE
) -> Any:
    facts = replace(story.facts, now=story.now + later)
    return send_link(order or story.order, CLERK, facts, command("k", "r"), page)


def test_the_goods_are_held_for_the_time_of_a_link() -> None:
    story = at("placed")
    decision = sent(story)
    placed_at = story.order.placed_at
    assert placed_at is not None
    assert decision.order.hold_until == placed_at + DAY
    (told,) = decision.events
    assert (told.type, told.actor) == ("payment.link_sent", CLERK)
    assert told.data["until"] == (placed_at + DAY).isoformat()
    assert told.data["amount"] > 0


def test_sending_it_again_holds_them_no_longer() -> None:
    story = at("placed")
    first = sent(story).order
    again = sent(story, first, timedelta(hours=20)).order
    assert again.hold_until == first.hold_until
    with pytest.raises(Refusal) as refused:
        sent(story, again, DAY)
    assert refused.value.reason is Reason.TOO_LATE


def test_a_hold_is_never_made_shorter() -> None:
    story = at("placed")
    longer = replace(story.order, hold_until=story.now + 3 * DAY)
    assert sent(story, longer).order.hold_until == longer.hold_until


@pytest.mark.parametrize("stage", ["draft", "confirmed"])
def test_only_what_was_placed_and_is_not_paid_has_a_link(stage: Any) -> None:
    with pytest.raises(Refusal) as refused:
        sent(at(stage))
    assert refused.value.reason is Reason.ILLEGAL_STATE


def test_what_is_paid_on_account_has_none() -> None:
    story = at("placed")
    with pytest.raises(Refusal) as refused:
        sent(story, replace(story.order, payment_method="invoice"))
    assert refused.value.reason is Reason.ILLEGAL_STATE


def test_a_shop_without_a_page_to_pay_on_sends_no_link() -> None:
    with pytest.raises(Refusal) as refused:
        sent(at("placed"), page="")
    assert refused.value.reason is Reason.NO_PAYMENT_PAGE
