"""Invoices as PDF: what stands on them is the frozen invoice, and each is written once."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from types import ModuleType
from typing import Any

import boto3
import facturx
import pytest
from parcelway.domain.commands import Command
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.invoice import Allowance, Invoice
from parcelway.domain.invoicing import Counter
from parcelway.domain.money import Money
from parcelway.domain.parties import Actor, Contact
from parcelway.domain.receipt import receipt
from parcelway.domain.self_billing import Supplied, self_bill, series_of
from parcelway.einvoice import cii
from parcelway.language.formats import LANGUAGES, money, percent
from parcelway.ports.files import S3Files, document_key
from parcelway.store.database import Database
from parcelway.store.suppliers import save_self_billed
from pypdf import PdfReader

from tests.einvoice_rules import broken_rules, broken_schema
from tests.functions.calls import Context, bus_event, failed, get_event, load, queue_event
from tests.functions.tables import REGION, aws
from tests.orders import CONTACT, PRODUCTS, SPLIT_STOCK, Story, at, store

BUCKET = "documents"


@dataclass
class World:
    db: Database
    function: ModuleType
    s3: Any

    def issue(self, story: Story) -> list[str]:
        """Hand over every invoice event of a story; the messages that stay in the queue."""
        kinds = ("invoice.issued", "credit_note.issued")
        events = [event for event in story.events if event.type in kinds]
        return failed(self.function.handler(queue_event(*map(bus_event, events)), Context()))

    def pdf(self, invoice: Invoice) -> bytes:
        folders = {"credit_note": "credit-notes", "self_billed": "self-billed-invoices"}
        folder = folders.get(invoice.kind, "invoices")
        key = f"{folder}/{invoice.series}/{invoice.number}.pdf"
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch, DOCUMENTS_BUCKET=BUCKET) as db:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield World(db, load("documents"), s3)


def text_of(pdf: bytes) -> str:
    """The text of all pages, with any space as a plain one."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_has_all_of_the_invoice(world: World, language: str) -> None:
    story = at("invoiced", language=language)
    store(world.db, story)
    assert world.issue(story) == []
    (invoice,) = story.invoices
    pdf = world.pdf(invoice)
    text = text_of(pdf)
    for line in invoice.lines:
        assert line.description in text
        assert line.sku in text
        for amount in (line.unit_price, line.net):
            assert plain(money(amount, language)) in text
    for tax in invoice.taxes:
        row = [percent(tax.rate, language), money(tax.net, language), money(tax.tax, language)]
        assert plain(" ".join(row)) in text
    for part in (invoice.net, invoice.tax, invoice.gross):
        assert plain(money(part, language)) in text
    wanted = (invoice.number, story.order.tracking_number, invoice.seller.tax_id, "12 Rose Lane")
    for word in (*wanted, invoice.seller.name, CONTACT.name, "2026"):
        assert word in text
    titles = {"en": ("Invoice", "Bill to", "Nothing is left to pay")}
    titles["de"] = ("Rechnung", "Leistungsdatum", "nichts mehr zu zahlen")
    for word in titles[language]:
        assert word in text


def test_it_is_an_archival_pdf_that_names_itself(world: World) -> None:
    story = at("invoiced")
    store(world.db, story)
    world.issue(story)
    reader = PdfReader(io.BytesIO(world.pdf(story.invoices[0])))
    assert reader.metadata is not None
    assert reader.metadata.title == "Invoice INV-000001"
    packet = reader.xmp_metadata
    assert packet is not None
    assert (packet.pdfaid_part, packet.pdfaid_conformance) == ("3", "B")


def test_each_shipment_has_its_own_and_together_they_are_the_order(world: World) -> None:
    story = at("invoiced", stock=SPLIT_STOCK)
    store(world.db, story)
    assert world.issue(story) == []
    first, second = story.invoices
    assert first.gross + second.gross == sum_of(story)
    assert plain(money(first.gross, "en")) in text_of(world.pdf(first))
    assert plain(money(second.gross, "en")) in text_of(world.pdf(second))


def sum_of(story: Story) -> Any:
    from parcelway.domain.order import totals

    return totals(story.order).gross


def test_what_is_there_is_never_written_over(world: World) -> None:
    story = at("invoiced")
    store(world.db, story)
    key = document_key(story.invoices[0])
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=b"the first")
    assert world.issue(story) == []
    assert world.pdf(story.invoices[0]) == b"the first"


def test_a_repeat_makes_the_same_bytes(world: World) -> None:
    story = at("invoiced")
    store(world.db, story)
    assert world.issue(story) == []
    first = world.pdf(story.invoices[0])
    world.s3.delete_object(Bucket=BUCKET, Key=document_key(story.invoices[0]))
    assert world.issue(story) == []
    assert world.pdf(story.invoices[0]) == first


def test_markup_in_names_is_only_text(world: World) -> None:
    name = '#panic("x") *b* $1$ \\ " ] <a>'
    products = {sku: replace(product, name=name) for sku, product in PRODUCTS.items()}
    story = at("invoiced", products=products, contact=Contact(name, "a@b.example"))
    store(world.db, story)
    assert world.issue(story) == []
    text = text_of(world.pdf(story.invoices[0]))
    assert text.count(plain(name)) == len(PRODUCTS) + 1


def test_letters_no_font_has_do_not_stop_the_invoice(world: World) -> None:
    story = at("invoiced", contact=Contact("王小明 😀", "a@b.example"))
    store(world.db, story)
    assert world.issue(story) == []
    assert "$86.15" in text_of(world.pdf(story.invoices[0]))


def test_ninety_lines_fill_pages(world: World) -> None:
    story = at("invoiced")
    (invoice,) = story.invoices
    pages = load("documents", "invoice_pdf")
    pdf, archival = pages.render(replace(invoice, lines=invoice.lines[:1] * 90))
    assert archival
    assert text_of(pdf).count("Stoneware mug, blue") == 90
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_credit_note_says_what_it_corrects_and_why(world: World, language: str) -> None:
    story = at("captured", language=language).credited(Wanted({1: 2}, shipping=True), "Came late")
    store(world.db, story)
    assert world.issue(story) == []
    (invoice,), (note,) = story.invoices, story.credit_notes
    text = text_of(world.pdf(note))
    titles = {"en": "Credit note", "de": "Rechnungskorrektur"}
    for word in (titles[language], note.number, invoice.number, "Came late", "MUG-1"):
        assert word in text
    for amount in (note.net, note.tax, note.gross):
        assert plain(money(amount, language)) in text
    assert "TEA-9" not in text


def test_the_pdf_is_factur_x(world: World) -> None:
    """Read back by Factur-X's own library: the same document, attached and announced."""
    story = at("captured").credited(Wanted(shipping=True))
    store(world.db, story)
    assert world.issue(story) == []
    for document in (*story.invoices, *story.credit_notes):
        pdf = world.pdf(document)
        name, xml = facturx.get_xml_from_pdf(pdf, check_xsd=True, check_schematron=False)
        assert (name, xml) == ("factur-x.xml", cii.write(document))
        assert (broken_schema(xml), broken_rules(xml)) == ([], {})
        reader = PdfReader(io.BytesIO(pdf))
        root: Any = reader.trailer["/Root"]
        (attached,) = [each.get_object() for each in root["/AF"]]
        assert attached["/AFRelationship"] == "/Alternative"
        packet = reader.xmp_metadata
        assert packet is not None
        assert (packet.pdfaid_part, packet.pdfaid_conformance) == ("3", "B")
        said = root["/Metadata"].get_object().get_data().decode()
        for value in ("INVOICE", "factur-x.xml", "1.0", "EN 16931"):
            assert f">{value}</fx:" in said
        # PDF/A wants every property described, once.
        for name in ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel"):
            assert said.count(f"<pdfaProperty:name>{name}</pdfaProperty:name>") == 1


def test_what_en_16931_cannot_say_is_a_plain_archival_pdf() -> None:
    (invoice,) = at("invoiced").invoices
    pdf, archival = load("documents", "invoice_pdf").render(
        replace(invoice, billing_address=None, delivered_to=None)
    )
    assert archival
    assert not PdfReader(io.BytesIO(pdf)).attachments
    assert b"factur-x" not in pdf


def test_a_pdf_laid_out_otherwise_is_not_marked() -> None:
    mark = load("documents", "factur_x").marked
    with pytest.raises(ValueError, match="metadata"):
        mark(b"%PDF-1.7\ntrailer\n<</Size 1>>\nstartxref\n9\n%%EOF")


def test_the_document_tells_discounts_relief_and_how_to_pay() -> None:
    (invoice,) = at("invoiced").invoices
    first = replace(invoice.lines[0], allowances=(Allowance("Tea week", Money(400, "USD")),))
    seller = replace(invoice.seller, iban="DE89370400440532013000")
    taxes = tuple(replace(t, code="S" if t.rate else "E", reason="x") for t in invoice.taxes)
    changed = replace(
        invoice,
        lines=(first, *invoice.lines[1:]),
        seller=seller,
        taxes=taxes,
        due_on=date(2026, 12, 16),
        payment_terms="30 days net",
        purchase_order="PO-4711",
        buyer_tax_id="ATU12345678",
    )
    pdf, _ = load("documents", "invoice_pdf").render(changed)
    text = text_of(pdf)
    wanted = ("Tea week: -$4.00", "Exempt from tax", "DE89370400440532013000", "30 days net")
    for word in (*wanted, "PO-4711", "ATU12345678", "Please pay $86.15 by December 16, 2026"):
        assert word in text
    assert "Nothing is left to pay" not in text


def test_prices_with_tax_add_up_with_tax() -> None:
    (invoice,) = at("invoiced").invoices
    pdf, _ = load("documents", "invoice_pdf").render(replace(invoice, prices_include_tax=True))
    text = text_of(pdf)
    assert "Amount incl. tax" in text
    for line in invoice.lines:
        assert plain(money(line.net + line.tax, "en")) in text


def test_an_invoice_in_a_suppliers_name_says_so(world: World) -> None:
    tea = Supplied("Assam, 5 kg", 4, Money(6000, "USD"), 0, "Z")
    story = at("draft")
    made = self_bill(
        "GARDEN",
        replace(story.shop.settings.seller, name="Teegarten GmbH"),
        [tea],
        Counter(series_of("GARDEN")),
        story.facts,
        Actor("staff"),
        due_on=date(2026, 12, 16),
    )
    save_self_billed(world.db, made, Command("k", "f"), story.now)
    assert failed(world.function.handler(queue_event(bus_event(made.event)), Context())) == []
    text = text_of(world.pdf(made.invoice))
    wanted = ("Self-billing invoice", "SB-GARDEN-000001", "Teegarten GmbH", "Assam, 5 kg")
    for word in (*wanted, story.shop.settings.seller.name, "We pay $240.00 by December 16, 2026"):
        assert word in text
    assert "Order date" not in text


def receipt_of(world: World, story: Story, k: str = "") -> dict[str, Any]:
    order = story.order
    path = {"number": order.tracking_number}
    event = get_event("/track/{number}/receipt.pdf", path, {"k": k or order.link_token}, {})
    answer: dict[str, Any] = world.function.handler(event, Context())
    return answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_tells_what_was_bought_and_what_paid_for_it(world: World, language: str) -> None:
    story = at("captured", language=language).refunded(500)
    store(world.db, story)
    answer = receipt_of(world, story)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/pdf")
    text = text_of(base64.b64decode(answer["body"]))
    titles = {"en": ("Receipt", "Card, Refunded"), "de": ("Beleg", "Karte, Erstattet")}
    for word in (*titles[language], story.order.tracking_number, story.shop.settings.seller.name):
        assert word in text
    for minor in (8615, 8115, -500):
        assert plain(money(Money(minor, "USD"), language)) in text
    assert CONTACT.name not in text


def test_every_tender_is_on_the_receipt() -> None:
    story = at("captured")
    bought = receipt(story.order, [story.payment] if story.payment else [])
    (card,) = bought.tenders
    gift = replace(card, method="gift_card", paid=Money(1500, "USD"))
    settings = story.shop.settings
    pdf = load("documents", "receipt_pdf").render(
        replace(bought, tenders=(gift, card)), settings, "en"
    )
    for word in ("$15.00", "Card", "$86.15", "Tax 7%"):
        assert word in text_of(pdf)


def test_there_is_no_receipt_before_something_was_paid_or_without_the_link(world: World) -> None:
    confirmed, paid = at("confirmed", seed="1"), at("captured", seed="2")
    for story in (confirmed, paid):
        store(world.db, story)
    wrong = [receipt_of(world, confirmed), receipt_of(world, paid, "x")]
    for answer in wrong:
        assert answer["statusCode"] == 404
        assert answer["body"] == wrong[0]["body"]


def test_an_unknown_invoice_stays_for_the_dead_letters(world: World) -> None:
    story = at("invoiced")
    store(world.db, story)
    event = story.event("invoice.issued")
    lost = replace(event, data={**event.data, "number": "INV-000099"})
    nobody = replace(event, order_id="ord_nowhere")
    batch = queue_event(bus_event(lost), bus_event(event), bus_event(nobody))
    assert failed(world.function.handler(batch, Context())) == ["m0", "m2"]
    assert world.pdf(story.invoices[0]).startswith(b"%PDF")


def test_files_are_put_once_and_missing_ones_are_none(world: World) -> None:
    files = S3Files(world.s3, BUCKET)
    assert files.get("a") is None
    assert files.put_once("a", b"1", "text/plain")
    assert not files.put_once("a", b"2", "text/plain")
    assert files.get("a") == b"1"
