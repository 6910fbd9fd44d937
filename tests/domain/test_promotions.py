"""Promotions: what they take off is explained, adds up, and does not depend on any order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart, checkout, delivery
from parcelway.domain.audience import Audience, Window
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.facts import Facts
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.pricing import price
from parcelway.domain.promotions import Promotion, Scope, Step
from parcelway.domain.shares import units_share
from parcelway.domain.stock import Balance, Supply

from tests.domain.offers import NAME, amount, percentage, reduced
from tests.domain.strategies import NOW, filled, new_cart
from tests.orders import HOME, PRODUCTS, SHOP, at


def facts_of(*promotions: Promotion, **more: object) -> Facts:
    """The shop of `tests.orders` with these promotions and stock of everything."""
    stock = {(sku, n): Balance(sku, n, on_hand=99) for sku in PRODUCTS for n in SHOP.nodes}
    shop = replace(SHOP, promotions={promotion.id: promotion for promotion in promotions})
    return replace(Facts(shop, NOW, PRODUCTS, stock), **more)


def bought(facts: Facts, **basket: int) -> Order:
    """A cart with MUG, TEA and BOOK, delivered by parcel."""
    names = {"MUG": "MUG-1", "TEA": "TEA-9", "BOOK": "BOOK-3"}
    order = filled(facts, {names[name]: units for name, units in basket.items()})
    return delivery.deliver_to(order, HOME, "standard", "", facts).order


def off(order: Order) -> dict[str, int]:
    """What is taken off, by SKU or group, in all."""
    found = {line.sku: sum(d.amount.minor for d in line.discounts) for line in order.lines}
    found |= {g.id: sum(d.amount.minor for d in g.charge_discounts) for g in order.groups}
    return {place: minor for place, minor in found.items() if minor}


# Properties


@given(reduced())
def test_every_amount_is_explained_and_never_negative(made: tuple[Order, Facts]) -> None:
    order, facts = made
    inclusive = facts.shop.settings.prices_include_tax
    for line in order.lines:
        taken = sum(discount.amount.minor for discount in line.discounts)
        assert all(discount.amount.minor > 0 for discount in line.discounts)
        assert line.amount.minor == line.unit_price.minor * line.quantity - taken >= 0
        assert line.net.minor >= 0
        assert line.tax.minor >= 0
        assert (line.net + line.tax if inclusive else line.net) == line.amount
        for share in line.by_group:
            assert share.net.minor >= 0
            assert share.tax.minor >= 0
    for group in order.groups:
        if group.charge is not None and group.charge_net is not None:
            assert group.charge.minor >= 0
            charged = group.charge_net + group.charge_tax if inclusive else group.charge_net  # type: ignore[operator]
            assert charged == group.charge
    sums = totals(order)
    before = sum(line.unit_price.minor * line.quantity for line in order.lines)
    before += sum(group.charge_price.minor for group in order.groups if group.charge_price)
    shown = sums.gross if inclusive else sums.goods + sums.shipping
    assert shown.minor == before - sums.discount.minor


@given(reduced(), st.randoms())
def test_nothing_depends_on_the_order_of_promotions_or_codes(
    made: tuple[Order, Facts], dice: object
) -> None:
    order, facts = made
    promotions, codes = list(facts.shop.promotions.items()), list(order.coupons)
    dice.shuffle(promotions)  # type: ignore[attr-defined]
    dice.shuffle(codes)  # type: ignore[attr-defined]
    mixed = replace(facts, shop=replace(facts.shop, promotions=dict(promotions)))
    assert replace(price(replace(order, coupons=tuple(codes)), mixed), coupons=order.coupons) == (
        order
    )


@given(reduced())
def test_pricing_again_takes_nothing_more_off(made: tuple[Order, Facts]) -> None:
    order, facts = made
    assert price(order, facts) == order


@given(reduced(), st.data())
def test_units_give_back_exactly_their_frozen_share_however_they_are_cut(
    made: tuple[Order, Facts], data: st.DataObject
) -> None:
    order, _ = made
    for line in order.lines:
        for share in line.by_group:
            units = line.units(share.group)
            cuts = sorted({0, units, *data.draw(st.lists(st.integers(0, units), max_size=3))})
            for whole in (share.net, share.tax):
                parts = [units_share(whole, units, a, b).minor for a, b in pairwise(cuts)]
                assert sum(parts) == whole.minor
                assert all(part >= 0 for part in parts)


@given(reduced())
def test_whatever_is_exclusive_holds_alone(made: tuple[Order, Facts]) -> None:
    order, facts = made
    by_code = {code: coupon.promotion for code, coupon in facts.coupons.items()}
    discounts = [d for line in order.lines for d in line.discounts]
    discounts += [d for group in order.groups for d in group.charge_discounts]
    applied = {by_code.get(discount.id, discount.id) for discount in discounts}
    if any(facts.shop.promotions[id].exclusive for id in applied):
        assert len(applied) == 1


# What each kind does


def test_an_amount_for_the_order_is_divided_by_largest_remainder() -> None:
    facts = facts_of(amount("ten", 1000, "USD"))
    order = bought(facts, MUG=3, TEA=1, BOOK=2)  # 38.85 + 8.79 + 28.66
    assert off(order) == {"MUG-1": 509, "TEA-9": 115, "BOOK-3": 376}


def test_a_percentage_is_rounded_once_for_all_it_is_for() -> None:
    facts = facts_of(percentage("third", 3333, scope=Scope(("MUG-1", "BOOK-3"))))
    order = bought(facts, MUG=3, TEA=1, BOOK=2)
    assert sum(off(order).values()) == 2250  # of 67.51
    assert "TEA-9" not in off(order)


def test_an_amount_greater_than_the_order_leaves_nothing_to_pay_for_goods() -> None:
    order = bought(facts_of(amount("all", 10**9, "USD")), MUG=1, TEA=2)
    assert totals(order).goods == Money(0, "USD")
    assert totals(order).shipping.minor > 0


def test_an_amount_in_another_currency_takes_nothing_off() -> None:
    assert off(bought(facts_of(amount("ten", 1000, "EUR")), MUG=1)) == {}
    only = Step(minimum={"EUR": 1}, basis_points=1000)
    assert off(bought(facts_of(Promotion("p", NAME, "percentage", (only,))), MUG=1)) == {}


def test_an_amount_per_unit_is_taken_off_every_unit() -> None:
    facts = facts_of(amount("unit", 200, "USD", action="amount_per_unit", scope=Scope(("TEA-9",))))
    assert off(bought(facts, MUG=1, TEA=3)) == {"TEA-9": 600}


@pytest.mark.parametrize(
    ("mugs", "taken"), [(1, 0), (2, 0), (3, 1295), (5, 1295), (6, 2590), (8, 2590)]
)
def test_buy_two_get_one_counts_every_three(mugs: int, taken: int) -> None:
    third = Promotion("3for2", NAME, "buy_x_get_y", (Step(basis_points=10_000),), buy=2, get=1)
    assert sum(off(bought(facts_of(third), MUG=mugs)).values()) == taken


def test_what_one_gets_are_the_cheapest_units() -> None:
    third = Promotion("3for2", NAME, "buy_x_get_y", (Step(basis_points=10_000),), buy=2, get=1)
    assert off(bought(facts_of(third), MUG=2, TEA=1, BOOK=3)) == {"TEA-9": 879, "MUG-1": 1295}


def test_one_can_get_other_goods_than_one_buys() -> None:
    tea = Promotion(
        "tea",
        NAME,
        "buy_x_get_y",
        (Step(basis_points=5_000),),
        scope=Scope(("MUG-1",)),
        reward=Scope(("TEA-9",)),
        buy=2,
        get=1,
    )
    assert off(bought(facts_of(tea), MUG=4, TEA=3)) == {"TEA-9": 879}
    assert off(bought(facts_of(tea), MUG=4)) == {}


def test_the_last_step_that_is_reached_counts() -> None:
    tiered = Promotion(
        "tiered",
        NAME,
        "percentage",
        (
            Step({"USD": 5_000}, basis_points=1_000),
            Step({"USD": 2_000}, basis_points=500),
        ),
    )
    taken = [sum(off(bought(facts_of(tiered), MUG=n)).values()) for n in (1, 2, 3, 4)]
    assert taken == [0, 130, 194, 518]


def test_shipping_is_free_from_a_subtotal_on() -> None:
    free = Promotion("ship", NAME, "free_shipping", (Step({"USD": 3_000}),))
    assert off(bought(facts_of(free), MUG=2)) == {}
    order = bought(facts_of(free), MUG=3)
    assert off(order) == {"g1": 599}
    assert (order.group.charge_net, order.group.charge_tax) == (Money(0, "USD"), Money(0, "USD"))
    most = Promotion("ship", NAME, "free_shipping", (Step(amounts={"USD": 400}),))
    assert off(bought(facts_of(most), MUG=1)) == {"g1": 400}


def test_a_category_is_meant_with_all_below_it() -> None:
    path = {"TEA-9": ("Grocery", "Tea"), "BOOK-3": ("Grocery goods",)}
    products = {sku: replace(p, category=path.get(sku, ())) for sku, p in PRODUCTS.items()}
    facts = facts_of(percentage("g", 1000, scope=Scope(categories=("Grocery",))), products=products)
    assert set(off(bought(facts, MUG=1, TEA=1, BOOK=1))) == {"TEA-9"}


# Whom it is for, and when


@pytest.mark.parametrize(
    "audience",
    [
        Audience(channels=("phone",)),
        Audience(segments=("b2b",)),
        Audience(groups=("staff", "vip")),
        Audience(accounts=("acme",)),
    ],
)
def test_a_promotion_is_for_its_audience_alone(audience: Audience) -> None:
    facts = facts_of(percentage("p", 1000, audience=audience))
    order = bought(facts, MUG=1)
    assert off(order) == {}
    theirs = replace(
        order, channel="phone", segment="b2b", customer_groups=("vip",), account="acme"
    )
    assert off(price(theirs, facts)) == {"MUG-1": 130}


def test_a_promotion_holds_from_its_start_until_before_its_end() -> None:
    facts = facts_of(percentage("p", 1000, window=Window(NOW, NOW + timedelta(hours=1))))
    order = bought(facts, MUG=1)
    moments = [-timedelta(seconds=1), timedelta(0), timedelta(minutes=59), timedelta(hours=1)]
    held = [bool(off(price(order, replace(facts, now=NOW + moment)))) for moment in moments]
    assert held == [False, True, True, False]


def test_a_first_order_is_one_of_a_known_customer_without_others() -> None:
    facts = facts_of(percentage("p", 1000, first_order=True))
    order = bought(facts, MUG=1)
    known = replace(order, customer_id="cus_1")
    assert off(price(known, facts)) == {}
    assert off(price(order, replace(facts, first_order=True))) == {}
    assert off(price(known, replace(facts, first_order=True))) == {"MUG-1": 130}


def test_a_limited_promotion_ends_when_it_is_used_up() -> None:
    facts = facts_of(percentage("p", 1000, limit=5))
    order = bought(facts, MUG=1)
    assert off(price(order, replace(facts, used={"PROMOTION#p": 4})))
    assert not off(price(order, replace(facts, used={"PROMOTION#p": 5})))


def test_the_name_is_in_the_language_of_the_order() -> None:
    facts = facts_of(percentage("p", 1000))
    order = cart.describe(bought(facts, MUG=1), facts, language="de").order
    assert [d.name for line in order.lines for d in line.discounts] == ["Aktion"]


# What others got wrong


def test_vendure_4811_a_cancelled_line_takes_its_share_of_the_discount_with_it() -> None:
    """There the order's discount was divided anew over the lines that were left."""
    order = at("confirmed").order
    reduced_order = price(order, facts_of(amount("ten", 1000, "USD")))
    kept = {line.sku: line.net for line in reduced_order.lines}
    one = replace(
        reduced_order,
        lines=tuple(
            replace(line, portions=tuple(replace(p, stage="cancelled") for p in line.portions))
            if line.sku == "MUG-1"
            else line
            for line in reduced_order.lines
        ),
    )
    assert {line.sku: line.net for line in one.lines} == kept
    assert totals(one) == totals(reduced_order)


def test_vendure_2393_what_a_line_gives_back_is_what_was_paid_for_it() -> None:
    """There the refund of a line was its price, more than was paid after promotions."""
    order = bought(facts_of(percentage("half", 5000)), MUG=3, TEA=1)
    back = sum((line.net + line.tax).minor for line in order.lines)
    charge = order.group.charge_net.minor + order.group.charge_tax.minor  # type: ignore[union-attr]
    assert back + charge == totals(order).gross.minor


def test_vendure_2385_promotions_together_never_make_a_price_negative() -> None:
    order = bought(facts_of(percentage("all", 10_000), percentage("more", 1500)), MUG=2)
    assert totals(order).goods == Money(0, "USD")
    assert [d.id for line in order.lines for d in line.discounts] == ["all"]


def test_saleor_17453_a_percentage_is_of_what_others_left() -> None:
    """There 70 % came on top of 40 % and the goods were free."""
    order = bought(facts_of(percentage("a", 4000), percentage("b", 7000)), MUG=10)
    assert totals(order).goods == Money(2331, "USD")  # 18 % of 129.50


def test_vendure_3091_many_units_cost_their_price_less_what_is_taken_off() -> None:
    """There a percentage was rounded anew for every unit, so the subtotal was not what the line
    and its discount came to, the less so the more units there were."""
    order = bought(facts_of(percentage("tenth", 1000)), MUG=25)
    (line,) = order.lines
    assert off(order) == {"MUG-1": 3238}  # of 323.75
    assert totals(order).goods == line.unit_price * 25 - Money(3238, "USD")
    units = [units_share(line.net, 25, unit, unit + 1).minor for unit in range(25)]
    assert (sum(units), max(units) - min(units)) == (totals(order).goods.minor, 1)


def test_vendure_653_rates_of_tax_do_not_change_how_a_discount_is_divided() -> None:
    products = {
        sku: Product(sku, sku, Money(1000, "USD"), tax_category=category)
        for sku, category in (("MUG-1", "general"), ("TEA-9", "grocery"))
    }
    order = bought(facts_of(amount("ten", 1000, "USD"), products=products), MUG=1, TEA=1)
    assert off(order) == {"MUG-1": 500, "TEA-9": 500}


# Placing


def test_a_second_order_of_one_checkout_shares_the_discount_to_the_cent() -> None:
    facts = facts_of(
        amount("odd", 1001, "USD"),
        Promotion("ship", NAME, "free_shipping", (Step({"USD": 3_000}),)),
    )
    stock = {("MUG-1", "dc-1"): Balance("MUG-1", "dc-1", on_hand=1)}
    stock |= {("TEA-9", "dc-1"): Balance("TEA-9", "dc-1", on_hand=9)}
    order = bought(facts, MUG=3, TEA=1)
    later = Supply("S1", (NOW + timedelta(days=3)).date(), 50)
    stock["MUG-1", "dc-1"] = replace(stock["MUG-1", "dc-1"], supplies=(later,))
    placed = checkout.place(
        replace(order, shortage="separate_order"),
        replace(facts, balances=stock),
        Command("place", ""),
        names=(checkout.Names("PW-1", "a"), checkout.Names("PW-2", "b")),
        expected_total=None,
    )
    assert placed.linked is not None
    first, second = placed.order, placed.linked.order
    assert off(first)["MUG-1"] + off(second)["MUG-1"] == off(order)["MUG-1"]
    assert totals(first).goods + totals(second).goods == totals(order).goods
    assert totals(second).shipping == Money(0, "USD")


def long_cart() -> tuple[Order, Facts]:
    """Forty lines and twenty promotions, each for two lines fewer than the one before."""
    skus = [f"SKU-{n}" for n in range(40)]
    products = {sku: Product(sku, sku, Money(1000 + i, "USD")) for i, sku in enumerate(skus)}
    products = {sku: replace(p, tax_category="general") for sku, p in products.items()}
    many = [percentage(f"p{n}", 100, scope=Scope(tuple(skus[n:]))) for n in range(20)]
    facts = facts_of(*many, products=products)
    nothing = Money(0, "USD")
    lines = tuple(
        Line(n, sku, sku, nothing, (Portion("g1", "open", 2),), nothing, nothing)
        for n, sku in enumerate(skus, start=1)
    )
    return replace(new_cart(facts), lines=lines), facts


def calls(work: Callable[[], object]) -> int:
    """How many functions it calls."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_forty_lines_with_twenty_promotions_are_priced_in_milliseconds() -> None:
    """Counted, which no other work on the machine changes (11,509), and timed."""
    order, facts = long_cart()
    spent = []
    assert calls(lambda: price(order, facts)) < 12_500
    for _ in range(7):
        began = time.process_time()
        for _ in range(10):
            price(order, facts)
        spent.append((time.process_time() - began) / 10)
    assert len([d for line in price(order, facts).lines for d in line.discounts]) == 20 * 40 - 190
    assert min(spent) < 0.010  # 2 ms where nobody else is at work
