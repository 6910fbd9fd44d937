"""Who owes what: the open items of an account are what its sums say, the oldest paid first."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import ledger
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money, total, zero
from parcelway.domain.receivables import OpenItem, ageing, open_items

NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
TODAY = NOW.date()
NOTHING = zero("EUR")


def posted(*history: tuple[str, int]) -> tuple[list[Posting], Money]:
    """Invoices, credit notes, captures and refunds of one order, a day apart, and what is owed."""
    owed, made = NOTHING, []
    for number, (kind, minor) in enumerate(history):
        at, key, amount = NOW + timedelta(days=number), f"{number}", Money(minor, "EUR")
        if kind in ("invoiced", "credited"):
            made.append(getattr(ledger, kind)("ord_1", key, at, owed, amount, NOTHING, {}))
        else:
            made.append(getattr(ledger, kind)("ord_1", key, at, owed, amount))
        owed += amount if kind in ("invoiced", "refunded") else -amount
    return made, owed


steps = st.tuples(
    st.sampled_from(["invoiced", "credited", "captured", "refunded"]), st.integers(1, 999)
)


@given(st.lists(steps, max_size=9))
def test_open_items_less_what_is_held_are_what_is_owed(history: list[tuple[str, int]]) -> None:
    made, owed = posted(*history)
    items, held = open_items(made)
    kept = NOTHING if held is None else held
    assert total((item.open for item in items), "EUR") - kept == owed
    assert not items or not kept  # never both
    assert all(NOTHING < item.open <= item.amount for item in items)
    assert [item.dated for item in items] == sorted(item.dated for item in items)


def test_a_payment_goes_to_the_oldest_invoice_first() -> None:
    made, _ = posted(("invoiced", 100), ("invoiced", 50), ("captured", 120))
    (item,), held = open_items(made)
    assert (item.reference, item.open, held) == ("invoice:1", Money(30, "EUR"), NOTHING)


def test_what_was_paid_before_the_invoice_pays_it() -> None:
    made, _ = posted(("captured", 120), ("invoiced", 100))
    assert open_items(made) == ((), Money(20, "EUR"))
    assert open_items([]) == ((), None)


def test_fees_and_disputes_are_not_the_customers() -> None:
    made = [
        ledger.fee("ord_1", "t", NOW, Money(3, "EUR"), Money(1, "EUR")),
        ledger.disputed("ord_1", "d", NOW, Money(9, "EUR")),
    ]
    assert open_items(made) == ((), NOTHING)


def test_ages_are_counted_from_the_day_after_it_was_due() -> None:
    ages = {0: "not_due", 1: "days_1_to_30", 30: "days_1_to_30", 31: "days_31_to_60"}
    ages |= {60: "days_31_to_60", 61: "days_61_to_90", 90: "days_61_to_90", 91: "over_90_days"}
    one, held = Money(1, "EUR"), Money(7, "EUR")
    for days, bucket in ages.items():
        item = OpenItem("invoice:1", TODAY, TODAY - timedelta(days=days), one, one)
        told = ageing([item, item], [held], "EUR", TODAY)
        assert getattr(told, bucket) == Money(2, "EUR"), days
        others = {"not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90_days"}
        assert not any(getattr(told, name) for name in others - {bucket})
        assert told.held == held


def test_an_invoice_is_due_when_its_terms_say_else_at_once() -> None:
    terms, bill = date(2026, 12, 16), (NOTHING, Money(5, "EUR"), NOTHING, {})
    made = [
        ledger.invoiced("ord_1", "1", NOW, *bill, terms),
        ledger.invoiced("ord_1", "2", NOW, *bill),
    ]
    items, _ = open_items(made)
    assert [item.due for item in items] == [terms, TODAY]
    assert [item.overdue(date(2026, 12, 18)) for item in items] == [2, 32]
