"""The fulfilment worker: an execution for a paid order, an answer for a wait that is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest
from parcelway.domain.decision import Decision
from parcelway.store.database import Database
from parcelway.store.saving import save
from parcelway.store.waits import Until, Wait, keep

from tests.functions import tables
from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.outside import MACHINE, Machine
from tests.functions.test_cancellable import full, leaves
from tests.orders import SPLIT_STOCK, Story, at, dossier_of, store


@dataclass
class World:
    db: Database
    machine: Machine

    def deliver(self, *messages: dict[str, Any]) -> list[str]:
        """A batch to a new container; the messages that stay in the queue."""
        function = load("fulfillment_worker")
        function.db = lambda: self.db
        function.executions = lambda: self.machine
        return failed(function.handler(queue_event(*messages), Context()))

    def open(self, story: Story) -> set[str]:
        """The tokens that still wait."""
        dossier = dossier_of(self.db, story.order.id)
        return {wait.token for wait in dossier.waits}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch, FULFILLMENT_ARN=MACHINE) as db:
        yield World(db, Machine())


def waiting(world: World, story: Story) -> Story:
    """The story stored, with a wait for every step of its first shipment; tokens are the steps."""
    store(world.db, story)
    for until in get_args(Until):
        keep(world.db, Wait(story.order.id, story.shipments[0].id, until, until))
    return story


def test_a_paid_order_is_started_once(world: World) -> None:
    story = at("confirmed")
    store(world.db, story)
    event = bus_event(story.event("order.confirmed"))
    assert world.deliver(event, event) == []
    assert world.deliver(event) == []
    assert world.machine.started == [(story.order.id, {"order_id": story.order.id, "wave": 1})]


def test_only_the_order_that_could_not_be_started_comes_again(world: World) -> None:
    stories = [at("confirmed", seed=str(number)) for number in range(3)]
    events = [bus_event(story.event("order.confirmed")) for story in stories]
    ids = [story.order.id for story in stories]
    for story in stories:
        store(world.db, story)
    world.machine.errors[ids[1]] = "ThrottlingException"
    assert world.deliver(*events) == ["m1"]
    assert [name for name, _ in world.machine.started] == [ids[0], ids[2]]


def test_a_wave_without_room_is_not_begun_before_something_has_left(world: World) -> None:
    story = full()
    known = story.order.waves
    save(world.db, Decision(replace(story.order, version=1)), story.now)
    for _ in range(3):  # the sweeper tells of it again and again
        assert world.deliver(bus_event(story.event("order.replenished"))) == []
    assert {told["wave"] for _, told in world.machine.started} == {*range(1, known + 1)}
    save(world.db, Decision(replace(leaves(story).order, version=2)), story.now)
    assert world.deliver(bus_event(story.event("shipment.shipped"))) == []
    assert world.machine.started[-1][1]["wave"] == known + 1


@pytest.mark.parametrize(
    ("method", "stage", "over"),
    [
        ("delivery", "released", []),
        ("delivery", "packed", ["packed"]),
        ("delivery", "shipped", ["packed", "shipped"]),
        ("delivery", "out_for_delivery", ["packed", "shipped", "invoiced"]),
        ("delivery", "delivered", ["packed", "shipped", "invoiced", "delivered"]),
        ("pickup", "released", []),
        ("pickup", "shipped", ["packed"]),  # ready to be collected: it has not left
        ("pickup", "delivered", ["packed", "shipped", "invoiced", "delivered"]),
    ],
)
def test_only_waits_that_are_over_are_answered_and_once(
    world: World, stage: Any, over: list[str], method: str
) -> None:
    story = waiting(world, at(stage, method=method))
    event = bus_event(story.events[-1])
    assert world.deliver(event) == []
    assert world.deliver(event) == []
    assert sorted(world.machine.sent) == sorted((token, "success") for token in over)
    assert world.open(story) == set(get_args(Until)) - set(over)


def test_an_event_that_comes_late_answers_what_is_over_by_now(world: World) -> None:
    story = waiting(world, at("shipped"))
    assert world.deliver(bus_event(story.event("shipment.released"))) == []
    assert {token for token, _ in world.machine.sent} == {"packed", "shipped"}


def test_a_parcel_that_came_back_is_not_waited_for_any_longer(world: World) -> None:
    story = waiting(world, at("invoiced").tracked("returned"))
    assert world.deliver(bus_event(story.event("shipment.returned"))) == []
    assert world.open(story) == set()


def test_waits_of_a_cancelled_order_end_it(world: World) -> None:
    story = waiting(world, at("released").cancelled())
    assert world.deliver(bus_event(story.event("order.cancelled"))) == []
    assert sorted(world.machine.sent) == sorted(
        (until, "OrderCancelled") for until in get_args(Until)
    )
    assert world.open(story) == set()


def test_waits_of_the_other_parcel_go_on(world: World) -> None:
    story = waiting(world, at("released", stock=SPLIT_STOCK).rejected())
    other = Wait(story.order.id, story.shipments[1].id, "packed", "other")
    keep(world.db, other)
    assert world.deliver(bus_event(story.event("shipment.cancelled"))) == []
    assert {answer for _, answer in world.machine.sent} == {"OrderCancelled"}
    assert world.open(story) == {"other"}


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_that_is_gone_is_no_failure(world: World, code: str) -> None:
    story = waiting(world, at("shipped"))
    world.machine.errors["packed"] = code
    event = bus_event(story.event("shipment.shipped"))
    assert world.deliver(event) == []
    assert world.deliver(event) == []
    assert sorted(world.machine.sent) == [("packed", "success"), ("shipped", "success")]


def test_only_the_message_whose_answer_did_not_get_through_comes_again(world: World) -> None:
    stories = [waiting(world, at("packed", seed="1")), at("packed", seed="2")]
    store(world.db, stories[1])
    keep(world.db, Wait(stories[1].order.id, stories[1].shipments[0].id, "packed", "second"))
    events = [bus_event(story.event("shipment.packed")) for story in stories]
    world.machine.errors["packed"] = "ThrottlingException"
    assert world.deliver(*events) == ["m0"]
    assert world.open(stories[1]) == set()
    world.machine.errors.clear()
    assert world.deliver(events[0]) == []
    assert world.open(stories[0]) == {"shipped", "invoiced", "delivered"}


@pytest.mark.parametrize("kind", ["order.confirmed", "shipment.packed"])
def test_an_event_of_an_order_that_is_not_there_is_no_event_of_ours(
    world: World, kind: str
) -> None:
    event = replace(at("packed").event(kind), order_id="ord_unknown")
    assert world.deliver(bus_event(event)) == ["m0"]
    assert world.machine.started == []
    assert world.machine.sent == []
