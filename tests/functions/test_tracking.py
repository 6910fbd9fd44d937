"""Tracking: the right things to the right people, and nothing about anybody else."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import tracking
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Contact
from parcelway.domain.public_view import public_order
from parcelway.language.formats import LANGUAGES
from parcelway.language.wording import WORDS
from parcelway.ports.files import S3Files, document_key
from parcelway.store.database import Database
from parcelway.store.items import to_item

from tests.einvoice_rules import broken_rules, broken_schema
from tests.functions.calls import Context, get_event, load
from tests.functions.mailing import WAITING, Page
from tests.functions.tables import REGION, aws
from tests.orders import (
    CONTACT,
    HOME,
    PRODUCTS,
    SPLIT_STOCK,
    THREE_WAYS,
    Story,
    at,
    dossier_of,
    store,
)

URL, BUCKET = "https://shop.example/live", "documents"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PERSONAL = (CONTACT.name, "Ada", CONTACT.email, CONTACT.phone, HOME.line1, HOME.line2, "Rose")
UNKNOWN = "PW-00000-00000-00000-00000"


@dataclass
class World:
    db: Database
    function: ModuleType
    files: S3Files

    def get(
        self,
        resource: str,
        path: Mapping[str, str] | None = None,
        accept: str = "",
        **more: str,
    ) -> dict[str, Any]:
        """GET `resource`; `language` is its Accept-Language, the rest is the query."""
        language = more.pop("language", "")
        headers = {"Accept": accept} if accept else {}
        headers |= {"Accept-Language": language} if language else {}
        event = get_event(resource, path, more, headers)
        answer: dict[str, Any] = self.function.handler(event, Context())
        return answer

    def track(self, number: str, accept: str = "", **query: str) -> dict[str, Any]:
        return self.get("/track/{number}", {"number": number}, accept, **query)

    def receipt(self, number: str, **query: str) -> dict[str, Any]:
        return self.get("/track/{number}/receipt", {"number": number}, BROWSER, **query)

    def invoice(self, number: str, shipment: str, accept: str = "", **query: str) -> dict[str, Any]:
        path = {"number": number, "shipment_id": shipment}
        return self.get("/track/{number}/invoices/{shipment_id}", path, accept, **query)

    def credit_note(self, number: str, credit_note: str, **query: str) -> dict[str, Any]:
        path = {"number": number, "credit_note": credit_note}
        return self.get("/track/{number}/credit-notes/{credit_note}", path, "", **query)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    page = f"{URL}/pay/{{number}}/{{token}}"
    with aws(monkeypatch, PUBLIC_URL=URL, DOCUMENTS_BUCKET=BUCKET, PAYMENT_PAGE=page) as db:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield World(db, load("tracking"), S3Files(s3, BUCKET))


def everything(world: World, story: Story, **query: str) -> list[dict[str, Any]]:
    """Every answer that there is about an order, PDFs aside."""
    number = story.order.tracking_number
    answers = [world.track(number, accept, **query) for accept in ("", BROWSER)]
    answers.append(world.receipt(number, **query))
    return answers


def test_the_number_alone_tells_how_far_it_is(world: World) -> None:
    story = at("out_for_delivery")
    order = store(world.db, story)
    answer = world.track(order.tracking_number)
    assert answer["statusCode"] == 200
    seen = json.loads(answer["body"])
    assert (seen["status"], seen["text"]) == ("out_for_delivery", "Out for delivery")
    assert (seen["promised_from"], seen["promised_to"]) == ("2026-11-19", "2026-11-21")
    assert [step["state"] for step in seen["steps"]] == ["done"] * 3 + ["current", "ahead"]
    names = [event["name"] for event in seen["timeline"]]
    assert names == [
        *("out_for_delivery", "in_transit", "shipped", "packed", "preparing", "confirmed", "placed")
    ]
    (parcel,) = seen["parcels"]
    assert parcel["parcel_number"] == story.shipments[0].parcel_number
    assert [point["status"] for point in parcel["checkpoints"]] == [
        "out_for_delivery",
        "in_transit",
    ]
    for name in ("lines", "destinations", "invoices", "credit_notes", "receipt_url"):
        assert seen[name] is None
    assert "mug" not in answer["body"]
    assert "Dublin" not in answer["body"]


def test_the_link_also_shows_what_is_in_it(world: World) -> None:
    story = at("closed").refunded(500)
    order = store(world.db, story)
    seen = json.loads(world.track(order.tracking_number, k=order.link_token)["body"])
    assert seen["lines"][0] == {
        "name": "Stoneware mug, blue",
        "quantity": 3,
        "stages": {"delivered": 3},
        "expected": [],
    }
    (place,) = seen["destinations"]
    assert {name: place[name] for name in ("number", "method", "store", "city")} == {
        **{"number": 1, "method": "delivery", "store": "", "city": "Dublin"},
    }
    assert (place["postal_code"], place["country"]) == ("43016", "US")
    assert place["lines"][0] == {"name": "Stoneware mug, blue", "quantity": 3}
    assert (place["promised_from"], place["promised_to"]) == (
        seen["promised_from"],
        seen["promised_to"],
    )
    base = f"{URL}/track/{order.tracking_number}"
    assert seen["receipt_url"] == f"{base}/receipt?k={order.link_token}"
    (invoice,) = seen["invoices"]
    shipment = story.shipments[0].id
    assert invoice["url"] == f"{base}/invoices/{shipment}?k={order.link_token}"
    assert {"refunded", "invoiced"} <= {event["name"] for event in seen["timeline"]}


def test_several_deliveries_are_told_apart(world: World) -> None:
    story = at("draft").divided(*THREE_WAYS).placed().confirmed().scheduled()
    order = store(world.db, story.released().packed().shipped())
    number, key = order.tracking_number, order.link_token
    seen = json.loads(world.track(number, k=key)["body"])
    assert seen["deliveries"] == 3
    assert [(p["number"], p["method"], p["store"] or p["city"]) for p in seen["destinations"]] == [
        (1, "delivery", "Dublin"),
        (2, "delivery", "Louisville"),
        (3, "pickup", "Teapot Downtown"),
    ]
    books = {"name": "The Book of Tea", "quantity": 1}
    assert [books in place["lines"] for place in seen["destinations"]] == [False, True, True]
    assert all(place["promised_from"] for place in seen["destinations"])
    by_id = sorted(story.shipments, key=lambda shipment: shipment.id)
    assert [parcel["delivery"] for parcel in seen["parcels"]] == [int(s.group[1:]) for s in by_id]
    page = world.track(number, BROWSER, k=key)["body"]
    told = Page(page).text
    assert [f"Delivery {n} of 3" in told for n in (1, 2, 3)] == [True] * 3
    assert told.count("Delivery 2 of 3") == 2  # the place and its parcel
    assert "Louisville" in told
    anybody = world.track(number, BROWSER)["body"]
    assert "Delivery 2 of 3" in anybody
    for secret in ("Louisville", "Teapot Downtown", "Book of Tea"):
        assert secret not in anybody
    alone = at("shipped", seed="2", series="TWO")
    store(world.db, alone)
    assert (
        "Delivery 1 of"
        not in world.track(alone.order.tracking_number, BROWSER, k=alone.order.link_token)["body"]
    )


@pytest.mark.parametrize("stage", ["placed", "confirmed", "shipped", "closed"])
def test_nobody_learns_who_or_where(world: World, stage: Any) -> None:
    story = at(stage)
    order = store(world.db, story)
    for query in ({}, {"k": order.link_token}, {"k": "wrong"}):
        for answer in everything(world, story, **query):
            for personal in PERSONAL:
                assert personal not in answer["body"]
            assert "Sorting hall" not in answer["body"]
            assert order.id not in answer["body"]
            if query != {"k": order.link_token}:
                assert order.link_token not in answer["body"]


def test_a_wrong_token_is_no_token(world: World) -> None:
    order = store(world.db, at("shipped"))
    number, last = order.tracking_number, order.link_token[-1]
    close = order.link_token[:-1] + ("0" if last != "0" else "1")
    for wrong in ("x", "é", "\ud800", "", "0" * 32, " ", close, order.link_token + " "):
        assert world.track(number, k=wrong)["body"] == world.track(number)["body"]


def test_unknown_mistyped_and_forbidden_are_one_answer(world: World) -> None:
    story = at("closed")
    order = store(world.db, story)
    number, shipment = order.tracking_number, story.shipments[0].id
    other = store(world.db, at("confirmed", seed="2"))
    for accept in ("", BROWSER):
        answers = [
            world.track(UNKNOWN, accept),
            world.track(number[:-1] + "~", accept),
            world.track("nonsense", accept),
            world.track("%2e%2e%2f", accept),
            world.invoice(number, shipment, accept),
            world.invoice(number, shipment, accept, k="wrong"),
            world.invoice(UNKNOWN, shipment, accept, k=order.link_token),
            world.invoice(number, "shp_nowhere", accept, k=order.link_token),
            world.invoice(number, shipment, accept, k=other.link_token),
            world.get("/track/{number}/receipt", {"number": number}, accept),
            world.get("/track/{number}/receipt", {"number": UNKNOWN}, accept, k="x"),
            world.get("/track", None, accept, number="nonsense"),
        ]
        assert {answer["statusCode"] for answer in answers} == {404}
        assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1
    assert "PW-" in answers[0]["body"], "people get the form again"


def test_a_number_is_understood_however_it_is_written(world: World) -> None:
    order = store(world.db, at("placed"))
    number = order.tracking_number
    for written in (number.lower(), number.replace("-", ""), number.replace("-", "%20")):
        assert json.loads(world.track(written)["body"])["number"] == number
    answer = world.get("/track", None, BROWSER, number=f" {number.lower()} ")
    assert answer["statusCode"] == 303
    assert answer["headers"]["Location"] == f"{URL}/track/{number}"


@given(st.text(alphabet=tracking.ALPHABET + "~-% ", max_size=30))
def test_no_guess_leads_anywhere_else(text: str) -> None:
    parsed = tracking.parse(text)
    assert parsed is None or re.fullmatch(r"PW(-[0-9A-Y]{5}){4}", parsed)


# Pages


STORIES: Mapping[str, Callable[..., Story]] = {
    "awaiting_payment": lambda **o: at("placed", **o),
    "confirmed": lambda **o: at("confirmed", **o),
    "preparing": lambda **o: at("packed", **o),
    "shipped": lambda **o: at("shipped", **o),
    "out_for_delivery": lambda **o: at("out_for_delivery", **o),
    "problem": lambda **o: at("shipped", **o).tracked("exception"),
    "available_for_pickup": lambda **o: at("shipped", **o).tracked("available_for_pickup"),
    "ready_for_pickup": lambda **o: at("shipped", method="pickup", **o),
    "delivered": lambda **o: at("closed", **o),
    "collected": lambda **o: at("closed", method="pickup", **o),
    "returned": lambda **o: at("shipped", **o).tracked("returned"),
    "cancelled": lambda **o: at("confirmed", **o).cancelled(),
    "expired": lambda **o: at("placed", **o).expired(),
}


def test_every_status_is_a_sound_page_in_every_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", URL)
    monkeypatch.setenv("PAYMENT_PAGE", "")
    pages, views = load("tracking", "pages"), load("tracking", "views")
    for status, make in STORIES.items():
        for language, linked in itertools.product(LANGUAGES, (False, True)):
            story = make(language=language)
            seen = public_order(
                story.order,
                story.shipments,
                story.invoices,
                story.events,
                story.shop.nodes,
                linked=linked,
            )
            links = views.Links(f"{URL}/track/{seen.number}", story.order.link_token)
            answer = pages.tracking_page(seen, language, links, "Teapot & Co.", "America/New_York")
            page = Page(answer.body)
            assert f'<html lang="{language}">' in answer.body
            assert WORDS[f"status.{status}"][language] in page.text
            assert ("mug" in page.text) == linked
            assert "None" not in page.text
            assert not page.tags & {"script", "img", "link", "iframe"}


def check_harmless(answer: Mapping[str, Any], page: Page) -> None:
    """No script, nothing from elsewhere, not to be found or framed, the style as in the CSP."""
    headers = answer["headers"]
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert not re.search(r'\sstyle="|\son\w+="', answer["body"])
    assert all(link.startswith(URL) for link in page.links)
    (style,) = re.findall(r"<style>(.*)</style>", answer["body"], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "form-action 'self' https://shop.example;" in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Vary"] == "Accept, Accept-Language"


def test_a_revised_date_is_shown_beside_the_first_one_with_the_reason(world: World) -> None:
    order = store(world.db, at("confirmed", **WAITING).slipped(9))
    key = order.link_token
    seen = json.loads(world.track(order.tracking_number, k=key)["body"])
    (place,) = seen["destinations"]
    for told in (seen, place):
        assert told["revised"]
        assert told["revision_reason"] == "supply"
        assert told["revision_text"] == WORDS["revised.supply"]["en"]
        assert told["promised_to"] < told["expected_to"]
    assert seen["timeline"][0]["name"] == "redated"
    mugs = next(line for line in seen["lines"] if line["expected"])
    assert mugs["expected"] == [{"quantity": 3, "due": "2026-12-09"}]
    for sent in ({"k": key}, {}):  # dates are for everybody, contents are not
        page = world.track(order.tracking_number, BROWSER, **sent)["body"]
        text = Page(page).text
        assert re.search(r"<s>[^<]*\d[^<]*</s>", page)
        assert WORDS["revised.supply"]["en"] in text
        assert ("3 expected Wednesday, December 9, 2026" in text) == bool(sent)


def test_a_date_nobody_knows_is_told_as_such(world: World) -> None:
    order = store(world.db, at("confirmed", **WAITING).slipped(None))
    page = Page(world.track(order.tracking_number, BROWSER, k=order.link_token)["body"])
    assert WORDS["label.unknown"]["en"] in page.text
    assert "3 expected, date not known yet" in page.text


def test_an_order_of_two_leads_to_the_other(world: World) -> None:
    order = store(world.db, at("confirmed", **WAITING | {"shortage": "separate_order"}))
    other = dossier_of(world.db, order.linked[0]).order
    seen = json.loads(world.track(order.tracking_number, k=order.link_token)["body"])
    (linked,) = seen["linked_orders"]
    assert (linked["number"], linked["status"]) == (other.tracking_number, "awaiting_payment")
    assert linked["url"] == f"{URL}/track/{other.tracking_number}?k={other.link_token}"
    page = Page(world.track(order.tracking_number, BROWSER, k=order.link_token)["body"])
    assert linked["url"] in page.links
    assert other.tracking_number not in world.track(order.tracking_number, BROWSER)["body"]


def test_two_parcels_are_told_apart(world: World) -> None:
    order = store(world.db, at("shipped", stock=SPLIT_STOCK))
    page = Page(world.track(order.tracking_number, BROWSER)["body"])
    assert "Parcel 1 of 2" in page.text
    assert "Parcel 2 of 2" in page.text


def test_a_part_that_was_cancelled_is_told_on_the_page(world: World) -> None:
    order = store(world.db, at("packed", stock=SPLIT_STOCK, language="de").rejected())
    page = Page(world.track(order.tracking_number, BROWSER)["body"])
    assert "Teil der Bestellung storniert" in page.text
    assert "Wird vorbereitet" in page.text


def test_hostile_names_are_only_text(world: World) -> None:
    name = '<script>alert(1)</script>"><img src=x> {{ 7*7 }}'
    products = {sku: replace(product, name=name) for sku, product in PRODUCTS.items()}
    story = at("closed", products=products, contact=Contact(name, "a@b.example"))
    order = store(world.db, story)
    for answer in everything(world, story, k=order.link_token)[1:]:
        page = Page(answer["body"])
        assert name in page.text
        check_harmless(answer, page)


WANTS_PAGE = [
    (BROWSER, True),
    ("text/html", True),
    ("TEXT/HTML;q=0.5", True),
    ("application/json;q=0.5, text/html", True),
    ("*/*", False),
    ("", False),
    ("application/json", False),
    ("application/json, text/html;q=0.9", False),
    ("text/html;q=0", False),
    ("text/html;q=rubbish, */*", False),
    ("text/html;q=nan", False),
    (",;=,;;q=", False),
]


def test_who_gets_a_page(world: World) -> None:
    order = store(world.db, at("placed"))
    for accept, html in WANTS_PAGE:
        kind = world.track(order.tracking_number, accept)["headers"]["Content-Type"]
        assert kind == ("text/html; charset=utf-8" if html else "application/json"), accept


SPEAKS = [
    ("de-AT,de;q=0.9,en;q=0.8", "de"),
    ("en-GB", "en"),
    ("fr, de;q=0.5", "de"),
    ("fr", "en"),
    ("de;q=0, en;q=0.1", "en"),
    ("", "en"),
    ("\ud800;q=1", "en"),
]


def test_the_form_speaks_the_readers_language(world: World) -> None:
    for language, expected in SPEAKS:
        form = world.get("/track", None, BROWSER, language=language)
        lost = world.track(UNKNOWN, BROWSER, language=language)
        for answer, status in ((form, 200), (lost, 404)):
            assert answer["statusCode"] == status
            assert f'<html lang="{expected}">' in answer["body"]
            page = Page(answer["body"])
            assert f"{URL}/track" in page.links
            check_harmless(answer, page)


def test_parameters_that_mail_programs_add_are_ignored(world: World) -> None:
    order = store(world.db, at("placed"))
    answer = world.track(order.tracking_number, k=order.link_token, utm_source="mail")
    assert json.loads(answer["body"])["lines"]


# Documents


def test_the_invoice_is_served_as_it_was_made(world: World) -> None:
    story = at("invoiced")
    order = store(world.db, story)
    pdf = bytes(range(256))
    world.files.put_once(document_key(story.invoices[0]), pdf, "application/pdf")
    shipment = story.shipments[0].id
    for accept in ("", BROWSER, "application/pdf"):
        answer = world.invoice(order.tracking_number, shipment, accept, k=order.link_token)
        assert answer["statusCode"] == 200
        assert answer["isBase64Encoded"] is True
        assert base64.b64decode(answer["body"]) == pdf
        assert answer["headers"]["Content-Type"] == "application/pdf"
        assert 'filename="INV-000001.pdf"' in answer["headers"]["Content-Disposition"]


def test_a_credit_note_is_listed_and_served(world: World) -> None:
    story = at("captured").credited(Wanted(shipping=True))
    order, (note,) = store(world.db, story), story.credit_notes
    seen = json.loads(world.track(order.tracking_number, k=order.link_token)["body"])
    (link,) = seen["credit_notes"]
    base = f"{URL}/track/{order.tracking_number}/credit-notes"
    assert link["url"] == f"{base}/{note.number}?k={order.link_token}"
    assert link["gross"] == {"minor": note.gross.minor, "currency": "USD"}
    assert "credited" in [event["name"] for event in seen["timeline"]]
    page = Page(world.track(order.tracking_number, BROWSER, k=order.link_token)["body"])
    assert f"Credit note {note.number}" in page.text
    answer = world.credit_note(order.tracking_number, note.number, k=order.link_token)
    assert json.loads(answer["body"])["type"].endswith(":invoice-not-ready")
    world.files.put_once(document_key(note), b"%PDF", "application/pdf")
    answer = world.credit_note(order.tracking_number, note.number, k=order.link_token)
    assert base64.b64decode(answer["body"]) == b"%PDF"
    for number, k in ((note.number, ""), ("CRN-9", order.link_token), (note.number, "x")):
        answer = world.credit_note(order.tracking_number, number, k=k)
        assert json.loads(answer["body"])["type"].endswith(":not-found")


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
@pytest.mark.parametrize("form", ["ubl", "cii"])
def test_documents_are_served_for_machines(world: World, form: str, kind: str) -> None:
    story = at("captured").credited(Wanted(shipping=True))
    order = store(world.db, story)
    (document,) = story.invoices if kind == "invoice" else story.credit_notes
    asked = {"k": order.link_token, "format": form}
    if kind == "invoice":
        answer = world.invoice(order.tracking_number, document.shipment_id, **asked)
    else:
        answer = world.credit_note(order.tracking_number, document.number, **asked)
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "application/xml"
    assert f'attachment; filename="{document.number}.xml"' in answer["headers"].values()
    xml = base64.b64decode(answer["body"])
    assert (broken_schema(xml), broken_rules(xml)) == ([], {})
    assert document.number in xml.decode()


def test_what_en_16931_cannot_say_is_not_served_as_cii(world: World) -> None:
    story = at("invoiced")
    order = store(world.db, story)
    item = world.db.query(world.db.orders, f"ORD#{order.id}", "INV#")[0]
    lost = {name: value for name, value in item["invoice"].items() if name != "delivered_to"}
    changed = item | {"invoice": lost | {"billing_address": None}}
    world.db.client.put_item(TableName=world.db.orders, Item=to_item(changed))
    ask = (order.tracking_number, story.shipments[0].id)
    answer = world.invoice(*ask, k=order.link_token, format="cii")
    assert answer["statusCode"] == 406
    assert "BR-11" in json.loads(answer["body"])["detail"]
    assert world.invoice(*ask, k=order.link_token, format="ubl")["statusCode"] == 200
    assert world.invoice(*ask, k=order.link_token, format="xls")["statusCode"] == 422


@pytest.mark.parametrize("stage", ["packed", "invoiced"])
def test_an_invoice_still_to_come_says_so(world: World, stage: Any) -> None:
    story = at(stage)
    order = store(world.db, story)
    ask = (order.tracking_number, story.shipments[0].id)
    answer = world.invoice(*ask, k=order.link_token)
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["type"].endswith(":invoice-not-ready")
    assert answer["headers"]["Retry-After"] == "30"
    page = world.invoice(*ask, BROWSER, k=order.link_token)
    assert page["statusCode"] == 404
    assert page["headers"]["Retry-After"] == "30"
    assert "Not ready yet" in page["body"]


def test_the_receipt_adds_up_and_tells_what_was_paid(world: World) -> None:
    story = at("closed").refunded(500)
    order = store(world.db, story)
    answer = world.receipt(order.tracking_number, k=order.link_token)
    page = Page(answer["body"])
    text = " ".join(page.text.split())
    wanted = ("$38.85", "Tax 7%$3.14", "Total$86.15", "Paid$86.15", "Refunded-$5.00", "Card")
    for part in wanted:
        assert part in text
    check_harmless(answer, page)


def test_the_receipt_of_an_order_not_charged_yet_says_so(world: World) -> None:
    order = store(world.db, at("confirmed"))
    text = Page(world.receipt(order.tracking_number, k=order.link_token)["body"]).text
    assert "Nothing has been charged." in text
    assert "Reserved on your card" in text


def test_reading_changes_nothing(world: World) -> None:
    """Mail scanners open every link."""
    story = at("closed")
    order = store(world.db, story)
    before = world.db.query(world.db.orders, f"ORD#{order.id}")
    everything(world, story, k=order.link_token)
    assert world.db.query(world.db.orders, f"ORD#{order.id}") == before


def test_what_is_to_be_paid_anew_is_said_to_the_holder_of_the_link_alone(world: World) -> None:
    names = ("to_pay", "pay_until", "payment_url")

    def told(order: Order, **query: str) -> list[Any]:
        seen = json.loads(world.track(order.tracking_number, **query)["body"])
        return [seen[name] for name in names]

    order = store(world.db, at("packed").pays("voided", authorized=0))
    amount, until, url = told(order, k=order.link_token)
    assert amount["minor"] == totals(order).gross.minor
    assert until is not None
    assert url == f"{URL}/pay/{order.tracking_number}/{order.link_token}"
    assert told(order) == [None] * 3
    page = world.track(order.tracking_number, BROWSER, k=order.link_token)["body"]
    assert url in page
    paid = store(world.db, at("packed", seed="2", series="2"))
    assert told(paid, k=paid.link_token) == [None] * 3
