"""Mails: what they say, what happens to those that cannot be sent, and who gets none."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from parcelway.domain.authorization import card_refused
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.customer import edited
from parcelway.domain.decision import Decision
from parcelway.domain.dunning import REMINDERS
from parcelway.domain.mailing import KINDS
from parcelway.domain.money import Money
from parcelway.domain.order import Order, advance, totals
from parcelway.domain.parties import SYSTEM, Actor, Contact
from parcelway.language.formats import LANGUAGES, money
from parcelway.ports import clock
from parcelway.store import mails, saving
from parcelway.store.customers import get_customer, save

from infra.local.template import read
from infra.verify import breaks
from tests.functions.calls import bus_event
from tests.functions.mailing import (
    MUGS_APART,
    STORIES,
    URL,
    WAITING,
    Page,
    World,
    bounce,
    confirmed,
    crash,
    key_of,
    mailing,
    ses_report,
)
from tests.orders import (
    APPROVER,
    CONTACT,
    PRODUCTS,
    SHOP,
    SPLIT_STOCK,
    START,
    THREE_WAYS,
    Story,
    at,
    dossier_of,
    store,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mailing(monkeypatch) as made:
        yield made


# What is said


def test_every_kind_in_every_language(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(STORIES) == set(KINDS)
    for kind, make in STORIES.items():
        subjects = set()
        for later, language in enumerate(LANGUAGES):  # nobody joins a queue at the same time
            seed, now = f"{kind}-{language}", START + timedelta(minutes=later)
            story = make(language=language, seed=seed, series=seed, now=now)
            order, event = store(world.db, story), story.event(kind)
            monkeypatch.setattr(clock, "now", partial(getattr, event, "at"))
            assert world.tell(event) == []
            mail = world.mailer.sent[-1]
            check(mail, order)
            subjects.add(mail["subject"].replace(order.tracking_number, ""))
        assert len(subjects) == len(LANGUAGES), kind
    assert len(world.mailer.sent) == len(STORIES) * len(LANGUAGES)


def check(mail: Mapping[str, Any], order: Order) -> None:
    """What is true of every mail."""
    to_decide = order.approval is not None and order.approval.status == "asked"
    assert mail["to"] == (APPROVER.email if to_decide else CONTACT.email)
    assert order.tracking_number in mail["subject"]
    page = Page(mail["html"])
    track = f"{URL}/track/{order.tracking_number}?k={order.link_token}"
    placed = order.state != "draft"  # a cart has no page yet
    assert (track in page.links, track in mail["text"]) == (placed, placed)
    assert "/track/" not in mail["text"] or placed
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


def test_an_approver_reads_what_there_is_to_decide_in_their_language(world: World) -> None:
    story = STORIES["order.approval_asked"]()
    store(world.db, story)
    approver = get_customer(world.db, APPROVER.id)
    assert approver is not None
    speaks = edited(approver, {"language": "de"}, START, SYSTEM)
    assert speaks is not None
    save(world.db, speaks)
    assert world.tell(*story.events) == []
    (mail,) = world.mailer.sent
    assert mail["to"] == APPROVER.email
    for part in ("Guten Tag Grace Approver", "Ada Example", "PO-4711", "86,15", "12 Rose Lane"):
        assert part in mail["text"], part
    assert APPROVER.name not in str(world.mailer.sent[0]["subject"])


@pytest.mark.parametrize(
    ("kind", "button", "page"),
    [
        ("order.approval_asked", "Approve or reject", "approvals"),
        ("order.approval_approved", "Go to your cart", "checkout"),
        ("order.approval_rejected", "Go to your cart", "checkout"),
    ],
)
def test_a_mail_about_an_approval_leads_to_where_it_is_acted_on(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, button: str, page: str
) -> None:
    story = STORIES[kind]()
    store(world.db, story)
    url = f"{URL}/{page}/{story.order.id}"
    world.tell(story.event(kind))
    mail = world.mailer.sent[-1]
    assert f"{button}: {url}\n" in mail["text"]
    assert Page(mail["html"]).links == [url]
    for variable in ("APPROVAL_PAGE", "CART_PAGE"):
        monkeypatch.setenv(variable, "")
    story = STORIES[kind](seed="another")
    store(world.db, story)
    world.tell(story.event(kind))
    assert Page(world.mailer.sent[-1]["html"]).links == []


@pytest.mark.parametrize("state", ["locked", "disabled"])
def test_an_approver_who_cannot_decide_is_not_written_to(world: World, state: str) -> None:
    story = STORIES["order.approval_asked"]()
    store(world.db, story)
    approver = get_customer(world.db, APPROVER.id)
    assert approver is not None
    out = edited(approver, {"state": state}, START, SYSTEM)
    assert out is not None
    save(world.db, out)
    assert world.tell(story.event("order.approval_asked")) == []
    assert world.mailer.sent == []
    assert world.state(story.event("order.approval_asked")) == "suppressed"


def test_who_was_rejected_reads_why(world: World) -> None:
    story = STORIES["order.approval_rejected"]()
    store(world.db, story)
    world.tell(story.event("order.approval_rejected"))
    assert "The reason: Too dear" in world.mailer.sent[0]["text"]


def test_the_confirmation_has_the_company_s_own_number(world: World) -> None:
    story = STORIES["order.approval_approved"]().placed().confirmed()
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    mail = world.mailer.sent[-1]
    assert "Purchase order: PO-4711" in mail["text"]
    assert "PO-4711" in Page(mail["html"]).text


@pytest.mark.parametrize(
    ("acted", "told"),
    [
        ({}, ""),
        ({"acted_by": ("sub-clerk",), "actor": Actor("staff", "sub-clerk")}, "placed this order"),
        ({"acted_by": ("sub-clerk",)}, "worked on this order"),
        ({"acted_by": ("sub-clerk",), "channel": "in_person"}, ""),
    ],
)
def test_the_confirmation_tells_that_somebody_of_the_shop_acted(
    world: World, acted: dict[str, Any], told: str
) -> None:
    story = at("confirmed")
    store(world.db, story)
    saving.save(world.db, Decision(advance(story.order, **acted)), START)
    world.tell(story.event("order.confirmed"))
    text = world.mailer.sent[0]["text"]
    assert ("customer service" in text) == bool(told)
    assert told in text and "sub-clerk" not in text


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


def test_a_credit_note_is_told_with_what_it_is_about_and_where_it_is(world: World) -> None:
    story = at("delivered").credited(Wanted({1: 1}, True, Money(5, "USD")), "Arrived broken")
    store(world.db, story)
    world.tell(story.event("credit_note.issued"))
    (mail,), (note,) = world.mailer.sent, story.credit_notes
    assert f"${note.gross.minor / 100:.2f}" in mail["subject"]
    assert f"/credit-notes/{note.number}?k=" in mail["text"]
    assert note.refers_to in mail["text"]
    assert "Arrived broken" not in mail["text"]  # what staff wrote, mails never say
    named = re.findall(r"- (\d+) × (.*): ", mail["text"])
    goods = [line for line in note.lines if line.kind == "goods"]
    assert named[0] == ("1", goods[0].description)
    assert len(named) == len(note.lines)
    assert "1Z" not in mail["text"]  # nothing of the parcel


def test_what_comes_later_is_told_with_its_day(world: World) -> None:
    story = at("confirmed", **WAITING).slipped(9)
    store(world.db, story)
    world.tell(story.event("order.confirmed"), story.event("promise.revised"))
    for mail in world.mailer.sent:
        (later,) = re.findall(r"Reaches us later\n(- .*)\n", mail["text"])
        assert later == "- 3 × Stoneware mug, blue: Wednesday, December 9, 2026"
        assert "Reaches us later" in Page(mail["html"]).text
    revised = world.mailer.sent[1]["text"]
    assert "First promised: " in revised
    assert "reaches us later than we were told" in revised


def test_a_delay_without_a_new_date_is_told_as_such(world: World) -> None:
    story = at("confirmed", **WAITING).slipped(None)
    store(world.db, story)
    world.tell(story.event("promise.revised"))
    assert "A delay for your order" in world.mailer.sent[0]["subject"]
    assert "Stoneware mug, blue: Date not known yet" in world.mailer.sent[0]["text"]


def test_what_was_left_out_is_told_with_the_confirmation(world: World) -> None:
    story = at("confirmed", **WAITING | {"shortage": "drop"})
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    text = world.mailer.sent[0]["text"]
    assert "Left out, as you wished\n- 3 × Stoneware mug, blue\n" in text
    assert "Reaches us later" not in text


def test_the_confirmation_names_the_other_order_of_two(world: World) -> None:
    story = at("confirmed", **WAITING | {"shortage": "separate_order"})
    order = store(world.db, story)
    other = dossier_of(world.db, order.linked[0]).order
    world.tell(story.event("order.confirmed"))
    text = world.mailer.sent[0]["text"]
    assert f"Your other order: {other.tracking_number}" in text
    assert "Stoneware mug" not in text


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


def test_the_confirmation_tells_several_deliveries_apart(world: World) -> None:
    story = at("draft").divided(*THREE_WAYS).placed().confirmed()
    order = store(world.db, story)
    world.tell(story.event("order.confirmed"))
    (mail,) = world.mailer.sent
    check(mail, order)
    text = mail["text"].split("Delivery 1 of 3 – Delivery to")[1]
    first, rest = text.split("Delivery 2 of 3 – Delivery to")
    second, third = rest.split("Delivery 3 of 3 – Collect at")
    for part, wanted in (
        (first, ("Dublin, OH 43016", "- 1 × Stoneware mug", "- 1 × Assam", "Expected: ")),
        (second, ("Bob Example", "Louisville, KY", "- 2 × Stoneware mug", "- 1 × The Book")),
        (third, ("Teapot Downtown", "- 1 × The Book of Tea", "Expected: ")),
    ):
        assert all(words in part for words in wanted), part
    assert "mug" not in third
    assert "Assam" not in second
    assert mail["text"].count("Expected: ") == 3
    assert "when a parcel leaves or you collect it" in mail["text"]
    page = Page(mail["html"])
    assert page.text.count("Delivery ") >= 3
    assert "Louisville" in page.text


def test_a_parcel_of_several_deliveries_is_told_with_its_own_place(world: World) -> None:
    story = at("draft").divided(*THREE_WAYS).placed().confirmed().scheduled()
    story.released().packed().shipped().delivered()
    store(world.db, story)
    places = ("Dublin, OH", "Louisville, KY", "Teapot Downtown")
    for kind in ("shipment.shipped", "shipment.ready_for_pickup", "shipment.delivered"):
        events = [event for event in story.events if event.type == kind]
        for event in events:
            world.tell(event)
            group = story.by_id[event.data["shipment"]].group
            text = world.mailer.sent[-1]["text"].split("--")[0]
            named = {f"g{n}" for n, place in enumerate(places, start=1) if place in text}
            assert named == {group}, kind
    ready, collected = (
        mail["text"] for mail in world.mailer.sent if "part of your order" in mail["text"]
    )
    assert "a part of your order waits for you at Teapot Downtown" in ready
    assert "you collected a part of your order at Teapot Downtown" in collected


def test_a_delay_of_one_delivery_is_told_of_that_one(world: World) -> None:
    story = at("draft").divided(*THREE_WAYS).placed().confirmed()
    store(world.db, story)
    later = {"group": "g2", "latest": "2026-12-01", "reason": "supply"}
    event = story.event("order.confirmed")
    world.tell(replace(event, sequence=9999, type="promise.revised", data=later))
    text = world.mailer.sent[0]["text"]
    assert "to deliver it by" in text
    assert "Louisville" in text
    assert "- 2 × Stoneware mug" in text
    for other in ("Dublin", "Assam", "Teapot Downtown", "- 3 ×"):
        assert other not in text.split("--")[0]


def test_nobody_is_asked_late_to_pay_what_cannot_be_paid_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that was dead-lettered comes again when the order is held no longer."""
    story = at("placed").linked()
    store(world.db, story)
    until = story.order.hold_until
    assert until is not None
    monkeypatch.setattr(clock, "now", lambda: until)
    event = story.event("payment.link_sent")
    assert world.tell(event) == []
    assert world.mailer.sent == []
    assert world.state(event) == "suppressed"
    assert not [found for found in breaks(world.db, until) if found.kind.startswith("mail.")]
    monkeypatch.setattr(clock, "now", lambda: event.at)
    assert world.tell(event) == []  # left out for good
    assert world.mailer.sent == []


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


@pytest.mark.parametrize(
    ("language", "wanted", "unwanted"),
    [
        (
            "en",
            ["out of stock", "Nothing is charged for them. The rest of your order comes"],
            ["Delivery to", "Order total", "Assam"],
        ),
        (
            "de",
            ["nicht mehr vorrätig", "wird nichts berechnet. Der Rest der Bestellung kommt"],
            ["Lieferung an", "Gesamtbetrag", "Assam"],
        ),
    ],
)
def test_a_cancelled_shipment_is_its_lines_only(
    world: World, language: str, wanted: list[str], unwanted: list[str]
) -> None:
    story = at("packed", stock=MUGS_APART, language=language).rejected("out_of_stock")
    store(world.db, story)
    assert world.tell(story.event("shipment.cancelled")) == []
    (mail,) = world.mailer.sent
    for text in (mail["text"], Page(mail["html"]).text):
        assert [part for part in wanted if part not in text] == []
        assert [part for part in unwanted if part in text] == []
    assert "- 3 × Stoneware mug, blue\n" in mail["text"]


def test_after_a_part_was_cancelled_the_first_total_is_not_told_any_more(world: World) -> None:
    whole = at("packed", stock=MUGS_APART, seed="whole").shipped()
    part = at("packed", stock=MUGS_APART, seed="part").rejected()
    part.by_id = {s.id: s for s in part.shipments if s.status == "packed"}
    part.shipped()
    for story in (whole, part):
        store(world.db, story)
        assert world.tell(story.event("shipment.shipped")) == []
    of_whole, of_part = (mail["text"] for mail in world.mailer.sent)
    assert "Order total, tax included: $86.15" in of_whole
    assert "Order total" not in of_part
    assert "Assam" in of_part


def test_where_nothing_else_comes_no_rest_is_promised(world: World) -> None:
    called_off = at("packed", stock=MUGS_APART, seed="off").rejected().cancelled()
    arrived = at("packed", stock=MUGS_APART, seed="on").rejected()
    for shipment in arrived.shipments:
        if shipment.status == "packed":
            arrived.by_id = {shipment.id: shipment}
    arrived.shipped().delivered()
    for story in (called_off, arrived):
        store(world.db, story)
        assert world.tell(story.event("shipment.cancelled")) == []
    assert len(world.mailer.sent) == 2
    for mail in world.mailer.sent:
        assert "Nothing is charged for them." in mail["text"]
        assert "The rest" not in mail["text"]


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", ["payment of $86.15", "the $86.15 held on your card was released", "new cart"]),
        ("de", ["Zahlung von 86,15 $", "reservierte Betrag von 86,15 $", "Warenkorb"]),
    ],
)
def test_who_paid_too_late_learns_that_the_money_is_free_again(
    world: World, language: str, wanted: list[str]
) -> None:
    story = STORIES["payment.voided"](language=language)
    store(world.db, story)
    assert world.tell(*story.events) == []
    (mail,) = world.mailer.sent
    assert [part for part in wanted if part not in mail["text"]] == []
    assert "- 3 × Stoneware mug, blue\n" in mail["text"]


@pytest.mark.parametrize(
    ("language", "there", "sent"),
    [
        ("en", "your items are here", "we have sent your items"),
        ("de", "die Artikel liegen bereit", "die Artikel sind versandt"),
    ],
)
def test_who_is_to_pay_for_what_was_sent_is_not_told_that_it_waits(
    world: World, language: str, there: str, sent: str
) -> None:
    """The card that was kept did not do; a hold before that is of goods that are still here."""
    texts = []
    for story in (STORIES["payment.needed"](language=language), unpaid_for(language)):
        store(world.db, story)
        assert world.tell(story.event("payment.needed")) == []
        texts.append(" ".join(world.mailer.sent[-1]["text"].split()))
    assert there in texts[0] and sent not in texts[0]
    assert sent in texts[1] and there not in texts[1]
    assert len(texts[1]) < len(texts[0])  # nothing is kept for anybody until some day


def unpaid_for(language: str) -> Story:
    """Sent and invoiced; then its hold was lost, and the card that was kept for it refused."""
    story = at("placed", language=language, seed="sent").pays("awaiting_customer", authorized=0)
    assert story.seen is not None
    story.seen = replace(story.seen, keeps_card=True)
    story.pays("authorized", authorized=totals(story.order).gross.minor)
    story.scheduled().released().packed().shipped().invoiced().pays("voided", authorized=0)
    return story._apply(card_refused(story.order, "card_not_kept", story.now))


@pytest.mark.parametrize(
    ("language", "day"), [("en", "December 16, 2026"), ("de", "16. Dezember 2026")]
)
def test_a_reminder_tells_what_is_to_be_transferred_where_and_until_when(
    world: World, language: str, day: str
) -> None:
    seller = replace(SHOP.settings.seller, iban="DE02120300000000202051")
    shop = replace(SHOP, settings=replace(SHOP.settings, seller=seller))
    for kind in REMINDERS:
        story = STORIES[kind](language=language, seed=kind, series=kind, shop=shop)
        store(world.db, story)
        assert world.tell(story.event(kind)) == []
        mail = world.mailer.sent[-1]
        (invoice,) = story.invoices
        for part in (mail["text"], Page(mail["html"]).text):
            said = (invoice.number, seller.iban, day, money(invoice.gross, language))
            assert [each for each in said if each not in part] == []
        invoice_page = f"/invoices/{story.shipments[0].id}?k="
        assert any(invoice_page in link for link in Page(mail["html"]).links)


def test_what_was_paid_before_its_reminder_was_sent_is_not_asked_for(world: World) -> None:
    """The message lay among the dead letters, or the money came in the same minute."""
    story = STORIES["invoice.overdue"]()
    story.pays("captured", received=totals(story.order).gross.minor)
    store(world.db, story)
    event = story.event("invoice.overdue")
    assert world.tell(event, event) == []
    assert (world.mailer.sent, world.state(event)) == ([], "suppressed")


def test_a_payment_voided_for_any_other_reason_is_no_mail(world: World) -> None:
    given_up = at("placed", seed="1").pays("awaiting_customer", authorized=0).expired()
    given_up.pays("voided", authorized=0)
    called_off = at("confirmed", seed="2").cancelled().pays("voided", authorized=0)
    for story in (given_up, called_off):
        store(world.db, story)
        assert world.tell(story.event("payment.voided")) == []
    assert world.mailer.sent == []


def test_the_queue_gets_every_kind_and_no_other() -> None:
    rule = read(ROOT / "template.yaml")["Resources"]["MailRule"]["Properties"]
    assert sorted(rule["EventPattern"]["detail-type"]) == sorted(KINDS)


def test_the_books_want_exactly_the_mails_that_are_sent(world: World) -> None:
    kinds = ("payment.voided", "shipment.cancelled")
    stories = [STORIES[kind](seed=kind) for kind in kinds]
    stories.append(at("confirmed").cancelled().pays("voided", authorized=0))
    for story in stories:
        store(world.db, story)
    now = max(story.now for story in stories)
    missing = [found for found in breaks(world.db, now) if found.kind == "mail.missing"]
    assert sorted(found.detail.split()[2] for found in missing) == [
        "order.cancelled",
        "order.confirmed",
        "order.confirmed",
        *kinds,
    ]
    assert world.tell(*(event for story in stories for event in story.events)) == []
    assert len(world.mailer.sent) == len(missing)
    assert [found for found in breaks(world.db, now) if found.kind.startswith("mail.")] == []


def test_a_reason_in_free_text_is_never_repeated(world: World) -> None:
    reason = "customer said <b>rude</b> things"
    whole = at("confirmed", seed="1").cancelled(reason)
    part = at("packed", seed="2", stock=MUGS_APART).rejected(reason)
    for story, kind in ((whole, "order.cancelled"), (part, "shipment.cancelled")):
        store(world.db, story)
        assert world.tell(story.event(kind)) == []
    for mail in world.mailer.sent:
        assert "rude" not in mail["html"] + mail["text"]
        assert "out of stock" not in mail["text"]
    assert len(world.mailer.sent) == 2


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
    ("kind", "noted", "detail"),
    [
        ("Bounce", "bounced_at", bounce("Permanent", "Ada <ADA@Customer.example>")),
        (
            "Complaint",
            "complained_at",
            {"complaint": {"complainedRecipients": [{"emailAddress": CONTACT.email}]}},
        ),
    ],
)
def test_a_hard_bounce_or_complaint_ends_all_mail(
    world: World, kind: str, noted: str, detail: dict[str, Any]
) -> None:
    story = at("shipped")
    store(world.db, story)
    world.tell(story.event("order.confirmed"))
    (report,) = world.reports(kind, **detail)
    (sent,) = world.reports("Send")
    assert world.deliver(report, sent, report) == []
    shipped = story.event("shipment.shipped")
    assert world.tell(shipped, shipped) == []
    assert len(world.mailer.sent) == 1
    assert world.state(shipped) == "suppressed"
    item = mails.state_of(world.db, key_of(story.event("order.confirmed")))
    assert item is not None
    assert {"sent_at", noted} < set(item)
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


# The logs


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
