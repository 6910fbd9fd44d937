"""Races in the whole application: over HTTP, and between its functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from parcelway.domain.coupons import Coupon
from parcelway.domain.promotions import Promotion, Step
from parcelway.ports import clock
from parcelway.store import shards, stock_books
from parcelway.store.items import from_item
from parcelway.store.offers import put_offer
from parcelway.store.orders import get_order
from parcelway.store.stock import balances_of

from infra.bench.hot_sku import NODE, Shop
from infra.bench.tables import scan
from infra.demo.people import Client, Json, Shopper, Warehouse
from infra.local.application import Application
from infra.verify import breaks
from tests import sample
from tests.functions.calls import queue_event
from tests.races.crowd import at_once, patiently

_numbers = count(1)


@pytest.fixture(autouse=True)
def exact(app: Application) -> Iterator[None]:
    """Whatever the race was: everything comes to rest and the books add up."""
    yield
    app.settle(180)
    app.stack.fire("SweeperFunction")
    app.settle(180)
    assert [str(found) for found in breaks(app.database, clock.now())] == []


class Doors:
    """The shop's API for carts that are ready to be placed."""

    def __init__(self, app: Application, units: int) -> None:
        self.app, self.sku = app, f"RACE-{next(_numbers)}"
        self.shop = Shop(app.database, units, self.sku)

    def carts(self, number: int) -> list[str]:
        return self.shop.carts(number)

    def place(self, cart_id: str, key: str = "") -> Json:
        api = Client(self.app.url, {"Cart-Token": "t"})
        return api.call("POST", f"/carts/{cart_id}/checkout", {}, key or None)

    def reserved(self) -> int:
        (balance,) = balances_of(self.app.database, self.sku)
        return balance.reserved + balance.allocated


def test_two_hundred_buyers_for_fifty_units(app: Application) -> None:
    doors = Doors(app, 50)

    def buy(cart_id: str) -> str:
        return patiently(partial(doors.place, cart_id))

    assert Counter(at_once(buy, doors.carts(200), 16)) == {"done": 50, "out-of-stock": 150}
    assert doors.reserved() == 50


def test_one_key_sixty_four_times_is_one_order(app: Application) -> None:
    doors = Doors(app, 100)
    (cart_id,) = doors.carts(1)
    answers: list[Json] = []

    def place(_: int) -> str:
        return patiently(lambda: answers.append(doors.place(cart_id, "the-one-key-of-them-all")))

    assert at_once(place, range(64), 16) == ["done"] * 64
    assert all(answer == answers[0] for answer in answers)
    assert doors.reserved() == 1
    stored = [from_item(item) for item in scan(app.database.client, app.database.orders)]
    leading = [item for item in stored if item.get("order_id") == cart_id and item["sk"] == "TRACK"]
    assert len(leading) == 1


def test_one_key_sixty_four_times_is_one_cart_with_one_unit(app: Application) -> None:
    doors, key = Doors(app, 100), "3f1c9a52-7b0e-4d7e-9a37-0c5f2f6f1a11"
    carts: list[Json] = []

    def create(_: int) -> str:
        return patiently(
            lambda: carts.append(Client(app.url).call("POST", "/carts", {"language": "en"}, key))
        )

    assert at_once(create, range(64), 16) == ["done"] * 64
    assert all(answer == carts[0] for answer in carts)
    api = Client(app.url, {"Cart-Token": carts[0]["cart_token"]})
    path, line = f"/carts/{carts[0]['cart']['id']}", {"sku": doors.sku, "quantity": 1}

    def add(_: int) -> str:
        mine = Client(app.url, api.headers)
        return patiently(lambda: mine.call("POST", f"{path}/lines", line, "add-one-unit"))

    assert at_once(add, range(64), 16) == ["done"] * 64
    assert [each["quantity"] for each in api.call("GET", path)["lines"]] == [1]


def test_late_money_told_sixty_four_times_goes_back_once(app: Application) -> None:
    doors = Doors(app, 10)
    shopper = Shopper(app.url, app.stripe)
    shopper.add(doors.sku)
    shopper.deliver()
    shopper.describe()
    shopper.place()
    payment = shopper.api.call("POST", f"{shopper.path}/payment", {})
    app.travel(timedelta(hours=1))
    app.stack.fire("SweeperFunction")
    app.settle()
    assert shopper.order["state"] == "expired"
    app.stripe.confirm(payment["client_secret"])
    reference = payment["client_secret"].partition("_secret_")[0]
    told = queue_event({"payment": reference, "order": shopper.id})

    def deliver(_: int) -> int:
        return len(app.stack.invoke("PaymentWorkerFunction", told)["batchItemFailures"])

    assert sum(at_once(deliver, range(64), 16)) < 64
    app.settle()
    assert deliver(0) == 0
    order = get_order(app.database, shopper.id)
    assert order is not None
    assert (order.state, order.payment_status, order.captured) == ("expired", "voided", 0)
    assert doors.reserved() == 0


def test_payment_expiry_and_new_buyers_come_at_the_same_time(app: Application) -> None:
    doors = Doors(app, 12)
    wanted = doors.carts(6)
    placed = doors.carts(12)
    paying: dict[str, str] = {}
    for cart_id in placed:
        doors.place(cart_id)
        api = Client(app.url, {"Cart-Token": "t"})
        paying[cart_id] = api.call("POST", f"/carts/{cart_id}/payment", {})["client_secret"]
    app.travel(timedelta(hours=1))
    deeds = [
        *(("pay", cart_id) for cart_id in placed[:9]),
        *(("sweep", str(number)) for number in range(4)),
        *(("buy", cart_id) for cart_id in wanted),
    ]

    def act(deed: tuple[str, str]) -> str:
        what, which = deed
        if what == "sweep":
            app.stack.fire("SweeperFunction")
            return "done"
        if what == "buy":
            return patiently(partial(doors.place, which))
        app.stripe.confirm(paying[which])
        return "done"

    outcomes = at_once(act, [deed for part in range(5) for deed in deeds[part::5]], 19)
    assert set(outcomes) <= {"done", "out-of-stock"}
    app.settle(180)
    states = Counter(_state(app, cart_id) for cart_id in placed)
    new = Counter(_state(app, cart_id) for cart_id in wanted)
    assert states["confirmed"] + states["expired"] + states["cancelled"] == 12
    assert new["placed"] + new["draft"] == 6
    assert doors.reserved() == states["confirmed"] + new["placed"] <= 12


def _state(app: Application, order_id: str) -> str:
    order = get_order(app.database, order_id)
    assert order is not None
    return order.state


def test_a_balance_split_for_a_crowd_is_sold_from_and_merged(app: Application) -> None:
    """In the whole application, each function with its own rights."""
    doors = Doors(app, 32)
    shards.split(app.database, doors.sku, NODE, 1, clock.now())
    assert len(_items(app, doors.sku)) == 4
    for cart_id in doors.carts(3):
        doors.place(cart_id)
    assert doors.reserved() == 3
    seen = Client(app.url).call("GET", f"/products/{doors.sku}")
    assert (seen["availability"]["state"], seen["availability"]["delivery"]) == ("in_stock", 29)
    app.travel(timedelta(hours=2))
    assert app.stack.fire("SweeperFunction")["merged"] == 1
    (item,) = _items(app, doors.sku)
    assert (item["sk"], item["on_hand"]) == (f"NODE#{NODE}", 32)


def _items(app: Application, sku: str) -> list[dict[str, Any]]:
    return app.database.query(app.database.stock, f"SKU#{sku}")


def test_who_collects_and_who_takes_back_come_at_the_same_time(app: Application) -> None:
    """Of every pick-up exactly one has its way: it was handed over, or is back on the shelf."""
    store, count, staff = "store-dayton", 8, Warehouse(app)
    sku = sample.maker(app)(count, node=store)
    shoppers = []
    for _ in range(count):
        shopper = Shopper(app.url, app.stripe)
        shopper.add(sku)
        shopper.pick_up(store)
        shopper.describe()
        shopper.place()
        shopper.pay()
        shoppers.append(shopper)
    app.settle()
    ready = []
    for shipment in staff.queue(store):
        staff.report(shipment, "pack")
        ready.append(staff.report(shipment, "ready"))
    app.settle()
    last = max(datetime.fromisoformat(shipment["collect_by"]) for shipment in ready)
    app.travel(last - clock.now() + timedelta(minutes=1))

    def act(deed: Json | None) -> str:
        if deed is None:
            app.stack.fire("SweeperFunction")
            return "swept"
        body, key = {"identity_checked": "passport"}, f"hand-over-{deed['id']}"
        path = f"/warehouse/orders/{deed['order_id']}/shipments/{deed['id']}/hand-over"
        return patiently(lambda: Client(app.url, staff.api.headers).call("POST", path, body, key))

    deeds = [deed for shipment in ready for deed in (shipment, None)]
    outcomes = at_once(act, deeds, 16)
    app.settle(180)
    app.stack.fire("SweeperFunction")
    app.settle(180)
    handed, refused = outcomes.count("done"), outcomes.count("illegal-state")
    assert (len(ready), handed + refused) == (count, count)
    states = Counter(_state(app, shopper.id) for shopper in shoppers)
    assert (states["closed"], states["cancelled"]) == (handed, refused)
    (balance,) = balances_of(app.database, sku)
    assert (balance.on_hand, balance.available) == (count - handed, count - handed)


def test_a_node_that_rejects_what_is_just_leaving(app: Application) -> None:
    """Exactly one of both wins: it has left, or the other warehouse sends it."""
    here, there, orders = "dc-columbus", "wh-louisville", 12
    sku, staff = sample.maker(app)(units=orders, node=here), Warehouse(app)
    stock_books.count(app.database, sku, there, orders, clock.now(), "test")
    shoppers = [Shopper(app.url, app.stripe) for _ in range(orders)]
    for shopper in shoppers:
        shopper.buy((sku, 1))
    app.settle(180)
    mine = {shopper.id for shopper in shoppers}
    packed = [s for s in staff.queue(here) if s["order_id"] in mine]
    for shipment in packed:
        staff.report(shipment, "pack")

    def act(deed: tuple[str, Json]) -> str:
        what, one = deed
        bodies = {
            "ship": {"carrier": "Sample Parcel", "parcel_number": one["id"]},
            "reject": {"reason": "capacity"},
        }
        path = f"/warehouse/orders/{one['order_id']}/shipments/{one['id']}/{what}"
        api = Client(app.url, staff.api.headers)
        return patiently(lambda: api.call("POST", path, bodies[what], f"{what}-{one['id']}"))

    deeds = [(what, one) for one in packed for what in ("ship", "reject")]
    outcomes = at_once(act, deeds, 16)
    pairs = list(zip(outcomes[::2], outcomes[1::2], strict=True))
    assert len(pairs) == orders
    assert set(pairs) <= {("done", "too-late"), ("illegal-state", "done")}
    app.settle(180)
    again = [s for s in staff.queue(there) if s["order_id"] in mine]
    assert len(again) == [shipped for shipped, _ in pairs].count("illegal-state")
    balances = {b.node: b.on_hand for b in balances_of(app.database, sku)}
    assert balances == {here: len(again), there: orders}


def test_vendure_4660_of_forty_orders_for_the_last_three_redemptions_three_are_placed(
    app: Application,
) -> None:
    """There all who had looked before any was placed got the discount."""
    doors, code = Doors(app, 100), f"RACE{next(_numbers)}"
    steps = (Step(basis_points=1000),)
    promotion = Promotion(code.lower(), {"en": "Race"}, "percentage", steps, coupon=True)
    put_offer(app.database, promotion, clock.now())
    put_offer(app.database, Coupon(code, promotion.id, limit=3), clock.now())
    app.stack.build.functions._free["CartFunction"].clear()  # read the shop before there was one
    app.stack.build.functions._free["CheckoutFunction"].clear()
    carts = doors.carts(40)
    for cart_id in carts:
        Client(app.url, {"Cart-Token": "t"}).call("PUT", f"/carts/{cart_id}/coupons/{code}")

    def buy(cart_id: str) -> str:
        return patiently(partial(doors.place, cart_id))

    assert Counter(at_once(buy, carts, 16)) == {"done": 3, "coupon-unavailable": 37}
    placed = [get_order(app.database, cart_id) for cart_id in carts]
    assert sum(order is not None and order.uses == (f"CODE#{code}",) for order in placed) == 3
    assert doors.reserved() == 3
