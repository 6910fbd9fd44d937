"""The sourcing plan: takes only what is there, and leaves nobody short who could be served."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.order import DeliveryGroup
from parcelway.domain.shop import Node, Shop
from parcelway.domain.sourcing import Need, Plan, candidates, distance, plan
from parcelway.domain.stock import Balance

from tests.domain.strategies import NODES, SKUS, shops, stocks
from tests.orders import HOME, SHOP

Stock = dict[tuple[str, str], Balance]
nodes_of = [Node(name, name, "dc", SHOP.nodes["dc-1"].address, 0.0, 0.0, "UTC") for name in NODES]
needs = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 9)), max_size=6).map(
    lambda wanted: [Need(n, sku, units) for n, (sku, units) in enumerate(wanted, start=1)]
)
stock = stocks(nodes=NODES, most=6)


def taken(made: Plan) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for pick in made.picks:
        units[pick.sku, pick.node] += pick.quantity
    return units


@given(needs, stock)
def test_a_plan_never_takes_more_than_there_is(wanted: list[Need], there: Stock) -> None:
    made = plan(wanted, there, nodes_of)
    assert all(pick.quantity > 0 for pick in made.picks)
    for key, units in taken(made).items():
        assert units <= there[key].available


@given(needs, stock)
def test_everything_that_can_be_served_is_served(wanted: list[Need], there: Stock) -> None:
    made = plan(wanted, there, nodes_of)
    for sku in SKUS:
        asked = sum(need.quantity for need in wanted if need.sku == sku)
        to_be_had = sum(b.available for b in there.values() if b.sku == sku)
        served = sum(units for (name, _), units in taken(made).items() if name == sku)
        assert served == min(asked, to_be_had)
        assert made.short.get(sku, 0) == asked - served


@given(needs, stock)
def test_every_need_gets_its_own_sku_and_no_more_than_it_asked_for(
    wanted: list[Need], there: Stock
) -> None:
    by_line = {need.line: need for need in wanted}
    served: Counter[int] = Counter()
    for pick in plan(wanted, there, nodes_of).picks:
        assert pick.sku == by_line[pick.line].sku
        served[pick.line] += pick.quantity
    assert all(units <= by_line[line].quantity for line, units in served.items())


@given(needs, stock)
def test_one_node_serves_all_when_one_can_and_the_first_of_them(
    wanted: list[Need], there: Stock
) -> None:
    asked: Counter[str] = Counter()
    for need in wanted:
        asked[need.sku] += need.quantity
    complete = [
        node.id
        for node in nodes_of
        if all(
            there.get((sku, node.id), Balance(sku, node.id)).available >= units
            for sku, units in asked.items()
        )
    ]
    used = {pick.node for pick in plan(wanted, there, nodes_of).picks}
    if complete and wanted:
        assert used == {complete[0]}


@given(needs, stock)
def test_the_plan_says_why_every_node_was_taken_or_not(wanted: list[Need], there: Stock) -> None:
    made = plan(wanted, there, nodes_of)
    reasons = " ".join(made.because)
    assert all(f"{pick.node}: " in reasons for pick in made.picks)
    assert made == plan(wanted, there, nodes_of)


def test_two_needs_share_the_stock_of_a_sku() -> None:
    there = {("A", "n1"): Balance("A", "n1", 3), ("A", "n2"): Balance("A", "n2", 1)}
    made = plan([Need(1, "A", 2), Need(2, "A", 3)], there, nodes_of)
    assert taken(made) == {("A", "n1"): 3, ("A", "n2"): 1}
    assert made.short == {"A": 1}


def test_a_balance_that_promised_too_much_gives_nothing_and_takes_nothing_from_others() -> None:
    there = {
        ("A", "n1"): Balance("A", "n1", 0, reserved=5),
        ("A", "n2"): Balance("A", "n2", 2),
    }
    made = plan([Need(1, "A", 2)], there, nodes_of)
    assert taken(made) == {("A", "n2"): 2}
    assert not made.short


@given(shops())
def test_delivery_is_served_by_nodes_that_ship_the_closest_first(shop: Shop) -> None:
    group = DeliveryGroup("g1", "delivery", HOME)
    found = candidates(group, shop.nodes)
    assert {node.id for node in found} == {n.id for n in shop.nodes.values() if n.id != "store"}
    away = [distance(node.address, HOME) for node in found]
    assert away == sorted(away)


def test_pick_up_is_served_by_the_chosen_store_alone() -> None:
    group = DeliveryGroup("g1", "pickup", store="store-1")
    assert [node.id for node in candidates(group, SHOP.nodes)] == ["store-1"]
    assert candidates(replace(group, store="dc-1"), SHOP.nodes) == []
    assert candidates(replace(group, store="nowhere"), SHOP.nodes) == []


def test_distances() -> None:
    near = replace(HOME, postal_code=HOME.postal_code[:3] + "99")
    assert distance(HOME, near) == 0
    assert distance(HOME, replace(HOME, postal_code="99501")) == 1
    assert distance(HOME, replace(HOME, postal_code="99501", region="AK")) == 2
    assert distance(HOME, replace(HOME, country="DE")) == 3
    assert distance(HOME, None) == 4
