"""Staff order for others: from the call to the payment, with who did what on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra.demo.people import HOME, Refused, Shopper, staff
from infra.local.application import Application
from tests.orders import dossier_of

OTHER = HOME | {"name": "Bea Example", "line1": "9 Side Street"}


class Representative:
    """Somebody at the phone."""

    def __init__(self, app: Application, group: str = "csr") -> None:
        self.app, self.api = app, staff(app, group)

    def begin(self, **more: Any) -> Shopper:
        """A cart for somebody, held by a grant."""
        asked = {"channel": "phone", "cause": "phone_order"} | more
        begun = self.api.call("POST", "/staff/carts", asked)
        return self._holding(begun)

    def act_on(self, cart_id: str) -> Shopper:
        """Somebody's cart, held by a grant."""
        path, asked = f"/staff/carts/{cart_id}/grants", {"cause": "assistance"}
        return self._holding(self.api.call("POST", path, asked))

    def _holding(self, made: dict[str, Any]) -> Shopper:
        app = self.app
        return Shopper.holding(app.url, app.stripe, made["order"]["id"], made["cart_token"])


def actors(app: Application, order_id: str) -> dict[str, str]:
    """Who did what, by what happened."""
    return {event.type: event.actor.kind for event in dossier_of(app.database, order_id).events}


def test_a_guest_orders_by_phone_to_two_addresses_and_pays_by_link(
    app: Application, article: Callable[..., str]
) -> None:
    representative, sku = Representative(app), article(units=9)
    cart = representative.begin()
    cart.add(sku, 3)
    line = {"sku": sku, "quantity": 1}
    cart.divide(
        {"service": "parcel-standard", "address": HOME, "lines": [line | {"quantity": 2}]},
        {"service": "parcel-standard", "address": OTHER, "lines": [line]},
    )
    cart.describe("guest-by-phone@example.com")
    placed = cart.place()
    assert placed["state"] == "placed"
    assert "k=" not in placed["tracking_path"]
    with pytest.raises(Refused) as refused:
        cart.pay()
    assert (refused.value.status, refused.value.code) == (403, "not-by-grant")

    link = dossier_of(app.database, cart.id).order.link_token
    payment = Shopper(app.url, app.stripe).api.call(
        "POST", f"/track/{placed['tracking_number']}/payment?k={link}"
    )
    app.stripe.confirm(payment["client_secret"])
    app.settle()
    assert cart.order["state"] == "confirmed"
    kept = dossier_of(app.database, cart.id).order
    assert (kept.channel, kept.actor.kind, kept.customer_id) == ("phone", "staff", "")
    told = actors(app, cart.id)
    assert told["order.acting_began"] == told["order.placed"] == "staff"
    assert told["order.confirmed"] != "staff"


def test_the_link_is_mailed_and_the_goods_are_kept_until_it_is_paid(
    app: Application, article: Callable[..., str]
) -> None:
    representative, sku = Representative(app), article(units=2)
    cart = representative.begin(language="de")
    cart.add(sku, 2)
    cart.deliver()
    email = f"link-{cart.id[-8:]}@example.com"
    cart.describe(email)
    placed = cart.place()
    order_path = f"/staff/orders/{cart.id}"
    sent = representative.api.call("POST", f"{order_path}/payment-link")
    assert sent["pay_until"] > placed["pay_until"]
    representative.api.call("POST", f"{order_path}/notes", {"text": "Zahlt heute Abend."})
    app.settle()
    (mail,) = [mail for mail in app.stack.mails() if email in mail.to]
    assert mail.subject.startswith("Bitte ")
    link = dossier_of(app.database, cart.id).order.link_token
    assert link in mail.html

    app.travel(timedelta(hours=2))  # the usual hold would be over
    app.stack.fire("SweeperFunction")
    app.settle()
    assert cart_state(app, cart.id) == "placed"
    payment = Shopper(app.url, app.stripe).api.call(
        "POST", f"/track/{placed['tracking_number']}/payment?k={link}"
    )
    app.stripe.confirm(payment["client_secret"])
    app.settle()
    assert cart_state(app, cart.id) == "confirmed"

    seen = representative.api.call("GET", f"{order_path}/timeline")
    entries = {entry["type"]: entry for entry in seen["entries"]}
    assert entries["order.noted"]["note"] == "Zahlt heute Abend."
    assert entries["payment.link_sent"]["mail"] == "sent"
    assert seen["acted_by"] == [entries["order.placed"]["actor"]["id"]]
    times = [entry["at"] for entry in seen["entries"]]
    assert times == sorted(times)


def test_a_link_that_nobody_pays_gives_the_goods_back(
    app: Application, article: Callable[..., str]
) -> None:
    representative, sku = Representative(app), article(units=1)
    cart = representative.begin()
    cart.add(sku)
    cart.deliver()
    cart.describe()
    cart.place()
    representative.api.call("POST", f"/staff/orders/{cart.id}/payment-link")
    app.travel(timedelta(hours=25))
    app.stack.fire("SweeperFunction")
    app.settle()
    assert cart_state(app, cart.id) == "expired"
    with pytest.raises(Refused) as refused:
        representative.api.call("POST", f"/staff/orders/{cart.id}/payment-link")
    assert refused.value.code == "illegal-state"


def test_staff_take_over_a_cart_and_nobody_approves_what_they_act_for(
    app: Application, article: Callable[..., str], shopper: Shopper
) -> None:
    clerk, boss, other = (Representative(app, group) for group in ("csr", *["csr_supervisor"] * 2))
    sku, instead = article(units=9, price=4000), article(units=9, price=3000)
    shopper.add(sku, 2)
    held = boss.act_on(shopper.id)
    held.api.call("POST", f"{held.path}/lines/{sku}/substitution", {"sku": instead})
    assert [line["sku"] for line in shopper.order["lines"]] == [instead]
    value = {"minor": 1100, "currency": "USD"}
    asked = {"kind": "amount_off", "value": value, "reason": "goodwill"}
    path = f"/staff/carts/{shopper.id}/adjustments"
    proposed = clerk.api.call("POST", path, asked)["adjustments"][0]
    assert proposed["status"] == "proposed"
    with pytest.raises(Refused) as refused:
        boss.api.call("POST", f"{path}/{proposed['id']}/approve")
    assert (refused.value.status, refused.value.code) == (403, "four-eyes")
    approved = other.api.call("POST", f"{path}/{proposed['id']}/approve")
    assert approved["adjustments"][0]["status"] == "applied"


def test_a_customer_has_the_same_again_by_phone(
    app: Application, article: Callable[..., str], shopper: Shopper
) -> None:
    gone, there = article(units=1), article(units=9)
    bought = shopper.buy((gone, 1), (there, 2))
    app.settle()
    cart = Representative(app).begin()
    made = cart.api.call("POST", f"{cart.path}/reorder", {"order_id": bought["id"]})
    assert [(line["sku"], line["quantity"]) for line in made["cart"]["lines"]] == [(there, 2)]
    assert made["left_out"] == [{"sku": gone, "quantity": 1}]
    # A guest with a cart of their own reads nobody's order that way, not even by its id.
    guest = Shopper(app.url, app.stripe)
    with pytest.raises(Refused) as refused:
        guest.api.call("POST", f"{guest.path}/reorder", {"order_id": bought["id"]})
    assert (refused.value.status, refused.value.code) == (404, "not-found")


def cart_state(app: Application, order_id: str) -> str:
    """How far an order has come, whoever may ask."""
    return dossier_of(app.database, order_id).order.state
