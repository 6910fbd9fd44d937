"""The simulated provider behind the real gateway and SDK: faults, keys, time, copies of itself."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import pytest
import stripe
from parcelway.domain.money import Money
from parcelway.ports.payments import GatewayPayment, GatewayRefused, GatewayUnavailable
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.ports.webhooks import WebhookRefused, verify_stripe

from infra.local.patching import Patches
from infra.local.stripe.errors import Refusal
from infra.sim.stripe.provider import Provider
from infra.sim.stripe.transport import connection_error, installed
from infra.sim.stripe.views import Intent

T = TypeVar("T")
Fault = Literal["refused", "lost", "twice", "before", "after"]
START = datetime(2026, 11, 3, 12, tzinfo=UTC)


class Died(BaseException):
    """The process that called is gone."""


@dataclass
class World:
    """A provider on a clock of its own, reached by the real gateway; `faults` by attempt."""

    multicapture: bool = True
    now: datetime = START
    faults: dict[int, Fault] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self.provider = Provider(
            lambda: self.now,
            lambda prefix: f"{prefix}_{next(numbers)}",
            "whsec_sim",
            multicapture=self.multicapture,
        )
        self.gateway = StripeGateway("sk_test_sim")

    def around(self, label: str, attempt: Callable[[], T], /) -> T:
        fault = self.faults.get(len(self.attempts))
        self.attempts.append(label)
        if fault == "refused":
            raise connection_error()
        if fault == "before":
            raise Died
        answer = attempt()
        if fault == "lost":
            raise connection_error()
        if fault == "after":
            raise Died
        return attempt() if fault == "twice" else answer

    def make(self, order: str = "ord_1", minor: int = 1000) -> GatewayPayment:
        return self.gateway.create(
            order_id=order,
            attempt=1,
            amount=usd(minor),
            description="x",
            receipt_reference="x",
        )

    def hold(self, order: str = "ord_1", card: str = "4242424242424242") -> str:
        made = self.make(order)
        assert self.provider.confirm(made.client_secret, card) == "requires_capture"
        return made.reference

    def truth(self, order: str = "ord_1") -> Intent:
        (intent,) = self.provider.intents_of(order)
        return intent

    def types(self) -> list[str]:
        return [event.type for event in self.provider.events]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture
def world() -> Iterator[World]:
    yield from installed_world(World())


def installed_world(world: World) -> Iterator[World]:
    patches = Patches()
    installed(world.provider, patches, world.around)
    patches.replace(time, "sleep", world.slept.append)
    try:
        yield world
    finally:
        patches.undo()


@pytest.fixture
def sdk(world: World) -> Any:
    return stripe.StripeClient("sk_test_sim", http_client=stripe.RequestsClient()).v1


# faults: every attempt of every call of the gateway, every way it can go wrong

Call = Callable[[StripeGateway, str], object]
CALLS: dict[str, tuple[int, Call]] = {
    "retrieve": (1, lambda gateway, ref: gateway.retrieve(ref)),
    "capture": (2, lambda gateway, ref: gateway.capture(ref, usd(400), key="s1", final=False)),
    "last": (2, lambda gateway, ref: gateway.capture(ref, usd(400), key="s1", final=True)),
    "void": (2, lambda gateway, ref: gateway.void(ref, key="v")),
    "refund": (4, lambda gateway, ref: gateway.refund(ref, usd(300), key="r1")),
}


@pytest.mark.parametrize("fault", ["refused", "lost", "twice", "before", "after"])
@pytest.mark.parametrize("name", CALLS)
def test_a_fault_at_any_attempt_moves_money_once(name: str, fault: Fault) -> None:
    attempts, call = CALLS[name]
    outcomes = {_play(name, call, {}, attempts)}
    for number in range(attempts):
        outcomes.add(_play(name, call, {number: fault}, attempts))
    assert len(outcomes) == 1


def _play(name: str, call: Call, faults: dict[int, Fault], attempts: int) -> tuple[object, ...]:
    """What is true after `call` with `faults`, and the whole call again if the caller died."""
    world = World()
    for _ in installed_world(world):
        reference = world.hold()
        if name == "refund":
            world.gateway.capture(reference, usd(700), key="s0", final=True)
        world.attempts.clear()
        world.faults = faults
        with suppress(Died):
            call(world.gateway, reference)
        assert not faults or len(world.attempts) >= min(faults) + 1
        world.faults = {}
        call(world.gateway, reference)
        assert faults or len(world.attempts) >= attempts
        truth = world.truth()
        return truth.status, truth.captures, truth.refunds, truth.capturable, tuple(world.types())
    raise AssertionError


@pytest.mark.parametrize("fault", ["refused", "lost", "twice", "before", "after"])
def test_a_fault_while_creating_makes_one_payment(world: World, fault: Fault) -> None:
    world.faults = {0: fault}
    with suppress(Died):
        world.make()
    assert world.make().reference == world.truth().reference
    assert world.types() == ["payment_intent.created"]


def test_the_sdk_gives_up_after_three_attempts_and_a_later_call_goes_on(world: World) -> None:
    reference = world.hold()
    world.attempts.clear()
    world.faults = dict.fromkeys(range(1, 4), "lost")
    with pytest.raises(GatewayUnavailable):
        world.gateway.capture(reference, usd(400), key="s1", final=True)
    assert world.attempts == ["stripe.PaymentIntentRetrieve", *["stripe.PaymentIntentCapture"] * 3]
    assert len(world.slept) == 2 and min(world.slept) >= 0.5
    assert world.truth().captures == (400,)
    assert world.gateway.capture(reference, usd(400), key="s1", final=True).captured == usd(400)
    assert world.truth().captures == (400,)


# keys


def test_a_repeated_key_gets_the_first_answer_and_says_so(world: World, sdk: Any) -> None:
    params, options = {"amount": 500, "currency": "usd"}, {"idempotency_key": "k"}
    first = sdk.payment_intents.create(params, options)
    again = sdk.payment_intents.create(params, options)
    assert first.last_response.body == again.last_response.body
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    sdk.payment_intents.update(first.id, {"metadata": {"a": "1"}})
    assert sdk.payment_intents.retrieve(first.id, None, options).metadata.a == "1"
    with pytest.raises(stripe.IdempotencyError) as refused:
        sdk.payment_intents.create({**params, "amount": 600}, options)
    assert refused.value.http_status == 400
    world.now += timedelta(hours=23, minutes=59)
    assert sdk.payment_intents.create(params, options).id == first.id
    world.now += timedelta(minutes=2)
    assert sdk.payment_intents.create(params, options).id != first.id


def test_a_decline_is_repeated_under_its_key(world: World, sdk: Any) -> None:
    intent = sdk.payment_intents.create({"amount": 500, "currency": "usd"})
    bodies = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            sdk.payment_intents.confirm(
                intent.id,
                {"payment_method": "pm_card_chargeDeclined"},
                {"idempotency_key": "k"},
            )
        bodies.append(declined.value.json_body)
    assert bodies[0] == bodies[1]
    assert world.types().count("charge.failed") == 1


@pytest.mark.parametrize("days", [0, 2, 6])
def test_the_gateway_needs_no_key_to_move_money_once(world: World, days: int) -> None:
    reference = world.hold()
    for _ in range(2):
        world.gateway.capture(reference, usd(400), key="s1", final=False)
        world.gateway.refund(reference, usd(100), key="r1")
        world.now += timedelta(days=days)
    truth = world.truth()
    assert (truth.captures, truth.refunds) == ((400,), (100,))


# what is refused


def test_what_stripe_does_not_know_is_refused(world: World, sdk: Any) -> None:
    client = stripe.StripeClient("sk_test_sim", http_client=stripe.RequestsClient())
    for method, path in (("get", "/v1/customers"), ("post", "/v1/refunds/re_1/x"), ("get", "/v2")):
        with pytest.raises(stripe.InvalidRequestError) as unknown:
            client.raw_request(method, path)
        assert unknown.value.http_status == 404
    assert world.attempts[-1] == "stripe.Unknown"
    with pytest.raises(stripe.InvalidRequestError) as colour:
        sdk.payment_intents.create({"amount": 500, "currency": "usd", "colour": "red"})
    assert (colour.value.http_status, colour.value.code) == (400, "parameter_unknown")
    with pytest.raises(stripe.InvalidRequestError):
        sdk.payment_intents.create({"amount": 500, "currency": "usd", "customer": "cus_1"})
    stranger = stripe.StripeClient("pk_test_sim", http_client=stripe.RequestsClient())
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    assert world.types() == []


def test_a_browser_needs_the_secret_and_a_test_card(world: World) -> None:
    made = world.make()
    for secret, card in (
        (f"{made.reference}_secret_guess", "4242424242424242"),
        (made.client_secret, "4111111111111111"),
    ):
        with pytest.raises(Refusal):
            world.provider.confirm(secret, card)
    assert world.truth().status == "requires_payment_method"


def test_an_over_refund_and_a_second_capture_without_multicapture_are_refused() -> None:
    for world in installed_world(World(multicapture=False)):
        reference = world.hold()
        with pytest.raises(GatewayRefused, match="multicapture_unavailable"):
            world.gateway.capture(reference, usd(400), key="s1", final=False)
        world.gateway.capture(reference, usd(400), key="s1", final=True)
        with pytest.raises(GatewayRefused, match="refund_exceeds_capture"):
            world.gateway.refund(reference, usd(401), key="r1")
        assert world.truth().refunds == ()


def test_several_captures_and_refunds_are_counted_one_by_one(world: World) -> None:
    reference = world.hold()
    for key, amount in (("s1", 400), ("s2", 300), ("s2", 300), ("s3", 100)):
        world.gateway.capture(reference, usd(amount), key=key, final=key == "s3")
    for key, amount in (("r1", 50), ("r1", 50), ("r2", 50), ("r3", 700)):
        world.gateway.refund(reference, usd(amount), key=key)
    truth = world.truth()
    assert (truth.captures, truth.refunds) == ((400, 300, 100), (50, 50, 700))
    assert (truth.status, truth.captured, truth.refunded) == ("succeeded", 800, 800)
    assert (truth.amount, truth.capturable, truth.currency) == (1000, 0, "usd")


# cards, time, events


@pytest.mark.parametrize(
    ("card", "authenticate", "status", "failure"),
    [
        ("4242424242424242", None, "requires_capture", ""),
        ("4000000000000002", True, "requires_payment_method", "generic_decline"),
        ("4000000000009995", True, "requires_payment_method", "insufficient_funds"),
        ("4000002500003155", True, "requires_capture", ""),
        (
            *("4000002500003155", False, "requires_payment_method"),
            "payment_intent_authentication_failure",
        ),
        ("4000002500003155", None, "requires_action", ""),
    ],
)
def test_cards(
    world: World, card: str, authenticate: bool | None, status: str, failure: str
) -> None:
    made = world.make()
    assert world.provider.confirm(made.client_secret, card, authenticate) == status
    assert world.gateway.retrieve(made.reference).failure_code == failure
    held = world.provider.authenticate(made.client_secret, True)
    assert held == ("requires_capture" if status == "requires_action" else status)


@pytest.mark.parametrize(("card", "left"), [("4000000000007726", 300), ("4000000000005126", 0)])
def test_refund_cards_and_refunds_sent_back(world: World, card: str, left: int) -> None:
    reference = world.hold(card=card)
    world.gateway.capture(reference, usd(700), key="s1", final=True)
    world.gateway.refund(reference, usd(300), key="r1")
    assert (world.truth().refunded, sum(world.truth().refunds)) == (left, left)
    if left:
        (refund,) = {e.object["id"] for e in world.provider.events if e.type == "refund.created"}
        world.provider.fail_refund(refund)
    assert (world.truth().refunded, world.truth().refunds) == (0, ())
    assert world.types()[-1] == "refund.failed"


@pytest.mark.parametrize("by_hand", [True, False])
def test_holds_lapse(world: World, by_hand: bool) -> None:
    held, begun = world.hold("ord_1"), world.hold("ord_2")
    world.gateway.capture(begun, usd(400), key="s1", final=False)
    world.now += timedelta(days=6, hours=23)
    assert world.truth().status == "requires_capture"
    if by_hand:
        world.provider.lapse(held)
        assert world.truth("ord_2").status == "requires_capture"
        world.provider.lapse(begun)
    else:
        world.now += timedelta(hours=1)
    assert world.types()[-4:] == [
        *("charge.expired", "payment_intent.canceled"),
        *("charge.captured", "payment_intent.succeeded"),
    ]
    assert world.provider.events[-1].created == int(world.now.timestamp())
    assert world.gateway.retrieve(held).status == "voided"
    assert (world.truth().status, world.truth().capturable) == ("canceled", 0)
    assert (world.truth("ord_2").status, world.truth("ord_2").captures) == ("succeeded", (400,))
    world.provider.lapse(begun)
    assert len(world.types()) == len(world.provider.events)
    with pytest.raises(GatewayRefused):
        world.gateway.capture(held, usd(1000), key="s2", final=True)


def test_webhooks_are_signed_for_the_moment_they_are_sent(world: World) -> None:
    world.hold()
    late = START + timedelta(days=2)
    for event in world.provider.events:
        headers, body = world.provider.signed(event, late)
        verify_stripe(body, headers["Stripe-Signature"], ["whsec_sim"], late)
        with pytest.raises(WebhookRefused):
            verify_stripe(body, headers["Stripe-Signature"], ["whsec_sim"], START)
        with pytest.raises(WebhookRefused):
            verify_stripe(body + b" ", headers["Stripe-Signature"], ["whsec_sim"], late)
        told = stripe.Event.construct_from(event.payload, None)
        assert (told.id, told.type, told.created) == (event.id, event.type, event.created)


def test_events_keep_their_object_as_it_was(world: World) -> None:
    reference = world.hold()
    world.gateway.capture(reference, usd(1000), key="s1", final=True)
    created = world.provider.events[0]
    assert created.object["status"] == "requires_payment_method"
    assert created.object["client_secret"].startswith(f"{reference}_secret_")


def test_the_sdk_is_its_own_again_afterwards() -> None:
    before = stripe.RequestsClient.request, stripe.RequestsClient.request_stream
    for _ in installed_world(World()):
        assert stripe.RequestsClient.request is not before[0]
        with pytest.raises(NotImplementedError):
            stripe.RequestsClient().request_stream("get", "https://api.stripe.com/v1", {})
    assert before == (stripe.RequestsClient.request, stripe.RequestsClient.request_stream)


def test_a_snapshot_remembers_the_open_challenge_and_what_was_captured(world: World) -> None:
    made, held = world.make("ord_1"), world.hold("ord_2")
    world.provider.confirm(made.client_secret, "4000002500003155", None)
    world.gateway.capture(held, usd(300), key="s1", final=False)
    kept = world.provider.snapshot()
    for _ in range(2):
        world.provider.restore(kept)
        assert world.provider.authenticate(made.client_secret, True) == "requires_capture"
        world.gateway.capture(held, usd(200), key="s2", final=False)
        assert world.truth("ord_2").captures == (300, 200)
