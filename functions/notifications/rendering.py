"""One mail: what an event means to the customer, as HTML and text in the order's language.

`templates/<language>/<event type>.txt` is what is said: the subject, the headline, then paragraphs,
with an empty line between them. `mail.html` and `mail.txt` put it in place, with the facts that
every mail has. Everything comes from the order's snapshots and the event, not from what the order
has become since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from links import action
from owed import owed_facts, transfer
from parcelway.domain.collecting import code as collection_code
from parcelway.domain.collecting import last_day
from parcelway.domain.dues import PAY_AGAIN
from parcelway.domain.dunning import REMINDERS
from parcelway.domain.invoice import Invoice, InvoiceLine
from parcelway.domain.line import DONE
from parcelway.domain.money import Money
from parcelway.domain.order import Event, Order, totals
from parcelway.domain.public_view import promised
from parcelway.domain.receipt import receipt
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Shop
from parcelway.language.amounts import Row, allowances, line_amount, total_rows
from parcelway.language.formats import (
    address_lines,
    day,
    language_for,
    moment,
    money,
    weekday,
    window,
)
from parcelway.language.wording import say
from parcelway.store.orders import Dossier
from parcelway.values import dataclass
from places import ON_THE_WAY, groups_of, places
from waiting import Item, sections, waits

_TO_COLLECT = ("shipment.ready_for_pickup", "shipment.pickup_reminder")
_WITH_PROMISE = ("order.confirmed", "payment.link_sent", "shipment.shipped")
_WITH_TOTAL = ("payment.refunded", *ON_THE_WAY)  # said in a line; others add it up, or have none
_OF_A_CART = tuple(f"order.approval_{each}" for each in ("asked", "approved", "rejected"))
_ADDED_UP = ("order.confirmed", "order.cancelled", "payment.link_sent", *_OF_A_CART)
_WITH_PURCHASE_ORDER = ("order.confirmed", "payment.link_sent", *_OF_A_CART)
_WITHOUT_AMOUNTS = ("payment.needed", "payment.refunded", "payment.voided", "promise.revised")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail ready to be sent."""

    to: str
    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a mail is for, where that is not the buyer. `language` is '' for the order's."""

    name: str
    email: str
    language: str


def render(
    dossier: Dossier,
    event: Event,
    shop: Shop,
    public_url: str,
    others: Sequence[Order] = (),
    reader: Reader | None = None,
) -> Rendered:
    """The mail about `event`, one that is `mailed`, for its `reader`: the order's contact unless
    given. `others` are the orders it is linked to.

    Raises LookupError or ValueError when the order cannot be told about: it has no contact, or not
    the shipment that the event names.
    """
    order = dossier.order
    if order.contact is None:
        raise ValueError("the order has no contact")
    reader = reader or Reader(order.contact.name, order.contact.email, "")
    language = language_for(reader.language or order.language)
    shipment = _shipment(dossier, event)
    subject, headline, *paragraphs = _said(event, dossier, shipment, shop, language, reader.name)
    context = {
        "language": language,
        "say": partial(say, language=language),
        "shop": shop.settings.name,
        "seller": _seller(shop, language),
        "subject": subject,
        "headline": headline,
        "paragraphs": paragraphs,
        "number": order.tracking_number,
        "facts": _facts(event, dossier, shipment, others, language),
        "items": _items(event, dossier, shipment, shop, language),
        "rows": _rows(event, order, shop, language),
        "sections": sections(event, dossier, language),
        "places": places(event, order, shipment, shop, language),
        # A draft has no number yet, and no page.
        "track_url": _link(order, public_url) if order.tracking_number else "",
        "action": action(event, order, language),
        "document": _document(event, order, shipment, public_url, language),
    }
    html = _templates().get_template("mail.html").render(context)
    text = _templates().get_template("mail.txt").render(context)
    return Rendered(reader.email, subject, html, re.sub(r"\n{3,}", "\n\n", text))


def _document(
    event: Event, order: Order, shipment: Shipment | None, public_url: str, language: str
) -> tuple[str, str] | None:
    """What the document that belongs to a mail is called, and where it is."""
    if event.type == "credit_note.issued":
        path = f"/credit-notes/{quote(event.data['number'], safe='')}"
        return say("credit_note.title", language), _link(order, public_url, path)
    if shipment is not None and event.type in (_invoiced_at(shipment), *REMINDERS):
        path = f"/invoices/{quote(shipment.id, safe='')}"
        return say("label.invoice", language), _link(order, public_url, path)
    return None


def _invoiced_at(shipment: Shipment) -> str:
    """The type of the event that a shipment's invoice follows."""
    return "shipment.delivered" if shipment.method == "pickup" else "shipment.shipped"


def _said(
    event: Event,
    dossier: Dossier,
    shipment: Shipment | None,
    shop: Shop,
    language: str,
    reader: str,
) -> list[str]:
    """Subject, headline and paragraphs, each on one line."""
    order, data = dossier.order, event.data
    groups = groups_of(order, event, shipment)
    store = shop.nodes.get(groups[0].store)
    pickups = [group.method == "pickup" for group in groups]
    parcels = [s for s in dossier.shipments if s.status != "cancelled"]
    latest = date.fromisoformat(data["latest"]) if data.get("latest") else None
    first = groups[0].promise
    assert order.contact is not None
    approval = order.approval
    decided = approval is not None and approval.id == data.get("approval")
    words: Mapping[str, Any] = {
        "name": reader,
        "buyer": order.contact.name,
        "shop": shop.settings.name,
        "why": approval.reason if decided and approval else "",
        "number": order.tracking_number,
        "pickup": all(pickups),
        "mixed": any(pickups) and not all(pickups),
        "store": store.name if store else "",
        "email": shop.settings.seller.email,
        "acted": _acted(order),
        "parcel": parcels.index(shipment) + 1 if shipment in parcels else 1,
        "parcels": len(parcels),
        "carrier": shipment.carrier if shipment else "",
        "parcel_number": shipment.parcel_number if shipment else "",
        "amount": _amount(data, order, language),
        **_to_collect(event, order, shipment, shop, language),
        **transfer(event, dossier, language),
        "out_of_stock": data.get("reason") == "out_of_stock",
        "charged": order.captured > order.refunded,
        "date": day(latest, language) if latest else "",
        "later": latest is None or first is None or latest > first.latest,
        "reason": data.get("reason", ""),
        "waits": waits(order),
        "sent": data.get("sent", False),
        "pay_until": _pay_until(event, order, shop, language),
        "rest": any(line.count(*DONE) < line.quantity for line in order.lines),
    }
    said = _words().get_template(f"{language}/{event.type}.txt").render(words)
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", said))
    return [block for block in blocks if block]


def _acted(order: Order) -> str:
    """What the shop's people did for who is far away, `placed` or `helped`, '' for nothing: the
    customer is told, and is the one who knows whether they asked for it."""
    if not order.acted_by or order.channel == "in_person":
        return ""
    return "placed" if order.actor.kind == "staff" else "helped"


def _pay_until(event: Event, order: Order, shop: Shop, language: str) -> str:
    """Until when to pay: the day, or the moment where that is what the goods are held to."""
    if event.type != "payment.link_sent":
        return day((event.at + PAY_AGAIN).date(), language)
    held = (shop.nodes.get(portion.node) for line in order.lines for portion in line.portions)
    zone = next((node.time_zone for node in held if node), "UTC")
    return moment(datetime.fromisoformat(event.data["until"]), zone, language)


def _to_collect(
    event: Event, order: Order, shipment: Shipment | None, shop: Shop, language: str
) -> dict[str, str]:
    """What whoever collects must know: the code, and the last day."""
    if shipment is None or event.type not in _TO_COLLECT:
        return {}
    until = last_day(shipment, shop.nodes)
    return {
        "code": collection_code(order, shipment),
        "collect_until": weekday(until, language) if until else "",
    }


def _amount(data: Mapping[str, Any], order: Order, language: str) -> str:
    minor = data.get("amount", data.get("gross"))  # what moved, or what a document comes to
    return money(Money(minor, order.currency), language) if minor is not None else ""


def _shipment(dossier: Dossier, event: Event) -> Shipment | None:
    """The shipment that the event is about. Raises LookupError when the order has no such one."""
    if "shipment" not in event.data:
        return None
    for shipment in dossier.shipments:
        if shipment.id == event.data["shipment"]:
            return shipment
    raise LookupError("the order has no such shipment")


def _facts(
    event: Event,
    dossier: Dossier,
    shipment: Shipment | None,
    others: Sequence[Order],
    language: str,
) -> list[tuple[str, str]]:
    order = dossier.order
    if event.type in REMINDERS:
        return owed_facts(event, order, language)
    groups = groups_of(order, event, shipment)
    facts = [(say("label.linked_number", language), other.tracking_number) for other in others]
    if order.purchase_order and event.type in _WITH_PURCHASE_ORDER:
        facts.append((say("invoice.purchase_order", language), order.purchase_order))
    first = groups[0].promise
    if first and event.type == "promise.revised":
        facts.append((say("label.first_promised", language), window(first, language)))
    promise = groups[0].present_promise if shipment else promised(order)
    if promise and event.type in _WITH_PROMISE and len(groups) == 1:
        facts.append((say("label.expected", language), window(promise, language)))
    if event.type == "credit_note.issued":  # why, the document says
        return [(say("invoice.refers_to", language), event.data["invoice"])]
    if shipment and shipment.parcel_number:
        facts.append((say("label.carrier", language), shipment.carrier))
        facts.append((say("label.parcel_number", language), shipment.parcel_number))
    # With a part cancelled the total is no longer what is paid.
    if event.type in _WITH_TOTAL and not any(line.count("cancelled") for line in order.lines):
        gross = money(totals(order).gross, language)
        facts.append((say("label.order_total", language), gross))
    return facts


def _items(
    event: Event, dossier: Dossier, shipment: Shipment | None, shop: Shop, language: str
) -> list[Item]:
    """What the mail is about: a shipment's contents, a delivery's, or the lines of the order or of
    a credit note with their amounts."""
    order = dossier.order

    def item(line: InvoiceLine) -> Item:
        amount = line_amount(line, shop.settings.prices_include_tax)
        off = allowances(line, language)
        return Item(line.description, line.quantity, money(amount, language), off)

    if event.type == "credit_note.issued":
        neutral = say("credit_note.goodwill", language)
        return [
            item(replace(line, description=neutral) if line.kind == "goodwill" else line)
            for line in _credit_note(dossier, event).lines
        ]
    if "lines" in event.data:  # some units of a shipment
        by_sku = {line.sku: line.name for line in order.lines}
        return [Item(by_sku[each["sku"]], each["quantity"]) for each in event.data["lines"]]
    if shipment is not None:
        names = {line.number: line.name for line in order.lines}
        return [Item(names[line.line], line.quantity) for line in shipment.lines]
    if event.type in _WITHOUT_AMOUNTS:
        groups = groups_of(order, event, shipment)
        return [
            Item(line.name, units)
            for line in order.lines
            if (units := sum(line.units(group.id) for group in groups))
        ]
    return [item(line) for line in receipt(order, ()).lines]


def _credit_note(dossier: Dossier, event: Event) -> Invoice:
    """The credit note that an event is about. Raises LookupError when it is not there."""
    for note in dossier.credit_notes:
        if note.number == event.data["number"]:
            return note
    raise LookupError("the order has no such credit note")


def _rows(event: Event, order: Order, shop: Shop, language: str) -> Sequence[Row]:
    if event.type not in _ADDED_UP:
        return ()
    return total_rows(receipt(order, ()), shop.settings.prices_include_tax, language)


def _seller(shop: Shop, language: str) -> dict[str, str]:
    seller = shop.settings.seller
    address = [line for line in address_lines(seller.address, language) if line != seller.name]
    return {"name": seller.name, "address": ", ".join(address), "email": seller.email}


def _link(order: Order, public_url: str, path: str = "") -> str:
    number, token = (quote(part, safe="") for part in (order.tracking_number, order.link_token))
    return f"{public_url.rstrip('/')}/track/{number}{path}?k={token}"


_FOLDER = Path(__file__).parent / "templates"


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _words() -> Environment:
    """What is said, as plain text: `mail.html` escapes it, and every line break counts."""
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
    )
