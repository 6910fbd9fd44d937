"""From paid to delivered: units follow their parcels, reports come twice and in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import fulfilment
from parcelway.domain.order import Hold, Order, Promise, Revision
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.scheduling import schedule
from parcelway.domain.shipment import Checkpoint, Shipment, TrackingStatus
from parcelway.domain.status import on_time
from parcelway.domain.stock import Balance, after, allowed, net

from tests.orders import CARRIER, PRODUCTS, SPLIT_STOCK, START, WAREHOUSE, Story, at

STATUSES: tuple[TrackingStatus, ...] = (
    "label_created",
    "in_transit",
    "out_for_delivery",
    "available_for_pickup",
    "delivered",
    "failed_attempt",
    "exception",
    "returned",
)
PROGRESS = STATUSES[:4]


@st.composite
def checkpoints(draw: st.DrawFn, statuses: Sequence[TrackingStatus] = STATUSES) -> list[Checkpoint]:
    """A carrier's events, some of them at the same minute, none with the id of another."""
    made = draw(st.lists(st.tuples(st.sampled_from(statuses), st.integers(0, 20)), max_size=8))
    return [
        Checkpoint(f"e{n}", status, START + timedelta(minutes=minute))
        for n, (status, minute) in enumerate(made)
    ]


def tracked(story: Story, reports: Sequence[Checkpoint]) -> Shipment:
    """The story's one parcel after reports; its units are looked at after each."""
    for checkpoint in reports:
        (shipment,) = story.shipments
        before = shipment.tracking
        made = fulfilment.track(story.order, shipment, checkpoint, CARRIER, story.facts)
        story._apply(made)
        (now,) = story.shipments
        if before in ("delivered", "returned"):
            assert now.tracking == before
            assert not (made and made.events)
        told = [event.type for event in made.events] if made else []
        assert told in ([], [f"shipment.{now.tracking}"])
        assert told or now.tracking == before
        arrived = all(line.count("delivered") == line.quantity for line in story.order.lines)
        assert arrived == (now.status == "delivered") == (now.tracking == "delivered")
    (shipment,) = story.shipments
    return shipment


@given(checkpoints(), st.data())
def test_checkpoints_lead_to_the_same_place_in_whatever_order_they_come(
    reports: list[Checkpoint], data: st.DataObject
) -> None:
    """Exactly: the history is always the same; the status is, unless the carrier says both
    `delivered` and `returned`, of which the first that is heard stays."""
    orders = [data.draw(st.permutations(reports)) for _ in range(2)]
    one, two = (tracked(at("shipped"), order) for order in orders)
    assert one.checkpoints == two.checkpoints
    if {"delivered", "returned"} <= {report.status for report in reports}:
        ends = [[r.status for r in o if r.status in ("delivered", "returned")] for o in orders]
        assert (one.tracking, two.tracking) == (ends[0][0], ends[1][0])
    else:
        assert one.tracking == two.tracking


@given(checkpoints(PROGRESS), st.data())
def test_a_parcel_that_only_progresses_never_goes_back(
    reports: list[Checkpoint], data: st.DataObject
) -> None:
    parcel = tracked(at("shipped"), data.draw(st.permutations(reports)))
    reached = max((PROGRESS.index(report.status) for report in reports), default=0)
    assert parcel.tracking == PROGRESS[reached]


@given(checkpoints(), st.data())
def test_a_repeated_checkpoint_is_no_news(reports: list[Checkpoint], data: st.DataObject) -> None:
    story = at("shipped")
    tracked(story, reports)
    before = story.order
    tracked(story, data.draw(st.lists(st.sampled_from(reports))) if reports else [])
    assert story.order == before


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        (["in_transit", "exception"], "exception"),
        (["in_transit", "exception", "in_transit"], "in_transit"),
        (["out_for_delivery", "failed_attempt", "out_for_delivery"], "out_for_delivery"),
        (["out_for_delivery", "failed_attempt", "available_for_pickup"], "available_for_pickup"),
        (["out_for_delivery", "available_for_pickup"], "available_for_pickup"),
        (["out_for_delivery", "in_transit"], "out_for_delivery"),
        (["exception", "label_created"], "exception"),
        (["exception", "returned"], "returned"),
        (["delivered", "exception", "in_transit"], "delivered"),
    ],
)
def test_where_a_history_leads_to(reports: list[TrackingStatus], expected: str) -> None:
    made = [
        Checkpoint(f"e{n}", status, START + timedelta(hours=n)) for n, status in enumerate(reports)
    ]
    assert tracked(at("shipped"), made).tracking == expected
    assert tracked(at("shipped"), made[::-1]).tracking == expected


def test_every_failed_attempt_is_told() -> None:
    story = at("shipped")
    made = [Checkpoint(f"e{n}", "failed_attempt", START + timedelta(days=n)) for n in range(3)]
    tracked(story, made)
    assert [event.type for event in story.events].count("shipment.failed_attempt") == 3


def test_a_flood_of_checkpoints_is_cut_off_but_the_end_is_heard() -> None:
    story = at("shipped")
    most = fulfilment.MAX_CHECKPOINTS
    flood = [Checkpoint(f"e{n}", "in_transit", START + timedelta(minutes=n)) for n in range(most)]
    (shipment,) = story.shipments
    story.by_id[shipment.id] = replace(shipment, checkpoints=tuple(flood), tracking="in_transit")
    more = Checkpoint("more", "exception", START + timedelta(days=1))
    assert len(tracked(story, [more]).checkpoints) == most
    end = Checkpoint("end", "delivered", START + timedelta(days=2))
    assert tracked(story, [end]).tracking == "delivered"


@pytest.mark.parametrize("stage", ["scheduled", "released", "packed"])
def test_a_parcel_that_has_not_left_cannot_be_tracked(stage: str) -> None:
    story = at(stage)  # type: ignore[arg-type]
    (shipment,) = story.shipments
    told = Checkpoint("e", "delivered", START)
    with pytest.raises(Refusal) as refusal:
        fulfilment.track(story.order, shipment, told, CARRIER, story.facts)
    assert refusal.value.reason is Reason.ILLEGAL_STATE
    story.cancelled()
    (shipment,) = story.shipments
    with pytest.raises(Refusal):
        fulfilment.track(story.order, shipment, told, CARRIER, story.facts)


def in_shipments(order: Order, shipments: Sequence[Shipment]) -> bool:
    """Whether every unit is in exactly the shipment that lists it."""
    listed: Counter[tuple[str, int]] = Counter()
    for shipment in shipments:
        for sent in shipment.lines:
            listed[shipment.id, sent.line] += sent.quantity
    placed: Counter[tuple[str, int]] = Counter()
    for line in order.lines:
        for portion in line.portions:
            placed[portion.shipment, line.number] += portion.quantity
    return listed == placed


@given(st.lists(st.integers(0, 6), min_size=6, max_size=6), st.booleans())
def test_scheduling_allocates_every_unit_and_numbers_it_once(free: list[int], pickup: bool) -> None:
    keys = [(sku, node) for sku in ("MUG-1", "TEA-9", "BOOK-3") for node in ("dc-1", "dc-2")]
    story = at("confirmed", method="pickup" if pickup else "delivery")
    held = {key: story.balances.get(key, Balance(*key)).reserved for key in keys}
    story.balances |= {
        key: Balance(*key, on_hand=units + held[key], reserved=held[key])
        for key, units in zip(keys, free, strict=True)
    }
    made = schedule(story.order, story.shipments, 1, story.facts)
    assert made is not None
    assert all(allowed(story.balances[c.sku, c.node], c) for c in net(made.moves))
    books = after(story.balances, made.moves)
    assert all(balance.reserved == 0 for balance in books.values())
    assert in_shipments(made.order, made.shipments)
    for line in made.order.lines:
        assert line.count("allocated") == line.quantity
        numbered = sorted(
            (sent.invoiced_from, sent.quantity)
            for shipment in made.shipments
            for sent in shipment.lines
            if sent.line == line.number
        )
        counted = 0
        for first, units in numbered:
            assert first == counted
            counted += units
        assert counted == line.quantity


def test_scheduling_twice_changes_nothing_however_far_the_parcels_are() -> None:
    story = at("scheduled", stock=SPLIT_STOCK)
    first, second = story.shipments
    assert schedule(story.order, story.shipments, 1, story.facts) is None
    story._apply(fulfilment.release(story.order, first, story.facts))
    assert schedule(story.order, story.shipments, 1, story.facts) is None
    assert second.status == "scheduled"


@pytest.mark.parametrize("stock", [SPLIT_STOCK, None])
def test_units_stay_in_their_parcels_and_leave_the_books_with_them(
    stock: dict[tuple[str, str], int] | None,
) -> None:
    options = {} if stock is None else {"stock": stock}
    story = at("scheduled", **options)
    ordered = sum(line.quantity for line in story.order.lines)
    for step in (story.released, story.packed, story.shipped, story.delivered):
        step()
        assert in_shipments(story.order, story.shipments)
        allocated = sum(b.allocated for b in story.balances.values())
        in_house = sum(line.count("allocated", "released", "packed") for line in story.order.lines)
        assert allocated == in_house
    opening = sum(story.stock.values())
    assert sum(b.on_hand for b in story.balances.values()) == opening - ordered


def test_every_report_twice_is_none() -> None:
    for method in ("delivery", "pickup"):
        story = at("scheduled", method=method)
        for step in (story.released, story.packed, story.shipped, story.delivered):
            step()
            before = story.order
            (shipment,) = story.shipments
            if step == story.shipped and method == "delivery":
                again = fulfilment.ship(
                    story.order,
                    shipment,
                    shipment.carrier,
                    shipment.parcel_number,
                    WAREHOUSE,
                    story.facts,
                )
                assert again is None
            elif step != story.delivered or method == "pickup":
                step()
            assert story.order == before
        story.closed()
        assert fulfilment.close(story.order, story.facts) is None


def test_another_parcel_number_is_refused() -> None:
    story = at("shipped")
    (shipment,) = story.shipments
    for carrier, number in (("acme", "other"), ("other", shipment.parcel_number)):
        with pytest.raises(Refusal) as refusal:
            fulfilment.ship(story.order, shipment, carrier, number, WAREHOUSE, story.facts)
        assert refusal.value.reason is Reason.ILLEGAL_STATE


def test_a_hold_stops_the_order_until_it_is_released() -> None:
    story = at("scheduled")
    hold = (Hold("fraud_review", "", START),)
    (shipment,) = story.shipments
    held = replace(story.order, holds=hold)
    with pytest.raises(Refusal, match="fraud_review"):
        fulfilment.release(held, shipment, story.facts)
    (shipment,) = story.released().shipments
    with pytest.raises(Refusal, match="fraud_review"):
        fulfilment.pack(replace(story.order, holds=hold), shipment, WAREHOUSE, story.facts)
    (shipment,) = story.packed().shipments
    with pytest.raises(Refusal, match="fraud_review"):
        fulfilment.ship(
            replace(story.order, holds=hold), shipment, "acme", "1", WAREHOUSE, story.facts
        )


def test_a_wait_that_takes_too_long_is_noted_once() -> None:
    story = at("released")
    (shipment,) = story.shipments
    noted = fulfilment.overdue(story.order, shipment, "packed", story.facts)
    assert noted is not None
    assert [(a.code, a.detail) for a in noted.order.alerts] == [("overdue_packed", shipment.id)]
    assert fulfilment.overdue(noted.order, shipment, "packed", story.facts) is None
    assert fulfilment.overdue(noted.order, shipment, "shipped", story.facts) is not None
    packed = fulfilment.pack(noted.order, shipment, WAREHOUSE, story.facts)
    assert packed is not None  # an alert stops nothing


def test_scheduling_what_cannot_be_moved_at_once_leaves_it_where_it_is() -> None:
    products = {f"S{n}": replace(PRODUCTS["TEA-9"], sku=f"S{n}", weight_grams=1) for n in range(60)}
    stock = {(sku, "dc-2"): 1 for sku in products}
    story = at("confirmed", basket=dict.fromkeys(products, 1), products=products, stock=stock)
    story.balances |= {(sku, "dc-1"): Balance(sku, "dc-1", 1) for sku in products}
    story.scheduled()
    assert [shipment.node for shipment in story.shipments] == ["dc-2"]
    assert all(line.count("allocated") == 1 for line in story.order.lines)


def test_an_order_ends_only_when_everything_has_arrived() -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    first, second = story.shipments
    for shipment in (first, second):
        assert fulfilment.close(story.order, story.facts) is None
        arrived = Checkpoint(f"end-{shipment.id}", "delivered", START)
        story._apply(fulfilment.track(story.order, shipment, arrived, CARRIER, story.facts))
    assert story.closed().order.state == "closed"


@pytest.mark.parametrize(("days", "kept"), [(0, True), (30, False)])
def test_a_promise_is_kept_or_not_by_the_first_one_alone(days: int, kept: bool) -> None:
    story = at("out_for_delivery")
    assert on_time(story.order, story.order.group) is None
    story.now += timedelta(days=days)
    later = Revision(story.now, Promise(date(2030, 1, 1), date(2030, 1, 2)), "supply")
    story.delivered()
    group = replace(story.order.group, revisions=(later,))
    assert on_time(story.order, group) is kept


def test_a_pick_up_is_on_time_when_it_lies_ready() -> None:
    ready = at("shipped", method="pickup")
    assert on_time(ready.order, ready.order.group) is True
    day = ready.order.group.fulfilled_on
    ready.now += timedelta(days=2)
    ready.delivered()
    assert on_time(ready.order, ready.order.group) is True
    assert ready.order.group.fulfilled_on == day
