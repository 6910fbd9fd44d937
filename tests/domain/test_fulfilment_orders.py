"""Fulfilment orders: no unit is lost or invented, whatever nodes and people say, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import fulfilment, fulfilment_orders, scheduling
from parcelway.domain.cancellation import Units
from parcelway.domain.decision import Decision
from parcelway.domain.order import totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment, ShipmentLine, without
from parcelway.domain.status import ready
from parcelway.domain.stock import allowed, net

from tests.orders import SHOP, START, WAREHOUSE, Story, at

# Either warehouse has all of the basket, and not twice.
BOTH = {(sku, node): 3 for sku in ("MUG-1", "TEA-9", "BOOK-3") for node in ("dc-1", "dc-2")}
# And makes one parcel ready in a day.
LIMITED = replace(SHOP, nodes={id: replace(node, capacity=1) for id, node in SHOP.nodes.items()})
Step = Callable[[Story, Shipment, int], Decision | None]


def _accept(story: Story, one: Shipment, _: int) -> Decision | None:
    return fulfilment_orders.accept(story.order, one, story.said())


def _reject(story: Story, one: Shipment, n: int) -> Decision | None:
    why = ("out_of_stock", "damaged", "capacity", "closed", "other")[n % 5]
    return fulfilment_orders.reject(story.order, story.shipments, one, why, "", story.said())


def _short_pick(story: Story, one: Shipment, n: int) -> Decision | None:
    line = one.lines[n % len(one.lines)]
    found, why = [Units(line.sku, n % 3)], ("out_of_stock", "damaged")[n % 2]
    return fulfilment_orders.short_pick(story.order, story.shipments, one, found, why, story.said())


def _move(story: Story, one: Shipment, n: int) -> Decision | None:
    return fulfilment_orders.move(story.order, one, ("dc-1", "dc-2")[n % 2], "", story.said())


def _split(story: Story, one: Shipment, n: int) -> Decision | None:
    line = one.lines[n % len(one.lines)]
    return fulfilment_orders.split(story.order, one, [Units(line.sku, 1)], "", story.said())


def _hold(story: Story, one: Shipment, _: int) -> Decision | None:
    return fulfilment_orders.hold(story.order, one, "goods", "", story.said())


def _release_hold(story: Story, one: Shipment, _: int) -> Decision | None:
    return fulfilment_orders.release_hold(story.order, one, story.said())


def _schedule(story: Story, _: Shipment, __: int) -> Decision | None:
    if not ready(story.order):
        return None
    return scheduling.schedule(story.order, story.shipments, story.order.waves + 1, story.facts)


def _release(story: Story, one: Shipment, _: int) -> Decision | None:
    return fulfilment.release(story.order, one, story.facts)


def _pack(story: Story, one: Shipment, _: int) -> Decision | None:
    return fulfilment.pack(story.order, one, WAREHOUSE, story.facts)


def _ship(story: Story, one: Shipment, _: int) -> Decision | None:
    return fulfilment.ship(story.order, one, "acme", one.id, WAREHOUSE, story.facts)


STEPS: tuple[Step, ...] = (
    _accept,
    _reject,
    _short_pick,
    _short_pick,
    _move,
    _split,
    _hold,
    _release_hold,
    _schedule,
    _schedule,
    _release,
    _release,
    _pack,
    _ship,
)
step = st.tuples(st.sampled_from(STEPS), st.integers(0, 7), st.integers(0, 5))


@given(st.lists(step, max_size=30))
def test_no_unit_is_lost_or_invented_and_every_unit_is_invoiced_once(
    steps: list[tuple[Step, int, int]],
) -> None:
    story = at("released", stock=BOTH, shop=LIMITED)
    ordered = {line.sku: line.quantity for line in story.order.lines}
    for make, which, n in steps:
        _do(story, make, story.shipments[which % len(story.shipments)], n)
        _adds_up(story, ordered)
    for _ in range(4):  # everybody does their work, until nothing is left to do
        for make in (_schedule, _release, _release_hold, _pack, _ship):
            for one in story.shipments:
                _do(story, make, story.by_id[one.id], 0)
                _adds_up(story, ordered)
    assert all(line.count("shipped", "cancelled") == line.quantity for line in story.order.lines)
    story._each(lambda s: story._issue(s) if s.shipped_at else None)
    invoiced = sum(invoice.gross.minor for invoice in story.invoices)
    everything = totals(story.order).gross.minor
    lost = any(line.count("cancelled") for line in story.order.lines)
    assert invoiced < everything if lost else invoiced == everything


def _do(story: Story, make: Step, one: Shipment, n: int) -> None:
    """Decide and apply; what is refused changes nothing."""
    before = {other.id: other for other in story.shipments}
    try:
        made = make(story, one, n)
    except Refusal:
        return
    if made is None:
        return
    told = made.entry.moves if made.entry else ()
    assert all(allowed(story.balances[c.sku, c.node], c) for c in net([*made.moves, *told]))
    touched = {shipment.id for shipment in made.shipments}
    story._apply(made)
    if make in (_reject, _short_pick, _move, _split) and story.order.state == "confirmed":
        assert touched == {one.id}
        assert all(story.by_id[id] == was for id, was in before.items() if id != one.id)


def _adds_up(story: Story, ordered: dict[str, int]) -> None:
    order = story.order
    assert {line.sku: line.quantity for line in order.lines} == ordered
    reserved: Counter[tuple[str, str]] = Counter()
    allocated: Counter[tuple[str, str]] = Counter()
    for line in order.lines:
        for portion in line.portions:
            if portion.stage == "reserved":
                reserved[line.sku, portion.node] += portion.quantity
            if portion.stage in ("allocated", "released", "packed"):
                allocated[line.sku, portion.node] += portion.quantity
    for key, balance in story.balances.items():
        assert (balance.reserved, balance.allocated) == (reserved[key], allocated[key])
        assert min(balance.on_hand, balance.free) >= 0
    _is_where_it_says(story)
    _has_a_day_for_every_parcel(story)


def _is_where_it_says(story: Story) -> None:
    """Every shipment has the units that the order says are in it, each with a number of its own."""
    units: Counter[tuple[str, int]] = Counter()
    for line in story.order.lines:
        for portion in line.portions:
            if portion.shipment:
                units[portion.shipment, line.number] += portion.quantity
    numbers: Counter[tuple[str, int, int]] = Counter()
    for shipment in story.shipments:
        if shipment.status == "cancelled":
            assert not any(key[0] == shipment.id for key in units)
            continue
        assert shipment.contents == {n: c for (id, n), c in units.items() if id == shipment.id}
        for sent in shipment.lines:
            for number in range(sent.invoiced_from, sent.invoiced_from + sent.quantity):
                numbers[shipment.group, sent.line, number] += 1
    assert all(count == 1 for count in numbers.values())


def _has_a_day_for_every_parcel(story: Story) -> None:
    """Each parcel holds one of its node's days, and nobody else does; one parcel to a day."""
    order = story.order
    held = [slot for group in order.groups for slot in group.slots]
    taken = {slot: parcels for slot, parcels in story.busy.items() if parcels}
    if order.state == "cancelled":
        assert taken == {}
        return
    assert taken == dict.fromkeys(held, 1)
    parcels = {
        (portion.group, portion.node, portion.shipment)
        for line in order.lines
        for portion in line.portions
        if portion.stage != "cancelled"
    }
    assert Counter(node for node, _ in held) == Counter(node for _, node, _ in parcels)


def test_a_shipment_that_another_node_sends_takes_its_day_and_gives_the_old_one_back() -> None:
    story = at("released", stock=BOTH, shop=LIMITED)
    (old,) = story.order.group.slots
    full = replace(story.said(), facts=replace(story.facts, busy={("dc-2", old[1]): 1, old: 1}))
    made = fulfilment_orders.move(story.order, story.shipments[0], "dc-2", "", full)
    (new,) = made.taken
    assert (made.given, made.order.group.slots) == ((old,), (new,))
    assert new[0] == "dc-2" and new[1] > old[1]
    group = made.order.group
    assert group.present_promise is not None and group.promise is not None
    assert group.present_promise.latest > group.promise.latest


def test_what_a_node_does_not_have_it_is_not_asked_for_again() -> None:
    story = at("released", stock=BOTH)
    (first,) = story.shipments
    assert first.node == "dc-1"
    story._apply(_reject(story, first, 2))  # no room
    assert story.order.lines[0].declined == {"dc-1": "capacity"}
    assert story.balances["MUG-1", "dc-1"].available == 3  # its books stay
    story._apply(_schedule(story, first, 0))
    second = story.shipments[-1]
    assert (second.node, second.wave) == ("dc-2", 2)
    story._each(lambda s: fulfilment.release(story.order, s, story.facts))
    story._apply(_reject(story, story.by_id[second.id], 0))
    assert (story.order.state, story.order.cancel_reason) == ("cancelled", "out_of_stock")
    assert story.balances["MUG-1", "dc-2"].on_hand == 0


def test_a_held_shipment_is_neither_packed_nor_sent() -> None:
    story = at("released", stock=BOTH)
    story._apply(_hold(story, story.shipments[0], 0))
    assert _hold(story, story.shipments[0], 0) is None
    for make in (_pack, _ship):
        with pytest.raises(Refusal) as refusal:
            make(story, story.shipments[0], 0)
        assert refusal.value.reason is Reason.ILLEGAL_STATE
    story._apply(_release_hold(story, story.shipments[0], 0))
    assert _release_hold(story, story.shipments[0], 0) is None
    story._apply(_pack(story, story.shipments[0], 0))
    assert story.shipments[0].accepted_at is not None  # packing says as much
    story._apply(_hold(story, story.shipments[0], 0))
    with pytest.raises(Refusal):
        _ship(story, story.shipments[0], 0)


@pytest.mark.parametrize("make", [_move, _split, _short_pick])
def test_what_is_packed_is_not_touched(make: Step) -> None:
    story = at("packed", stock=BOTH)
    with pytest.raises(Refusal) as refusal:
        make(story, story.shipments[0], 1)
    assert refusal.value.reason is Reason.ILLEGAL_STATE


def test_what_has_left_cannot_be_rejected() -> None:
    story = at("shipped", stock=BOTH)
    with pytest.raises(Refusal) as refusal:
        _reject(story, story.shipments[0], 0)
    assert refusal.value.reason is Reason.TOO_LATE


def scheduled_anew(story: Story, **busy: int) -> Decision:
    """The first wave, when by now the nearer warehouse has all of the basket: its first `busy` days
    have been taken by others."""
    for (sku, node), units in BOTH.items():
        story.balances[sku, node] = replace(story.balances[sku, node], on_hand=units)
    (slot,) = story.order.group.slots
    taken = {("dc-1", slot[1] + timedelta(days=n)): 1 for n in range(busy["days"])}
    facts = replace(story.facts, busy=story.busy | taken)
    made = scheduling.schedule(story.order, [], 1, facts)
    assert made is not None
    return made


def test_a_better_node_sends_it_when_its_days_let_it_come_as_promised() -> None:
    there = {place: 3 * (place[1] == "dc-2") for place in BOTH}
    story = at("confirmed", stock=there, shop=LIMITED)
    (old,) = story.order.group.slots
    assert old[0] == "dc-2"
    made = scheduled_anew(story, days=0)
    (new,) = made.taken
    assert (made.given, made.order.group.slots) == ((old,), (new,))
    assert [shipment.node for shipment in made.shipments] == [new[0]] == ["dc-1"]
    story = at("confirmed", stock=there, shop=LIMITED)
    made = scheduled_anew(story, days=9)
    assert [shipment.node for shipment in made.shipments] == ["dc-2"]
    assert (made.taken, made.given, made.order.groups) == ((), (), story.order.groups)


def test_a_node_that_does_not_serve_the_delivery_gets_nothing() -> None:
    story = at("released", stock=BOTH | {("MUG-1", "store-1"): 9})
    with pytest.raises(Refusal) as refusal:
        fulfilment_orders.move(story.order, story.shipments[0], "store-1", "", story.said())
    assert refusal.value.reason is Reason.DELIVERY_UNAVAILABLE


def test_a_later_promise_is_revised_and_the_first_stays() -> None:
    slow = replace(SHOP.nodes["dc-2"], processing_days=9)
    shop = replace(SHOP, nodes={**SHOP.nodes, "dc-2": slow})
    story = at("released", stock=BOTH, shop=shop)
    first = story.order.group.promise
    story._apply(_reject(story, story.shipments[0], 2))
    group = story.order.group
    assert first is not None and group.present_promise is not None
    assert group.promise == first and group.present_promise.latest > first.latest
    assert story.event("promise.revised").data["reason"] == "replanned"


def test_what_leaves_a_shipment_has_its_last_numbers() -> None:
    lines = (ShipmentLine(1, "A", 2, 0), ShipmentLine(1, "A", 2, 5), ShipmentLine(2, "B", 1, 0))
    whole = Shipment("shp_1", "ord_1", 1, "g1", "dc-1", "delivery", "released", lines, START)
    left = without(whole, {1: 3})
    assert left.lines == (ShipmentLine(1, "A", 1, 0), ShipmentLine(2, "B", 1, 0))
    assert without(left, {1: 1, 2: 1}).status == "cancelled"
    with pytest.raises(ValueError, match="has not"):
        without(left, {1: 2})


@pytest.mark.parametrize("counted", [3, 2, 1, 0])
def test_what_a_count_had_not_found_is_not_taken_off_the_books_twice(counted: int) -> None:
    """Three mugs should be there, and `counted` are; none is picked."""
    story = at("released", stock=BOTH)
    (one,) = story.shipments
    mugs = "MUG-1", one.node
    story.balances[mugs] = replace(story.balances[mugs], on_hand=counted)
    found, why = [Units("MUG-1", 0)], "out_of_stock"
    story._apply(
        fulfilment_orders.short_pick(story.order, story.shipments, one, found, why, story.said())
    )
    assert (story.balances[mugs].on_hand, story.balances[mugs].allocated) == (0, 0)
