"""Each parcel of an order holds one day of a node whose capacity is limited, and no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import scheduling
from parcelway.domain.order import Shortage
from parcelway.domain.stock import Move, Supply, after

from tests.domain.test_pickup import make_ready, mixed
from tests.orders import SHOP, START, STOCK, Story, at

SMALL = replace(SHOP, nodes={id: replace(node, capacity=1) for id, node in SHOP.nodes.items()})
MUGS = ("MUG-1", "dc-1")
SOON = START.date() + timedelta(days=7)
LATER = SOON + timedelta(days=7)


def waiting(shortage: Shortage, units: int = 1, basket: int = 5) -> Story:
    """Mugs of which some are there and two more come on each of two days."""
    supplies = {MUGS: (Supply("po-1", SOON, 2), Supply("po-2", LATER, 9))}
    return at(
        "confirmed",
        shop=SMALL,
        basket={"MUG-1": basket, "TEA-9": 1},
        stock=STOCK | {MUGS: units, ("TEA-9", "dc-1"): 9},
        supplies=supplies,
        shortage=shortage,
    )


def held(story: Story) -> list[date]:
    """The days that it holds, which are those that are taken for it."""
    live = story.order.state == "confirmed"
    slots = [slot for group in story.order.groups for slot in group.slots if live]
    assert Counter(slots) == Counter(story.busy)
    return sorted(day for _, day in slots)


def parcels(story: Story) -> int:
    """How many parcels it is in now, or will be in."""
    together = story.order.shortage == "ship_complete" and not story.shipments
    return len(
        {
            (p.group, p.node, p.shipment, None if together else p.due)
            for line in story.order.lines
            for p in line.portions
            if p.node and p.stage != "cancelled"
        }
    )


def test_what_comes_in_leaves_on_a_day_of_its_own_or_with_what_is_there() -> None:
    story = waiting("ship_available")
    there, soon, later = held(story)
    assert there < SOON <= soon < LATER <= later
    story.received(*MUGS, 2)  # with what has not left yet
    assert held(story) == [there, later]
    story.scheduled()
    story.received(*MUGS, 1)  # by itself, and some are still to come
    first, second, third = held(story)
    assert (first, third) == (there, later)
    assert there < second < SOON  # no other parcel leaves the node then
    story.received(*MUGS, 1)
    assert held(story) == [first, second]


def test_what_is_only_sent_when_complete_is_one_parcel_on_the_day_it_is() -> None:
    story = waiting("ship_complete")
    (late,) = held(story)
    assert late >= LATER
    story.received(*MUGS, 2)
    assert held(story) == [late]
    story.received(*MUGS, 2)
    (now,) = held(story)
    assert now < SOON


@pytest.mark.parametrize("shortage", ["ship_available", "ship_complete"])
def test_a_supply_that_slips_takes_the_day_with_it(shortage: Shortage) -> None:
    story = waiting(shortage)
    before = held(story)
    story.slipped(10)
    assert held(story)[-1] >= LATER + timedelta(days=10)
    assert len(held(story)) == len(before)
    if shortage == "ship_available":
        story.slipped(None)
        assert held(story) == before[:1]  # no day is kept for what nobody knows a day of


def test_cancelled_units_give_the_days_of_their_parcels_back() -> None:
    story = waiting("ship_available")
    there, soon, _ = held(story)
    story.less("MUG-1", 2)  # those that would come last
    assert held(story) == [there, soon]


def test_a_pick_up_that_nobody_collects_gives_its_day_back_and_the_rest_keeps_theirs() -> None:
    story = make_ready(mixed(SMALL))
    assert len(held(story)) == 2
    story.not_collected()
    assert story.order.state == "confirmed"
    assert len(held(story)) == 1


@given(
    st.sampled_from(["ship_available", "ship_complete"]),
    st.integers(0, 3),
    st.lists(st.sampled_from(["one", "two", "slip", "less", "wave", "reject"]), max_size=8),
)
def test_each_parcel_holds_a_day_whatever_happens(
    shortage: Shortage, units: int, steps: list[str]
) -> None:
    story = waiting(shortage, units)
    for step in steps:
        if story.order.state != "confirmed":
            break
        if step in ("one", "two"):
            story.received(*MUGS, 1 if step == "one" else 2)
        elif step == "slip":
            story.slipped(3)
        elif step == "less":
            mugs = story.order.line("MUG-1")
            assert mugs is not None
            if mugs.count("backordered", "reserved", "allocated"):
                story.less("MUG-1", 1)
        elif step == "wave":
            wave = story.order.waves + 1
            story._apply(scheduling.schedule(story.order, story.shipments, wave, story.facts))
        elif any(shipment.status == "scheduled" for shipment in story.shipments[:1]):
            story.rejected("capacity")
        assert len(held(story)) == parcels(story)


def test_a_parcel_that_is_called_off_gives_back_its_own_day_and_not_that_of_one_that_left() -> None:
    story = waiting("ship_available", basket=3)
    story.scheduled().released().packed().shipped()
    story.now += timedelta(days=2)
    story.received(*MUGS, 2)  # before the day that they were expected on
    used, mine = held(story)
    story.less("MUG-1", 2)
    assert story.decisions[-1][0].given == (("dc-1", mine),)
    assert held(story) == [used]


@pytest.mark.parametrize(("there", "then"), [(1, 3), (3, 1)], ids=["more came", "some are gone"])
def test_what_holds_nothing_until_it_is_paid_has_a_day_for_each_parcel_then(
    there: int, then: int
) -> None:
    """Between order and payment units come in, or go to others."""
    policy = replace(SMALL.settings, reservation_policy={"online": "none"})
    story = at(
        "placed",
        shop=replace(SMALL, settings=policy),
        basket={"MUG-1": 3},
        stock={MUGS: there},
        supplies={MUGS: (Supply("po-1", SOON, 9),)},
        shortage="ship_available",
    )
    story.balances = after(story.balances, [Move(*MUGS, "adjust", then - there)])
    story.confirmed()
    assert len(held(story)) == parcels(story) == (1 if then == 3 else 2)
    story.received(*MUGS, 2)
    assert len(held(story)) == parcels(story) == 1
