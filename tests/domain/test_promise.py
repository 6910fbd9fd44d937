"""Promise dates: calendars, cut-offs and time zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.promise import promise
from parcelway.domain.shop import Node, Service

from tests.orders import SHOP

SERVICE = replace(SHOP.services["standard"], transit_days=(2, 4))
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
nodes = st.builds(
    Node,
    id=st.just("n"),
    name=st.just("n"),
    kind=st.just("dc"),
    address=st.just(SHOP.nodes["dc-1"].address),
    latitude=st.just(0.0),
    longitude=st.just(0.0),
    time_zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Apia"]),
    processing_days=st.integers(0, 5),
    cut_off=st.sampled_from(["00:00", "12:00", "15:00", "23:59"]),
    working_days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
)


def hand_over(node: Node, now: datetime) -> date:
    instant: Service = replace(SERVICE, transit_days=(0, 0))
    return promise([node], instant, now).earliest


@given(nodes, moments)
def test_hand_over_is_the_promised_number_of_working_days_away(node: Node, now: datetime) -> None:
    local = now.astimezone(ZoneInfo(node.time_zone))
    leaves = hand_over(node, now)
    assert leaves.weekday() in node.working_days
    late = local.time() >= node.cut_off_time
    first = local.date() + timedelta(days=1 if late else 0)
    between = (first + timedelta(days=n) for n in range((leaves - first).days + 1))
    worked = sum(day.weekday() in node.working_days for day in between)
    assert worked == node.processing_days + 1


@given(nodes, moments, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_ordering_later_never_arrives_sooner(node: Node, now: datetime, by: timedelta) -> None:
    assert promise([node], SERVICE, now).earliest <= promise([node], SERVICE, now + by).earliest


@given(st.lists(nodes, min_size=1, max_size=4), moments)
def test_the_slowest_node_decides(several: list[Node], now: datetime) -> None:
    window = promise(several, SERVICE, now)
    leaves = max(hand_over(node, now) for node in several)
    assert window.earliest == leaves + timedelta(days=2)
    assert window.latest == leaves + timedelta(days=4)


def test_the_cut_off_is_the_nodes_local_time() -> None:
    node = replace(SHOP.nodes["dc-1"], processing_days=1, cut_off="15:00")  # New York, UTC-5
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    assert hand_over(node, monday.replace(hour=19, minute=59)) == date(2026, 11, 17)
    assert hand_over(node, monday.replace(hour=20)) == date(2026, 11, 18)
    friday_evening = datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert hand_over(node, friday_evening) == date(2026, 11, 24)  # from Monday on, one day


def test_there_is_no_promise_without_a_node_that_works() -> None:
    now = datetime(2026, 11, 16, tzinfo=UTC)
    with pytest.raises(ValueError, match="max"):
        promise([], SERVICE, now)
    with pytest.raises(ValueError, match="never works"):
        promise([replace(SHOP.nodes["dc-1"], working_days=())], SERVICE, now)
