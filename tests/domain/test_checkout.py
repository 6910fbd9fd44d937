"""Checkout: what is offered can be had, what is placed is complete, held and priced for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart, checkout, delivery
from parcelway.domain.commands import Command, repeated
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, after, allowed, net

from tests.domain.strategies import (
    NODES,
    NOW,
    baskets,
    catalogues,
    facts_with_plenty,
    filled,
    new_cart,
    shops,
    stocks,
)
from tests.orders import HOME, PRODUCTS, SHOP, at


def place(order: Order, known: Facts, expected: Money | None = None) -> Decision:
    return checkout.place(
        order,
        known,
        Command("place", ""),
        names=(checkout.Names("PW-TEST", "link"), checkout.Names("PW-MORE", "more")),
        expected_total=expected,
    )


def reason(order: Order, known: Facts, expected: Money | None = None) -> Reason:
    with pytest.raises(Refusal) as refusal:
        place(order, known, expected)
    return refusal.value.reason


@given(facts_with_plenty("on_checkout"), baskets, st.sampled_from(["US", "DE"]))
def test_every_option_offered_can_be_chosen_at_its_price(
    known: Facts, basket: dict[str, int], country: str
) -> None:
    order = filled(known, basket)
    offered = delivery.options(order, country, known)
    assert offered or country != "US"
    for option in offered:
        if option.store is not None:
            made = delivery.pick_up_at(order, option.store.id, option.service.id, "", known)
        else:
            there = replace(HOME, country=country)
            made = delivery.deliver_to(order, there, option.service.id, "", known)
        assert made.order.group.charge_price == option.price
        assert option.promise.earliest <= option.promise.latest


@given(facts_with_plenty("on_checkout"), baskets)
def test_what_is_placed_costs_what_the_cart_said(known: Facts, basket: dict[str, int]) -> None:
    order = delivery.deliver_to(filled(known, basket), HOME, "parcel", "", known).order
    shown = totals(order)
    placed = place(order, known, shown.gross).order
    assert totals(placed) == shown
    assert reason(order, known, shown.gross + Money(1, order.currency)) is Reason.TOTAL_CHANGED


@st.composite
def carts_in_any_stock(draw: st.DrawFn) -> tuple[Order, Facts]:
    """A cart that was filled in better times: its stock may be gone since, or held by it."""
    shop = draw(shops())
    products = draw(catalogues(shop.settings.currency))
    nodes = tuple(node for node in (*NODES, "store") if node in shop.nodes)
    plenty = {(s, n): Balance(s, n, 50) for s in products for n in nodes}
    order, books = new_cart(Facts(shop, NOW, products, plenty)), dict(plenty)
    for sku, units in draw(baskets).items():
        made = cart.set_quantity(order, sku, units, Facts(shop, NOW, products, books))
        order, books = made.order, after(books, made.moves)
    known = Facts(shop, NOW, products, books)
    order = cart.describe(
        order, known, contact=at("draft").contact, billing_address=HOME, payment_method="card"
    ).order
    if draw(st.booleans()):
        order = delivery.pick_up_at(order, "store", "collect", "", known).order
    else:
        order = delivery.deliver_to(order, HOME, "parcel", "", known).order
    left = draw(stocks(nodes=nodes, least_keys=1))
    held = {key: books[key].reserved for key in books}
    now = {
        key: replace(b, on_hand=b.on_hand + held[key], reserved=b.reserved + held[key])
        for key, b in ({k: Balance(*k) for k in books} | left).items()
    }
    return order, replace(known, balances=now if draw(st.booleans()) else books)


@given(carts_in_any_stock())
def test_placing_holds_every_unit_or_none(made: tuple[Order, Facts]) -> None:
    order, known = made
    before = sum(line.count("reserved") for line in order.lines)
    try:
        decision = place(order, known)
    except Refusal as refusal:
        assert refusal.reason is Reason.OUT_OF_STOCK
        return
    placed = decision.order
    assert all(allowed(known.balances[c.sku, c.node], c) for c in net(decision.moves))
    books = after(known.balances, decision.moves)
    held = sum(line.count("reserved") for line in placed.lines)
    assert (
        sum(b.reserved for b in books.values()) - sum(b.reserved for b in known.balances.values())
        == held - before
    )
    policy = known.shop.settings.policy("online")
    ordered = sum(line.quantity for line in placed.lines)
    assert ordered == sum(line.quantity for line in order.lines)
    free = not totals(order).gross
    assert held == (0 if policy == "none" and not free else ordered)
    assert (placed.state, placed.version) == ("confirmed" if free else "placed", order.version + 1)
    lapses = NOW + timedelta(minutes=known.shop.settings.hold_minutes)
    assert placed.hold_until == (None if free else lapses)
    assert all(group.promise is not None for group in placed.groups)
    assert repeated(placed, Command("place", ""))
    assert totals(placed) == totals(order)


@pytest.mark.parametrize("policy", ["none", "on_cart", "on_checkout"])
def test_what_costs_nothing_is_confirmed_at_once_with_its_stock(policy: str) -> None:
    free = {sku: replace(p, price=Money(0, "USD")) for sku, p in PRODUCTS.items()}
    settings = replace(SHOP.settings, reservation_policy={"online": policy})  # type: ignore[dict-item]
    story = at("draft", method="pickup", products=free, shop=replace(SHOP, settings=settings))
    placed = place(story.order, story.facts)
    assert (placed.order.state, placed.order.hold_until) == ("confirmed", None)
    assert placed.order.confirmed_at == placed.order.placed_at == story.now
    assert [event.type for event in placed.events] == ["order.placed", "order.confirmed"]
    assert all(line.count("reserved") == line.quantity for line in placed.order.lines)
    books = after(story.balances, placed.moves)
    assert sum(b.reserved for b in books.values()) == sum(story.basket.values())


def test_all_that_is_missing_is_named_at_once() -> None:
    story = at("draft")
    assert reason(replace(story.order, lines=()), story.facts) is Reason.EMPTY_CART
    bare = replace(
        story.order,
        contact=None,
        billing_address=None,
        payment_method="",
        groups=(replace(story.order.group, service=""),),
    )
    with pytest.raises(Refusal) as refusal:
        place(bare, story.facts)
    assert refusal.value.reason is Reason.INCOMPLETE_CHECKOUT
    assert refusal.value.facts["missing"] == [
        "/contact",
        "/billing_address",
        "/payment_method",
        "/delivery",
    ]


def test_what_is_not_sold_any_more_is_not_placed() -> None:
    story = at("draft")
    for changed in (
        {sku: p for sku, p in PRODUCTS.items() if sku != "TEA-9"},
        PRODUCTS | {"TEA-9": replace(PRODUCTS["TEA-9"], active=False)},
        PRODUCTS | {"TEA-9": replace(PRODUCTS["TEA-9"], price=Money(1, "EUR"))},
    ):
        known = replace(story.facts, products=changed)
        assert reason(story.order, known) is Reason.NOT_SELLABLE


def test_a_new_price_is_agreed_to_before_the_order_is_placed() -> None:
    story = at("draft")
    dearer = PRODUCTS | {"TEA-9": replace(PRODUCTS["TEA-9"], price=Money(10_000, "USD"))}
    known = replace(story.facts, products=dearer)
    assert reason(story.order, known, totals(story.order).gross) is Reason.TOTAL_CHANGED
    placed = place(story.order, known, None).order
    assert placed.line("TEA-9").unit_price == Money(10_000, "USD")  # type: ignore[union-attr]


def test_goods_that_became_too_heavy_are_not_placed() -> None:
    story = at("draft")
    heavy = PRODUCTS | {"TEA-9": replace(PRODUCTS["TEA-9"], weight_grams=40_000)}
    known = replace(story.facts, products=heavy)
    assert reason(story.order, known) is Reason.DELIVERY_UNAVAILABLE


def test_a_delivery_that_cannot_be_is_refused() -> None:
    story = at("draft")
    order, known = story.order, story.facts
    abroad = replace(HOME, country="FR")
    choices: list[Callable[[], Decision]] = [
        lambda: delivery.deliver_to(order, HOME, "nothing", "", known),
        lambda: delivery.deliver_to(order, HOME, "collect", "", known),
        lambda: delivery.deliver_to(order, abroad, "standard", "", known),
        lambda: delivery.pick_up_at(order, "dc-1", "collect", "", known),
        lambda: delivery.pick_up_at(order, "nowhere", "collect", "", known),
        lambda: delivery.pick_up_at(order, "store-1", "standard", "", known),
    ]
    for choose in choices:
        with pytest.raises(Refusal) as refusal:
            choose()
        assert refusal.value.reason is Reason.DELIVERY_UNAVAILABLE


def test_choosing_pick_up_after_delivery_leaves_nothing_of_it() -> None:
    story = at("draft")
    picked = delivery.pick_up_at(story.order, "store-1", "collect", "", story.facts).order
    assert (picked.group.address, picked.group.store) == (None, "store-1")
    sent = delivery.deliver_to(picked, HOME, "standard", "at the back", story.facts).order
    assert (sent.group.address, sent.group.store) == (HOME, "")
    assert sent.group.instructions == "at the back"
    assert picked.group.charge_price == Money(0, "USD")
