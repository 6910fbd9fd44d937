"""Payments by gift card, and at a till, after an order was placed: taken, released, given back by
our own booking. What goes back at a till is handed out there with the credit note that says so.

They are judged like a provider's (`capturing`, `authorization`), in the same form; what a provider
would do is done here, and committed with the order and the card in one transaction.
"""

from __future__ import annotations

from dataclasses import replace

from parcelway.domain.authorization import Undo, observe
from parcelway.domain.capturing import Step
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.gift_card import GiftCard
from parcelway.domain.gift_cards import moved
from parcelway.domain.money import Money, zero
from parcelway.domain.order import Order
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment, Payment


def held(payment: Payment) -> GatewayPayment:
    """What we hold for a payment by gift card. It never lapses, and any part of it can be taken."""
    currency = payment.amount.currency
    return GatewayPayment(
        reference=payment.reference,
        order_id=payment.order_id,
        attempt=payment.number,
        status=payment.status,
        amount=payment.amount,
        authorized=Money(payment.authorized, currency),
        captured=Money(payment.captured, currency),
        refunded=Money(payment.refunded, currency),
        multicapture=True,
    )


def settle(
    order: Order, payment: Payment, card: GiftCard | None, step: Step | Undo, facts: Facts
) -> Decision | None:
    """Do a step with a payment by gift card: what it frees is on the card again; or with one at a
    till (no `card`). None when it changes nothing. Raises ValueError for more than there is to take
    or to give back."""
    before = held(payment)
    after = _done(before, step)
    if not after.amount >= after.authorized >= after.captured >= after.refunded:
        raise ValueError(f"{step.action} of {step.amount} from {order.id} {payment.number}")
    decision = observe(order, payment, after, facts)
    freed = before.authorized - after.authorized + after.refunded - before.refunded
    if decision is None or card is None or not freed:
        return decision
    change = moved(card, "returned", freed.minor, order, SYSTEM, facts.now)
    return replace(decision, cards=(change,))


def _done(seen: GatewayPayment, step: Step | Undo) -> GatewayPayment:
    """The payment after the step, as a provider would tell of it."""
    if step.action == "refund":
        return replace(seen, refunded=seen.refunded + step.amount)
    if step.action == "void":
        return replace(seen, status="voided", authorized=zero(seen.amount.currency))
    captured = seen.captured + step.amount
    if (isinstance(step, Step) and step.final) or captured == seen.authorized:
        return replace(seen, status="captured", authorized=captured, captured=captured)
    return replace(seen, captured=captured)
