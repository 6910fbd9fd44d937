"""Claims on stock: what the order says it holds is what the books say is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.line import Line, Portion, Stage
from parcelway.domain.money import zero
from parcelway.domain.order import DeliveryGroup, Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import (
    MOST_CHANGES,
    Claim,
    allocate_in_place,
    give_back,
    keys,
    retake,
    take,
)
from parcelway.domain.shop import Node
from parcelway.domain.stock import Balance, after, allowed, net

from tests.domain.strategies import NODES, NOW, SKUS, stocks
from tests.orders import HOME, SHOP

Stock = dict[tuple[str, str], Balance]
NODES_BY_ID: Mapping[str, Node] = {
    name: Node(name, name, "dc", SHOP.nodes["dc-1"].address, 0.0, 0.0, "UTC") for name in NODES
} | {"store": replace(SHOP.nodes["store-1"], id="store")}
NEAR = replace(SHOP, nodes=NODES_BY_ID)
GROUPS = (DeliveryGroup("g1", "delivery", HOME), DeliveryGroup("g2", "pickup", store="store"))
stock = stocks(most=8) | stocks(most=20, least_keys=14)
held_stages = st.sampled_from(["reserved", "allocated"])


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Up to four lines, each split over the two delivery groups, all open."""
    lines = []
    for number, sku in enumerate(draw(st.sets(st.sampled_from(SKUS), min_size=1)), start=1):
        units = draw(st.tuples(st.integers(0, 6), st.integers(0, 3)).filter(any))
        portions = tuple(
            Portion(group.id, "open", n) for group, n in zip(GROUPS, units, strict=True) if n
        )
        nothing = zero("USD")
        lines.append(Line(number, sku, sku, nothing, portions, nothing, nothing))
    return Order("ord_1", 1, "draft", "USD", "en", NOW, "", lines=tuple(lines), groups=GROUPS)


def claimed(order: Order, stage: Stage) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for line in order.lines:
        for portion in line.portions:
            if portion.stage == stage:
                units[line.sku, portion.node] += portion.quantity
    return units


def quantities(order: Order) -> dict[tuple[int, str], int]:
    units: Counter[tuple[int, str]] = Counter()
    for line in order.lines:
        for portion in line.portions:
            assert portion.quantity > 0
            units[line.number, portion.group] += portion.quantity
    return dict(units)


def taken(order: Order, to: Stage, there: Stock) -> Claim | None:
    try:
        return take(order, to, there, NEAR)
    except Refusal as refusal:
        assert refusal.reason is Reason.OUT_OF_STOCK
        return None


@given(orders(), stock, held_stages)
def test_taking_books_what_the_order_then_holds(order: Order, there: Stock, to: Stage) -> None:
    claim = taken(order, to, there)
    if claim is None:
        return
    after_ = replace(order, lines=claim.lines)
    assert quantities(after_) == quantities(order)
    assert not claimed(after_, "open")
    books = after(there, claim.moves)
    for key, units in claimed(after_, to).items():
        assert getattr(books[key], to) == getattr(there[key], to) + units
    assert all(allowed(there[c.sku, c.node], c) for c in net(claim.moves))


@given(orders(), stock)
def test_each_unit_comes_from_a_node_that_serves_its_group(order: Order, there: Stock) -> None:
    claim = taken(order, "reserved", there)
    for line in claim.lines if claim else ():
        for portion in line.portions:
            assert (portion.node == "store") == (portion.group == "g2")


@given(orders(), stock)
def test_an_order_is_refused_only_for_want_of_stock_and_told_exactly_how_much(
    order: Order, there: Stock
) -> None:
    shortage: Counter[str] = Counter()
    for line in order.lines:
        for portion in line.portions:
            at = ("store",) if portion.group == "g2" else NODES
            free = sum(there[line.sku, n].available for n in at if (line.sku, n) in there)
            shortage[line.sku] += max(0, portion.quantity - free)
    try:
        take(order, "reserved", there, NEAR)
    except Refusal as refusal:
        told = {
            entry["sku"]: entry["wanted"] - entry["available"] for entry in refusal.facts["lines"]
        }
        assert told == {sku: units for sku, units in shortage.items() if units}
    else:
        assert not any(shortage.values())


@given(orders(), stock, held_stages)
def test_take_and_give_back_is_the_identity_on_the_books(
    order: Order, there: Stock, to: Stage
) -> None:
    claim = taken(order, to, there)
    if claim is None:
        return
    back = give_back(replace(order, lines=claim.lines), "open", "reserved", "allocated")
    assert after(after(there, claim.moves), back.moves) == there
    assert not net([*claim.moves, *back.moves])
    restored = replace(order, lines=back.lines)
    assert quantities(restored) == quantities(order)
    assert not claimed(restored, to)


@given(orders(), stock)
def test_an_order_can_always_take_again_what_it_holds(order: Order, there: Stock) -> None:
    claim = taken(order, "reserved", there)
    if claim is None:
        return
    held, books = replace(order, lines=claim.lines), after(there, claim.moves)
    for to in ("reserved", "allocated"):
        again = retake(held, to, books, NEAR)
        assert all(allowed(books[c.sku, c.node], c) for c in net(again.moves))
        now = after(books, again.moves)
        mine = claimed(replace(order, lines=again.lines), to)
        assert not claimed(replace(order, lines=again.lines), "open")
        for key in there:
            expected = replace(there[key], **{to: getattr(there[key], to) + mine[key]})
            assert now[key] == expected


def test_holds_move_to_a_better_node_when_taken_again() -> None:
    nothing = zero("USD")
    line = Line(1, "A", "A", nothing, (Portion("g1", "reserved", 2, "far"),), nothing, nothing)
    near, far = (
        replace(SHOP.nodes["dc-1"], id=name, address=replace(HOME, country=country))
        for name, country in (("near", "US"), ("far", "DE"))
    )
    order = Order("o", 1, "confirmed", "USD", "en", NOW, "", lines=(line,), groups=GROUPS[:1])
    there = {
        ("A", "near"): Balance("A", "near", 2),
        ("A", "far"): Balance("A", "far", 2, reserved=2),
    }
    claim = retake(order, "allocated", there, replace(SHOP, nodes={"near": near, "far": far}))
    assert claim.lines[0].portions == (Portion("g1", "allocated", 2, "near"),)
    books = after(there, claim.moves)
    assert books["A", "near"] == Balance("A", "near", 2, allocated=2)
    assert books["A", "far"] == Balance("A", "far", 2)


def test_stock_that_a_count_took_away_is_missed_when_it_is_taken_again() -> None:
    nothing = zero("USD")
    line = Line(1, "A", "A", nothing, (Portion("g1", "reserved", 3, "n1"),), nothing, nothing)
    order = Order("o", 1, "confirmed", "USD", "en", NOW, "", lines=(line,), groups=GROUPS)
    there = {("A", "n1"): Balance("A", "n1", 1, reserved=3)}
    with pytest.raises(Refusal) as refused:
        retake(order, "allocated", there, NEAR)
    assert refused.value.facts["lines"] == [{"line": 1, "sku": "A", "wanted": 3, "available": 1}]


@given(orders(), stock)
def test_the_keys_to_read_cover_every_balance_that_a_claim_may_touch(
    order: Order, there: Stock
) -> None:
    wanted = set(keys(order, NEAR, "Z"))
    assert {("Z", node) for node in NODES_BY_ID} <= wanted
    claim = taken(order, "reserved", there)
    if claim is not None:
        held = replace(order, lines=claim.lines)
        assert {(c.sku, c.node) for c in net(claim.moves)} <= wanted
        assert set(claimed(held, "reserved")) <= set(keys(held, replace(SHOP, nodes={})))


def many(count: int, *nodes: str) -> tuple[Order, Stock]:
    """An order of two units of each of `count` SKUs, of which each of `nodes` has one or two."""
    nothing = zero("USD")
    lines = tuple(
        Line(n, f"S{n}", "", nothing, (Portion("g1", "open", 2),), nothing, nothing)
        for n in range(1, count + 1)
    )
    order = Order("o", 1, "draft", "USD", "en", NOW, "", lines=lines, groups=GROUPS[:1])
    units = 2 // len(nodes)
    there = {(line.sku, node): Balance(line.sku, node, units) for line in lines for node in nodes}
    return order, there


def test_what_lies_at_too_many_places_for_one_transaction_is_refused() -> None:
    order, there = many(MOST_CHANGES // 2, "n1", "n2")
    assert len(net(take(order, "reserved", there, NEAR).moves)) == MOST_CHANGES
    order, there = many(MOST_CHANGES // 2 + 1, "n1", "n2")
    with pytest.raises(Refusal) as refused:
        take(order, "reserved", there, NEAR)
    assert refused.value.reason is Reason.TOO_MANY_LINES


def test_holds_that_cannot_all_be_moved_are_allocated_where_they_are() -> None:
    order, there = many(60, "n2")
    claim = take(order, "reserved", there, NEAR)
    held, books = replace(order, lines=claim.lines), after(there, claim.moves)
    books |= {(line.sku, "n1"): Balance(line.sku, "n1", 2) for line in order.lines}
    with pytest.raises(Refusal) as refused:
        retake(held, "allocated", books, NEAR)
    assert refused.value.reason is Reason.TOO_MANY_LINES
    placed = allocate_in_place(held, {("g1", "n2")})
    assert all(allowed(books[c.sku, c.node], c) for c in net(placed.moves))
    now = after(books, placed.moves)
    assert all(now[line.sku, "n2"] == Balance(line.sku, "n2", 2, 0, 2) for line in order.lines)
    assert quantities(replace(order, lines=placed.lines)) == quantities(order)
    assert claimed(replace(order, lines=placed.lines), "allocated") == claimed(held, "reserved")
