"""The webhook never arrives: what was paid is found all the same, and comes right or is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.money import Money
from parcelway.ports import secret_values
from parcelway.ports.payments import GatewayPayment
from parcelway.ports.stripe_gateway import StripeGateway

from infra.demo.people import Client, Shopper, sign_in_staff
from infra.local.application import Application
from tests.orders import dossier_of


@pytest.fixture(autouse=True)
def _unheard(app: Application) -> Iterator[None]:
    """No webhook of the provider's arrives."""
    app.settle()
    app.stripe.set_webhooks(url="")
    yield
    app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")


def placed(app: Application, sku: str) -> Shopper:
    shopper = Shopper(app.url, app.stripe)
    shopper.add(sku, 2)
    shopper.deliver()
    shopper.describe()
    shopper.place()
    return shopper


def dashboard(app: Application, deployment: str = "") -> StripeGateway:
    """The provider's own pages, used by somebody who marks what is made there."""
    mark = deployment or app.stack.build.stack_name
    return StripeGateway(app.stripe.secret_key, deployment=mark, api_base=app.stripe.api_base)


def paid_by_hand(
    app: Application, order_id: str, amount: Money, gateway: StripeGateway, attempt: int = 1
) -> GatewayPayment:
    """A payment that is held for an order, and that this does not know."""
    made = gateway.create(
        order_id=order_id,
        attempt=attempt,
        amount=amount,
        description="By phone",
        receipt_reference="",
    )
    app.stripe.confirm(made.client_secret)
    return gateway.retrieve(made.reference)


def reconciles(app: Application, later: timedelta = timedelta(minutes=15)) -> dict[str, int]:
    """The reconciler's next run."""
    app.travel(later)
    secret_values.forget()
    counts: dict[str, int] = app.stack.fire("ReconcilerFunction")
    app.settle()
    return counts


def finance_sees(app: Application) -> list[dict[str, Any]]:
    client = Client(app.url)
    client.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    items: list[dict[str, Any]] = client.call("GET", "/settlement/unmatched")["items"]
    return items


def test_what_no_webhook_told_of_is_found_in_time(
    app: Application, article: Callable[..., str]
) -> None:
    heard, unknown, ended, other = (placed(app, article()) for _ in range(4))
    gateway = dashboard(app)
    heard.pay()
    total = Money(**unknown.order["totals"]["gross"])
    known_to_none = paid_by_hand(app, unknown.id, total, gateway)
    ended.cancel()
    too_late = paid_by_hand(app, ended.id, total, gateway)
    elsewhere = paid_by_hand(app, other.id, total, dashboard(app, "another-shop"))
    assert [shopper.order["state"] for shopper in (heard, unknown)] == ["placed", "placed"]
    assert reconciles(app)["asked"] >= 3
    assert [shopper.order["state"] for shopper in (heard, unknown)] == ["confirmed", "confirmed"]
    (payment,) = dossier_of(app.database, unknown.id).payments
    assert (payment.reference, payment.counts) == (known_to_none.reference, True)
    assert gateway.retrieve(too_late.reference).status == "voided"
    types = [event.type for event in dossier_of(app.database, ended.id).events]
    assert types.count("payment.voided") == 1
    # What another deployment made is left to it.
    assert dossier_of(app.database, other.id).payments == ()
    assert dashboard(app, "another-shop").retrieve(elsewhere.reference).status == "authorized"
    assert reconciles(app)["asked"] == 0
    for shopper in (heard, unknown):
        shopper.cancel()
    app.settle()


def test_a_second_payment_of_one_order_is_let_go_and_the_first_pays(
    app: Application, article: Callable[..., str]
) -> None:
    """Made by hand, with the number that the first one has."""
    shopper, gateway = placed(app, article()), dashboard(app)
    shopper.pay()
    total = Money(**shopper.order["totals"]["gross"])
    reconciles(app)
    (first,) = dossier_of(app.database, shopper.id).payments
    app.travel(timedelta(hours=25))  # the provider has forgotten the key of the first
    second = paid_by_hand(app, shopper.id, total, gateway)
    assert second.reference != first.reference
    reconciles(app)
    payments = {p.number: p for p in dossier_of(app.database, shopper.id).payments}
    assert [payments[n].reference for n in (1, 2)] == [first.reference, second.reference]
    assert (payments[1].status, payments[2].status) == ("authorized", "voided")
    assert shopper.order["state"] == "confirmed"
    shopper.cancel()
    app.settle()


def test_money_that_no_order_can_have_is_shown_to_finance_until_it_is_gone(
    app: Application,
) -> None:
    gateway = dashboard(app)
    lost = paid_by_hand(app, "ord_that_never_was", Money(1234, "USD"), gateway)
    reconciles(app)
    (item,) = [
        i for i in finance_sees(app) if (i["difference"] or {}).get("payment") == lost.reference
    ]
    assert (item["why"], item["amount"]) == ("unknown_order", {"minor": 1234, "currency": "USD"})
    gateway.void(lost.reference, key="by hand")
    reconciles(app, timedelta(hours=25))
    left = [(i["difference"] or {}).get("payment") for i in finance_sees(app)]
    assert lost.reference not in left
