"""The Stripe stand-in, driven through the official SDK: does a payment live as at the real one?"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from parcelway.domain.money import Money
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.stripe_gateway import StripeGateway

from infra.local.stripe import client
from infra.local.stripe.client import StandIn
from tests.infra.stripe_calls import authorize, create, events_of, usd


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
        ends = gateway.retrieve(held.reference).capture_before
        assert ends is not None
        assert abs(ends - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=2)
        standin.travel(timedelta(hours=2))
        assert gateway.retrieve(held.reference).status == "voided"
        lapsed = gateway.retrieve(begun.reference)
        assert (lapsed.status, lapsed.captured) == ("captured", usd(400))


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
    gateway.refund(made.reference, amount, key="back")
    assert gateway.retrieve(made.reference).refunded == Money(given_back, "USD")
