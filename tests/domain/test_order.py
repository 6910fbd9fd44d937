"""The aggregate: units are moved, never lost or made; statuses are read off them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.line import Line, Portion, Stage, merge, move, move_all
from parcelway.domain.money import Money
from parcelway.domain.order import (
    EVENTS_PER_COMMIT,
    Order,
    advance,
    events,
    happened,
    require,
    with_line,
)
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.status import fulfilment_status, return_status

from tests.domain.strategies import NOW
from tests.orders import at

STAGES: tuple[Stage, ...] = get_args(Stage)
stages = st.sampled_from(STAGES)
portions = st.lists(
    st.builds(
        Portion,
        st.sampled_from(["g1", "g2"]),
        stages,
        st.integers(0, 5),
        st.sampled_from(["", "n1", "n2"]),
        st.sampled_from(["", "shp_1"]),
    ),
    max_size=8,
)
NOTHING = Money(0, "USD")


def line_of(*parts: Portion) -> Line:
    return Line(1, "A", "A", NOTHING, parts, NOTHING, NOTHING)


def order_of(*parts: Portion) -> Order:
    return Order("ord_1", 7, "confirmed", "USD", "en", NOW, "", lines=(line_of(*parts),))


def where(parts: tuple[Portion, ...] | list[Portion]) -> Counter[tuple[str, str, str, str]]:
    units: Counter[tuple[str, str, str, str]] = Counter()
    for portion in parts:
        units[portion.group, portion.stage, portion.node, portion.shipment] += portion.quantity
    return +units


@given(portions)
def test_merging_keeps_every_unit_where_it_is_and_each_place_once(parts: list[Portion]) -> None:
    merged = merge(parts)
    assert where(merged) == where(parts)
    assert len(merged) == len(where(parts))
    assert merge(merged) == merged


@given(portions, stages, st.data())
def test_moving_conserves_the_quantity(
    parts: list[Portion], to: Stage, data: st.DataObject
) -> None:
    line = line_of(*merge(parts))
    if not line.portions:
        return
    source = data.draw(st.sampled_from(line.portions))
    units = data.draw(st.integers(1, source.quantity))
    moved = move(line, source, replace(source, stage=to, quantity=units))
    assert moved.quantity == line.quantity
    assert all(portion.quantity > 0 for portion in moved.portions)
    if to != source.stage:
        assert moved.count(to) == line.count(to) + units


@given(portions, st.integers(-3, 9))
def test_moving_what_is_not_there_is_an_error(parts: list[Portion], units: int) -> None:
    line = line_of(*merge(parts))
    source = Portion("g9", "open", 5)
    with pytest.raises(ValueError, match="has not"):
        move(line, source, replace(source, stage="reserved", quantity=units))
    for portion in line.portions:
        if not 0 < units <= portion.quantity:
            with pytest.raises(ValueError, match="has not"):
                move(line, portion, replace(portion, quantity=units))


@given(portions, st.sets(stages), stages, st.sampled_from([None, "shp_1"]))
def test_moving_all_empties_the_stages_of_that_shipment_only(
    parts: list[Portion], source: set[Stage], to: Stage, shipment: str | None
) -> None:
    line = line_of(*merge(parts))
    moved = move_all(line, tuple(source), to, shipment)
    assert moved.quantity == line.quantity
    for portion in moved.portions:
        if portion.stage in source - {to}:
            assert shipment not in (None, portion.shipment)
    assert sum(p.quantity for p in moved.portions if p.shipment) == sum(
        p.quantity for p in line.portions if p.shipment
    )


@given(portions)
def test_counts_over_all_stages_add_up_to_what_was_ordered(parts: list[Portion]) -> None:
    line = line_of(*parts)
    assert sum(line.count(stage) for stage in STAGES) == line.count(*STAGES) == line.quantity


@given(portions)
def test_the_fulfilment_axis_follows_the_units(parts: list[Portion]) -> None:
    order = order_of(*parts)
    (line,) = order.lines
    wanted = line.quantity - line.count("cancelled")
    arrived = line.count("delivered", "picked_up", "returned")
    gone = arrived + line.count("shipped")
    status = fulfilment_status(order)
    assert (status == "cancelled") == (wanted == 0)
    assert (status == "delivered") == (wanted > 0 and arrived == wanted)
    assert (status == "partially_delivered") == (0 < arrived < wanted)
    assert (status == "shipped") == (arrived == 0 and gone == wanted > 0)
    assert (status == "partially_shipped") == (arrived == 0 and 0 < gone < wanted)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("open", "none"), ("reserved", "reserved"), ("backordered", "backordered")]
    + [(stage, "scheduled") for stage in ("allocated", "released", "packed")],
)
def test_the_fulfilment_axis_before_anything_has_left(stage: Stage, expected: str) -> None:
    assert fulfilment_status(order_of(Portion("g1", stage, 2))) == expected


def test_an_empty_cart_has_no_fulfilment_status() -> None:
    assert fulfilment_status(replace(order_of(), lines=())) == "none"


@given(portions)
def test_the_return_axis_follows_the_units(parts: list[Portion]) -> None:
    order = order_of(*parts)
    back, kept = order.lines[0].count("returned"), order.lines[0].count("delivered", "picked_up")
    expected = "none" if not back else "partially_returned" if kept else "returned"
    assert return_status(order) == expected


@given(st.integers(1, 10**6), st.integers(1, EVENTS_PER_COMMIT))
def test_event_sequences_grow_within_and_over_versions(version: int, count: int) -> None:
    order = replace(order_of(), version=version)
    this = events(order, NOW, SYSTEM, *(("order.x", {"n": n}) for n in range(count)))
    following = happened(advance(order), NOW, "order.y")
    sequences = [event.sequence for event in (*this, *following)]
    assert sequences == sorted(set(sequences))
    assert [event.data["n"] for event in this] == list(range(count))


def test_requiring_a_state_refuses_every_other_and_names_it() -> None:
    order = order_of()
    require(order, "placed", "confirmed")
    with pytest.raises(Refusal) as refused:
        require(order, "draft")
    assert refused.value.reason is Reason.ILLEGAL_STATE
    assert refused.value.facts == {"state": "confirmed"}


def test_lines_and_groups_are_found_by_name() -> None:
    order = at("placed").order
    line = order.line("TEA-9")
    assert line is not None
    assert order.line("nothing") is None
    assert order.group_named("g1") is order.group
    with pytest.raises(KeyError):
        order.group_named("g2")
    renamed = replace(line, name="Other")
    assert [old.name for old in with_line(order, renamed)].count("Other") == 1
