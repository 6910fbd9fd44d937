"""Taking the money for parcels that leave together, and what a crash in between leaves behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from parcelway.domain import authorization
from parcelway.domain.dues import asked_of_card, to_pay
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.store.database import Database
from parcelway.store.saving import save

from infra.local.stripe import client
from infra.local.stripe.client import StandIn
from tests.functions import tables
from tests.functions.calls import load
from tests.orders import SPLIT_STOCK, Story, dossier_of, store


@pytest.fixture(scope="module")
def stripe() -> Iterator[StandIn]:
    with client.start() as running:
        yield running


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as made:
        yield made


def two_parcels(
    db: Database, stripe: StandIn, gateway: StripeGateway, *, keep_card: bool = False
) -> tuple[Story, str]:
    """An order in two parcels, both sent and invoiced, nothing captured; and its payment."""
    story = Story(seed=uuid.uuid4().hex, stock=SPLIT_STOCK)
    story.filled().placed()
    seen = gateway.create(
        order_id=story.order.id,
        attempt=1,
        amount=totals(story.order).gross,
        description="x",
        receipt_reference="x",
        keep_card=keep_card,
    )
    story._apply(authorization.start(story.order, seen, story.now))
    stripe.confirm(seen.client_secret)
    seen = gateway.retrieve(seen.reference)
    story._apply(authorization.observe(story.order, story.payment, seen, story.facts))
    story.scheduled().released().packed().shipped().invoiced()
    store(db, story)
    return story, seen.reference


class Racing:
    """A gateway at which another capture lands just before ours."""

    def __init__(self, gateway: StripeGateway, first: Callable[[], Any]) -> None:
        self._gateway, self._first = gateway, first

    def retrieve(self, reference: str) -> GatewayPayment:
        return self._gateway.retrieve(reference)

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        first, self._first = self._first, lambda: None
        first()
        return self._gateway.capture(reference, amount, key=key, final=final)


def capture(db: Database, gateway: Any, story: Story, parcel: int) -> None:
    function = load("capture")
    function.db = lambda: db
    function.gateway = lambda _: gateway
    shipment = story.invoices[parcel].shipment_id
    function.handler({"order_id": story.order.id, "shipment_id": shipment}, None)


def refused(db: Database, gateway: Any, story: Story) -> bool:
    """Whether the function asks the state machine to try again later."""
    try:
        capture(db, gateway, story, 0)
    except Exception as error:
        return type(error).__name__ == "CaptureRefused"
    return False


def test_captures_of_two_parcels_at_once_take_all_that_is_owed(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway)
    first = story.invoices[0].gross
    racing = Racing(gateway, lambda: gateway.capture(reference, first, key="from:0", final=False))
    capture(db, racing, story, 1)
    capture(db, gateway, story, 0)
    dossier = dossier_of(db, story.order.id)
    assert gateway.retrieve(reference).captured == totals(dossier.order).gross
    assert dossier.order.captured == totals(dossier.order).gross.minor
    assert not dossier.order.alerts


def test_a_capture_repeated_after_a_crash_raises_no_false_alert(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway)
    gateway.capture(reference, story.invoices[0].gross, key="from:0", final=False)
    capture(db, gateway, story, 0)
    capture(db, gateway, story, 1)
    dossier = dossier_of(db, story.order.id)
    assert dossier.order.captured == totals(dossier.order).gross.minor
    assert not dossier.order.alerts


def test_goods_that_left_without_a_payment_behind_them_raise_an_alert(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway)
    voided = gateway.void(reference, key="lost")
    lost = authorization.observe(story.order, story.payment, voided, story.facts)
    assert lost is not None
    save(db, lost, story.now)
    for _ in range(2):  # the state machine comes again, and there still is no money
        assert refused(db, gateway, story)
    dossier = dossier_of(db, story.order.id)
    assert [alert.code for alert in dossier.order.alerts] == ["capture_failed"]


def test_goods_that_left_are_paid_by_the_kept_card_before_anybody_is_bothered(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway, keep_card=True)
    assert story.order.card == reference
    gateway.void(reference, key="lost")
    assert refused(db, gateway, story)  # which brings the news, and has the card charged
    dossier = dossier_of(db, story.order.id)
    assert [event.type for event in dossier.events][-1] == "payment.due"
    assert asked_of_card(dossier.order)
    again = gateway.charge_again(
        order_id=story.order.id,
        attempt=2,
        amount=to_pay(dossier.order),
        description="x",
        receipt_reference="x",
        like=dossier.order.card,
    )
    held = authorization.observe(dossier.order, None, again, story.facts)
    assert held is not None
    save(db, held, story.now)
    capture(db, gateway, story, 0)
    dossier = dossier_of(db, story.order.id)
    assert dossier.order.captured == totals(dossier.order).gross.minor
    assert not dossier.order.alerts
    assert not asked_of_card(dossier.order)


def test_goods_that_left_and_no_kept_card_pays_for_raise_an_alert_and_have_the_customer_asked(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway, keep_card=True)
    gateway.void(reference, key="lost")
    assert refused(db, gateway, story)
    unable = authorization.card_refused(
        dossier_of(db, story.order.id).order, "card_not_kept", story.now
    )
    assert unable is not None
    assert [e.type for e in unable.events][1:] == ["payment.needed", "payment.card_released"]
    save(db, unable, story.now)
    assert refused(db, gateway, story)
    dossier = dossier_of(db, story.order.id)
    assert [alert.code for alert in dossier.order.alerts] == ["capture_failed"]


def test_what_the_customer_pays_after_the_goods_have_left_is_captured(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway)
    gateway.void(reference, key="lost")
    assert refused(db, gateway, story)  # which brings the news
    _pays_anew(db, stripe, gateway, story)
    capture(db, gateway, story, 0)
    dossier = dossier_of(db, story.order.id)
    assert dossier.order.captured == totals(dossier.order).gross.minor


def _pays_anew(db: Database, stripe: StandIn, gateway: StripeGateway, story: Story) -> None:
    """The customer pays all of an order that lost its money."""
    dossier = dossier_of(db, story.order.id)
    number = authorization.next_attempt(dossier.order, dossier.payments[-1], story.now)
    again = gateway.create(
        order_id=story.order.id,
        attempt=number,
        amount=totals(story.order).gross,
        description="x",
        receipt_reference="x",
    )
    stripe.confirm(again.client_secret)
    paid = gateway.retrieve(again.reference)
    assert authorization.undo_first(dossier.order, None, paid) is None
    decision = authorization.observe(dossier.order, None, paid, story.facts)
    assert decision is not None
    save(db, decision, story.now)


class Forgetful:
    """A gateway that knows nothing of one payment any more."""

    def __init__(self, gateway: StripeGateway, forgotten: str) -> None:
        self._gateway, self._forgotten = gateway, forgotten

    def retrieve(self, reference: str) -> GatewayPayment:
        if reference == self._forgotten:
            raise GatewayRefused("resource_missing", reference)
        return self._gateway.retrieve(reference)

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        return self._gateway.capture(reference, amount, key=key, final=final)


def test_a_payment_that_its_provider_does_not_know_is_in_the_way_of_no_other(
    db: Database, stripe: StandIn
) -> None:
    gateway = StripeGateway(stripe.secret_key, api_base=stripe.api_base, retries=0)
    story, reference = two_parcels(db, stripe, gateway)
    forgetful = Forgetful(gateway, reference)
    assert refused(db, forgetful, story)  # nothing is held by it
    _pays_anew(db, stripe, gateway, story)
    capture(db, forgetful, story, 0)
    dossier = dossier_of(db, story.order.id)
    assert dossier.order.captured == totals(dossier.order).gross.minor
