"""An order's amounts as a reader sees them added up: with or without tax, as the shop prices."""

from __future__ import annotations

from parcelway.domain.invoice import InvoiceLine
from parcelway.domain.money import Money
from parcelway.domain.receipt import Receipt
from parcelway.language.formats import money, percent
from parcelway.language.wording import WORDS, say
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sum; `kind` is `part`, `total`, or `note` for what the total contains and for
    who pays what of it."""

    label: str
    amount: str
    kind: str


def line_amount(line: InvoiceLine, inclusive: bool) -> Money:
    """What a line comes to, with tax when the shop's prices include it."""
    return line.net + line.tax if inclusive else line.net


def allowances(line: InvoiceLine, language: str) -> list[str]:
    """What was taken off a line, each with its reason; the line's amount is after all of it."""
    return [f"{each.name}: {money(-each.amount, language)}" for each in line.allowances]


def total_rows(bought: Receipt, inclusive: bool, language: str) -> list[Row]:
    """How the lines' amounts lead to the total, and how it is split over several means of payment.
    Rates nothing was due at are left out."""
    paid = [
        Row(means(part.method, part.ending, language), money(part.amount, language), "note")
        for part in bought.split
    ]
    return [*_sums(bought, inclusive, language), *paid]


def means(method: str, ending: str, language: str) -> str:
    """A means of payment by name, a gift card with the end of its code."""
    key = f"payment.{method}"
    name = say(key, language) if key in WORDS else method
    return f"{name} …{ending}" if ending else name


def _sums(bought: Receipt, inclusive: bool, language: str) -> list[Row]:
    sums = bought.totals
    taxes = [(tax.rate, tax.tax) for tax in bought.taxes if tax.tax]
    total = Row(say("label.total", language), money(sums.gross, language), "total")
    if inclusive:
        within = [
            Row(
                say("label.tax_within", language, rate=percent(rate, language)),
                money(tax, language),
                "note",
            )
            for rate, tax in taxes
        ]
        return [total, *within]
    due = [
        Row(
            say("label.tax_at", language, rate=percent(rate, language)),
            money(tax, language),
            "part",
        )
        for rate, tax in taxes
    ]
    net = sums.goods + sums.shipping
    before = Row(say("label.net", language), money(net, language), "part")
    return [before, *due, total] if due else [total]
