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
from parcelway.domain.shop import ReservationPolicy
from parcelway.ports import clock, secret_values
from parcelway.ports.bus import SOURCE
from parcelway.store import shards, shop

from infra.demo.people import DECLINED, Carrier, Client, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from infra.local.calls import Call
from infra.local.iam.actions import needs
from tests.sample import NODE

PASSWORD = "a long enough pass phrase 7"
STORE = "store-dayton"
_STREAM = "Lambda itself sends what it gave up of the stream, in the function's name"
_SCHEDULE = "Lambda itself sends the schedule's event that failed for good, in the function's name"
_TOGETHER = "as the checkout does in this run: a split balance is put together to be waited for"
EXCEPTIONS = {
    ("BackordersFunction", "dynamodb:DeleteItem", "table/local-StockTable"): _TOGETHER,
    ("CartFunction", "dynamodb:DeleteItem", "table/local-StockTable"): _TOGETHER,
    ("FulfillmentFunction", "dynamodb:DeleteItem", "table/local-StockTable"): _TOGETHER,
    ("FulfillmentStepsFunction", "dynamodb:DeleteItem", "table/local-StockTable"): _TOGETHER,
    ("PaymentWorkerFunction", "dynamodb:DeleteItem", "table/local-StockTable"): _TOGETHER,
    ("SweeperFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
    ("SearchIndexerFunction", "sqs:SendMessage", "ScheduleDeadLetters"): _SCHEDULE,
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


def member(app: Application) -> Client:
    """Signs up twice, the second time in place of the first; confirms, resets, signs in and out."""
    client, form = Client(app.url), person()
    email = form["email"]
    client.call("POST", "/customers", form)
    client.call("POST", "/customers", form | {"name": "Ann Again"})
    client.call("POST", "/customers/confirmation", {"email": email, "code": code(app, email)})
    client.call("POST", "/passwords/reset", {"email": email})
    reset = {"email": email, "code": code(app, email), "password": PASSWORD}
    client.call("POST", "/passwords/reset/confirmation", reset)
    tokens = client.call("POST", "/sessions", {"email": email, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {tokens['id_token']}"
    client.call("PATCH", "/customers/me", {"language": "de"})
    return client


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
    parcel = {"carrier": "Sample Parcel", "parcel_number": uuid.uuid4().hex}

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
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=found["Key"])
    assert app.stack.request("GET", invoice, query=link).status == 404  # as before it is rendered
    carrier.report(parcel, "delivered")
    app.settle()
    assert client.call("GET", "/orders")["orders"][0]["state"] == "closed"
    assert app.stack.request("GET", f"/track/{placed['tracking_number']}").status == 200
    delivered_twice(app, shopper.id)
    client.call("GET", f"/orders/{shopper.id}")
    staff = Client(app.url)
    staff.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'csr')}"
    staff.call("GET", f"/staff/orders/{shopper.id}")


def delivered_twice(app: Application, order_id: str) -> None:
    """EventBridge hands an event on at least once: also when the order's execution is over."""
    entry = {
        "EventBusName": app.stack.resource("OrderEvents"),
        "Source": SOURCE,
        "DetailType": "order.confirmed",
        "Detail": json.dumps({"order_id": order_id}),
    }
    app.stack.client("events").put_events(Entries=[entry])
    app.settle()


def endings(app: Application, sku: str, one: str) -> None:
    """Cancelled, rejected, lapsed and expired orders; a payment that comes too late."""
    warehouse = Warehouse(app)
    cancelled, rejected = ready(app, sku), ready(app, sku)
    for shopper in (cancelled, rejected):
        shopper.place()
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
    """Stock is reserved for a cart, and taken back from one that lapsed."""
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


def search(app: Application) -> None:
    """The index is found, is missing, is built anew, and what is left of the old one is removed."""
    assert app.stack.request("GET", "/products").status == 200
    assert app.stack.request("GET", "/products/suggest", query={"q": "a"}).status == 200
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
    left = [0]

    def conflict(call: Call) -> None:
        if (
            call.operation == "TransactWriteItems"
            and call.function == "CheckoutFunction"
            and left[0]
        ):
            left[0] -= 1
            raise _conflict(call)

    shoppers = [ready(app, sku) for _ in range(3)]
    app.stack.calls.before.append(conflict)
    try:
        for shopper in shoppers:
            left[0] = 2
            shopper.place()
            shopper.cancel()
    finally:
        app.stack.calls.before.remove(conflict)
    app.travel(timedelta(hours=3))
    app.stack.fire("SweeperFunction")
    app.settle()


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


def test_every_grant_is_of_use_and_nothing_else_is_needed(
    app: Application, article: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)  # every container reads the shop for itself
    life(app, article())
    endings(app, article(), article(units=1))
    never_collected(app, article(node=STORE))
    declined(app, article(units=2))
    cancelled_while_it_is_released(app, article())
    paid_for_what_another_holds(app, article(units=1))
    held_in_the_cart(app, (article(units=1), article(units=1)))
    crowd(app, article(units=1000))
    books(app, article())
    back_orders(app, article(units=0))
    moved(app, article(units=1))
    search(app)
    app.settle()
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
