"""Taking the money for what has left, and giving back what is too much: the provider first, then
the books. What a gift card pays is in our own books alone: one transaction.

The state machine asks for it when a shipment was invoiced or cancelled, the queue when something
else changed what an order comes to: units were cancelled, a credit note was issued.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain import fulfilment
from parcelway.domain.authorization import (
    NO_AUTHORIZATION,
    awaits_money,
    capture_failed,
    observe,
    vanished,
)
from parcelway.domain.capturing import Step, next_step, owed
from parcelway.domain.card_payments import held, settle
from parcelway.domain.facts import Facts
from parcelway.domain.gift_card import GIFT_CARD
from parcelway.domain.payment import AT_TILL, GatewayPayment, Payment
from parcelway.ports import clock
from parcelway.ports.faults import discreet
from parcelway.ports.gateway import gateway
from parcelway.ports.messages import consume
from parcelway.ports.payments import GatewayRefused, PaymentDeclined, PaymentGateway
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.database import database
from parcelway.store.gift_cards import the_card
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.saving import save
from parcelway.store.shop import load_shop

logger = Logger(service="capture")
_OURS = (GIFT_CARD, *AT_TILL)  # methods without a provider
db = cache(database)


class CaptureRefused(Exception):
    """The money cannot be taken for now; the state machine catches this by name."""


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Do all that is to be done with an order's payments (`capturing`), or with those of a batch.

    A provider that refuses leaves an alert on the order: the goods have left, so this is a person's
    business. CaptureRefused has the state machine try again later, as long as the issuer may think
    better of it or the customer may pay once more; the order does not close before.
    """
    if "Records" in event:
        return consume(event, logger, _handle)
    _settle(event["order_id"])
    return {}


def _handle(message: dict[str, Any]) -> None:
    """What an event asks for. With nothing else to come the order is over: no wave ends it."""
    order_id = message["detail"]["order_id"]
    try:
        _settle(order_id)
    except CaptureRefused:
        return  # noted on the order; the state machine comes again for what has left
    until_fresh(lambda: _close(order_id))


def _settle(order_id: str) -> None:
    while until_fresh(lambda: _one_step(order_id)):
        pass


def _close(order_id: str) -> None:
    dossier, facts = _dossier(order_id), Facts(load_shop(db()), clock.now())
    decision = fulfilment.close(dossier.order, facts)
    if decision is not None:
        save(db(), decision, facts.now)


def _one_step(order_id: str) -> bool:
    """Do the next step, if there is one, and record what is then true; whether there is more."""
    dossier, facts = _dossier(order_id), Facts(load_shop(db()), clock.now())
    if dossier.order.state not in ("confirmed", "closed"):
        return False  # what an order that ended may keep is the payment worker's business
    paying = sorted((p for p in dossier.payments if p.counts), key=lambda p: p.number)
    seen = [_seen(payment) for payment in paying]
    step = next_step(dossier.order, dossier.shipments, dossier.invoices, seen, facts.now)
    if step is None:
        if any(_recorded(dossier, p, now, facts) for p, now in zip(paying, seen, strict=True)):
            return True
        held = any(now.status == "authorized" for now in seen)
        if owed(dossier.order, dossier.invoices, seen).minor > 0 and not held:
            _failed(dossier, NO_AUTHORIZATION, facts)
        return False
    payment = next(p for p in paying if p.reference == step.reference)
    if payment.method in _OURS:
        return _settled(dossier, payment, step, facts)
    try:
        after = _done(step, gateway(payment.method))
    except (PaymentDeclined, GatewayRefused) as refused:
        # Perhaps only because somebody else's step came first; that one is recorded.
        seen_now = _seen(payment)
        if _recorded(dossier, payment, seen_now, facts):
            raise Stale from None
        _failed(dossier, refused.code, facts)
        return False
    if not _recorded(dossier, payment, after, facts):
        return False
    # What a step changes is in the payments: to know that it was the last, nothing is read again.
    now_seen = [after if now.reference == step.reference else now for now in seen]
    order, shipments, invoices = dossier.order, dossier.shipments, dossier.invoices
    return next_step(order, shipments, invoices, now_seen, facts.now) is not None


def _seen(payment: Payment) -> GatewayPayment:
    """The payment as it is now. One that its provider does not know holds nothing, and is in the
    way of no other; that it vanished, the payment worker notes."""
    if payment.method in _OURS:
        return held(payment)
    try:
        return gateway(payment.method).retrieve(payment.reference)
    except GatewayRefused as refused:
        if refused.code != "resource_missing":
            raise
        return vanished(payment)


def _settled(dossier: Dossier, payment: Payment, step: Step, facts: Facts) -> bool:
    """Do a step that is a booking of our own; whether it changed anything."""
    card = the_card(db(), payment) if payment.method == GIFT_CARD else None
    decision = settle(dossier.order, payment, card, step, facts)
    if decision is not None:
        save(db(), decision, facts.now)
    return decision is not None


def _done(step: Step, provider: PaymentGateway) -> GatewayPayment:
    """The payment after the step was done at its provider."""
    if step.action == "capture":
        return provider.capture(step.reference, step.amount, key=step.key, final=step.final)
    if step.action == "void":
        return provider.void(step.reference, key=step.key)
    return provider.refund(step.reference, step.amount, key=step.key)


def _recorded(dossier: Dossier, payment: Payment, seen: GatewayPayment, facts: Facts) -> bool:
    """Record what the provider holds; whether that was news."""
    decision = observe(dossier.order, payment, seen, facts)
    if decision is not None:
        save(db(), decision, facts.now)
    return decision is not None


def _failed(dossier: Dossier, code: str, facts: Facts) -> None:
    """Note on the order what a provider refused. Raises CaptureRefused while there is hope."""
    logger.error("refused", order=dossier.order.id, code=code)
    decision = capture_failed(dossier.order, code, facts.now)
    if decision is not None:
        save(db(), decision, facts.now)
    if awaits_money(dossier.order):
        raise CaptureRefused


def _dossier(order_id: str) -> Dossier:
    dossier = get_dossier(db(), order_id)
    if dossier is None:
        raise LookupError(f"no order {order_id}")
    return dossier
