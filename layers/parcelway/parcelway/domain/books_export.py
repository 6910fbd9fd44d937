"""The journal as a file for other accounting systems: one line per entry, comma-separated.

The columns are those that QuickBooks Online's import of journal entries asks for (Journal No.,
Journal Date, Account Name, Description, Debits, Credits; Intuit, "Import journal entries"), with
what else a line has after them; other systems' importers let columns be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parcelway.domain.books import Booked
from parcelway.domain.money import Money
from parcelway.values import dataclass

COLUMNS = (
    "Journal No.",
    "Journal Date",
    "Account Name",
    "Description",
    "Debits",
    "Credits",
    "Currency",
    "Subject",
    "Document Date",
)


@dataclass(frozen=True, slots=True)
class Export:
    """A file: its `content`, how many `rows` it has below its heading and what they add up to.

    As many debits as credits; `total` is either.
    """

    name: str
    media_type: str
    content: bytes
    rows: int
    total: Money


def general_journal(name: str, lines: Sequence[Booked], currency: str) -> Export:
    """The postings of one currency, each as its entries: amounts with as many decimals as the
    currency has, dates as 2026-11-30 and in the period. In UTF-8."""
    rows = [row for booked in lines for row in _rows(booked)]
    content = "".join(f"{','.join(map(_cell, row))}\r\n" for row in [COLUMNS, *rows]).encode()
    return Export(name, "text/csv; charset=utf-8", content, len(rows), debits(lines, currency))


def debits(lines: Iterable[Booked], currency: str) -> Money:
    """What the debits of postings of one currency add up to."""
    minor = sum(max(0, entry.debit) for line in lines for entry in line.posting.entries)
    return Money(minor, currency)


def decimal(minor: int, currency: str) -> str:
    """An amount as a plain decimal, without its currency."""
    return str(Money(minor, currency)).partition(" ")[0]


def _cell(text: str) -> str:
    """A field as RFC 4180, section 2, has it: in quotes where it would be taken apart."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def _rows(booked: Booked) -> Iterable[tuple[str, ...]]:
    posting = booked.posting
    for entry in posting.entries:
        amount = decimal(abs(entry.debit), posting.currency)
        yield (
            booked.number,
            booked.dated.isoformat(),
            entry.account,
            posting.reference,
            amount if entry.debit > 0 else "",
            amount if entry.debit < 0 else "",
            posting.currency,
            posting.subject,
            posting.at.date().isoformat(),
        )
