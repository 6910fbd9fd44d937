"""Periods, and the journal as files: what is handed over adds up to what was posted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import books, datev, ledger
from parcelway.domain.books import SETTLED, Booked, booked_in, period_of
from parcelway.domain.books_export import COLUMNS, general_journal
from parcelway.domain.ledger import CHART, Entry, Posting
from parcelway.domain.money import Money, zero
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Datev

from tests.domain.strategies import CURRENCIES

BEGIN, MADE = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, 4, 5, 6, 7000, tzinfo=UTC)
OURS = Datev(29098, 55003)
ACCOUNTS = sorted({*CHART, "tax_payable:700", "tax_payable:1900"} - {"tax_payable"})
moments = st.integers(0, 3 * 365 * 24 * 60).map(lambda m: BEGIN + timedelta(minutes=m))


@st.composite
def postings(draw: st.DrawFn, currency: str = "EUR") -> Posting:
    """Any posting there could be: two to six entries that add up to nothing."""
    accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=2, max_size=6, unique=True))
    amounts = [draw(st.integers(-(10**9), 10**9)) for _ in accounts[1:]]
    pairs = zip(accounts, [*amounts, -sum(amounts)], strict=True)
    entries = tuple(Entry(account, debit) for account, debit in pairs if debit)
    at = BEGIN + timedelta(minutes=draw(st.integers(0, 30 * 24 * 60 - 1)))
    reference = draw(st.sampled_from(["capture:pi_1:5", 'a "quoted", one', "two\nlines"]))
    return Posting("ord_1", reference, at, currency, entries)


def booked(posting: Posting, number: int = 1) -> Booked:
    return Booked("2026-11", BEGIN, f"{number:016x}", posting)


@given(moments)
def test_every_moment_lies_in_one_period(moment: datetime) -> None:
    period = period_of(moment)
    assert books.begins(period) <= moment < books.ends(period)
    assert books.next_period(period) > period


@given(moments, moments, st.sampled_from(["", "2026-10", "2026-12", "2027-05"]))
def test_nothing_is_booked_into_a_locked_or_a_coming_month(
    at: datetime, now: datetime, through: str
) -> None:
    if through and now < books.ends(through) + SETTLED:
        return  # could not have been locked
    period = booked_in(at, now, through)
    assert through < period <= period_of(now)
    if through < period_of(at) <= period_of(now):
        assert period == period_of(at)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-11", "2026-1", "2026-11-01", "", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        books.begins(text)
    assert (refused.value.reason, refused.value.pointer) == (Reason.INVALID, "/period")


def test_what_came_after_a_lock_is_dated_when_it_was_written() -> None:
    posting = ledger.paid_out("po_1", BEGIN - timedelta(days=3), Money(5, "EUR"))
    assert Booked("2026-11", MADE, "1", posting).dated == date(2026, 12, 1)
    assert Booked("2026-10", MADE, "1", posting).dated == date(2026, 10, 29)


@given(st.lists(postings(), max_size=6), st.lists(postings(), max_size=6))
def test_a_trial_balance_adds_up(earlier: list[Posting], later: list[Posting]) -> None:
    before, during = books.turnover(earlier), books.turnover(later)
    rows = books.trial_balance(before, during, "EUR")
    assert sum(row.opening.minor for row in rows) == 0
    assert sum(row.closing.minor for row in rows) == 0
    assert sum(row.debit.minor for row in rows) == sum(row.credit.minor for row in rows)
    closing = ledger.balances([*earlier, *later])
    assert {row.account: row.closing.minor for row in rows} == closing
    assert all(row.kind == CHART[ledger.main(row.account)] for row in rows)
    assert books.trial_balance(before, during, "USD") == ()


@given(st.lists(postings(), max_size=6))
def test_a_posting_is_the_same_in_pairs_of_accounts(made: list[Posting]) -> None:
    for posting in made:
        sums: Counter[str] = Counter()
        pairs = list(datev.pairs(posting))
        for debited, credited, minor in pairs:
            assert minor > 0
            sums[debited] += minor
            sums[credited] -= minor
        entries = {entry.account: entry.debit for entry in posting.entries}
        assert {account: debit for account, debit in sums.items() if debit} == entries
        assert len(pairs) <= max(0, len(posting.entries) - 1)


@given(st.data(), st.sampled_from(CURRENCIES))
def test_a_general_journal_adds_up_to_the_trial_balance(data: st.DataObject, currency: str) -> None:
    made = data.draw(st.lists(postings(currency), max_size=6))
    lines = [booked(posting, number) for number, posting in enumerate(made)]
    export = general_journal("j.csv", lines, currency)
    heading, *rows = csv.reader(io.StringIO(export.content.decode(), newline=""))
    assert tuple(heading) == COLUMNS
    assert len(rows) == export.rows
    places = 10 ** zero(currency).exponent
    sums: Counter[tuple[str, str]] = Counter()
    assert {row[3] for row in rows} <= {posting.reference for posting in made}
    for number, day, account, _, debit, credit, code, *_ in rows:
        assert (code, day[:7], bool(debit)) == (currency, "2026-11", not credit)
        amount = round(float(debit or credit) * places)
        sums["debit" if debit else "credit", account] += amount
        sums["journal", number] += amount if debit else -amount
    expected = books.trial_balance({}, books.turnover(made), currency)
    for row in expected:
        assert sums["debit", row.account] == row.debit.minor
        assert sums["credit", row.account] == row.credit.minor
    assert not any(value for (kind, _), value in sums.items() if kind == "journal")
    assert export.total == sum((row.debit for row in expected), zero(currency))


@given(st.lists(postings(), max_size=6), st.booleans())
def test_a_datev_batch_adds_up_to_the_trial_balance(made: list[Posting], locked: bool) -> None:
    lines = [booked(posting, number) for number, posting in enumerate(made)]
    export = datev.batch(lines, "2026-11", "EUR", OURS, MADE, part=2, locked=locked)
    text = export.content.decode("cp1252")
    assert text.endswith("\r\n") and text.count("\r\n") == export.rows + 2
    header, columns, *rows = (line.split(";") for line in text.split("\r\n")[:-1])
    assert len(header) == 31
    assert header[:6] == ['"EXTF"', "700", "21", '"Buchungsstapel"', "13", "20261201040506007"]
    assert header[10:16] == ["29098", "55003", "20260101", "4", "20261101", "20261130"]
    assert header[18:22] == ["1", "0", str(int(locked)), '"EUR"']
    assert len(columns) == 125
    assert (columns[0], columns[113], columns[124]) == (
        "Umsatz (ohne Soll/Haben-Kz)",
        "Festschreibung",
        "Abw. Skontokonto",
    )
    sums: Counter[str] = Counter()
    for row in rows:
        assert len(row) == 125
        minor = int(row[0].replace(",", ""))
        assert (row[1], row[2], row[9][2:], row[113]) == ('"S"', '"EUR"', "11", str(int(locked)))
        sums[row[6]] += minor
        sums[row[7]] -= minor
    expected: Counter[str] = Counter()
    for balance in books.trial_balance({}, books.turnover(made), "EUR"):
        expected[datev.number(balance.account, OURS)] += balance.closing.minor
    assert {k: v for k, v in sums.items() if v} == {k: v for k, v in expected.items() if v}


def test_every_account_of_the_chart_has_a_number_of_its_own() -> None:
    assert set(datev.SKR04) >= set(CHART)
    assert len(set(datev.SKR04.values())) == len(datev.SKR04)


def test_numbers_are_those_of_the_settings_first() -> None:
    own = Datev(29098, 55003, accounts={"tax_payable": "3806", "bank": "1810"})
    assert datev.number("tax_payable:700", own) == "3806"
    assert datev.number("bank", own) == "1810"
    assert datev.number("tax_payable:700", OURS) == "3801"
    assert datev.number("tax_payable:810", OURS) == "3800"
    with pytest.raises(Refusal) as refused:
        datev.number("inventory", Datev(29098, 55003, chart="03"))
    assert refused.value.facts == {"account": "inventory"}


def test_datev_has_no_other_decimals_than_two() -> None:
    for currency in ("JPY", "KWD"):
        with pytest.raises(Refusal) as refused:
            datev.batch([], "2026-11", currency, OURS, MADE, part=1, locked=False)
        assert refused.value.pointer == "/currency"


def test_texts_of_a_datev_row_are_as_the_format_wants_them() -> None:
    at = BEGIN + timedelta(days=8)
    due = date(2026, 12, 9)
    nothing, ten = zero("EUR"), Money(1000, "EUR")
    posting = ledger.invoiced("ord_a b", 'IN"V', at, nothing, ten, nothing, {}, due)
    export = datev.batch([booked(posting)], "2026-11", "EUR", OURS, MADE, part=1, locked=False)
    row = dict(
        zip(datev.COLUMNS, export.content.decode("cp1252").split("\r\n")[2].split(";"), strict=True)
    )
    assert row["Belegfeld 1"] == '"ord-a-b"'
    assert row["Buchungstext"] == '"invoice:IN""V"'
    assert (row["Belegdatum"], row["Fälligkeit"]) == ("0911", "09122026")
    assert (row["Konto"], row["Gegenkonto (ohne BU-Schlüssel)"]) == ("10000", "4000")
    assert export.name == "EXTF_Buchungsstapel_2026-11_EUR_1.csv"
