"""What was ordered as a guest becomes its customer's: once the mailbox is proven, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from parcelway.domain.guest_orders import mailbox
from parcelway.domain.parties import Actor
from parcelway.store.guest_orders import unclaimed
from parcelway.store.orders import get_order

from tests.functions import worlds
from tests.functions.signup import EMAIL, World, world
from tests.functions.worlds import Broken, ok
from tests.orders import CONTACT, at, dossier_of, store

SPELLED = ("ADA@example.com", "Ada@EXAMPLE.COM", "ada@example.com")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made


def ordered(shop: World, email: str, seed: str = "1", stage: Any = "placed") -> str:
    """A guest's order for a mailbox."""
    story = at(stage, seed=seed, contact=replace(CONTACT, email=email))
    return store(shop.db, story).id


def owner(shop: World, order_id: str) -> str:
    order = get_order(shop.db, order_id)
    assert order is not None
    return order.customer_id


def listed(shop: World, token: str) -> list[str]:
    """The orders that a customer is shown."""
    claims = jwt.decode(token, options={"verify_signature": False})
    answer = worlds.World(shop.db, "orders").call("GET", "/orders", claims=claims)
    return [order["id"] for order in ok(answer)["orders"]]


def test_a_proven_mailbox_gets_its_orders_however_it_was_spelled(shop: World) -> None:
    mine = [ordered(shop, email, str(n)) for n, email in enumerate(SPELLED)]
    another = ordered(shop, "eve@example.com", "eve")
    assert shop.sign_up().status == 202
    assert {owner(shop, order_id) for order_id in mine} == {""}  # nothing is proven yet
    token = shop.member()
    (record,) = shop.records()
    assert {owner(shop, order_id) for order_id in mine} == {record["id"]}
    assert owner(shop, another) == ""
    assert set(listed(shop, token)) == set(mine)
    assert unclaimed(shop.db, EMAIL) == []
    told = [event for event in dossier_of(shop.db, mine[0]).events if event.type == "order.claimed"]
    assert [event.actor for event in told] == [Actor("customer", record["id"])]


@pytest.mark.parametrize("done", [True, False])
def test_what_a_crash_left_is_claimed_with_the_list(shop: World, done: bool) -> None:
    """The code is used up, so that the confirmation itself must not fail."""
    mine = [ordered(shop, email, str(n)) for n, email in enumerate(SPELLED)]
    whole = shop.app.db()

    class Stops(Broken):
        """The tables answer nothing any more from the first order on."""

        def __getattr__(self, name: str) -> Any:
            if name == self._operation:
                self.broke = False
            return super().__getattr__(name)

    stops = Stops(whole.client, "transact_write_items", done=done)
    shop.app.db = lambda: replace(whole, client=_only_orders(stops, whole.client))
    token = shop.member()
    shop.app.db = lambda: whole
    assert stops.broke
    assert "" in {owner(shop, order_id) for order_id in mine}
    assert set(listed(shop, token)) == set(mine)
    assert unclaimed(shop.db, EMAIL) == []
    for order_id in mine:
        types = [event.type for event in dossier_of(shop.db, order_id).events]
        assert types.count("order.claimed") == 1


def _only_orders(broken: Any, client: Any) -> Any:
    """A client that is broken for what changes orders alone."""

    class Client:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def transact_write_items(self, **request: Any) -> Any:
            of_orders = "ORD#" in str(request)
            return (broken if of_orders else client).transact_write_items(**request)

    return Client()


@pytest.mark.parametrize("operation", ["query", "transact_write_items"])
def test_who_cannot_be_given_a_guest_s_order_now_still_has_their_list(
    shop: World, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = shop.member()
    later = ordered(shop, SPELLED[0])
    claims = jwt.decode(token, options={"verify_signature": False})
    orders = worlds.World(shop.db, "orders")
    monkeypatch.setattr("parcelway.store.commit.time.sleep", lambda _seconds: None)

    def busy(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        code = "ThrottlingException"
        return SimpleNamespace(status_code=400), {
            "Error": {"Code": code, "Message": "Too much"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }

    name = "".join(part.title() for part in operation.split("_"))
    on, events = f"before-call.dynamodb.{name}", shop.db.client.meta.events
    seen = list[str]()

    def only_claims(params: Any, **more: Any) -> Any:
        if "GUEST#" not in str(params["body"]):
            return None
        seen.append(name)
        return busy(**more)

    events.register(on, only_claims)
    try:
        answer = orders.call("GET", "/orders", claims=claims)
    finally:
        events.unregister(on, only_claims)
    assert ok(answer)["orders"] == []
    assert seen
    assert owner(shop, later) == ""
    assert listed(shop, token) == [later]


def test_what_is_ordered_without_signing_in_comes_with_the_list(shop: World) -> None:
    token = shop.member()
    later = ordered(shop, SPELLED[0])
    assert owner(shop, later) == ""
    assert listed(shop, token) == [later]


def test_a_token_that_names_another_mailbox_claims_nothing(shop: World) -> None:
    """An address that a user gave themselves in the pool is in the token, and proven by nothing."""
    token = shop.member()
    theirs = ordered(shop, "eve@example.com")
    claims = jwt.decode(token, options={"verify_signature": False}) | {"email": "eve@example.com"}
    answer = worlds.World(shop.db, "orders").call("GET", "/orders", claims=claims)
    assert ok(answer)["orders"] == []
    assert owner(shop, theirs) == ""


def test_a_mailbox_nobody_can_prove_is_on_no_list() -> None:
    order = at("placed").order
    assert mailbox(order) == "ada@customer.example"
    assert mailbox(replace(order, contact=replace(CONTACT, email="ünïcode@example.com"))) == ""
    assert mailbox(replace(order, customer_id="cus_1")) == ""
    assert mailbox(at("draft").order) == ""
    # A marketplace has the money for it: whoever has the mailbox cannot cancel it here.
    assert mailbox(replace(order, external_id="B-1")) == ""
