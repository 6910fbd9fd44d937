"""Billing: the documents that people of the shop have issued."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote

from forms import Crediting, DocumentForm, SelfBilling
from parcelway.domain import self_billing
from parcelway.domain.commands import repeated
from parcelway.domain.credit_notes import Wanted, credit
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.self_billing import series_of
from parcelway.http.access import any_dossier
from parcelway.http.api import Api, Reply, staff
from parcelway.http.call import Call
from parcelway.http.documents import issued
from parcelway.http.problems import not_found
from parcelway.ports.files import documents
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier
from parcelway.store.saving import save
from parcelway.store.series import get_counter
from parcelway.store.shop import load_shop
from parcelway.store.suppliers import (
    asked_before,
    read_counter,
    read_self_billed,
    save_self_billed,
)
from views import DocumentView, document_view

api = Api("billing")
handler = api
db = cache(database)
files = cache(documents)

FINANCE = staff("finance", "csr_supervisor", "admin")
BOOKKEEPERS = staff("finance", "admin")
STAFF = staff("csr", "csr_supervisor", "warehouse", "finance", "admin")

_SUPPLIER = re.compile(r"^[A-Z0-9][A-Z0-9-]{0,23}$")
_SEQUENCE = re.compile(r"^[0-9]{6,12}$")


@api.route(
    "POST",
    "/staff/orders/{order_id}/credit-notes",
    who=FINANCE,
    body=Crediting,
    reply=DocumentView,
    status=201,
    key=True,
)
def credit_order(call: Call[Crediting]) -> DocumentView:
    """Credit units, the shipping charge or an amount of an invoice.

    So much less is owed; what was taken beyond that is held for the customer until it goes back.
    """
    return document_view(until_fresh(lambda: _credit(call)))


@api.route("GET", "/staff/orders/{order_id}/documents/{document}", who=STAFF, query=DocumentForm)
def document(call: Call[None]) -> Reply:
    """An invoice or credit note of anybody's order by its number, as PDF or for machines.

    The PDF is Factur-X; `ubl` and `cii` are the two syntaxes of EN 16931.
    """
    dossier, wanted = any_dossier(db(), call.path["order_id"]), unquote(call.path["document"])
    for each in (*dossier.invoices, *dossier.credit_notes):
        if each.number == wanted:
            return issued(each, call.query.format, files())
    raise not_found()


@api.route(
    "POST",
    "/staff/suppliers/{supplier_id}/invoices",
    who=BOOKKEEPERS,
    body=SelfBilling,
    reply=DocumentView,
    status=201,
    key=True,
)
def self_bill(call: Call[SelfBilling]) -> DocumentView:
    """Write an invoice in the name of a supplier (self-billing).

    For suppliers who have agreed to it; each has a series of its own without a gap.
    """
    return document_view(until_fresh(lambda: _self_bill(call)))


@api.route(
    "GET",
    "/staff/suppliers/{supplier_id}/invoices/{document}",
    who=BOOKKEEPERS,
    query=DocumentForm,
)
def self_billed(call: Call[None]) -> Reply:
    """An invoice in the name of a supplier by its number, as PDF or for machines."""
    supplier, number = call.path["supplier_id"], unquote(call.path["document"])
    sequence = number.removeprefix(f"{series_of(supplier)}-")
    found = read_self_billed(db(), supplier, int(sequence)) if _SEQUENCE.match(sequence) else None
    if found is None or found.number != number:
        raise not_found()
    return issued(found, call.query.format, files())


def _self_bill(call: Call[SelfBilling]) -> Invoice:
    supplier, asked = call.path["supplier_id"], call.body
    if not _SUPPLIER.match(supplier):
        raise Refusal(Reason.INVALID, "Not an id of a supplier.", "/supplier_id")
    if known := asked_before(db(), supplier, call.command):
        return known
    if asked.due_on < call.now.date():
        raise Refusal(Reason.INVALID, "This day has gone.", "/due_on")
    made = self_billing.self_bill(
        supplier,
        asked.supplier.seller(),
        [line.supplied() for line in asked.lines],
        read_counter(db(), supplier),
        Facts(load_shop(db()), call.now),
        Actor("staff", call.caller.subject),
        due_on=asked.due_on,
        purchase_order=asked.purchase_order,
    )
    save_self_billed(db(), made, call.command, call.now)
    return made.invoice


def _credit(call: Call[Crediting]) -> Invoice:
    dossier = any_dossier(db(), call.path["order_id"])
    repeated(dossier.order, call.command)  # not with another request
    for note in dossier.credit_notes:
        if note.command == call.command.key:
            return note
    shop = load_shop(db())
    invoice = _invoice(dossier, call.body.invoice)
    decision = credit(
        dossier.order,
        invoice,
        dossier.credit_notes,
        _wanted(dossier.order, call.body),
        get_counter(db(), shop.settings.credit_notes_for(invoice.series)),
        Facts(shop, call.now),
        call.body.reason,
        Actor("staff", call.caller.subject),
        call.command,
    )
    save(db(), decision, call.now)
    return decision.credit_notes[0]


def _invoice(dossier: Dossier, number: str) -> Invoice:
    for invoice in dossier.invoices:
        if invoice.number == number:
            return invoice
    raise Refusal(Reason.INVALID, "The order has no such invoice.", "/invoice")


def _wanted(order: Order, asked: Crediting) -> Wanted:
    units: dict[int, int] = {}
    for index, each in enumerate(asked.lines):
        line = order.line(each.sku)
        if line is None:
            pointer = f"/lines/{index}/sku"
            raise Refusal(Reason.UNKNOWN_SKU, "The order has no such article.", pointer)
        units[line.number] = units.get(line.number, 0) + each.quantity
    return Wanted(units, asked.shipping, asked.amount.money() if asked.amount else None)
