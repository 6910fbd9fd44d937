"""What is for some alone: they find it and buy it, and for others there is no such thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from parcelway.ports import clock
from parcelway.store import catalogue

from infra.demo.people import Client, Refused, Shopper, staff
from infra.local.application import Application
from tests.journeys.test_customers import member

Article = Callable[..., str]
WORD = "quixotine"  # that no other product has


@pytest.fixture
def hidden(app: Application, article: Article) -> str:
    """An article that the members of a group alone may see, and pay less for."""
    sku = article(units=5)
    product = catalogue.get_many(app.database, [sku])[sku]
    special = replace(product, name=f"{WORD.title()} lamp", assortments=("insiders",))
    catalogue.upsert(app.database, [special], clock.now())
    admin, audience = staff(app, "admin"), {"groups": ["insiders"]}
    body = {"name": "Insiders", "audience": audience}
    admin.call("PUT", "/offers/assortments/insiders", body)
    admin.call("PUT", "/offers/price-lists/insiders", body | {"currency": "USD"})
    prices = {"prices": [{"sku": sku, "tiers": [{"minor": 77}]}]}
    admin.call("PUT", "/offers/price-lists/insiders/prices", prices)
    for function in ("SearchFunction", "CartFunction", "CheckoutFunction"):
        app.stack.build.functions._free[function].clear()  # they read the shop a minute ago
    app.settle()
    app.stack.build.functions._free["SearchFunction"].clear()  # and the index
    return sku


def insider(app: Application, shopper: Shopper) -> Shopper:
    """A shopper whose cart is that of a member of the group."""
    client, _ = member(app)
    me = client.call("GET", "/customers/me")
    standing = f"/staff/customers/{me['id']}/standing"
    staff(app, "csr_supervisor").call("PUT", standing, {"groups": ["insiders"]})
    shopper.api.headers["Authorization"] = client.headers["Authorization"]
    shopper.api.call("POST", f"{shopper.path}/claim")
    return shopper


def refused(client: Any, path: str, **query: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(Refused) as caught:
        client.call("GET", path, None, None, **query)
    return caught.value.status, caught.value.problem


def test_a_member_finds_and_buys_what_a_guest_does_not_find(
    app: Application, hidden: str, shopper: Shopper
) -> None:
    theirs = {"cart": insider(app, shopper).id}
    ask = shopper.api.call
    found = ask("GET", "/products", None, None, q=WORD, **theirs)
    assert [each["sku"] for each in found["products"]] == [hidden]
    assert (found["total"], found["products"][0]["price"]["minor"]) == (1, 77)
    suggested = ask("GET", "/products/suggest", None, None, q=WORD[:5], **theirs)
    assert suggested["suggestions"] == [{"value": WORD, "count": 1}]
    assert ask("GET", f"/products/{hidden}", None, None, **theirs) == found["products"][0]
    supply = ask("GET", f"/products/{hidden}/availability", None, None, **theirs)
    assert supply["most"] == 5
    shopper.add(hidden, 2)
    shopper.deliver()
    shopper.describe()
    placed = shopper.place()
    assert [line["unit_price"]["minor"] for line in placed["lines"]] == [77]
    shopper.pay()
    app.settle()
    assert shopper.order["state"] == "confirmed"


@pytest.mark.parametrize("with_cart", [False, True])
def test_for_others_there_is_no_such_thing(
    app: Application, hidden: str, shopper: Shopper, with_cart: bool
) -> None:
    guest = shopper.api
    own = {"cart": shopper.id} if with_cart else {}
    found = guest.call("GET", "/products", None, None, q=WORD, **own)
    missing = guest.call("GET", "/products", None, None, q="quixotane", **own)
    assert found | {"corrected": {}} == missing | {"corrected": {}}
    assert WORD not in str(guest.call("GET", "/products", None, None, q="quixotina", **own))
    for word in (WORD[:5], WORD, "quixotina"):
        answer = guest.call("GET", "/products/suggest", None, None, q=word, **own)
        assert WORD not in str(answer)
    for path in ("/products/{}", "/products/{}/availability"):
        told = [refused(guest, path.format(sku), **own) for sku in (hidden, "NO-SUCH-SKU")]
        assert told[0] == told[1]
        assert told[0][0] == 404
    with pytest.raises(Refused) as add:
        shopper.add(hidden)
    assert add.value.code == "unknown-sku"


def test_another_carts_token_opens_nothing(app: Application, hidden: str, shopper: Shopper) -> None:
    """Who knows a member's cart by its id sees no more by it than by one that there is not."""
    theirs = insider(app, shopper).id
    thief, bare = Shopper(app.url, app.stripe).api, Client(app.url)
    for path in ("/products", "/products/suggest", f"/products/{hidden}"):
        unknown = refused(thief, path, cart="ord_aaaaaaaaaaaaaaaaaaaaaaaaaa")
        assert refused(thief, path, cart=theirs) == refused(bare, path, cart=theirs) == unknown
        assert unknown[0] == 404
