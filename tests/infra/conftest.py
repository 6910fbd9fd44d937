"""A running sample stack and Stripe stand-in per test module; tests use their own ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import stripe
from parcelway.ports.stripe_gateway import StripeGateway

from infra.local.stack import Stack
from infra.local.stripe import client
from infra.local.stripe.client import StandIn
from tests.infra.shop import SAMPLE


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(SAMPLE) as running:
        yield running


@pytest.fixture(autouse=True)
def _at_rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test never starts in, or leaves, the middle of another one's work."""
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").settle()


@pytest.fixture
def new_id() -> str:
    return uuid.uuid4().hex[:10]


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
