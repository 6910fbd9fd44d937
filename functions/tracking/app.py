"""Tracking: where an order is, for whoever has its number, and more for who has the mail's link.

Machines get JSON, people a page. What does not exist and what the caller may not see are one and
the same answer, and a wrong `k` is no `k`.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from pages import (
    find_page,
    page_headers,
    prefers_html,
    receipt_page,
    tracking_page,
    trouble_page,
)
from parcelway.domain.order import Order
from parcelway.domain.public_view import PublicOrder, payment_page, public_order
from parcelway.domain.receipt import receipt
from parcelway.domain.tracking import parse
from parcelway.http.access import is_linked, linked_dossier, tracked_dossier
from parcelway.http.api import LINK, Api, Reply
from parcelway.http.call import Call
from parcelway.http.documents import Format, issued
from parcelway.http.problems import CONTENT_TYPE as PROBLEM
from parcelway.http.problems import not_found
from parcelway.http.schemas import Input, Link
from parcelway.language.formats import accepted_language, language_for
from parcelway.ports.files import documents
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_order
from parcelway.store.shop import load_shop
from pydantic import ConfigDict
from views import Links, TrackingView, tracking_view

api = Api("tracking")
db = cache(database)
files = cache(documents)


class Document(Link):
    """The form in which a document is wanted."""

    format: Format = "pdf"


class Find(Input):
    """The number that somebody typed into the form."""

    model_config = ConfigDict(extra="ignore")
    number: str = ""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; whoever asks for a page gets one whatever happens."""
    answer = api(event, context)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    more = {"Vary": "Accept, Accept-Language", "X-Robots-Tag": "noindex, nofollow"}
    if answer["headers"].get("Content-Type") == PROBLEM and prefers_html(headers.get("accept", "")):
        language = accepted_language(headers.get("accept-language", ""))
        answer["body"] = trouble_page(_trouble(json.loads(answer["body"])), language)
        more |= page_headers()
    answer["headers"] |= more
    return answer


@api.route("GET", "/track", who=LINK, query=Find)
def find(call: Call[None]) -> Reply:
    """The form to enter a number, and the way from there to the order."""
    if not call.query.number:
        return find_page(accepted_language(call.headers.get("accept-language", "")))
    number = parse(call.query.number)
    if number is None:
        raise not_found()
    return Reply("", 303, "text/plain", {"Location": _base(number)})


@api.route("GET", "/track/{number}", who=LINK, query=Link, reply=TrackingView)
def track(call: Call[None]) -> TrackingView | Reply:
    """Where an order is, by its tracking number."""
    dossier = tracked_dossier(db(), call)
    linked = is_linked(dossier.order, call)
    seen, language = _seen(dossier, linked), language_for(dossier.order.language)
    links = _links(dossier, linked)
    if not prefers_html(call.headers.get("accept", "")):
        return tracking_view(seen, language, links)
    shop = load_shop(db())
    return tracking_page(seen, language, links, shop.settings.name, _zone(dossier))


@api.route("GET", "/track/{number}/invoices/{shipment_id}", who=LINK, query=Document)
def invoice(call: Call[None]) -> Reply:
    """The invoice of a shipment, as PDF or for machines.

    The PDF is Factur-X; `ubl` and `cii` are the two syntaxes of EN 16931.
    """
    dossier = linked_dossier(db(), call)
    shipment_id = unquote(call.path["shipment_id"])
    if all(shipment.id != shipment_id for shipment in dossier.shipments):
        raise not_found()
    document = next((i for i in dossier.invoices if i.shipment_id == shipment_id), None)
    return issued(document, call.query.format, files())


@api.route("GET", "/track/{number}/credit-notes/{credit_note}", who=LINK, query=Document)
def credit_note(call: Call[None]) -> Reply:
    """A credit note by its number, as PDF or for machines."""
    dossier = linked_dossier(db(), call)
    wanted = unquote(call.path["credit_note"])
    for note in dossier.credit_notes:
        if note.number == wanted:
            return issued(note, call.query.format, files())
    raise not_found()


@api.route("GET", "/track/{number}/receipt", who=LINK, query=Link)
def receipt_of(call: Call[None]) -> Reply:
    """What was bought and paid, as a page to print."""
    dossier = linked_dossier(db(), call)
    settings = load_shop(db()).settings
    return receipt_page(
        receipt(dossier.order, dossier.payments),
        language_for(dossier.order.language),
        _links(dossier, linked=True),
        settings.name,
        settings.prices_include_tax,
    )


def _seen(dossier: Dossier, linked: bool) -> PublicOrder:
    return public_order(
        dossier.order,
        dossier.shipments,
        [*dossier.invoices, *dossier.credit_notes],
        dossier.events,
        load_shop(db()).nodes,
        linked=linked,
        others=[other for other in map(_order, dossier.order.linked) if other] if linked else (),
    )


def _order(order_id: str) -> Order | None:
    return get_order(db(), order_id)


def _base(number: str) -> str:
    return f"{os.environ['PUBLIC_URL'].rstrip('/')}/track/{number}"


def _links(dossier: Dossier, linked: bool) -> Links:
    order = dossier.order
    token = quote(order.link_token, safe="") if linked else ""
    payment = payment_page(os.environ["PAYMENT_PAGE"], order) if linked else None
    return Links(_base(order.tracking_number), token, payment)


def _zone(dossier: Dossier) -> str:
    """The time zone of where the order comes from: the buyer's own is not known."""
    nodes = load_shop(db()).nodes
    places = [s.node for s in dossier.shipments if s.node in nodes] or list(nodes)
    return nodes[places[0]].time_zone if places else "UTC"


def _trouble(problem: dict[str, Any]) -> str:
    """Which page tells a person of a problem."""
    if problem["type"].endswith(":invoice-not-ready"):
        return "not_ready"
    return "trouble" if problem["status"] >= 500 else "not_found"
