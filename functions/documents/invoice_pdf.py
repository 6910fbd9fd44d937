"""The invoice as a PDF: a frozen Invoice laid out by `invoice.typ`.

PDF/A-3b, for archives and for the structured invoice that will be attached. Only the fonts inside
typst and those in `fonts/` are used, so that a document looks the same wherever it is made.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from parcelway.domain.invoice import Invoice
from parcelway.domain.parties import Address
from parcelway.language.formats import address_lines, day, language_for, money, number, percent
from parcelway.language.wording import say

_FOLDER = Path(__file__).parent
_LETTER = frozenset({"US", "CA", "MX"})  # where paper is US Letter, not A4
_WORDS = (
    "title",
    "tax_id",
    "bill_to",
    "rate",
    "taxable",
    "breakdown",
    "sum_net",
    "sum_tax",
    "sum_gross",
    "page",
)


def render(
    invoice: Invoice, payment_method: str, supplied_at: datetime | None
) -> tuple[bytes, bool]:
    """The PDF, and whether it is PDF/A-3b.

    It is a plain PDF, with boxes in their place, when a name has letters that none of the fonts
    has: put one that has them into `fonts/`. `supplied_at` is when the goods left. Raises
    typst.TypstError when there is no way.
    """
    data = json.dumps(contents(invoice, payment_method, supplied_at), ensure_ascii=False)
    try:
        return _compile(data, ["a-3b"]), True
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
    return _compile(data, None), False


def contents(invoice: Invoice, payment_method: str, supplied_at: datetime | None) -> dict[str, Any]:
    """Everything that is printed, in the invoice's language. Dates are UTC."""
    language = language_for(invoice.language)
    seller = invoice.seller
    words = {name: say(f"invoice.{name}", language) for name in _WORDS}
    words |= {name: say(f"label.{name}", language) for name in ("deliver_to", "tax")}
    unit = "unit_gross" if invoice.prices_include_tax else "unit_net"
    columns = [say(f"invoice.{name}", language) for name in ("description", unit, "rate")]
    columns.insert(1, say("label.quantity", language))
    paid = "invoice.paid_card" if payment_method == "card" else "invoice.paid"
    return {
        "language": language,
        "letter": seller.address.country in _LETTER,
        "words": words,
        "columns": [*columns, say("invoice.taxable", language)],
        "number": invoice.number,
        "date": [invoice.issued_at.year, invoice.issued_at.month, invoice.issued_at.day],
        "seller": {
            "name": seller.name,
            "address": [
                line for line in address_lines(seller.address, language) if line != seller.name
            ],
            "tax_id": seller.tax_id,
            "email": seller.email,
        },
        "buyer": _buyer(invoice, language),
        "delivery": _address(invoice.delivered_to, language),
        "facts": _facts(invoice, supplied_at, language),
        "lines": _lines(invoice, language),
        "taxes": [
            {
                "rate": percent(tax.rate, language),
                "net": money(tax.net, language),
                "tax": money(tax.tax, language),
            }
            for tax in invoice.taxes
        ],
        "net": money(invoice.net, language),
        "tax": money(invoice.tax, language),
        "gross": money(invoice.gross, language),
        "payment": say(paid, language),
    }


def _lines(invoice: Invoice, language: str) -> list[dict[str, str]]:
    return [
        {
            "description": line.description,
            "sku": line.sku,
            "quantity": number(line.quantity, language),
            "unit_price": money(line.unit_price, language),
            "rate": percent(line.tax_rate, language),
            "net": money(line.net, language),
        }
        for line in invoice.lines
    ]


def _facts(invoice: Invoice, supplied_at: datetime | None, language: str) -> list[list[str]]:
    dates = [
        ("invoice.issued", invoice.issued_at),
        ("invoice.supplied", supplied_at),
        ("invoice.ordered", invoice.placed_at),
    ]
    return [
        [say("invoice.number", language), invoice.number],
        *([say(name, language), day(at.date(), language)] for name, at in dates if at),
        [say("label.order_number", language), invoice.tracking_number],
    ]


def _buyer(invoice: Invoice, language: str) -> list[str]:
    lines = _address(invoice.billing_address, language) or [invoice.buyer.name]
    return lines if invoice.buyer.name in lines else [*lines, invoice.buyer.name]


def _address(address: Address | None, language: str) -> list[str]:
    return address_lines(address, language) if address else []


def _compile(data: str, standards: Any) -> bytes:
    made: bytes = typst.compile(
        str(_FOLDER / "invoice.typ"),
        sys_inputs={"data": data},
        font_paths=_fonts(),
        pdf_standards=standards,
        format="pdf",
    )
    return made


@cache
def _fonts() -> typst.Fonts:
    """The fonts found once: what the machine has installed must not change a document."""
    more = [str(_FOLDER / "fonts")] if (_FOLDER / "fonts").is_dir() else []
    return typst.Fonts(include_system_fonts=False, font_paths=more)
