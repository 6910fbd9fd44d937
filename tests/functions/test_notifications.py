"""Mails: what they say, that there is one per event whatever crashes, and who gets none."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto.backends import get_backend
from parcelway.domain.order import Event, Order
from parcelway.domain.parties import Contact
from parcelway.language.formats import LANGUAGES
from parcelway.ports import clock
from parcelway.ports.mail import MailRefused, SesMailer, ses_mailer
from parcelway.store import mails
from parcelway.store.database import Database
from parcelway.store.mails import LEASE, MailKey

from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.tables import REGION, aws
from tests.orders import CONTACT, PRODUCTS, SPLIT_STOCK, Story, at, store

URL = "https://shop.example/live"
STORIES: Mapping[str, Callable[..., Story]] = {
    "order.confirmed": lambda **options: at("confirmed", **options),
    "shipment.shipped": lambda **options: at("shipped", **options),
    "shipment.out_for_delivery": lambda **options: at("out_for_delivery", **options),
    "shipment.ready_for_pickup": lambda **options: at("shipped", method="pickup", **options),
    "shipment.delivered": lambda **options: at("delivered", **options),
    "order.cancelled": lambda **options: at("confirmed", **options).cancelled("out_of_stock"),
    "payment.refunded": lambda **options: at("closed", **options).refunded(1234),
}


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


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    environment = {
        "PUBLIC_URL": URL,
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


# What is said


def test_every_kind_in_every_language(world: World) -> None:
    for kind, make in STORIES.items():
        subjects = set()
        for language in LANGUAGES:
            seed = f"{kind}-{language}"
            story = make(language=language, seed=seed, series=seed)
            order = store(world.db, story)
            assert world.tell(story.event(kind)) == []
            mail = world.mailer.sent[-1]
            check(mail, order)
            subjects.add(mail["subject"].replace(order.tracking_number, ""))
        assert len(subjects) == len(LANGUAGES), kind
    assert len(world.mailer.sent) == len(STORIES) * len(LANGUAGES)


def check(mail: Mapping[str, Any], order: Order) -> None:
    """What is true of every mail."""
    assert mail["to"] == CONTACT.email
    assert order.tracking_number in mail["subject"]
    page = Page(mail["html"])
    track = f"{URL}/track/{order.tracking_number}?k={order.link_token}"
    assert track in page.links
    assert track in mail["text"]
    assert f'lang="{order.language}"' in mail["html"]
    for part in (page.text, mail["text"]):
        assert order.tracking_number in part
        assert "Stoneware mug, blue" in part
        assert "{{" not in part
        assert "None" not in part
    assert "<" not in mail["text"]
    assert "\n\n\n" not in mail["text"]
    assert all(link.startswith(URL) for link in page.links)
    assert not page.tags & {"script", "img", "link", "form"}


def test_the_confirmation_has_lines_totals_tax_address_and_promise(world: World) -> None:
    story = at("confirmed")
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    text = world.mailer.sent[0]["text"]
    wanted = ("3 × Stoneware mug, blue: $38.85", "Tax 7%: $3.14", "Tax 2.5%: $0.72")
    for part in (*wanted, "Total: $86.15", "12 Rose Lane", "Dublin, OH 43016", "Nov 19"):
        assert part in text


def test_prices_with_tax_add_up_with_tax(world: World) -> None:
    base = at("draft").shop
    shop = replace(base, settings=replace(base.settings, prices_include_tax=True))
    story = at("confirmed", shop=shop)
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    text = world.mailer.sent[0]["text"]
    amounts = [float(amount) for amount in re.findall(r"- \d+ × .*: \$([\d.]+)", text)]
    (total,) = re.findall(r"Total: \$([\d.]+)", text)
    assert round(sum(amounts), 2) == float(total) == 82.29
    assert "Includes 7% tax: $2.93" in text


def test_a_shipped_parcel_has_its_number_its_contents_and_its_invoice(world: World) -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    order = store(world.db, story)
    shipped = [event for event in story.events if event.type == "shipment.shipped"]
    assert world.tell(*shipped) == []
    assert len(world.mailer.sent) == 2
    for mail, event in zip(world.mailer.sent, shipped, strict=True):
        shipment = next(s for s in story.shipments if s.id == event.data["shipment"])
        assert event.data["parcel_number"] in mail["text"]
        assert " of 2" in mail["subject"]
        link = f"/track/{order.tracking_number}/invoices/{shipment.id}?k={order.link_token}"
        assert URL + link in Page(mail["html"]).links
        contents = {line.sku for line in shipment.lines}
        for sku, product in PRODUCTS.items():
            assert (product.name in mail["text"]) == (sku in contents)


def test_a_late_mail_tells_what_happened_then(world: World) -> None:
    story = at("closed").refunded(500)
    store(world.db, story)
    world.tell(story.event("shipment.shipped"), story.event("payment.refunded"))
    shipped, refund = world.mailer.sent
    assert "on its way" in shipped["subject"]
    assert "$5.00" in refund["subject"]


def test_out_of_stock_says_why_and_that_nothing_was_charged(world: World) -> None:
    stories = [
        at("confirmed", language=lang, seed=lang).cancelled("out_of_stock") for lang in LANGUAGES
    ]
    for story in stories:
        store(world.db, story)
        world.tell(story.event("order.cancelled"))
    english, german = (mail["text"] for mail in world.mailer.sent)
    assert "out of stock" in english
    assert "Nothing was charged" in english
    assert "nicht mehr vorrätig" in german
    assert "nichts berechnet" in german


def test_a_reason_in_free_text_is_never_repeated(world: World) -> None:
    story = at("confirmed").cancelled("customer said <b>rude</b> things")
    store(world.db, story)
    world.tell(story.event("order.cancelled"))
    (mail,) = world.mailer.sent
    assert "rude" not in mail["html"] + mail["text"]


def test_hostile_names_are_only_text(world: World) -> None:
    name = "<script>alert(1)</script>\"><img src=x onerror=y> {{ 7*7 }} A & B 'C'"
    options = {
        "products": {sku: replace(product, name=name) for sku, product in PRODUCTS.items()},
        "address": replace(at("draft").address, name=name, line1=name),
        "contact": Contact(name, CONTACT.email),
    }
    for kind, make in STORIES.items():
        story = make(seed=kind, series=kind, **options)
        store(world.db, story)
        assert world.tell(story.event(kind)) == []
        mail = world.mailer.sent[-1]
        page = Page(mail["html"])
        assert name in page.text
        assert name in mail["text"]
        assert not page.tags & {"script", "img"}
        assert "\n" not in mail["subject"]


def test_other_events_are_no_mail(world: World) -> None:
    expired = at("placed").expired()
    store(world.db, expired)
    silent = [event for event in expired.events if event.type not in STORIES]
    assert {event.type for event in silent} >= {"order.placed", "order.expired"}
    assert world.tell(*silent) == []
    assert world.mailer.sent == []


# One mail per event


def confirmed(world: World) -> Event:
    story = at("confirmed")
    store(world.db, story)
    return story.event("order.confirmed")


def test_duplicate_deliveries_are_one_mail(world: World) -> None:
    event = confirmed(world)
    assert world.tell(event, event) == []
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1
    assert world.state(event) == "sent"


def test_a_claim_that_runs_leaves_the_message_in_the_queue(world: World) -> None:
    event = confirmed(world)
    assert mails.claim(world.db, key_of(event), "somebody", clock.now())
    assert world.tell(event) == ["m0"]
    assert world.mailer.sent == []
    clock.travel(LEASE + timedelta(seconds=1))
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def test_a_crash_after_sending_is_no_second_mail_once_ses_reported_it(world: World) -> None:
    event = confirmed(world)
    world.mailer.fault = crash("after")
    assert world.tell(event) == ["m0"]
    world.mailer.fault = lambda _when: None
    assert world.tell(event) == ["m0"], "the claim still runs"
    assert world.deliver(*world.reports("Send")) == []
    clock.travel(LEASE + timedelta(seconds=1))
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def test_without_a_report_a_lapsed_claim_is_sent_again(world: World) -> None:
    event = confirmed(world)
    world.mailer.fault = crash("before")
    assert world.tell(event) == ["m0"]
    world.mailer.fault = lambda _when: None
    clock.travel(LEASE + timedelta(seconds=1))
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def test_a_refusal_of_ses_is_tried_again_at_once(world: World) -> None:
    event = confirmed(world)

    def refuse(when: str) -> None:
        if when == "before":
            raise MailRefused("TooManyRequestsException")

    world.mailer.fault = refuse
    assert world.tell(event) == ["m0"]
    world.mailer.fault = lambda _when: None
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def crash(wanted: str) -> Callable[[str], None]:
    def fault(when: str) -> None:
        if when == wanted:
            raise Crash

    return fault


class Faults:
    """Counts every call to the tables and to SES, before and after; dies at the chosen one."""

    def __init__(self, world: World) -> None:
        self.count, self.fatal = 0, -1
        events = world.function.db().client.meta.events
        events.register("before-call.dynamodb", lambda **_: self.pass_by())
        events.register("after-call.dynamodb", lambda **_: self.pass_by())
        world.mailer.fault = lambda _when: self.pass_by()

    def pass_by(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            raise Crash


def test_a_crash_at_any_call_is_still_exactly_one_mail(world: World) -> None:
    """Every point around every call in turn; SES reports what it took, the queue delivers again."""
    faults = Faults(world)
    points = 0
    for number in itertools.count():
        story = at("confirmed", seed=f"crash-{number}")
        faults.fatal = -1
        store(world.db, story)
        event, before = story.event("order.confirmed"), len(world.mailer.sent)
        faults.count, faults.fatal = 0, number + 1
        left = world.tell(event)
        died, faults.fatal = faults.count >= number + 1, -1
        if not died:
            break
        points += 1
        assert left == ["m0"]
        assert world.deliver(*world.reports("Send")[before:]) == []
        world.tell(event)
        clock.travel(LEASE + timedelta(seconds=1))
        assert world.tell(event) == []
        assert len(world.mailer.sent) == before + 1, f"crash at point {number}"
        assert world.state(event) == "sent"
    assert points >= 10


@given(
    st.from_regex(r"ord_[a-z2-7]{26}", fullmatch=True),
    st.integers(0, 10**11),
    st.sampled_from(sorted(STORIES)),
)
def test_the_tag_leads_back_to_the_mail(order_id: str, sequence: int, kind: str) -> None:
    key = MailKey(order_id, sequence, kind)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", key.id)
    assert MailKey.parse(key.id) == key


@given(st.text(max_size=60))
def test_any_other_tag_is_no_mail_or_a_mail_of_that_name(text: str) -> None:
    key = MailKey.parse(text)
    assert key is None or (key.order_id and key.kind)


# What cannot be sent


def test_what_cannot_be_rendered_stays_for_the_dead_letters(world: World) -> None:
    story = at("shipped")
    store(world.db, story)
    good = story.event("shipment.shipped")
    bad = replace(good, sequence=99, data={"shipment": "shp_nowhere"})
    lost = replace(good, order_id="ord_nowhere")
    assert world.tell(bad, good, lost) == ["m0", "m2"]
    assert len(world.mailer.sent) == 1
    assert world.state(bad) is None


def test_malformed_messages_do_not_hold_up_the_rest(world: World) -> None:
    event = confirmed(world)
    assert world.deliver({"source": "aws.ses"}, bus_event(event), {"nonsense": 1}) == ["m0", "m2"]
    assert len(world.mailer.sent) == 1


# Who gets none


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("Bounce", bounce("Permanent", "Ada <ADA@Customer.example>")),
        ("Complaint", {"complaint": {"complainedRecipients": [{"emailAddress": CONTACT.email}]}}),
    ],
)
def test_a_hard_bounce_or_complaint_ends_all_mail(
    world: World, kind: str, detail: dict[str, Any]
) -> None:
    story = at("shipped")
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    (report,) = world.reports(kind, **detail)
    (delivery,) = world.reports("Delivery", delivery={})
    assert world.deliver(report, delivery, report) == []
    shipped = story.event("shipment.shipped")
    assert world.tell(shipped, shipped) == []
    assert len(world.mailer.sent) == 1
    assert world.state(shipped) == "suppressed"
    item = mails.state_of(world.db, key_of(story.event("order.confirmed")))
    assert item is not None
    assert {"sent_at", "delivered_at"} < set(item)
    assert CONTACT.email not in repr(item)


def test_a_soft_bounce_ends_nothing(world: World) -> None:
    story = at("shipped")
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    assert world.deliver(*world.reports("Bounce", **bounce("Transient", CONTACT.email))) == []
    assert world.tell(story.event("shipment.shipped")) == []
    assert len(world.mailer.sent) == 2


def test_reports_of_other_mails_change_nothing(world: World) -> None:
    event = confirmed(world)
    stranger = {"id": "x", "tags": {"mail_id": key_of(event).id}}
    nameless = {"id": "x", "tags": {}}
    assert world.deliver(ses_report("Send", stranger), ses_report("Send", nameless)) == []
    assert world.state(event) is None
    assert world.deliver(ses_report("Open", stranger)) == []


# The adapter, and the logs


def test_ses_gets_the_whole_message_with_its_tag(world: World) -> None:
    event = confirmed(world)
    boto3.client("sesv2").create_email_identity(EmailIdentity="mail@teapot.example")
    mailer = ses_mailer()
    seen: dict[str, Any] = {}
    mailer.client.meta.events.register(
        "provide-client-params.sesv2.SendEmail", lambda params, **_: seen.update(params)
    )
    world.function.mailer = lambda: mailer
    assert world.tell(event) == []
    assert seen["EmailTags"] == [{"Name": "mail_id", "Value": key_of(event).id}]
    assert seen["ConfigurationSetName"] == "mails"
    assert seen["FromEmailAddress"] == "Teapot <mail@teapot.example>"
    sent = get_backend("ses")["123456789012"][REGION].sent_messages
    assert [message.destinations["ToAddresses"] for message in sent] == [[CONTACT.email]]
    assert world.state(event) == "sent"


@pytest.mark.parametrize(("status", "error"), [(429, MailRefused), (500, ClientError)])
def test_ses_is_called_once_whatever_it_answers(
    world: World, status: int, error: type[Exception]
) -> None:
    mailer: SesMailer = ses_mailer()
    calls = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        calls.append(request)
        body = b'{"message": "ada@customer.example is not verified"}'
        headers = HTTPHeaders()
        headers["x-amzn-ErrorType"] = "TooManyRequestsException"
        return AWSResponse(request.url, status, headers, _Raw(body))

    mailer.client.meta.events.register("before-send.sesv2.SendEmail", answer)
    with pytest.raises(error) as raised:
        mailer.send("ada@customer.example", "s", "<p>h</p>", "t", {"mail_id": "a-1-b"})
    assert len(calls) == 1
    if error is MailRefused:
        assert "ada@" not in str(raised.value)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def test_logs_hold_nothing_personal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    for output in world.function.logger.handlers:
        monkeypatch.setattr(output, "stream", log)
    story: Story = at("shipped")
    order: Order = store(world.db, story)
    world.tell(story.event("order.confirmed"))
    world.mailer.fault = crash("before")
    world.tell(story.event("shipment.shipped"))
    world.deliver(*world.reports("Bounce", **bounce("Permanent", CONTACT.email)))
    logged = log.getvalue()
    assert '"sent"' in logged
    assert "Crash" in logged
    for secret in (CONTACT.email, CONTACT.name, "12 Rose Lane", order.link_token, CONTACT.phone):
        assert secret not in logged
