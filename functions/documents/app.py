"""Makes the PDF of every invoice that is issued, once, and keeps it.

Consumes DocumentsQueue. The invoice is frozen and the file is written only where there is none, so
a repeat changes nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from invoice_pdf import render
from parcelway.domain.order import Event
from parcelway.ports.files import documents, invoice_key
from parcelway.ports.messages import consume
from parcelway.store.codec import decode
from parcelway.store.database import database
from parcelway.store.orders import get_dossier

logger = Logger(service="documents")
db = cache(database)
files = cache(documents)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle a batch of DocumentsQueue; messages that fail come again, alone."""
    return consume(event, logger, _render)


def _render(message: dict[str, Any]) -> None:
    event = decode(Event, message["detail"])
    if event.type != "invoice.issued":
        return
    dossier = get_dossier(db(), event.order_id)
    wanted = event.data["number"]
    invoice = next((i for i in dossier.invoices if i.number == wanted), None) if dossier else None
    if dossier is None or invoice is None:
        raise LookupError("an event of an invoice that does not exist")
    pdf, archival = render(
        invoice,
        dossier.order.payment_method,
        dossier.shipment(invoice.shipment_id).shipped_at,
    )
    if not archival:
        logger.warning("no font has all letters of this invoice", number=invoice.number)
    new = files().put_once(invoice_key(invoice), pdf, "application/pdf")
    logger.info("rendered" if new else "was there", number=invoice.number, bytes=len(pdf))
