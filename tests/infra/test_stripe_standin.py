"""The Stripe stand-in, driven through the official SDK: is it as strict as the real one?"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from parcelway.domain.money import Money
from parcelway.ports.payments import GatewayPayment, GatewayRefused
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.ports.webhooks import verify_stripe

from infra.local.stripe import client
from infra.local.stripe.client import StandIn, Unanswered


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class Receiver:
    """A webhook endpoint that verifies and remembers events, and fails the next `failures`."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []
        self.failures = 0
        self.secrets = ["whsec_standin"]
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.receive(body, self.headers["Stripe-Signature"]))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The tests' output is quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe"

    def receive(self, body: bytes, header: str) -> int:
        verify_stripe(body, header, self.secrets, datetime.now(UTC))
        event = stripe.Webhook.construct_event(body, header, self.secrets[0])
        with self.lock:
            if self.failures:
                self.failures -= 1
                return random.choice([500, 503, 302])
            self.events.append({"id": event.id, "type": event.type})
        return 200

    def types(self) -> set[object]:
        return {event["type"] for event in self.events}


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with client.start() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(standin: StandIn) -> StripeGateway:
    return StripeGateway(standin.secret_key, api_base=standin.api_base)


@pytest.fixture(scope="module")
def sdk(standin: StandIn) -> stripe.StripeClient:
    return stripe.StripeClient(standin.secret_key, base_addresses={"api": standin.api_base})


@pytest.fixture
def receiver(standin: StandIn) -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, daemon=True).start()
    standin.set_webhooks(url=receiver.url, copies=1, shuffle=False, first_pause=0.02)
    yield receiver
    standin.set_webhooks(url="", copies=1, shuffle=False, secrets=[standin.webhook_secret])
    receiver.server.shutdown()
    receiver.server.server_close()


def create(gateway: StripeGateway, amount: int = 1000, order: str = "") -> GatewayPayment:
    return gateway.create(
        order_id=order or f"ord_{uuid.uuid4().hex}",
        attempt=1,
        amount=usd(amount),
        description="Order P-1",
        receipt_reference="P-1",
    )


def authorize(standin: StandIn, gateway: StripeGateway) -> GatewayPayment:
    payment = create(gateway)
    standin.confirm(payment.client_secret)
    return gateway.retrieve(payment.reference)


def events_of(sdk: stripe.StripeClient, reference: str) -> list[str]:
    """The types of the events about a payment or its charges and refunds, oldest first."""
    found: list[str] = [
        event.type
        for event in sdk.v1.events.list({"limit": 100}).auto_paging_iter()
        if reference in json.dumps(event.data.object.to_dict())
    ]
    return found[::-1]


def test_it_starts_within_three_seconds_and_leaves_nothing_running() -> None:
    started = time.perf_counter()
    with client.start() as standin:
        assert time.perf_counter() - started < 3
        assert standin.api_base.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(standin.api_base, timeout=1)


def test_it_stops_when_whoever_started_it_is_killed() -> None:
    script = (
        "from infra.local.stripe import client\n"
        "import os\n"
        "with client.start() as standin:\n"
        "    print(standin.api_base, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    base = killed.stdout.decode().strip()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(base + "/v1/events", timeout=1)
        except urllib.error.HTTPError:
            time.sleep(0.05)
        except OSError:  # refused, or reset while it stops
            return
    pytest.fail("the stand-in outlived its parent")


# the life of a payment


def test_authorise_and_capture_everything(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    payment = create(gateway, order="ord_life")
    assert payment.status == "awaiting_customer"
    assert (payment.order_id, payment.attempt) == ("ord_life", 1)
    assert standin.confirm(payment.client_secret)["status"] == "requires_capture"
    held = gateway.retrieve(payment.reference)
    assert (held.status, held.authorized, held.captured) == ("authorized", usd(1000), usd(0))
    taken = gateway.capture(payment.reference, usd(1000), key="shp_1", final=True)
    assert (taken.status, taken.captured, taken.refunded) == ("captured", usd(1000), usd(0))
    assert events_of(sdk, payment.reference) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.amount_capturable_updated",
        "charge.updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("card", "code"),
    [("4000000000000002", "generic_decline"), ("4000000000009995", "insufficient_funds")],
)
def test_a_decline_leaves_the_payment_open_for_another_card(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient, card: str, code: str
) -> None:
    payment = create(gateway)
    shown = standin.confirm(payment.client_secret, card=card)
    assert shown["last_payment_error"]["decline_code"] == code
    declined = gateway.retrieve(payment.reference)
    assert (declined.status, declined.failure_code) == ("awaiting_customer", code)
    assert declined.authorized == usd(0)
    assert "payment_intent.payment_failed" in events_of(sdk, payment.reference)
    standin.confirm(payment.client_secret)
    paid = gateway.retrieve(payment.reference)
    assert (paid.status, paid.failure_code) == ("authorized", "")


@pytest.mark.parametrize("card", ["4000002500003155", "4000000000003220"])
@pytest.mark.parametrize("passed", [True, False])
def test_three_d_secure(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient, card: str, passed: bool
) -> None:
    payment = create(gateway)
    shown = standin.confirm(
        payment.client_secret,
        card=card,
        authenticate=None,
        return_url="https://shop.example/done?order=1#top",
    )
    assert shown["status"] == "requires_action"
    waiting = gateway.retrieve(payment.reference)
    assert waiting.status == "awaiting_customer"
    with urllib.request.urlopen(waiting.next_action_url) as page:
        text = page.read().decode()
    assert "10.00 USD" in text and card[-4:] in text and "Order P-1" in text
    back = urlsplit(standin.authenticate(waiting.next_action_url, passed))
    query = parse_qs(back.query)
    assert (back.netloc, back.path, back.fragment) == ("shop.example", "/done", "top")
    assert query["order"] == ["1"]
    assert query["payment_intent"] == [payment.reference]
    assert query["redirect_status"] == ["succeeded" if passed else "failed"]
    after = gateway.retrieve(payment.reference)
    failure = "payment_intent_authentication_failure"
    assert (after.status, after.failure_code, after.next_action_url) == (
        ("authorized", "", "") if passed else ("awaiting_customer", failure, "")
    )
    types = events_of(sdk, payment.reference)
    assert "payment_intent.requires_action" in types
    assert ("payment_intent.payment_failed" in types) is not passed
    # Pressing the other button afterwards changes nothing.
    standin.authenticate(waiting.next_action_url, not passed)
    assert gateway.retrieve(payment.reference).status == after.status


def test_the_bank_may_decline_after_authentication(
    standin: StandIn, gateway: StripeGateway
) -> None:
    payment = create(gateway)
    standin.confirm(payment.client_secret, card="4000008260003178", authenticate=True)
    assert gateway.retrieve(payment.reference).failure_code == "insufficient_funds"


def test_without_a_return_url_the_browser_shows_the_challenge_itself(
    standin: StandIn, gateway: StripeGateway
) -> None:
    payment = create(gateway)
    shown = standin.confirm(
        payment.client_secret, card="4000000000003220", authenticate=None, return_url=""
    )
    assert shown["next_action"]["type"] == "use_stripe_sdk"
    waiting = gateway.retrieve(payment.reference)
    assert (waiting.status, waiting.next_action_url) == ("awaiting_customer", "")


def test_a_challenge_page_cannot_be_guessed(standin: StandIn, gateway: StripeGateway) -> None:
    payment = create(gateway)
    standin.confirm(payment.client_secret, card="4000000000003220", authenticate=None)
    url = f"{standin.api_base}/_standin/3ds/{payment.reference}?token=guess"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url)


def test_partial_capture_releases_the_rest(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    payment = authorize(standin, gateway)
    taken = gateway.capture(payment.reference, usd(650), key="shp_1", final=True)
    assert (taken.status, taken.captured, taken.authorized) == ("captured", usd(650), usd(650))
    assert taken.refunded == usd(0), "a released hold is not a refund"
    assert sdk.v1.refunds.list({"payment_intent": payment.reference}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.capture(payment.reference)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_void_releases_the_hold(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    payment = authorize(standin, gateway)
    voided = gateway.void(payment.reference, key="cancel")
    assert (voided.status, voided.authorized) == ("voided", usd(0))
    assert events_of(sdk, payment.reference)[-1] == "payment_intent.canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.cancel(payment.reference)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_refunds_never_exceed_the_capture(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    payment = authorize(standin, gateway)
    gateway.capture(payment.reference, usd(700), key="shp_1", final=True)
    assert gateway.refund(payment.reference, usd(300), key="ret_1").refunded == usd(300)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"payment_intent": payment.reference, "amount": 401})
    assert (refused.value.code, refused.value.param) == (None, "amount")
    with pytest.raises(GatewayRefused):
        gateway.refund(payment.reference, usd(401), key="ret_2")
    assert gateway.refund(payment.reference, usd(400), key="ret_3").refunded == usd(700)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"payment_intent": payment.reference})
    assert refused.value.code == "charge_already_refunded"
    assert events_of(sdk, payment.reference).count("charge.refunded") == 2


def test_concurrent_refunds_never_exceed_the_capture(
    standin: StandIn, gateway: StripeGateway
) -> None:
    payment = authorize(standin, gateway)
    gateway.capture(payment.reference, usd(1000), key="shp_1", final=True)

    def refund(number: int) -> bool:
        try:
            gateway.refund(payment.reference, usd(300), key=f"ret_{number}")
        except GatewayRefused as refused:
            assert refused.code == "refund_exceeds_capture"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(refund, range(8))) == 3
    assert gateway.retrieve(payment.reference).refunded == usd(900)


def test_a_hold_lapses_after_seven_days() -> None:
    with client.start() as standin:
        gateway = StripeGateway(standin.secret_key, api_base=standin.api_base)
        held, begun = authorize(standin, gateway), authorize(standin, gateway)
        gateway.capture(begun.reference, usd(400), key="shp_1", final=False)
        standin.travel(timedelta(days=6, hours=23))
        assert gateway.retrieve(held.reference).status == "authorized"
        standin.travel(timedelta(hours=2))
        assert gateway.retrieve(held.reference).status == "voided"
        lapsed = gateway.retrieve(begun.reference)
        assert (lapsed.status, lapsed.captured) == ("captured", usd(400))


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
    ],
)
def test_creation_is_validated(sdk: stripe.StripeClient, params: dict[str, Any], code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.create({"amount": 500, "currency": "usd", **params})  # type: ignore[typeddict-item]
    # localstripe answers for customers, without a code
    assert refused.value.code == code or refused.value.http_status == 404


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


def test_customers_and_payment_methods_are_localstripes(sdk: stripe.StripeClient) -> None:
    customer = sdk.v1.customers.create({"email": "buyer@example.com"})
    assert sdk.v1.customers.retrieve(customer.id).email == "buyer@example.com"
    method = sdk.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"},
        }
    )
    attached = sdk.v1.payment_methods.attach(method.id, {"customer": customer.id})
    assert attached.customer == customer.id
    intent = sdk.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method.id,
            "confirm": True,
            "return_url": "https://shop.example/",
        }
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 500)


def test_lists_page_through_everything_newest_first(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.payment_intents.create({"amount": 500, "currency": "usd"}).id for _ in range(5)]
    listed = [i.id for i in sdk.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert listed[:5] == made[::-1]
    assert len(listed) == len(set(listed))


# webhooks


def test_webhooks_arrive_three_times_shuffled_through_errors_and_verify(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient, receiver: Receiver
) -> None:
    standin.set_webhooks(copies=3, shuffle=True, spread=0.2)
    receiver.failures = 7
    before = standin.settle()
    payment = authorize(standin, gateway)
    gateway.capture(payment.reference, usd(600), key="shp_1", final=True)
    gateway.refund(payment.reference, usd(100), key="ret_1")
    after = standin.settle()
    happened = events_of(sdk, payment.reference)
    assert len(happened) == 9
    assert set(Counter(str(event["id"]) for event in receiver.events).values()) == {3}
    assert receiver.types() == set(happened)
    assert after["delivered"] - before["delivered"] == 27
    assert after["attempts"] - before["attempts"] == 27 + 7
    assert after["given_up"] == before["given_up"]
    assert [event["type"] for event in receiver.events[::3]] != happened


def test_an_event_can_be_replayed(
    standin: StandIn, gateway: StripeGateway, receiver: Receiver
) -> None:
    create(gateway)
    standin.settle()
    (event,) = receiver.events
    standin.replay(str(event["id"]))
    standin.settle()
    assert receiver.events == [event, event]
    with pytest.raises(Unanswered):
        standin.replay("evt_unknown")


def test_both_secrets_sign_while_one_is_rotated(
    standin: StandIn, gateway: StripeGateway, receiver: Receiver
) -> None:
    standin.set_webhooks(secrets=["whsec_new", "whsec_standin"])
    for secret in ("whsec_new", "whsec_standin"):
        receiver.secrets = [secret]
        create(gateway)
        standin.settle()
    assert len(receiver.events) == 2


def test_deliveries_nobody_takes_are_given_up(
    standin: StandIn, gateway: StripeGateway, receiver: Receiver
) -> None:
    standin.set_webhooks(first_pause=0.0001)
    before = standin.settle()
    receiver.failures = 12
    create(gateway)
    after = standin.settle()
    assert after["given_up"] - before["given_up"] == 1
    assert receiver.events == []


@pytest.mark.parametrize(
    ("card", "given_back"), [("4000000000007726", 700), ("4000000000005126", 0)]
)
def test_the_test_cards_for_refunds(standin: StandIn, card: str, given_back: int) -> None:
    gateway = StripeGateway(standin.secret_key, api_base=standin.api_base, retries=0)
    amount = Money(700, "USD")
    made = gateway.create(
        order_id=f"ord_{card}", attempt=1, amount=amount, description="x", receipt_reference="x"
    )
    standin.confirm(made.client_secret, card)
    gateway.capture(made.reference, amount, key="all", final=True)
    with suppress(GatewayRefused):
        gateway.refund(made.reference, amount, key="back")
    assert gateway.retrieve(made.reference).refunded == Money(given_back, "USD")
