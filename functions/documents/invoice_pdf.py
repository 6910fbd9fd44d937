"""Invoices and credit notes as PDF: a frozen document laid out by `invoice.typ`.

PDF/A-3b, for archives, with the same document for machines attached: Factur-X.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from factur_x import marked
from parcelway.domain.invoice import Invoice, InvoiceLine
from parcelway.domain.money import Money
from parcelway.domain.parties import Address
from parcelway.domain.shop import Seller
from parcelway.einvoice import cii, semantics
from parcelway.language.amounts import line_amount
from parcelway.language.formats import address_lines, day, language_for, money, number, percent
from parcelway.language.wording import say
from typesetting import compiled

LETTER = frozenset({"US", "CA", "MX"})  # where paper is US Letter, not A4
_WORDS = ("bill_to", "rate", "taxable", "breakdown", "tax_id", "page", "reason")


def render(invoice: Invoice) -> tuple[bytes, bool]:
    """The PDF, and whether it is PDF/A-3b (see `typesetting`). The structured document is attached
    unless there are obstacles to it."""
    xml = {} if semantics.obstacles(invoice) else {"xml": cii.write(invoice).decode()}
    pdf, archival = compiled("invoice.typ", contents(invoice), **xml)
    return marked(pdf) if xml and archival else pdf, archival


def contents(invoice: Invoice) -> dict[str, Any]:
    """Everything that is printed, in the document's language. Dates are UTC."""
    language = language_for(invoice.language)
    seller = invoice.seller
    words = {name: say(f"invoice.{name}", language) for name in _WORDS}
    words |= {name: say(f"label.{name}", language) for name in ("deliver_to", "tax")}
    words |= {name: say(f"{invoice.kind}.{name}", language) for name in ("title", "sum_gross")}
    return {
        "language": language,
        "letter": seller.address.country in LETTER,
        "words": words,
        "number": invoice.number,
        "date": [invoice.issued_at.year, invoice.issued_at.month, invoice.issued_at.day],
        "seller": seller_contents(seller, language),
        "buyer": _buyer(invoice, language),
        "delivery": _address(invoice.delivered_to, language),
        "facts": _facts(invoice, language),
        "reason": invoice.reason,
        "columns": _columns(invoice, language),
        "lines": [_line(line, invoice.prices_include_tax, language) for line in invoice.lines],
        "taxes": [
            {
                "rate": percent(tax.rate, language),
                "net": money(tax.net, language),
                "tax": money(tax.tax, language),
            }
            for tax in invoice.taxes
        ],
        "sums": [
            [say("invoice.sum_net", language), money(invoice.net, language)],
            [say("invoice.sum_tax", language), money(invoice.tax, language)],
            [words["sum_gross"], money(invoice.gross, language)],
        ],
        "gross": money(invoice.gross, language),
        "state": say("invoice.state_paid", language) if _is_paid(invoice) else "",
        "notes": _notes(invoice, language),
    }


def seller_contents(seller: Seller, language: str) -> dict[str, Any]:
    """Who sells, as the head and foot of a page say it."""
    lines = address_lines(seller.address, language)
    return {
        "name": seller.name,
        "address": [line for line in lines if line != seller.name],
        "tax_id": seller.tax_id,
        "email": seller.email,
    }


def _columns(invoice: Invoice, language: str) -> list[str]:
    inclusive = invoice.prices_include_tax
    unit, amount = ("unit_gross", "amount_gross") if inclusive else ("unit_net", "taxable")
    description, quantity = say("invoice.description", language), say("label.quantity", language)
    figures = [say(f"invoice.{name}", language) for name in (unit, "rate", amount)]
    return [description, quantity, *figures]


def _line(line: InvoiceLine, inclusive: bool, language: str) -> dict[str, Any]:
    off = [f"{each.name}: {money(-each.amount, language)}" for each in line.allowances]
    return {
        "description": line.description,
        "below": [line.sku, *off] if line.sku else off,
        "figures": [
            number(line.quantity, language),
            money(line.unit_price, language),
            percent(line.tax_rate, language),
            money(line_amount(line, inclusive), language),
        ],
    }


def _facts(invoice: Invoice, language: str) -> list[list[str]]:
    """Numbers and days, each with its name."""
    told = [
        (f"{invoice.kind}.number", invoice.number),
        ("invoice.issued", _day(invoice.issued_at, language)),
        ("invoice.supplied", _day(invoice.supplied_at, language)),
        ("invoice.ordered", _day(invoice.placed_at, language) if invoice.order_id else ""),
        ("label.order_number", invoice.tracking_number),
        ("invoice.purchase_order", invoice.purchase_order),
        ("invoice.buyer_tax_id", invoice.buyer_tax_id),
        ("invoice.refers_to", _referred(invoice, language)),
    ]
    return [[say(name, language), value] for name, value in told if value]


def _referred(invoice: Invoice, language: str) -> str:
    if invoice.refers_to_issued is None:
        return invoice.refers_to
    return f"{invoice.refers_to}, {_day(invoice.refers_to_issued, language)}"


def _day(at: datetime | None, language: str) -> str:
    return day(at.date(), language) if at else ""


def _is_paid(invoice: Invoice) -> bool:
    return semantics.paid(invoice) == invoice.gross


def _notes(invoice: Invoice, language: str) -> list[str]:
    """How it is paid, and why something bears no tax."""
    codes = sorted({semantics.code_of(tax) for tax in invoice.taxes} - {"S", "Z"})
    reliefs = [say(f"relief.{code}", language) for code in codes]
    return [*_payment(invoice, language), *reliefs]


def _payment(invoice: Invoice, language: str) -> list[str]:
    due = semantics.due_on(invoice)
    if invoice.kind == "credit_note":
        return [say("credit_note.settled", language)]
    if due is None:
        name = "paid_card" if invoice.payment_method == "card" else "paid"
        return [say(f"invoice.{name}", language)]
    owed: Money = invoice.gross - semantics.paid(invoice)
    asked = {"amount": money(owed, language), "day": day(due, language)}
    transfer = {"iban": semantics.account(invoice), "number": invoice.number}
    who = "will_pay" if invoice.kind == "self_billed" else "pay"
    told = [say(f"invoice.{who}", language, **asked)]
    told += [say("invoice.transfer", language, **transfer)] if transfer["iban"] else []
    return [*told, invoice.payment_terms] if invoice.payment_terms else told


def _buyer(invoice: Invoice, language: str) -> list[str]:
    lines = _address(invoice.billing_address, language) or [invoice.buyer.name]
    return lines if invoice.buyer.name in lines else [*lines, invoice.buyer.name]


def _address(address: Address | None, language: str) -> list[str]:
    return address_lines(address, language) if address else []
