"""Paying by itself: one payment per attempt, whatever crashes between the provider and us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment, GatewayStatus, Payment
from parcelway.ports import clock
from parcelway.ports.payments import GatewayRefused, GatewayUnavailable, PaymentGateway

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import Story, dossier_of, store

PUBLISHABLE = "pk_test_of_the_shop"


def nothing() -> None:
    """What usually comes before a call."""


@dataclass
class Provider:
    """A payment provider in memory; (order, attempt) names a payment, as the Protocol says.

    `fails` is raised by the next calls, `first` runs once before the next creation.
    """

    kept: dict[str, GatewayPayment] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    fails: Exception | None = None
    first: Callable[[], object] = nothing

    def create(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
        account: str = "",
    ) -> GatewayPayment:
        first, self.first = self.first, nothing
        first()
        assert not account, "none of these orders is a business's"
        self.asked.append((order_id, attempt))
        self.described += [description, receipt_reference]
        if self.fails:
            raise self.fails
        reference, zero = f"pi_{order_id}_{attempt}", Money(0, amount.currency)
        new = GatewayPayment(
            reference,
            order_id,
            attempt,
            "awaiting_customer",
            amount,
            *(zero, zero, zero),
            client_secret=f"{reference}_secret",
        )
        known = self.kept.setdefault(reference, new)
        if known.amount != amount:
            raise GatewayRefused("idempotency_error")
        return known

    def retrieve(self, reference: str) -> GatewayPayment:
        if self.fails:
            raise self.fails
        if reference not in self.kept:
            raise GatewayRefused("resource_missing")
        return self.kept[reference]

    def authorize(self, reference: str) -> GatewayPayment:
        raise AssertionError("a card's holder does that")

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        raise AssertionError("paying captures nothing")

    def void(self, reference: str, *, key: str) -> GatewayPayment:
        raise AssertionError("paying voids nothing")

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        raise AssertionError("paying refunds nothing")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, provider: Provider) -> Iterator[World]:
    with aws(monkeypatch, STRIPE_PUBLISHABLE_KEY=PUBLISHABLE) as db:
        yield with_gateway(World(db, "payment"), provider)
    clock.reset()


def with_gateway(world: World, gateway: PaymentGateway) -> World:
    world.function.gateway = lambda _: gateway
    return world


@pytest.fixture
def story(world: World) -> Story:
    """An order placed ten minutes ago, to be paid within twenty."""
    story = Story(now=clock.now() - timedelta(minutes=10)).filled()
    story.now = clock.now() - timedelta(minutes=10)
    store(world.db, story.placed())
    return story


def pay(world: World, story: Story, key: str = "") -> Answer:
    return world.call(
        "POST",
        "/carts/{cart_id}/payment",
        {"cart_id": story.order.id},
        {},
        cart_token=story.token,
        idempotency_key=key or new_key(),
    )


def payments(world: World, story: Story) -> tuple[Payment, ...]:
    """The payments that the tables know of."""
    dossier = dossier_of(world.db, story.order.id)
    return dossier.payments


def test_the_first_payment_is_created_and_kept(
    world: World, story: Story, provider: Provider
) -> None:
    seen = ok(pay(world, story), 201)
    gross = totals(story.order).gross
    reference = f"pi_{story.order.id}_1"
    assert seen == {
        "reference": reference,
        "status": "awaiting_customer",
        "amount": {"minor": gross.minor, "currency": "USD"},
        "client_secret": f"{reference}_secret",
        "publishable_key": PUBLISHABLE,
        "next_action_url": "",
        "card_kept": False,
        "failure_code": "",
    }
    (kept,) = payments(world, story)
    assert (kept.number, kept.reference, kept.amount) == (1, reference, gross)
    order = world.order(story.order.id)
    assert (order.payment_attempts, order.state) == (1, "placed")
    assert order.hold_until == story.order.hold_until


def test_the_provider_learns_nothing_about_the_customer(
    world: World, story: Story, provider: Provider
) -> None:
    ok(pay(world, story), 201)
    number = story.order.tracking_number
    assert provider.described == [f"Order {number}", number]


def test_the_secret_of_a_payment_is_not_kept(world: World, story: Story) -> None:
    secret = ok(pay(world, story), 201)["client_secret"]
    assert secret not in "".join(world.dump())


@pytest.mark.parametrize("same_key", [True, False])
def test_asking_again_gives_the_open_payment(
    world: World, story: Story, provider: Provider, same_key: bool
) -> None:
    key = new_key()
    first = pay(world, story, key)
    before = world.dump()
    assert pay(world, story, key if same_key else new_key()) == first
    assert world.dump() == before
    assert provider.asked == [(story.order.id, 1)]


def test_asking_again_shows_the_payment_as_it_is_now(
    world: World, story: Story, provider: Provider
) -> None:
    reference = ok(pay(world, story), 201)["reference"]
    provider.kept[reference] = replace(provider.kept[reference], failure_code="card_declined")
    again = ok(pay(world, story), 201)
    assert (again["reference"], again["failure_code"]) == (reference, "card_declined")


@pytest.mark.parametrize("done", [True, False])
def test_a_timeout_between_creating_and_keeping_leads_to_the_same_payment(
    world: World, story: Story, provider: Provider, done: bool
) -> None:
    key = new_key()
    answer = world.breaking(
        "transact_write_items", done=done, request=lambda: pay(world, story, key)
    )
    refused(answer, 503, "busy")
    assert len(payments(world, story)) == (1 if done else 0)
    seen = ok(pay(world, story, key), 201)
    assert list(provider.kept) == [seen["reference"]]
    assert set(provider.asked) == {(story.order.id, 1)}
    (kept,) = payments(world, story)
    assert (kept.number, kept.reference) == (1, seen["reference"])
    assert world.order(story.order.id).payment_attempts == 1


def test_two_tabs_at_once_get_the_same_payment(
    world: World, story: Story, provider: Provider
) -> None:
    other_tab = with_gateway(World(world.db, "payment"), provider)
    answers: list[Answer] = []
    provider.first = lambda: answers.append(pay(other_tab, story))
    answers.append(pay(world, story))
    one, other = (ok(answer, 201) for answer in answers)
    assert one == other
    assert len(provider.kept) == len(payments(world, story)) == 1


@pytest.mark.parametrize("status", ["voided", "failed"])
def test_after_a_payment_that_ended_comes_a_new_one(
    world: World, provider: Provider, status: GatewayStatus
) -> None:
    story = Story(now=clock.now() - timedelta(minutes=20)).filled().placed()
    story.pays("awaiting_customer")
    story.pays(status)
    store(world.db, story)
    seen = ok(pay(world, story), 201)
    assert provider.asked == [(story.order.id, 2)]
    assert [payment.number for payment in payments(world, story)] == [1, 2]
    assert payments(world, story)[1].reference == seen["reference"]
    assert world.order(story.order.id).payment_attempts == 2
    assert ok(pay(world, story), 201) == seen
    assert provider.asked == [(story.order.id, 2)]


@pytest.mark.parametrize("kept_first", [True, False])
def test_a_payment_that_ended_before_we_heard_of_it_is_followed_by_the_next(
    world: World, story: Story, provider: Provider, kept_first: bool
) -> None:
    if kept_first:
        reference = ok(pay(world, story), 201)["reference"]
    else:
        refused(
            world.breaking("transact_write_items", done=False, request=lambda: pay(world, story)),
            503,
            "busy",
        )
        (reference,) = provider.kept
    provider.kept[reference] = replace(provider.kept[reference], status="voided")
    seen = ok(pay(world, story), 201)
    assert (seen["status"], seen["reference"]) == ("awaiting_customer", f"pi_{story.order.id}_2")
    assert [payment.number for payment in payments(world, story)] == [1, 2]


# Refusals


def test_a_payment_of_another_account_is_refused_and_no_fault_of_ours(
    world: World, story: Story, provider: Provider
) -> None:
    pay(world, story)
    provider.kept.clear()
    refused(pay(world, story), 409, "payment-refused")


@pytest.mark.parametrize("stage", ["create", "retrieve"])
def test_a_provider_that_does_not_answer_is_tried_later(
    world: World, story: Story, provider: Provider, stage: str
) -> None:
    key = new_key()
    if stage == "retrieve":
        ok(pay(world, story), 201)
    before = world.dump()
    provider.fails = GatewayUnavailable("timeout")
    answer = pay(world, story, key)
    refused(answer, 503, "busy")
    assert answer["headers"]["Retry-After"] == "1"
    assert world.dump() == before
    provider.fails = None
    assert ok(pay(world, story, key), 201)["reference"] == f"pi_{story.order.id}_1"


def test_a_provider_that_refuses_is_named_with_its_reason(
    world: World, story: Story, provider: Provider
) -> None:
    before = world.dump()
    provider.fails = GatewayRefused("amount_too_small", "at least 50 cents, for ada")
    answer = pay(world, story)
    assert refused(answer, 409, "payment-refused")["detail"] == "amount_too_small"
    assert "ada" not in answer["body"]
    assert world.dump() == before


def test_when_the_hold_is_over_nothing_is_created(
    world: World, story: Story, provider: Provider
) -> None:
    before = world.dump()
    clock.travel(timedelta(minutes=21))
    refused(pay(world, story), 409, "too-late")
    assert provider.asked == []
    assert world.dump() == before


def test_the_first_attempt_gets_time_to_enter_a_card_and_no_other_does(
    world: World, story: Story, provider: Provider
) -> None:
    clock.travel(timedelta(minutes=19))
    ok(pay(world, story), 201)
    until = world.order(story.order.id).hold_until
    assert until is not None
    assert timedelta(minutes=14) < until - clock.now() <= timedelta(minutes=15)
    clock.travel(timedelta(minutes=10))
    ok(pay(world, story), 201)
    assert world.order(story.order.id).hold_until == until


@pytest.mark.parametrize("state", ["draft", "confirmed", "cancelled", "expired"])
def test_only_what_awaits_payment_is_paid(world: World, provider: Provider, state: str) -> None:
    story = Story(now=clock.now() - timedelta(hours=3)).filled()
    if state != "draft":
        story.placed()
    if state == "confirmed":
        story.confirmed()
    if state == "cancelled":
        story.cancelled()
    if state == "expired":
        story.expired()
    assert story.order.state == state
    store(world.db, story)
    before = world.dump()
    refused(pay(world, story), 409, "illegal-state")
    assert provider.asked == []
    assert world.dump() == before


def test_without_the_carts_token_there_is_nothing_to_pay(
    world: World, story: Story, provider: Provider
) -> None:
    token, story.token = story.token, "guessed"
    answers = [pay(world, story)]
    answers.append(
        world.call(
            "POST",
            "/carts/{cart_id}/payment",
            {"cart_id": "ord_nothing"},
            {},
            cart_token=token,
            idempotency_key=new_key(),
        )
    )
    refused(answers[0], 404, "not-found")
    assert answers[0] == answers[1]
    assert provider.asked == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [({"amount": 1}, "invalid-request"), ({"card": "4242424242424242"}, "card-number-refused")],
)
def test_a_payment_takes_nothing_that_the_body_says(
    world: World, story: Story, provider: Provider, body: dict[str, object], problem: str
) -> None:
    answer = world.call(
        "POST",
        "/carts/{cart_id}/payment",
        {"cart_id": story.order.id},
        body,
        cart_token=story.token,
        idempotency_key=new_key(),
    )
    refused(answer, 422, problem)
    assert provider.asked == []
