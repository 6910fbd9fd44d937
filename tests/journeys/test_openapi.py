"""What the API really answers is what its OpenAPI document says."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from parcelway.ports import clock
from parcelway.ports.webhooks import sign_standard

from infra.demo.people import HOME, Carrier, Client, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.conformance import Conformance

PASSWORD = "a long sentence of mine"


@pytest.fixture
def said() -> Conformance:
    return Conformance()


def client(app: Application, said: Conformance, **headers: str) -> Client:
    made = Client(app.url, {name.replace("_", "-"): value for name, value in headers.items()})
    made.session.hooks["response"].append(said.hook)
    return made


def refused(call: Callable[..., Any], *arguments: Any, **more: Any) -> int:
    with pytest.raises(Refused) as refusal:
        call(*arguments, **more)
    return refusal.value.status


def test_a_purchase_and_its_refusals_are_answered_as_documented(
    app: Application, article: Callable[..., str], carrier: Carrier, said: Conformance
) -> None:
    sku = article(units=5)
    shopper = Shopper(app.url, app.stripe)
    shopper.api.session.hooks["response"].append(said.hook)
    assert shopper.order["lines"] == []
    assert refused(shopper.place) == 409
    assert refused(shopper.add, "no-such-sku") == 422
    assert refused(shopper.add, sku, 6) == 409
    assert refused(shopper.add, sku, -1) == 422
    assert refused(shopper.api.call, "POST", f"{shopper.path}/lines", {"price": 1}) == 422
    shopper.add(sku, 2)
    shopper.api.call("PUT", f"{shopper.path}/lines/{sku}", {"quantity": 3})
    shopper.api.headers["If-Match"] = '"1"'
    assert refused(shopper.add, sku) == 409
    del shopper.api.headers["If-Match"]
    options = shopper.api.call("GET", f"{shopper.path}/delivery-options", country="US")["options"]
    assert {option["method"] for option in options} == {"delivery", "pickup"}
    assert refused(shopper.api.call, "GET", f"{shopper.path}/delivery-options") == 422
    shopper.deliver()
    shopper.describe()
    placed = shopper.place()
    shopper.pay()
    app.settle()
    stranger = client(app, said, Cart_Token="not-the-token")
    assert refused(stranger.call, "GET", shopper.path) == 404

    warehouse = Warehouse(app)
    warehouse.api.session.hooks["response"].append(said.hook)
    (shipment,) = [s for s in warehouse.queue("dc-columbus") if s["order_id"] == shopper.id]
    parcel = warehouse.ship(shipment)
    assert refused(warehouse.report, shipment | {"id": "shp_none"}, "pack") == 404
    app.settle()
    assert carrier.report(parcel, "delivered") == 200
    app.settle()
    assert shopper.order["state"] == "closed"
    assert refused(shopper.cancel) == 409

    link = placed["tracking_path"]
    public = client(app, said)
    for headers in ({"Accept": "application/json"}, {"Accept": "text/html"}):
        for path in (link, link.split("?")[0], "/track/XXXX", "/track?number="):
            answer = public.session.get(app.url + path, headers=headers)
            assert answer.status_code in (200, 404)
    tracked = public.call("GET", link.split("?")[0], k=link.split("=")[1])
    answer = public.session.get(tracked["invoices"][0]["url"])
    assert answer.headers["Content-Type"] == "application/pdf"
    assert public.session.get(tracked["receipt_url"]).status_code == 200
    assert len(said.seen) > 20


def test_customers_routes_answer_as_documented(app: Application, said: Conformance) -> None:
    api = client(app, said)
    email = f"{uuid.uuid4().hex[:10]}@buyer.example"
    entry = {"label": "Home", "address": HOME}
    person = {"name": "Ann", "email": email, "password": PASSWORD, "language": "en"}
    person |= {"addresses": [entry], "consent": {"terms_accepted": True}}
    assert refused(api.call, "POST", "/customers", person | {"password": "short"}) == 422
    api.call("POST", "/customers", person)
    app.settle()
    mail = [mail for mail in app.stack.mails() if email in mail.to][-1]
    code = re.search(r"\d{6}", mail.text or mail.html or "")
    assert code
    assert refused(api.call, "POST", "/sessions", {"email": email, "password": PASSWORD}) == 401
    confirmation = {"email": email, "code": code.group()}
    wrong = confirmation | {"code": "000000" if code.group() != "000000" else "111111"}
    assert refused(api.call, "POST", "/customers/confirmation", wrong) == 422
    api.call("POST", "/customers/confirmation", confirmation)
    tokens = api.call("POST", "/sessions", {"email": email, "password": PASSWORD})
    assert refused(api.call, "GET", "/customers/me") == 401
    api.headers["Authorization"] = f"Bearer {tokens['id_token']}"
    me = api.call("GET", "/customers/me")
    assert me["email"] == email
    api.call("PATCH", "/customers/me", {"phone": "+16145550100"})
    added = api.call("POST", "/customers/me/addresses", entry | {"label": "Work"})
    address = f"/customers/me/addresses/{added['addresses'][-1]['id']}"
    api.call("PUT", address, entry | {"label": "Office"})
    api.call("DELETE", address)
    assert refused(api.call, "PUT", address, entry) == 404
    assert api.call("GET", "/orders") == {"orders": [], "next_cursor": None}
    assert refused(api.call, "GET", "/orders", cursor="made-up") == 400
    assert refused(api.call, "GET", "/orders/ord_none") == 404
    assert refused(api.call, "POST", "/staff/orders/ord_none/cancel", {}) == 403
    api.call("POST", "/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    api.call("POST", "/passwords/reset", {"email": email})
    assert len(said.seen) > 18


def test_what_cannot_even_be_read_is_refused_as_documented(
    app: Application, said: Conformance
) -> None:
    session = client(app, said).session
    key = {"Idempotency-Key": str(uuid.uuid4())}
    json_type = {"Content-Type": "application/json"}
    url = f"{app.url}/carts"
    found = [
        session.post(url, data=b"{}", headers=json_type).status_code,
        session.post(url, data=b"{", headers=key | json_type).status_code,
        session.post(url, data=b"{}", headers=key | {"Content-Type": "text/plain"}).status_code,
        session.post(url, data=b" " * 300_000, headers=key | json_type).status_code,
        session.post(url, json={"language": "4111 1111 1111 1111"}, headers=key).status_code,
        session.post(f"{app.url}/webhooks/stripe", json={}).status_code,
        session.get(f"{app.url}/products?limit=0").status_code,
        session.get(f"{app.url}/products/no-such-sku").status_code,
        session.delete(f"{app.url}/sessions", json={}).status_code,
    ]
    assert found == [400, 400, 415, 413, 422, 400, 422, 404, 401]


def test_search_answers_as_documented(app: Application, said: Conformance) -> None:
    api = client(app, said)
    page = api.call("GET", "/products", limit="2")
    assert len(page["products"]) == 2
    api.call("GET", "/products", limit="2", cursor=page["next_cursor"])
    api.call("GET", "/products/suggest", q=page["products"][0]["name"][:3])
    path = f"/products/{page['products'][0]['sku']}"
    api.call("GET", path)
    api.call("GET", f"{path}/availability", quantity="2", country="US")
    assert refused(api.call, "GET", f"{path}/availability", store="nowhere") == 422


def test_a_carriers_unknown_parcel_is_answered_as_documented(
    app: Application, said: Conformance
) -> None:
    body = (
        b'{"event_id": "e1", "carrier": "ups", "parcel_number": "none",'
        b' "status": "delivered", "at": "2026-11-21T08:30:00Z"}'
    )
    signed = sign_standard(body, "e1", app.carrier_secret, clock.now())
    session: requests.Session = client(app, said).session
    headers = signed | {"Content-Type": "application/json"}
    assert (
        session.post(f"{app.url}/webhooks/carrier", data=body, headers=headers).status_code == 404
    )
