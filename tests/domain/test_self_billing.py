"""Self-billing: invoices in suppliers' names that add up, keep the rules and balance the books."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcelway.domain.facts import Facts
from parcelway.domain.invoicing import Counter
from parcelway.domain.ledger import balances
from parcelway.domain.money import Money, share, total
from parcelway.domain.parties import Actor, Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.self_billing import SelfBilled, Supplied, self_bill, series_of
from parcelway.domain.shop import Seller
from parcelway.einvoice import cii, semantics, ubl

from tests.domain.strategies import NOW
from tests.einvoice_rules import broken_rules, broken_schema
from tests.orders import SHOP

GARDEN = Seller(
    "Teegarten GmbH",
    Address("Teegarten GmbH", "Am Hang 3", "Freiburg", "79098", "DE"),
    "DE123456789",
    "rechnung@teegarten.example",
    "DE89370400440532013000",
)
RATES = st.sampled_from([0, 700, 1900])


@st.composite
def supplies(draw: st.DrawFn) -> list[Supplied]:
    currency = draw(st.sampled_from(["EUR", "JPY"]))
    made = []
    for _ in range(draw(st.integers(1, 12))):
        rate, price = draw(RATES), draw(st.integers(0, 10**6))
        code, reason = ("S", "") if rate else draw(RELIEFS)
        quantity = draw(st.integers(1, 1000))
        made.append(Supplied("Tea", quantity, Money(price, currency), rate, code, reason))
    return made


RELIEFS = st.sampled_from([("Z", ""), ("E", "VATEX-EU-132")])


def billed(supplied: list[Supplied], last: int = 0) -> SelfBilled:
    counter, due = Counter(series_of("GARDEN"), last), NOW.date() + timedelta(days=14)
    facts, actor = Facts(SHOP, NOW), Actor("staff", "f1")
    return self_bill("GARDEN", GARDEN, supplied, counter, facts, actor, due_on=due)


@settings(max_examples=25)
@given(supplies())
def test_every_self_billed_invoice_adds_up_and_is_valid(supplied: list[Supplied]) -> None:
    made = billed(supplied)
    invoice, currency = made.invoice, supplied[0].unit_price.currency
    assert invoice.net == total((each.unit_price * each.quantity for each in supplied), currency)
    assert invoice.tax == total((line.tax for line in invoice.lines), currency)
    for each in invoice.taxes:
        assert each.tax.minor == share(each.net.minor, each.rate, 10_000)
    sums = balances([made.posting])
    assert sums.get("payables", 0) == -invoice.gross.minor
    assert sums.get("goods_received", 0) == invoice.net.minor
    assert semantics.obstacles(invoice) == []
    for document in (ubl.write(invoice), cii.write(invoice)):
        assert (broken_schema(document), broken_rules(document)) == ([], {})
        assert "389" in document.decode()
        assert "Self-billing" in document.decode()


def test_the_supplier_sells_and_the_shop_buys() -> None:
    made = billed([Supplied("Tea", 2, Money(1000, "EUR"), 700)], last=41)
    invoice, shop = made.invoice, SHOP.settings.seller
    assert (invoice.kind, invoice.number) == ("self_billed", "SB-GARDEN-000042")
    assert invoice.seller == GARDEN
    assert (invoice.buyer.name, invoice.buyer_tax_id) == (shop.name, shop.tax_id)
    assert semantics.buyer_name(invoice) == shop.name
    assert (invoice.gross, invoice.due_on) == (Money(2140, "EUR"), date(2026, 11, 30))
    assert semantics.account(invoice) == GARDEN.iban
    assert (made.event.type, made.event.order_id) == ("self_billed_invoice.issued", "GARDEN")
    assert made.event.sequence == 42
    assert made.posting.reference == "supplier_invoice:SB-GARDEN-000042"


@pytest.mark.parametrize("currencies", [(), ("EUR", "USD")])
def test_lines_of_one_currency_are_needed(currencies: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refusal:
        billed([Supplied("Tea", 1, Money(1, currency), 0, "Z") for currency in currencies])
    assert refusal.value.reason is Reason.INVALID
