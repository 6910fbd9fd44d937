"""A person: from sign-up to their own orders."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from infra.demo.people import HOME, Client, Refused, Shopper
from infra.local.application import Application

Article = Callable[..., str]
PASSWORD = "a long enough pass phrase 7"


def form(email: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Ann Example",
        "email": email,
        "phone": "+16145550123",
        "password": PASSWORD,
        "addresses": [
            {
                "label": "Home",
                "address": HOME,
                "default_shipping": True,
                "default_billing": True,
            }
        ],
        "currency": "USD",
        "language": "en",
        "consent": {"terms_accepted": True, "marketing": False},
    } | changes


def code_for(app: Application, email: str) -> str:
    mail = [mail for mail in app.stack.mails() if email in mail.to][-1]
    found = re.search(r"\b\d{6}\b", mail.text or mail.html)
    assert found is not None
    return found.group()


def member(app: Application) -> tuple[Client, str]:
    """A confirmed, signed-in customer."""
    client, email = Client(app.url), f"ann-{uuid.uuid4().hex[:8]}@example.com"
    told = client.call("POST", "/customers", form(email))
    code = code_for(app, email)
    body = {"email": email, "code": code, "sign_up": told["sign_up"]}
    client.call("POST", "/customers/confirmation", body)
    tokens = client.call("POST", "/sessions", {"email": email, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {tokens['id_token']}"
    return client, email


def test_sign_up_confirm_sign_in_and_read_the_own_record(app: Application) -> None:
    client, email = member(app)
    me = client.call("GET", "/customers/me")
    assert me["email"] == email
    assert me["state"] == "enabled"
    changed = client.call("PATCH", "/customers/me", {"language": "de"})
    assert (changed["language"], changed["version"]) == ("de", me["version"] + 1)


def test_a_second_sign_up_makes_no_twin_and_reveals_nothing(app: Application) -> None:
    client, email = member(app)
    stranger = Client(app.url)
    again = stranger.call("POST", "/customers", form(email.upper(), password="quite another 11"))
    fresh = stranger.call("POST", "/customers", form(f"new-{uuid.uuid4().hex[:8]}@example.com"))
    assert again["message"] == fresh["message"]
    assert set(again) == set(fresh)
    with pytest.raises(Refused) as refused:
        stranger.call("POST", "/sessions", {"email": email, "password": "quite another 11"})
    unknown = {"email": "nobody@example.com", "password": PASSWORD}
    with pytest.raises(Refused) as not_there:
        stranger.call("POST", "/sessions", unknown)
    assert refused.value.problem == not_there.value.problem
    assert client.call("GET", "/customers/me")["email"] == email


def test_a_wrong_code_confirms_nobody(app: Application) -> None:
    client, email = Client(app.url), f"bob-{uuid.uuid4().hex[:8]}@example.com"
    told = client.call("POST", "/customers", form(email))
    right = code_for(app, email)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    with pytest.raises(Refused) as refused:
        body = {"email": email, "code": wrong, "sign_up": told["sign_up"]}
        client.call("POST", "/customers/confirmation", body)
    assert (refused.value.status, refused.value.code) == (422, "code-refused")
    with pytest.raises(Refused):
        client.call("POST", "/sessions", {"email": email, "password": PASSWORD})


def test_a_claimed_cart_becomes_an_order_that_only_its_customer_sees(
    app: Application, article: Article, shopper: Shopper
) -> None:
    client, email = member(app)
    other, _ = member(app)
    authorization = {"Authorization": client.headers["Authorization"]}
    shopper.api.headers |= authorization
    claimed = shopper.api.call("POST", f"{shopper.path}/claim")
    assert claimed["contact"]["email"] == email
    assert client.call("GET", "/orders")["orders"] == []
    shopper.buy((article(), 1))
    app.settle()
    (order,) = client.call("GET", "/orders")["orders"]
    assert order["id"] == shopper.id
    assert client.call("GET", f"/orders/{shopper.id}")["state"] == "confirmed"
    assert other.call("GET", "/orders")["orders"] == []
    refusals = []
    for order_id in (shopper.id, "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa"):
        for method, path, body in (
            ("GET", f"/orders/{order_id}", None),
            ("POST", f"/orders/{order_id}/cancel", {}),
        ):
            with pytest.raises(Refused) as refused:
                other.call(method, path, body)
            refusals.append((refused.value.status, refused.value.problem))
    assert all(refusal == refusals[0] for refusal in refusals)
    assert refusals[0][0] == 404
    shopper.api.headers["Authorization"] = other.headers["Authorization"]
    with pytest.raises(Refused) as refused:
        shopper.api.call("POST", f"{shopper.path}/claim")
    assert refused.value.status == 404
    client.call("POST", f"/orders/{shopper.id}/cancel", {"reason": "found it cheaper"})
    app.settle()
    assert client.call("GET", f"/orders/{shopper.id}")["state"] == "cancelled"


def test_the_history_pages_by_cursor(app: Application, article: Article) -> None:
    client, _ = member(app)
    sku, placed = article(), []
    for _ in range(3):
        shopper = Shopper(app.url, app.stripe)
        shopper.api.headers["Authorization"] = client.headers["Authorization"]
        shopper.api.call("POST", f"{shopper.path}/claim")
        shopper.buy((sku, 1))
        placed.append(shopper.id)
    app.settle()
    seen: list[str] = []
    page = client.call("GET", "/orders", None, None, limit="1")
    while True:
        seen += [order["id"] for order in page["orders"]]
        if not page["next_cursor"]:
            break
        cursor = page["next_cursor"]
        page = client.call("GET", "/orders", None, None, limit="1", cursor=cursor)
    assert seen == placed[::-1]
    other, _ = member(app)
    for bad in (cursor, "nonsense", "e30="):
        with pytest.raises(Refused) as refused:
            other.call("GET", "/orders", None, None, cursor=bad)
        assert refused.value.status == 400
