"""What a channel may sell: buffers keep units from it, quotas cap it, nothing counts twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import delivery
from parcelway.domain.backorder import Terms
from parcelway.domain.channels import channel_of, quota_of, seen_by
from parcelway.domain.facts import Balances, Facts
from parcelway.domain.fulfilment_orders import reject
from parcelway.domain.order import DeliveryGroup, Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import give_back, keys, retake, take
from parcelway.domain.shop import Shop
from parcelway.domain.stock import Balance, Move, after, allowed, net
from parcelway.domain.stock_books import lift

from tests.orders import SHOP, SPLIT_STOCK, at

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SKU, NODE, CHANNEL = "MUG-1", "dc-1", "marketplace"
QUOTA = (SKU, quota_of(CHANNEL))


def shop(**settings: Any) -> Shop:
    only = {NODE: SHOP.nodes[NODE]}
    return replace(SHOP, settings=replace(SHOP.settings, **settings), nodes=only)


def order(units: int) -> Order:
    """An open order of mugs for the marketplace."""
    draft = at("draft").order
    (line,) = [line for line in draft.lines if line.sku == SKU]
    portion = replace(line.portions[0], stage="open", quantity=units, node="")
    group: DeliveryGroup = replace(draft.groups[0], id=portion.group)
    lines = (replace(line, portions=(portion,)),)
    return replace(draft, channel=CHANNEL, lines=lines, groups=(group,))


def books(there: int, allotted: int | None = None) -> dict[tuple[str, str], Balance]:
    made = {(SKU, NODE): Balance(SKU, NODE, there)}
    return made | ({QUOTA: Balance(*QUOTA, allotted)} if allotted is not None else {})


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_a_buffer_is_left_for_others(there: int, buffer: int, wanted: int) -> None:
    real = books(there)
    seen = seen_by(CHANNEL, real, {CHANNEL: buffer}, {})
    if wanted > max(0, there - buffer):
        with pytest.raises(Refusal) as refused:
            take(order(wanted), "reserved", seen, shop())
        (line,) = refused.value.facts["lines"]
        assert line["available"] == max(0, there - buffer)
        return
    claim = take(order(wanted), "reserved", seen, shop())
    (change,) = net(claim.moves)
    assert change.least_available == wanted + min(buffer, there)
    assert allowed(real[SKU, NODE], change)
    # Somebody else was faster by one unit: the condition knows of the buffer.
    fewer = replace(real[SKU, NODE], reserved=there - wanted - min(buffer, there) + 1)
    assert not allowed(fewer, change)


def test_other_channels_do_not_know_the_buffer() -> None:
    seen = seen_by("online", books(3), {CHANNEL: 2}, {})
    assert seen[SKU, NODE].available == 3


def test_a_products_own_buffer_counts_instead_of_the_shops() -> None:
    product = replace(at("draft").products[SKU], channel_buffers={CHANNEL: 1})
    seen = seen_by(CHANNEL, books(3), {CHANNEL: 3}, {SKU: product})
    assert seen[SKU, NODE].available == 2


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_a_quota_caps_what_is_sold_and_is_given_back(there: int, allotted: int, units: int) -> None:
    real = books(there, allotted)
    seen = seen_by(CHANNEL, real, {}, {})
    if units > min(there, allotted):
        with pytest.raises(Refusal) as refused:
            take(order(units), "reserved", seen, shop())
        assert refused.value.reason is Reason.OUT_OF_STOCK
        assert refused.value.facts["lines"][0]["available"] == min(there, allotted)
        return
    claim = take(order(units), "reserved", seen, shop())
    held = replace(order(units), lines=claim.lines)
    sold = after(real, claim.moves)
    assert (sold[QUOTA].reserved, sold[SKU, NODE].reserved) == (units, units)
    assert all(allowed(real[change.sku, change.node], change) for change in net(claim.moves))
    assert after(sold, give_back(held, "cancelled", "reserved").moves) == real


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_an_order_holds_it_keeps(units: int, buffer: int, cut: int) -> None:
    """A buffer that was raised and a quota that was cut since take nothing back."""
    real = books(units, units)
    claim = take(order(units), "reserved", seen_by(CHANNEL, real, {}, {}), shop())
    held = replace(order(units), lines=claim.lines)
    now = after(real, claim.moves)
    now[QUOTA] = replace(now[QUOTA], on_hand=min(cut, units))
    seen = seen_by(CHANNEL, now, {CHANNEL: buffer}, {})
    again = retake(held, "allocated", seen, shop())
    assert [p.stage for line in again.lines for p in line.portions] == ["allocated"]
    booked = after(now, again.moves)
    assert (booked[QUOTA].reserved, booked[SKU, NODE].allocated) == (units, units)
    assert all(allowed(now[change.sku, change.node], change) for change in net(again.moves))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_no_delivery_option_promises_what_the_quota_refuses(
    there: int, allotted: int, units: int
) -> None:
    facts = Facts(shop(), NOW, at("draft").products, books(there, allotted))
    found = delivery.options(order(units), "US", facts)
    missing = units - min(there, allotted, units)
    assert found
    assert all(option.missing == ({SKU: missing} if missing else {}) for option in found)
    assert all(option.available is not refuses(units, facts.balances) for option in found)


def test_what_other_deliveries_take_of_a_quota_is_not_offered_again() -> None:
    whole = order(4)
    (line,), first = whole.lines, whole.groups[0]
    portions = [
        replace(line.portions[0], group=group, quantity=units)
        for group, units in ((first.id, 3), ("g2", 1))
    ]
    lines = (replace(line, portions=tuple(portions)),)
    split = replace(whole, groups=(first, replace(first, id="g2")), lines=lines)
    for allotted, missing in ((3, {SKU: 1}), (4, {})):
        facts = Facts(shop(), NOW, at("draft").products, books(9, allotted))
        found = delivery.options(split, "US", facts, group_id="g2")
        assert [option.missing for option in found] == [missing] * len(found) != []


def test_what_is_not_launched_is_not_there_yet_for_a_delivery() -> None:
    launch = NOW.date() + timedelta(days=9)
    products = {SKU: replace(at("draft").products[SKU], launch=launch)}
    found = delivery.options(order(2), "US", Facts(shop(), NOW, products, books(9)))
    assert [option.missing for option in found] == [{SKU: 2}] * len(found) != []


def test_a_lifted_quota_caps_nothing_and_gets_back_what_was_sold_under_it() -> None:
    real = books(9, 2)
    sold = take(order(2), "reserved", real, shop())
    held = replace(order(2), lines=sold.lines)
    booking = lift(after(real, sold.moves)[QUOTA])
    assert booking is not None
    free = after(after(real, sold.moves), booking.moves)
    assert lift(free[QUOTA]) is None
    more = take(order(7), "reserved", free, shop())
    assert {move.node for move in more.moves} == {NODE}
    assert after(free, give_back(held, "cancelled", "reserved").moves)[QUOTA].reserved == 0


def refuses(units: int, balances: Balances) -> bool:
    try:
        take(order(units), "reserved", balances, shop())
    except Refusal:
        return True
    return False


def test_two_deliveries_count_on_one_quota_once() -> None:
    whole = order(4)
    (line,) = whole.lines
    first = whole.groups[0]
    second = replace(first, id="g2")
    halves = (
        replace(line.portions[0], quantity=2),
        replace(line.portions[0], group="g2", quantity=2),
    )
    split = replace(whole, groups=(first, second), lines=(replace(line, portions=halves),))
    with pytest.raises(Refusal) as refused:
        take(split, "reserved", books(9, 3), shop())
    assert refused.value.facts["lines"][0]["available"] == 3
    assert (
        after(books(9, 4), take(split, "reserved", books(9, 4), shop()).moves)[QUOTA].reserved == 4
    )


def test_beyond_the_quota_nobody_waits() -> None:
    terms = Terms(at("draft").products, NOW, "wait")
    with pytest.raises(Refusal):
        take(order(2), "reserved", books(9, 1), shop(), terms)
    left = take(order(2), "reserved", books(9, 1), shop(), replace(terms, short="leave"))
    assert {p.stage: p.quantity for line in left.lines for p in line.portions} == {
        "reserved": 1,
        "open": 1,
    }


def test_a_preorder_counts_against_its_own_cap() -> None:
    product = replace(at("draft").products[SKU], launch=NOW.date().replace(day=20))
    terms = Terms({SKU: product}, NOW, "wait")
    there = books(9, 9) | {(SKU, quota_of("preorder")): Balance(SKU, quota_of("preorder"), 2)}
    claim = take(order(2), "reserved", there, shop(), terms)
    booked = after(there, claim.moves)
    assert booked[SKU, quota_of("preorder")].reserved == 2
    assert (booked[QUOTA].reserved, booked[SKU, NODE].backordered) == (0, 2)
    with pytest.raises(Refusal):
        take(order(3), "reserved", there, shop(), terms)


def test_only_channels_that_are_capped_pay_for_it() -> None:
    assert QUOTA not in keys(order(1), shop())
    assert QUOTA in keys(order(1), shop(quota_channels=(CHANNEL,)))
    assert (channel_of(QUOTA[1]), channel_of(NODE)) == (CHANNEL, "")


def test_a_change_that_leaves_a_buffer_is_made_on_one_item() -> None:
    """A shard of a balance cannot tell what the others have left."""
    (plain,) = net([Move(SKU, NODE, "reserve", 2)])
    (leaving,) = net([Move(SKU, NODE, "reserve", 2, counting_on=-3)])
    assert (plain.plain, leaving.plain) == (True, False)
    assert leaving.least_available == 5


def test_units_that_a_node_does_not_send_count_against_their_quota_until_they_are_given_up() -> (
    None
):
    """Units lost on the way counted for ever: the channel could sell so many fewer."""
    quotas = {(sku, quota_of("online")): 9 for sku in ("MUG-1", "TEA-9")}
    capped = replace(SHOP, settings=replace(SHOP.settings, quota_channels=("online",)))
    story = at("released", stock=SPLIT_STOCK | quotas, shop=capped)

    def counted() -> dict[str, int]:
        sums = dict.fromkeys(["MUG-1", "TEA-9"], 0)
        for line in story.order.lines:
            for portion in line.portions:
                if portion.quota:
                    sums[line.sku] += portion.quantity
        assert sums == {sku: story.balances[sku, quota_of("online")].reserved for sku in sums}
        return sums

    assert counted() == {"MUG-1": 3, "TEA-9": 1}
    from_dc_1 = next(each for each in story.shipments if each.node == "dc-1")
    shipments = [from_dc_1, *(each for each in story.shipments if each != from_dc_1)]
    why = "the roof leaks"
    story._apply(reject(story.order, shipments, from_dc_1, "closed", why, story.said()))
    assert counted()["MUG-1"] == 3 - sum(line.count("cancelled") for line in story.order.lines[:1])
    tea = story.order.line("TEA-9")
    assert tea is not None and tea.count("cancelled") == 1  # only that node has any
    assert counted()["TEA-9"] == 0
