"""The Stripe adapter: amounts, errors, and repeats long after the provider forgot the keys."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.money import CURRENCIES, Money
from parcelway.ports.payments import (
    GatewayPayment,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGateway,
)
from parcelway.ports.stripe_api import from_stripe_amount, to_stripe_amount
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.ports.stripe_payments import StripePayments

from infra.local.stripe import client
from infra.local.stripe.client import StandIn


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with client.start() as running:
        yield running


@pytest.fixture
def gateway(standin: StandIn) -> Iterator[PaymentGateway]:
    yield StripeGateway(standin.secret_key, api_base=standin.api_base, retries=1)
    standin.break_(latency=0, statuses=[], lose_answers=0)


def authorized(
    standin: StandIn, gateway: PaymentGateway, amount: Money | None = None
) -> GatewayPayment:
    created = gateway.create(
        order_id=f"ord_{uuid.uuid4().hex}",
        attempt=1,
        amount=amount or usd(1000),
        description="Order P-1",
        receipt_reference="P-1",
    )
    standin.confirm(created.client_secret)
    return gateway.retrieve(created.reference)


def refunds_of(standin: StandIn, reference: str) -> list[stripe.Refund]:
    sdk = stripe.StripeClient(standin.secret_key, base_addresses={"api": standin.api_base})
    return sdk.v1.refunds.list({"payment_intent": reference}).data


# amounts


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Money(1230, "EUR"), 1230),
        (Money(500, "JPY"), 500),
        (Money(5, "ISK"), 500),
        (Money(5, "UGX"), 500),
        (Money(5120, "KWD"), 5120),
    ],
)
def test_amounts_are_in_stripes_minor_unit(amount: Money, expected: int) -> None:
    assert to_stripe_amount(amount) == expected


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (Money(5124, "KWD"), "amount_invalid"),
        (Money(1000, "LYD"), "currency_not_supported"),
        (Money(1000, "IQD"), "currency_not_supported"),
    ],
)
def test_what_stripe_would_refuse_is_refused_before_asking(amount: Money, code: str) -> None:
    with pytest.raises(GatewayRefused) as refused:
        to_stripe_amount(amount)
    assert refused.value.code == code


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(0, 10**9))
def test_an_amount_stripe_takes_comes_back_the_same(currency: str, minor: int) -> None:
    money = Money(minor, currency)
    try:
        counted = to_stripe_amount(money)
    except GatewayRefused:
        return
    assert from_stripe_amount(counted, currency.lower()) == money


# repeats


def test_keys_are_forgotten_after_a_day_and_nothing_happens_twice(
    standin: StandIn, gateway: PaymentGateway
) -> None:
    paid, unpaid = authorized(standin, gateway), authorized(standin, gateway)
    first = gateway.capture(paid.reference, usd(700), key="shp_1", final=True)
    gateway.refund(paid.reference, usd(200), key="ret_1")
    gateway.void(unpaid.reference, key="cancel")
    standin.travel(timedelta(hours=30))
    again = gateway.capture(paid.reference, usd(700), key="shp_1", final=True)
    assert (again.captured, again.authorized) == (first.captured, first.authorized)
    assert gateway.refund(paid.reference, usd(200), key="ret_1").refunded == usd(200)
    assert gateway.void(unpaid.reference, key="cancel").status == "voided"
    assert [refund.amount for refund in refunds_of(standin, paid.reference)] == [200]


def test_a_key_with_another_amount_is_refused_even_after_a_day(
    standin: StandIn, gateway: PaymentGateway
) -> None:
    paid = authorized(standin, gateway)
    gateway.capture(paid.reference, usd(700), key="shp_1", final=True)
    gateway.refund(paid.reference, usd(200), key="ret_1")
    standin.travel(timedelta(hours=30))
    with pytest.raises(GatewayRefused) as refused:
        gateway.capture(paid.reference, usd(600), key="shp_1", final=True)
    assert refused.value.code == "idempotency_error"
    with pytest.raises(GatewayRefused) as refused:
        gateway.refund(paid.reference, usd(100), key="ret_1")
    assert refused.value.code == "idempotency_error"


def test_two_parcels_of_equal_price_are_two_captures(
    standin: StandIn, gateway: PaymentGateway
) -> None:
    paid = authorized(standin, gateway)
    for key in ("shp_1", "shp_1", "shp_2"):
        gateway.capture(paid.reference, usd(300), key=key, final=False)
    assert gateway.retrieve(paid.reference).captured == usd(600)
    released = gateway.capture(paid.reference, usd(0), key="close", final=True)
    assert (released.status, released.captured, released.authorized) == (
        "captured",
        usd(600),
        usd(600),
    )


def test_a_second_equal_capture_of_a_single_capture_hold_is_refused() -> None:
    with client.start(multicapture=False) as standin:
        gateway = StripeGateway(standin.secret_key, api_base=standin.api_base)
        paid = authorized(standin, gateway)
        assert not paid.multicapture
        with pytest.raises(GatewayRefused) as refused:
            gateway.capture(paid.reference, usd(500), key="shp_1", final=False)
        assert refused.value.code == "multicapture_unavailable"
        gateway.capture(paid.reference, usd(500), key="shp_1", final=True)
        with pytest.raises(GatewayRefused) as refused:
            gateway.capture(paid.reference, usd(500), key="shp_2", final=True)
        assert refused.value.code == "payment_intent_unexpected_state"
        assert gateway.retrieve(paid.reference).captured == usd(500)


def test_a_capture_made_by_hand_in_the_dashboard_counts(
    standin: StandIn, gateway: PaymentGateway
) -> None:
    paid = authorized(standin, gateway)
    sdk = stripe.StripeClient(standin.secret_key, base_addresses={"api": standin.api_base})
    sdk.v1.payment_intents.capture(paid.reference)
    assert gateway.capture(paid.reference, usd(1000), key="shp_1", final=True).captured == usd(1000)


# errors


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    standin: StandIn, gateway: PaymentGateway
) -> None:
    paid = authorized(standin, gateway)
    standin.break_(lose_answers=1)
    assert gateway.capture(paid.reference, usd(400), key="shp_1", final=True).captured == usd(400)
    standin.break_(lose_answers=2)
    with pytest.raises(GatewayUnavailable):
        gateway.refund(paid.reference, usd(100), key="ret_1")
    assert gateway.refund(paid.reference, usd(100), key="ret_1").refunded == usd(100)
    assert len(refunds_of(standin, paid.reference)) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_provider_is_unavailable(
    standin: StandIn, gateway: PaymentGateway, status: int
) -> None:
    standin.break_(statuses=[status] * 2)
    with pytest.raises(GatewayUnavailable):
        gateway.retrieve("pi_whatever")


def test_a_slow_provider_is_unavailable(standin: StandIn) -> None:
    impatient = StripeGateway(
        standin.secret_key, api_base=standin.api_base, timeout=(0.2, 0.2), retries=0
    )
    standin.break_(latency=0.6)
    try:
        with pytest.raises(GatewayUnavailable):
            impatient.retrieve("pi_whatever")
    finally:
        standin.break_(latency=0)


def test_a_provider_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(GatewayUnavailable):
        StripeGateway("sk_test_x", api_base="http://127.0.0.1:9", retries=0).retrieve("pi_1")


@pytest.mark.parametrize(
    ("write", "code"),
    [
        ("retrieve", "resource_missing"),
        ("over-refund", "refund_exceeds_capture"),
        ("refund of a hold", "refund_exceeds_capture"),
        ("over-capture", "amount_too_large"),
        ("void of a captured one", "payment_intent_unexpected_state"),
        ("capture of an unpaid one", "payment_intent_unexpected_state"),
    ],
)
def test_final_refusals_carry_a_stable_code(
    standin: StandIn, gateway: PaymentGateway, write: str, code: str
) -> None:
    paid = authorized(standin, gateway)
    unpaid = gateway.create(
        order_id=paid.order_id,
        attempt=2,
        amount=usd(1000),
        description="Order P-1",
        receipt_reference="P-1",
    )
    if write in ("over-refund", "void of a captured one"):
        gateway.capture(paid.reference, usd(1000), key="shp_1", final=True)
    writes = {
        "retrieve": lambda: gateway.retrieve("pi_unknown"),
        "over-refund": lambda: gateway.refund(paid.reference, usd(1001), key="ret"),
        "refund of a hold": lambda: gateway.refund(paid.reference, usd(1), key="ret"),
        "over-capture": lambda: gateway.capture(paid.reference, usd(1001), key="shp_1", final=True),
        "void of a captured one": lambda: gateway.void(paid.reference, key="void"),
        "capture of an unpaid one": lambda: gateway.capture(
            unpaid.reference, usd(1000), key="shp_1", final=True
        ),
    }
    with pytest.raises(GatewayRefused) as refused:
        writes[write]()
    assert refused.value.code == code


def test_a_wrong_key_is_our_fault_and_worth_a_repeat(standin: StandIn) -> None:
    with pytest.raises(GatewayUnavailable):
        StripeGateway("sk_test_wrong", api_base=standin.api_base).retrieve("pi_1")


def test_a_refund_the_bank_sent_back_is_not_counted_and_not_repeated(
    standin: StandIn, gateway: PaymentGateway
) -> None:
    paid = authorized(standin, gateway)
    gateway.capture(paid.reference, usd(1000), key="shp_1", final=True)
    gateway.refund(paid.reference, usd(300), key="ret_1")
    standin.fail_refund(refunds_of(standin, paid.reference)[0].id)
    assert gateway.retrieve(paid.reference).refunded == usd(0)
    with pytest.raises(GatewayRefused) as refused:
        gateway.refund(paid.reference, usd(300), key="ret_1")
    assert refused.value.code == "refund_failed"
    assert gateway.refund(paid.reference, usd(300), key="ret_1b").refunded == usd(300)


# the card that is charged again


def kept(
    standin: StandIn, gateway: StripeGateway, card: str = "4242424242424242"
) -> GatewayPayment:
    """A payment whose customer agreed to be charged again."""
    created = gateway.create(
        order_id=f"ord_{uuid.uuid4().hex}",
        attempt=1,
        amount=usd(1000),
        description="Order P-1",
        receipt_reference="P-1",
        keep_card=True,
    )
    standin.confirm(created.client_secret, card, authenticate=True)
    return gateway.retrieve(created.reference)


def again(
    gateway: StripeGateway, first: GatewayPayment, attempt: int = 2, minor: int = 600
) -> GatewayPayment:
    return gateway.charge_again(
        order_id=first.order_id,
        attempt=attempt,
        amount=usd(minor),
        description="Order P-1",
        receipt_reference="P-1",
        like=first.reference,
    )


@pytest.fixture
def cards(standin: StandIn) -> StripeGateway:
    return StripeGateway(standin.secret_key, api_base=standin.api_base, retries=0)


@pytest.mark.parametrize("card", ["4242424242424242", "4000002500003155"])
def test_a_kept_card_is_charged_again_once_however_late_it_is_repeated(
    standin: StandIn, cards: StripeGateway, card: str
) -> None:
    first = kept(standin, cards, card)
    assert (first.status, first.keeps_card, first.off_session) == ("authorized", True, False)
    cards.void(first.reference, key="lapsed")
    second = again(cards, first)
    assert (second.status, second.authorized, second.attempt) == ("authorized", usd(600), 2)
    assert second.off_session
    assert second.capture_before is not None
    standin.travel(timedelta(hours=30))
    assert again(cards, first) == second
    third = again(cards, first, attempt=3)
    assert third.reference != second.reference
    with pytest.raises(GatewayRefused) as refused:
        again(cards, first, minor=700)
    assert refused.value.code == "idempotency_error"


def test_a_visa_is_held_for_less_time_without_its_holder(
    standin: StandIn, cards: StripeGateway
) -> None:
    ends = []
    for card in ("4242424242424242", "5555555555554444"):
        first = kept(standin, cards, card)
        second = again(cards, first)
        assert first.capture_before is not None
        assert second.capture_before is not None
        ends.append(round((first.capture_before - second.capture_before) / timedelta(hours=1)))
    assert ends == [54, 0]


def test_a_card_that_only_its_holder_can_pay_with_waits_for_them(
    standin: StandIn, cards: StripeGateway
) -> None:
    first = kept(standin, cards, "4000002760003184")
    asked = again(cards, first)
    assert (asked.status, asked.failure_code) == ("awaiting_customer", "authentication_required")
    assert again(cards, first) == asked
    standin.confirm(asked.client_secret, "4000002760003184", authenticate=True)
    assert cards.retrieve(asked.reference).authorized == usd(600)


def test_a_declined_card_is_not_asked_twice_for_the_same_attempt(
    standin: StandIn, cards: StripeGateway
) -> None:
    first = kept(standin, cards)
    standin.decline_off_session()
    declined = again(cards, first)
    assert (declined.status, declined.failure_code) == ("awaiting_customer", "do_not_honor")
    standin.travel(timedelta(hours=30))
    assert again(cards, first) == declined


def test_a_card_that_was_not_kept_cannot_be_charged_again(
    standin: StandIn, cards: StripeGateway
) -> None:
    with pytest.raises(GatewayRefused) as refused:
        again(cards, authorized(standin, cards))
    assert refused.value.code == "card_not_kept"


def test_a_forgotten_card_is_charged_no_more_and_what_it_paid_stays(
    standin: StandIn, cards: StripeGateway
) -> None:
    first = kept(standin, cards)
    sdk = stripe.StripeClient(standin.secret_key, base_addresses={"api": standin.api_base})
    customer = sdk.v1.payment_intents.retrieve(first.reference).customer
    assert isinstance(customer, str)
    for _ in range(2):
        cards.forget_card(first.reference)
        assert sdk.v1.customers.retrieve(customer).deleted
    assert cards.retrieve(first.reference) == replace(first, keeps_card=False)
    with pytest.raises(GatewayRefused) as refused:
        again(cards, first)
    assert refused.value.code == "card_not_kept"
    taken = cards.capture(first.reference, first.authorized, key="sent", final=True)
    assert taken.captured == first.authorized
    assert cards.refund(first.reference, usd(100), key="back").refunded == usd(100)
    cards.forget_card(authorized(standin, cards).reference)  # where there is none


# several systems at one account


def ours(standin: StandIn, deployment: str) -> tuple[StripeGateway, StripePayments]:
    """A deployment's way to the account it shares."""
    return (
        StripeGateway(
            standin.secret_key, deployment=deployment, api_base=standin.api_base, retries=0
        ),
        StripePayments(standin.secret_key, deployment=deployment, api_base=standin.api_base),
    )


def test_a_deployment_lists_its_own_payments_and_others_have_no_order_of_its(
    standin: StandIn,
) -> None:
    standin.travel(timedelta(hours=2))
    (live, listed), (test, others) = ours(standin, "shop"), ours(standin, "shop-test")
    held = [authorized(standin, gateway) for gateway in (live, test, live)]
    sdk = stripe.StripeClient(standin.secret_key, base_addresses={"api": standin.api_base})
    for metadata in ({}, {"attempt": "first", "deployment": "till"}):
        sdk.v1.payment_intents.create({"amount": 500, "currency": "usd", "metadata": metadata})
    foreign = sdk.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "metadata": {"order_id": "1042"}}
    )
    assert live.retrieve(foreign.id).order_id == ""
    before = authorized(standin, StripeGateway(standin.secret_key, api_base=standin.api_base))
    made = [payment.made_at for payment in (*held, before) if payment.made_at]
    window = (min(made), max(made) + timedelta(seconds=1))
    page = listed.made(*window, "")
    assert page.payments == (live.retrieve(held[2].reference), live.retrieve(held[0].reference))
    assert (page.unreadable, page.next_after) == ((), "")
    (theirs,) = others.made(*window, "").payments
    assert theirs == test.retrieve(held[1].reference)
    assert live.retrieve(before.reference).order_id  # of before there were marks
    assert live.retrieve(held[1].reference).order_id == ""
    assert test.retrieve(held[1].reference).order_id
    assert listed.made(window[0], window[0], "").payments == ()


def test_a_long_list_comes_in_pages(standin: StandIn) -> None:
    standin.travel(timedelta(hours=2))
    gateway, listed = ours(standin, "many")
    made = []
    for attempt in range(101):
        made.append(
            gateway.create(
                order_id="ord_many",
                attempt=attempt + 1,
                amount=usd(500),
                description="",
                receipt_reference="P-1",
            )
        )
    since = made[0].made_at
    assert since is not None
    first = listed.made(since, since + timedelta(minutes=9), "")
    assert [p.attempt for p in first.payments] == list(range(101, 1, -1))
    rest = listed.made(since, since + timedelta(minutes=9), first.next_after)
    assert ([p.attempt for p in rest.payments], rest.next_after) == ([1], "")
