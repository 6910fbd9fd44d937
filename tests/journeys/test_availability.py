"""What a shopper is told of stock to come, up to the order that relies on it; and what the shop is
told of a shopper's cart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.ports import clock
from parcelway.store import catalogue

from infra.demo.people import HOME, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.journeys.test_backorders import announce, choose, day, ready_to_place
from tests.orders import dossier_of

Article = Callable[..., str]


def told(shopper: Shopper, sku: str, **wish: Any) -> dict[str, Any]:
    texts = {name: str(value) for name, value in wish.items()}
    return shopper.api.call("GET", f"/products/{sku}/availability", None, None, **texts)


def test_the_day_and_the_window_that_were_shown_are_those_of_the_order(
    article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=2)
    announce(warehouse, sku, 3, day(7))
    announce(warehouse, sku, 4, day(14), "po-2")
    shown = told(shopper, sku, quantity=6, country="US", postal_code=HOME["postal_code"])
    assert (shown["state"], shown["now"], shown["most"]) == ("backorder", 2, 9)
    assert shown["later"] == [
        {"quantity": 3, "due": day(7).isoformat()},
        {"quantity": 1, "due": day(14).isoformat()},
    ]
    assert shown["available_from"] == day(14).isoformat()
    with pytest.raises(Refused) as refused:
        shopper.add(sku, 10)
    assert refused.value.code == "out-of-stock"
    assert told(shopper, sku, quantity=10)["state"] == "out_of_stock"
    ready_to_place(shopper, (sku, 6))
    choose(shopper, "ship_complete")
    shopper.deliver(shown["service"])
    placed = shopper.place()
    (line,), (delivery,) = placed["lines"], placed["deliveries"]
    assert max(each["due"] for each in line["expected"]) == shown["available_from"]
    assert (delivery["promised_from"], delivery["promised_to"]) == (
        shown["from_date"],
        shown["to_date"],
    )
    after = shopper.api.call("GET", f"/products/{sku}")["availability"]
    assert (after["state"], after["available_from"], after["later"]) == (
        "backorder",
        day(14).isoformat(),
        3,
    )


def test_before_its_launch_a_product_can_be_pre_ordered_as_often_as_there_are_units(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article(units=3)
    product = catalogue.get_many(app.database, [sku])[sku]
    catalogue.upsert(app.database, [replace(product, launch=day(30))], clock.now())
    shown = told(shopper, sku, quantity=2, country="US")
    assert (shown["state"], shown["now"], shown["most"]) == ("preorder", 0, 3)
    assert shown["available_from"] == day(30).isoformat() < shown["from_date"]
    ready_to_place(shopper, (sku, 2))
    choose(shopper, "ship_complete")
    shopper.place()
    shown = told(shopper, sku, quantity=2)
    assert (shown["state"], shown["most"]) == ("out_of_stock", 1)
    assert told(shopper, sku)["state"] == "preorder"


def test_the_shop_hears_of_a_cart_at_once_and_not_of_every_click(
    app: Application, article: Article, settings: Callable[..., None], shopper: Shopper
) -> None:
    settings(cart_event_minutes=15)
    one, other = article(price=1000), article(price=500)

    def heard() -> list[dict[str, Any]]:
        events = dossier_of(app.database, shopper.id).events
        assert {event.type for event in events} <= {"cart.updated"}
        return [dict(event.data) for event in events]

    value = shopper.add(one)["totals"]["gross"]["minor"]
    first = {"lines": 1, "units": 1, "value": value, "currency": "USD"}
    assert heard() == [first]
    for _ in range(3):
        shopper.add(other)
    shopper.api.call("PUT", f"{shopper.path}/lines/{one}", {"quantity": 2})
    assert heard() == [first]
    app.travel(timedelta(minutes=15))
    value = shopper.add(other)["totals"]["gross"]["minor"]
    assert heard() == [first, {"lines": 2, "units": 6, "value": value, "currency": "USD"}]


def test_a_shop_that_does_not_listen_is_told_nothing(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.add(article())
    assert dossier_of(app.database, shopper.id).events == ()
