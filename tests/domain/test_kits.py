"""Kits: a price for articles together, whose units are lines like any other."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from parcelway.domain import cart, counter, delivery
from parcelway.domain.adjusting import Member, Wish, adjust
from parcelway.domain.adjustment import Cap
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.facts import Facts
from parcelway.domain.line import Line
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor
from parcelway.domain.prices import PriceList, Tier
from parcelway.domain.refilling import left_out, refill, substitute
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shortage import resolve
from parcelway.domain.stock import Balance, Supply, after, allowed, net

from tests.domain.strategies import NOW, SKUS, catalogues, new_cart, shops, stocks
from tests.orders import HOME, PRODUCTS, SHOP, Story, new_names

KITS = ("K1", "K2")
compositions = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 3), min_size=1)


@st.composite
def with_kits(draw: st.DrawFn, plenty: bool = True) -> Facts:
    """A shop with two kits of its articles, at any price."""
    shop = draw(shops())
    currency = shop.settings.currency
    products = draw(catalogues(currency))
    for sku in KITS:
        price = Money(draw(st.integers(0, 300_000)), currency)
        products[sku] = Product(sku, f"Kit {sku}", price, components=draw(compositions))
    if not plenty:
        return Facts(shop, NOW, products, draw(stocks(least_keys=3)))
    balances = {(sku, node): Balance(sku, node, on_hand=200) for sku in SKUS for node in shop.nodes}
    return Facts(shop, NOW, products, balances)


edits = st.lists(
    st.tuples(st.sampled_from((*SKUS, *KITS)), st.integers(0, 5)), min_size=1, max_size=8
)


def edited(facts: Facts, asked: list[tuple[str, int]]) -> Order:
    order, books = new_cart(facts), facts.balances
    for sku, units in asked:
        try:
            made = cart.set_quantity(order, sku, units, replace(facts, balances=books))
            order, books = made.order, after(books, made.moves)
        except Refusal as refusal:
            assert refusal.reason in (Reason.IN_KIT, Reason.NOT_FOUND)
    return order


def saved(order: Order, sku: str) -> int:
    """What a kit takes off the lines, in minor units."""
    off = (each for line in order.lines for each in line.discounts if each.source == "kit")
    return sum(each.amount.minor for each in off if each.id == sku)


def own_price(order: Order, components: Mapping[str, int]) -> int:
    prices = {line.sku: line.unit_price.minor for line in order.lines}
    return sum(prices[sku] * units for sku, units in components.items())


@given(with_kits(), edits)
def test_kits_come_to_their_price_to_the_cent_and_no_line_bears_more_than_its_units(
    facts: Facts, asked: list[tuple[str, int]]
) -> None:
    order = edited(facts, asked)
    for kit in order.kits:
        alone, price = own_price(order, kit.components), facts.products[kit.sku].price.minor
        assert kit.unit_price.minor == min(price, alone)
        assert saved(order, kit.sku) == (alone - kit.unit_price.minor) * kit.quantity
    for line in order.lines:
        assert 0 <= order.in_kits(line.sku) <= line.quantity
        for discount in line.discounts:
            kit = order.kit(discount.id)
            assert kit is not None and discount.name == kit.name
            assert 0 < discount.amount.minor <= line.unit_price.minor * kit.units(line.sku)
    loose = sum(
        line.unit_price.minor * (line.quantity - order.in_kits(line.sku)) for line in order.lines
    )
    together = sum(kit.unit_price.minor * kit.quantity for kit in order.kits)
    assert sum(line.amount.minor for line in order.lines) == loose + together
    if order.lines:
        chosen = delivery.deliver_to(order, HOME, "parcel", "", facts).order
        sums = totals(chosen)
        assert sums.gross == sums.goods + sums.shipping + sums.tax


@given(with_kits(), edits, st.sampled_from(KITS), st.integers(1, 4))
def test_a_kit_taken_out_leaves_what_was_there_before(
    facts: Facts, asked: list[tuple[str, int]], sku: str, units: int
) -> None:
    before = edited(facts, [each for each in asked if each[0] != sku])
    put = cart.set_quantity(before, sku, units, facts).order
    gone = cart.set_quantity(put, sku, 0, facts).order

    def content(order: Order) -> Any:
        return [(line.sku, line.quantity, line.amount) for line in order.lines], order.kits

    assert content(gone) == content(before)


@given(with_kits(plenty=False), edits)
def test_the_books_hold_what_the_cart_does_whatever_is_edited(
    facts: Facts, asked: list[tuple[str, int]]
) -> None:
    """Kits that share components, and the components alone: no unit is counted on twice."""
    order, books = new_cart(facts), dict(facts.balances)
    held_by_others = sum(balance.reserved for balance in books.values())
    on_cart = facts.shop.settings.policy("online") == "on_cart"
    for sku, units in asked:
        try:
            made = cart.set_quantity(order, sku, units, replace(facts, balances=books))
        except Refusal as refusal:
            assert refusal.reason in (Reason.OUT_OF_STOCK, Reason.IN_KIT, Reason.NOT_FOUND)
            continue
        changes = net(made.moves)
        assert all(allowed(books.get((c.sku, c.node), Balance(c.sku, c.node)), c) for c in changes)
        order, books = made.order, after(books, made.moves)
        reserved = sum(line.count("reserved") for line in order.lines)
        assert sum(balance.reserved for balance in books.values()) - held_by_others == reserved
        if on_cart:
            assert reserved == sum(line.quantity for line in order.lines)
        assert all(order.in_kits(line.sku) <= line.quantity for line in order.lines)


# --- By example --------------------------------------------------------------------------------

SET = Product(
    "TEA-SET", "Tea for two", Money(2500, "USD"), components={"MUG-1": 2, "TEA-9": 1}
)  # alone 2 x 12.95 + 8.79 = 34.69
DUO = Product("DUO", "Tea and book", Money(2000, "USD"), components={"TEA-9": 1, "BOOK-3": 1})
CATALOGUE = PRODUCTS | {SET.sku: SET, DUO.sku: DUO}


def facts_of(stock: Mapping[str, int], **changes: Product) -> Facts:
    balances = {(sku, "dc-1"): Balance(sku, "dc-1", on_hand=n) for sku, n in stock.items()}
    products = CATALOGUE | {each.sku: each for each in changes.values()}
    return Facts(SHOP, NOW, products, balances)


PLENTY = facts_of(dict.fromkeys(PRODUCTS, 50))


def filled(facts: Facts, **units: int) -> Order:
    order = new_cart(facts)
    for sku, quantity in units.items():
        order = cart.set_quantity(order, sku.replace("_", "-"), quantity, facts).order
    return order


def line_of(order: Order, sku: str) -> Line:
    line = order.line(sku)
    assert line is not None
    return line


def refused(reason: Reason, order: Order, sku: str, units: int, facts: Facts) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        cart.set_quantity(order, sku, units, facts)
    assert refusal.value.reason is reason
    return refusal.value


def test_what_a_kit_saves_is_taken_off_its_components_under_its_name() -> None:
    order = filled(PLENTY, TEA_SET=2, MUG_1=5)
    mugs, tea = line_of(order, "MUG-1"), line_of(order, "TEA-9")
    assert (mugs.quantity, tea.quantity) == (5, 2)
    # 34.69 - 25.00 = 9.69, by 25.90 to 8.79: 7.23 and 2.46, twice
    assert [(d.source, d.id, d.name, d.amount.minor) for d in mugs.discounts] == [
        ("kit", "TEA-SET", "Tea for two", 1446)
    ]
    assert [d.amount.minor for d in tea.discounts] == [492]
    assert mugs.amount.minor + tea.amount.minor == 2 * 2500 + 1295


def test_units_that_belong_to_kits_cannot_be_taken_from_them() -> None:
    order = filled(PLENTY, TEA_SET=2, DUO=1, TEA_9=4)
    refusal = refused(Reason.IN_KIT, order, "TEA-9", 2, PLENTY)
    assert refusal.facts == {"kits": ["TEA-SET", "DUO"], "minimum": 3}
    assert refusal.pointer == "/quantity"
    refused(Reason.IN_KIT, order, "MUG-1", 0, PLENTY)
    assert line_of(cart.set_quantity(order, "TEA-9", 3, PLENTY).order, "TEA-9").quantity == 3


@pytest.mark.parametrize(
    ("stock", "short"),
    [
        ({"MUG-1": 5, "TEA-9": 9}, {"MUG-1": (6, 5)}),
        ({"MUG-1": 6, "TEA-9": 2}, {"TEA-9": (3, 2)}),
        ({"MUG-1": 1, "TEA-9": 0}, {"MUG-1": (6, 1), "TEA-9": (3, 0)}),
    ],
)
def test_a_kit_is_refused_with_the_components_that_are_short(
    stock: dict[str, int], short: dict[str, tuple[int, int]]
) -> None:
    facts = facts_of(stock)
    lines = refused(Reason.OUT_OF_STOCK, new_cart(facts), "TEA-SET", 3, facts).facts["lines"]
    assert {each["sku"]: (each["wanted"], each["available"]) for each in lines} == short


def test_two_kits_and_a_loose_article_that_share_a_component_pass_the_check_once() -> None:
    """The mistake of systems that check each line of an order against the whole stock."""
    facts = facts_of({"MUG-1": 50, "BOOK-3": 50, "TEA-9": 3})
    order = filled(facts, TEA_SET=1, DUO=1, TEA_9=3)
    assert line_of(order, "TEA-9").quantity == 3
    refused(Reason.OUT_OF_STOCK, order, "TEA-9", 4, facts)
    refused(Reason.OUT_OF_STOCK, order, "DUO", 2, facts)
    refused(Reason.OUT_OF_STOCK, order, "TEA-SET", 2, facts)


def test_a_component_that_is_not_sold_alone_is_sold_in_a_kit() -> None:
    alone = replace(PRODUCTS["TEA-9"], active=False)
    hidden = replace(PRODUCTS["MUG-1"], assortments=("trade",), min_quantity=6, quantity_step=6)
    facts = facts_of(dict.fromkeys(PRODUCTS, 50), tea=alone, mug=hidden)
    order = filled(facts, TEA_SET=1)
    refused(Reason.NOT_SELLABLE, order, "TEA-9", 2, facts)
    refused(Reason.UNKNOWN_SKU, order, "MUG-1", 8, facts)
    shown = facts_of(dict.fromkeys(PRODUCTS, 50), mug=replace(hidden, assortments=()))
    refused(Reason.QUANTITY_LIMIT, order, "MUG-1", 7, shown)  # one besides the kit's two
    assert line_of(cart.set_quantity(order, "MUG-1", 8, shown).order, "MUG-1").quantity == 8


UNSELLABLE = {
    "not active": (replace(SET, active=False), Reason.NOT_SELLABLE),
    "for others": (replace(SET, assortments=("trade",)), Reason.UNKNOWN_SKU),
    "no such component": (replace(SET, components={"MUG-1": 1, "GONE": 1}), Reason.NOT_SELLABLE),
    "a kit in it": (replace(SET, components={"MUG-1": 1, "DUO": 1}), Reason.NOT_SELLABLE),
    "from three on": (replace(SET, min_quantity=3), Reason.QUANTITY_LIMIT),
    "too many": (replace(SET, max_quantity=1), Reason.QUANTITY_LIMIT),
    "too many mugs": (replace(SET, components={"MUG-1": 100}), Reason.QUANTITY_LIMIT),
    "no price here": (replace(SET, price=Money(1, "EUR")), Reason.NOT_SELLABLE),
}


def test_what_was_a_kit_and_is_an_article_now_makes_no_kit() -> None:
    order = filled(PLENTY, TEA_SET=1)
    facts = facts_of(dict.fromkeys(PRODUCTS, 50), kit=replace(SET, components={}))
    refused(Reason.NOT_SELLABLE, order, SET.sku, 2, facts)
    assert cart.set_quantity(order, SET.sku, 0, facts).order.lines == ()


def test_a_kit_that_is_not_there_is_not_taken_out() -> None:
    refused(Reason.NOT_FOUND, filled(PLENTY, MUG_1=1), SET.sku, 0, PLENTY)


def test_a_line_has_as_many_units_as_an_article_may_have_whoever_they_belong_to() -> None:
    most = SHOP.settings.max_quantity
    facts = facts_of(
        dict.fromkeys(PRODUCTS, 5000), kit=replace(SET, components={"MUG-1": 1, "TEA-9": 1})
    )
    order = filled(facts, MUG_1=most - 2, TEA_SET=2)
    assert line_of(order, "MUG-1").quantity == most
    refused(Reason.QUANTITY_LIMIT, order, SET.sku, 3, facts)


@pytest.mark.parametrize("why", UNSELLABLE)
def test_what_a_kit_may_not_be_ordered_for(why: str) -> None:
    kit, reason = UNSELLABLE[why]
    facts = facts_of(dict.fromkeys(PRODUCTS, 5000), kit=kit)
    refused(reason, new_cart(facts), SET.sku, 10 if "mugs" in why else 2, facts)


def test_a_component_without_a_price_in_the_currency_makes_no_kit() -> None:
    facts = facts_of(
        dict.fromkeys(PRODUCTS, 50), tea=replace(PRODUCTS["TEA-9"], price=Money(1, "EUR"))
    )
    refused(Reason.NOT_SELLABLE, new_cart(facts), SET.sku, 1, facts)


def test_a_component_is_priced_at_all_units_of_its_line() -> None:
    """A kit's two mugs have a price from two, or from three on, whoever the others belong to."""
    dear = replace(PRODUCTS["MUG-1"], price=Money(1, "EUR"))
    stock = facts_of(dict.fromkeys(PRODUCTS, 50), mug=dear)
    shop = replace(SHOP, price_lists={"more": PriceList("more", "More", "USD")})

    def priced_from(quantity: int) -> Facts:
        return replace(stock, shop=shop, prices={("more", "MUG-1"): (Tier(quantity, 1000),)})

    pair = filled(priced_from(2), TEA_SET=1)
    assert line_of(pair, "MUG-1").unit_price == Money(1000, "USD")
    refused(Reason.NOT_SELLABLE, new_cart(stock), SET.sku, 1, priced_from(3))
    refused(Reason.NOT_SELLABLE, pair, SET.sku, 1, priced_from(3))
    loose = filled(priced_from(3), MUG_1=3)
    assert cart.set_quantity(loose, SET.sku, 1, priced_from(3)).order.in_kits("MUG-1") == 2


WRONG: dict[str, dict[str, int]] = {
    "itself": {"TEA-SET": 1},
    "none of one": {"MUG-1": 0},
    "too many of one": {"MUG-1": 101},
    "too many": {f"SKU-{n}": 1 for n in range(21)},
}


@pytest.mark.parametrize("components", WRONG.values(), ids=WRONG)
def test_what_no_kit_is_made_of(components: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="TEA-SET: a kit"):
        replace(SET, components=components)


def described(order: Order, facts: Facts, shortage: Any) -> Order:
    made = cart.describe(order, facts, shortage=shortage).order
    return delivery.deliver_to(made, HOME, "standard", "", facts).order


def test_what_is_dropped_of_a_kit_is_dropped_of_all_its_components() -> None:
    """Three kits and a loose mug, of which one tea bag less is there: two kits and the mug."""
    order = described(filled(PLENTY, TEA_SET=3, MUG_1=7), PLENTY, "drop")
    facts = facts_of({"MUG-1": 7, "TEA-9": 2})
    (part,) = resolve(order, facts)
    assert {line.sku: line.quantity for line in part.order.lines} == {"MUG-1": 5, "TEA-9": 2}
    assert [(kit.sku, kit.quantity) for kit in part.order.kits] == [("TEA-SET", 2)]
    assert sum(line.amount.minor for line in part.order.lines) == 2 * 2500 + 1295
    taken = {(c.sku, c.node): c for c in net(part.claim.moves)}
    assert {sku: change.reserved for (sku, _), change in taken.items()} == {"MUG-1": 5, "TEA-9": 2}


def test_of_a_kit_that_is_not_there_nothing_is_left_when_the_rest_is_dropped() -> None:
    order = described(filled(PLENTY, TEA_SET=1), PLENTY, "drop")
    with pytest.raises(Refusal) as refusal:
        resolve(order, facts_of({"MUG-1": 7, "TEA-9": 0}))
    assert refusal.value.reason is Reason.OUT_OF_STOCK


def test_a_separate_order_has_whole_kits_at_the_prices_that_were_agreed() -> None:
    order = described(filled(PLENTY, TEA_SET=3, MUG_1=7), PLENTY, "separate_order")
    facts = facts_of({"MUG-1": 7, "TEA-9": 2})
    coming = Balance("TEA-9", "dc-1", on_hand=2, supplies=(Supply("po", date(2026, 12, 1), 5),))
    coming = replace(coming, supplied=1)
    facts = replace(facts, balances={**facts.balances, ("TEA-9", "dc-1"): coming})
    first, second = (part.order for part in resolve(order, facts))
    assert [(kit.sku, kit.quantity) for kit in first.kits] == [("TEA-SET", 2)]
    assert [(kit.sku, kit.quantity) for kit in second.kits] == [("TEA-SET", 1)]
    assert {line.sku: line.quantity for line in second.lines} == {"MUG-1": 2, "TEA-9": 1}
    assert sum(line.amount.minor for line in first.lines) == 2 * 2500 + 1295
    assert sum(line.amount.minor for line in second.lines) == 2500


@given(
    with_kits(),
    edits,
    st.lists(st.integers(0, 9), min_size=len(SKUS), max_size=len(SKUS)),
    st.sampled_from((500, 500, 5, 0)),
    st.sampled_from(("separate_order", "separate_order", "drop")),
)
def test_no_kit_is_torn_by_what_is_not_there(
    facts: Facts, asked: list[tuple[str, int]], there: list[int], coming: int, shortage: Any
) -> None:
    """Nor do two kits share a unit: each part of the order has all units of its own kits, those
    that are there and those that are waited for."""
    order = edited(facts, [*asked, ("K1", 2)])
    assume(order.lines and not any(line.count("reserved") for line in order.lines))
    order = delivery.deliver_to(order, HOME, "parcel", "", facts).order
    order = cart.describe(order, facts, shortage=shortage).order
    node = min(facts.shop.nodes)
    left = dict(zip(SKUS, there, strict=True))
    supplies = (Supply("po", NOW.date() + timedelta(days=9), coming),) if coming else ()
    scarce = {
        (sku, node): Balance(
            sku, node, on_hand=left[sku], supplies=supplies, supplied=len(supplies)
        )
        for sku in SKUS
    }
    try:
        parts = resolve(order, replace(facts, balances=scarce))
    except Refusal:
        return
    for part in parts:
        units = {line.sku: line.quantity for line in part.order.lines}
        assert units == {line.sku: line.quantity for line in part.claim.lines}
        for sku in {sku for kit in part.order.kits for sku in kit.components}:
            assert part.order.in_kits(sku) <= units[sku]
    held = {line.sku: line.count("reserved") for line in parts[0].claim.lines}
    assert all(units <= left[sku] for sku, units in held.items())
    if shortage == "drop" or len(parts) == 2:
        assert held == {line.sku: line.quantity for line in parts[0].order.lines}
    if len(parts) == 2:
        first, second = (Counter(what(part.order)) for part in parts)
        assert first + second == what(order)


# --- Bought again, something else instead, over the counter ---------------------------------------


def again(stock: Mapping[str, int], **in_cart: int) -> tuple[Order, Order]:
    """A cart that gets two kits, three loose mugs and a book once more; and the order of those."""
    bought = filled(PLENTY, TEA_SET=2, MUG_1=7, BOOK_3=1)
    facts = facts_of(stock)
    start = filled(facts, **in_cart)
    return refill(start, bought, facts, Command("again", "")).order, bought


def what(order: Order) -> dict[str, int]:
    """Kits, and units beside them."""
    loose = {line.sku: order.loose(line) for line in order.lines if order.loose(line)}
    return {kit.sku: kit.quantity for kit in order.kits} | loose


@pytest.mark.parametrize(
    ("stock", "in_cart", "then"),
    [
        ({"MUG-1": 9, "TEA-9": 9, "BOOK-3": 9}, {}, {"TEA-SET": 2, "MUG-1": 3, "BOOK-3": 1}),
        ({"MUG-1": 5, "TEA-9": 9, "BOOK-3": 9}, {}, {"TEA-SET": 2, "MUG-1": 1, "BOOK-3": 1}),
        ({"MUG-1": 9, "TEA-9": 1, "BOOK-3": 9}, {}, {"TEA-SET": 1, "MUG-1": 3, "BOOK-3": 1}),
        ({"MUG-1": 9, "TEA-9": 0, "BOOK-3": 9}, {}, {"MUG-1": 3, "BOOK-3": 1}),
        (
            {"MUG-1": 9, "TEA-9": 3, "BOOK-3": 0},
            {"TEA_SET": 2},
            {"TEA-SET": 3, "MUG-1": 3},
        ),
    ],
)
def test_kits_are_bought_again_as_kits_as_far_as_they_are_there(
    stock: Mapping[str, int], in_cart: dict[str, int], then: dict[str, int]
) -> None:
    order, bought = again(stock, **in_cart)
    assert what(order) == then
    missing = {sku: n - then.get(sku, 0) for sku, n in what(bought).items()}
    assert dict(left_out(order, bought)) == {sku: n for sku, n in missing.items() if n > 0}


def test_neither_a_kit_nor_a_component_is_replaced_by_something_else() -> None:
    asked = Command("instead", "")
    order = filled(PLENTY, TEA_SET=1, BOOK_3=1)
    for old, new, reason in (
        ("MUG-1", "BOOK-3", Reason.INVALID),
        ("TEA-9", "DUO", Reason.IN_KIT),
        ("BOOK-3", "DUO", Reason.NOT_SELLABLE),
        ("TEA-SET", "DUO", Reason.NOT_FOUND),
    ):
        with pytest.raises(Refusal) as refusal:
            substitute(order, old, new, PLENTY, asked)
        assert refusal.value.reason is reason, (old, new)


def test_a_kit_is_sold_over_the_counter_whatever_the_books_say() -> None:
    story = Story(products=CATALOGUE, basket={"TEA-SET": 2}, channel="in_person", stock={}).laden()
    store = counter.store_of(SHOP, "store-1")
    names = new_names(random.Random(1))

    def sell(*tenders: counter.Tender) -> Order:
        clerk, asked = Actor("staff"), Command("sell", "")
        of = (story.order, store, tenders, story.facts, asked, clerk)
        return counter.sell(*of, names=names, expected_total=None).order

    with pytest.raises(Refusal) as refusal:
        sell()
    due = Money(refusal.value.facts["total"]["minor"], "USD")
    sold = sell(counter.Tender("cash", due))
    assert due == totals(sold).gross and totals(sold).goods == Money(5000, "USD")
    assert [(kit.sku, kit.quantity) for kit in sold.kits] == [("TEA-SET", 2)]


def test_a_hold_that_lapses_leaves_the_kit_in_the_cart() -> None:
    shop = replace(SHOP, settings=replace(SHOP.settings, reservation_policy={"online": "on_cart"}))
    held = filled(replace(PLENTY, shop=shop), TEA_SET=1)
    assert held.hold_until is not None
    made = cart.lapse(held, held.hold_until)
    assert made is not None
    assert made.order.kits == held.kits
    assert [line.count("open") for line in made.order.lines] == [2, 1]


# --- What staff change about a price -------------------------------------------------------------

LENIENT = replace(
    PLENTY,
    shop=replace(
        SHOP,
        settings=replace(
            SHOP.settings,
            adjustment_reasons={"goodwill": {"en": "Goodwill"}},
            adjustment_caps={"csr": Cap({"USD": 10_000})},
        ),
    ),
)
CLERK = Member(Actor("staff", "clerk"), frozenset({"csr"}), "")


def adjusted(order: Order, kind: Any, target: str, minor: int) -> Order:
    wish = Wish(kind, target, Money(minor, "USD"), "goodwill")
    return adjust(order, wish, CLERK, LENIENT, Command(kind, "")).order


def test_another_price_of_a_component_is_that_of_the_loose_ones_and_a_kits_stays() -> None:
    order = filled(LENIENT, TEA_SET=1, MUG_1=3)
    changed = adjusted(order, "price_override", "MUG-1", 1000)
    assert totals(changed).goods == Money(2500 + 1000, "USD")
    cheaper = adjusted(order, "price_override", "MUG-1", 500)  # alone they are cheaper than the kit
    assert totals(cheaper).goods == Money(2 * 500 + 879 + 500, "USD")
    less = adjusted(order, "amount_off", "", 700)
    assert totals(less).goods == Money(2500 + 1295 - 700, "USD")


def test_a_kits_price_is_not_overridden_and_the_refusal_says_what_can_be_done() -> None:
    with pytest.raises(Refusal) as refusal:
        adjusted(filled(LENIENT, TEA_SET=1), "price_override", "TEA-SET", 1000)
    assert (refusal.value.reason, refusal.value.pointer) == (Reason.INVALID, "/target")
    assert "take an amount off" in refusal.value.detail
