"""Promise dates: calendars, cut-offs, capacity, carriers' days, opening hours and time zones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.order import Slot
from parcelway.domain.promise import promise, ready_by, slots
from parcelway.domain.shop import EVERY_DAY, Node, Service

from tests.orders import SHOP

SERVICE = replace(SHOP.services["standard"], transit_days=(2, 4))
COLLECT = SHOP.services["collect"]
STORE = replace(
    SHOP.nodes["store-1"],  # New York
    working_days=EVERY_DAY,
    cut_off="20:00",
    processing_minutes=120,
    hours={str(day): (("09:00", "13:00"), ("14:00", "20:00")) for day in range(7)},
)
TODAY = date(2026, 11, 16)  # a Monday
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
# The hours around the days on which New York's and Lord Howe's clocks are changed.
changes = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, m, d, tzinfo=UTC) for m, d in ((3, 8), (11, 1), (4, 4))]),
    st.integers(0, 1440),
)
dates = st.dates(date(2026, 1, 1), date(2028, 12, 31))
weekdays = st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days)))
holidays = st.lists(dates, max_size=30).map(tuple)
zones = st.sampled_from(
    ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Apia", "Australia/Lord_Howe"]
)
cut_offs = st.sampled_from(["00:00", "01:30", "02:30", "12:00", "15:00", "23:59"])
# Open for an hour at least, and picking takes three at most: every order is done within months.
hours = st.lists(st.integers(0, 24), min_size=2, max_size=6, unique=True).map(
    lambda edges: tuple(
        (clock(opens), clock(closes))
        for opens, closes in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)
    )
)


def clock(hour: int) -> str:
    return f"{hour:02}:{15 if 0 < hour < 24 else 0:02}"


def node(**more: Any) -> st.SearchStrategy[Node]:
    fixed = {"id": "n", "name": "n", "kind": "dc", "latitude": 0.0, "longitude": 0.0}
    drawn = {
        "address": st.just(SHOP.nodes["dc-1"].address),
        "time_zone": zones,
        "processing_days": st.integers(0, 5),
        "cut_off": cut_offs,
        "working_days": weekdays,
        "holidays": holidays,
    }
    return st.builds(
        Node, **{name: st.just(value) for name, value in fixed.items()}, **drawn | more
    )


nodes = node()
# A store need not have hours on every day it works.
stores = node(
    capabilities=st.just(("ship", "pickup")),
    hours=st.one_of(
        st.just({}),
        st.dictionaries(st.sampled_from([str(day) for day in range(7)]), hours, min_size=7),
    ),
    processing_minutes=st.one_of(st.just(0), st.integers(1, 180)),
)
services = st.builds(
    lambda pickup, working, delivery, closed, few, more: replace(
        SERVICE,
        pickup_days=pickup,
        working_days=working,
        delivery_days=delivery,
        holidays={"US": closed},
        transit_days=(few, few + more),
    ),
    st.just(EVERY_DAY) | weekdays,
    weekdays,
    weekdays,
    holidays,
    st.integers(0, 4),
    st.integers(0, 4),
)


def hand_over(node: Node, now: datetime) -> date:
    instant: Service = replace(SERVICE, transit_days=(0, 0))
    return promise([node], instant, now).earliest


def works(node: Node, day: date) -> bool:
    return day.weekday() in node.working_days and day not in node.holidays


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def local(node: Node, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(node.time_zone))


def begun(node: Node, now: datetime) -> date:
    """The local day of an order, or the one after when the cut-off has passed once."""
    today = local(node, now).date()
    cut_off = datetime.fromisoformat(f"{today}T{node.cut_off}")
    passed = now >= cut_off.replace(tzinfo=ZoneInfo(node.time_zone)).astimezone(UTC)
    return today + timedelta(days=passed)


@given(nodes, moments)
def test_hand_over_is_the_promised_number_of_working_days_away(node: Node, now: datetime) -> None:
    leaves = hand_over(node, now)
    assert works(node, leaves)
    first = begun(node, now)
    worked = sum(works(node, day) for day in days(first, leaves))
    assert worked == node.processing_days + 1


@given(nodes, services, moments | changes, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_ordering_later_never_arrives_sooner(
    node: Node, service: Service, now: datetime, by: timedelta
) -> None:
    service = replace(service, pickup_days=EVERY_DAY)
    first, second = promise([node], service, now), promise([node], service, now + by)
    assert first.earliest <= second.earliest
    assert first.latest <= second.latest


@given(nodes, services, moments, dates, st.integers(0, 30))
def test_goods_that_are_there_later_never_arrive_sooner(
    node: Node, service: Service, now: datetime, ready: date, by: int
) -> None:
    service = replace(service, pickup_days=EVERY_DAY)
    at_once = promise([node], service, now)
    first = promise([node], service, now, ready=ready)
    second = promise([node], service, now, ready=ready + timedelta(days=by))
    assert ready <= first.earliest <= first.latest
    assert at_once.earliest <= first.earliest <= second.earliest
    assert at_once.latest <= first.latest <= second.latest


@given(nodes, services, moments, st.none() | dates)
def test_a_parcel_is_collected_carried_and_delivered_on_the_carriers_days(
    node: Node, service: Service, now: datetime, ready: date | None
) -> None:
    ours = replace(node, working_days=EVERY_DAY, processing_days=0)
    window = promise([ours], service, now, ready=ready)
    closed = service.holidays["US"]
    assert window.earliest >= local(node, now).date()
    for number, day in zip(service.transit_days, (window.earliest, window.latest), strict=True):
        assert day.weekday() in service.delivery_days
        assert day not in closed
        first = max(begun(ours, now), ready or date.min)
        left = next(
            day
            for day in days(first, date.max)
            if works(ours, day) and day.weekday() in service.pickup_days and day not in closed
        )
        carried = [
            day
            for day in days(left + timedelta(days=1), day)
            if day.weekday() in service.working_days and day not in closed
        ]
        assert len(carried) >= number
        arrived = carried[number - 1] if number else left
        assert not [
            other
            for other in days(arrived, day - timedelta(days=1))
            if other.weekday() in service.delivery_days and other not in closed
        ]


@given(st.lists(nodes, min_size=1, max_size=4), moments)
def test_the_slowest_node_decides(several: list[Node], now: datetime) -> None:
    window = promise(several, SERVICE, now)
    leaves = max(hand_over(node, now) for node in several)
    assert window.earliest == leaves + timedelta(days=2)
    assert window.latest == leaves + timedelta(days=4)


@given(nodes | stores, st.integers(1, 3), st.integers(1, 8), moments, st.booleans())
def test_no_day_takes_more_parcels_than_a_node_makes_ready(
    node: Node, capacity: int, parcels: int, now: datetime, collected: bool
) -> None:
    node, service = replace(node, capacity=capacity), COLLECT if collected else SERVICE
    busy: dict[Slot, int] = {}
    before = date.min
    for _ in range(parcels):
        (slot,) = slots([node], service, now, busy=busy)
        assert slot[1] <= promise([node], service, now, busy=busy).earliest
        busy[slot] = busy.get(slot, 0) + 1
        assert before <= slot[1]
        before = slot[1]
    assert max(busy.values()) <= capacity
    assert all(works(node, day) for _, day in busy)


def test_a_full_day_is_passed_over_and_an_unlimited_node_takes_no_slot() -> None:
    node = replace(SHOP.nodes["dc-1"], capacity=2, processing_days=0)
    now = datetime(2026, 11, 20, 15, tzinfo=UTC)  # a Friday morning in New York
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    assert slots([node], SERVICE, now) == (("dc-1", friday),)
    assert slots([node], SERVICE, now, busy={("dc-1", friday): 1}) == (("dc-1", friday),)
    full = {("dc-1", friday): 2}
    assert slots([node], SERVICE, now, busy=full) == (("dc-1", monday),)
    assert promise([node], SERVICE, now, busy=full).earliest == date(2026, 11, 25)
    other = replace(SHOP.nodes["dc-2"], capacity=0)
    assert slots([other, node], SERVICE, now) == (("dc-1", friday),)


@given(stores, moments | changes, st.none() | dates)
def test_goods_are_ready_while_the_store_is_open(
    store: Node, now: datetime, ready: date | None
) -> None:
    at = ready_by(store, COLLECT, now, ready)
    assert at.tzinfo is UTC
    assert at > now or (at == now and not store.processing_minutes)
    here = local(store, at)
    assert works(store, here.date())
    assert ready is None or here.date() >= ready
    if store.hours:
        wall = here.strftime("%H:%M")
        assert any(
            opens <= wall < closes for opens, closes in store.hours[str(here.weekday())]
        ) or changed(store, here)
    window = promise([store], COLLECT, now, ready=ready)
    assert (window.earliest, window.latest, window.ready_by) == (here.date(), here.date(), at)


def changed(store: Node, here: datetime) -> bool:
    """Whether the clock was changed on that day: opening hours are then not what they say."""
    noon = here.replace(hour=12)
    return noon.utcoffset() != (noon - timedelta(days=1)).utcoffset()


@given(
    stores,
    moments | changes,
    st.timedeltas(timedelta(0), timedelta(days=3)),
    dates,
    st.integers(0, 9),
)
def test_who_orders_later_collects_no_sooner(
    store: Node, now: datetime, by: timedelta, ready: date, days: int
) -> None:
    first = ready_by(store, COLLECT, now, ready)
    assert first <= ready_by(store, COLLECT, now + by, ready)
    assert first <= ready_by(store, COLLECT, now, ready + timedelta(days=days))
    assert ready_by(store, COLLECT, now) <= first


@pytest.mark.parametrize(
    ("ordered", "ready"),
    [
        ("2026-11-16T05:00", "2026-11-16T11:00"),  # before it opens: from opening on
        ("2026-11-16T10:00", "2026-11-16T12:00"),
        ("2026-11-16T12:30", "2026-11-16T15:30"),  # the break does not count
        ("2026-11-16T11:00", "2026-11-16T14:00"),  # done as the break begins: after it
        ("2026-11-16T18:30", "2026-11-17T09:30"),  # not done before it closes
        ("2026-11-16T20:00", "2026-11-17T11:00"),  # after the cut-off
        ("2026-11-25T19:00", "2026-11-27T10:00"),  # over Thanksgiving
    ],
)
def test_ready_by_counts_opening_time(ordered: str, ready: str) -> None:
    zone = ZoneInfo("America/New_York")
    store = replace(STORE, holidays=(date(2026, 11, 26),))
    now = datetime.fromisoformat(ordered).replace(tzinfo=zone).astimezone(UTC)
    at = ready_by(store, COLLECT, now).astimezone(zone)
    assert at.replace(tzinfo=None) == datetime.fromisoformat(ready)


def test_a_store_that_picks_in_days_is_ready_when_it_is_open_at_its_cut_off() -> None:
    store = replace(STORE, processing_minutes=0, processing_days=1, cut_off="13:30")
    now = datetime(2026, 11, 16, 15, tzinfo=UTC)
    assert ready_by(store, COLLECT, now) == datetime(
        2026, 11, 17, 19, tzinfo=UTC
    )  # after the break
    closed = replace(store, cut_off="21:00")
    assert ready_by(closed, COLLECT, now) == datetime(2026, 11, 18, 14, tzinfo=UTC)


def test_a_store_with_enough_to_do_says_another_day() -> None:
    store = replace(STORE, capacity=3)
    now = datetime(2026, 11, 16, 15, tzinfo=UTC)
    assert ready_by(store, COLLECT, now) == datetime(2026, 11, 16, 17, tzinfo=UTC)
    full = {(store.id, TODAY): 3, (store.id, TODAY + timedelta(days=1)): 4}
    assert ready_by(store, COLLECT, now, busy=full) == datetime(2026, 11, 18, 16, tzinfo=UTC)
    assert slots([store], COLLECT, now, busy=full) == ((store.id, date(2026, 11, 18)),)


def test_the_cut_off_is_the_nodes_local_time() -> None:
    node = replace(SHOP.nodes["dc-1"], processing_days=1, cut_off="15:00")  # New York, UTC-5
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    assert hand_over(node, monday.replace(hour=19, minute=59)) == date(2026, 11, 17)
    assert hand_over(node, monday.replace(hour=20)) == date(2026, 11, 18)
    friday_evening = datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert hand_over(node, friday_evening) == date(2026, 11, 24)  # from Monday on, one day


def test_a_cut_off_has_passed_once_and_for_all_when_the_clock_is_put_back() -> None:
    node = replace(SHOP.nodes["dc-1"], processing_days=0, cut_off="01:30", working_days=EVERY_DAY)
    before = datetime(2026, 11, 1, 5, 29, tzinfo=UTC)  # 01:29 in New York, for the first time
    assert hand_over(node, before) == date(2026, 11, 1)
    for minutes in (1, 31, 60):  # 01:30, 01:00 again, 01:29 again
        assert hand_over(node, before + timedelta(minutes=minutes)) == date(2026, 11, 2)


def test_the_carriers_holidays_are_those_of_where_it_is() -> None:
    node = replace(SHOP.nodes["dc-1"], processing_days=0)
    service = replace(
        SERVICE,
        transit_days=(0, 1),
        holidays={"US": (date(2026, 11, 16),), "CA": (date(2026, 11, 17),)},
    )
    now = datetime(2026, 11, 16, 12, tzinfo=UTC)
    here = promise([node], service, now)
    assert (here.earliest, here.latest) == (date(2026, 11, 17), date(2026, 11, 18))
    abroad = promise([node], service, now, country="CA")
    assert (abroad.earliest, abroad.latest) == (date(2026, 11, 18), date(2026, 11, 18))


def test_there_is_no_promise_without_a_node_that_works() -> None:
    now = datetime(2026, 11, 16, tzinfo=UTC)
    dc, monday = SHOP.nodes["dc-1"], (0,)
    with pytest.raises(ValueError, match="without nodes"):
        promise([], SERVICE, now)
    with pytest.raises(ValueError, match="node dc-1 never works"):
        promise([replace(dc, working_days=())], SERVICE, now)
    year = tuple(days(TODAY, TODAY + timedelta(days=400)))
    with pytest.raises(ValueError, match="node dc-1 never works"):
        promise([replace(dc, holidays=year)], SERVICE, now)
    with pytest.raises(ValueError, match="node dc-1 never works"):
        full = {("dc-1", day): 1 for day in year}
        promise([replace(dc, capacity=1)], SERVICE, now, busy=full)
    with pytest.raises(ValueError, match="service standard never works"):
        promise([replace(dc, working_days=monday)], replace(SERVICE, pickup_days=(1,)), now)
    with pytest.raises(ValueError, match="service standard never works"):
        promise([dc], replace(SERVICE, delivery_days=()), now)
    with pytest.raises(ValueError, match="node store-1 never works"):
        ready_by(replace(STORE, hours={"0": ()}), COLLECT, now)
    with pytest.raises(ValueError, match="node store-1 never works"):
        ready_by(replace(STORE, processing_minutes=10**7), COLLECT, now)
