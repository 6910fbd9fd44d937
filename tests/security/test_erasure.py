"""A person whose every word is marked buys in every way, and is forgotten: the words are nowhere
any more but on their invoices."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from parcelway.domain.erasing import LOOK_AGAIN
from parcelway.domain.login import customer_id_of, normalise_email
from parcelway.ports import clock
from parcelway.store.orders import get_dossier

from infra.demo.marketplace import Marketplace, sold
from infra.demo.people import Client, Refused, Shopper, sign_in_staff
from infra.local.application import Application
from tests.orders import dossier_of
from tests.security.marked import NOWHERE, Journey, Marks, again
from tests.security.watching import TABLES, executions, logged, queued, rows

# What tax law has the shop keep: see functions/README.md. A certificate is why no tax was charged.
FISCAL = ("INV#", "CRN#")
PARCEL = {"parcel number"}  # the carrier's: what proves that something was delivered


@pytest.fixture(scope="module")
def forgotten(
    app: Application, article: Callable[..., str]
) -> Iterator[tuple[Application, Marks, str]]:
    marks = Marks()
    journey = Journey(app, marks, article())
    journey.sign_up()
    shopper = journey.shop()
    journey.pay(shopper)
    journey.send(shopper)
    journey.credit(shopper)
    journey.regret()
    _left_behind(journey)
    customer_id = _noticed(app, journey, shopper)
    _was_there_twice(app, marks, customer_id)
    _sold_elsewhere(journey, article())
    _is_disputed(app, customer_id, shopper)
    later = _ends_all(app, marks, customer_id)
    boss = _staff(app, "csr_supervisor")
    asked = {"grounds": "requested"}
    path = f"/staff/customers/{customer_id}/erasure"
    assert boss.call("POST", path, asked)["status"] == "running"
    for _ in range(4):
        app.stack.fire("SweeperFunction")
        app.settle(120)
        clock.travel(LOOK_AGAIN)
    assert boss.call("POST", path, asked)["status"] == "done"
    yield app, marks, customer_id
    clock.travel(-4 * LOOK_AGAIN - later)


Forgotten = tuple[Application, Marks, str]


def test_no_table_has_any_word_but_on_invoices(forgotten: Forgotten) -> None:
    app, marks, _ = forgotten
    kept = set[str]()
    for table in TABLES:
        for pk, sk, text in rows(app, table):
            found = set(marks.found(text)) - PARCEL
            if table == "Orders" and sk.startswith(FISCAL):
                kept |= found
                assert not {name for name in found if "phone" in name}
            elif table == "Orders" and sk == "ORDER":
                assert found <= {"certificate"}, (pk, sk, found)
            else:
                assert not found, (table, pk[:8], sk, found)
    assert {"contact name", "billing line1"} <= kept  # it was looked for in earnest


def test_no_queue_log_or_execution_has_any(forgotten: Forgotten) -> None:
    app, marks, _ = forgotten
    assert marks.found(logged(app)) == []
    assert set(marks.found(queued(app))) <= PARCEL
    assert marks.found(executions(app)) == []


def test_the_only_files_are_the_issued_documents(forgotten: Forgotten) -> None:
    """Their text is packed: so what counts is that there is no other file about the person."""
    app, marks, customer_id = forgotten
    s3 = app.stack.client("s3")
    documents = app.stack.resource("DocumentsBucket")
    mine = {order_id for _, order_id in _orders(app, customer_id)}
    numbers = {
        each.number
        for order_id in mine
        if (dossier := get_dossier(app.database, order_id))
        for each in (*dossier.invoices, *dossier.credit_notes)
    }
    names = [f["Key"] for f in s3.list_objects_v2(Bucket=documents).get("Contents", [])]
    assert numbers and all(name.endswith(".pdf") for name in names)
    assert sum(any(number in name for number in numbers) for name in names) == len(numbers)
    assert marks.found("\n".join(names)) == []
    bucket = app.stack.resource("SearchBucket")
    for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        assert marks.found(body.decode("latin-1")) == []


def test_the_login_is_gone(forgotten: Forgotten) -> None:
    app, marks, _ = forgotten
    pool = app.stack.resource("UserPool")
    users = app.stack.client("cognito-idp").list_users(UserPoolId=pool)["Users"]
    assert marks.found(json.dumps(users, default=str)) == []


def test_nobody_is_found_or_exported_any_more(forgotten: Forgotten) -> None:
    app, _, customer_id = forgotten
    boss = _staff(app, "csr_supervisor")
    export = boss.call("GET", f"/staff/customers/{customer_id}/export", reason="is it gone?")
    del export["exported_at"]
    assert not any(export.values())
    for _, order_id in _orders(app, customer_id):
        shown = boss.call("GET", f"/staff/orders/{order_id}")  # it can still be read
        assert order_id in json.dumps(shown)


def _left_behind(journey: Journey) -> None:
    """A cart of theirs that nobody ever placed."""
    marks = journey.marks
    cart = Shopper(journey.app.url, journey.app.stripe)
    marks.known(f"cart token {cart.id}", cart.token, NOWHERE)
    cart.api.headers |= journey.people.headers
    cart.api.call("POST", f"{cart.path}/claim")
    contact = {"name": marks.new("left name", NOWHERE)}
    contact["email"] = marks.new("left email", NOWHERE, "{}@example.com")
    cart.api.call("PATCH", cart.path, {"contact": contact, "payment_method": "card"})


def _was_there_twice(app: Application, marks: Marks, customer_id: str) -> None:
    """Somebody made a second record of them, which is merged into theirs."""
    made = {
        "email": marks.new("second email", NOWHERE, "{}@example.com"),
        "given_name": marks.new("second given name", NOWHERE),
        "family_name": marks.new("second family name", NOWHERE),
    }
    twin = _staff(app, "csr").call("POST", "/staff/customers", made)
    twice = {"duplicate": twin["customer"]["id"], "reason": marks.new("why merged", NOWHERE)}
    merged = _staff(app, "csr_supervisor").call(
        "POST", f"/staff/customers/{customer_id}/merge", twice
    )
    assert twice["duplicate"] in merged["customer"]["absorbed"]


def _sold_elsewhere(journey: Journey, sku: str) -> None:
    """A marketplace has sold them something."""
    marks = journey.marks
    row = sold("FORGOTTEN-1", sku)
    row["contact"] = {"name": marks.new("sold name", NOWHERE), "email": journey.email}
    row["address"] = row["address"] | {
        "name": marks.new("sold to", NOWHERE),
        "line1": marks.new("sold line1", NOWHERE, "1 {} Street"),
    }
    (result,) = Marketplace(journey.app).send(row)
    assert result["status"] == "created", result
    assert marks.found(str(dossier_of(journey.app.database, result["order_id"]).order.contact))


def _is_disputed(app: Application, customer_id: str, shopper: Shopper) -> None:
    """Their bank looks into a payment, which is in the way as long as it does."""
    payments = dossier_of(app.database, shopper.id).payments  # a gift card pays too
    payment = next(p for p in payments if p.captured and p.reference.startswith("pi_"))
    dispute = app.stripe.dispute(payment.reference, amount=1, reason="duplicate")
    app.settle(60)
    with pytest.raises(Refused) as refused:
        path = f"/staff/customers/{customer_id}/erasure"
        _staff(app, "csr_supervisor").call("POST", path, {"grounds": "requested"})
    ways = {(each["what"], each["reference"]) for each in refused.value.problem["in_the_way"]}
    assert ("dispute", shopper.id) in ways
    app.stripe.end_dispute(dispute, won=True)
    app.settle(60)


def _noticed(app: Application, journey: Journey, shopper: Shopper) -> str:
    """The desk writes down what it likes; the customer's id."""
    marks, desk = journey.marks, _staff(app, "csr")
    subject = json.loads(
        json.dumps(
            {
                a["Name"]: a["Value"]
                for a in app.stack.client("cognito-idp").admin_get_user(
                    UserPoolId=app.stack.resource("UserPool"),
                    Username=normalise_email(journey.email),
                )["UserAttributes"]
            }
        )
    )["sub"]
    customer_id = customer_id_of(subject)
    text = {"text": marks.new("note about them", NOWHERE)}
    desk.call("POST", f"/staff/orders/{shopper.id}/notes", text)
    why = marks.new("why looked", NOWHERE)
    desk.call("GET", f"/staff/customers/{customer_id}", reason=why)
    found = desk.call("GET", "/staff/customers", email=journey.email, reason=why)
    assert [each["id"] for each in found["customers"]] == [customer_id]
    state = {"state": "locked", "reason": marks.new("why locked", NOWHERE)}
    desk.call("PUT", f"/staff/customers/{customer_id}/state", state)
    return customer_id


def _ends_all(app: Application, marks: Marks, customer_id: str) -> timedelta:
    """What is open is cancelled; until then nobody is forgotten. How long that took."""
    pause = timedelta(minutes=31)
    desk, boss = _staff(app, "csr"), _staff(app, "csr_supervisor")
    path, asked = f"/staff/customers/{customer_id}/erasure", {"grounds": "requested"}
    for number in range(8):
        try:
            boss.call("POST", path, asked)
            return number * pause
        except Refused as refused:
            assert refused.code == "erasure-blocked"
            for each in refused.problem["in_the_way"]:
                try:
                    again(desk.call, "POST", f"/staff/orders/{each['reference']}/cancel", {})
                except Refused as other:
                    assert other.status == 409
        app.settle(120)
        app.stack.fire("SweeperFunction")
        clock.travel(pause)
    raise AssertionError("something stays in the way")


def _orders(app: Application, customer_id: str) -> list[tuple[str, str]]:
    return [
        (sk, pk.removeprefix("ORD#"))
        for pk, sk, text in rows(app, "Orders")
        if sk == "ORDER" and json.loads(text)["order"].get("customer_id") == customer_id
    ]


def _staff(app: Application, role: str) -> Client:
    client = Client(app.url)
    client.headers["Authorization"] = f"Bearer {sign_in_staff(app, role)}"
    return client
