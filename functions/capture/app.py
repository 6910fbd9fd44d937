"""Taking the money for what has left: the provider first, then the books."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain.authorization import awaits_money, capture_failed, observe, owed
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.status import waits
from parcelway.ports import clock
from parcelway.ports.faults import discreet
from parcelway.ports.gateway import gateway
from parcelway.ports.payments import GatewayRefused, PaymentDeclined
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_dossier, save
from parcelway.store.shop import load_shop

logger = Logger(service="capture")
db = cache(database)


class CaptureRefused(Exception):
    """The money cannot be taken for now; the state machine catches this by name."""


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Capture what is invoiced and not paid yet; the last shipment releases the rest.

    A hold that allows one capture only waits for the last shipment. A provider that refuses leaves
    an alert on the order: the goods have left, so this is a person's business. CaptureRefused has
    the state machine try again later, as long as the issuer may think better of it or the customer
    may pay once more; the order does not close before.
    """
    until_fresh(lambda: _capture(event["order_id"]))
    return {}


def _capture(order_id: str) -> None:
    dossier = get_dossier(db(), order_id)
    if dossier is None:
        raise LookupError(f"no order {order_id}")
    payment = next((p for p in reversed(dossier.payments) if p.authorized > p.refunded), None)
    facts = Facts(load_shop(db()), clock.now())
    refusal = ""
    try:
        if payment is None:
            _require_nothing_owed(dossier)
            return
        seen = _take(dossier, payment)
    except (PaymentDeclined, GatewayRefused) as refused:
        if payment is not None and _overtaken(dossier, payment, facts):
            raise Stale from None
        logger.error("capture refused", order=order_id, code=refused.code)
        refusal = refused.code
        decision = capture_failed(dossier.order, refusal, facts.now)
    else:
        decision = observe(dossier.order, payment, seen, facts)
    if decision is not None:
        save(db(), decision, facts.now)
    if refusal and awaits_money(dossier.order):
        raise CaptureRefused


def _take(dossier: Dossier, payment: Payment) -> GatewayPayment:
    """The payment after what is owed was captured; a hold for one capture waits for the last."""
    invoiced = all(s.invoice_number or s.status == "cancelled" for s in dossier.shipments)
    final = invoiced and not waits(dossier.order)
    seen = gateway().retrieve(payment.reference)
    amount = owed(dossier.invoices, seen.captured)
    # Nothing owed and nothing more to come: what is still held of the rest is let go.
    rest = final and seen.captured and seen.status == "authorized"
    if not (final or seen.multicapture) or not (amount.minor > 0 or (rest and not amount)):
        return seen
    # Named by where it starts: the same amount from the same point on is the same capture.
    key = f"from:{seen.captured.minor}"
    return gateway().capture(payment.reference, amount, key=key, final=final)


def _overtaken(dossier: Dossier, payment: Payment, facts: Facts) -> bool:
    """Whether the refusal was because another capture came first; that one is recorded."""
    news = observe(dossier.order, payment, gateway().retrieve(payment.reference), facts)
    if news is not None:
        save(db(), news, facts.now)
    return news is not None


def _require_nothing_owed(dossier: Dossier) -> None:
    """Raises PaymentDeclined when goods left for an order without a payment to take it from."""
    if owed(dossier.invoices, Money(dossier.order.captured, dossier.order.currency)).minor > 0:
        raise PaymentDeclined("no_authorization")
