"""Whatever a client sends: a clear refusal, and nothing changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from infra.demo.people import HOME, Refused, Shopper, Warehouse
from infra.local.application import Application

Article = Callable[..., str]
KEY = {"Idempotency-Key": "0b0e7e0c-6a0f-4bb8-9c3e-3f9a5d0c1d2e"}
PROBLEM = "application/problem+json"


def post(
    app: Application,
    shopper: Shopper | None,
    path: str,
    body: Any,
    method: str = "POST",
    **more: str,
) -> requests.Response:
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    if shopper is not None:
        headers["Cart-Token"] = shopper.token
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.request(method, app.url + path, data=data, headers=headers | more, timeout=60)


def refused(answer: requests.Response, status: int, code: str) -> None:
    assert answer.headers["Content-Type"] == PROBLEM, answer.text
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:parcelway:problem:{code}")
    assert problem["status"] == status
    assert problem["title"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"sku": "SKU", "quantity": 0}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": -1}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": 10**9}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": 1000}, 422, "quantity-limit"),
        ({"sku": "SKU", "quantity": 1.5}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": "1"}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": True}, 422, "invalid-request"),
        ({"sku": "SKU"}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": 1, "unit_price": 1}, 422, "invalid-request"),
        ({"sku": "SKU", "quantity": 1, "status": "closed"}, 422, "invalid-request"),
        ({"sku": "no-such-sku", "quantity": 1}, 422, "unknown-sku"),
        ({"sku": "4242 4242 4242 4242", "quantity": 1}, 422, "card-number-refused"),
        ({"sku": "x" * 41, "quantity": 1}, 422, "invalid-request"),
        ([], 422, "invalid-request"),
        ("text", 422, "invalid-request"),
        (b"", 400, "malformed-request"),
        (b"{", 400, "malformed-request"),
        (b"\xff\xfe", 400, "malformed-request"),
        (b'{"sku": "SKU", "quantity": NaN}', 400, "malformed-request"),
        (b'{"sku": "SKU", "quantity": 1e400}', 422, "invalid-request"),
        (b'{"sku": "SKU", "quantity": ' + b"9" * 5000 + b"}", 400, "malformed-request"),
        (b'{"sku": "\\ud800", "quantity": 1}', 422, "invalid-request"),
        (b"[" * 100_000, 400, "malformed-request"),
        (b'{"sku": "' + b"x" * 1_000_000 + b'", "quantity": 1}', 413, "body-too-large"),
    ],
)
def test_a_bad_line_is_refused_and_changes_nothing(
    app: Application, article: Article, shopper: Shopper, body: Any, status: int, code: str
) -> None:
    sku = article()
    if isinstance(body, dict) and body.get("sku") == "SKU":
        body = body | {"sku": sku}
    before = shopper.order
    refused(post(app, shopper, f"{shopper.path}/lines", body), status, code)
    assert shopper.order == before


def test_more_than_there_is_says_how_much_there_is(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article(units=8)
    answer = post(app, shopper, f"{shopper.path}/lines", {"sku": sku, "quantity": 10})
    refused(answer, 409, "out-of-stock")
    (line,) = answer.json()["lines"]
    assert line.items() >= {"line": 1, "sku": sku, "wanted": 10, "available": 8}.items()


def test_a_foreign_cart_looks_like_one_that_does_not_exist(
    app: Application, article: Article, shopper: Shopper
) -> None:
    other = Shopper(app.url, app.stripe)
    other.add(article())
    answers = []
    for path, token in (
        (other.path, shopper.token),
        (other.path, ""),
        ("/carts/ord_aaaaaaaaaaaaaaaaaaaaaaaaaa", shopper.token),
        ("/carts/" + "x" * 3000, shopper.token),
        ("/carts/%00%01", shopper.token),
        ("/carts/%F0%9F%92%A9", shopper.token),
    ):
        answer = requests.get(app.url + path, headers={"Cart-Token": token}, timeout=60)
        refused(answer, 404, "not-found")
        answers.append(answer.json())
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("path", ["/nowhere", "/carts/x/y/z", "/", "/orders/x/y", "/warehouse"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "TRACE", "NONSENSE"])
def test_an_unknown_route_is_404(app: Application, method: str, path: str) -> None:
    refused(requests.request(method, app.url + path, timeout=60), 404, "not-found")


@pytest.mark.parametrize(
    "token",
    ["", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer " + "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."],
)
@pytest.mark.parametrize(
    "path", ["/orders", "/customers/me", "/warehouse/nodes/dc-columbus/shipments"]
)
def test_without_a_real_token_there_is_no_way_in(app: Application, token: str, path: str) -> None:
    answer = requests.get(app.url + path, headers={"Authorization": token}, timeout=60)
    refused(answer, 401, "unauthenticated")


def test_the_warehouse_is_not_for_everybody(app: Application) -> None:
    from infra.demo.people import sign_in_staff

    token = sign_in_staff(app, "csr")
    answer = requests.get(
        f"{app.url}/warehouse/nodes/dc-columbus/shipments",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    refused(answer, 403, "forbidden")


def test_a_post_needs_a_good_key(app: Application, shopper: Shopper) -> None:
    path = f"{app.url}{shopper.path}/lines"
    headers = {"Content-Type": "application/json", "Cart-Token": shopper.token}
    body = json.dumps({"sku": "x", "quantity": 1})
    refused(
        requests.post(path, data=body, headers=headers, timeout=60), 400, "idempotency-key-required"
    )
    for bad in ("a" * 256, "has space"):
        answer = requests.post(
            path, data=body, headers=headers | {"Idempotency-Key": bad}, timeout=60
        )
        refused(answer, 400, "malformed-request")
    weak = requests.post(
        f"{app.url}/carts", data="{}", headers=headers | {"Idempotency-Key": "1"}, timeout=60
    )
    refused(weak, 400, "idempotency-key-too-weak")


def test_a_key_for_another_request_is_refused(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article()
    shopper.add(sku, 1, key="one-key")
    with pytest.raises(Refused) as answer:
        shopper.add(sku, 2, key="one-key")
    assert answer.value.code == "idempotency-key-reused"
    assert shopper.order["lines"][0]["quantity"] == 1


def test_an_old_version_is_not_edited(app: Application, article: Article, shopper: Shopper) -> None:
    sku = article()
    shopper.add(sku)
    answer = post(
        app,
        shopper,
        f"{shopper.path}/lines/{sku}",
        {"quantity": 5},
        method="PUT",
        **{"If-Match": '"1"'},
    )
    refused(answer, 409, "stale-version")
    assert shopper.order["lines"][0]["quantity"] == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"service": "rocket", "address": HOME}, "delivery-unavailable"),
        (
            {"service": "parcel-standard", "address": HOME | {"country": "FR"}},
            "delivery-unavailable",
        ),
        ({"service": "store-pickup", "store": "dc-columbus"}, "delivery-unavailable"),
        ({"service": "store-pickup", "store": "nowhere"}, "delivery-unavailable"),
        ({"service": "parcel-standard", "store": "store-dayton"}, "delivery-unavailable"),
        ({"service": "parcel-standard"}, "invalid-request"),
        (
            {"service": "parcel-standard", "address": HOME, "store": "store-dayton"},
            "invalid-request",
        ),
        ({"service": "parcel-standard", "address": HOME | {"name": "a\u0000b"}}, "invalid-request"),
        (
            {"service": "parcel-standard", "address": HOME, "instructions": "4242-4242-4242-4242"},
            "card-number-refused",
        ),
    ],
)
def test_a_delivery_that_cannot_be_is_refused(
    app: Application, article: Article, shopper: Shopper, body: Any, code: str
) -> None:
    shopper.add(article())
    before = shopper.order
    refused(post(app, shopper, f"{shopper.path}/delivery", body, method="PUT"), 422, code)
    assert shopper.order == before


def test_checkout_says_what_is_missing(
    app: Application, article: Article, shopper: Shopper
) -> None:
    refused(post(app, shopper, f"{shopper.path}/checkout", {}), 409, "empty-cart")
    shopper.add(article())
    answer = post(app, shopper, f"{shopper.path}/checkout", {})
    refused(answer, 409, "incomplete-checkout")
    assert answer.json()["missing"] == [
        "/contact",
        "/billing_address",
        "/payment_method",
        "/delivery",
    ]


def test_what_is_placed_is_no_cart_any_more(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article()
    shopper.buy((sku, 1))
    app.settle()
    for method, path, body in (
        ("POST", f"{shopper.path}/lines", {"sku": sku, "quantity": 1}),
        ("PUT", f"{shopper.path}/lines/{sku}", {"quantity": 3}),
        ("PATCH", shopper.path, {"payment_method": "card"}),
        ("POST", f"{shopper.path}/checkout", {}),
        ("POST", f"{shopper.path}/payment", {}),
    ):
        refused(post(app, shopper, path, body, method=method), 409, "illegal-state")


def test_a_webhook_that_nobody_signed_is_refused(app: Application) -> None:
    for path in ("/webhooks/stripe", "/webhooks/carrier"):
        for headers in ({}, {"Stripe-Signature": "t=1,v1=00", "webhook-id": "x"}):
            answer = post(app, None, path, {"id": "evt_1"}, **headers)
            refused(answer, 400, "signature-refused")


def test_a_parcel_number_is_used_once(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    other = Shopper(app.url, app.stripe)
    for someone in (shopper, other):
        someone.buy((article(), 1))
    app.settle()
    first, second = (
        next(s for s in warehouse.queue("dc-columbus") if s["order_id"] == someone.id)
        for someone in (shopper, other)
    )
    parcel = {"carrier": "Sample Parcel", "parcel_number": "4242424242424242"}
    for shipment in (first, second):
        warehouse.report(shipment, "pack")
    warehouse.report(first, "ship", parcel)
    with pytest.raises(Refused) as answer:
        warehouse.report(second, "ship", parcel)
    assert answer.value.code == "illegal-state"
    with pytest.raises(Refused) as answer:
        warehouse.report(first, "ship", parcel | {"parcel_number": "another"})
    assert answer.value.code == "illegal-state"
