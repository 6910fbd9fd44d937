"""The invoice of a shipment that has left: one number, no gap, whatever crashes in between."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain.facts import Facts
from parcelway.domain.invoicing import issue
from parcelway.ports import clock
from parcelway.ports.faults import discreet
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import get_counter, get_dossier, save
from parcelway.store.shop import load_shop

logger = Logger(service="invoicing")
db = cache(database)


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    """Issue the invoice of a shipment; its number, the same one when it is asked again.

    Counter, invoice, shipment, order and posting are one transaction, so a number is used
    exactly when its invoice exists.
    """
    number = until_fresh(lambda: _issue(event["order_id"], event["shipment_id"]))
    logger.info("invoice", order=event["order_id"], number=number)
    return {"invoice": number}


def _issue(order_id: str, shipment_id: str) -> str:
    dossier = get_dossier(db(), order_id)
    if dossier is None:
        raise LookupError(f"no order {order_id}")
    shipment = dossier.shipment(shipment_id)
    shop = load_shop(db())
    facts = Facts(shop, clock.now())
    counter = get_counter(db(), shop.settings.invoice_series)
    decision = issue(dossier.order, shipment, dossier.shipments, counter, facts)
    if decision is None or decision.invoice is None:
        return shipment.invoice_number
    save(db(), decision, facts.now)
    return decision.invoice.number
