"""Invoices as PDF: what stands on them is the frozen invoice, and each is written once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import boto3
import pytest
from parcelway.domain.invoice import Invoice
from parcelway.domain.parties import Contact
from parcelway.language.formats import LANGUAGES, money, percent
from parcelway.ports.files import S3Files, invoice_key
from parcelway.store.database import Database
from pypdf import PdfReader

from tests.functions.calls import Context, bus_event, failed, load, queue_event
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
        events = [event for event in story.events if event.type == "invoice.issued"]
        return failed(self.function.handler(queue_event(*map(bus_event, events)), Context()))

    def pdf(self, invoice: Invoice) -> bytes:
        key = f"invoices/{invoice.series}/{invoice.number}.pdf"
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
    key = invoice_key(story.invoices[0])
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=b"the first")
    assert world.issue(story) == []
    assert world.pdf(story.invoices[0]) == b"the first"


def test_a_repeat_makes_the_same_bytes(world: World) -> None:
    story = at("invoiced")
    store(world.db, story)
    assert world.issue(story) == []
    first = world.pdf(story.invoices[0])
    world.s3.delete_object(Bucket=BUCKET, Key=invoice_key(story.invoices[0]))
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
    pdf, archival = pages.render(replace(invoice, lines=invoice.lines[:1] * 90), "card", None)
    assert archival
    assert text_of(pdf).count("Stoneware mug, blue") == 90
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 2


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
