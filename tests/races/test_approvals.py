"""An approver decides while the buyer changes and places the cart: only what was approved is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parcelway.domain.account_rules import content_of
from parcelway.domain.order import totals

from infra.bench.hot_sku import Shop
from infra.demo.people import Client, Shopper, staff
from infra.local.application import Application
from tests.orders import dossier_of
from tests.races.crowd import at_once, patiently
from tests.security.people import user

ROUNDS = 6


def test_no_order_is_placed_that_is_not_the_one_approved(app: Application) -> None:
    sku = "APPROVED-1"
    Shop(app.database, 1000, sku)
    buys, decides = user(app), user(app)
    boss = Client(app.url, {"Authorization": decides.authorization})
    clerk = Client(app.url, {"Authorization": buys.authorization})
    admin = staff(app, "admin")
    for each in (boss, clerk):
        customer = each.call("GET", "/customers/me")["id"]
        admin.call("PUT", f"/staff/customers/{customer}/standing", {"account": "raced"})
    noted = {
        "company": "Raced, Inc.",
        "contacts": [{"email": decides.email, "roles": ["approver"]}],
        "approval_above": {"minor": 0, "currency": "USD"},
    }
    admin.call("PUT", "/staff/accounts/raced", noted)
    for _ in range(ROUNDS):
        cart = Shopper(app.url, app.stripe)
        cart.api.headers["Authorization"] = buys.authorization
        cart.api.call("POST", f"{cart.path}/claim")
        cart.add(sku, 2)
        cart.deliver()
        cart.describe()
        approval = cart.api.call("POST", f"{cart.path}/approval")["approval"]
        asked = dossier_of(app.database, cart.id).order

        def does(what: str) -> str:
            decision = {"approval_id": approval["id"]}  # noqa: B023
            holder = Client(app.url, dict(cart.api.headers))  # noqa: B023
            path = cart.path  # noqa: B023
            ways: dict[str, Callable[[], Any]] = {
                "approve": lambda: Client(app.url, dict(boss.headers)).call(
                    "POST",
                    f"/account/approvals/{path.rpartition('/')[2]}/approve",
                    decision,
                ),
                "change": lambda: holder.call("PUT", f"{path}/lines/{sku}", {"quantity": 3}),
                "place": lambda: holder.call("POST", f"{path}/checkout", {}),
            }
            return f"{what} {patiently(ways[what])}"

        outcomes = set(at_once(does, ("approve", "change", "place"), 3))
        order = dossier_of(app.database, cart.id).order
        assert order.approval is not None
        if order.state != "draft":
            assert "approve done" in outcomes and "place done" in outcomes
            assert content_of(order) == order.approval.content == content_of(asked)
            assert totals(order).gross <= order.approval.total
        elif "change done" in outcomes:  # whatever was said before it is worth nothing now
            assert cart.order["approval"]["status"] == "void"
            assert patiently(lambda: cart.place()) == "approval-needed"  # noqa: B023
    app.settle(60)
