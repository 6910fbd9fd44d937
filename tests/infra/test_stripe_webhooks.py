"""The Stripe stand-in's webhooks: repeated, shuffled, signed, given up."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.ports.webhooks import verify_stripe

from infra.local.stripe.client import StandIn, Unanswered
from tests.infra.stripe_calls import authorize, create, events_of, usd


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


@pytest.fixture
def receiver(standin: StandIn) -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, daemon=True).start()
    standin.set_webhooks(url=receiver.url, copies=1, shuffle=False, first_pause=0.02)
    yield receiver
    standin.set_webhooks(url="", copies=1, shuffle=False, secrets=[standin.webhook_secret])
    receiver.server.shutdown()
    receiver.server.server_close()


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
