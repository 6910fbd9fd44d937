"""From the customer's card to the shop's bank account: every cent that was taken arrives, or the
books say where it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.ledger import balances
from parcelway.store.ledger import postings_of

from infra.demo.people import Client, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from tests.orders import dossier_of

AVAILABLE = "4000000000000077"  # a test card whose funds need not settle first
NODE = "dc-columbus"


@pytest.fixture(scope="module")
def finance(app: Application) -> Client:
    client = Client(app.url)
    client.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    return client


@pytest.fixture(autouse=True)
def _nothing_of_others(app: Application) -> None:
    """What other journeys left with the provider is paid out before."""
    app.travel(timedelta(days=3))
    app.stripe.pay_out()
    app.settle()


def sold(app: Application, warehouse: Warehouse, sku: str, card: str = AVAILABLE) -> Shopper:
    """An order that was paid for and sent."""
    shopper = Shopper(app.url, app.stripe)
    shopper.buy((sku, 2), card=card)
    app.settle()
    (shipment,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    warehouse.ship(shipment)
    app.settle()
    return shopper


def paid_out(app: Application, finance: Client) -> Any:
    """The day's payout as finance sees it once it was told of."""
    (payout,) = app.stripe.pay_out()
    app.settle()
    return finance.call("GET", f"/payouts/{payout}")


def booked(app: Application, *subjects: str) -> dict[str, int]:
    found = [each.posting for name in subjects for each in postings_of(app.database, name)]
    return dict(balances(found))


def test_what_was_taken_arrives_less_what_the_provider_kept(
    app: Application, article: Callable[..., str], warehouse: Warehouse, finance: Client
) -> None:
    app.stripe.set_pricing(tax=1900)
    first, second = (sold(app, warehouse, article(price=1234)) for _ in range(2))
    (payment,) = dossier_of(app.database, second.id).payments
    lost = app.stripe.dispute(payment.reference, amount=500)
    app.stripe.end_dispute(lost, won=False)
    app.settle()
    app.travel(timedelta(days=3))
    app.stripe.charge_fee(40, "usd")
    seen = paid_out(app, finance)
    captured = sum(shopper.order["captured"]["minor"] for shopper in (first, second))
    payout = seen["payout"]
    assert (payout["state"], payout["unmatched"], payout["count"]) == ("settled", 0, 4)
    kept = payout["fees"]["minor"] + payout["fee_taxes"]["minor"]
    assert kept > 1500 + 40
    assert payout["amount"]["minor"] == captured - 500 - kept
    sums = booked(app, first.id, second.id, payout["id"])
    assert sums["gateway_clearing"] == sums["chargebacks"] == 0
    assert sums["bank:main"] == payout["amount"]["minor"]
    assert sums["payment_fees"] + sums["input_tax"] == kept
    assert sums["chargeback_losses"] == 500
    fees = [
        finance.call("GET", f"/settlement/orders/{shopper.id}")["fees"][0]["minor"]
        for shopper in (first, second)
    ]
    assert fees[1] == fees[0] + 1500
    assert sum(fees) + 40 == payout["fees"]["minor"]
    app.stripe.set_pricing(tax=0)


def test_what_nothing_explains_waits_for_finance(
    app: Application, article: Callable[..., str], warehouse: Warehouse, finance: Client
) -> None:
    """A bank takes money back while nobody listens: a payout holds what nobody expects."""
    shopper = sold(app, warehouse, article())
    (payment,) = dossier_of(app.database, shopper.id).payments
    app.stripe.set_webhooks(url="")
    app.stripe.dispute(payment.reference, amount=100)
    app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")
    app.travel(timedelta(days=3))
    app.stripe.charge_fee(-3000, "usd")
    first = paid_out(app, finance)["payout"]
    assert (first["state"], first["unmatched"]) == ("settled", 1)
    (item,) = finance.call("GET", "/settlement/unmatched")["items"]
    assert (item["why"], item["amount"]["minor"]) == ("unknown_dispute", -1600)
    # The sweep has the order hear of it, and then books what that explains.
    for _ in range(2):
        app.stack.fire("SettlementImporterFunction")
        app.settle()
    assert finance.call("GET", "/settlement/unmatched")["items"] == []
    assert booked(app, shopper.id, first["id"])["gateway_clearing"] == 0
    # What the bank sends back is with the provider again, and in the next payout.
    app.stripe.fail_payout(first["id"])
    second = paid_out(app, finance)["payout"]
    assert (second["state"], second["unmatched"]) == ("settled", 0)
    assert finance.call("GET", f"/payouts/{first['id']}")["payout"]["state"] == "returned"
    assert booked(app, first["id"], second["id"])["bank:main"] == second["amount"]["minor"]


def test_a_payout_in_a_currency_without_an_account_is_refused(
    app: Application, article: Callable[..., str], warehouse: Warehouse, finance: Client
) -> None:
    app.stripe.set_pricing(rates={"usd": ["eur", "0.9123"]})
    shopper = sold(app, warehouse, article(price=4321))
    (payout,) = app.stripe.pay_out()
    app.settle()
    seen = finance.call("GET", f"/payouts/{payout}")["payout"]
    assert (seen["state"], seen["why"]) == ("refused", "unknown_account")
    (item,) = finance.call("GET", "/settlement/unmatched")["items"]
    assert item["payout"] == payout
    path = f"/settlement/unmatched/{item['id']}/resolve"
    finance.call("POST", path, {"reason": "the account is being opened"})
    assert finance.call("GET", "/settlement/unmatched")["items"] == []
    assert shopper.order["payment_status"] == "captured"
    app.stripe.set_pricing(rates={})
