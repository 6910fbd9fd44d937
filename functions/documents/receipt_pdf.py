"""The receipt of an order as PDF: what was bought, and what paid for it, as it is at the moment."""

from __future__ import annotations

from typing import Any

from invoice_pdf import LETTER, seller_contents
from parcelway.domain.money import Money
from parcelway.domain.receipt import Receipt, Tender
from parcelway.domain.shop import Settings
from parcelway.language.amounts import line_amount, means, total_rows
from parcelway.language.formats import day, money, number
from parcelway.language.wording import say
from typesetting import compiled


def render(bought: Receipt, settings: Settings, language: str) -> bytes:
    """The PDF. Dates are UTC."""
    pdf, _ = compiled("receipt.typ", contents(bought, settings, language))
    return pdf


def contents(bought: Receipt, settings: Settings, language: str) -> dict[str, Any]:
    """Everything that is printed, in the order's language."""
    inclusive, at = settings.prices_include_tax, bought.placed_at
    words = {name: say(f"invoice.{name}", language) for name in ("tax_id", "page")}
    words |= {name: say(f"receipt.{name}", language) for name in ("title", "tenders", "paid")}
    facts = [[say("label.order_number", language), bought.number]]
    facts += [[say("label.ordered_on", language), day(at.date(), language)]] if at else []
    return {
        "language": language,
        "letter": settings.seller.address.country in LETTER,
        "words": words,
        "number": bought.number,
        "date": [at.year, at.month, at.day] if at else None,
        "seller": seller_contents(settings.seller, language),
        "facts": facts,
        "columns": [say(f"label.{name}", language) for name in ("items", "quantity", "price")],
        "lines": [
            {
                "description": line.description,
                "below": [line.sku] if line.sku else [],
                "figures": [
                    number(line.quantity, language),
                    money(line_amount(line, inclusive), language),
                ],
            }
            for line in bought.lines
        ],
        "sums": [[row.label, row.amount] for row in total_rows(bought, inclusive, language)],
        "total_at": [row.kind for row in total_rows(bought, inclusive, language)].index("total"),
        "paid": money(bought.captured - bought.refunded, language),
        "tenders": [row for tender in bought.tenders for row in _tender(tender, language)],
    }


def _tender(tender: Tender, language: str) -> list[list[str]]:
    """What a tender paid, and what went back to it."""
    name = means(tender.method, tender.ending, language)
    when = day(tender.at.date(), language)
    rows = [[name, when, money(tender.paid, language)]]
    if tender.refunded:
        back: Money = -tender.refunded
        rows.append([f"{name}, {say('payment.refunded', language)}", "", money(back, language)])
    return rows
