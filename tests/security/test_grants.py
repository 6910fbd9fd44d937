"""No role may do more than its function does: one run in which every grant is of use."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from parcelway.domain.audience import Audience
from parcelway.domain.listing import SETTLED
from parcelway.domain.money import Money
from parcelway.domain.promotions import Promotion, Step
from parcelway.domain.shop import ReservationPolicy
from parcelway.ports import clock, secret_values
from parcelway.ports.bus import SOURCE
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.store import catalogue, revaluing, shards, shop
from parcelway.store.offers import put_offer
from parcelway.store.orders import get_order

from infra.cli.openapi_examples import BODIES
from infra.demo.marketplace import Marketplace, sold
from infra.demo.people import (
    DECLINED,
    Carrier,
    Client,
    Refused,
    Shopper,
    Warehouse,
    open_account,
    sign_in_staff,
    staff,
    transfer,
)
from infra.local.application import Application
from infra.local.calls import Call
from infra.local.iam.actions import needs
from tests.functions.calls import bus_event
from tests.orders import dossier_of
from tests.sample import NODE

PASSWORD = "a long enough pass phrase 7"
AVAILABLE = "4000000000000077"
STORE = "store-dayton"
_STREAM = "Lambda itself sends what it gave up of the stream, in the function's name"
_SCHEDULE = "Lambda itself sends the schedule's event that failed for good, in the function's name"
EXCEPTIONS = {
    ("SettlementImporterFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
    ("ReconcilerFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
    ("SweeperFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
    ("SearchIndexerFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
    ("BookkeepingFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
    ("BackordersFunction", "sqs:SendMessage", "StreamDeadLetters"): _STREAM,
    ("EventsFunction", "sqs:SendMessage", "StreamDeadLetters"): _STREAM,
    ("SearchIndexerFunction", "sqs:SendMessage", "StreamDeadLetters"): _STREAM,
}
"""Grants that no call of a handler uses, each with who needs it instead."""


def person(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Ann Example",
        "email": f"g-{uuid.uuid4().hex[:10]}@example.com",
        "password": PASSWORD,
        "consent": {"terms_accepted": True},
    } | changes


def code(app: Application, email: str) -> str:
    mail = [mail for mail in app.stack.mails() if email in mail.to][-1]
    found = re.search(r"\b\d{6}\b", mail.text or "")
    assert found is not None
    return found.group()


def member(app: Application, **changes: Any) -> Client:
    """Signs up twice, the second time in place of the first; confirms, resets, signs in and out."""
    client, form = Client(app.url), person(**changes)
    email = form["email"]
    client.call("POST", "/customers", form)
    client.call("POST", "/customers", form | {"name": "Ann Again"})
    client.call("POST", "/customers/confirmation", {"email": email, "code": code(app, email)})
    client.call("POST", "/passwords/reset", {"email": email})
    reset = {"email": email, "code": code(app, email), "password": PASSWORD}
    client.call("POST", "/passwords/reset/confirmation", reset)
    tokens = client.call("POST", "/sessions", {"email": email, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {tokens['id_token']}"
    client.call("PUT", "/customers/me/challenge", {"question": "My dog?", "answer": "Rex"})
    client.call("DELETE", "/customers/me/challenge")
    client.call("PATCH", "/customers/me", {"name": "Ann Other"})  # found by that, and not as before
    return client


def invited(app: Application) -> None:
    """The desk makes somebody a customer whose own sign-up was never confirmed, and finds them."""
    form, desk = person(), staff(app, "csr")
    Client(app.url).call("POST", "/customers", form)
    names = {"given_name": "Ann", "family_name": "Example"}
    made = desk.call("POST", "/staff/customers", {"email": form["email"], **names})["customer"]
    path = f"/staff/customers/{made['id']}"
    desk.call("PATCH", path, {"family_name": "Exemplar"})
    desk.call("POST", f"{path}/invitation")
    desk.call("PUT", f"{path}/challenge", {"question": "Your teacher?", "answer": "Mrs. Example"})
    app.travel(timedelta(minutes=6))
    Client(app.url).call("POST", "/passwords/reset", {"email": form["email"]})
    for clue in ({"family_name": "Exemplar"}, {"order_id": "ord_of_nobody"}):
        desk.call("GET", "/staff/customers", reason="grants", **clue)
    for state in ("locked", "enabled"):
        desk.call("PUT", f"{path}/state", {"state": state, "reason": "a test"})


def merged(app: Application, client: Client, sku: str) -> None:
    """A member who has ordered, also as a guest, becomes part of a record that the desk made."""
    desk, boss = staff(app, "csr"), staff(app, "csr_supervisor")
    me = client.call("GET", "/customers/me")
    own = me["id"]
    ready(app, sku, email=me["email"]).place()
    someone = {"email": person()["email"], "given_name": "Ann", "family_name": "Example"}
    made = desk.call("POST", "/staff/customers", someone)["customer"]["id"]
    duplicate = {"duplicate": own, "reason": "one person"}
    done = boss.call("POST", f"/staff/customers/{made}/merge", duplicate)
    assert done["orders_moved"] == 2
    app.travel(timedelta(hours=2))
    app.stack.fire("SweeperFunction")  # looks once more, and is done with it
    app.settle()


def ready(app: Application, *skus: str, email: str = "ann@example.com") -> Shopper:
    """A cart that only has to be placed."""
    shopper = Shopper(app.url, app.stripe)
    for sku in skus:
        shopper.add(sku)
    shopper.deliver()
    shopper.describe(email)
    return shopper


def waiting(warehouse: Warehouse, shopper: Shopper) -> dict[str, Any]:
    (shipment,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    return shipment


def life(app: Application, sku: str) -> None:
    """An order of a member from the cart to the door, with its documents and mails."""
    invited(app)
    client, warehouse, carrier = member(app), Warehouse(app), Carrier(app)
    shopper = Shopper(app.url, app.stripe)
    shopper.api.headers |= client.headers
    shopper.api.call("POST", f"{shopper.path}/claim")
    shopper.add(sku, 2)
    shopper.api.call("GET", f"{shopper.path}/delivery-options", country="US")
    shopper.deliver()
    shopper.describe("bounce@example.com")
    placed = shopper.place()
    shopper.pay(DECLINED)
    app.settle()
    payment = shopper.api.call("POST", f"{shopper.path}/payment", {})
    secret_values.forget()  # one process here, and several containers that read them there
    app.stripe.confirm(payment["client_secret"])
    app.settle()
    shipment = waiting(warehouse, shopper)
    app.travel(timedelta(days=4))
    app.stack.fire("SweeperFunction")  # tells of the quiet order again: its execution is there
    app.settle()
    parcel = {"carrier": "Sample Parcel", "parcel_number": uuid.uuid4().hex[:12]}

    def ship() -> None:  # it has left before the execution begins to wait for that
        secret_values.forget()
        warehouse.report(shipment, "ship", parcel)

    def hear_of_it() -> None:  # the provider tells of the capture before it is booked
        deadline = time.monotonic() + 20
        while shopper.order["payment_status"] != "captured":
            assert time.monotonic() < deadline, "the webhook never came"
            time.sleep(0.05)

    keeps = partial(_keeps_wait, "shipped")
    with meanwhile(app, keeps, ship), meanwhile(app, _books_capture, hear_of_it):
        warehouse.report(shipment, "pack")
        app.settle()
    bucket = app.stack.resource("DocumentsBucket")
    s3 = app.stack.client("s3")
    invoice = f"{placed['tracking_path'].partition('?')[0]}/invoices/{shipment['id']}"
    link = {"k": placed["tracking_path"].partition("?k=")[2]}
    assert app.stack.request("GET", invoice, query=link).status == 200
    paper = f"/track/{placed['tracking_number']}/receipt.pdf"
    assert app.stack.request("GET", paper, query=link).status == 200
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=found["Key"])
    assert app.stack.request("GET", invoice, query=link).status == 404  # as before it is rendered
    carrier.report(parcel, "delivered")
    app.settle()
    assert client.call("GET", "/orders")["orders"][0]["state"] == "closed"
    assert app.stack.request("GET", f"/track/{placed['tracking_number']}").status == 200
    delivered_twice(app, shopper.id)
    client.call("GET", f"/orders/{shopper.id}")
    desk = staff(app, "csr")
    (number,) = desk.call("GET", f"/staff/orders/{shopper.id}")["invoices"]
    desk = staff(app, "finance")
    asked = {"invoice": number, "shipping": True, "reason": "came late"}
    note = desk.call("POST", f"/staff/orders/{shopper.id}/credit-notes", asked)["number"]
    app.settle()
    documents = f"/staff/orders/{shopper.id}/documents"
    supplied = BODIES["billing_self_bill"]
    desk.call("POST", "/staff/suppliers/TEEGARTEN/invoices", supplied)
    app.settle()
    for wanted, status in ((note, 200), (number, 404)):  # the invoice's PDF was lost above
        assert (
            app.stack.request("GET", f"{documents}/{wanted}", None, desk.headers).status == status
        )
    merged(app, client, sku)


def delivered_twice(app: Application, order_id: str) -> None:
    """EventBridge hands an event on at least once: also when the order's execution is over."""
    events = dossier_of(app.database, order_id).events
    told = next(event for event in events if event.type == "order.confirmed")
    entry = {
        "EventBusName": app.stack.resource("OrderEvents"),
        "Source": SOURCE,
        "DetailType": "order.confirmed",
        "Detail": json.dumps(bus_event(told)["detail"]),
    }
    app.stack.client("events").put_events(Entries=[entry])
    app.settle()


def offered(app: Application, sku: str) -> None:
    """All that an admin keeps; from then on every order counts on a promotion."""
    admin = Client(app.url)
    admin.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'admin')}"
    steps, name = [{"amounts": {"USD": 1}}], {"en": "A cent off"}
    cent = {"name": name, "action": "amount", "steps": steps}
    admin.call("PUT", "/offers/promotions/cent", cent | {"limit": 10**6})
    admin.call("PUT", "/offers/promotions/first", cent | {"first_order": True})
    admin.call("PUT", "/offers/promotions/coded", cent | {"coupon": True})
    admin.call("PUT", "/offers/coupons/GRANTS", {"promotion": "coded", "limit": 1})
    admin.call("GET", "/offers/coupons/GRANTS")
    admin.call("DELETE", "/offers/coupons/GRANTS")
    admin.call("PUT", "/offers/price-lists/grants", {"name": "Grants", "currency": "USD"})
    prices = {"prices": [{"sku": sku, "tiers": [{"minor": 999}]}]}
    admin.call("PUT", "/offers/price-lists/grants/prices", prices)
    prices["prices"][0]["tiers"] = []
    admin.call("PUT", "/offers/price-lists/grants/prices", prices)
    admin.call("DELETE", "/offers/price-lists/grants")


def adjusted(app: Application, sku: str) -> None:
    """A reduction that is proposed, found and approved."""
    shopper, clerk, supervisor = ready(app, sku), Client(app.url), Client(app.url)
    shopper.api.headers |= member(app).headers
    shopper.api.call("POST", f"{shopper.path}/claim")
    clerk.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'csr')}"
    supervisor.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'csr_supervisor')}"
    path = f"/staff/carts/{shopper.id}/adjustments"
    asked = {"kind": "shipping_override", "target": "g1", "reason": "goodwill"}
    clerk.call("POST", path, asked | {"value": {"minor": 0, "currency": "USD"}})
    (proposal,) = supervisor.call("GET", "/staff/adjustments")["proposals"]
    supervisor.call("POST", f"{path}/{proposal['adjustment']['id']}/approve")
    assert shopper.order["totals"]["shipping"]["minor"] == 0
    shopper.api.call("PUT", f"{shopper.path}/tax-id", {"tax_id": "ATU13585627"})
    shopper.place()
    shopper.cancel()


def approved(app: Application, sku: str) -> None:
    """A company's cart: its approver is asked about it twice, agrees, and it is placed."""
    buyer, approver, name = member(app), member(app), f"co-{uuid.uuid4().hex[:8]}"
    people = [each.call("GET", "/customers/me")["id"] for each in (buyer, approver)]
    admin = staff(app, "admin")
    for each in people:
        admin.call("PUT", f"/staff/customers/{each}/standing", {"account": name})
    noted = {
        "company": "Grants, Inc.",
        "contacts": [{"customer_id": people[1], "roles": ["approver"]}],
        "approval_above": {"minor": 0, "currency": "USD"},
    }
    admin.call("PUT", f"/staff/accounts/{name}", noted)
    admin.call("GET", f"/staff/accounts/{name}")
    shopper = ready(app, sku)
    shopper.api.headers |= buyer.headers
    shopper.api.call("POST", f"{shopper.path}/claim")
    shopper.api.call("POST", f"{shopper.path}/approval")
    shopper.api.call("PATCH", shopper.path, {"purchase_order": "PO-1"})
    shopper.api.call("POST", f"{shopper.path}/approval")
    (asked,) = approver.call("GET", "/account/approvals")["approvals"]
    decision = {"approval_id": asked["approval"]["id"]}
    approver.call("POST", f"/account/approvals/{shopper.id}/approve", decision)
    shopper.place()
    shopper.cancel()


def acted_for(app: Application, sku: str) -> None:
    """Staff begin a cart for a customer, place and cancel it, and act on one that was there."""
    customer, clerk = member(app).call("GET", "/customers/me"), staff(app, "csr")
    wanted = {"channel": "phone", "cause": "phone_order", "customer_id": customer["id"]}
    begun = clerk.call("POST", "/staff/carts", wanted)
    held = Shopper.holding(app.url, app.stripe, begun["order"]["id"], begun["cart_token"])
    held.add(sku)
    held.deliver()
    held.describe(customer["email"])
    held.api.call("PUT", f"{held.path}/tax-id", {"tax_id": "ATU13585627"})
    held.place()
    clerk.call("POST", f"/staff/orders/{held.id}/payment-link")
    clerk.call("POST", f"/staff/orders/{held.id}/notes", {"text": "Pays tonight."})
    clerk.call("GET", f"/staff/orders/{held.id}/timeline")
    clerk.call("GET", "/staff/desk")
    for asked in ({"channel": "phone"}, {"status": "placed"}, {"attention": "true"}):
        clerk.call("GET", "/staff/orders", None, None, **asked)
    held.cancel()
    grants = f"/staff/carts/{Shopper(app.url, app.stripe).id}/grants"
    again = clerk.call("POST", "/staff/carts", wanted)
    held = Shopper.holding(app.url, app.stripe, again["order"]["id"], again["cart_token"])
    held.api.call("POST", f"{held.path}/reorder", {"order_id": begun["order"]["id"]})
    opened = clerk.call("POST", grants, {"cause": "assistance"})
    clerk.call("DELETE", f"{grants}/{opened['grant']}")


def at_the_counter(app: Application, sku: str) -> None:
    """A company's buyer takes more than their store has of what a crowd was after."""
    customer, clerk = member(app).call("GET", "/customers/me")["id"], staff(app, "csr")
    company = {"account": f"acme-{uuid.uuid4().hex[:8]}"}
    staff(app, "admin").call("PUT", f"/staff/customers/{customer}/standing", company)
    wanted = {"channel": "in_person", "cause": "counter_order", "customer_id": customer}
    begun = clerk.call("POST", "/staff/carts", wanted)
    held = Shopper.holding(app.url, app.stripe, begun["order"]["id"], begun["cart_token"])
    held.add(sku, 21)
    paid = {"method": "cash", "amount": {"minor": 100_000, "currency": "USD"}}
    shards.split(app.database, sku, STORE, 1, clock.now())
    with puts_together(app, "CounterFunction"):
        sale = {"store": STORE, "tenders": [paid]}
        sold = clerk.call("POST", f"/staff/carts/{held.id}/counter-sale", sale)
    app.settle()
    assert held.order["state"] == "closed"
    path, _, token = sold["receipt_path"].partition("?k=")
    assert app.stack.request("GET", path, query={"k": token}).status == 200


def claimed(app: Application, sku: str) -> None:
    """A guest orders, signs up, orders once more without signing in, and looks at the orders."""
    email = f"g-{uuid.uuid4().hex[:10]}@example.com"
    before = ready(app, sku, email=email.upper())
    before.place()
    client = member(app, email=email)
    after = ready(app, sku, email=email)
    after.place()
    found = client.call("GET", "/orders")["orders"]
    assert {order["id"] for order in found} == {before.id, after.id}
    for shopper in (before, after):
        shopper.cancel()


def gifts(app: Application, sku: str) -> None:
    """Gift cards: issued, blocked, put on carts, given back by a cancelled order, taken for one
    that is sent."""
    client, staff, warehouse = member(app), Client(app.url), Warehouse(app)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    wanted = {"kind": "store_credit", "value": {"minor": 99999, "currency": "USD"}, "reason": "x"}
    whose = {"customer_id": client.call("GET", "/customers/me")["id"]}
    made = staff.call("POST", "/staff/gift-cards", wanted | whose)
    path, code = f"/staff/gift-cards/{made['card']['id']}", {"code": made["code"]}
    staff.call("POST", f"{path}/block", {"reason": "lost"})
    staff.call("POST", f"{path}/unblock", {"reason": "found"})
    for end in ("cancelled", "sent"):
        shopper = ready(app, sku)
        shopper.api.headers |= client.headers
        shopper.api.call("POST", f"{shopper.path}/claim")
        shopper.api.call("PUT", f"{shopper.path}/gift-cards/balance", code)
        shopper.api.call("PUT", f"{shopper.path}/gift-cards", code)
        shopper.api.call("DELETE", f"{shopper.path}/gift-cards/{made['card']['id']}")
        shopper.api.call("PUT", f"{shopper.path}/gift-cards", code)
        placed = shopper.place()
        assert (placed["state"], placed["to_pay"]["minor"]) == ("confirmed", 0)
        app.settle()
        if end == "cancelled":
            shopper.cancel()
            app.settle()
            continue
        shipment = waiting(warehouse, shopper)
        warehouse.report(shipment, "pack")
        parcel = {"carrier": "Sample Parcel", "parcel_number": uuid.uuid4().hex[:12]}
        warehouse.report(shipment, "ship", parcel)
        app.settle()
        assert shopper.order["captured"] == placed["totals"]["gross"]
    seen = staff.call("GET", path)
    kinds = [entry["kind"] for entry in seen["history"]]
    assert kinds == ["issued", "blocked", "unblocked", "redeemed", "returned", "redeemed"]
    left = 99999 - placed["totals"]["gross"]["minor"]
    assert seen["card"]["balance"]["minor"] == left


def forgotten(app: Application, sku: str) -> None:
    """Somebody with store credit, look-ups, a cart and an order that is over is forgotten; and so
    is a guest."""
    boss, finance = staff(app, "csr_supervisor"), staff(app, "finance")
    client = member(app)
    own = client.call("GET", "/customers/me")["id"]
    wanted = {"kind": "store_credit", "value": {"minor": 1, "currency": "USD"}, "reason": "x"}
    card = finance.call("POST", "/staff/gift-cards", wanted | {"customer_id": own})["card"]["id"]
    shopper = ready(app, sku)
    shopper.api.headers |= client.headers
    shopper.api.call("POST", f"{shopper.path}/claim")
    shopper.place()
    boss.call("POST", f"/staff/orders/{shopper.id}/notes", {"text": "Rings twice."})
    left = Shopper(app.url, app.stripe)
    left.api.headers |= client.headers
    left.api.call("POST", f"{left.path}/claim")
    client.call("GET", "/customers/me/export")
    path, asked = f"/staff/customers/{own}", {"grounds": "requested"}
    boss.call("GET", f"{path}/export", None, None, reason="grants")
    with pytest.raises(Refused):
        boss.call("POST", f"{path}/erasure", asked)
    shopper.cancel()
    app.settle()
    finance.call("POST", f"/staff/gift-cards/{card}/block", {"reason": "lost"})
    boss.call("POST", f"{path}/erasure", asked)
    guest = ready(app, sku, email="to-forget@example.com")
    guest.place()
    guest.cancel()
    app.settle()
    boss.call("POST", "/staff/erasures", asked | {"email": "to-forget@example.com"})
    for _ in range(3):
        app.stack.fire("SweeperFunction")
        app.settle()
        app.travel(timedelta(minutes=80))
    assert boss.call("POST", f"{path}/erasure", asked)["status"] == "done"


def on_account(app: Application, sku: str) -> None:
    """A business account buys on its credit after it had a card in mind, gets it in two parcels,
    pays too much by transfer, and has that given back."""
    warehouse, finance, shopper = Warehouse(app), staff(app, "finance"), ready(app, sku, sku)
    shopper.api.headers |= member(app).headers
    open_account(app, shopper, "grants", 100_000)
    shopper.api.call("GET", f"{shopper.path}/payment-methods")
    gross = shopper.place()["totals"]["gross"]["minor"]
    shopper.api.call("POST", f"{shopper.path}/payment", {})
    chosen = {"payment_method": "invoice"}
    shopper.api.call("PUT", f"{shopper.path}/payment-method", chosen)
    app.settle()
    shopper.pay_on_account()
    app.settle()
    lines = [{"sku": sku, "quantity": 1}]
    warehouse.report(waiting(warehouse, shopper), "split", {"lines": lines})
    app.settle()
    for shipment in [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]:
        warehouse.ship(shipment)
    app.settle()
    assert shopper.order["payment_status"] == "due"
    path = f"/staff/orders/{shopper.id}"
    finance.call("POST", f"{path}/transfers", transfer(gross + 100))
    (claim,) = finance.call("GET", "/staff/repayments")["claims"]
    assert claim["to_return"]["minor"] == 100
    finance.call("POST", f"{path}/repayments", transfer(100))
    assert not finance.call("GET", "/staff/repayments")["claims"]
    (claim,) = finance.call("GET", f"{path}/transfers")["claims"]
    assert (claim["open"]["minor"], claim["to_return"]["minor"]) == (0, 0)
    assert shopper.order["payment_status"] == "captured"


def endings(app: Application, sku: str, one: str) -> None:
    """Cancelled, rejected, lapsed and expired orders; a payment that comes too late."""
    warehouse = Warehouse(app)
    cancelled, rejected = ready(app, sku), ready(app, sku)
    for shopper in (cancelled, rejected):
        path, _, token = shopper.place()["tracking_path"].partition("?k=")
        shopper.api.call("POST", f"{path}/payment", None, None, k=token)
        shopper.pay()
    app.settle()
    cancelled.cancel()
    warehouse.report(waiting(warehouse, rejected), "reject", {"reason": "damaged"})
    app.settle()
    lapsed, next_one = ready(app, one), ready(app, one)
    lapsed.place()
    app.travel(timedelta(minutes=31))
    next_one.place()  # takes the lapsed hold back itself
    late = ready(app, sku)
    late.place()
    app.stripe.set_webhooks(url="")
    late.pay()
    app.travel(timedelta(minutes=50))
    app.stack.fire("SweeperFunction")
    app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")
    app.settle()
    assert late.order["payment_status"] == "voided"


def never_collected(app: Application, sku: str) -> None:
    """A pick-up that lies ready until its time is over."""
    warehouse, shopper = Warehouse(app), Shopper(app.url, app.stripe)
    shopper.add(sku)
    shopper.pick_up(STORE)
    shopper.describe()
    shopper.place()
    shopper.pay()
    app.settle()
    (shipment,) = [s for s in warehouse.queue(STORE) if s["order_id"] == shopper.id]
    warehouse.report(shipment, "pack")
    warehouse.report(shipment, "ready")
    app.settle()
    app.travel(timedelta(days=14))
    app.settle()  # its payment lapses, too
    app.stack.fire("SweeperFunction")
    app.settle()
    assert shopper.order["cancel_reason"] == "not_collected"


def declined(app: Application, two: str) -> None:
    """A node does not send its unit; before it is cancelled, a hold that is over is taken back."""
    warehouse, buyer, holder = Warehouse(app), ready(app, two), ready(app, two)
    buyer.place()
    buyer.pay()
    app.settle()
    holder.place()
    app.travel(timedelta(minutes=31))
    warehouse.report(waiting(warehouse, buyer), "reject", {"reason": "capacity"})
    app.settle()
    assert (buyer.order["state"], holder.order["state"]) == ("cancelled", "expired")


def cancelled_while_it_is_released(app: Application, sku: str) -> None:
    """The execution keeps its wait after the order was cancelled: it is answered at once."""
    shopper = ready(app, sku)
    shopper.place()
    with meanwhile(app, partial(_keeps_wait, "packed"), shopper.cancel):
        shopper.pay()
        app.settle()
    assert shopper.order["state"] == "cancelled"


@contextmanager
def meanwhile(
    app: Application, comes: Callable[[Call], bool], does: Callable[[], object]
) -> Iterator[None]:
    """Do something just before the first call that is the one; there must be one."""
    done: list[Call] = []

    def before(call: Call) -> None:
        if not done and comes(call):
            done.append(call)
            does()

    app.stack.calls.before.append(before)
    try:
        yield
    finally:
        app.stack.calls.before.remove(before)
    assert done, "it never came to that"


def _keeps_wait(until: str, call: Call) -> bool:
    is_step = call.function == "FulfillmentStepsFunction" and call.operation == "PutItem"
    sk = call.parameters.get("Item", {}).get("sk", {}).get("S", "")
    return is_step and sk.startswith("WAIT#") and f"#{until}#" in sk


def _serves(call: Call) -> bool:
    return call.function == "BackordersFunction" and call.operation == "Query"


def _books_capture(call: Call) -> bool:
    return call.function == "CaptureFunction" and call.operation == "TransactWriteItems"


def paid_for_what_another_holds(app: Application, one: str) -> None:
    """A payment finds the last unit in a hold that is over, and takes it back."""
    settings = shop.load_shop(app.database).settings
    policies: list[ReservationPolicy] = ["none", "on_checkout"]
    buyer, holder = ready(app, one), ready(app, one)
    for shopper, policy in zip((buyer, holder), policies, strict=True):
        changed = {"online": policy}
        shop.put_settings(app.database, replace(settings, reservation_policy=changed))
        shopper.place()
    shop.put_settings(app.database, settings)
    payment = buyer.api.call("POST", f"{buyer.path}/payment", {})
    app.travel(timedelta(minutes=31))
    app.stripe.confirm(payment["client_secret"])
    app.settle()
    assert buyer.order["state"] == "confirmed"
    assert holder.order["state"] == "expired"


def held_in_the_cart(app: Application, skus: tuple[str, str]) -> None:
    """Stock is reserved for a cart, and taken back from one that lapsed, and from an order."""
    placed, wanting = ready(app, skus[0]), Shopper(app.url, app.stripe)
    placed.place()
    app.travel(timedelta(minutes=31))
    wanting.add(skus[0])
    assert placed.order["state"] == "expired"
    settings = shop.load_shop(app.database).settings
    changed = replace(settings, reservation_policy={"online": "on_cart"})
    shop.put_settings(app.database, changed)
    for sku in skus:
        first, second = Shopper(app.url, app.stripe), Shopper(app.url, app.stripe)
        first.add(sku)
        app.travel(timedelta(minutes=31))
        second.add(sku)
        second.api.call("DELETE", f"{second.path}/lines/{sku}")
    shop.put_settings(app.database, settings)


def back_orders(app: Application, sku: str) -> None:
    """Orders wait for a supply that slips, is received, and turns up elsewhere."""
    staff = Client(app.url)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'warehouse')}"
    supply = f"/stock/{sku}/nodes/{NODE}/supplies/po-1"

    def announce(days: int) -> None:
        due = (clock.now() + timedelta(days=days)).date().isoformat()
        staff.call("PUT", supply, {"due": due, "quantity": 9})

    def wait() -> Shopper:
        shopper = ready(app, sku)
        shopper.api.call("PATCH", shopper.path, {"shortage": "ship_available"})
        shopper.api.call("GET", f"{shopper.path}/availability")
        shards.split(app.database, sku, NODE, 1, clock.now())  # sold out in a crowd just now
        shopper.place()
        shopper.pay()
        app.settle()
        return shopper

    announce(5)
    first, second = wait(), wait()
    announce(20)
    app.settle()
    assert first.order["deliveries"][0]["revised"]
    staff.call("POST", f"/stock/{sku}/nodes/{NODE}/receipts", {"quantity": 1, "supply": "po-1"})
    app.settle()
    assert not first.order["lines"][0]["expected"]
    staff.call("POST", f"/stock/{sku}/nodes/wh-louisville/receipts", {"quantity": 1})
    app.travel(timedelta(days=1, hours=1))
    app.stack.fire("SweeperFunction")
    app.settle()
    assert not second.order["lines"][0]["expected"]


def moved(app: Application, sku: str) -> None:
    """A shipment moves to a node whose last unit is in a hold that is over."""
    warehouse, away = Warehouse(app), "wh-louisville"
    mine, lapsed = ready(app, sku), Shopper(app.url, app.stripe)
    mine.place()
    mine.pay()
    app.settle()
    warehouse.api.call("POST", f"/stock/{sku}/nodes/{away}/receipts", {"quantity": 1})
    lapsed.add(sku)
    lapsed.deliver()
    lapsed.describe()
    lapsed.place()
    app.travel(timedelta(minutes=31))
    warehouse.report(waiting(warehouse, mine), "move", {"node": away})
    app.settle()
    assert [s for s in warehouse.queue(away) if s["order_id"] == mine.id]


AWAY = "wh-louisville"


def put_together(app: Application, article: Callable[..., str]) -> None:
    """A balance split for a crowd, taken from by whoever must leave a unit there for others: only
    one item can keep that, so each of them puts the balance together first."""
    settings = shop.load_shop(app.database).settings

    def sells(policy: ReservationPolicy) -> None:
        changed = {"online": policy}
        buffer = {"online": 1}
        shop.put_settings(
            app.database, replace(settings, reservation_policy=changed, channel_buffers=buffer)
        )

    def crowd(sku: str, node: str = NODE) -> None:
        shards.split(app.database, sku, node, 1, clock.now())

    sells("on_cart")
    chosen = article()
    crowd(chosen)
    with puts_together(app, "CartFunction"):
        Shopper(app.url, app.stripe).add(chosen)
    sells("none")
    unheld = ready(app, paid := article())
    unheld.place()
    crowd(paid)
    with puts_together(app, "PaymentWorkerFunction"):
        unheld.pay()
        app.settle()
    sells("on_checkout")
    held = ready(app, nearer := article(node=AWAY))
    held.place()
    receive(app, nearer, NODE)
    crowd(nearer)
    with puts_together(app, "FulfillmentStepsFunction"):
        held.pay()
        app.settle()
    crowd(nearer, AWAY)
    warehouse = Warehouse(app)
    with puts_together(app, "FulfillmentFunction"):
        warehouse.report(waiting(warehouse, held), "move", {"node": AWAY})
    shop.put_settings(app.database, settings)
    awaited = article(units=0)
    expect(app, awaited, 1, days=5)
    late = ready(app, awaited)
    late.api.call("PATCH", late.path, {"shortage": "ship_available"})
    late.place()
    late.pay()
    app.settle()
    came = meanwhile(app, _serves, partial(crowd, awaited))  # and is not handed out yet
    with puts_together(app, "BackordersFunction"), came:
        receive(app, awaited, NODE, 1)
        app.settle()


def expect(app: Application, sku: str, units: int, days: int) -> None:
    due = (clock.now() + timedelta(days=days)).date().isoformat()
    staff = Client(app.url)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'warehouse')}"
    supply = f"/stock/{sku}/nodes/{NODE}/supplies/po-1"
    staff.call("PUT", supply, {"due": due, "quantity": units})


def receive(app: Application, sku: str, node: str, units: int = 100) -> None:
    staff = Client(app.url)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'warehouse')}"
    staff.call("POST", f"/stock/{sku}/nodes/{node}/receipts", {"quantity": units})


@contextmanager
def puts_together(app: Application, function: str) -> Iterator[None]:
    """What is done inside has a function put a balance together."""
    merged: list[Call] = []

    def note(call: Call) -> None:
        parts = call.parameters.get("TransactItems", ())
        if call.function == function and any("Delete" in part for part in parts):
            merged.append(call)

    app.stack.calls.before.append(note)
    try:
        yield
    finally:
        app.stack.calls.before.remove(note)
    assert merged, f"{function} put nothing together"


def sold_out(app: Application, sku: str, other: str) -> None:
    """Two want the last one: who comes too late to place it, or to choose it, is offered others."""
    for each in (sku, other):
        (product,) = catalogue.get_many(app.database, [each]).values()
        shelved = replace(product, category=("Grants", "Sold out"))
        catalogue.upsert(app.database, [shelved], clock.now())
    first, second = ready(app, sku), ready(app, sku)
    first.place()
    for late in (second.place, lambda: Shopper(app.url, app.stripe).add(sku)):
        with pytest.raises(Refused) as refused:
            late()
        (line,) = refused.value.problem["lines"]
        assert [each["sku"] for each in line["alternatives"]] == [other]


def books(app: Application, sku: str) -> None:
    """What staff tells the stock books; of an article whose balance is split meanwhile, too."""
    staff = Client(app.url)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'warehouse')}"
    place = f"/stock/{sku}/nodes/{NODE}"
    staff.call("POST", f"{place}/receipts", {"quantity": 1000})
    shards.split(app.database, sku, NODE, 1, clock.now())
    staff.call("POST", f"{place}/sales", {"quantity": 1})
    staff.call("PUT", f"{place}/reorder-point", {"quantity": 10_000})
    staff.call("GET", f"{place}/journal")
    staff.call("GET", f"/stock/{sku}")


def settled(app: Application, sku: str) -> None:
    """Payouts of which nobody told, with disputes nobody heard of: one that the sweep has looked
    for, and one that finance takes as it is."""
    warehouse, shopper = Warehouse(app), ready(app, sku)
    shopper.place()
    shopper.pay(AVAILABLE)
    app.settle()
    warehouse.ship(waiting(warehouse, shopper))
    app.settle()
    app.stripe.set_webhooks(url="")
    (payment,) = dossier_of(app.database, shopper.id).payments
    app.stripe.dispute(payment.reference, amount=1)
    app.travel(timedelta(days=3))
    app.stripe.charge_fee(-5000, "usd")  # or a chargeback's fee would leave nothing to pay out
    app.stripe.pay_out()
    secret_values.forget()
    for _ in range(3):  # takes the payout in, has the dispute looked for, and books it
        app.stack.fire("SettlementImporterFunction")
        app.settle()
    app.stripe.dispute(payment.reference, amount=2)
    app.travel(timedelta(days=3))
    app.stripe.charge_fee(-5000, "usd")
    app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")
    app.stripe.pay_out()
    app.settle()
    finance = Client(app.url)
    finance.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    assert finance.call("GET", "/payouts")["payouts"]
    assert finance.call("GET", f"/settlement/orders/{shopper.id}")["transactions"]
    (item,) = finance.call("GET", "/settlement/unmatched")["items"]
    assert item["why"] == "unknown_dispute"
    path = f"/settlement/unmatched/{item['id']}/resolve"
    finance.call("POST", path, {"reason": "agreed with the bank"})


def reconciled(app: Application, sku: str) -> None:
    """A payment of which nobody told, and one for an order that there is not, which finance sees
    until it is let go."""
    shopper = ready(app, sku)
    shopper.place()
    app.stripe.set_webhooks(url="")
    shopper.pay()
    gateway = by_hand(app)
    made = gateway.create(
        order_id="ord_of_nobody",
        attempt=1,
        amount=Money(500, "USD"),
        description="By hand",
        receipt_reference="",
    )
    app.stripe.confirm(made.client_secret)
    app.travel(timedelta(minutes=10))
    secret_values.forget()
    app.stack.fire("ReconcilerFunction")
    app.settle()
    assert shopper.order["state"] == "confirmed"
    finance = Client(app.url)
    finance.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    whys = [item["why"] for item in finance.call("GET", "/settlement/unmatched")["items"]]
    assert whys == ["unknown_order"]
    gateway.void(made.reference, key="by hand")
    app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")
    app.travel(timedelta(hours=25))
    secret_values.forget()
    app.stack.fire("ReconcilerFunction")
    finance.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    assert not finance.call("GET", "/settlement/unmatched")["items"]


def by_hand(app: Application) -> StripeGateway:
    """Whoever uses the provider's own pages, and marks what is made there as ours."""
    key, deployment = app.stripe.secret_key, app.stack.build.stack_name
    return StripeGateway(key, deployment=deployment, api_base=app.stripe.api_base)


def search(app: Application) -> None:
    """The index is found, is missing, is built anew, and what is left of the old one is removed."""
    assert app.stack.request("GET", "/products").status == 200
    assert app.stack.request("GET", "/products/suggest", query={"q": "a"}).status == 200
    shopper = Shopper(app.url, app.stripe)
    assert shopper.api.call("GET", "/products", cart=shopper.id)["products"]
    bucket, s3 = app.stack.resource("SearchBucket"), app.stack.client("s3")
    (manifest,) = [
        found["Key"]
        for found in s3.list_objects_v2(Bucket=bucket)["Contents"]
        if found["Key"].endswith("manifest.json")
    ]
    kept = s3.get_object(Bucket=bucket, Key=manifest)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=manifest)
    fresh_container(app, "SearchFunction")
    assert app.stack.request("GET", "/products").status == 503
    s3.put_object(Bucket=bucket, Key=manifest, Body=kept)
    s3.put_object(Bucket=bucket, Key=f"{manifest.rpartition('/')[0]}/packs/left-over", Body=b"x")
    app.travel(timedelta(hours=2))
    app.stack.invoke("SearchIndexerFunction", {"action": "rebuild"})
    assert app.stack.request("GET", "/products").status == 200


def fresh_container(app: Application, function: str) -> None:
    """The next invocation starts anew, as after a while without any."""
    app.stack.build.functions._free[function].clear()


def crowd(app: Application, sku: str) -> None:
    """So many want one article that its balance is split; when they are gone it is merged."""
    shoppers = [ready(app, sku) for _ in range(3)]
    with crowded(app, "CheckoutFunction") as left:
        for shopper in shoppers:
            left[0] = 2
            shopper.place()
            shopper.cancel()
    app.travel(timedelta(hours=3))
    app.stack.fire("SweeperFunction")
    app.settle()


@contextmanager
def crowded(app: Application, function: str) -> Iterator[list[int]]:
    """As many of a function's next transactions as is said meet somebody else's."""
    left = [0]

    def conflict(call: Call) -> None:
        if call.operation == "TransactWriteItems" and call.function == function and left[0]:
            left[0] -= 1
            raise _conflict(call)

    app.stack.calls.before.append(conflict)
    try:
        yield left
    finally:
        app.stack.calls.before.remove(conflict)


def imported(app: Application, sku: str, last: str) -> None:
    """A marketplace sells what many want, and the last one, which an order that nobody paid for
    holds; a reseller sells at the shop's prices, of which a limited promotion takes something, and
    waits for what is not there."""
    marketplace = Marketplace(app)
    for number in range(2):
        with crowded(app, "OrderImportFunction") as left:
            left[0] = 2
            assert marketplace.send(sold(f"M-{number}", sku))[0]["status"] == "created"
    assert marketplace.order("M-0")["state"] == "confirmed"
    app.travel(SETTLED)
    assert marketplace.ask("GET", "").json()["orders"]
    audience, steps = Audience(accounts=("reseller",)), (Step(basis_points=1000),)
    few = Promotion("few", {}, "percentage", steps, audience=audience, limit=9)
    put_offer(app.database, few, clock.now())
    supply = {"due": (clock.now() + timedelta(days=9)).date().isoformat(), "quantity": 10}
    Warehouse(app).api.call("PUT", f"/stock/{sku}/nodes/{NODE}/supplies/po-m", supply)
    reseller = Marketplace(app, source="reseller")
    row = sold("R-1", sku, 999) | {"delivery_charge": None}  # more than there are
    row["lines"][0]["unit_price"] = None
    (refused,) = reseller.send(row)
    shards.split(app.database, sku, NODE, 1, clock.now())  # it is crowded just now
    made = reseller.send(row | {"total": refused["problem"]["computed"]})
    assert made[0]["status"] == "created"
    assert reseller.order("R-1")["state"] == "confirmed"
    ready(app, last).place()
    app.travel(timedelta(minutes=31))
    assert marketplace.send(sold("M-9", last))[0]["status"] == "created"


def _conflict(call: Call) -> Exception:
    reasons = [{"Code": "TransactionConflict"} for _ in call.parameters["TransactItems"]]
    return ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
            "CancellationReasons": reasons,
            "ResponseMetadata": {"HTTPStatusCode": 400},
        },  # type: ignore[typeddict-item]
        "TransactWriteItems",
    )


def recosted(app: Application, sku: str) -> None:
    """A cost changed long ago, and whoever changed it broke off."""
    (stored,) = catalogue.get_stored(app.database, [sku]).values()
    revaluing.note(app.database, [sku], clock.now() - revaluing.WATCHED)
    product = replace(stored.product, unit_cost=Money(1, "USD"))
    catalogue.put(app.database, [replace(stored, product=product)])


def money_books(app: Application, sku: str, other: str) -> None:
    """What was posted by now is counted an hour later, read, handed over, and a month locked."""
    shopper, customer = ready(app, sku), member(app)
    shopper.api.headers["Authorization"] = customer.headers["Authorization"]
    shopper.api.call("POST", f"{shopper.path}/claim")
    shopper.place()
    order = get_order(app.database, shopper.id)
    assert order is not None
    app.travel(timedelta(hours=2))
    recosted(app, other)
    app.stack.fire("BookkeepingFunction")
    assert revaluing.noted(app.database) == []
    staff = Client(app.url)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    month = f"{clock.now():%Y-%m}"
    of_month = {"period": month, "currency": "USD"}
    assert staff.call("GET", "/books/trial-balance", None, None, **of_month)["balances"]
    staff.call("POST", "/books/periods/2026-01/lock", {})
    assert staff.call("GET", "/books/periods")["periods"]
    staff.call("GET", "/books/receivables")
    staff.call("GET", f"/books/customers/{order.customer_id}/receivables")
    with pytest.raises(Refused, match="DATEV"):  # by the shop's settings
        staff.call(
            "GET", f"/books/periods/{month}/export", None, None, layout="datev", currency="USD"
        )


def not_handled(app: Application) -> list[str]:
    """What functions logged of messages that they could not handle."""
    lines = [line for lines in app.stack.logs.values() for line in lines]
    return [line for line in lines if '"not handled"' in line and '"ERROR"' in line]


def test_every_grant_is_of_use_and_nothing_else_is_needed(
    app: Application, article: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)  # every container reads the shop for itself
    before = not_handled(app)

    offered(app, article())
    life(app, article())
    adjusted(app, article())
    approved(app, article())
    acted_for(app, article())
    at_the_counter(app, article(node=STORE, units=20))
    claimed(app, article())
    gifts(app, article())
    forgotten(app, article())
    on_account(app, article())
    endings(app, article(), article(units=1))
    never_collected(app, article(node=STORE))
    declined(app, article(units=2))
    cancelled_while_it_is_released(app, article())
    paid_for_what_another_holds(app, article(units=1))
    held_in_the_cart(app, (article(units=1), article(units=1)))
    crowd(app, article(units=1000))
    imported(app, article(units=1000), article(units=1))
    books(app, article())
    back_orders(app, article(units=0))
    moved(app, article(units=1))
    put_together(app, article)
    sold_out(app, article(units=1), article())
    settled(app, article())
    reconciled(app, article())
    search(app)
    money_books(app, article(), article())
    app.settle()
    assert not_handled(app) == before  # what ends in the dead letters has used its grants in vain
    permissions = app.stack.permissions
    assert permissions.denied() == []
    unused = {
        (owner, action, resource.rsplit(":", 1)[-1].removeprefix(f"{app.stack.name}-"))
        for owner, action, resource in permissions.unused()
    }
    assert unused - set(EXCEPTIONS) == set()
    assert set(EXCEPTIONS) - unused == set()  # an exception that is none any more


def test_a_call_without_a_grant_is_refused_and_remembered(app: Application) -> None:
    """The check itself: a function that does more than its role allows is found out."""
    permissions = app.stack.permissions
    call = Call("CartFunction", "dynamodb", "Scan", {"TableName": "local-OrdersTable"})
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:Scan"):
        permissions.check(call)
    ((function, action, resource),) = permissions.denied()
    assert (function, action) == ("CartFunction", "dynamodb:Scan")
    permissions._denied.clear()
    assert resource.endswith("table/local-OrdersTable")


def test_a_transaction_counts_as_its_parts() -> None:
    """IAM has no TransactWriteItems: each part needs the action of its own kind (DynamoDB guide,
    "Using IAM with DynamoDB transactions")."""
    parts = ("Put", "Update", "Delete", "ConditionCheck")
    items = [{kind: {"TableName": "t"}} for kind in parts]
    call = Call("F", "dynamodb", "TransactWriteItems", {"TransactItems": items})
    assert [need.action for need in needs(call, "1", "r")] == [
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
    ]
    read = Call(
        "F", "dynamodb", "TransactGetItems", {"TransactItems": [{"Get": {"TableName": "t"}}]}
    )
    assert [need.action for need in needs(read, "1", "r")] == ["dynamodb:GetItem"]


def test_a_conditional_replacement_reads_too() -> None:
    asked = {"Bucket": "b", "Key": "k", "Body": b""}
    for condition, actions in (
        ({}, ["s3:PutObject"]),
        ({"IfNoneMatch": "*"}, ["s3:PutObject"]),
        ({"IfMatch": "e"}, ["s3:PutObject", "s3:GetObject"]),
    ):
        call = Call("F", "s3", "PutObject", asked | condition)
        assert [need.action for need in needs(call, "1", "r")] == actions
