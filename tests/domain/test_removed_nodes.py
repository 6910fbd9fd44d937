"""A node, or a service, that the shop has no more: orders there go on, or are refused clearly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from parcelway.domain import pickup, replenishment
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Supply

from tests.orders import BASKET, STOCK, WAREHOUSE, Stage, Story, at

MUG, DC, OTHER, STORE = "MUG-1", "dc-1", "dc-2", "store-1"
LIFE: dict[Stage, Callable[[Story], Story]] = {
    "confirmed": Story.confirmed,
    "scheduled": Story.scheduled,
    "released": Story.released,
    "packed": Story.packed,
    "shipped": Story.shipped,
    "invoiced": Story.invoiced,
    "captured": Story.captured,
    "delivered": Story.delivered,
    "closed": Story.closed,
}


def without(story: Story, node: str) -> Story:
    """The story in a shop that has the node no more."""
    story.shop = replace(
        story.shop, nodes={name: n for name, n in story.shop.nodes.items() if name != node}
    )
    return story


def nodes_of(order: Order) -> set[str]:
    """Where an order's units are held or waited for."""
    return {portion.node for line in order.lines for portion in line.portions if portion.node}


@pytest.mark.parametrize("stage", LIFE)
def test_an_order_goes_on_where_its_units_are(stage: Stage) -> None:
    """Nobody else has them: they leave from there, as long as somebody is there to pack them."""
    story = without(at(stage), DC)
    for step in list(LIFE.values())[list(LIFE).index(stage) + 1 :]:
        step(story)
    assert story.order.state == "closed"


def test_what_is_not_packed_there_is_planned_anew_elsewhere() -> None:
    spare = {(sku, OTHER): 9 for sku in BASKET}
    story = without(at("released", stock={(MUG, DC): 9, **STOCK}), DC)
    story.balances |= {key: Balance(*key, on_hand=units) for key, units in spare.items()}
    story.rejected("closed")
    assert nodes_of(story.order) == {OTHER}


def test_what_is_held_there_leaves_from_elsewhere() -> None:
    story = at("confirmed")
    story.balances |= {(sku, OTHER): Balance(sku, OTHER, on_hand=9) for sku in BASKET}
    assert nodes_of(story.order) == {DC}
    assert nodes_of(without(story, DC).scheduled().order) == {OTHER}
    assert all(story.balances[sku, DC].reserved == 0 for sku in BASKET)


def waiting() -> Story:
    """Three mugs that are expected at a node which the shop has no more by then."""
    return at(
        "confirmed",
        basket={MUG: 3},
        shortage="ship_available",
        stock={(MUG, DC): 0},
        supplies={(MUG, DC): (Supply("po-1", date(2026, 11, 30), 6),)},
    )


def test_who_waits_there_is_told_that_nobody_knows_when() -> None:
    story = without(waiting(), DC).slipped(3)
    assert story.event("promise.revised").data["latest"] == ""
    assert story.order.group.present_promise is None


def test_who_waits_there_gets_what_another_node_has() -> None:
    story = without(waiting(), DC)
    story.balances[MUG, OTHER] = Balance(MUG, OTHER, on_hand=9)
    made = replenishment.elsewhere(story.order, story.facts)
    assert made is not None
    assert nodes_of(made.order) == {OTHER}


def test_a_cart_for_a_store_that_is_no_more_must_choose_another() -> None:
    for closed in (without(at("draft", method="pickup"), STORE), at("draft", method="pickup")):
        nodes = closed.shop.nodes
        if STORE in nodes:  # kept, but it hands out nothing any more
            kept = replace(nodes[STORE], capabilities=())
            closed.shop = replace(closed.shop, nodes={**nodes, STORE: kept})
        with pytest.raises(Refusal) as refused:
            closed.placed()
        assert refused.value.reason is Reason.DELIVERY_UNAVAILABLE
        assert refused.value.pointer == "/delivery"


def test_nothing_is_laid_ready_in_a_store_that_is_no_more_but_it_can_be_given_up() -> None:
    story = without(at("packed", method="pickup"), STORE)
    (shipment,) = story.shipments
    with pytest.raises(Refusal) as refused:
        pickup.ready(story.order, shipment, WAREHOUSE, story.facts)
    assert refused.value.reason is Reason.ILLEGAL_STATE
    assert STORE in refused.value.detail
    assert story.cancelled().order.state == "cancelled"
    assert all(story.balances[sku, STORE].allocated == 0 for sku in BASKET)


def test_an_order_whose_service_is_no_more_has_no_known_date() -> None:
    story = waiting()
    story.shop = replace(story.shop, services={})
    assert story.slipped(3).order.group.present_promise is None
