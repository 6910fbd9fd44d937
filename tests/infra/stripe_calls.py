"""What the tests of the Stripe stand-in ask of it."""

from __future__ import annotations

import json
import uuid

import stripe
from parcelway.domain.money import Money
from parcelway.ports.payments import GatewayPayment
from parcelway.ports.stripe_gateway import StripeGateway

from infra.local.stripe.client import StandIn


def usd(minor: int) -> Money:
    return Money(minor, "USD")


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
