"""Deliveries: however a cart is divided, it holds and costs what it did, and no unit is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart, checkout, delivery, scheduling
from parcelway.domain.commands import Command
from parcelway.domain.delivery import MAX_GROUPS, Wanted
from parcelway.domain.facts import Facts
from parcelway.domain.groups import divided
from parcelway.domain.order import SHORTAGES, Order, Shortage, totals
from parcelway.domain.pricing import price
from parcelway.domain.receipt import receipt
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shortage import resolve
from parcelway.domain.sourcing import candidates
from parcelway.domain.stock import Balance, Supply, after, allowed, net
from parcelway.domain.taxing import tax_place

from tests.domain.strategies import NOW, SKUS, baskets, divisions, facts_with_plenty, filled
from tests.orders import AWAY, BASKET, HOME, PRODUCTS, at

# What goes out takes several parcels: no distribution centre has three units of a SKU.
SCATTERED = {(sku, f"dc-{n}"): n for sku in BASKET for n in (1, 2)} | {
    (sku, "store"): 9 for sku in BASKET
}


@st.composite
def divided_carts(draw: st.DrawFn) -> tuple[Order, Order, Facts]:
    """A cart before and after it was divided, in any shop with plenty of everything."""
    facts = draw(facts_with_plenty())
    order, books = filled(facts, {}), dict(facts.balances)
    for sku, units in draw(baskets).items():
        made = cart.set_quantity(order, sku, units, replace(facts, balances=books))
        order, books = made.order, after(books, made.moves)
    known = replace(facts, balances=books)
    wanted = draw(divisions(order))
    return order, delivery.divide(order, wanted, known).order, known


def where(order: Order) -> dict[str, Counter[tuple[str, str]]]:
    """How many units of each SKU are at each stage and node, whatever their group."""
    counts = {line.sku: Counter[tuple[str, str]]() for line in order.lines}
    for line in order.lines:
        for portion in line.portions:
            counts[line.sku][portion.stage, portion.node] += portion.quantity
    return counts


def place(order: Order, known: Facts) -> Order:
    return checkout.place(
        order,
        known,
        Command("place", ""),
        names=(checkout.Names("PW-TEST", "link"),) * 2,
        expected_total=totals(order).gross,
    ).order


@given(divided_carts())
def test_a_division_keeps_every_unit_where_it_is_and_what_the_goods_cost(
    made: tuple[Order, Order, Facts],
) -> None:
    before, order, known = made
    assert where(order) == where(before)
    assert all(sum(line.units(g.id) for line in order.lines) for g in order.groups)
    assert [group.id for group in order.groups] == [f"g{n + 1}" for n in range(len(order.groups))]
    inclusive = known.shop.settings.prices_include_tax
    goods = [totals(o) for o in (before, order)]
    if not inclusive:
        assert goods[0].goods == goods[1].goods
    shown = sum((line.unit_price.minor * line.quantity) for line in order.lines)
    charges = sum(g.charge_price.minor for g in order.groups if g.charge_price)
    sums = goods[1]
    assert sums.gross.minor - (0 if inclusive else sums.tax.minor) == shown + charges
    assert price(order, known) == order


@given(divided_carts(), st.data())
def test_dividing_again_replaces_and_repeating_changes_nothing(
    made: tuple[Order, Order, Facts], data: st.DataObject
) -> None:
    before, order, known = made
    wanted = data.draw(divisions(order))
    anew = delivery.divide(order, wanted, known).order
    assert where(anew) == where(before)
    again = delivery.divide(anew, wanted, known).order
    assert replace(again, version=anew.version) == anew
    joined = delivery.deliver_to(again, HOME, "parcel", "", known).order
    assert len(joined.groups) == 1
    assert where(joined) == where(before)
    single = delivery.deliver_to(before, HOME, "parcel", "", known).order
    assert totals(joined) == totals(single)


@given(divided_carts())
def test_a_divided_order_is_held_where_each_delivery_can_leave_from(
    made: tuple[Order, Order, Facts],
) -> None:
    _, order, known = made
    placed = place(order, known)
    assert totals(placed) == totals(order)
    for group in placed.groups:
        assert group.promise is not None
        serving = {node.id for node in candidates(group, known.shop.nodes)}
        for line in placed.lines:
            assert {p.node for p in line.portions if p.group == group.id and p.node} <= serving
            asked = order.line(line.sku)
            assert asked is not None
            assert line.units(group.id) == asked.units(group.id)


@given(divided_carts(), st.sampled_from(SHORTAGES), st.data())
def test_a_shortage_in_a_divided_order_loses_no_unit_and_no_cent(
    made: tuple[Order, Order, Facts], shortage: Shortage, data: st.DataObject
) -> None:
    """Whatever is chosen, every unit of every delivery is in one order (or dropped), taxed where
    that delivery goes, and every order is the sum of its parts."""
    _, order, known = made
    scarce = {
        key: replace(
            balance,
            on_hand=balance.reserved + data.draw(st.integers(0, 3)),
            supplies=(Supply("po", NOW.date() + timedelta(days=9), 99),),
            supplied=1,
        )
        for key, balance in known.balances.items()
    }
    facts = replace(known, balances=scarce)
    wanted = price(replace(order, shortage=shortage), facts)
    try:
        parts = resolve(wanted, facts)
    except Refusal as refusal:
        assert refusal.reason is Reason.OUT_OF_STOCK
        return
    dropped = {entry["sku"]: entry["quantity"] for entry in parts[0].told.get("dropped", [])}
    for line in order.lines:
        there = [part.order.line(line.sku) for part in parts]
        assert sum(n.quantity for n in there if n) + dropped.get(line.sku, 0) == line.quantity
        for group in order.groups:
            shared = sum(n.units(group.id) for n in there if n)
            assert shared <= line.units(group.id)
            assert shared == line.units(group.id) or dropped.get(line.sku)
    for part in parts:
        assert price(part.order, facts) == part.order
        assert all(any(n.units(g.id) for n in part.order.lines) for g in part.order.groups)
        for line in part.order.lines:
            assert sum(share.net.minor for share in line.by_group) == line.net.minor
            assert sum(share.tax.minor for share in line.by_group) == line.tax.minor
            claimed = next(n for n in part.claim.lines if n.sku == line.sku)
            for group in part.order.groups:
                assert claimed.units(group.id) == line.units(group.id)


edits = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(0, 8)), min_size=1, max_size=8)


@given(divided_carts(), edits)
def test_no_edit_of_a_divided_cart_loses_a_unit_or_a_hold(
    made: tuple[Order, Order, Facts], asked: list[tuple[str, int]]
) -> None:
    _, order, known = made
    books = dict(known.balances)
    wanted = {line.sku: line.quantity for line in order.lines}
    for sku, units in asked:
        if not units and sku not in wanted:
            continue
        decision = cart.set_quantity(order, sku, units, replace(known, balances=books))
        assert all(allowed(books[c.sku, c.node], c) for c in net(decision.moves))
        books = after(books, decision.moves)
        _agrees_with_the_edit(order, decision.order, sku, units)
        order = decision.order
        wanted = {name: n for name, n in {**wanted, sku: units}.items() if n}
        assert {line.sku: line.quantity for line in order.lines} == wanted
        held = {line.sku: line.count("reserved") for line in order.lines}
        assert sum(b.reserved for b in books.values()) == sum(held.values())
        if known.shop.settings.policy("online") == "on_cart":
            assert held == wanted


def _agrees_with_the_edit(before: Order, after: Order, sku: str, units: int) -> None:
    """More units join the first delivery, fewer leave the last; one without any is gone."""
    old, new = before.line(sku), after.line(sku)
    counts = [(old.units(g.id) if old else 0, new.units(g.id) if new else 0) for g in before.groups]
    changed = [index for index, (was, now) in enumerate(counts) if was != now]
    if units > sum(was for was, _ in counts):
        assert changed == [0]
    for index in changed[1:]:  # what a later group still has, an earlier one has not lost
        assert counts[index][1] == 0
    ids = [g.id for g in before.groups]
    kept = [g.id for g in after.groups]
    assert kept == [g for g in ids if g in kept]
    if after.lines:
        assert all(any(line.units(g) for line in after.lines) for g in kept)
    else:
        assert kept == ids[:1]


def test_a_line_in_several_deliveries_is_taxed_where_each_part_goes() -> None:
    story = at("draft")
    settings = replace(story.shop.settings, tax_regions={"US-KY": {"general": 600}, "US": {}})
    store = story.shop.nodes["store-1"]
    over_there = replace(store, address=replace(store.address, region="ky"))
    nodes = dict(story.shop.nodes) | {"store-1": over_there}
    known = replace(story.facts, shop=replace(story.shop, settings=settings, nodes=nodes))
    order = delivery.divide(
        story.order,
        [
            Wanted("standard", HOME, lines=(("MUG-1", 2), ("TEA-9", 1))),
            Wanted("standard", AWAY, lines=(("MUG-1", 1), ("BOOK-3", 2))),
        ],
        known,
    ).order
    mugs, tea, books = order.lines
    assert [(s.group, s.tax_rate, s.net.minor, s.tax.minor) for s in mugs.shares] == [
        ("g1", 700, 2590, 181),
        ("g2", 600, 1295, 78),
    ]
    assert (mugs.net.minor, mugs.tax.minor, mugs.tax_rate) == (3885, 259, 700)
    assert (tea.shares, books.shares) == ((), ())
    assert (books.share("g2").tax_rate, books.tax_rate) == (250, 250)
    assert [group.charge_tax_rate for group in order.groups] == [700, 600]
    joined = delivery.deliver_to(order, AWAY, "standard", "", known).order
    assert [(line.tax_rate, line.shares) for line in joined.lines] == [
        (600, ()),
        (0, ()),
        (250, ()),
    ]
    collected = delivery.pick_up_at(order, "store-1", "collect", "", known).order
    assert collected.lines[0].tax_rate == 600
    with pytest.raises(KeyError):
        tea.share("g2")


@given(st.data())
def test_a_divided_order_is_invoiced_to_the_cent_wherever_its_units_come_from(
    data: st.DataObject,
) -> None:
    """Every delivery may take several parcels; all invoices add up to the order, each of them
    taxed where its parcel goes."""
    base = at("draft", stock=SCATTERED)
    regions = {"US-KY": {"general": 1300, "grocery": 50}, "US-OH": {"books": 0}}
    settings = replace(base.shop.settings, tax_regions=regions)
    store = replace(base.shop.nodes["store-1"], id="store", capabilities=("pickup",))
    services = {
        new: replace(base.shop.services[old], id=new)
        for new, old in (("parcel", "standard"), ("collect", "collect"))
    }
    nodes = dict(base.shop.nodes) | {"store": store}
    base.shop = replace(base.shop, settings=settings, services=services, nodes=nodes)
    story = base.divided(*data.draw(divisions(base.order))).placed().confirmed().scheduled()
    story.released().packed().shipped().invoiced().captured().delivered().closed()
    order, invoices, sums = story.order, story.invoices, totals(story.order)
    assert (order.state, len(invoices)) == ("closed", len(story.shipments))
    numbered = [
        (sent.line, shipment.group, unit)
        for shipment in story.shipments
        for sent in shipment.lines
        for unit in range(sent.invoiced_from, sent.invoiced_from + sent.quantity)
    ]
    assert sorted(numbered) == [
        (line.number, group, unit)
        for line in order.lines
        for group in sorted(g.id for g in order.groups)
        for unit in range(line.units(group))
    ]
    assert sum(i.net.minor for i in invoices) == sums.goods.minor + sums.shipping.minor
    assert sum(i.tax.minor for i in invoices) == sums.tax.minor
    for invoice in invoices:
        group = order.group_named(story.by_id[invoice.shipment_id].group)
        place = tax_place(group, story.shop.nodes)
        for line in invoice.lines:
            category = PRODUCTS[line.sku].tax_category if line.sku else "general"
            assert line.tax_rate == story.shop.settings.tax_rate(category, place)
    assert receipt(order, ()).totals == sums
    assert sum(t.tax.minor for t in receipt(order, ()).taxes) == sums.tax.minor
    assert {
        sku: sum(line.quantity for line in receipt(order, ()).lines if line.sku == sku)
        for sku in BASKET
    } == dict(BASKET)


def test_fewer_units_leave_the_last_delivery_and_more_join_the_first() -> None:
    story = at("draft")
    mugs = [Wanted("standard", a, lines=(("MUG-1", n),)) for a, n in ((HOME, 1), (AWAY, 2))]
    rest = Wanted("collect", store="store-1", lines=(("TEA-9", 1), ("BOOK-3", 2)))
    order = delivery.divide(story.order, [*mugs, rest], story.facts).order

    def mugs_at(units: int) -> dict[str, int]:
        nonlocal order
        order = cart.set_quantity(order, "MUG-1", units, story.facts).order
        line = order.line("MUG-1")
        return {group.id: line.units(group.id) if line else 0 for group in order.groups}

    assert mugs_at(5) == {"g1": 3, "g2": 2, "g3": 0}
    assert mugs_at(4) == {"g1": 3, "g2": 1, "g3": 0}
    assert mugs_at(2) == {"g1": 2, "g3": 0}
    assert mugs_at(0) == {"g3": 0}
    assert mugs_at(1) == {"g3": 1}


def test_units_of_one_sku_twice_in_a_delivery_add_up() -> None:
    story = at("draft")
    lines = [(sku, 1) for sku, units in BASKET.items() for _ in range(units)]
    twice = [Wanted("standard", HOME, lines=tuple(lines))]
    once = [Wanted("standard", HOME, lines=tuple(BASKET.items()))]
    assert delivery.divide(story.order, twice, story.facts) == delivery.divide(
        story.order, once, story.facts
    )


ALL = tuple(BASKET.items())
NOT_ALL = (("MUG-1", 2), ("TEA-9", 1), ("BOOK-3", 3))


@pytest.mark.parametrize(
    ("wanted", "reason", "pointer"),
    [
        ([], Reason.INVALID, "/deliveries"),
        (
            [Wanted("standard", HOME, lines=ALL)] * (MAX_GROUPS + 1),
            Reason.INVALID,
            "/deliveries",
        ),
        (
            [Wanted("standard", HOME, lines=ALL), Wanted("standard", AWAY)],
            Reason.INVALID,
            "/deliveries/1/lines",
        ),
        (
            [Wanted("standard", HOME, lines=(("MUG-1", 4), ("MUG-1", -1), *ALL[1:]))],
            Reason.INVALID,
            "/deliveries/0/lines/1/quantity",
        ),
        (
            [Wanted("standard", HOME, lines=(*ALL, ("NO-SUCH", 1)))],
            Reason.UNKNOWN_SKU,
            "/deliveries/0/lines/3/sku",
        ),
        ([Wanted("standard", HOME, lines=NOT_ALL)], Reason.QUANTITY_MISMATCH, "/deliveries"),
        ([Wanted("standard", HOME, lines=ALL)] * 2, Reason.QUANTITY_MISMATCH, "/deliveries"),
        (
            [Wanted("pigeon", HOME, lines=ALL)],
            Reason.DELIVERY_UNAVAILABLE,
            "/deliveries/0/service",
        ),
        (
            [Wanted("standard", replace(HOME, country="FR"), lines=ALL)],
            Reason.DELIVERY_UNAVAILABLE,
            "/deliveries/0/address/country",
        ),
        (
            [Wanted("standard", HOME, lines=ALL[:1]), Wanted("collect", None, "x", "", ALL[1:])],
            Reason.DELIVERY_UNAVAILABLE,
            "/deliveries/1/store",
        ),
        (
            [Wanted("collect", None, "dc-1", "", ALL)],
            Reason.DELIVERY_UNAVAILABLE,
            "/deliveries/0/store",
        ),
        (
            [Wanted("standard", None, "store-1", "", ALL)],
            Reason.DELIVERY_UNAVAILABLE,
            "/deliveries/0/service",
        ),
    ],
)
def test_deliveries_that_cannot_be_are_refused_where_they_stand(
    wanted: list[Wanted], reason: Reason, pointer: str
) -> None:
    story = at("draft")
    with pytest.raises(Refusal) as refusal:
        delivery.divide(story.order, wanted, story.facts)
    assert (refusal.value.reason, refusal.value.pointer) == (reason, pointer)


def test_what_does_not_add_up_is_named() -> None:
    story = at("draft")
    with pytest.raises(Refusal) as refusal:
        delivery.divide(story.order, [Wanted("standard", HOME, lines=NOT_ALL)], story.facts)
    assert refusal.value.facts["lines"] == [
        {"sku": "MUG-1", "wanted": 3, "given": 2},
        {"sku": "BOOK-3", "wanted": 2, "given": 3},
    ]


def test_a_delivery_too_heavy_for_its_service_is_pointed_at() -> None:
    story = at("draft")
    heavy = PRODUCTS | {"TEA-9": replace(PRODUCTS["TEA-9"], weight_grams=40_000)}
    wanted = [Wanted("standard", HOME, lines=ALL[:1]), Wanted("standard", AWAY, lines=ALL[1:])]
    with pytest.raises(Refusal) as refusal:
        delivery.divide(story.order, wanted, replace(story.facts, products=heavy))
    assert refusal.value.pointer == "/deliveries/1/service"


def test_a_delivery_that_became_too_heavy_is_what_checkout_misses() -> None:
    story = at("draft")
    wanted = [Wanted("standard", HOME, lines=ALL[:1]), Wanted("standard", AWAY, lines=ALL[1:])]
    order = delivery.divide(story.order, wanted, story.facts).order
    many = cart.set_quantity(order, "MUG-1", 90, story.facts).order
    with pytest.raises(Refusal) as refusal:
        place(many, story.facts)
    assert refusal.value.facts["missing"] == ["/deliveries/0"]


@pytest.mark.parametrize(("skus", "fits"), [(74, True), (75, False)])
def test_an_order_to_many_places_is_placed_only_if_it_can_be_scheduled_at_once(
    skus: int, fits: bool
) -> None:
    """Every article at one node, one of each to twenty places: twenty shipments."""
    names = [f"SKU-{n}" for n in range(skus)]
    story = at("draft")
    known = replace(
        story.facts,
        products={name: replace(PRODUCTS["TEA-9"], sku=name, weight_grams=9) for name in names},
        balances={(name, "dc-1"): Balance(name, "dc-1", 99) for name in names},
    )
    order = story.order
    for name in names:
        order = cart.set_quantity(order, name, MAX_GROUPS, known).order
    for sku in BASKET:
        order = cart.set_quantity(order, sku, 0, known).order
    lines = tuple((name, 1) for name in names)
    order = delivery.divide(
        order, [Wanted("standard", HOME, lines=lines)] * MAX_GROUPS, known
    ).order
    if fits:
        confirmed = replace(place(order, known), state="confirmed")
        made = scheduling.schedule(confirmed, (), 1, known)
        assert made is not None
        assert (len(made.shipments), len(net(made.moves))) == (MAX_GROUPS, skus)
        return
    with pytest.raises(Refusal) as refusal:
        place(order, known)
    assert refusal.value.reason is Reason.TOO_MANY_LINES


def test_only_a_draft_is_divided() -> None:
    story = at("placed")
    with pytest.raises(Refusal) as refusal:
        delivery.divide(story.order, [Wanted("standard", HOME, lines=ALL)], story.facts)
    assert refusal.value.reason is Reason.ILLEGAL_STATE


def test_units_that_are_not_there_cannot_be_divided() -> None:
    (line, *_) = at("draft").order.lines
    for units in ({"g1": line.quantity - 1}, {"g1": line.quantity + 1, "g2": -1}):
        with pytest.raises(ValueError, match="has not"):
            divided(line, units)


@given(divided_carts())
def test_every_option_of_a_delivery_can_be_chosen_at_its_price(
    made: tuple[Order, Order, Facts],
) -> None:
    _, order, known = made
    for index, group in enumerate(order.groups):
        found = delivery.options(order, HOME.country, known, group_id=group.id)
        assert all(option.available for option in found)
        wanted = [
            Wanted(
                g.service,
                g.address,
                g.store,
                "",
                tuple((line.sku, n) for line in order.lines if (n := line.units(g.id))),
            )
            for g in order.groups
        ]
        for option in found:
            store = option.store.id if option.store else ""
            wanted[index] = replace(
                wanted[index],
                service=option.service.id,
                store=store,
                address=None if store else HOME,
            )
            chosen = delivery.divide(order, wanted, known).order.groups[index]
            assert chosen.charge_price == option.price


def test_a_delivery_is_offered_what_the_others_leave() -> None:
    story = at("draft", basket={"MUG-1": 3})
    known = replace(story.facts, balances={("MUG-1", "dc-1"): Balance("MUG-1", "dc-1", 2)})
    two = [Wanted("standard", a, lines=(("MUG-1", n),)) for a, n in ((HOME, 2), (AWAY, 1))]
    order = delivery.divide(story.order, two, known).order

    def to_be_had(group: str) -> bool:
        found = delivery.options(order, "US", known, group_id=group)
        return {o.available for o in found if o.service.id == "standard"} == {True}

    assert [to_be_had(group) for group in ("g1", "g2", "")] == [False, False, False]
    three = replace(known, balances={("MUG-1", "dc-1"): Balance("MUG-1", "dc-1", 3)})
    assert [
        o.available
        for group in ("g1", "g2", "")
        for o in delivery.options(order, "US", three, group_id=group)
    ] == [True, False] * 3
    with pytest.raises(Refusal) as refusal:
        delivery.options(order, "US", known, group_id="g3")
    assert (refusal.value.reason, refusal.value.pointer) == (Reason.INVALID, "/group")


def test_the_postal_code_tells_which_node_is_near() -> None:
    """Two nodes have it: the one next to the code sends it, and its calendar makes the date."""
    story = at("draft", basket={"MUG-1": 1})
    slow = replace(story.shop.nodes["dc-2"], processing_days=5)
    shop = replace(story.shop, nodes=dict(story.shop.nodes) | {"dc-2": slow})
    stock = {("MUG-1", node): Balance("MUG-1", node, 9) for node in ("dc-1", "dc-2")}
    known = replace(story.facts, shop=shop, balances=stock)

    def soonest(postal_code: str) -> object:
        (option, *_) = delivery.options(story.order, "US", known, postal_code=postal_code)
        return option.promise.earliest

    assert soonest("43217") < soonest("40213")  # type: ignore[operator]
    assert soonest("") == soonest("43217")  # where the cart goes at present
