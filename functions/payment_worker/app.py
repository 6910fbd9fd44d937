"""What the payment provider holds, brought into line with the order, and the other way round.

Consumes references from the webhook, and events of orders that ended and must keep no money. In
either case the payment is read from the provider, what the order may not keep is given back
there, and what is then true is committed. Every step may be repeated.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain.authorization import PROVIDER, Undo, observe, undo_first
from parcelway.domain.cancellation import cancel
from parcelway.domain.facts import Facts
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.ports import clock
from parcelway.ports.gateway import gateway
from parcelway.ports.messages import consume
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_dossier, save
from parcelway.store.selling import read_facts, selling
from parcelway.store.shop import load_shop

logger = Logger(service="payment_worker")
db = cache(database)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle a batch of PaymentsQueue; messages that fail come again, alone."""
    return consume(event, logger, _handle)


def _handle(message: dict[str, Any]) -> None:
    if "payment" in message:
        _settle(message["payment"], message.get("order", ""))
        return
    for payment in _dossier(message["detail"]["order_id"]).payments:
        _settle(payment.reference, payment.order_id)


def _settle(reference: str, order_id: str) -> None:
    """Bring one payment and its order into line; '' asks the provider for the order."""
    order_id = order_id or gateway().retrieve(reference).order_id
    if not order_id:
        logger.info("payment of another system", payment=reference)
        return
    try:
        selling(db(), clock.now(), lambda: _align(order_id, reference))
    except Refusal as refusal:
        if refusal.reason is not Reason.OUT_OF_STOCK:
            raise
        until_fresh(lambda: _sold_out(order_id))
        until_fresh(lambda: _align(order_id, reference))


def _align(order_id: str, reference: str) -> None:
    """Read the order, then the provider: so what is seen there is never older than the order."""
    dossier = _dossier(order_id)
    seen = gateway().retrieve(reference)
    undo = undo_first(dossier.order, dossier.payment(reference), seen)
    if undo is not None and dossier.order.state in ("expired", "cancelled"):
        _record(dossier, seen)  # that there was money is told, also when we crash before the undo
        dossier = _dossier(order_id)
    _record(dossier, _undone(dossier, undo) if undo else seen)


def _record(dossier: Dossier, seen: GatewayPayment) -> None:
    facts = Facts(load_shop(db()), clock.now())
    if any(line.count("open") for line in dossier.order.lines):
        facts = read_facts(db(), dossier.order, facts.now)
    decision = observe(dossier.order, dossier.payment(seen.reference), seen, facts)
    if decision is not None:
        save(db(), decision, facts.now)


def _dossier(order_id: str) -> Dossier:
    dossier = get_dossier(db(), order_id)
    if dossier is None:
        raise LookupError(f"order {order_id} does not exist")
    return dossier


def _undone(dossier: Dossier, undo: Undo) -> GatewayPayment:
    """The payment after money that the order may not keep was given back.

    A provider that has moved on meanwhile refuses; the message comes again and is judged anew.
    """
    key = f"undo:{dossier.order.id}:{undo.reference}"
    logger.info("undo", action=undo.action, order=dossier.order.id, payment=undo.reference)
    if undo.action == "void":
        return gateway().void(undo.reference, key=key)
    return gateway().refund(undo.reference, undo.amount, key=key)


def _sold_out(order_id: str) -> None:
    """End an order whose goods were sold before its payment came through."""
    dossier, now = _dossier(order_id), clock.now()
    if dossier.order.state == "placed":
        save(db(), cancel(dossier.order, (), "out_of_stock", PROVIDER, now), now)
