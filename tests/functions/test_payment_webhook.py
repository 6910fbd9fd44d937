"""The provider's webhook: only what it signed just now gets on, and only what is of a payment."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from parcelway.ports import clock, secret_values
from parcelway.ports.webhooks import TOLERANCE, sign_stripe

from tests.functions import tables
from tests.functions.calls import Context, get_event, load

PARAMETER = "/test/stripe-webhook-secrets"
NEW, OLD = "whsec_new", "whsec_old"
# Spaces and an umlaut: a body that was parsed and written anew has another signature.
INTENT = (
    '{"id": "evt_1",  "type": "payment_intent.succeeded", "data": {"object": {"object":'
    ' "payment_intent", "id": "pi_1", "description": "Käse", "metadata": {"order_id": "ord_1"}}}}'
).encode()


@dataclass
class World:
    """The function, and the queue it writes to."""

    function: ModuleType
    queue_url: str

    def deliver(
        self, raw: bytes, signature: str, *, as_base64: bool = False, name: str = "Stripe-Signature"
    ) -> int:
        """POST `raw` as API Gateway hands it over; the status of the answer."""
        headers = {"Content-Type": "application/json; charset=utf-8", name: signature}
        event = get_event("/webhooks/stripe", headers=headers)
        event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
        event["body"] = base64.b64encode(raw).decode() if as_base64 else raw.decode()
        event["isBase64Encoded"] = as_base64
        answer = self.function.handler(event, Context())
        return int(answer["statusCode"])

    def messages(self) -> list[dict[str, Any]]:
        """What lies in the queue, and is taken out of it."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch, STRIPE_WEBHOOK_SECRET_PARAMETER=PARAMETER, DEPLOYMENT="shop"):
        secret_values.forget()  # its client may be of an earlier test's AWS
        boto3.client("ssm").put_parameter(Name=PARAMETER, Value=f"{NEW},{OLD}", Type="SecureString")
        url = boto3.client("sqs").create_queue(QueueName="payments")["QueueUrl"]
        monkeypatch.setenv("PAYMENTS_QUEUE_URL", url)
        payouts = boto3.client("sqs").create_queue(QueueName="settlements")["QueueUrl"]
        monkeypatch.setenv("SETTLEMENTS_QUEUE_URL", payouts)
        yield World(load("payment_webhook"), url)
        secret_values.forget()


def about(subject: object) -> bytes:
    return json.dumps({"id": "evt_1", "data": {"object": subject}}).encode()


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_an_event_signed_with_a_live_secret_is_kept_once(world: World, secret: str) -> None:
    assert world.deliver(INTENT, sign_stripe(INTENT, secret, clock.now())) == 200
    assert world.messages() == [{"payment": "pi_1", "order": "ord_1"}]


@pytest.mark.parametrize("end", ["canceled", "payment_failed"])
def test_medusa_16398_what_became_of_a_payment_is_passed_on_whatever_it_is(
    world: World, end: str
) -> None:
    """There, nobody listened to payments that failed or were called off."""
    raw = INTENT.replace(b"succeeded", end.encode())
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
    assert world.messages() == [{"payment": "pi_1", "order": "ord_1"}]


def test_a_dispute_is_told_as_what_it_is_about(world: World) -> None:
    raw = about({"object": "dispute", "id": "du_1", "payment_intent": "pi_1", "metadata": {}})
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
    assert world.messages() == [{"payment": "pi_1", "order": "", "about": "dispute"}]


@pytest.mark.parametrize("kind", ["payment_intent", "charge"])
def test_what_another_deployment_made_is_answered_and_left_to_it(world: World, kind: str) -> None:
    own = {"id": "pi_1"} if kind == "payment_intent" else {"payment_intent": "pi_1"}
    for deployment, told in (("shop", 1), ("shop-test", 0), ("", 0)):
        marked = {"order_id": "ord_1", "deployment": deployment}
        raw = about({"object": kind, **own, "metadata": marked})
        assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
        assert len(world.messages()) == told


@pytest.mark.parametrize("order_id", ["1042", "WC-1042", 1042])
def test_what_another_system_made_is_answered_and_left_to_it(world: World, order_id: Any) -> None:
    """Many name their orders so; nobody marks its payments."""
    intent = {"object": "payment_intent", "id": "pi_1", "metadata": {"order_id": order_id}}
    raw = about(intent)
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
    assert world.messages() == []


@pytest.mark.parametrize("kind", ["paid", "failed", "reconciliation_completed"])
def test_a_payout_goes_to_the_queue_of_its_own(world: World, kind: str) -> None:
    event = {"id": "evt_1", "type": f"payout.{kind}"}
    raw = json.dumps(event | {"data": {"object": {"object": "payout", "id": "po_1"}}}).encode()
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
    assert world.messages() == []
    world.queue_url = world.queue_url.replace("/payments", "/settlements")
    assert world.messages() == [{"payout": "po_1"}]


class Throttled:
    """A queue that is asked too much."""

    def send_message(self, **_: Any) -> None:
        answer: Any = {"Error": {"Code": "RequestThrottled", "Message": ""}}
        raise ClientError(answer, "SendMessage")


def test_a_queue_that_is_asked_too_much_has_the_provider_come_again(world: World) -> None:
    world.function.sqs = lambda: Throttled()  # type: ignore[attr-defined]
    assert world.deliver(INTENT, sign_stripe(INTENT, NEW, clock.now())) == 503


def test_headers_are_found_however_they_are_spelled(world: World) -> None:
    signature = sign_stripe(INTENT, NEW, clock.now())
    assert world.deliver(INTENT, signature, name="stripe-signature") == 200
    assert len(world.messages()) == 1


def test_a_base64_body_is_verified_on_the_bytes_behind_it(world: World) -> None:
    signature = sign_stripe(INTENT, NEW, clock.now())
    assert world.deliver(INTENT, signature, as_base64=True) == 200
    assert world.messages() == [{"payment": "pi_1", "order": "ord_1"}]
    of_the_text = sign_stripe(base64.b64encode(INTENT), NEW, clock.now())
    assert world.deliver(INTENT, of_the_text, as_base64=True) == 400
    assert world.messages() == []


def test_a_body_that_was_tampered_with_is_refused(world: World) -> None:
    signature = sign_stripe(INTENT, NEW, clock.now())
    for tampered in (INTENT.replace(b"pi_1", b"pi_2"), INTENT + b" ", INTENT.replace(b"  ", b" ")):
        assert world.deliver(tampered, signature) == 400
    assert world.messages() == []


@pytest.mark.parametrize("sign", [1, -1], ids=["future", "old"])
def test_a_signature_of_another_time_is_refused(world: World, sign: int) -> None:
    other = clock.now() + sign * (TOLERANCE + timedelta(seconds=30))
    assert world.deliver(INTENT, sign_stripe(INTENT, NEW, other)) == 400
    near = clock.now() + sign * (TOLERANCE - timedelta(seconds=30))
    assert world.messages() == []
    assert world.deliver(INTENT, sign_stripe(INTENT, NEW, near)) == 200
    assert len(world.messages()) == 1


@pytest.mark.parametrize("header", ["", "v1=", "t=1,v1=00", "t=x,v1=00", "nonsense"])
def test_what_is_no_signature_is_refused(world: World, header: str) -> None:
    assert world.deliver(INTENT, header) == 400
    assert world.messages() == []


def test_a_secret_that_is_not_live_any_more_is_refused(world: World) -> None:
    assert world.deliver(INTENT, sign_stripe(INTENT, "whsec_gone", clock.now())) == 400
    assert world.messages() == []


@pytest.mark.parametrize(
    "raw",
    [
        about({"object": "customer", "id": "cus_1"}),
        about({"object": "charge", "id": "ch_1", "payment_intent": None}),
        about({"object": "payment_intent", "id": 7}),
        about("pi_1"),
        b'{"id": "evt_1"}',
    ],
)
def test_an_event_about_something_else_is_taken_and_forgotten(world: World, raw: bytes) -> None:
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
    assert world.messages() == []


@pytest.mark.parametrize("raw", [b"[]", b"1.5", b"null", b'"text"'])
def test_json_that_is_no_event_is_refused(world: World, raw: bytes) -> None:
    """The document says that the body is an object (found by schemathesis)."""
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 400
    assert world.messages() == []


def test_a_refunded_charge_leads_to_its_payment(world: World) -> None:
    raw = about({"object": "charge", "id": "ch_1", "payment_intent": "pi_9", "metadata": {}})
    assert world.deliver(raw, sign_stripe(raw, NEW, clock.now())) == 200
    assert world.messages() == [{"payment": "pi_9", "order": ""}]


def test_a_signed_body_that_is_not_json_is_refused(world: World) -> None:
    assert world.deliver(b"{", sign_stripe(b"{", NEW, clock.now())) == 400
    assert world.messages() == []
