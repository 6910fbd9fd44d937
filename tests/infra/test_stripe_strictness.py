"""The Stripe stand-in is as strict as the real one: keys, parameters, cards, who may call."""

from __future__ import annotations

import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import stripe
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.stripe_gateway import StripeGateway

from infra.local.stripe.client import StandIn, Unanswered
from tests.infra.stripe_calls import create

# idempotency


def test_the_same_key_sixteen_times_at_once_is_one_payment(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    standin.break_(latency=0.05)
    try:
        with ThreadPoolExecutor(16) as pool:
            order = f"ord_{uuid.uuid4().hex}"
            made = list(pool.map(lambda _: create(gateway, order=order), range(16)))
    finally:
        standin.break_(latency=0)
    assert len({payment.reference for payment in made}) == 1
    stored = [
        intent
        for intent in sdk.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
        if intent.metadata.to_dict().get("order_id") == order
    ]
    assert len(stored) == 1


def test_a_key_in_flight_is_a_conflict(standin: StandIn) -> None:
    hasty = stripe.StripeClient(
        standin.secret_key, base_addresses={"api": standin.api_base}, max_network_retries=0
    )
    key = uuid.uuid4().hex

    def attempt(_: int) -> str:
        try:
            hasty.v1.payment_intents.create(
                {"amount": 500, "currency": "usd"}, {"idempotency_key": key}
            )
        except stripe.APIError as error:
            return f"{error.http_status} {error.code}"
        return "created"

    standin.break_(latency=0.3)
    try:
        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(attempt, range(2)))
    finally:
        standin.break_(latency=0)
    assert outcomes == ["409 None", "created"]


def test_a_key_with_other_parameters_is_refused(gateway: StripeGateway) -> None:
    create(gateway, amount=1000, order="ord_reused")
    assert create(gateway, amount=1000, order="ord_reused")
    with pytest.raises(GatewayRefused) as refused:
        create(gateway, amount=1100, order="ord_reused")
    assert refused.value.code == "idempotency_error"


def test_a_decline_is_remembered_under_its_key_and_a_validation_error_is_not(
    sdk: stripe.StripeClient,
) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    key = uuid.uuid4().hex
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            sdk.v1.payment_intents.confirm(
                intent.id,
                {"payment_method": "pm_card_visa_chargeDeclined"},
                {"idempotency_key": key},
            )
        assert declined.value.code == "card_declined"
    charges = [
        event
        for event in sdk.v1.events.list({"type": "charge.failed"}).data
        if event.data.object["payment_intent"] == intent.id
    ]
    assert len(charges) == 1
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create(
            {"amount": 1, "currency": "usd"}, {"idempotency_key": f"{key}-2"}
        )
    sdk.v1.payment_intents.create(
        {"amount": 100, "currency": "usd"}, {"idempotency_key": f"{key}-2"}
    )


# what Stripe refuses


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported"),
        ({"colour": "red"}, "parameter_unknown"),
        ({"amount": 10}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": "1.5"}, "parameter_invalid_integer"),
        ({"customer": "cus_unknown"}, "resource_missing"),
        ({"off_session": True}, None),
        ({"setup_future_usage": "always"}, None),
    ],
)
def test_creation_is_validated(
    sdk: stripe.StripeClient, params: dict[str, Any], code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.create({"amount": 500, "currency": "usd", **params})  # type: ignore[typeddict-item]
    assert (refused.value.code, refused.value.http_status) == (code, 400)


def test_only_documented_test_cards_can_pay(standin: StandIn, gateway: StripeGateway) -> None:
    payment = create(gateway)
    for number in ("4111111111111111", "4242424242424241", "1234"):
        with pytest.raises(Unanswered):
            standin.confirm(payment.client_secret, card=number)
    assert gateway.retrieve(payment.reference).status == "awaiting_customer"


def test_a_browser_needs_the_client_secret_and_sees_only_the_payment(
    standin: StandIn, gateway: StripeGateway
) -> None:
    payment = create(gateway)
    shown = standin.confirm(payment.client_secret)
    assert "metadata" not in shown and "latest_charge" not in shown
    for secret, key, path in (
        (f"{payment.reference}_secret_guess", standin.publishable_key, ""),
        (payment.client_secret, "pk_test_other", ""),
        (payment.client_secret, standin.publishable_key, "/capture"),
    ):
        request = urllib.request.Request(
            f"{standin.api_base}/v1/payment_intents/{payment.reference}{path}",
            data=f"client_secret={secret}".encode() if path else None,
            headers={"Authorization": f"Bearer {key}"},
        )
        if not path:
            request.full_url += f"?client_secret={secret}"
        with pytest.raises(urllib.error.HTTPError, match=r"400|401"):
            urllib.request.urlopen(request)


def test_a_page_of_another_origin_may_confirm(standin: StandIn) -> None:
    request = urllib.request.Request(
        f"{standin.api_base}/v1/payment_intents/pi_1/confirm",
        method="OPTIONS",
        headers={"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "POST"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_controls_take_json_only_so_that_no_page_can_post_a_form(standin: StandIn) -> None:
    request = urllib.request.Request(f"{standin.api_base}/_standin/settle", data=b"a=b")
    with pytest.raises(urllib.error.HTTPError, match="415"):
        urllib.request.urlopen(request)


def test_a_card_is_kept_only_by_paying_with_it_and_only_for_its_customer(
    sdk: stripe.StripeClient,
) -> None:
    customer = sdk.v1.customers.create({"metadata": {"order_id": "ord_1"}})
    other = sdk.v1.customers.create({"email": "buyer@example.com"})
    assert sdk.v1.customers.retrieve(other.id).email == "buyer@example.com"
    paid = {"amount": 500, "currency": "usd", "confirm": True}
    first = sdk.v1.payment_intents.create(
        {
            **paid,
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "setup_future_usage": "off_session",
        }
    )
    later = {**paid, "payment_method": str(first.payment_method), "off_session": True}
    second = sdk.v1.payment_intents.create({**later, "customer": customer.id})
    assert (second.status, second.amount_received) == ("succeeded", 500)
    for wrong in ({}, {"customer": other.id}, {"customer": "cus_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.payment_intents.create({**later, **wrong})
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create({**later, "customer": customer.id, "confirm": False})
    sdk.v1.customers.delete(customer.id)
    assert sdk.v1.customers.retrieve(customer.id).deleted
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create({**later, "customer": customer.id})


def test_lists_page_through_everything_newest_first(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.payment_intents.create({"amount": 500, "currency": "usd"}).id for _ in range(5)]
    listed = [i.id for i in sdk.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert listed[:5] == made[::-1]
    assert len(listed) == len(set(listed))


def test_payments_are_listed_by_when_they_were_made_and_on_from_one_of_them(
    standin: StandIn, sdk: stripe.StripeClient
) -> None:
    standin.travel(timedelta(hours=2))
    made = [sdk.v1.payment_intents.create({"amount": 500, "currency": "usd"}) for _ in range(3)]
    start = min(intent.created for intent in made) - 1
    window: Any = {"created": {"gte": start}}
    names = [intent.id for intent in made[::-1]]
    assert [i.id for i in sdk.v1.payment_intents.list(window)] == names
    page = sdk.v1.payment_intents.list({**window, "limit": 1, "starting_after": names[0]})
    assert ([i.id for i in page.data], page.has_more) == (names[1:2], True)
    assert sdk.v1.payment_intents.list({**window, "starting_after": names[-1]}).data == []
    assert sdk.v1.payment_intents.list({"created": {"gte": start, "lt": start}}).data == []
    (first,) = sdk.v1.payment_intents.list({**window, "limit": 1, "expand": ["data.customer"]}).data
    assert first.customer is None
    for wrong in (
        {"created": {"since": start}},
        {"created": {"gte": "yesterday"}},
        {"limit": 101},
        {"limit": 0},
        {"starting_after": "pi_none"},
        {"status": "succeeded"},
        {"expand": ["data.metadata"]},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.payment_intents.list(wrong)  # type: ignore[arg-type]
