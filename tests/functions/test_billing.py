"""Billing: credit notes are issued once, in a series without a gap, and never for too much."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from parcelway.domain.money import total
from parcelway.ports import clock
from parcelway.ports.files import S3Files, document_key
from parcelway.store.series import get_counter, numbers_given

from infra.cli.openapi_examples import BODIES
from tests.einvoice_rules import broken_rules, broken_schema
from tests.functions.tables import REGION, aws
from tests.functions.together import Together
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import SPLIT_STOCK, Story, dossier_of, store, store_shop, two_companies

FINANCE = {"sub": "sub-fin", "email": "fin@shop.example", "cognito:groups": "finance"}
CSR = {"sub": "sub-csr", "email": "csr@shop.example", "cognito:groups": "[csr]"}
BUCKET = "documents"
LINE = BODIES["billing_self_bill"]["lines"][0]
RESOURCE = "/staff/orders/{order_id}/credit-notes"


class Billing(World):
    """The function with its files."""

    @property
    def files(self) -> S3Files:
        return S3Files(boto3.client("s3"), BUCKET)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Billing]:
    with aws(monkeypatch, DOCUMENTS_BUCKET=BUCKET) as db:
        s3: Any = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield Billing(db, "billing")


def sold(world: World, seed: str = "1", **more: Any) -> Story:
    """An order that was sent, invoiced and paid."""
    series = more.pop("series", f"INV{seed}")
    story = Story(seed=seed, series=series, now=clock.now() - timedelta(hours=1), **more)
    story.filled().placed().confirmed().scheduled().released().packed().shipped().invoiced()
    store(world.db, story.captured())
    return story


def credit(world: World, story: Story, key: str = "", claims: Any = FINANCE, **body: Any) -> Answer:
    body = {"invoice": story.invoices[0].number, "reason": "Arrived broken"} | body
    path = {"order_id": story.order.id}
    return world.call("POST", RESOURCE, path, body, claims=claims, idempotency_key=key or new_key())


def test_a_credit_note_is_kept_numbered_posted_and_told(world: Billing) -> None:
    story = sold(world)
    lines = [{"sku": "MUG-1", "quantity": 1}, {"sku": "MUG-1", "quantity": 1}]
    seen = ok(credit(world, story, lines=lines, shipping=True), 201)
    assert (seen["kind"], seen["number"]) == ("credit_note", "CRN-000001")
    assert seen["refers_to"] == story.invoices[0].number
    assert [(ln["kind"], ln["quantity"]) for ln in seen["lines"]] == [("goods", 2), ("shipping", 1)]
    dossier = dossier_of(world.db, story.order.id)
    (note,) = dossier.credit_notes
    assert note.gross.minor == seen["gross"]["minor"] > 0
    assert dossier.order.owed == -note.gross
    event = dossier.events[-1]
    assert (event.type, event.actor.id) == ("credit_note.issued", "sub-fin")
    assert "Arrived broken" not in str(event.data)
    posted = world.db.query(world.db.ledger, f"ORD#{story.order.id}")
    assert f"POST#credit_note:{note.number}" in [item["sk"] for item in posted]
    assert numbers_given(world.db, "CRN") == {note.sequence} == {1}


def test_a_credit_note_is_of_the_series_of_who_issued_the_invoice(world: Billing) -> None:
    stock = {("BOOK-3", "dc-2"): 5}
    story = sold(world, shop=two_companies(), stock=stock, basket={"BOOK-3": 1}, series="SOUTH")
    note = ok(credit(world, story, shipping=True), 201)
    assert note["number"] == "SOUTH-CRN-000001"
    assert dossier_of(world.db, story.order.id).credit_notes[0].seller.name == "Teapot South, Inc."
    other = sold(world, "2", shop=two_companies())
    assert ok(credit(world, other, shipping=True), 201)["number"] == "CRN-000001"


def test_a_repeat_is_the_same_credit_note(world: Billing) -> None:
    story, key = sold(world), new_key()
    first = credit(world, story, key, amount={"minor": 100, "currency": "USD"})
    ok(first, 201)
    before = world.dump()
    assert credit(world, story, key, amount={"minor": 100, "currency": "USD"}) == first
    other = credit(world, story, key, amount={"minor": 200, "currency": "USD"})
    refused(other, 422, "idempotency-key-reused")
    assert world.dump() == before


def test_a_repeat_is_known_when_the_order_has_forgotten_its_key(world: Billing) -> None:
    story, key = sold(world), new_key()
    first = credit(world, story, key, amount={"minor": 1, "currency": "USD"})
    for _ in range(33):
        ok(credit(world, story, amount={"minor": 1, "currency": "USD"}), 201)
    assert credit(world, story, key, amount={"minor": 1, "currency": "USD"}) == first


@pytest.mark.parametrize("done", [True, False])
def test_a_timeout_then_the_same_key_credits_once(world: Billing, done: bool) -> None:
    story, key = sold(world), new_key()
    broken = world.breaking(
        "transact_write_items",
        done=done,
        request=lambda: credit(world, story, key, shipping=True),
    )
    refused(broken, 503, "busy")
    ok(credit(world, story, key, shipping=True), 201)
    assert [n.number for n in dossier_of(world.db, story.order.id).credit_notes] == ["CRN-000001"]
    assert get_counter(world.db, "CRN").last == 1


def test_a_crowd_of_credits_leaves_no_gap_and_gives_no_unit_twice(world: Billing) -> None:
    """Eight people credit two of three mugs, of one of two orders, at once."""
    stories = [sold(world, "1"), sold(world, "2")]
    mug = [{"sku": "MUG-1", "quantity": 2}]
    world.db = replace(world.db, client=Together(world.db.client, 8))
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda n: credit(world, stories[n % 2], lines=mug), range(8)))
    statuses = sorted(answer["statusCode"] for answer in answers)
    assert statuses == [201] * 2 + [422] * 6
    notes = [n for s in stories for n in dossier_of(world.db, s.order.id).credit_notes]
    assert sorted(note.sequence for note in notes) == [1, 2]
    assert get_counter(world.db, "CRN").last == 2


def test_two_parcels_are_credited_by_their_own_invoices(world: Billing) -> None:
    story = sold(world, stock=SPLIT_STOCK)
    for invoice in story.invoices:
        units: dict[str, int] = {}
        for line in invoice.lines:
            if line.sku:
                units[line.sku] = units.get(line.sku, 0) + line.quantity
        wanted = [{"sku": sku, "quantity": count} for sku, count in units.items()]
        charged = any(line.kind == "shipping" for line in invoice.lines)
        body = {"invoice": invoice.number, "lines": wanted, "shipping": charged}
        seen = ok(credit(world, story, **body), 201)
        assert seen["gross"]["minor"] == invoice.gross.minor
    dossier = dossier_of(world.db, story.order.id)
    gross = total((invoice.gross for invoice in dossier.invoices), "USD")
    assert total((note.gross for note in dossier.credit_notes), "USD") == gross
    assert dossier.order.invoiced == 0


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid-request", None),
        ({"invoice": "INV-999999", "shipping": True}, "invalid-request", "/invoice"),
        ({"lines": [{"sku": "NONE", "quantity": 1}]}, "unknown-sku", "/lines/0/sku"),
        ({"lines": [{"sku": "MUG-1", "quantity": 4}]}, "credit-limit", None),
        ({"lines": [{"sku": "MUG-1", "quantity": 0}]}, "invalid-request", "/lines/0/quantity"),
        ({"amount": {"minor": 10**9, "currency": "USD"}}, "credit-limit", None),
        ({"amount": {"minor": 1, "currency": "EUR"}}, "invalid-request", None),
        ({"amount": {"minor": 0, "currency": "USD"}}, "invalid-request", None),
        ({"shipping": True, "reason": "4242 4242 4242 4242"}, "card-number-refused", None),
        ({"shipping": True, "reason": ""}, "invalid-request", "/reason"),
    ],
)
def test_what_cannot_be_credited_changes_nothing(
    world: World, body: Any, code: str, pointer: str | None
) -> None:
    story = sold(world)
    before = world.dump()
    problem = refused(credit(world, story, **body), 422, code)
    assert problem.get("pointer") == pointer
    assert world.dump() == before


def test_documents_are_read_by_staff_in_any_form(world: Billing) -> None:
    story = sold(world)
    (invoice,) = story.invoices
    note = ok(credit(world, story, shipping=True), 201)["number"]
    world.files.put_once(document_key(invoice), b"%PDF", "application/pdf")
    resource = "/staff/orders/{order_id}/documents/{document}"

    def read(number: str, order: str = story.order.id, **query: str) -> Answer:
        path = {"order_id": order, "document": number}
        return world.call("GET", resource, path, query=query, claims=CSR)

    assert base64.b64decode(read(invoice.number)["body"]) == b"%PDF"
    refused(read(note), 404, "invoice-not-ready")
    for number in (invoice.number, note):
        for form in ("ubl", "cii"):
            answer = read(number, format=form)
            assert answer["headers"]["Content-Type"] == "application/xml"
            assert number in base64.b64decode(answer["body"]).decode()
    refused(read("INV-9"), 404, "not-found")
    refused(read(invoice.number, "ord_none"), 404, "not-found")
    refused(read(invoice.number, format="doc"), 422, "invalid-request")


SUPPLIERS = "/staff/suppliers/{supplier_id}/invoices"


def self_bill(world: World, key: str = "", whose: str = "GARDEN", **body: Any) -> Answer:
    body = BODIES["billing_self_bill"] | body
    path = {"supplier_id": whose}
    return world.call(
        "POST", SUPPLIERS, path, body, claims=FINANCE, idempotency_key=key or new_key()
    )


def supplier_items(world: World, supplier: str = "GARDEN") -> list[str]:
    items = world.db.query(world.db.orders, f"SUP#{supplier}")
    return [item["sk"] for item in items if not item["sk"].startswith("CMD#")]


def test_suppliers_are_billed_in_series_of_their_own(world: Billing) -> None:
    store_shop(world.db)
    made = [ok(self_bill(world, whose=name), 201) for name in ("GARDEN", "GARDEN", "FARM")]
    assert [each["number"] for each in made] == [
        "SB-GARDEN-000001",
        "SB-GARDEN-000002",
        "SB-FARM-000001",
    ]
    assert made[0]["kind"] == "self_billed"
    assert made[0]["gross"] == {"minor": 24_000, "currency": "USD"}
    assert supplier_items(world) == [
        "COUNTER",
        "EVT#000000000001",
        "EVT#000000000002",
        "SBI#000000000001",
        "SBI#000000000002",
    ]
    posted = world.db.query(world.db.ledger, "SUB#GARDEN")
    assert [item["sk"] for item in posted] == [
        "POST#supplier_invoice:SB-GARDEN-000001",
        "POST#supplier_invoice:SB-GARDEN-000002",
    ]


@pytest.mark.parametrize("done", [True, False])
def test_a_repeat_bills_a_supplier_once(world: Billing, done: bool) -> None:
    store_shop(world.db)
    key = new_key()
    write = "transact_write_items"
    refused(world.breaking(write, done=done, request=lambda: self_bill(world, key)), 503, "busy")
    first = self_bill(world, key)
    ok(first, 201)
    before = world.dump()
    assert self_bill(world, key) == first
    refused(self_bill(world, key, purchase_order="PO-1"), 422, "idempotency-key-reused")
    assert world.dump() == before
    assert supplier_items(world) == ["COUNTER", "EVT#000000000001", "SBI#000000000001"]


def test_a_crowd_bills_a_supplier_without_a_gap(world: Billing) -> None:
    store_shop(world.db)
    world.db = replace(world.db, client=Together(world.db.client, 6))
    with ThreadPoolExecutor(6) as people:
        answers = list(people.map(lambda _: self_bill(world), range(6)))
    numbers = sorted(ok(answer, 201)["number"] for answer in answers)
    assert numbers == [f"SB-GARDEN-{n:06d}" for n in range(1, 7)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"due_on": "2020-01-01"}, "/due_on"),
        ({"supplier": {"name": "x"}}, "/supplier/address"),
        ({"lines": [LINE | {"tax_rate": 700}]}, "/lines/0"),
        ({"lines": [LINE | {"tax_code": "E"}]}, "/lines/0"),
        ({"lines": [LINE, LINE | {"unit_price": {"minor": 1, "currency": "EUR"}}]}, "/lines"),
    ],
)
def test_what_cannot_be_billed_changes_nothing(world: Billing, body: Any, pointer: str) -> None:
    store_shop(world.db)
    before = world.dump()
    problem = refused(self_bill(world, **body), 422, "invalid-request")
    assert problem["pointer"] == pointer
    refused(self_bill(world, whose="ord_1"), 422, "invalid-request")
    assert world.dump() == before


def test_what_was_billed_for_a_supplier_is_read_back(world: Billing) -> None:
    store_shop(world.db)
    number = ok(self_bill(world), 201)["number"]

    def read(number: str, supplier: str = "GARDEN", **query: str) -> Answer:
        path = {"supplier_id": supplier, "document": number}
        return world.call("GET", f"{SUPPLIERS}/{{document}}", path, query=query, claims=FINANCE)

    xml = base64.b64decode(read(number, format="ubl")["body"])
    assert (broken_schema(xml), broken_rules(xml)) == ([], {})
    refused(read(number), 404, "invoice-not-ready")
    wrong = (
        (number, "FARM"),
        ("SB-GARDEN-000002", "GARDEN"),
        ("x", "GARDEN"),
        ("000001", "GARDEN"),
    )
    for name, supplier in wrong:
        refused(read(name, supplier), 404, "not-found")


def test_it_is_not_for_everybody(world: Billing) -> None:
    story = sold(world)
    refused(credit(world, story, claims=CSR, shipping=True), 403, "forbidden")
    refused(credit(world, story, claims=None, shipping=True), 401, "unauthenticated")
    path, body = {"order_id": "ord_none"}, {"invoice": "INV-1", "reason": "x", "shipping": True}
    answer = world.call("POST", RESOURCE, path, body, claims=FINANCE, idempotency_key=new_key())
    refused(answer, 404, "not-found")
