"""What a shopper is told of a kit is what an order of it would get, of all its components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import atp, cart
from parcelway.domain.alternatives import alternatives
from parcelway.domain.atp import Answer, Coming, Wish
from parcelway.domain.availability import Availability, availability, outlets
from parcelway.domain.catalogue import Product
from parcelway.domain.channels import quota_of, seen_by
from parcelway.domain.facts import Facts
from parcelway.domain.line import Portion
from parcelway.domain.money import Money
from parcelway.domain.order import DeliveryGroup, Order, Shortage
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shortage import Part, resolve
from parcelway.domain.stock import Balance, Supply

from tests.domain.strategies import new_cart
from tests.domain.test_availability import BOUNDED, TODAY, WAYS, supplies
from tests.orders import HOME, PRODUCTS, SHOP, START

ARTICLES = ("MUG-1", "TEA-9")
KIT = Product("SET", "Tea for two", Money(2500, "USD"), components={"MUG-1": 2, "TEA-9": 1})
Stock = dict[tuple[str, str], Balance]


@st.composite
def stocks(draw: st.DrawFn) -> Stock:
    """Balances of both articles, some negative, with queues, supplies and quotas."""
    found = {
        (sku, node): Balance(
            sku,
            node,
            on_hand=draw(st.integers(-2, 12)),
            backordered=draw(st.integers(0, 4)),
            supplies=draw(supplies),
            supplied=1,
        )
        for sku in ARTICLES
        for node in SHOP.nodes
        if draw(st.integers(0, 3))
    }
    for sku in ARTICLES:
        if draw(st.integers(0, 3)) == 0:
            key = (sku, quota_of("online"))
            found[key] = Balance(*key, on_hand=draw(st.integers(0, 12)))
    return found


@st.composite
def products(draw: st.DrawFn) -> dict[str, Product]:
    """The kit, of any numbers of articles that may be launched later or not wait."""
    parts = {sku: draw(st.integers(1, 3)) for sku in ARTICLES if draw(st.booleans())}
    step = draw(st.sampled_from([1, 1, 2]))
    kit = replace(
        KIT, components=parts or KIT.components, min_quantity=2 * step, quantity_step=step
    )
    found = {KIT.sku: kit if draw(st.booleans()) else replace(kit, min_quantity=step)}
    for sku in ARTICLES:
        days = draw(st.sampled_from([None, None, None, 20]))
        launch = None if days is None else TODAY + timedelta(days=days)
        waits = draw(st.sampled_from([True, True, False]))
        found[sku] = replace(PRODUCTS[sku], launch=launch, backorders=waits)
    return found


def facts_of(known: Mapping[str, Product], stock: Stock, channel: str) -> Facts:
    seen = seen_by(channel, stock, BOUNDED.settings.channel_buffers, known)
    return Facts(BOUNDED, START, known, seen)


def ask(wish: Wish, facts: Facts) -> Answer:
    draft = atp.draft_of(wish, facts.shop, facts.now)
    return atp.ask(draft, facts.products[KIT.sku], wish, facts)


def placed(wish: Wish, facts: Facts, shortage: Shortage) -> Part | Refusal:
    """What becomes of an order of these kits alone, or why it is refused."""
    at_counter = replace(new_cart(facts), channel="in_person")  # where no stock is asked for
    order: Order = cart.set_quantity(at_counter, KIT.sku, wish.quantity, facts).order
    group = DeliveryGroup("g1", "delivery", replace(HOME, postal_code=wish.postal_code))
    if wish.method == "pickup":
        group = DeliveryGroup("g1", "pickup", store=wish.store, service="collect")
    lines = tuple(
        replace(line, portions=(Portion("g1", "open", line.quantity),)) for line in order.lines
    )
    changed = replace(order, channel=wish.channel, lines=lines, groups=(group,), shortage=shortage)
    try:
        (part,) = resolve(changed, facts)
    except Refusal as refusal:
        return refusal
    return part


@given(stocks(), products(), WAYS, st.integers(0, 4))
def test_what_is_told_is_what_an_order_gets(
    stock: Stock, known: dict[str, Product], way: Wish, more: int
) -> None:
    kit = known[KIT.sku]
    quantity = kit.min_quantity + more * kit.quantity_step
    wish, facts = replace(way, quantity=quantity), facts_of(known, stock, way.channel)
    told = ask(wish, facts)
    at_once, later = (placed(wish, facts, s) for s in ("", "ship_complete"))
    assert (told.state in ("in_stock", "low_stock")) == isinstance(at_once, Part)
    assert (told.state == "out_of_stock") == isinstance(later, Refusal)
    assert told.most == kit.fitting(told.most)
    assert (told.state != "out_of_stock") == (quantity <= told.most)
    if isinstance(later, Refusal):
        assert told.now + sum(each.quantity for each in told.later) < quantity
        assert (told.available_from, told.window) == (None, None)
        return
    waiting = [p for line in later.claim.lines for p in line.portions if p.stage == "backordered"]
    assert told.available_from == max((p.due for p in waiting if p.due), default=None)
    there = {line.sku: line.count("reserved") for line in later.claim.lines}
    assert told.now == min(there[sku] // units for sku, units in kit.components.items())
    assert told.now + sum(each.quantity for each in told.later) == quantity
    assert told.window is not None


@given(stocks(), products())
def test_a_list_says_of_the_least_one_can_order_what_the_best_way_gives(
    stock: Stock, known: dict[str, Product]
) -> None:
    kit, facts = known[KIT.sku], facts_of(known, stock, "online")
    told = availability(kit, stock, outlets(BOUNDED, "online"), START, known)
    ways = [
        ask(Wish(kit.min_quantity, country="US"), facts),
        ask(Wish(kit.min_quantity, method="pickup", store="store-1"), facts),
    ]
    order = ["in_stock", "low_stock", "preorder", "backorder", "out_of_stock"]
    best = min((way.state for way in ways), key=order.index)
    assert told.state == best
    days = [way.available_from for way in ways if way.available_from]
    there = best in ("in_stock", "low_stock")
    assert told.available_from == (None if there else min(days, default=None))
    if told.available_from:
        assert 0 < told.later < max(way.most for way in ways) + kit.quantity_step


def dated(quantity: int) -> Answer:
    """Five mugs and three in a week; one tea and two in two weeks: of a kit one, then one more."""
    mugs = Balance("MUG-1", "dc-2", on_hand=7, supplies=(Supply("a", _day(7), 3),), supplied=1)
    tea = Balance("TEA-9", "dc-2", on_hand=3, supplies=(Supply("b", _day(14), 2),), supplied=1)
    stock = {(each.sku, each.node): each for each in (mugs, tea)}  # of each two are kept back
    facts = facts_of({**PRODUCTS, KIT.sku: KIT}, stock, "online")
    return ask(Wish(quantity, country="US"), facts)


def _day(days: int) -> date:
    return TODAY + timedelta(days=days)


def test_the_day_of_a_kit_is_that_of_its_last_component() -> None:
    told = dated(3)
    assert (told.state, told.now, told.most) == ("backorder", 1, 3)
    assert told.later == (Coming(2, _day(14)),)
    assert told.available_from == _day(14)
    refused = dated(4)
    assert (refused.state, refused.now, refused.later) == (
        "out_of_stock",
        1,
        (Coming(2, _day(14)),),
    )


def test_a_list_tells_the_day_of_the_last_component() -> None:
    coming = {"MUG-1": (Supply("a", _day(7), 5),), "TEA-9": (Supply("b", _day(14), 9),)}
    stock = {
        (sku, "dc-1"): Balance(sku, "dc-1", supplies=supplies, supplied=1)
        for sku, supplies in coming.items()
    }
    known = {**PRODUCTS, KIT.sku: KIT}
    told = availability(KIT, stock, outlets(SHOP, "online"), START, known)
    assert (told.state, told.available_from, told.later) == ("backorder", _day(14), 2)


def test_later_counts_what_comes_by_one_way() -> None:
    """A store has mugs to hand over and no tea, the other node sends two mugs and all the tea."""
    mugs, tea = (Supply("a", _day(7), 2),), (Supply("b", _day(7), 9),)
    balances = (
        Balance("MUG-1", "store-1", on_hand=20),
        Balance("MUG-1", "dc-1", supplies=mugs, supplied=1),
        Balance("TEA-9", "dc-1", supplies=tea, supplied=1),
    )
    stock = {(each.sku, each.node): each for each in balances}
    known = {**PRODUCTS, KIT.sku: KIT}
    told = availability(KIT, stock, outlets(SHOP, "online"), START, known)
    assert (told.delivery, told.pickup, told.later) == (0, {"store-1": 0}, 1)
    assert ask(Wish(1, country="US"), Facts(SHOP, START, known, stock)).most == 1


def listed(known: Mapping[str, Product]) -> Availability:
    stock = {(sku, "dc-1"): Balance(sku, "dc-1", on_hand=50) for sku in ARTICLES}
    return availability(known[KIT.sku], stock, outlets(SHOP, "online"), START, known)


def test_a_kit_that_cannot_be_made_up_is_not_there() -> None:
    whole = {KIT.sku: KIT, **PRODUCTS}
    assert listed(whole).delivery == 25
    gone = {sku: each for sku, each in whole.items() if sku != "TEA-9"}
    nested = whole | {"TEA-9": replace(KIT, sku="TEA-9", components={"MUG-1": 1})}
    for known in (gone, nested):
        assert listed(known).state == "out_of_stock"
        facts = Facts(SHOP, START, known, {})
        assert ask(Wish(1, country="US"), facts).state == "out_of_stock"


@pytest.mark.parametrize("maximum", [9, 10, 11])
def test_no_more_kits_are_promised_than_a_cart_takes_of_their_components(maximum: int) -> None:
    """Two mugs each: of nine or ten mugs, four or five kits."""
    shop = replace(SHOP, settings=replace(SHOP.settings, max_quantity=maximum))
    stock = {(sku, "dc-1"): Balance(sku, "dc-1", on_hand=5000) for sku in ARTICLES}
    facts = Facts(shop, START, {**PRODUCTS, KIT.sku: KIT}, stock)
    most = ask(Wish(1, country="US"), facts).most
    assert most == maximum // 2
    assert ask(Wish(most, country="US"), facts).state == "in_stock"
    cart.set_quantity(new_cart(facts), KIT.sku, most, facts)
    said = list[Refusal]()
    for beyond in (
        lambda: ask(Wish(most + 1, country="US"), facts),
        lambda: cart.set_quantity(new_cart(facts), KIT.sku, most + 1, facts),
    ):
        with pytest.raises(Refusal) as refusal:
            beyond()
        said.append(refusal.value)
    promise, taken = said
    assert promise.reason is taken.reason is Reason.QUANTITY_LIMIT
    assert (promise.detail, promise.pointer, promise.facts) == (
        taken.detail,
        taken.pointer,
        taken.facts,
    )


def test_a_component_and_a_kit_are_no_alternatives_to_each_other() -> None:
    known = {**PRODUCTS, KIT.sku: KIT}
    stock = {(sku, "dc-1"): Balance(sku, "dc-1", on_hand=50) for sku in PRODUCTS}
    facts = Facts(SHOP, START, known, stock)
    loose = cart.set_quantity(new_cart(facts), "MUG-1", 2, facts).order
    found = alternatives(loose, "MUG-1", [KIT, PRODUCTS["BOOK-3"]], facts)
    assert [each.sku for each in found] == ["BOOK-3"]
    of_kit = cart.set_quantity(new_cart(facts), KIT.sku, 1, facts).order
    assert alternatives(of_kit, "MUG-1", [PRODUCTS["BOOK-3"]], facts) == []
