"""A customer's bank questions a payment of which half has been sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.demo.people import HOME, Client, Refused, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from tests.orders import dossier_of

NODE = "dc-columbus"
AWAY = HOME | {"line1": "9 River Road"}


@pytest.fixture(scope="module")
def staff(app: Application) -> Client:
    client = Client(app.url)
    client.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'csr')}"
    return client


@pytest.mark.parametrize("won", [True, False])
def test_nothing_more_leaves_until_the_bank_decides_for_the_shop(
    app: Application,
    article: Callable[..., str],
    shopper: Shopper,
    warehouse: Warehouse,
    staff: Client,
    won: bool,
) -> None:
    sku = article(units=9, price=2000)
    shopper.add(sku, 2)
    line = [{"sku": sku, "quantity": 1}]
    parts = [{"service": "parcel-standard", "address": to, "lines": line} for to in (HOME, AWAY)]
    shopper.divide(*parts)
    shopper.describe()
    shopper.place()
    shopper.pay()
    app.settle()
    first, second = (s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id)
    warehouse.ship(first)
    app.settle()
    taken = shopper.order["captured"]["minor"]
    assert 0 < taken < shopper.order["totals"]["gross"]["minor"]

    (payment,) = dossier_of(app.database, shopper.id).payments
    dispute = app.stripe.dispute(payment.reference, reason="product_not_received")
    app.settle()
    seen = staff.call("GET", f"/staff/orders/{shopper.id}")
    (shown,) = seen["disputes"]
    assert (shown["reference"], shown["status"]) == (dispute, "needs_response")
    assert (shown["reason"], shown["amount"]["minor"]) == ("product_not_received", taken)
    assert shown["due_by"] > shown["opened_at"]
    assert [(hold["code"], hold["detail"]) for hold in seen["holds"]] == [("dispute", dispute)]
    assert ("dispute_opened", dispute) in [(a["code"], a["detail"]) for a in seen["alerts"]]
    with pytest.raises(Refused) as refused:
        warehouse.report(second, "pack")
    assert (refused.value.status, "dispute" in refused.value.problem["detail"]) == (409, True)

    app.stripe.end_dispute(dispute, won=won)
    app.settle()
    seen = staff.call("GET", f"/staff/orders/{shopper.id}")
    assert seen["disputes"][0]["status"] == ("won" if won else "lost")
    assert bool(seen["holds"]) is not won
    if won:
        warehouse.ship(second)
        app.settle()
        assert shopper.order["payment_status"] == "captured"
    else:
        with pytest.raises(Refused):
            warehouse.report(second, "pack")
        warehouse_sees = [s["id"] for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
        assert warehouse_sees == [second["id"]]
    balances: dict[str, int] = {}
    for item in app.database.query(app.database.ledger, f"ORD#{shopper.id}", "POST#"):
        entries: list[dict[str, Any]] = item["posting"]["entries"]
        for entry in entries:
            balances[entry["account"]] = balances.get(entry["account"], 0) + entry["debit"]
    captured = shopper.order["captured"]["minor"]
    assert balances["gateway_clearing"] == captured - (0 if won else taken)
    assert balances["chargebacks"] == 0
    assert balances.get("chargeback_losses", 0) == (0 if won else taken)
