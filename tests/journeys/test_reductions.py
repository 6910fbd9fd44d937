"""The service desk makes a price lower: from the call to the invoice, to the cent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.demo.people import Client, Refused, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from tests.orders import dossier_of

NODE = "dc-columbus"


def usd(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "USD"}


class Desk:
    """Somebody of the staff, at a customer's cart."""

    def __init__(self, app: Application, group: str) -> None:
        self.api = Client(app.url)
        self.api.headers["Authorization"] = f"Bearer {sign_in_staff(app, group)}"

    def adjust(self, cart: str, kind: str, minor: int, target: str = "") -> dict[str, str]:
        body = {"kind": kind, "target": target, "value": usd(minor), "reason": "goodwill"}
        made = self.api.call("POST", f"/staff/carts/{cart}/adjustments", body)["adjustments"][-1]
        return {"id": made["id"], "status": made["status"]}

    def approve(self, cart: str, adjustment: str) -> None:
        self.api.call("POST", f"/staff/carts/{cart}/adjustments/{adjustment}/approve")


def test_a_reduction_goes_from_the_call_to_the_invoice(
    app: Application, article: Callable[..., str], shopper: Shopper, warehouse: Warehouse
) -> None:
    clerk, supervisor = Desk(app, "csr"), Desk(app, "csr_supervisor")
    sku, other = article(units=9, price=1999), article(units=9, price=1)
    shopper.add(sku, 2)
    shopper.add(other, 1)
    shopper.deliver()
    shopper.describe()
    usual = shopper.order["totals"]["gross"]["minor"]
    assert clerk.adjust(shopper.id, "amount_off", 333)["status"] == "applied"
    free = clerk.adjust(shopper.id, "shipping_override", 0, "g1")
    assert free["status"] == "proposed"
    with pytest.raises(Refused) as refused:
        shopper.place()
    assert (refused.value.status, refused.value.code) == (409, "adjustment-pending")
    supervisor.approve(shopper.id, free["id"])

    shopper.add(sku, 1)  # changes its mind: a third one, at the usual price
    seen = shopper.order
    assert seen["totals"]["shipping"]["minor"] == 0
    assert seen["totals"]["goods"]["minor"] == 3 * 1999 + 1 - 333
    assert seen["totals"]["gross"]["minor"] < usual + 1999
    agreed = seen["totals"]["gross"]
    assert shopper.place(expected_total=agreed)["totals"] == seen["totals"]
    shopper.pay()
    app.settle()
    warehouse.ship(next(s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id))
    app.settle()

    dossier = dossier_of(app.database, shopper.id)
    (invoice,) = dossier.invoices
    assert invoice.gross.minor == agreed["minor"] == shopper.order["captured"]["minor"]
    off = sum(part.amount.minor for line in invoice.lines for part in line.allowances)
    assert off >= 333
    assert {part.name for line in invoice.lines for part in line.allowances} == {"Goodwill"}
    kept = [(each.kind, each.status) for each in dossier.order.adjustments]
    assert kept == [("amount_off", "applied"), ("shipping_override", "applied")]
    deciders = {each.decided_by for each in dossier.order.adjustments}
    assert len(deciders) == 2  # nobody, and the supervisor


def test_what_was_proposed_is_not_approved_for_another_cart(
    app: Application, article: Callable[..., str], shopper: Shopper
) -> None:
    """The trick: have a small reduction approved, of a cart that is large by then."""
    clerk, supervisor = Desk(app, "csr"), Desk(app, "csr_supervisor")
    sku = article(units=50, price=500)
    shopper.add(sku)
    proposal = clerk.adjust(shopper.id, "price_override", 100, sku)
    shopper.add(sku, 5)
    with pytest.raises(Refused) as refused:
        supervisor.approve(shopper.id, proposal["id"])
    assert refused.value.code == "stale-version"
    line = shopper.order["lines"][0]
    assert (line["unit_price"]["minor"], line["discounts"]) == (500, [])
