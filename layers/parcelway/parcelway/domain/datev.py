"""The journal as DATEV takes it in: an EXTF file of the format "Buchungsstapel".

Header (version 700) and columns (category 21, version 13) are those of DATEV's developer portal,
"DATEV-Format". A row has one account on each side, so a posting of more entries is several rows
that add up to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from parcelway.domain.books import Booked, begins, ends
from parcelway.domain.books_export import Export, debits, decimal
from parcelway.domain.ledger import Posting, main
from parcelway.domain.money import Money
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Datev

# Accounts of DATEV's chart SKR 04, none of them one that works tax out by itself: tax has entries
# of its own. What a tax adviser wants elsewhere is in the shop's settings.
SKR04: Mapping[str, str] = {
    "receivables": "10000",
    "gateway_clearing": "1460",
    "gateway_reserve": "1301",
    "chargebacks": "1300",
    "cash": "1600",
    "terminal_clearing": "1461",
    "bank": "1800",
    "input_tax": "1400",
    "inventory": "1140",
    "customer_deposits": "3250",
    "gift_cards": "3500",
    "tax_payable": "3800",
    "tax_payable:700": "3801",
    "tax_payable:1900": "3806",
    "goods_received": "3310",
    "payables": "70000",
    "opening_balances": "9000",
    "revenue_goods": "4000",
    "revenue_shipping": "4001",
    "payment_fees": "6855",
    "chargeback_losses": "6930",
    "exchange_differences": "6880",
    "settlement_differences": "6300",
    "goodwill": "6600",
    "cost_of_goods_sold": "5200",
    "inventory_adjustments": "5880",
    "inventory_revaluations": "5881",
}
_LENGTH = 4  # digits of general ledger accounts; those of debtors have one more
_DOCUMENT = re.compile(r"[^A-Za-z0-9$&%*+/-]")  # what may not be in Belegfeld 1


def _numbered(first: str, second: str, most: int) -> list[str]:
    return [f"{name} {n}" for n in range(1, most + 1) for name in (first, second)]


COLUMNS = (
    "Umsatz (ohne Soll/Haben-Kz)",
    "Soll/Haben-Kennzeichen",
    "WKZ Umsatz",
    "Kurs",
    "Basis-Umsatz",
    "WKZ Basis-Umsatz",
    "Konto",
    "Gegenkonto (ohne BU-Schlüssel)",
    "BU-Schlüssel",
    "Belegdatum",
    "Belegfeld 1",
    "Belegfeld 2",
    "Skonto",
    "Buchungstext",
    "Postensperre",
    "Diverse Adressnummer",
    "Geschäftspartnerbank",
    "Sachverhalt",
    "Zinssperre",
    "Beleglink",
    *_numbered("Beleginfo - Art", "Beleginfo - Inhalt", 8),
    "KOST1 - Kostenstelle",
    "KOST2 - Kostenstelle",
    "Kost-Menge",
    "EU-Land u. UStID (Bestimmung)",
    "EU-Steuersatz (Bestimmung)",
    "Abw. Versteuerungsart",
    "Sachverhalt L+L",
    "Funktionsergänzung L+L",
    "BU 49 Hauptfunktionstyp",
    "BU 49 Hauptfunktionsnummer",
    "BU 49 Funktionsergänzung",
    *_numbered("Zusatzinformation - Art", "Zusatzinformation- Inhalt", 20),
    "Stück",
    "Gewicht",
    "Zahlweise",
    "Forderungsart",
    "Veranlagungsjahr",
    "Zugeordnete Fälligkeit",
    "Skontotyp",
    "Auftragsnummer",
    "Buchungstyp",
    "USt-Schlüssel (Anzahlungen)",
    "EU-Land (Anzahlungen)",
    "Sachverhalt L+L (Anzahlungen)",
    "EU-Steuersatz (Anzahlungen)",
    "Erlöskonto (Anzahlungen)",
    "Herkunft-Kz",
    "Buchungs GUID",
    "KOST-Datum",
    "SEPA-Mandatsreferenz",
    "Skontosperre",
    "Gesellschaftername",
    "Beteiligtennummer",
    "Identifikationsnummer",
    "Zeichnernummer",
    "Postensperre bis",
    "Bezeichnung SoBil-Sachverhalt",
    "Kennzeichen SoBil-Buchung",
    "Festschreibung",
    "Leistungsdatum",
    "Datum Zuord. Steuerperiode",
    "Fälligkeit",
    "Generalumkehr (GU)",
    "Steuersatz",
    "Land",
    "Abrechnungsreferenz",
    "BVV-Position",
    "EU-Land u. UStID (Ursprung)",
    "EU-Steuersatz (Ursprung)",
    "Abw. Skontokonto",
)


def batch(
    lines: Sequence[Booked],
    period: str,
    currency: str,
    datev: Datev,
    made_at: datetime,
    *,
    part: int,
    locked: bool,
) -> Export:
    """The postings of one currency as a Buchungsstapel, in Windows-1252. A locked period is marked
    as such (Festschreibung). `part` numbers the files of a period.

    Raises Refusal INVALID for a currency without two decimals, the only ones that the format has,
    and ILLEGAL_STATE when an account has no number.
    """
    if Money(0, currency).exponent != 2:
        raise Refusal(Reason.INVALID, "DATEV takes amounts of two decimals only.", "/currency")
    rows = [row for booked in lines for row in _rows(booked, datev, locked=locked)]
    header = _header(period, currency, datev, made_at, part, locked=locked)
    text = "".join(f"{';'.join(row)}\r\n" for row in [header, COLUMNS, *rows])
    content = text.encode("cp1252", "replace")
    name = f"EXTF_Buchungsstapel_{period}_{currency}_{part}.csv"
    total = debits(lines, currency)
    return Export(name, "text/csv; charset=windows-1252", content, len(rows), total)


def pairs(posting: Posting) -> Iterator[tuple[str, str, int]]:
    """A posting as amounts from one account to another: debited, credited, minor units."""
    credited = [(entry.account, -entry.debit) for entry in posting.entries if entry.debit < 0]
    for entry in posting.entries:
        left = max(0, entry.debit)
        while left:
            account, there = credited.pop(0)
            amount = min(left, there)
            yield entry.account, account, amount
            left -= amount
            if there > amount:
                credited.insert(0, (account, there - amount))


def number(account: str, datev: Datev) -> str:
    """The number of an account: its own, or the one of what it is a part of; as the settings say,
    else as SKR 04 has it. Raises Refusal ILLEGAL_STATE when there is none."""
    standard = SKR04 if datev.chart == "04" else {}
    for numbers in (datev.accounts, standard):
        for name in (account, main(account)):
            if name in numbers:
                return numbers[name]
    raise Refusal(
        Reason.ILLEGAL_STATE,
        "The shop's settings have no DATEV number of an account.",
        account=account,
    )


def _header(
    period: str, currency: str, datev: Datev, made_at: datetime, part: int, *, locked: bool
) -> list[str]:
    first, last = begins(period), ends(period) - timedelta(days=1)
    made = f"{made_at.astimezone(UTC):%Y%m%d%H%M%S%f}"[:17]
    return [
        *(_text("EXTF"), "700", "21", _text("Buchungsstapel"), "13", made),
        *("", _text("PW"), _text(""), _text("")),  # imported, origin, exported by, imported by
        *(str(datev.consultant), str(datev.client), f"{first:%Y}0101", str(_LENGTH)),
        *(f"{first:%Y%m%d}", f"{last:%Y%m%d}", _text(f"Parcelway {period} {part}"), _text("")),
        *("1", "0", str(int(locked)), _text(currency)),  # financial accounting, any purpose
        *("", _text(""), "", "", _text(datev.chart), "", "", _text(""), _text("")),
    ]


def _rows(booked: Booked, datev: Datev, *, locked: bool) -> Iterator[list[str]]:
    posting = booked.posting
    for debited, credited, minor in pairs(posting):
        cells = {
            "Umsatz (ohne Soll/Haben-Kz)": decimal(minor, posting.currency).replace(".", ","),
            "Soll/Haben-Kennzeichen": _text("S"),
            "WKZ Umsatz": _text(posting.currency),
            "Konto": number(debited, datev),
            "Gegenkonto (ohne BU-Schlüssel)": number(credited, datev),
            "Belegdatum": f"{booked.dated:%d%m}",
            "Belegfeld 1": _text(_DOCUMENT.sub("-", posting.subject)[:36]),
            "Buchungstext": _text(posting.reference[:60]),
            "Festschreibung": str(int(locked)),
            "Fälligkeit": f"{posting.due:%d%m%Y}" if posting.due else "",
        }
        yield [cells.get(column, "") for column in COLUMNS]


def _text(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
