"""Payment by link: who ordered at the desk pays alone, so that nobody else hears of a card.

The stock is held for longer than for who sits before a payment form, and for so long only, counted
from when the order was placed: sending the link again does not hold it any longer.
"""

from __future__ import annotations

from datetime import timedelta

from parcelway.domain.commands import Command, remember
from parcelway.domain.credit import METHOD
from parcelway.domain.decision import Decision
from parcelway.domain.dues import to_pay
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order, advance, happened, require
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal


def send_link(order: Order, actor: Actor, facts: Facts, asked: Command, page: str) -> Decision:
    """Have the customer mailed the link by which a placed order is paid, and wait for that. `page`
    is where it leads, '' in a shop that has no page to pay on.

    Raises Refusal ILLEGAL_STATE when there is nothing to pay by a link, NO_PAYMENT_PAGE when a link
    would lead nowhere, TOO_LATE when the time for it is over.
    """
    require(order, "placed")
    if not page:
        raise Refusal(
            Reason.NO_PAYMENT_PAGE, "This shop has no page on which an order is paid by a link."
        )
    if order.payment_method == METHOD:
        raise Refusal(Reason.ILLEGAL_STATE, "This order is paid on account, by no link.")
    assert order.placed_at is not None
    until = order.placed_at + timedelta(minutes=facts.shop.settings.payment_link_minutes)
    until = max(until, order.hold_until or until)
    if until <= facts.now:
        raise Refusal(Reason.TOO_LATE, "The time to pay this order is over.")
    after = advance(order, hold_until=until, commands=remember(order, asked))
    told = happened(
        after,
        facts.now,
        "payment.link_sent",
        actor,
        amount=to_pay(after).minor,
        until=until.isoformat(),
    )
    return Decision(after, told)
