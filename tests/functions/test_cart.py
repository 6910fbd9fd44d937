"""The cart by itself: one answer per key whatever crashes, and what the tables hold afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.shop import put_settings
from parcelway.store.stock_books import count

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import PRODUCTS, SHOP, at, store


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        store(db, at("draft", seed="of somebody else"))
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "cart")
    clock.reset()


class Cart:
    """A cart and its token."""

    def __init__(self, world: World) -> None:
        self.world = world
        created = ok(world.call("POST", "/carts", body={}, idempotency_key=new_key()), 201)
        self.id, self.token = created["cart"]["id"], created["cart_token"]

    def add(self, sku: str, quantity: int, key: str = "", **headers: str) -> Answer:
        body = {"sku": sku, "quantity": quantity}
        return self._call("POST", "/lines", {}, body, idempotency_key=key or new_key(), **headers)

    def set(self, sku: str, quantity: int, **headers: str) -> Answer:
        return self._call("PUT", "/lines/{sku}", {"sku": sku}, {"quantity": quantity}, **headers)

    def remove(self, sku: str, **headers: str) -> Answer:
        return self._call("DELETE", "/lines/{sku}", {"sku": sku}, None, **headers)

    def show(self) -> Any:
        return ok(self._call("GET", "", {}, None))

    def units(self) -> dict[str, int]:
        """What the tables say is in it."""
        return {line.sku: line.quantity for line in self.world.order(self.id).lines}

    def _call(
        self, method: str, under: str, path: Mapping[str, str], body: Any, **headers: Any
    ) -> Answer:
        return self.world.call(
            method,
            "/carts/{cart_id}" + under,
            {"cart_id": self.id, **path},
            body,
            cart_token=self.token,
            **headers,
        )


# Creating


def test_a_cart_created_again_is_the_same_cart(world: World) -> None:
    key = new_key()
    first = world.call("POST", "/carts", body={}, idempotency_key=key)
    before = world.dump()
    clock.travel(timedelta(days=2))
    assert world.call("POST", "/carts", body={}, idempotency_key=key) == first
    assert world.dump() == before
    assert ok(first, 201)["cart"]["state"] == "draft"


def test_a_cart_whose_answer_was_lost_is_found_again(world: World) -> None:
    key = new_key()

    def create() -> Answer:
        return world.call("POST", "/carts", body={}, idempotency_key=key)

    busy = world.breaking("put_item", done=True, request=create)
    refused(busy, 503, "busy")
    assert busy["headers"]["Retry-After"] == "1"
    before = world.dump()
    created = ok(create(), 201)
    assert world.dump() == before
    assert world.order(created["cart"]["id"]).version == 1


def test_two_keys_are_two_carts_with_two_tokens(world: World) -> None:
    one, other = Cart(world), Cart(world)
    assert one.id != other.id
    assert one.token != other.token
    answer = world.call("GET", "/carts/{cart_id}", {"cart_id": one.id}, cart_token=other.token)
    missing = world.call("GET", "/carts/{cart_id}", {"cart_id": "ord_x"}, cart_token=other.token)
    refused(answer, 404, "not-found")
    assert answer == missing


def test_the_tables_do_not_hold_the_token(world: World) -> None:
    cart = Cart(world)
    assert cart.token not in "".join(world.dump())


def test_nor_anything_that_the_token_could_be_derived_from(world: World) -> None:
    """The order remembers digests of the keys that it was made with."""
    cart = Cart(world)
    for kept in world.order(cart.id).commands:
        assert hashlib.sha256(f"cart-token\x1f{kept}".encode()).hexdigest() != cart.token


@pytest.mark.parametrize("key", ["1", "a" * 36, "abcabcab" * 5, "abcdefghijklmnopqrstu"])
def test_a_key_that_can_be_guessed_makes_no_cart(world: World, key: str) -> None:
    before = world.dump()
    answer = world.call("POST", "/carts", body={}, idempotency_key=key)
    refused(answer, 400, "idempotency-key-too-weak")
    assert world.dump() == before


def test_the_key_of_another_creation_is_refused(world: World) -> None:
    key = new_key()
    ok(world.call("POST", "/carts", body={}, idempotency_key=key), 201)
    answer = world.call("POST", "/carts", body={"channel": "mobile"}, idempotency_key=key)
    refused(answer, 422, "idempotency-key-reused")
    assert "cart_token" not in answer["body"]


# Filling


def test_the_news_of_a_cart_goes_with_its_change_and_ends_with_it(world: World) -> None:
    put_settings(world.db, replace(SHOP.settings, cart_event_minutes=15))
    world.db.memory.clear()
    cart, key = Cart(world), new_key()
    refused(
        world.breaking(
            "transact_write_items", done=True, request=lambda: cart.add("MUG-1", 2, key)
        ),
        503,
        "busy",
    )
    ok(cart.add("MUG-1", 2, key), 201)
    ok(cart.add("MUG-1", 1), 201)
    items = world.db.query(world.db.orders, f"ORD#{cart.id}")
    (event,), (order,) = (
        [item for item in items if item["sk"][:3] == kind] for kind in ("EVT", "ORD")
    )
    data = event["event"]["data"]
    assert (event["event"]["type"], data["units"]) == ("cart.updated", 2)
    assert event["expires"] == order["expires"]
    assert set(data) == {"lines", "units", "value", "currency"}  # nobody's name or address


def test_adding_again_under_the_same_key_adds_once(world: World) -> None:
    cart, key = Cart(world), new_key()
    first = cart.add("MUG-1", 2, key)
    before = world.dump()
    assert cart.add("MUG-1", 2, key) == first
    assert world.dump() == before
    refused(cart.add("MUG-1", 3, key), 422, "idempotency-key-reused")
    assert world.dump() == before
    ok(cart.add("MUG-1", 2), 201)
    assert cart.units() == {"MUG-1": 4}


def test_a_late_repeat_shows_the_cart_as_it_is_now(world: World) -> None:
    cart, key = Cart(world), new_key()
    ok(cart.add("MUG-1", 2, key), 201)
    ok(cart.add("TEA-9", 1), 201)
    late = ok(cart.add("MUG-1", 2, key), 201)
    assert {line["sku"]: line["quantity"] for line in late["lines"]} == {"MUG-1": 2, "TEA-9": 1}


def test_setting_and_removing_may_be_repeated(world: World) -> None:
    cart = Cart(world)
    ok(cart.add("TEA-9", 1), 201)
    ok(cart.add("MUG-1", 2), 201)
    changes: list[tuple[Callable[[], Answer], dict[str, int]]] = [
        (lambda: cart.set("MUG-1", 5, idempotency_key="set"), {"TEA-9": 1, "MUG-1": 5}),
        (lambda: cart.set("MUG-1", 0, idempotency_key="none"), {"TEA-9": 1}),
        (lambda: cart.remove("TEA-9", idempotency_key="remove"), {}),
    ]
    for change, units in changes:
        first = change()
        ok(first)
        before = world.dump()
        assert change() == first
        assert world.dump() == before
        assert cart.units() == units
    ok(cart.remove("NEVER-1"))


def test_a_repeat_is_answered_although_the_version_has_moved_on(world: World) -> None:
    cart, key = Cart(world), new_key()
    first = cart.add("MUG-1", 2, key, if_match='"1"')
    assert ok(first, 201)["version"] == 2
    assert cart.add("MUG-1", 2, key, if_match='"1"') == first
    refused(cart.add("MUG-1", 2, if_match='"1"'), 409, "stale-version")
    refused(cart.set("MUG-1", 3, if_match='"1"'), 409, "stale-version")
    refused(cart.remove("MUG-1", if_match='"1"'), 409, "stale-version")
    assert cart.units() == {"MUG-1": 2}


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("policy", ["on_checkout", "on_cart"])
def test_a_timeout_then_the_same_key_adds_once(world: World, policy: Any, done: bool) -> None:
    put_settings(world.db, replace(SHOP.settings, reservation_policy={"online": policy}))
    cart, key = Cart(world), new_key()
    write = "transact_write_items" if policy == "on_cart" else "put_item"
    answer = world.breaking(write, done=done, request=lambda: cart.add("MUG-1", 2, key))
    refused(answer, 503, "busy")
    assert cart.units() == ({"MUG-1": 2} if done else {})
    ok(cart.add("MUG-1", 2, key), 201)
    assert cart.units() == {"MUG-1": 2}
    assert world.reserved("MUG-1") == (2 if policy == "on_cart" else 0)
    assert len(world.journal(cart.id)) == (1 if policy == "on_cart" else 0)


def test_two_tabs_at_once_lose_nothing(world: World) -> None:
    """Somebody else's commit between reading and writing: read again, decide again."""
    cart, other_tab = Cart(world), World(world.db, "cart")
    read, meanwhile = world.function.read_facts, [True]

    def overtaken(*arguments: Any, **named: Any) -> Any:
        facts = read(*arguments, **named)
        if meanwhile.pop() if meanwhile else False:
            cart.world = other_tab
            ok(cart.add("MUG-1", 5), 201)
            cart.world = world
        return facts

    world.function.read_facts = overtaken
    ok(cart.add("MUG-1", 2), 201)
    assert cart.units() == {"MUG-1": 7}


# Prices and stock


def test_the_cart_is_shown_at_the_prices_of_now(world: World) -> None:
    cart = Cart(world)
    ok(cart.add("MUG-1", 3), 201)
    assert cart.show()["totals"]["gross"] == {"minor": 3 * 1295 + 272, "currency": "USD"}
    dearer = replace(PRODUCTS["MUG-1"], price=Money(2000, "USD"))
    catalogue.upsert(world.db, [dearer], clock.now())
    before = world.dump()
    seen = cart.show()
    (line,) = seen["lines"]
    assert line["unit_price"] == {"minor": 2000, "currency": "USD"}
    assert seen["totals"]["gross"] == {"minor": 6000 + 420, "currency": "USD"}
    assert world.dump() == before


def test_without_the_policy_a_cart_writes_nothing_but_itself(world: World) -> None:
    cart = Cart(world)
    answer, calls = world.counting(lambda: cart.add("MUG-1", 2))
    ok(answer, 201)
    assert calls == ["GetItem", "BatchGetItem", "PutItem"]
    assert world.reserved("MUG-1") == 0
    assert world.journal(cart.id) == []
    assert world.order(cart.id).hold_until is None


def test_on_cart_holds_stock_in_the_transaction_that_fills_the_cart(world: World) -> None:
    put_settings(world.db, replace(SHOP.settings, reservation_policy={"online": "on_cart"}))
    cart = Cart(world)
    answer, calls = world.counting(lambda: cart.add("MUG-1", 2))
    assert ok(answer, 201)["lines"][0]["stages"] == {"reserved": 2}
    assert [call for call in calls if "Get" not in call] == ["TransactWriteItems"]
    (entry,) = world.journal(cart.id)
    assert [(move["sku"], move["kind"], move["quantity"]) for move in entry["moves"]] == [
        ("MUG-1", "reserve", 2)
    ]
    assert world.reserved("MUG-1") == 2
    order = world.order(cart.id)
    assert order.hold_until is not None
    assert order.hold_until > clock.now()
    ok(cart.remove("MUG-1"))
    assert world.reserved("MUG-1") == 0
    assert world.order(cart.id).hold_until is None
    assert len(world.journal(cart.id)) == 2


def test_more_than_there_is_changes_nothing(world: World) -> None:
    put_settings(world.db, replace(SHOP.settings, reservation_policy={"online": "on_cart"}))
    cart = Cart(world)
    ok(cart.add("MUG-1", 90), 201)
    before = world.dump()
    refused(cart.add("MUG-1", 11), 409, "out-of-stock")
    assert world.dump() == before


# Out of stock


def shelf(world: World, *articles: tuple[str, int, int], **changes: Any) -> None:
    """Mugs for sale: SKU, price in cents and units at the distribution centre."""
    for sku, cents, units in articles:
        mug = replace(
            PRODUCTS["MUG-1"], sku=sku, price=Money(cents, "USD"), category=("Kitchen", "Mugs")
        )
        catalogue.upsert(world.db, [replace(mug, **changes)], clock.now())
        count(world.db, sku, "dc-1", units, clock.now(), sku)


def offered(cart: Cart, sku: str, quantity: int) -> list[str]:
    (line,) = refused(cart.add(sku, quantity), 409, "out-of-stock")["lines"]
    assert line["sku"] == sku
    return [each["sku"] for each in line["alternatives"]]


def test_who_is_refused_is_told_what_else_is_there_the_nearest_in_price_first(
    world: World,
) -> None:
    shelf(world, ("RED", 1000, 1), ("BLUE", 1000, 9), ("GOLD", 5000, 9), ("TIN", 400, 9))
    shelf(world, ("CLAY", 900, 9), ("WOOD", 700, 2))
    cart = Cart(world)
    (line,) = refused(cart.add("RED", 3), 409, "out-of-stock")["lines"]
    assert (line["wanted"], line["available"]) == (3, 1)
    price = {"minor": 1000, "currency": "USD"}
    blue = {"sku": "BLUE", "name": "Stoneware mug, blue", "price": price}
    assert [each["sku"] for each in line["alternatives"]] == ["BLUE", "CLAY", "TIN"]
    assert line["alternatives"][0] == blue
    assert offered(cart, "RED", 10) == []  # none of them has so many
    ok(cart.add("BLUE", 1), 201)
    assert offered(cart, "RED", 2) == ["CLAY", "WOOD", "TIN"]  # not what is in the cart


def test_no_alternative_is_what_would_be_refused_as_well(world: World) -> None:
    launch = clock.now().date() + timedelta(days=9)
    shelf(world, ("RED", 1000, 0))
    shelf(world, ("OLD", 1000, 9), active=False)
    shelf(world, ("SOON", 1000, 9), launch=launch)
    shelf(world, ("KEPT", 1000, 9), channel_buffers={"online": 9})
    shelf(world, ("PLATE", 1000, 9), category=("Kitchen", "Plates"))
    shelf(world, ("LOST", 1000, 9), category=())
    shelf(world, ("TRADE", 1000, 9), assortments=("trade",))  # nor what they may not see
    shelf(world, ("DOZEN", 1000, 24), min_quantity=12, quantity_step=12)
    assert offered(Cart(world), "RED", 1) == []


def test_what_is_taken_off_the_shelf_or_changes_its_price_is_found_where_it_is(
    world: World,
) -> None:
    shelf(world, ("RED", 1000, 0), ("BLUE", 1100, 9), ("CLAY", 1200, 9))
    assert offered(Cart(world), "RED", 1) == ["BLUE", "CLAY"]
    shelf(world, ("BLUE", 4000, 9))
    assert offered(Cart(world), "RED", 1) == ["CLAY", "BLUE"]
    shelf(world, ("CLAY", 1200, 9), active=False)
    assert offered(Cart(world), "RED", 1) == ["BLUE"]


def test_a_refusal_is_said_although_nothing_can_be_offered(world: World) -> None:
    shelf(world, ("RED", 1000, 0), ("BLUE", 1000, 9))
    cart = Cart(world)
    asked: list[str] = []

    def unreachable(params: Mapping[str, Any], **_: Any) -> None:
        if params.get("IndexName") == "by_category":
            asked.append(params["IndexName"])
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    events, name = world.db.client.meta.events, "before-parameter-build.dynamodb.Query"
    events.register(name, unreachable)
    (line,) = refused(cart.add("RED", 1), 409, "out-of-stock")["lines"]
    events.unregister(name, unreachable)
    assert asked
    assert "alternatives" not in line
    assert offered(cart, "RED", 1) == ["BLUE"]
