"""The stock books through the API: what staff tells them, and what customers then get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from parcelway.ports import clock
from parcelway.store import shop
from parcelway.store.codec import iso

from infra.demo.people import Client, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.sample import NODE

Article = Callable[..., str]
STORE = "store-dayton"


class Books:
    """A member of staff and an article's books."""

    def __init__(self, warehouse: Warehouse, sku: str) -> None:
        self.api, self.sku = warehouse.api, sku

    def tell(self, what: str, method: str = "POST", node: str = NODE, **body: Any) -> Any:
        return self.api.call(method, f"/stock/{self.sku}/nodes/{node}/{what}", body)

    def balance(self, node: str = NODE) -> Any:
        shown = self.api.call("GET", f"/stock/{self.sku}")["balances"]
        return next(balance for balance in shown if balance["node"] == node)

    def alerts(self) -> list[str]:
        found = self.api.call("GET", "/stock/alerts", None, None, limit="100")["alerts"]
        return [alert["kind"] for alert in found if alert["sku"] == self.sku]


@pytest.fixture
def books(warehouse: Warehouse, article: Article) -> Callable[..., Books]:
    return lambda units=0, node=NODE: Books(warehouse, article(units=units, node=node))


@pytest.fixture
def settings(app: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Changes the shop's settings, and has every container know at once."""
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)
    before = shop.load_shop(app.database).settings
    yield lambda **changes: shop.put_settings(app.database, replace(before, **changes))
    app.settle()
    shop.put_settings(app.database, before)


def test_what_was_received_is_sold_and_low_stock_is_told_once(
    app: Application, books: Callable[..., Books]
) -> None:
    mine = books()
    mine.tell("receipts", quantity=4, source="DN-1")
    mine.tell("receipts", quantity=4, source="DN-1")  # sent again by a scanner
    mine.tell("reorder-point", "PUT", quantity=2)
    shopper = Shopper(app.url, app.stripe)
    shopper.buy((mine.sku, 2))
    app.settle()
    assert mine.alerts() == ["low_stock"]
    assert mine.balance()["available"] == 2
    shopper = Shopper(app.url, app.stripe)
    shopper.buy((mine.sku, 2))
    app.settle()
    assert mine.alerts() == ["out_of_stock", "low_stock"]
    app.settle()
    journal = mine.api.call("GET", f"/stock/{mine.sku}/nodes/{NODE}/journal")["entries"]
    assert [(entry["kind"], entry["source"]) for entry in journal] == [("receipt", "DN-1")]


def test_a_till_that_was_off_line_oversells_and_a_count_mends_it(
    app: Application, books: Callable[..., Books]
) -> None:
    mine = books(units=3, node=STORE)
    shopper = Shopper(app.url, app.stripe)
    shopper.add(mine.sku, 2)
    shopper.pick_up(STORE)
    shopper.describe()
    shopper.place()
    sold = mine.tell("sales", node=STORE, quantity=4, source="till-1/17/1")
    assert sold["entry"]["oversold"] == 1
    assert (sold["balance"]["on_hand"], sold["balance"]["reserved"]) == (-1, 2)
    assert sold["balance"]["short"]
    assert mine.alerts() == ["oversold"]
    late = Shopper(app.url, app.stripe)
    with pytest.raises(Refused) as refused:
        late.add(mine.sku, 1)
        late.pick_up(STORE)
        late.describe()
        late.place()
    assert refused.value.status in (409, 422)
    counted = mine.tell("counts", node=STORE, quantity=2, counted_at=iso(clock.now()))["balance"]
    assert (counted["on_hand"], counted["reserved"], counted["short"]) == (2, 2, False)


def test_a_transfer_makes_a_store_able_to_hand_over(
    app: Application, books: Callable[..., Books]
) -> None:
    mine = books(units=5)
    sent = mine.api.call(
        "POST",
        "/stock/transfers",
        {
            "from_node": NODE,
            "to_node": STORE,
            "due": "2999-12-31",
            "lines": [{"sku": mine.sku, "quantity": 3}],
        },
    )
    assert mine.balance()["available"] == 2
    assert mine.api.call("GET", f"/stock/{mine.sku}")["in_transit"] == 3
    mine.tell("receipts", node=STORE, quantity=2, supply=sent["id"])
    back = mine.api.call("POST", f"/stock/transfers/{sent['id']}/cancel", {})
    assert back["lines"][0]["in_transit"] == 0
    assert mine.balance()["available"] == 3
    shopper = Shopper(app.url, app.stripe)
    shopper.add(mine.sku, 2)
    shopper.pick_up(STORE)
    shopper.describe()
    shopper.place()
    assert mine.balance(STORE)["available"] == 0


def cart(app: Application, channel: str) -> Shopper:
    """A shopper whose cart is of a channel."""
    shopper = Shopper(app.url, app.stripe)
    made = Client(app.url).call("POST", "/carts", {"channel": channel})
    shopper.id, shopper.token = made["cart"]["id"], made["cart_token"]
    shopper.path = f"/carts/{shopper.id}"
    shopper.api.headers["Cart-Token"] = shopper.token
    return shopper


def test_a_buffer_is_kept_from_its_channel_only(
    app: Application, books: Callable[..., Books], settings: Callable[..., None]
) -> None:
    settings(channel_buffers={"online": 2})
    mine = books(units=3)
    with pytest.raises(Refused) as refused:
        cart(app, "online").add(mine.sku, 2)
    assert refused.value.code == "out-of-stock"
    assert refused.value.problem["lines"][0]["available"] == 1
    cart(app, "mobile").add(mine.sku, 3)
    seen = Client(app.url).call("GET", f"/products/{mine.sku}")
    assert seen["availability"]["delivery"] == 1


def test_a_quota_caps_its_channel_and_is_given_back(
    app: Application, books: Callable[..., Books], settings: Callable[..., None]
) -> None:
    settings(quota_channels=("mobile",))
    mine = books(units=9)
    mine.api.call("PUT", f"/stock/{mine.sku}/quotas/mobile", {"quantity": 2})
    shopper = cart(app, "mobile")
    shopper.add(mine.sku, 2)
    shopper.deliver()
    shopper.describe()
    shopper.place()
    assert mine.api.call("GET", f"/stock/{mine.sku}")["quotas"] == [
        {"channel": "mobile", "quantity": 2, "used": 2}
    ]
    late = cart(app, "mobile")
    with pytest.raises(Refused) as refused:
        late.add(mine.sku, 1)
    assert refused.value.code == "out-of-stock"
    mine.api.call("PUT", f"/stock/{mine.sku}/quotas/mobile", {"quantity": 3})
    late.add(mine.sku, 1)
    mine.api.call("PUT", f"/stock/{mine.sku}/quotas/mobile", {"quantity": 2})
    offered = late.api.call("GET", f"{late.path}/delivery-options", country="US")["options"]
    assert [option["available"] for option in offered] == [False] * len(offered) != []
    cart(app, "online").add(mine.sku, 5)
    shopper.cancel()
    (quota,) = mine.api.call("GET", f"/stock/{mine.sku}")["quotas"]
    assert quota["used"] == 0
    cart(app, "mobile").add(mine.sku, 1)
    mine.api.call("DELETE", f"/stock/{mine.sku}/quotas/mobile")
    cart(app, "mobile").add(mine.sku, 4)


def test_vendure_3508_tills_receipts_and_carts_at_once_lose_no_unit(
    app: Application, books: Callable[..., Books]
) -> None:
    """Documents race orders on one balance: each is booked once, and nothing is sold twice."""
    mine = books(units=10)

    def buy(_: int) -> int:
        shopper = Shopper(app.url, app.stripe)
        try:
            shopper.add(mine.sku, 1)
            shopper.deliver()
            shopper.describe()
            shopper.place()
        except Refused as refused:
            assert refused.code in ("out-of-stock", "busy")
            return 0
        return 1

    def told(number: int) -> int:
        what, quantity = ("receipts", 2) if number % 2 else ("sales", 1)
        source = f"race-{number // 2}-{what}"
        done = 0
        while done < 2:  # sent twice, and as often as it is asked to come again
            try:
                mine.tell(what, quantity=quantity, source=source)
                done += 1
            except Refused as refused:
                assert refused.code == "busy"
        return 0

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(told if n % 3 == 0 else buy, n) for n in range(24)]
        bought = sum(job.result() for job in jobs)
    app.settle()
    numbers = range(0, 24, 3)
    received = sum(2 for number in numbers if number % 2)
    sold = sum(1 for number in numbers if not number % 2)
    balance = mine.balance()
    assert balance["on_hand"] == 10 + received - sold
    assert balance["reserved"] == bought
    assert balance["available"] == balance["on_hand"] - bought >= 0
