"""The notifications function with a mailer that remembers and can fail, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.order import Event, totals
from parcelway.domain.stock import Supply
from parcelway.ports import clock
from parcelway.store import mails
from parcelway.store.database import Database
from parcelway.store.mails import MailKey

from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.tables import aws
from tests.orders import ACCOUNT, Story, at, store

URL = "https://shop.example/live"
# Two shipments, the first of them of nothing but mugs.
MUGS_APART = {("MUG-1", "dc-1"): 9, ("TEA-9", "dc-2"): 9, ("BOOK-3", "dc-2"): 9}
# The mugs are expected, for all orders of a test.
WAITING = {
    "stock": {("MUG-1", "dc-1"): 0, ("TEA-9", "dc-1"): 99, ("BOOK-3", "dc-1"): 99},
    "supplies": {("MUG-1", "dc-1"): (Supply("po-1", date(2026, 11, 30), 90),)},
    "shortage": "ship_available",
}
STORIES: Mapping[str, Callable[..., Story]] = {
    "order.approval_asked": lambda **options: to_approve(**options).asked(),
    "order.approval_approved": lambda **options: to_approve(**options).asked().decided("approved"),
    "order.approval_rejected": lambda **options: (
        to_approve(**options).asked().decided("rejected", "Too dear")
    ),
    "order.confirmed": lambda **options: at("confirmed", **options),
    "shipment.shipped": lambda **options: at("shipped", **options),
    "shipment.out_for_delivery": lambda **options: at("out_for_delivery", **options),
    "shipment.ready_for_pickup": lambda **options: at("shipped", method="pickup", **options),
    "shipment.pickup_reminder": lambda **options: at(
        "shipped", method="pickup", **options
    ).reminded(),
    "shipment.pickup_expired": lambda **options: at(
        "shipped", method="pickup", **options
    ).not_collected(),
    "shipment.delivered": lambda **options: at("delivered", **options),
    "order.cancelled": lambda **options: at("confirmed", **options).cancelled("out_of_stock"),
    "payment.refunded": lambda **options: at("closed", **options).refunded(1234),
    "payment.voided": lambda **options: paid_late(at("placed", **options)),
    "promise.revised": lambda **options: at("confirmed", **WAITING | options).slipped(9),
    "payment.needed": lambda **options: at("packed", **options).pays("voided", authorized=0),
    "payment.link_sent": lambda **options: at("placed", **options).linked(),
    "order.units_cancelled": lambda **options: at("confirmed", **options).less("MUG-1", 1),
    "credit_note.issued": lambda **options: at("delivered", **options).credited(
        Wanted({1: 1}, shipping=True)
    ),
    "invoice.falls_due": lambda **options: owing(**options).later(days=28).asked_to_pay(),
    "invoice.overdue": lambda **options: owing(**options).later(days=33).asked_to_pay(),
    "shipment.cancelled": lambda **options: at("packed", stock=MUGS_APART, **options).rejected(),
}


def to_approve(**options: Any) -> Story:
    """A cart of a company's, with a number of its own."""
    story = at("draft", account=ACCOUNT, **options)
    return story._apply(cart.describe(story.order, story.facts, purchase_order="PO-4711"))


def owing(**options: Any) -> Story:
    """Bought on account, and nothing was paid yet."""
    return at("closed", due_days=30, **options)


def paid_late(story: Story) -> Story:
    """A placed order that expires before the provider holds its money, which it then releases."""
    story.pays("awaiting_customer", authorized=0).expired()
    story.pays("authorized", authorized=totals(story.order).gross.minor)
    return story.pays("voided", authorized=0)


class Crash(Exception):
    """The container died."""


@dataclass
class FakeMailer:
    """Keeps what it was given. `fault` is called with 'before' and 'after' each sending."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    fault: Callable[[str], None] = lambda _when: None

    def send(self, to: str, subject: str, html: str, text: str, tags: Mapping[str, str]) -> str:
        self.fault("before")
        message_id = f"ses-{len(self.sent)}"
        mail = {"to": to, "subject": subject, "html": html, "text": text, "id": message_id}
        self.sent.append(mail | {"tags": dict(tags)})
        self.fault("after")
        return message_id


@dataclass
class World:
    db: Database
    function: Any  # the module
    mailer: FakeMailer

    def deliver(self, *bodies: Mapping[str, Any]) -> list[str]:
        """Hand the function a batch; the messages that stay in the queue."""
        if not bodies:
            return []
        return failed(self.function.handler(queue_event(*bodies), Context()))

    def tell(self, *events: Event) -> list[str]:
        return self.deliver(*(bus_event(event) for event in events))

    def state(self, event: Event) -> str | None:
        item = mails.state_of(self.db, key_of(event))
        return item["state"] if item else None

    def reports(self, kind: str, **detail: Any) -> list[dict[str, Any]]:
        """What SES would report of every mail sent so far."""
        return [ses_report(kind, mail, **detail) for mail in self.mailer.sent]


def key_of(event: Event) -> MailKey:
    return MailKey(event.order_id, event.sequence, event.type)


def ses_report(kind: str, mail: Mapping[str, Any], **detail: Any) -> dict[str, Any]:
    tags = {name: [value] for name, value in mail["tags"].items()}
    message = {"messageId": mail["id"], "tags": {"ses:configuration-set": ["mails"]} | tags}
    detail = {"eventType": kind, "mail": message} | detail
    return {"source": "aws.ses", "detail-type": f"Email {kind}", "detail": detail}


def bounce(kind: str, address: str) -> dict[str, Any]:
    return {"bounce": {"bounceType": kind, "bouncedRecipients": [{"emailAddress": address}]}}


@contextmanager
def mailing(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The function with the tables in moto and the fake mailer."""
    environment = {
        "PUBLIC_URL": URL,
        "PAYMENT_PAGE": f"{URL}/pay/{{number}}?k={{token}}",
        "APPROVAL_PAGE": f"{URL}/approvals/{{cart}}",
        "CART_PAGE": f"{URL}/checkout/{{cart}}",
        "MAIL_FROM": "Teapot <mail@teapot.example>",
        "MAIL_CONFIGURATION_SET": "mails",
    }
    with aws(monkeypatch, **environment) as db:
        mailer = FakeMailer()
        function: Any = load("notifications")
        function.mailer = lambda: mailer
        yield World(db, function, mailer)
    clock.reset()


class Page(HTMLParser):
    """Checks that tags are balanced; collects text and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "br", "input", "link"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def confirmed(world: World) -> Event:
    story = at("confirmed")
    store(world.db, story)
    return story.event("order.confirmed")


def crash(wanted: str) -> Callable[[str], None]:
    def fault(when: str) -> None:
        if when == wanted:
            raise Crash

    return fault
