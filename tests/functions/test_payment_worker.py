"""The payment worker: whatever is said of a payment, however often, order and provider agree."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from parcelway.domain.cancellation import cancel
from parcelway.domain.dispute import Dispute
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.parties import SYSTEM
from parcelway.ports.disputes import Disputes
from parcelway.ports.payments import PaymentGateway
from parcelway.store.database import Database
from parcelway.store.opening import open_balances
from parcelway.store.orders import Dossier
from parcelway.store.saving import save
from parcelway.store.stock import balances_of

from tests.functions import tables
from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.outside import Bank, Provider, told
from tests.functions.together import Together
from tests.orders import PRODUCTS, SHOP, START, Story, at, dossier_of, store


@dataclass
class World:
    db: Database
    provider: Provider
    bank: Bank = field(default_factory=Bank)

    def worker(self) -> Any:
        """A new container."""
        function: Any = load("payment_worker")
        gateway: PaymentGateway = self.provider
        disputes: Disputes = self.bank
        function.db = lambda: self.db
        function.gateway = lambda _: gateway
        function.disputes = lambda: disputes
        return function

    def deliver(self, *messages: dict[str, Any]) -> list[str]:
        """A batch to a new container; the messages that stay in the queue."""
        return failed(self.worker().handler(queue_event(*messages), Context()))

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


def test_medusa_13301_of_four_who_hear_of_a_payment_at_once_none_gives_it_back(
    world: World,
) -> None:
    """There, two of them processed a payment at once, and the one that failed refunded it."""
    story = awaiting()
    store(world.db, story)
    message = told(world.provider.holds(story), story)
    together = Together(world.db.client, 4)
    worker = World(replace(world.db, client=together), world.provider).worker()
    event = queue_event(message)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: worker.handler(event, Context()), range(4)))
    assert together.refused >= 3  # all had read the same order
    assert world.deliver(message) == []
    assert world.provider.written == []
    assert world.dossier(story).order.state == "confirmed"
    assert world.types(story).count("order.confirmed") == 1


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


def test_what_lies_at_too_many_places_by_the_time_it_is_paid_for_ends_like_what_is_sold_out(
    world: World,
) -> None:
    """Forty lines of three units each lay at one node when they were ordered, and lie at three
    when the money comes: 120 balances would have to change at once."""
    nodes = {id: replace(SHOP.nodes["dc-1"], id=id) for id in ("n1", "n2", "n3")}
    settings = replace(SHOP.settings, reservation_policy={"online": "none"})
    goods = {
        sku: replace(PRODUCTS["TEA-9"], sku=sku, weight_grams=9)
        for sku in map("S{:02}".format, range(40))
    }
    story = awaiting(
        shop=replace(SHOP, settings=settings, nodes=nodes),
        products=goods,
        basket=dict.fromkeys(goods, 3),
        stock={(sku, "n1"): 3 for sku in goods},
    )
    store(world.db, story)
    spread = {(sku, node): 1 for sku in goods for node in nodes}
    for (sku, node), units in spread.items():
        key = {"pk": {"S": f"SKU#{sku}"}, "sk": {"S": f"NODE#{node}"}}
        world.db.client.delete_item(TableName=world.db.stock, Key=key)
        open_balances(world.db, {(sku, node): units}, START, f"moved {sku} {node}")
    message = told(world.provider.holds(story), story)
    assert world.deliver(message) == []
    ended = world.dossier(story)
    assert (ended.order.state, ended.order.cancel_reason) == ("cancelled", "too_many_places")
    assert (ended.order.payment_status, ended.order.captured) == ("voided", 0)
    assert world.provider.written == [("void", message["payment"])]
    assert world.deliver(message) == []
    assert world.dossier(story) == ended
    assert all(b.reserved == 0 for sku in goods for b in balances_of(world.db, sku))


# disputes


def paid(world: World) -> tuple[Story, str]:
    """An order that is packed and whose payment was taken, and the payment's reference."""
    story = at("packed")
    store(world.db, story)
    gross = totals(story.order).gross
    return story, world.provider.holds(story, status="captured", captured=gross)


def disputed(story: Story, reference: str, **changes: Any) -> Dispute:
    """All of a payment is disputed."""
    gross = totals(story.order).gross
    fresh = Dispute("du_1", reference, gross, "fraudulent", "needs_response", START)
    return replace(fresh, **changes)


def booked(world: World, story: Story) -> list[str]:
    """What was posted about the dispute."""
    items = world.db.query(world.db.ledger, f"ORD#{story.order.id}", "POST#dispute")
    return [item["sk"].split(":")[0].removeprefix("POST#") for item in items]


def test_a_dispute_that_is_told_of_twice_is_recorded_once(world: World) -> None:
    story, reference = paid(world)
    world.bank.disputes[reference] = [disputed(story, reference)]
    message = told(reference, story, "dispute")
    assert world.deliver(message, message) == []
    once = world.dossier(story)
    assert [hold.code for hold in once.order.holds] == ["dispute"]
    assert once.disputes == (disputed(story, reference),)
    assert once.order.charged_back == totals(story.order).gross.minor
    assert booked(world, story) == ["dispute"]
    assert world.deliver(message) == []
    assert world.dossier(story) == once


def test_closed_before_created_is_closed(world: World) -> None:
    """Whatever order the events come in, the provider is asked how things are now."""
    story, reference = paid(world)
    world.bank.disputes[reference] = [disputed(story, reference, status="lost")]
    closed = created = told(reference, story, "dispute")
    assert world.deliver(closed, created) == []
    assert [alert.code for alert in world.dossier(story).order.alerts] == ["dispute_lost"]
    assert booked(world, story) == ["dispute", "dispute_lost"]
    assert world.types(story).count("dispute.lost") == 1


def test_what_was_won_back_lets_the_order_go_on(world: World) -> None:
    story, reference = paid(world)
    for status in ("needs_response", "won"):
        world.bank.disputes[reference] = [disputed(story, reference, status=status)]
        assert world.deliver(told(reference, None, "dispute")) == []
    order = world.dossier(story).order
    assert (order.holds, order.charged_back) == ((), 0)
    assert booked(world, story) == ["dispute", "dispute_won"]


def test_a_refunded_payment_can_be_disputed(world: World) -> None:
    story, reference = paid(world)
    gross = totals(story.order).gross
    seen = world.provider.payments[reference]
    world.provider.payments[reference] = replace(seen, refunded=gross)
    world.bank.disputes[reference] = [disputed(story, reference)]
    assert world.deliver(told(reference, story, "dispute")) == []
    order = world.dossier(story).order
    assert (order.refunded, order.charged_back) == (gross.minor, gross.minor)


def test_a_dispute_of_another_system_is_none_of_ours(world: World) -> None:
    story, _ = paid(world)
    reference = world.provider.holds(story, order_id="")
    world.bank.disputes[reference] = [disputed(story, reference)]
    before = world.dossier(story)
    assert world.deliver(told(reference, None, "dispute")) == []
    assert (world.dossier(story), world.bank.asked) == (before, 0)


def test_other_news_of_a_payment_asks_for_no_disputes(world: World) -> None:
    story, reference = paid(world)
    assert world.deliver(told(reference, story)) == []
    assert world.bank.asked == 0


def test_disputed_money_of_a_cancelled_order_is_given_back_once_it_is_won(world: World) -> None:
    story, reference = paid(world)
    world.bank.disputes[reference] = [disputed(story, reference)]
    world.provider.disputed.add(reference)
    assert world.deliver(told(reference, story, "dispute")) == []
    dossier = world.dossier(story)
    save(world.db, cancel(dossier.order, dossier.shipments, "fraud", SYSTEM, START), START)
    assert world.deliver(told(reference, story)) == []
    assert world.provider.written == []
    world.bank.disputes[reference] = [disputed(story, reference, status="won")]
    world.provider.disputed.clear()
    assert world.deliver(told(reference, story, "dispute")) == []
    assert world.provider.written == [("refund", reference)]
    order = world.dossier(story).order
    assert (order.refunded, order.charged_back) == (order.captured, 0)


def test_a_payment_that_the_provider_does_not_know_is_told_to_somebody_and_pays_for_nothing(
    world: World,
) -> None:
    held, taken = at("confirmed", seed="1"), at("captured", seed="2")
    for story in (held, taken):
        store(world.db, story)
        assert story.seen is not None
        message = told(story.seen.reference, story)
        assert world.deliver(message, message) == []
        order = world.dossier(story).order
        assert [(a.code, a.detail) for a in order.alerts] == [
            ("unknown_payment", story.seen.reference)
        ]
        assert world.types(story).count("payment.vanished") == 1
    order = world.dossier(held).order
    assert (order.secured, [hold.code for hold in order.holds]) == (0, ["payment_lost"])
    # What was taken stays on the books until finance finds that it is not paid out.
    assert world.dossier(taken).order.captured == taken.order.captured
    assert world.deliver(told("pi_of_nobody", held)) == ["m0"]


def test_a_payment_made_by_hand_takes_no_place_of_another(world: World) -> None:
    """It bears the order's number and the first payment's, which pays for the order already."""
    story = at("confirmed")
    store(world.db, story)
    assert story.seen is not None
    world.provider.payments[story.seen.reference] = story.seen
    world.provider.payments["pi_by_hand"] = replace(story.seen, reference="pi_by_hand")
    for _ in range(2):
        assert world.deliver(told("pi_by_hand", story)) == []
    assert world.provider.written == [("void", "pi_by_hand")]
    kept = {payment.number: payment.reference for payment in world.dossier(story).payments}
    assert kept == {1: story.seen.reference, 2: "pi_by_hand"}
