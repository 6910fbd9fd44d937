"""Channel switches over the API: set by admins on the version they read, binding at checkout, gone
when lifted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain import cancellation
from parcelway.domain.coupons import Use
from parcelway.domain.parties import SYSTEM
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.commit import Stale, commit
from parcelway.store.coupons import use_writes
from parcelway.store.saving import save

from infra.verify import breaks
from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import PRODUCTS, Story, at, store

ADMIN = {"sub": "admin-1", "cognito:groups": "admin"}
CSR = {"sub": "csr-1", "cognito:groups": "csr"}
ONE = "/staff/channels/{channel}"


class Shop:
    """The functions that set a channel, sell through it and send from it."""

    def __init__(self, offers: World, checkout: World, fulfillment: World) -> None:
        self.offers, self.checkout, self.fulfillment = offers, checkout, fulfillment
        self.db = offers.db

    def set(self, channel: str = "online", *, claims: Any = ADMIN, **body: Any) -> Answer:
        headers = {"if_match": body.pop("if_match")} if "if_match" in body else {}
        return self.offers.call("PUT", ONE, {"channel": channel}, body, claims=claims, **headers)

    def cart(self, seed: str, **more: Any) -> Story:
        story = at("draft", seed=seed, now=clock.now() - timedelta(minutes=5), **more)
        store(self.db, story)
        return story

    def place(self, story: Story, key: str = "") -> Answer:
        path = {"cart_id": story.order.id}
        return self.checkout.call(
            "POST",
            "/carts/{cart_id}/checkout",
            path,
            {},
            cart_token=story.token,
            idempotency_key=key or new_key(),
        )


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield Shop(World(db, "offers"), World(db, "checkout"), World(db, "fulfillment"))
    clock.reset()


def test_a_channel_is_set_on_the_version_that_was_read(shop: Shop) -> None:
    shown = ok(shop.offers.call("GET", ONE, {"channel": "phone"}, claims=CSR))
    assert (shown["sellable"], shown["version"]) == (True, 0)
    assert ok(shop.set("phone", sellable=False, if_match='"0"'))["version"] == 1
    assert ok(shop.set("phone", sellable=False))["version"] == 1
    refused(shop.set("phone", stop_ship="flood", if_match='"0"'), 409, "stale-version")
    shown = ok(shop.offers.call("GET", ONE, {"channel": "phone"}, claims=CSR))
    assert (shown["sellable"], shown["stop_ship"], shown["version"]) == (False, "", 1)


def test_what_makes_no_sense_is_refused_and_changes_nothing(shop: Shop) -> None:
    for wrong in (
        {"orders_per_minute": 0},
        {"orders_per_minute": "many"},
        {"sellable": None},
        {"closed_regions": ["Ohio"]},
        {"closed_regions": ["us-oh"]},
        {"purchase_limits": {"MUG-1": {"units": 0, "days": 1}}},
        {"purchase_limits": {"MUG-1": {"units": 1, "days": 32}}},
        {"purchase_limits": {f"S{n}": {"units": 1, "days": 1} for n in range(101)}},
        {"version": 7},
    ):
        refused(shop.set(**wrong), 422, "invalid-request")
    refused(shop.set("telepathy"), 404, "not-found")
    refused(shop.set(claims=CSR, sellable=False), 403, "forbidden")
    shown = ok(shop.offers.call("GET", ONE, {"channel": "online"}, claims=CSR))
    assert shown["version"] == 0


def test_nothing_is_sold_while_it_is_off_and_again_when_it_is_on(shop: Shop) -> None:
    story = shop.cart("1")
    ok(shop.set(sellable=False))
    before = shop.offers.dump()
    refused(shop.place(story), 409, "channel-closed")
    assert shop.offers.dump() == before
    ok(shop.set())
    assert ok(shop.place(story), 201)["state"] == "placed"


def test_a_minute_takes_so_many_orders_and_a_repeat_is_none_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(shop.set(orders_per_minute=2))
    first = shop.cart("1")
    for _ in range(3):
        ok(shop.place(first, key="the-first"), 201)
    ok(shop.place(shop.cart("2")), 201)
    third = shop.cart("3")
    answer = shop.place(third)
    refused(answer, 429, "channel-busy")
    assert 0 < int(answer["headers"]["Retry-After"]) <= 60
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=1))
    ok(shop.place(third), 201)


def test_a_customer_buys_no_more_than_the_limit_until_something_is_cancelled(shop: Shop) -> None:
    ok(shop.set(purchase_limits={"MUG-1": {"units": 4, "days": 7}}))
    first, second = shop.cart("1"), shop.cart("2")
    ok(shop.place(first), 201)
    said = refused(shop.place(second), 409, "purchase-limit")
    assert (said["sku"], said["left"], said["pointer"]) == ("MUG-1", 1, "/lines/0")
    ended = cancellation.cancel(
        shop.checkout.order(first.order.id), (), "customer", SYSTEM, clock.now()
    )
    save(shop.db, ended, clock.now())
    ok(shop.place(second), 201)


def test_what_waits_at_a_node_is_on_hold_while_its_channel_sends_nothing(shop: Shop) -> None:
    story = at("released", now=clock.now() - timedelta(minutes=5))
    store(shop.db, story)
    ok(shop.set(stop_ship="recall of the mugs"))
    (shipment,) = story.shipments

    def pack() -> Answer:
        path = {"order_id": story.order.id, "shipment_id": shipment.id}
        resource = "/warehouse/orders/{order_id}/shipments/{shipment_id}/pack"
        key = new_key()
        return shop.fulfillment.call("POST", resource, path, {}, claims=ADMIN, idempotency_key=key)

    def queue() -> Any:
        resource = "/warehouse/nodes/{node}/shipments"
        answer = shop.fulfillment.call("GET", resource, {"node": "dc-1"}, claims=ADMIN)
        (shown,) = ok(answer)["shipments"]
        return shown

    assert (queue()["held"], queue()["held_note"]) == ("stop_ship", "recall of the mugs")
    refused(pack(), 409, "shipping-stopped")
    ok(shop.set())
    assert queue()["held"] == ""
    assert ok(pack())["status"] == "packed"


def test_a_counter_that_went_further_since_it_was_read_stops_the_order(shop: Shop) -> None:
    """What is counted on with no units, as the other day's is around midnight, is not changed."""
    now = clock.now()

    def counted(limit: int, units: int) -> int:
        use = Use("BOUGHT#online#MUG-1#x#2026-11-16", limit, units, expires=now)
        commit(shop.db.client, use_writes(shop.db, [use], []))
        item = shop.db.get(shop.db.orders, f"USE#{use.counter}", "USES")
        return int(item["used"]) if item else -1

    assert [counted(0, 0), counted(4, 2), counted(2, 0)] == [0, 2, 2]
    with pytest.raises(Stale):
        counted(1, 0)


def test_what_limits_count_is_audited_against_the_orders(shop: Shop) -> None:
    """Counters of minutes are nobody's; those of purchase limits are the orders' that are left."""
    ok(shop.set(orders_per_minute=9, purchase_limits={"MUG-1": {"units": 9, "days": 7}}))
    first, second = shop.cart("1"), shop.cart("2")
    ok(shop.place(first), 201)
    ok(shop.place(second), 201)
    now = clock.now()

    def wrong() -> set[str]:
        found = (each for each in breaks(shop.db, now) if each.kind == "uses.counted")
        return {each.subject for each in found}

    assert wrong() == set()
    order = shop.checkout.order(first.order.id)
    save(shop.db, cancellation.cancel(order, (), "customer", SYSTEM, now), now)
    assert wrong() == set()
    (counter,) = order.limited["MUG-1"]
    for lost, expected in ((1, {counter}), (0, set())):
        commit(shop.db.client, use_writes(shop.db, [Use(counter, 99, 1)], []))
        assert wrong() == {counter}
        commit(shop.db.client, use_writes(shop.db, [], [], [(counter, 1 + lost)]))
        assert wrong() == expected
        if lost:
            commit(shop.db.client, use_writes(shop.db, [Use(counter, 99, 1)], []))
    late = now + timedelta(days=40)  # nobody gives anything back on it by now
    assert not [each for each in breaks(shop.db, late) if each.kind == "uses.counted"]
