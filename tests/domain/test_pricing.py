"""Prices: totals are the sum of their parts to the last unit, however they are cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import delivery
from parcelway.domain.catalogue import Product
from parcelway.domain.facts import Facts
from parcelway.domain.line import Discount, Line, Portion
from parcelway.domain.money import Money, share, zero
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import TaxExemption
from parcelway.domain.pricing import price, weight
from parcelway.domain.shares import amounts_by_group, discounts_by_group, units_share
from parcelway.domain.shop import Rate, Service

from tests.domain.strategies import amounts, baskets, divisions, facts_with_plenty, filled
from tests.orders import HOME


@st.composite
def priced(draw: st.DrawFn) -> tuple[Order, Facts]:
    """A cart with a delivery charge, in any shop."""
    facts = draw(facts_with_plenty("on_checkout"))
    order = filled(facts, draw(baskets))
    return delivery.deliver_to(order, HOME, "parcel", "", facts).order, facts


@st.composite
def divided(draw: st.DrawFn) -> tuple[Order, Facts]:
    """A cart divided over several places, each with rates of its own."""
    facts = draw(facts_with_plenty("on_checkout"))
    order = filled(facts, draw(baskets))
    return delivery.divide(order, draw(divisions(order)), facts).order, facts


anyhow = priced() | divided()


def parts(order: Order) -> list[tuple[int, Money, Money, Money]]:
    """Rate, price as shown, net and tax of every line and charge."""
    found = [
        (share.tax_rate, line.unit_price * line.units(share.group), share.net, share.tax)
        for line in order.lines
        for share in line.by_group
    ]
    for group in order.groups:
        assert group.charge_price is not None
        assert group.charge_net is not None
        assert group.charge_tax is not None
        found.append(
            (group.charge_tax_rate, group.charge_price, group.charge_net, group.charge_tax)
        )
    return found


@given(anyhow)
def test_totals_are_exactly_the_sum_of_the_parts(made: tuple[Order, Facts]) -> None:
    order, facts = made
    sums = totals(order)
    assert sums.gross == sums.goods + sums.shipping + sums.tax
    assert sums.gross.minor == sum(net.minor + tax.minor for _, _, net, tax in parts(order))
    for line in order.lines:
        assert line.net.minor == sum(share.net.minor for share in line.by_group)
        assert line.tax.minor == sum(share.tax.minor for share in line.by_group)
    shown = sum(amount.minor for _, amount, _, _ in parts(order))
    if facts.shop.settings.prices_include_tax:
        assert sums.gross.minor == shown
    else:
        assert (sums.goods + sums.shipping).minor == shown


@given(anyhow)
def test_tax_is_rounded_once_per_rate(made: tuple[Order, Facts]) -> None:
    order, facts = made
    bases: dict[int, int] = defaultdict(int)
    taxes: dict[int, int] = defaultdict(int)
    for rate_, amount, _, tax in parts(order):
        bases[rate_] += amount.minor
        taxes[rate_] += tax.minor
    for rate_, base in bases.items():
        of = 10_000 + rate_ if facts.shop.settings.prices_include_tax else 10_000
        assert taxes[rate_] == share(base, rate_, of)


@given(anyhow)
def test_what_bears_no_tax_is_zero_rated(made: tuple[Order, Facts]) -> None:
    order, _ = made
    for line in order.lines:
        for part in line.by_group:
            assert part.tax_code == ("S" if part.tax_rate else "Z")
    for group in order.groups:
        assert group.charge_tax_code == ("S" if group.charge_tax_rate else "Z")


@given(anyhow)
def test_an_exempt_order_is_the_net_of_one_that_is_not(made: tuple[Order, Facts]) -> None:
    order, facts = made
    bought = dict.fromkeys(("US", "DE"), date.min)
    certificates = tuple(TaxExemption("C-1", r, "Charity", day) for r, day in bought.items())
    exempt = price(replace(order, tax_exemptions=certificates), facts)
    before, after = totals(order), totals(exempt)
    assert (after.goods, after.shipping) == (before.goods, before.shipping)
    assert after.tax == zero(order.currency)
    for line in exempt.lines:
        assert {(share.tax_code, share.tax_reason) for share in line.by_group} == {("E", "Charity")}


@given(anyhow)
def test_every_part_bears_its_own_tax_within_one_unit(made: tuple[Order, Facts]) -> None:
    order, facts = made
    inclusive = facts.shop.settings.prices_include_tax
    for rate_, amount, net, tax in parts(order):
        exact = Fraction(amount.minor * rate_, 10_000 + rate_ if inclusive else 10_000)
        # Half a unit from rounding the rate's tax, less than one from dividing it.
        assert abs(tax.minor - exact) < Fraction(3, 2)
        assert tax.minor >= 0
        assert amount == (net + tax if inclusive else net)


@given(anyhow)
def test_pricing_again_changes_nothing(made: tuple[Order, Facts]) -> None:
    order, facts = made
    assert price(order, facts) == order


@given(
    st.integers(0, 5_000),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.lists(st.integers(1, 100), max_size=4),
)
def test_discounts_are_divided_over_groups_to_the_cent_and_never_below_zero(
    minor: int, units: list[int], percents: list[int]
) -> None:
    nothing = Money(0, "EUR")
    portions = tuple(Portion(f"g{n}", "open", u) for n, u in enumerate(units, start=1))
    line = Line(1, "SKU", "Tea", Money(minor, "EUR"), portions, nothing, nothing)
    for number, percent in enumerate(percents):
        off = Money(line.amount.minor * percent // 100, "EUR")
        if not off:
            continue
        discount = Discount("promotion", f"pro_{number}", "Sale", off)
        line = replace(line, discounts=(*line.discounts, discount))
    found = discounts_by_group(line)
    for discount in line.discounts:
        parts = [d.amount.minor for group in found.values() for d in group if d.id == discount.id]
        assert sum(parts) == discount.amount.minor
        assert all(part > 0 for part in parts)
    parts_of = amounts_by_group(line)
    assert all(amount.minor >= 0 for amount in parts_of.values())
    assert sum(amount.minor for amount in parts_of.values()) == line.amount.minor
    moved = replace(line, portions=line.portions[::-1])
    assert discounts_by_group(moved) == found  # wherever its units are by then


@given(amounts, st.integers(1, 200), st.data())
def test_shares_of_units_telescope_however_they_are_cut(
    minor: int, units: int, data: st.DataObject
) -> None:
    whole = Money(minor, "EUR")
    cuts = sorted({0, units, *data.draw(st.lists(st.integers(0, units), max_size=8))})
    shares = [units_share(whole, units, before, after) for before, after in pairwise(cuts)]
    assert sum(part.minor for part in shares) == minor
    for part, before, after in zip(shares, cuts, cuts[1:], strict=False):
        assert abs(part.minor - Fraction(minor * (after - before), units)) <= 1
        assert part.minor * minor >= 0


@given(anyhow, st.integers(1, 50_000))
def test_a_product_that_is_gone_or_changed_its_currency_keeps_its_last_price(
    made: tuple[Order, Facts], minor: int
) -> None:
    order, facts = made
    sku = order.lines[0].sku
    foreign = replace(facts.products[sku], price=Money(minor, "USD"))
    changed: list[Mapping[str, Product]] = [{}, {**facts.products, sku: foreign}]
    for products in changed:
        assert price(order, replace(facts, products=products)) == order


@given(anyhow, st.integers(0, 50_000))
def test_a_new_price_replaces_the_old_one_in_a_draft(made: tuple[Order, Facts], minor: int) -> None:
    order, facts = made
    sku, currency = order.lines[0].sku, order.currency
    product: Product = replace(facts.products[sku], price=Money(minor, currency))
    again = price(order, replace(facts, products={**facts.products, sku: product}))
    assert again.lines[0].unit_price == Money(minor, currency)
    assert again.version == order.version


def test_the_rate_is_the_first_step_that_takes_the_weight() -> None:
    steps = (Rate(1000, Money(5, "EUR")), Rate(2000, Money(7, "EUR")))
    service = Service("s", {}, "delivery", "", steps)
    prices = [service.charge(grams, "EUR") for grams in (0, 1000, 1001, 2000, 2001)]
    assert [p.minor if p else None for p in prices] == [5, 5, 7, 7, None]


@given(priced())
def test_a_service_that_became_too_weak_is_dropped_with_its_charge(
    made: tuple[Order, Facts],
) -> None:
    order, facts = made
    grams = weight(order.lines, "g1")
    weak = replace(
        facts.shop.services["parcel"], rates=(Rate(grams - 1, Money(1, order.currency)),)
    )
    shop = replace(facts.shop, services=dict(facts.shop.services) | {"parcel": weak})
    group = price(order, replace(facts, shop=shop)).group
    assert (group.service, group.charge_price, group.charge_net) == ("", None, None)
    assert group.address == HOME
