"""Kits that a marketplace sold are taken apart at the price they were sold for, to the cent."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.facts import Facts
from parcelway.domain.importing import Seller, Sold, SoldLine, draft
from parcelway.domain.line import Portion
from parcelway.domain.money import Money
from parcelway.domain.parties import SYSTEM
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import ImportSource
from parcelway.domain.sold_kits import apart

from tests.domain.strategies import SKUS
from tests.domain.test_kits import KITS, with_kits
from tests.orders import CONTACT, HOME

lines = st.dictionaries(
    st.sampled_from((*SKUS, *KITS)),
    st.tuples(st.integers(1, 4), st.integers(0, 400_000)),
    min_size=1,
)


@given(with_kits(), lines)
def test_no_cent_of_what_was_paid_is_lost(facts: Facts, row: dict[str, tuple[int, int]]) -> None:
    currency = facts.shop.settings.currency
    sold = Sold(
        "B-1",
        "digest",
        CONTACT,
        HOME,
        HOME,
        tuple(SoldLine(sku, n, Money(each, currency)) for sku, (n, each) in row.items()),
        Money(0, currency),
        Money(0, currency),
    )
    seller = Seller("bazaar", ImportSource("acc", currency, "parcel"), SYSTEM)
    made = draft(sold, seller, facts.shop, facts.now)
    try:
        order = price(apart(made, list(row), facts), facts)
    except Refusal as refusal:
        assert refusal.reason is Reason.INVALID
        kits = [sku for sku in row if sku in KITS]
        assert any(facts.products[sku].components.keys() <= row.keys() for sku in kits)
        return
    paid = sum(units * each for units, each in row.values())
    assert sum(line.amount.minor for line in order.lines) == paid
    assert {kit.sku: (kit.quantity, kit.unit_price.minor) for kit in order.kits} == {
        sku: sold for sku, sold in row.items() if sku in KITS
    }
    for line in order.lines:
        alone = row.get(line.sku, (0, line.unit_price.minor))
        assert (order.loose(line), line.unit_price.minor) == alone
        assert line.amount.minor >= 0
        assert line.portions == (Portion("g1", "open", line.quantity),)
    again = price(replace(order, version=1), facts)
    assert replace(again, version=0) == order
