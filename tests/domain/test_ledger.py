"""The money books balance, whatever is posted, and each event has a reference of its own."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import ledger
from parcelway.domain.ledger import Entry, Posting
from parcelway.domain.money import CurrencyMismatch, Money, total, zero

from tests.domain.strategies import CURRENCIES, NOW, money
from tests.orders import SPLIT_STOCK, at

NOT_EVENTS = {"balances", "main"}
EVENTS: dict[str, Callable[..., Any]] = {
    name: made
    for name, made in inspect.getmembers(ledger, inspect.isfunction)
    if made.__module__ == ledger.__name__ and not name.startswith("_") and name not in NOT_EVENTS
}


def argument(name: str, currency: str) -> st.SearchStrategy[Any]:
    """Something to give for a parameter of an event."""
    if name == "at":
        return st.just(NOW)
    if name == "taxes":
        return st.dictionaries(st.sampled_from([0, 700, 1900]), money(currency), max_size=3)
    if name in ("into", "out_of"):
        return st.sampled_from(["gateway_clearing", "bank"])
    if name == "due":
        return st.none()
    if name in ("order_id", "subject", "number", "key", "card", "transaction", "payout", "dispute"):
        return st.just(f"a-{name}")
    if name == "got":  # of another currency
        return money("USD", -(10**7))
    return money(currency, -(10**7))


def postings_of(name: str, arguments: dict[str, Any]) -> tuple[Posting, ...]:
    """What an event posts."""
    made = EVENTS[name](**arguments)
    return made if isinstance(made, tuple) else (made,)


@given(st.data(), st.sampled_from(sorted(EVENTS)), st.sampled_from(CURRENCIES))
def test_every_event_balances_in_each_currency(
    data: st.DataObject, name: str, currency: str
) -> None:
    parameters = inspect.signature(EVENTS[name]).parameters
    arguments = {each: data.draw(argument(each, currency), each) for each in parameters}
    for posting in postings_of(name, arguments):
        assert sum(entry.debit for entry in posting.entries) == 0
        assert all(entry.debit for entry in posting.entries)
        assert len({entry.account for entry in posting.entries}) == len(posting.entries)
        assert posting.at == NOW


def test_no_two_events_share_a_reference() -> None:
    told: Counter[str] = Counter()
    for name, made in EVENTS.items():
        arguments = {
            each: {"at": NOW, "taxes": {}, "into": "bank", "out_of": "bank", "due": None}.get(
                each,
                "x" if "str" in parameter.annotation else Money(5, "EUR"),
            )
            for each, parameter in inspect.signature(made).parameters.items()
        }
        told.update(posting.reference for posting in postings_of(name, arguments))
    assert [reference for reference, times in told.items() if times > 1] == []


SIGNS = {"invoiced": 1, "credited": -1, "captured": -1, "refunded": 1}
SIGNS |= {"gift_card_redeemed": -1, "gift_card_returned": 1}


@given(st.lists(st.tuples(st.sampled_from(sorted(SIGNS)), money()), max_size=8))
def test_the_customer_owes_or_is_owed_but_never_both(history: list[tuple[str, Money]]) -> None:
    owed, postings = zero("EUR"), []
    for index, (name, amount) in enumerate(history):
        billed = (zero("EUR"), {}) if name in ("invoiced", "credited") else ()
        postings.append(EVENTS[name]("o", f"{index}", NOW, owed, amount, *billed))
        owed += amount * SIGNS[name]
        accounts = ledger.balances(postings)
        assert accounts.get("receivables", 0) == max(0, owed.minor)
        assert accounts.get("customer_deposits", 0) == min(0, owed.minor)


@given(money(), money(), money(), money())
def test_an_invoice_and_its_credit_note_are_as_if_neither_had_been(
    goods: Money, shipping: Money, low: Money, high: Money
) -> None:
    taxes = {700: low, 1900: high}
    gross = total([goods, shipping, low, high], "EUR")
    postings = [
        ledger.invoiced("o", "1", NOW, zero("EUR"), goods, shipping, taxes),
        ledger.credited("o", "2", NOW, gross, goods, shipping, taxes),
    ]
    assert ledger.balances(postings[:1]).get("tax_payable:700", 0) == -low.minor
    assert not any(ledger.balances(postings).values())


def test_a_dispute_leaves_the_loss_and_nothing_open() -> None:
    lost, won = Money(300, "EUR"), Money(700, "EUR")
    accounts = ledger.balances(
        [
            ledger.disputed("o", "d", NOW, Money(1000, "EUR")),
            ledger.dispute_won("o", "d", NOW, won),
            ledger.dispute_lost("o", "d", NOW, lost),
        ]
    )
    assert accounts == {"chargebacks": 0, "gateway_clearing": -300, "chargeback_losses": 300}


def test_what_is_changed_and_changed_back_leaves_the_difference_in_one_currency() -> None:
    there = ledger.exchanged("o", "t1", NOW, Money(100, "USD"), Money(92, "EUR"))
    back = ledger.exchanged("o", "t2", NOW, Money(-100, "USD"), Money(-93, "EUR"))
    by_currency = {
        code: ledger.balances(p for p in (*there, *back) if p.currency == code)
        for code in ("USD", "EUR")
    }
    assert by_currency["USD"] == {"exchange_differences": 0, "gateway_clearing": 0}
    assert by_currency["EUR"] == {"exchange_differences": 1, "gateway_clearing": -1}  # a loss


def test_a_posting_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Posting("o", "x", NOW, "EUR", (Entry("receivables", 5), Entry("tax_payable", -4)))


def test_an_account_that_the_chart_does_not_have_cannot_be_posted_to() -> None:
    with pytest.raises(ValueError, match="names petty_cash"):
        Posting("o", "x", NOW, "EUR", (Entry("petty_cash", 5), Entry("tax_payable:700", -5)))


def test_currencies_are_not_added_up() -> None:
    one, nothing = Money(1, "EUR"), zero("EUR")
    with pytest.raises(CurrencyMismatch):
        ledger.invoiced("o", "n", NOW, nothing, one, Money(1, "USD"), {})
    with pytest.raises(CurrencyMismatch):
        ledger.invoiced("o", "n", NOW, nothing, one, nothing, {700: Money(1, "USD")})
    with pytest.raises(CurrencyMismatch):
        ledger.captured("o", "n", NOW, nothing, Money(1, "USD"))
    with pytest.raises(CurrencyMismatch):
        ledger.fee("o", "n", NOW, one, Money(1, "USD"))


@pytest.mark.parametrize("stock", [SPLIT_STOCK, None])
def test_an_order_that_ran_its_course_owes_and_is_owed_nothing(
    stock: dict[tuple[str, str], int] | None,
) -> None:
    story = at("closed", **({} if stock is None else {"stock": stock}))
    accounts = ledger.balances(p for made, _ in story.decisions for p in made.postings)
    gross = sum(invoice.gross.minor for invoice in story.invoices)
    assert story.order.owed == zero(story.order.currency)
    assert not accounts.get("receivables") and not accounts.get("customer_deposits")
    assert accounts["gateway_clearing"] == story.order.captured == gross
    assert accounts["revenue_goods"] + accounts["revenue_shipping"] == -sum(
        invoice.net.minor for invoice in story.invoices
    )
    cost = sum(line.unit_cost.minor * line.quantity for line in story.order.lines if line.unit_cost)
    assert accounts["cost_of_goods_sold"] == -accounts["inventory"] == cost > 0
    for rate in {tax.rate for invoice in story.invoices for tax in invoice.taxes}:
        taxes = [t.tax for i in story.invoices for t in i.taxes if t.rate == rate]
        assert accounts.get(f"tax_payable:{rate}", 0) == -total(taxes, story.order.currency).minor
