"""What the payment provider holds, brought into line with the order, and the other way round.

Consumes references from the webhook and the reconciler, and events of orders that ended and must
keep no money and no card, whose money will be held no longer, or that lack some which a kept card
can be charged for. In any case
the payment is read from the provider, what the order may not keep is given back there, and what is
then true is committed. Every step may be repeated.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain.authorization import (
    PROVIDER,
    Undo,
    card_refused,
    note_vanished,
    numbered,
    observe,
    to_authorize,
    undo_first,
    vanished,
)
from parcelway.domain.cancellation import cancel
from parcelway.domain.card_payments import held, settle
from parcelway.domain.disputes import observe as observe_disputes
from parcelway.domain.dues import asked_of_card, card_forgotten, to_forget, to_pay
from parcelway.domain.facts import Facts
from parcelway.domain.gift_card import GIFT_CARD
from parcelway.domain.order import Order
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.ports import clock
from parcelway.ports.gateway import cards, disputes, gateway
from parcelway.ports.messages import consume
from parcelway.ports.payments import GatewayRefused, PaymentDeclined, PaymentGateway
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.gift_cards import the_card
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.saving import save
from parcelway.store.selling import read_facts, selling
from parcelway.store.shop import load_shop

# Why the stock of an order that held none cannot be taken, as the reason that it ends for: others
# have bought it, or what is left lies at more places than one transaction can take it from.
_HOPELESS = {Reason.OUT_OF_STOCK: "out_of_stock", Reason.TOO_MANY_LINES: "too_many_places"}
logger = Logger(service="payment_worker")
db = cache(database)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle a batch of PaymentsQueue; messages that fail come again, alone."""
    return consume(event, logger, _handle)


def _handle(message: dict[str, Any]) -> None:
    if "payment" in message:
        reference = message["payment"]
        order_id = message.get("order") or gateway("card").retrieve(reference).order_id
        if not order_id:
            logger.info("payment of another system", payment=reference)
            return
        _settle(reference, order_id)
        if message.get("about") == "dispute":
            until_fresh(lambda: _note_disputes(order_id, reference))
        return
    order_id = message["detail"]["order_id"]
    if message["detail-type"] == "payment.due":
        until_fresh(lambda: _charge_again(order_id))
        return
    dossier = _dossier(order_id)
    for payment in dossier.payments:
        _settle(payment.reference, order_id)
    if dossier.order.card:
        until_fresh(lambda: _note_forgotten(order_id))


def _charge_again(order_id: str) -> None:
    """Have what an order lacks held on the card that was kept for it, and if that does not do, have
    the customer asked.

    A crash before the payment is recorded leads to the same payment again. A customer who pays by
    the link meanwhile is either first, and this payment is undone, or gets theirs back.
    """
    order = _dossier(order_id).order
    if not asked_of_card(order):
        return
    try:
        try:
            seen = _charged(order, order.payment_attempts + 1)
        except GatewayRefused as refused:
            if refused.code != "idempotency_error":
                raise
            seen = _charged(order, order.payment_attempts + 2)  # the link's is not recorded yet
    except (PaymentDeclined, GatewayRefused) as refused:
        decision = card_refused(order, refused.code, clock.now())
        if decision is not None:
            save(db(), decision, clock.now())
        return
    _settle(seen.reference, order_id)


def _charged(order: Order, attempt: int) -> GatewayPayment:
    return cards().charge_again(
        order_id=order.id,
        attempt=attempt,
        amount=to_pay(order),
        description=f"Order {order.tracking_number}",
        receipt_reference=order.tracking_number,
        like=order.card,
    )


def _settle(reference: str, order_id: str) -> None:
    """Bring one payment and its order into line, and have its card deleted that is of no more
    use."""
    try:
        seen = selling(db(), clock.now(), lambda: _align(order_id, reference))
    except Refusal as refusal:
        why = _HOPELESS.get(refusal.reason)
        if why is None:
            raise
        until_fresh(lambda: _give_up(order_id, why))
        seen = until_fresh(lambda: _align(order_id, reference))
    if seen is not None and seen.keeps_card and to_forget(_dossier(order_id).order, seen):
        logger.info("forget card", order=order_id, payment=reference)
        cards().forget_card(reference)


def _note_forgotten(order_id: str) -> None:
    """Of all payments of an order that is over no card is kept any more."""
    decision = card_forgotten(_dossier(order_id).order, clock.now())
    if decision is not None:
        save(db(), decision, clock.now())


def _align(order_id: str, reference: str) -> GatewayPayment | None:
    """The payment as it is once it and its order are in line; None for a gift card's.

    Reads the order, then the provider: so what is seen there is never older than the order.
    """
    dossier = _dossier(order_id)
    payment = dossier.payment(reference)
    if payment is not None and payment.method == GIFT_CARD:
        _return(dossier.order, payment)
        return None
    seen = _seen(dossier, reference)
    undo = undo_first(dossier.order, payment, seen)
    if undo is not None and dossier.order.state in ("expired", "cancelled"):
        _record(dossier, seen)  # that there was money is told, also when we crash before the undo
        dossier = _dossier(order_id)
    seen = _undone(dossier, undo, seen) if undo else seen
    _record(dossier, seen)
    return seen


def _return(order: Order, payment: Payment) -> None:
    """Put back onto a gift card what an order that has ended may not keep: our own booking."""
    undo = undo_first(order, payment, held(payment))
    if undo is None:
        return
    facts = Facts(load_shop(db()), clock.now())
    decision = settle(order, payment, the_card(db(), payment), undo, facts)
    if decision is not None:
        save(db(), decision, facts.now)


def _seen(dossier: Dossier, reference: str) -> GatewayPayment:
    """The payment, authorised where the shop has to. What is refused then is asked for again by
    the customer, or paid another way."""
    provider, payment = _provider(dossier, reference), dossier.payment(reference)
    try:
        seen = provider.retrieve(reference)
    except GatewayRefused as refused:
        if payment is None or refused.code != "resource_missing":
            raise
        return _vanished(dossier.order.id, payment)
    if not to_authorize(dossier.order, payment, seen):
        return seen
    try:
        return provider.authorize(reference)
    except PaymentDeclined as declined:
        logger.info("declined", payment=reference, code=declined.code)
        return seen


def _vanished(order_id: str, payment: Payment) -> GatewayPayment:
    """A payment that the order knows and the provider does not, once somebody is told of it."""
    logger.error("the provider does not know it", order=order_id, payment=payment.reference)
    until_fresh(lambda: _note_vanished(order_id, payment))
    return vanished(payment)


def _note_vanished(order_id: str, payment: Payment) -> None:
    decision = note_vanished(_dossier(order_id).order, payment, clock.now())
    if decision is not None:
        save(db(), decision, clock.now())


def _record(dossier: Dossier, seen: GatewayPayment) -> None:
    facts = Facts(load_shop(db()), clock.now())
    if any(line.count("open") for line in dossier.order.lines):
        facts = read_facts(db(), dossier.order, facts.now)
    payment = dossier.payment(seen.reference)
    if payment is None:
        seen = numbered(dossier.order, dossier.payments, seen)
    decision = observe(dossier.order, payment, seen, facts)
    if decision is not None:
        save(db(), decision, facts.now)


def _dossier(order_id: str) -> Dossier:
    dossier = get_dossier(db(), order_id)
    if dossier is None:
        raise LookupError(f"order {order_id} does not exist")
    return dossier


def _provider(dossier: Dossier, reference: str) -> PaymentGateway:
    """The gateway of a payment; one not known yet is from Stripe's webhook."""
    payment = dossier.payment(reference)
    return gateway(payment.method if payment else "card")


def _undone(dossier: Dossier, undo: Undo, seen: GatewayPayment) -> GatewayPayment:
    """The payment after money that the order may not keep was given back.

    A provider that has moved on meanwhile refuses; the message comes again and is judged anew. What
    is disputed is with the customer's bank: it is given back when the dispute was won.
    """
    key = f"undo:{dossier.order.id}:{undo.reference}"
    logger.info("undo", action=undo.action, order=dossier.order.id, payment=undo.reference)
    provider = _provider(dossier, undo.reference)
    if undo.action == "void":
        return provider.void(undo.reference, key=key)
    try:
        return provider.refund(undo.reference, undo.amount, key=key)
    except GatewayRefused as refused:
        if refused.code != "charge_disputed":
            raise
        return seen


def _note_disputes(order_id: str, reference: str) -> None:
    """Record the disputes of a payment: the order is read first, so what is seen is never older."""
    dossier, now = _dossier(order_id), clock.now()
    known = [dispute for dispute in dossier.disputes if dispute.payment == reference]
    seen = disputes().of_payment(reference)
    decision = observe_disputes(dossier.order, known, seen, now)
    if decision is not None:
        save(db(), decision, now)


def _give_up(order_id: str, why: str) -> None:
    """End an order whose goods cannot be had any more when its payment comes through."""
    dossier, now = _dossier(order_id), clock.now()
    if dossier.order.state == "placed":
        save(db(), cancel(dossier.order, (), why, PROVIDER, now), now)
