"""The money books balance, whatever is posted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import ledger
from parcelway.domain.ledger import Entry, Posting
from parcelway.domain.money import CurrencyMismatch, Money, total

from tests.domain.strategies import NOW, money
from tests.orders import SPLIT_STOCK, at

gross = st.tuples(money(), money(), money())


@given(gross, money(), money())
def test_every_posting_balances(parts: tuple[Money, Money, Money], a: Money, b: Money) -> None:
    postings = [
        ledger.invoiced("o", "INV-1", NOW, *parts),
        ledger.captured("o", "pi_1:1", NOW, a),
        ledger.refunded("o", "pi_1:2", NOW, b),
    ]
    for posting in postings:
        assert sum(entry.debit for entry in posting.entries) == 0
        assert all(entry.debit for entry in posting.entries)
    accounts = ledger.balances(postings)
    owed = total(parts, "EUR")
    assert accounts.get("receivables", 0) == owed.minor - a.minor + b.minor
    assert accounts.get("gateway_clearing", 0) == a.minor - b.minor
    assert len({posting.reference for posting in postings}) == 3


def test_a_posting_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Posting("o", "x", NOW, "EUR", (Entry("receivables", 5), Entry("tax_payable", -4)))


def test_currencies_are_not_added_up() -> None:
    with pytest.raises(CurrencyMismatch):
        ledger.invoiced("o", "n", NOW, Money(1, "EUR"), Money(1, "USD"), Money(0, "EUR"))


@pytest.mark.parametrize("stock", [SPLIT_STOCK, None])
def test_an_order_that_ran_its_course_owes_and_is_owed_nothing(
    stock: dict[tuple[str, str], int] | None,
) -> None:
    story = at("closed", **({} if stock is None else {"stock": stock}))
    accounts = ledger.balances(p for made, _ in story.decisions for p in made.postings)
    gross_ = sum(invoice.gross.minor for invoice in story.invoices)
    assert accounts["receivables"] == 0
    assert accounts["gateway_clearing"] == story.order.captured == gross_
    assert accounts["revenue_goods"] + accounts["revenue_shipping"] == -sum(
        invoice.net.minor for invoice in story.invoices
    )
    assert accounts["tax_payable"] == -sum(invoice.tax.minor for invoice in story.invoices)
