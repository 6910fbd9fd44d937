"""What a shopper is told can be had is what an order would get, in quantity and in date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from parcelway.domain import atp
from parcelway.domain.atp import Answer, Coming, Wish
from parcelway.domain.availability import availability, outlets
from parcelway.domain.catalogue import Product
from parcelway.domain.channels import quota_of, seen_by
from parcelway.domain.facts import Facts
from parcelway.domain.line import Portion
from parcelway.domain.order import DeliveryGroup, Order, Shortage
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shortage import Part, resolve
from parcelway.domain.stock import Balance, Supply

from tests.orders import HOME, PRODUCTS, SHOP, START, at

MUG, TODAY = PRODUCTS["MUG-1"], START.date()
WAYS = st.sampled_from(
    [
        Wish(1, country="US"),
        Wish(1, country="US", postal_code=HOME.postal_code),
        Wish(1, channel="phone", country="US"),
        Wish(1, method="pickup", store="store-1"),
        Wish(1, channel="phone", method="pickup", store="store-1"),
    ]
)
# The telephone is served by one of the warehouses alone; some units are kept back from the others.
BOUNDED = replace(
    SHOP,
    settings=replace(
        SHOP.settings,
        channel_nodes={"phone": ("dc-2",)},
        channel_buffers={"online": 2},
        quota_channels=("online", "phone", "preorder"),
    ),
)

supplies = st.lists(st.tuples(st.integers(-3, 30), st.integers(1, 6)), max_size=3).map(
    lambda rows: tuple(
        Supply(f"po-{n}", TODAY + timedelta(days=days), units)
        for n, (days, units) in enumerate(sorted(rows))
    )
)


@st.composite
def stocks(draw: st.DrawFn) -> dict[tuple[str, str], Balance]:
    """Balances of the mug, some negative, with queues and supplies; and quotas, some used up."""
    quotas = {
        (MUG.sku, quota_of(channel)): Balance(
            MUG.sku,
            quota_of(channel),
            on_hand=draw(st.integers(0, 9)),
            reserved=draw(st.integers(0, 5)),
        )
        for channel in BOUNDED.settings.quota_channels
        if draw(st.integers(0, 2)) == 0
    }
    return quotas | {
        (MUG.sku, node): Balance(
            MUG.sku,
            node,
            on_hand=draw(st.integers(-2, 8)),
            backordered=draw(st.integers(0, 6)),
            supplies=draw(supplies),
            supplied=1,
        )
        for node in SHOP.nodes
        if draw(st.booleans())
    }


products = st.builds(
    lambda days, backorders, step, steps: replace(
        MUG,
        launch=None if days is None else TODAY + timedelta(days=days),
        backorders=backorders,
        min_quantity=step * steps,
        quantity_step=step,
    ),
    st.sampled_from([None, None, -1, 0, 1, 20]),
    st.sampled_from([True, True, False]),
    st.sampled_from([1, 1, 2, 3]),
    st.sampled_from([1, 1, 2]),
)


def orderable(product: Product, steps: int) -> int:
    """A quantity that one may order: the least, and so many steps more."""
    return product.min_quantity + (steps - 1) * product.quantity_step


def placed(product: Product, wish: Wish, facts: Facts, shortage: Shortage) -> Part | Refusal:
    """What becomes of an order of these units alone, or why it is refused."""
    draft = at("draft", basket={MUG.sku: 1}).order
    group = replace(draft.group, method="delivery", address=HOME)
    if wish.method == "pickup":
        group = DeliveryGroup(group.id, "pickup", store=wish.store, service="collect")
    elif not wish.postal_code:
        group = replace(group, address=replace(HOME, postal_code="", region=""))
    (line,) = draft.lines
    line = replace(line, portions=(Portion(group.id, "open", wish.quantity),))
    order: Order = replace(
        draft, channel=wish.channel, lines=(line,), groups=(group,), shortage=shortage
    )
    try:
        (part,) = resolve(price(order, facts), facts)
    except Refusal as refusal:
        return refusal
    return part


def facts_of(product: Product, stock: dict[tuple[str, str], Balance], channel: str) -> Facts:
    """What is read for an order of the channel."""
    products = {product.sku: product}
    seen = seen_by(channel, stock, BOUNDED.settings.channel_buffers, products)
    return Facts(BOUNDED, START, products, seen)


def ask(product: Product, wish: Wish, facts: Facts) -> Answer:
    return atp.ask(atp.draft_of(wish, facts.shop, facts.now), product, wish, facts)


@given(stocks(), products, WAYS, st.integers(1, 20))
@example({}, MUG, Wish(1, country="US"), 1)
def test_what_is_told_is_what_an_order_gets(
    stock: dict[tuple[str, str], Balance], product: Product, way: Wish, quantity: int
) -> None:
    quantity = orderable(product, quantity)
    wish, facts = replace(way, quantity=quantity), facts_of(product, stock, way.channel)
    told = ask(product, wish, facts)
    at_once, later = (placed(product, wish, facts, s) for s in ("", "ship_complete"))
    assert (told.state in ("in_stock", "low_stock")) == isinstance(at_once, Part)
    assert (told.state == "out_of_stock") == isinstance(later, Refusal)
    if isinstance(later, Refusal):
        assert later.reason is Reason.OUT_OF_STOCK
        (short,) = later.facts["lines"]
        assert told.now == short["available"]
        assert (told.available_from, told.window) == (None, None)
        return
    (line,) = later.claim.lines
    waiting = [p for p in line.portions if p.stage == "backordered"]
    assert told.now == line.count("reserved")
    assert sum(each.quantity for each in told.later) == sum(p.quantity for p in waiting)
    assert told.available_from == max((p.due for p in waiting if p.due), default=None)
    if waiting:
        launched = product.launch is None or product.launch <= TODAY
        assert told.state == ("backorder" if launched else "preorder")
    assert told.now + sum(each.quantity for each in told.later) == quantity <= told.most
    assert told.window is not None


@given(stocks(), products, WAYS, st.integers(1, 24))  # 75 mugs are 30 kg, the most by parcel
def test_most_is_the_most_that_can_be_ordered(
    stock: dict[tuple[str, str], Balance], product: Product, way: Wish, quantity: int
) -> None:
    facts, quantity = facts_of(product, stock, way.channel), orderable(product, quantity)
    told = ask(product, replace(way, quantity=quantity), facts)
    assert told.most == product.fitting(told.most)
    assert (told.state != "out_of_stock") == (quantity <= told.most)


@given(stocks(), products)
def test_a_list_says_of_the_least_one_can_order_what_the_best_way_gives(
    stock: dict[tuple[str, str], Balance], product: Product
) -> None:
    facts = facts_of(product, stock, "online")
    told = availability(product, stock, outlets(BOUNDED, "online"), START)
    ways = [
        ask(product, Wish(product.min_quantity, country="US"), facts),
        ask(product, Wish(product.min_quantity, method="pickup", store="store-1"), facts),
    ]
    order = ["in_stock", "low_stock", "preorder", "backorder", "out_of_stock"]
    best = min((way.state for way in ways), key=order.index)
    assert told.state == best
    days = [way.available_from for way in ways if way.available_from]
    there = best in ("in_stock", "low_stock")
    assert told.available_from == (None if there else min(days, default=None))


def dated(**more: object) -> Answer:
    balance = Balance(
        MUG.sku,
        "dc-1",
        on_hand=4,  # two of them are kept back
        supplies=(Supply("a", date(2026, 11, 30), 3), Supply("b", date(2026, 12, 7), 4)),
        supplied=1,
    )
    wish = replace(Wish(6, country="US"), **more)
    return ask(MUG, wish, facts_of(MUG, {(MUG.sku, "dc-1"): balance}, wish.channel))


def test_the_day_is_the_one_on_which_the_last_unit_is_there() -> None:
    told = dated()
    assert (told.state, told.now, told.most) == ("backorder", 2, 9)
    assert told.later == (Coming(3, date(2026, 11, 30)), Coming(1, date(2026, 12, 7)))
    assert told.available_from == date(2026, 12, 7)
    assert told.window is not None and told.window.earliest > date(2026, 12, 7)


def test_the_cheapest_service_that_goes_there_tells_the_window() -> None:
    told = dated(quantity=1)
    assert told.service is not None and told.service.id == "standard"
    unknown = dated(quantity=1, country="")
    assert (unknown.service, unknown.window, unknown.state) == (None, None, "low_stock")


@pytest.mark.parametrize(
    ("wish", "reason", "pointer"),
    [
        ({"country": "FR"}, Reason.DELIVERY_UNAVAILABLE, "/country"),
        ({"store": "store-1"}, Reason.INVALID, "/store"),
        ({"method": "pickup"}, Reason.INVALID, "/store"),
        ({"method": "pickup", "store": "nowhere"}, Reason.DELIVERY_UNAVAILABLE, "/store"),
        ({"method": "pickup", "store": "dc-1"}, Reason.DELIVERY_UNAVAILABLE, "/store"),
        ({"quantity": 1000}, Reason.QUANTITY_LIMIT, "/quantity"),
        ({"quantity": 900}, Reason.DELIVERY_UNAVAILABLE, "/country"),  # 360 kg
    ],
)
def test_what_cannot_be_asked_for(wish: dict[str, object], reason: Reason, pointer: str) -> None:
    with pytest.raises(Refusal) as refused:
        dated(**wish)
    assert (refused.value.reason, refused.value.pointer) == (reason, pointer)
