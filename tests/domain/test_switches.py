"""Channel switches: what is off takes no orders, what is limited never goes beyond its limit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cancellation, cart, switches
from parcelway.domain.coupons import Use
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.parties import SYSTEM, Contact
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.switching import MOST_DAYS, PurchaseLimit, Switches

from tests.domain.strategies import NOW
from tests.domain.test_coupons import facts_of, place, ready
from tests.orders import SHOP, at

TWO = Switches(purchase_limits={"MUG-1": PurchaseLimit(2, 7)})


def with_switches(facts: Facts, **set_: Any) -> Facts:
    return replace(facts, shop=replace(facts.shop, switches={"online": Switches(**set_)}))


def reason(order: Order, facts: Facts) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        place(order, facts)
    return refusal.value


def count(used: Counter[str], uses: tuple[Use, ...]) -> None:
    """As the store does: all of it, under the conditions that it was decided on."""
    for use in uses:
        assert used[use.counter] <= use.limit - use.units
        used[use.counter] += use.units


def test_a_channel_that_is_off_takes_no_orders_and_the_cart_is_kept() -> None:
    facts = facts_of()
    order = ready(facts)
    assert reason(order, with_switches(facts, sellable=False)).reason is Reason.CHANNEL_CLOSED
    other = replace(facts, shop=replace(facts.shop, switches={"phone": Switches(sellable=False)}))
    assert place(order, other).order.state == "placed"
    assert place(order, with_switches(facts, sellable=True)).order.state == "placed"


@pytest.mark.parametrize(
    ("closed", "taken"),
    [("US", False), ("US-OH", False), ("US-TX", True), ("DE", True), ("OH", True)],
)
def test_a_region_that_is_closed_gets_no_orders(closed: str, taken: bool) -> None:
    facts = facts_of()
    order = ready(facts)
    address = order.group.address
    assert address is not None
    assert (address.country, address.region.upper()) == ("US", "OH")
    set_ = with_switches(facts, closed_regions=("FR", closed))
    if taken:
        assert place(order, set_).order.state == "placed"
    else:
        told = reason(order, set_)
        assert (told.reason, told.pointer) == (Reason.CHANNEL_CLOSED, "/delivery")
        assert told.facts["region"] == closed


@pytest.mark.parametrize("spelled", ["Ohio", " oh ", "US-OH", "", "O.H."])
@pytest.mark.parametrize(("closed", "taken"), [("US-OH", False), ("DE-BY", True)])
def test_no_spelling_gets_past_a_region_that_is_closed(
    spelled: str, closed: str, taken: bool
) -> None:
    facts = facts_of()
    order = ready(facts)
    assert order.group.address is not None
    group = replace(order.group, address=replace(order.group.address, region=spelled))
    asked, set_ = replace(order, groups=(group,)), with_switches(facts, closed_regions=(closed,))
    if taken:
        assert place(asked, set_).order.state == "placed"
    else:
        assert reason(asked, set_).reason is Reason.CHANNEL_CLOSED


def test_a_region_is_closed_to_who_collects_there_as_well() -> None:
    facts = facts_of()
    order = ready(facts)
    group = replace(order.group, method="pickup", store="store-1", address=None)
    there = SHOP.nodes["store-1"].address
    set_ = with_switches(facts, closed_regions=(f"{there.country}-{there.region.upper()}",))
    collected = replace(order, groups=(group,))
    assert reason(collected, set_).reason is Reason.CHANNEL_CLOSED


@given(
    st.integers(1, 6000),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 179)), max_size=60),
)
def test_no_minute_has_more_orders_than_its_channel_takes(
    most: int, tries: list[tuple[int, int]]
) -> None:
    most = min(most, 17) if len(tries) % 2 else most
    order, set_ = ready(facts_of()), Switches(orders_per_minute=most)
    used, taken = Counter[str](), Counter[str]()
    for number, second in tries:
        now, this = NOW + timedelta(seconds=second), replace(order, id=f"ord_{number}")
        minute = f"{now:%H:%M}"
        assert set(switches.counters(this, set_, now)) <= set(_rates(this, most, minute, now))
        try:
            made = switches.placing(this, {}, set_, used, now)
        except Refusal as refusal:
            assert refusal.reason is Reason.CHANNEL_BUSY
            assert taken[minute] == most
            assert 0 < refusal.facts["retry_after"] <= 60
        else:
            count(used, tuple(made))
            taken[minute] += 1
    assert all(each <= most for each in taken.values())


def _rates(order: Order, most: int, minute: str, now: Any) -> list[str]:
    return [f"RATE#online#{now:%Y-%m-%d}T{minute}#{shard}" for shard in range(16)]


def test_a_minute_can_be_filled_to_the_last_order() -> None:
    """However it is divided: each finds a counter that has a place left."""
    order, set_ = ready(facts_of()), Switches(orders_per_minute=901)
    used = Counter[str]()
    for number in range(901):
        made = switches.placing(replace(order, id=f"o{number}"), {}, set_, used, NOW)
        count(used, tuple(made))
    assert len(used) == 4 and sum(used.values()) == 901
    with pytest.raises(Refusal):
        switches.placing(order, {}, set_, used, NOW)


def test_a_cancelled_order_gives_its_minute_to_nobody() -> None:
    facts = with_switches(facts_of(), orders_per_minute=5)
    placed = place(ready(facts), facts)
    assert [use.counter[:5] for use in placed.uses] == ["RATE#"]
    assert not placed.order.uses
    ended = cancellation.cancel(placed.order, (), "customer", SYSTEM, NOW)
    assert not ended.unused and not ended.unbought


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 3), st.booleans(), st.integers(0, 3)),
        max_size=30,
    ).map(sorted),
    st.integers(1, 4),
    st.integers(1, 7),
)
def test_nobody_has_more_in_any_window_than_the_limit(
    tries: list[tuple[int, int, bool, int]], units: int, days: int
) -> None:
    """Rolling days: whatever is bought and cancelled when, by day, by a customer who is known."""
    set_ = Switches(purchase_limits={"MUG-1": PurchaseLimit(units, days)})
    base = replace(ready(facts_of()), customer_id="cus_1")
    used, kept = Counter[str](), Counter[int]()
    for day, quantity, cancelled, later in tries:
        now = NOW + timedelta(days=day)
        window = sum(kept[each] for each in range(day - days + 1, day + 1))
        try:
            made = tuple(switches.placing(base, {"MUG-1": quantity}, set_, used, now))
        except Refusal as refusal:
            assert refusal.reason is Reason.PURCHASE_LIMIT
            assert window + quantity > units
            assert refusal.facts["left"] == max(0, units - window)
            continue
        assert window + quantity <= units
        count(used, made)
        kept[day] += quantity
        if cancelled:
            (line,) = base.lines
            bought = replace(line, portions=(replace(line.portions[0], quantity=quantity),))
            order = replace(
                base, state="placed", lines=(bought,), limited=switches.limits_counted(made)
            )
            gone = replace(order, state="cancelled")
            for counter, back in switches.given_back(order, gone, now + timedelta(days=later)):
                used[counter] -= back
            kept[day] -= quantity
    assert all(units >= 0 for units in used.values())


def test_the_same_person_is_known_by_customer_and_by_address() -> None:
    """One who signs out, or writes their address in another case, is no other customer."""
    used = Counter[str]()
    base = ready(facts_of())
    assert base.contact is not None
    mine = replace(base, customer_id="cus_1")
    count(used, tuple(switches.placing(mine, {"MUG-1": 2}, TWO, used, NOW)))
    assert not [name for name in used if base.contact.email in name]
    for other in (
        replace(base, customer_id="", contact=replace(base.contact, email="Ada@Customer.EXAMPLE ")),
        replace(base, customer_id="cus_1", contact=Contact("Ada", "other@customer.example")),
    ):
        with pytest.raises(Refusal) as refusal:
            switches.placing(other, {"MUG-1": 1}, TWO, used, NOW)
        assert refusal.value.reason is Reason.PURCHASE_LIMIT
    stranger = replace(base, customer_id="", contact=Contact("Bob", "bob@customer.example"))
    assert switches.placing(stranger, {"MUG-1": 1}, TWO, used, NOW)


@pytest.mark.parametrize("late_first", [True, False])
@pytest.mark.parametrize("apart", [timedelta(seconds=2), timedelta(minutes=4)])
def test_of_two_orders_around_midnight_the_later_one_counts_what_the_other_did(
    late_first: bool, apart: timedelta
) -> None:
    """Both are decided on what was before either; whichever is committed first, the other fails,
    and finds no room when it is decided again."""
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    base, used = ready(facts_of()), Counter[str]()
    moments = [midnight - apart / 2, midnight + apart / 2]
    first, second = reversed(moments) if late_first else moments
    made, other = (
        tuple(switches.placing(base, {"MUG-1": 2}, TWO, used, now)) for now in (first, second)
    )
    read = set(switches.counters(base, TWO, first))
    assert {use.counter for use in made} <= read
    count(used, made)
    with pytest.raises(AssertionError):
        count(used, other)
    with pytest.raises(Refusal) as refusal:
        switches.placing(base, {"MUG-1": 2}, TWO, used, second)
    assert refusal.value.facts["left"] == 0


def test_a_limit_of_one_day_ends_with_it() -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    daily = Switches(purchase_limits={"MUG-1": PurchaseLimit(2, 1)})
    base, used = ready(facts_of()), Counter[str]()
    for now in (midnight + timedelta(seconds=1), midnight - timedelta(seconds=1)):
        count(used, tuple(switches.placing(base, {"MUG-1": 2}, daily, used, now)))
    assert sorted(used.values()) == [2, 2]


def test_who_is_nobody_buys_no_more_at_once_than_the_limit() -> None:
    nobody = replace(ready(facts_of()), customer_id="", contact=None)
    assert switches.placing(nobody, {"MUG-1": 2}, TWO, {}, NOW) == []
    with pytest.raises(Refusal):
        switches.placing(nobody, {"MUG-1": 3}, TWO, {}, NOW)


def test_placing_counts_what_cancelling_gives_back() -> None:
    facts = replace(facts_of(), shop=replace(SHOP, switches={"online": TWO}))
    placed = place(ready(facts), facts)
    counters = {use.counter: use.units for use in placed.uses}
    assert set(counters.values()) == {2} and placed.order.limited == {"MUG-1": tuple(counters)}
    ended = cancellation.cancel(placed.order, (), "customer", SYSTEM, NOW)
    assert dict(ended.unbought) == counters
    lapsed = cart.lapse(placed.order, NOW + timedelta(days=1))
    assert lapsed is not None and dict(lapsed.unbought) == counters


def test_cancelled_units_are_given_back_once() -> None:
    story = at("confirmed")
    order = replace(story.order, limited={"MUG-1": ("BOUGHT#online#MUG-1#x#2026-11-16",)})
    one = [cancellation.Units("MUG-1", 1)]
    first = cancellation.cancel_units(order, (), one, "customer", SYSTEM, story.now)
    assert [units for _, units in first.unbought] == [1]
    rest = cancellation.cancel(first.order, (), "customer", SYSTEM, story.now)
    assert [units for _, units in rest.unbought] == [2]


@pytest.mark.parametrize("stage", ["released", "packed"])
def test_nothing_leaves_while_shipping_is_stopped_and_all_of_it_after(stage: Any) -> None:
    story = at(stage)
    stopped = replace(story.shop, switches={"online": Switches(stop_ship="recall of the mugs")})
    before, story.shop = story.shop, stopped
    go_on = story.packed if stage == "released" else story.shipped
    with pytest.raises(Refusal) as refusal:
        go_on()
    assert refusal.value.reason is Reason.SHIPPING_STOPPED
    assert "recall of the mugs" in refusal.value.detail
    story.shop = before
    go_on()


def test_a_counter_of_a_day_that_no_limit_reaches_counts_for_nobody() -> None:
    """What is cancelled later is given back to no counter: TTL may have deleted it."""
    today = f"BOUGHT#online#MUG-1#somebody#{NOW.date().isoformat()}"
    last = NOW + timedelta(days=MOST_DAYS)
    assert switches.counts(today, last)
    assert not switches.counts(today, last + timedelta(days=1))
    assert not switches.counts("RATE#online#2026-11-16T10:00#0", NOW)
    assert switches.counts("CODE#SPRING", last + timedelta(days=1))
    order = replace(at("placed").order, limited={"MUG-1": (today,)})
    ended = replace(order, state="cancelled")
    assert switches.given_back(order, ended, last) == ((today, 3),)
    assert switches.given_back(order, ended, last + timedelta(days=1)) == ()
    assert switches.given_back(order, order, NOW) == ()
