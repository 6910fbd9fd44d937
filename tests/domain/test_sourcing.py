"""The sourcing plan: takes only what is there, and leaves nobody short who could be served."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from parcelway.domain.geo import Point, locate, metres
from parcelway.domain.order import DeliveryGroup
from parcelway.domain.shop import Node, Shop, SourcingRules
from parcelway.domain.sourcing import Need, Plan, candidates, distance, plan, source
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


# Costs and distances meet often, so that every part of the objective decides some case.
PLACES = {"US:432": (40.0, -83.0), "US:": (39.8, -98.6)}
six = [f"m{number}" for number in range(1, 7)]


@st.composite
def networks(draw: st.DrawFn) -> list[Node]:
    """One to six nodes at few places, with few costs, some of which keep units back."""
    return [
        replace(
            nodes_of[0],
            id=name,
            longitude=draw(st.sampled_from([-83.0, -84.0, -86.0])),
            latitude=40.0,
            parcel_cost=draw(st.sampled_from([400, 400, 500])),
            keep_back=draw(st.sampled_from([0, 0, 1, 2])),
        )
        for name in six[: draw(st.integers(1, 6))]
    ]


rules = st.builds(SourcingRules, st.none() | st.integers(0, 3), st.sampled_from([0, 0, 50]))
few = stocks(nodes=tuple(six), most=4)


def best_of_all(
    wanted: Sequence[Need],
    there: Stock,
    nodes: Sequence[Node],
    rule: SourcingRules,
    here: Point | None,
    sending: Sequence[str],
) -> tuple[str, ...]:
    """The best nodes to send a parcel beside those that do anyway, by looking at every set."""
    asked: Counter[str] = Counter()
    for need in wanted:
        asked[need.sku] += need.quantity
    others = [node for node in nodes if node.id not in sending]
    anyway = [node for node in nodes if node.id in sending]

    def units(sku: str, node: Node, keep: int) -> int:
        return max(0, there.get((sku, node.id), Balance(sku, node.id)).available - keep)

    def missing(chosen: Sequence[Node], keeping: bool) -> int:
        return sum(
            max(0, want - sum(units(sku, node, keeping * node.keep_back) for node in chosen))
            for sku, want in asked.items()
        )

    def value(chosen: tuple[int, ...]) -> tuple[object, ...]:
        taken = [others[j] for j in chosen]
        away = [metres((n.latitude, n.longitude), here) if here else 0 for n in taken]
        costs = [
            node.parcel_cost + round(far * rule.cost_per_100_km / 100_000 + 1e-9)
            for node, far in zip(taken, away, strict=True)
        ]
        short = missing([*taken, *anyway], keeping=False)
        below = missing([*taken, *anyway], keeping=True) > short
        return short, len(taken), below, sum(costs), sum(away), chosen

    most = len(others) if rule.most_parcels is None else rule.most_parcels
    sets = [
        c
        for size in range(min(most, len(others)) + 1)
        for c in combinations(range(len(others)), size)
    ]
    return tuple(others[j].id for j in min(sets, key=value))


@settings(max_examples=500, deadline=None)
@given(needs, few, networks(), rules, st.booleans(), st.sets(st.sampled_from(six), max_size=2))
def test_no_plan_is_better(
    wanted: list[Need],
    there: Stock,
    nodes: list[Node],
    rule: SourcingRules,
    located: bool,
    sending: set[str],
) -> None:
    """Units missing, parcels, what is to be kept back, cost, kilometres, order: in this order."""
    places = PLACES if located else {}
    made = plan(wanted, there, nodes, places=places, destination=HOME, rules=rule, sending=sending)
    assert made.proven
    anyway = [node.id for node in nodes if node.id in sending]
    here = locate(HOME, places)
    best = best_of_all(wanted, there, nodes, rule, here, anyway)
    assert {node for node in made.nodes if node not in sending} == set(best)
    by_id = {node.id: node for node in nodes}
    given_units = taken(made)
    for (sku, node), units in given_units.items():
        assert units <= there[sku, node].available
    serving = [by_id[node] for node in (*best, *anyway)]
    for sku in SKUS:  # what is to be kept is touched only when the others have no more
        free = {n.id: max(0, _available(there, sku, n.id) - n.keep_back) for n in serving}
        asked = sum(need.quantity for need in wanted if need.sku == sku)
        served = sum(units for (name, _), units in given_units.items() if name == sku)
        assert served == min(asked, sum(_available(there, sku, n.id) for n in serving))
        below = sum(max(0, given_units[sku, n] - units) for n, units in free.items())
        assert below == max(0, served - sum(free.values()))


def _available(there: Stock, sku: str, node: str) -> int:
    return there[sku, node].available if (sku, node) in there else 0


@settings(max_examples=300, deadline=None)
@given(needs, few, networks(), rules)
def test_every_node_is_explained_and_the_reason_is_true(
    wanted: list[Need], there: Stock, nodes: list[Node], rule: SourcingRules
) -> None:
    made = plan(wanted, there, nodes, places=PLACES, destination=HOME, rules=rule)
    assert [reason.node for reason in made.reasons] == [node.id for node in nodes]
    assert len(made.because) == len(nodes)
    here = locate(HOME, PLACES)
    given_units = taken(made)
    asked = {need.sku for need in wanted}

    def stands_in(node: str, gone: str) -> bool:
        serving = [n for n in nodes if n.id == node or (n.id in made.nodes and n.id != gone)]
        instead = plan(wanted, there, serving)
        return sum(instead.short.values()) <= sum(made.short.values())

    for reason in made.reasons:
        units = sum(n for (_, node), n in given_units.items() if node == reason.node)
        assert reason.units == units
        assert (reason.code == "taken") == (units > 0)
        if reason.code == "nothing":
            assert not any(_available(there, sku, reason.node) for sku in asked)
        elif reason.code != "taken":
            able = [gone for gone in made.nodes if stands_in(reason.node, gone)]
            with_it = plan(wanted, there, [n for n in nodes if n.id in (*made.nodes, reason.node)])
            more = sum(with_it.short.values()) < sum(made.short.values())
            assert able or reason.code == ("limit" if more else "lacks")
            assert not (able and reason.code in ("limit", "lacks", "unneeded"))
            if reason.code in ("dearer", "farther", "later"):
                assert any(f"stand in for {gone}," in reason.detail for gone in able)
    assert (here is not None) == all(reason.metres is not None for reason in made.reasons)


def balances(**units: Mapping[str, int]) -> Stock:
    return {
        (sku, node.replace("_", "-")): Balance(sku, node.replace("_", "-"), count)
        for node, counts in units.items()
        for sku, count in counts.items()
    }


def network(**changes: Mapping[str, object]) -> Shop:
    """The shop of the stories with more stores, and coordinates for where people live."""
    dc = SHOP.nodes["dc-1"]
    nodes = {
        name: replace(dc, id=name, **more)  # type: ignore[arg-type]
        for name, more in ((name.replace("_", "-"), more) for name, more in changes.items())
    }
    return replace(SHOP, nodes=nodes, places=PLACES)


def told(made: Plan) -> dict[str, tuple[str, str]]:
    return {reason.node: (reason.code, reason.detail) for reason in made.reasons}


def test_a_plan_tells_of_every_node_of_the_shop() -> None:
    shop = network(
        near={"latitude": 40.0, "longitude": -83.0},
        dear={"latitude": 40.0, "longitude": -83.0, "parcel_cost": 150},
        far={"latitude": 41.0, "longitude": -83.0},
        bare={},
        half={"latitude": 40.0, "longitude": -83.0},
        counter={"capabilities": ("pickup",)},
        phone_only={},
        broken={},
    )
    serving = tuple(name for name in shop.nodes if name != "phone-only")
    shop = replace(shop, settings=replace(shop.settings, channel_nodes={"online": serving}))
    both = {"A": 2, "B": 1}
    there = balances(
        near=both, dear=both, far=both, half={"A": 1}, counter=both, phone_only=both, broken=both
    )
    made = source(
        DeliveryGroup("g1", "delivery", replace(HOME, postal_code="43215")),
        [Need(1, "A", 2), Need(2, "B", 1)],
        there,
        shop,
        channel="online",
        excluded={"broken": "rejected it: damaged"},
    )
    assert made.nodes == ("near",)
    assert told(made) == {
        "near": ("taken", "gives 3 units (2 of A, 1 of B) from 0 m away"),
        "dear": ("dearer", "could stand in for near, but costs 150 more"),
        "far": ("farther", "could stand in for near, but is 111 km farther"),
        "bare": ("nothing", "has none of what is wanted"),
        "half": ("lacks", "lacks 2 units (1 of A, 1 of B)"),
        "counter": ("cannot", "does not send parcels"),
        "phone-only": ("channel", "does not serve the channel online"),
        "broken": ("excluded", "rejected it: damaged"),
    }
    assert "broken: rejected it: damaged" in made.because
    assert made.brief == (
        "near: gives 3 units (2 of A, 1 of B) from 0 m away",
        "not taken: 1 dearer, 1 lacks, 1 nothing, 1 farther, 1 excluded, 1 cannot, 1 channel",
    )


def test_a_wish_to_keep_units_back_gives_way_to_an_order() -> None:
    shop = network(shelf={"keep_back": 1}, depot={"latitude": 50.0})
    group = DeliveryGroup("g1", "delivery", replace(HOME, postal_code="43215"))
    last = balances(shelf={"A": 1}, depot={"A": 1})
    made = source(group, [Need(1, "A", 1)], last, shop)
    assert told(made)["shelf"] == ("keeps", "could only by giving what it is to keep back")
    assert made.nodes == ("depot",)
    alone = source(group, [Need(1, "A", 1)], balances(shelf={"A": 1}), shop)
    assert alone.nodes == ("shelf",)
    one_parcel = balances(shelf={"A": 1, "B": 1}, depot={"A": 1})
    assert source(group, [Need(1, "A", 1), Need(2, "B", 1)], one_parcel, shop).nodes == ("shelf",)


def test_a_new_plan_after_a_rejection_uses_the_parcel_that_leaves_anyway() -> None:
    """H15: what is packed is not touched, and its node is preferred to a further parcel."""
    shop = network(packs={"latitude": 50.0, "parcel_cost": 900}, near={}, gave_up={})
    group = DeliveryGroup("g1", "delivery", replace(HOME, postal_code="43215"))
    there = balances(packs={"A": 3}, near={"A": 5}, gave_up={"A": 5})
    excluded = {"gave-up": "short by 2"}
    made = source(group, [Need(1, "A", 2)], there, shop, excluded=excluded, sending=["packs"])
    assert made.nodes == ("packs",)
    assert (made.cost, made.metres) == (0, 0)
    assert told(made) == {
        "packs": ("taken", "gives 2 units (2 of A) with the parcel that it sends anyway"),
        "near": ("unneeded", "has nothing that the others do not give"),
        "gave-up": ("excluded", "short by 2"),
    }


def test_at_most_so_many_parcels() -> None:
    there = balances(n1={"A": 1, "B": 1}, n2={"C": 1}, n3={"D": 1})
    wanted = [Need(n, sku, 1) for n, sku in enumerate("ABCD", start=1)]
    assert plan(wanted, there, nodes_of).nodes == ("n1", "n2", "n3")
    made = plan(wanted, there, nodes_of, rules=SourcingRules(most_parcels=2))
    assert (made.nodes, dict(made.short)) == (("n1", "n2"), {"D": 1})
    none = plan(wanted, there, nodes_of, rules=SourcingRules(most_parcels=0))
    assert (none.nodes, sum(none.short.values())) == ((), 4)
    assert [reason.code for reason in none.reasons] == ["limit"] * 3


def test_a_line_is_not_split_among_parcels_without_need() -> None:
    there = balances(n1={"A": 2, "B": 1}, n2={"A": 3, "C": 1})
    made = plan([Need(1, "A", 3), Need(2, "B", 1), Need(3, "C", 1)], there, nodes_of)
    assert taken(made) == {("A", "n2"): 3, ("B", "n1"): 1, ("C", "n2"): 1}


def test_the_channel_and_the_place_decide_who_may_serve() -> None:
    group = DeliveryGroup("g1", "delivery", HOME)
    allowed = replace(SHOP.settings, channel_nodes={"phone": ("dc-2", "gone")})
    on_phone = candidates(group, SHOP.nodes, channel="phone", settings=allowed)
    assert [node.id for node in on_phone] == ["dc-2"]
    assert len(candidates(group, SHOP.nodes, channel="online", settings=allowed)) == 2
    assert len(candidates(group, SHOP.nodes, settings=allowed)) == 2
    assert [n.id for n in candidates(group, SHOP.nodes, excluded=["dc-1"])] == ["dc-2"]
    for there, first in (((39.8, -82.9), "dc-1"), ((38.1, -85.7), "dc-2")):
        area = {f"{HOME.country}:{HOME.postal_code}": there}
        assert candidates(group, SHOP.nodes, places=area)[0].id == first
    pick_up = DeliveryGroup("g1", "pickup", store="store-1")
    by_store = source(pick_up, [Need(1, "A", 1)], balances(store_1={"A": 1}), SHOP)
    assert by_store.nodes == ("store-1",)
    assert told(by_store)["dc-1"][0] == "elsewhere"
    at_dc = source(replace(pick_up, store="dc-1"), [Need(1, "A", 1)], {}, SHOP)
    assert told(at_dc)["dc-1"] == ("cannot", "does not hand out orders")
    assert at_dc.short == {"A": 1}


def test_the_greatest_order_is_planned_soon_and_says_when_it_is_not_proven() -> None:
    chance = random.Random(1)
    nodes = [
        replace(nodes_of[0], id=f"n{n:02}", latitude=chance.uniform(25, 49), keep_back=n % 3)
        for n in range(43)
    ]
    wanted = [Need(line, f"S{line}", chance.choice([1, 1, 2])) for line in range(1, 85)]
    there = {
        (need.sku, node.id): Balance(need.sku, node.id, chance.randint(1, 4))
        for need in wanted
        for node in nodes
        if chance.random() < 0.2
    }
    start = time.thread_time()
    made = plan(wanted, there, nodes, places=PLACES, destination=HOME)
    assert time.thread_time() - start < 1
    assert not made.short
    assert not made.proven
    assert (
        made.because[-1]
        == made.brief[-1]
        == ("the best plan that was found; there are too many to be certain")
    )
