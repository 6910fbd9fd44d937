"""Checkout by itself: what placing writes, that it is written once, and in how many calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.customer import found
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.ports import clock
from parcelway.store import catalogue, customers
from parcelway.store import shop as shop_store
from parcelway.store.codec import encode
from parcelway.store.offers import put_offer
from parcelway.store.orders import order_of_tracking
from parcelway.store.saving import save
from parcelway.store.stock_books import count

from tests.domain.offers import percentage
from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import (
    ACCOUNT,
    BASKET,
    CONTACT,
    HOME,
    PRODUCTS,
    SHOP,
    Story,
    at,
    dossier_of,
    store,
    store_shop,
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "checkout")
    clock.reset()


@pytest.fixture
def story(world: World) -> Story:
    """A cart of three lines that is ready to be placed."""
    story = at("draft", now=clock.now() - timedelta(minutes=30))
    store(world.db, story)
    return story


def call(
    world: World, story: Story, method: str, under: str, body: Any = None, **more: Any
) -> Answer:
    path = {"cart_id": story.order.id}
    resource = "/carts/{cart_id}" + under
    return world.call(method, resource, path, body, cart_token=story.token, **more)


def options(world: World, story: Story, country: str = "US") -> list[dict[str, Any]]:
    answer = call(world, story, "GET", "/delivery-options", query={"country": country})
    found: list[dict[str, Any]] = ok(answer)["options"]
    return found


def test_a_store_tells_its_distance_hours_and_what_it_lacks(world: World, story: Story) -> None:
    shop_store.put_places(world.db, {"US:432": (39.96, -83.0)})
    near = {"country": "US", "postal_code": "43215"}
    (store_option,) = (
        option
        for option in ok(call(world, story, "GET", "/delivery-options", query=near))["options"]
        if option["method"] == "pickup"
    )
    assert 6 < store_option["distance_km"] < 8
    assert store_option["time_zone"] == "America/New_York"
    assert store_option["open_today"] in ([], [{"opens": "00:00", "closes": "24:00"}])
    assert (store_option["available"], store_option["missing"]) == (True, [])
    assert store_option["ready_by"] is not None
    count(world.db, "MUG-1", "store-1", 2, clock.now(), "found fewer")
    (_, lacking) = options(world, story)
    assert (lacking["available"], lacking["ready_by"]) == (False, None)
    assert lacking["missing"] == [{"sku": "MUG-1", "quantity": 1}]


def test_an_option_counts_what_may_be_sold_through_the_carts_channel(
    world: World, story: Story
) -> None:
    kept = replace(PRODUCTS["MUG-1"], channel_buffers={"online": 98})
    catalogue.upsert(world.db, [kept], clock.now())
    assert [(each["available"], each["missing"]) for each in options(world, story)] == [
        (False, [{"sku": "MUG-1", "quantity": 1}]),
        (False, [{"sku": "MUG-1", "quantity": 1}]),
    ]


def place(world: World, story: Story, key: str = "", total: Money | None = None) -> Answer:
    body = {"expected_total": encode(total)} if total else {}
    return call(world, story, "POST", "/checkout", body, idempotency_key=key or new_key())


# Choosing


def test_a_service_that_takes_the_weight_no_longer_must_be_chosen_again(
    world: World, story: Story
) -> None:
    light = {name: replace(each, rates=()) for name, each in SHOP.services.items()}
    store_shop(world.db, replace(SHOP, services=light))
    world.db.memory.clear()
    said = refused(call(world, story, "GET", "/availability"), 409, "incomplete-checkout")
    assert said["pointer"] == "/delivery"


def test_the_options_name_price_dates_and_store(world: World, story: Story) -> None:
    parcel, store_option = options(world, story)
    assert (parcel["service"], parcel["method"], parcel["carrier"]) == (
        *("standard", "delivery", "acme"),
    )
    assert parcel["price"] == {"minor": 599, "currency": "USD"}
    assert parcel["from_date"] <= parcel["to_date"]
    assert (store_option["service"], store_option["store"]) == ("collect", "store-1")
    assert store_option["price"] == {"minor": 0, "currency": "USD"}
    assert store_option["store_address"]["line1"] == "5 High Street"
    assert parcel["available"]
    assert store_option["available"]


def test_the_options_depend_on_country_and_stock(world: World, story: Story) -> None:
    assert [option["service"] for option in options(world, story, "FR")] == ["collect"]
    count(world.db, "MUG-1", "store-1", 2, clock.now(), "count")
    assert [option["available"] for option in options(world, story)] == [True, False]


def test_looking_at_options_writes_nothing(world: World, story: Story) -> None:
    before = world.dump()
    options(world, story)
    assert world.dump() == before


def test_a_cart_is_made_ready_step_by_step(world: World) -> None:
    bare = Story(now=clock.now() - timedelta(minutes=30)).filled()
    del bare.decisions[1 + len(BASKET) :]  # created and filled, no more
    store(world.db, bare)
    missing = refused(place(world, bare), 409, "incomplete-checkout")["missing"]
    assert missing == ["/contact", "/billing_address", "/payment_method", "/delivery"]
    details = {
        "contact": encode(CONTACT),
        "billing_address": encode(HOME),
        "payment_method": "card",
    }
    ok(call(world, bare, "PATCH", "", details))
    wanted = {"service": "standard", "address": encode(HOME)}
    seen = ok(call(world, bare, "PUT", "/delivery", wanted))
    assert seen["deliveries"][0]["charge"] == {"minor": 599, "currency": "USD"}
    assert ok(place(world, bare), 201)["state"] == "placed"
    kept = world.order(bare.order.id)
    assert (kept.contact, kept.billing_address, kept.group.address) == (CONTACT, HOME, HOME)


def test_a_delivery_is_an_address_or_a_store(world: World, story: Story) -> None:
    before = world.dump()
    for body in (
        {"service": "standard"},
        {"service": "standard", "address": encode(HOME), "store": "store-1"},
    ):
        refused(call(world, story, "PUT", "/delivery", body), 422, "invalid-request")
    assert world.dump() == before


# Placing


def test_placing_writes_order_lookup_events_and_journal(world: World, story: Story) -> None:
    seen = ok(place(world, story, total=totals(story.order).gross), 201)
    dossier = dossier_of(world.db, story.order.id)
    order = dossier.order
    assert (order.state, order.version) == ("placed", story.order.version + 1)
    assert order_of_tracking(world.db, seen["tracking_number"]) == order.id
    assert seen["tracking_path"] == f"/track/{order.tracking_number}?k={order.link_token}"
    (event,) = dossier.events
    assert (event.type, event.data["gross"]) == ("order.placed", totals(order).gross.minor)
    assert event.at == order.placed_at
    (entry,) = world.journal(order.id)
    moved = {move["sku"]: (move["kind"], move["quantity"]) for move in entry["moves"]}
    assert moved == {sku: ("reserve", units) for sku, units in BASKET.items()}
    assert {sku: world.reserved(sku) for sku in BASKET} == dict(BASKET)
    assert order.hold_until is not None
    assert order.placed_at is not None
    assert order.hold_until - order.placed_at == timedelta(minutes=30)


@pytest.mark.parametrize("done", [True, False])
def test_a_timeout_then_the_same_key_places_once(world: World, story: Story, done: bool) -> None:
    key = new_key()
    answer = world.breaking(
        "transact_write_items", done=done, request=lambda: place(world, story, key)
    )
    refused(answer, 503, "busy")
    assert answer["headers"]["Retry-After"] == "1"
    assert world.order(story.order.id).state == ("placed" if done else "draft")
    clock.travel(timedelta(minutes=5))
    first = place(world, story, key)
    before = world.dump()
    assert ok(first, 201)["id"] == story.order.id
    assert place(world, story, key) == first
    assert world.dump() == before
    assert len(world.journal(story.order.id)) == 1
    dossier = dossier_of(world.db, story.order.id)
    assert [event.type for event in dossier.events] == ["order.placed"]
    assert sum('"pk": "TRK#' in item for item in before) == 1
    assert world.reserved("MUG-1") == BASKET["MUG-1"]


def test_placed_under_one_key_it_is_not_placed_under_another(world: World, story: Story) -> None:
    ok(place(world, story), 201)
    before = world.dump()
    refused(place(world, story), 409, "illegal-state")
    assert world.dump() == before


def test_another_total_than_agreed_to_writes_nothing(world: World, story: Story) -> None:
    agreed, key = totals(story.order).gross, new_key()
    dearer = replace(PRODUCTS["BOOK-3"], price=Money(9900, "USD"))
    catalogue.upsert(world.db, [dearer], clock.now())
    before = world.dump()
    refused(place(world, story, key, agreed), 409, "total-changed")
    assert world.dump() == before
    seen = ok(call(world, story, "PATCH", "", {}))["totals"]["gross"]
    assert seen["minor"] > agreed.minor
    placed = ok(place(world, story, key, Money(**seen)), 201)
    assert placed["totals"]["gross"] == seen


def test_one_line_that_is_short_holds_nothing_of_the_others(world: World, story: Story) -> None:
    for node in ("dc-1", "store-1"):
        count(world.db, "BOOK-3", node, 1, clock.now(), "count")
    before = world.dump()
    refused(place(world, story), 409, "out-of-stock")
    assert world.dump() == before


@pytest.mark.parametrize("welcome", [False, True], ids=["", "something is offered to members"])
def test_a_warm_confirmation_of_a_guest_takes_three_calls_and_no_scan(
    world: World, story: Story, welcome: bool
) -> None:
    if welcome:
        put_offer(world.db, percentage("welcome", 2000, first_order=True), clock.now())
    options(world, story)
    answer, calls = world.counting(lambda: place(world, story))
    assert len(ok(answer, 201)["lines"]) == 3
    assert calls == ["GetItem", "BatchGetItem", "TransactWriteItems"]


def test_a_checkout_refused_for_want_of_stock_offers_what_is_there(
    world: World, story: Story
) -> None:
    mugs = [
        replace(PRODUCTS["MUG-1"], sku=sku, category=("Kitchen", "Mugs"))
        for sku in ("MUG-1", "MUG-2", "MUG-3")
    ]
    catalogue.upsert(world.db, mugs, clock.now())
    for sku, units in (("MUG-1", 1), ("MUG-2", 3), ("MUG-3", 2)):  # three are wanted
        count(world.db, sku, "dc-1", units, clock.now(), "counted")
    (line,) = refused(place(world, story), 409, "out-of-stock")["lines"]
    assert (line["sku"], line["available"]) == ("MUG-1", 1)
    assert [each["sku"] for each in line["alternatives"]] == ["MUG-2"]


def test_a_cart_of_a_company_takes_one_read_more(world: World) -> None:
    company = replace(ACCOUNT, approval_above=None)
    story = at("draft", account=company, seed="company")
    store(world.db, story)
    options(world, story)
    answer, calls = world.counting(lambda: place(world, story))
    assert ok(answer, 201)["state"] == "placed"
    assert calls == ["GetItem", "BatchGetItem", "GetItem", "TransactWriteItems"]


def test_the_checkout_holds_what_the_company_asks_of_its_orders(world: World) -> None:
    company = replace(ACCOUNT, po_required=True)
    story = at("draft", account=company, seed="company")
    store(world.db, story)
    before = world.dump()
    assert refused(place(world, story), 409, "incomplete-checkout")["missing"] == [
        "/purchase_order"
    ]
    assert world.dump() == before
    path, number = {"cart_id": story.order.id}, {"purchase_order": " PO-1 "}
    described = world.call("PATCH", "/carts/{cart_id}", path, number, cart_token=story.token)
    assert ok(described)["purchase_order"] == "PO-1"
    needed = refused(place(world, story), 409, "approval-needed")
    assert (needed["approval"], needed["above"]["minor"]) == ("", 5000)
    for wrong in ("x" * 61, "PO\n1", 5):
        body = {"purchase_order": wrong}
        answer = world.call("PATCH", "/carts/{cart_id}", path, body, cart_token=story.token)
        assert refused(answer, 422, "invalid-request")["pointer"] == "/purchase_order"


# Whoever is locked or disabled


def of_a_customer(world: World, story: Story, state: str) -> None:
    """The cart is a customer's, in that state; none: who signed in and has no record yet."""
    own = replace(story.order, version=story.order.version + 1, customer_id="cus_1")
    save(world.db, Decision(own), clock.now())
    if state:
        known = found("sub-1", "ann@example.com", "Ann", "en", clock.now())
        record = replace(known.customer, id="cus_1", state=state)  # type: ignore[arg-type]
        customers.save(world.db, replace(known, customer=record))


@pytest.mark.parametrize("state", ["", "enabled", "pending"])
def test_whoever_may_order_is_looked_at_without_another_call(
    world: World, story: Story, state: str
) -> None:
    of_a_customer(world, story, state)
    options(world, story)  # which reads what is kept for later
    answer, calls = world.counting(lambda: place(world, story))
    assert ok(answer, 201)["state"] == "placed"
    assert calls == ["GetItem", "BatchGetItem", "TransactWriteItems"]


@pytest.mark.parametrize("state", ["locked", "disabled"])
def test_whoever_is_locked_or_disabled_cannot_place_an_order(
    world: World, story: Story, state: str
) -> None:
    of_a_customer(world, story, state)
    refused(place(world, story), 409, "customer-blocked")
    assert dossier_of(world.db, story.order.id).order.state == "draft"
