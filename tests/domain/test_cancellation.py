"""Cancelling: everything goes back to where it was, or nothing does."""

from __future__ import annotations

from collections import Counter

import pytest
from parcelway.domain.cancellation import cancel
from parcelway.domain.fulfilment import release
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import net

from tests.orders import CUSTOMER, SPLIT_STOCK, Story, at

BEFORE_SHIPPING = ("placed", "confirmed", "scheduled", "released", "packed")


def moved(story: Story) -> list[object]:
    return list(net(move for made, _ in story.decisions for move in made.moves))


@pytest.mark.parametrize("method", ["delivery", "pickup"])
@pytest.mark.parametrize("stage", BEFORE_SHIPPING)
def test_a_cancelled_order_leaves_the_books_as_if_it_had_never_been(
    stage: str, method: str
) -> None:
    story = at(stage, method=method)  # type: ignore[arg-type]
    assert moved(story)
    story.cancelled("changed my mind", CUSTOMER)
    assert not moved(story)
    order = story.order
    assert (order.state, order.cancel_reason) == ("cancelled", "changed my mind")
    assert order.ended_at is not None
    assert order.hold_until is None
    assert all(line.count("cancelled") == line.quantity > 0 for line in order.lines)
    assert all(shipment.status == "cancelled" for shipment in story.shipments)
    assert story.event("order.cancelled").actor == CUSTOMER


def test_parcels_at_different_stages_are_all_taken_back() -> None:
    story = at("scheduled", stock=SPLIT_STOCK)
    first, second = story.shipments
    story._apply(release(story.order, first, story.facts))
    story.cancelled()
    assert not moved(story)
    assert Counter(shipment.status for shipment in story.shipments) == {"cancelled": 2}
    assert second.id in story.by_id


@pytest.mark.parametrize("stage", ["shipped", "invoiced", "captured", "delivered"])
def test_what_has_left_cannot_be_called_back(stage: str) -> None:
    story = at(stage)  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refusal:
        story.cancelled()
    assert refusal.value.reason is Reason.TOO_LATE


def test_one_parcel_gone_is_too_late_for_the_whole_order() -> None:
    story = at("packed", stock=SPLIT_STOCK)
    story._apply(story._leave(story.shipments[0]))
    with pytest.raises(Refusal) as refusal:
        cancel(story.order, story.shipments, "late", CUSTOMER, story.now)
    assert refusal.value.reason is Reason.TOO_LATE


def test_what_has_ended_or_not_begun_cannot_be_cancelled() -> None:
    for story in (
        at("draft"),
        at("closed"),
        at("placed").cancelled(),
        at("placed").expired(),
    ):
        with pytest.raises(Refusal) as refusal:
            story.cancelled()
        assert refusal.value.reason is Reason.ILLEGAL_STATE
