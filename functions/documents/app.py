"""Documents on paper: invoices and credit notes once, to keep, and receipts as they are asked for.

Consumes DocumentsQueue. An issued document is frozen and its file is written only where there is
none, so a repeat changes nothing. A receipt tells what was paid by now, so it is not kept.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from invoice_pdf import render
from parcelway.domain.invoice import Invoice
from parcelway.domain.order import Event
from parcelway.domain.receipt import receipt
from parcelway.http.access import linked_dossier
from parcelway.http.api import LINK, Api, Reply
from parcelway.http.call import Call
from parcelway.http.problems import not_found
from parcelway.http.schemas import Link
from parcelway.language.formats import language_for
from parcelway.ports.files import document_key, documents
from parcelway.ports.messages import consume
from parcelway.store.codec import decode
from parcelway.store.database import database
from parcelway.store.orders import get_dossier
from parcelway.store.shop import load_shop
from parcelway.store.suppliers import read_self_billed
from receipt_pdf import render as receipt_page

logger = Logger(service="documents")
api = Api("documents")
db = cache(database)
files = cache(documents)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle a batch of DocumentsQueue, of which messages that fail come again, alone; or answer a
    request."""
    return consume(event, logger, _render) if "Records" in event else api(event, context)


@api.route("GET", "/track/{number}/receipt.pdf", who=LINK, query=Link)
def receipt_pdf(call: Call[None]) -> Reply:
    """What was bought and paid, as PDF. There is none before something was paid."""
    dossier = linked_dossier(db(), call)
    if not dossier.order.captured:
        raise not_found()
    bought = receipt(dossier.order, dossier.payments)
    language = language_for(dossier.order.language)
    pdf = receipt_page(bought, load_shop(db()).settings, language)
    named = {"Content-Disposition": f'inline; filename="{bought.number}.pdf"'}
    return Reply(pdf, content_type="application/pdf", headers=named)


def _render(message: dict[str, Any]) -> None:
    event = decode(Event, message["detail"])
    if event.type not in ("invoice.issued", "credit_note.issued", "self_billed_invoice.issued"):
        return
    document = _issued(event)
    pdf, archival = render(document)
    if not archival:
        logger.warning("no font has all letters of this document", number=document.number)
    new = files().put_once(document_key(document), pdf, "application/pdf")
    logger.info("rendered" if new else "was there", number=document.number, bytes=len(pdf))


def _issued(event: Event) -> Invoice:
    """The document that an event tells of. Raises LookupError."""
    if event.type == "self_billed_invoice.issued":
        found = read_self_billed(db(), event.order_id, event.sequence)
    else:
        dossier, number = get_dossier(db(), event.order_id), event.data["number"]
        documents = [*dossier.invoices, *dossier.credit_notes] if dossier else []
        found = next((each for each in documents if each.number == number), None)
    if found is None:
        raise LookupError("an event of a document that does not exist")
    return found
