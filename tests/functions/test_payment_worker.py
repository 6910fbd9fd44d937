"""The payment worker: whatever is said of a payment, however often, order and provider agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.ports.payments import PaymentGateway
from parcelway.store.database import Database
from parcelway.store.orders import Dossier
from parcelway.store.stock import balances_of

from tests.functions import tables
from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.outside import Provider, told
from tests.orders import SHOP, Story, at, dossier_of, store


@dataclass
class World:
    db: Database
    provider: Provider

    def deliver(self, *messages: dict[str, Any]) -> list[str]:
        """A batch to a new container; the messages that stay in the queue."""
        function = load("payment_worker")
        gateway: PaymentGateway = self.provider
        function.db = lambda: self.db
        function.gateway = lambda: gateway
        return failed(function.handler(queue_event(*messages), Context()))

    def dossier(self, story: Story) -> Dossier:
        return dossier_of(self.db, story.order.id)

    def types(self, story: Story) -> list[str]:
        return [event.type for event in self.dossier(story).events]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch) as db:
        yield World(db, Provider())


def awaiting(**options: Any) -> Story:
    """A placed order whose payment is with the customer."""
    return at("placed", **options).pays("awaiting_customer", authorized=0)


def test_an_authorised_payment_confirms_once_however_often_it_is_told(world: World) -> None:
    story = awaiting()
    store(world.db, story)
    message = told(world.provider.holds(story), story)
    assert world.deliver(message, message) == []
    once = world.dossier(story)
    assert once.order.state == "confirmed"
    assert once.order.authorized == totals(story.order).gross.minor
    assert world.types(story).count("order.confirmed") == 1
    assert world.deliver(message, told(message["payment"])) == []
    assert world.dossier(story) == once
    assert world.provider.written == []


def test_the_order_is_asked_of_the_provider_when_the_event_names_none(world: World) -> None:
    story = awaiting()
    store(world.db, story)
    assert world.deliver(told(world.provider.holds(story))) == []
    assert world.dossier(story).order.state == "confirmed"


@pytest.mark.parametrize("difference", [-1, 1])
def test_another_amount_than_the_orders_is_given_back(world: World, difference: int) -> None:
    story = awaiting()
    store(world.db, story)
    gross = totals(story.order).gross.minor
    message = told(world.provider.holds(story, gross + difference), story)
    assert world.deliver(message) == []
    assert world.deliver(message) == []
    dossier = world.dossier(story)
    assert world.provider.written == [("void", message["payment"])]
    assert (dossier.order.state, dossier.payments[0].status) == ("placed", "voided")
    assert dossier.order.authorized == 0
    assert "order.confirmed" not in world.types(story)


def test_another_currency_is_given_back(world: World) -> None:
    story = awaiting()
    store(world.db, story)
    gross = totals(story.order).gross
    foreign = {
        name: Money(gross.minor if name in ("amount", "authorized") else 0, "EUR")
        for name in ("amount", "authorized", "captured", "refunded")
    }
    message = told(world.provider.holds(story, **foreign), story)
    world.deliver(message)
    assert world.provider.written == [("void", message["payment"])]
    assert world.dossier(story).order.state == "placed"


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_money_that_comes_too_late_is_noted_given_back_and_told(world: World, end: str) -> None:
    story = awaiting()
    story = story.expired() if end == "expired" else story.cancelled()
    store(world.db, story)
    gross = totals(story.order).gross.minor
    message = told(world.provider.holds(story), story)
    assert world.deliver(message) == []
    assert world.deliver(message) == []
    dossier = world.dossier(story)
    assert world.provider.written == [("void", message["payment"])]
    assert dossier.order.state == end
    news = [(event.type, event.data.get("amount")) for event in dossier.events[-2:]]
    assert news == [("payment.authorized", gross), ("payment.voided", gross)]
    assert (dossier.order.authorized, dossier.payments[0].status) == (0, "voided")


def test_money_that_was_taken_too_late_is_refunded(world: World) -> None:
    story = awaiting().expired()
    store(world.db, story)
    gross = totals(story.order).gross
    message = told(world.provider.holds(story, status="captured", captured=gross), story)
    assert world.deliver(message) == []
    assert world.deliver(message) == []
    order = world.dossier(story).order
    assert world.provider.written == [("refund", message["payment"])]
    assert (order.captured, order.refunded) == (gross.minor, gross.minor)


def test_a_cancelled_orders_open_payment_is_voided_before_anyone_pays_it(world: World) -> None:
    story = awaiting().cancelled()
    store(world.db, story)
    assert story.seen is not None
    world.provider.payments[story.seen.reference] = story.seen
    event = bus_event(story.event("order.cancelled"))
    assert world.deliver(event) == []
    assert world.deliver(event) == []
    assert world.provider.written == [("void", story.seen.reference)]
    assert world.dossier(story).order.payment_status == "voided"


def test_a_cancelled_orders_held_money_is_released(world: World) -> None:
    story = at("confirmed")
    reference = world.provider.holds(story)
    store(world.db, story.cancelled())
    assert world.deliver(bus_event(story.event("order.cancelled"))) == []
    assert world.provider.written == [("void", reference)]
    dossier = world.dossier(story)
    assert (dossier.order.authorized, dossier.order.payment_status) == (0, "voided")
    assert dossier.events[-1].type == "payment.voided"
    assert dossier.events[-1].data["amount"] == totals(story.order).gross.minor


def test_an_order_that_ended_before_it_had_a_payment_needs_nothing(world: World) -> None:
    story = at("placed").cancelled()
    store(world.db, story)
    before = world.dossier(story)
    assert world.deliver(bus_event(story.event("order.cancelled"))) == []
    assert world.dossier(story) == before


def test_only_the_message_whose_payment_cannot_be_read_comes_again(world: World) -> None:
    stories = [awaiting(seed=str(number)) for number in range(3)]
    for story in stories:
        store(world.db, story)
    messages = [told(world.provider.holds(story), story) for story in stories]
    world.provider.unreachable = {messages[1]["payment"]}
    assert world.deliver(*messages) == ["m1"]
    states = [world.dossier(story).order.state for story in stories]
    assert states == ["confirmed", "placed", "confirmed"]
    world.provider.unreachable = set()
    assert world.deliver(messages[1]) == []
    assert world.dossier(stories[1]).order.state == "confirmed"


def test_a_payment_of_an_order_that_is_not_there_comes_again(world: World) -> None:
    story = awaiting()
    assert world.deliver(told(world.provider.holds(story), story)) == ["m0"]
    assert world.provider.written == []


def test_a_payment_of_another_system_is_left_alone(world: World) -> None:
    store(world.db, story := awaiting())
    reference = world.provider.holds(story, order_id="")
    before = world.dossier(story)
    assert world.deliver(told(reference)) == []
    assert world.dossier(story) == before
    assert world.provider.written == []


def test_who_pays_second_for_the_last_units_gets_the_money_back(world: World) -> None:
    settings = replace(SHOP.settings, reservation_policy={"online": "none"})
    shop = replace(SHOP, settings=settings)
    last = {"basket": {"MUG-1": 3}, "stock": {("MUG-1", "dc-1"): 3}, "shop": shop}
    first, second = awaiting(seed="1", **last), awaiting(seed="2", **last)
    for story in (first, second):
        store(world.db, story)
    messages = [told(world.provider.holds(story), story) for story in (first, second)]
    assert world.deliver(*messages) == []
    assert world.dossier(first).order.state == "confirmed"
    ended = world.dossier(second)
    assert (ended.order.state, ended.order.cancel_reason) == ("cancelled", "out_of_stock")
    assert ended.order.payment_status == "voided"
    assert world.provider.written == [("void", messages[1]["payment"])]
    (balance,) = balances_of(world.db, "MUG-1")
    assert (balance.on_hand, balance.reserved) == (3, 3)
    assert world.deliver(*messages) == []
    assert world.dossier(second) == ended
