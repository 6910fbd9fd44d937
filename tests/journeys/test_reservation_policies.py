"""When stock is held is the channel's choice; that none is sold twice is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from parcelway.domain.shop import ReservationPolicy
from parcelway.store import stock

from infra.demo.people import Refused, Shopper
from infra.local.application import Application

Article = Callable[..., str]
Policy = Callable[[ReservationPolicy], None]


def available(app: Application, sku: str) -> int:
    (balance,) = stock.balances_of(app.database, sku)
    return balance.available


def test_in_the_cart_means_held_until_taken_out_or_over(
    app: Application, article: Article, policy: Policy, shopper: Shopper
) -> None:
    policy("on_cart")
    sku = article(units=3)
    shopper.add(sku, 2)
    assert available(app, sku) == 1
    other = Shopper(app.url, app.stripe)
    with pytest.raises(Refused) as refused:
        other.add(sku, 2)
    assert refused.value.code == "out-of-stock"
    shopper.api.call("PUT", f"{shopper.path}/lines/{sku}", {"quantity": 1})
    assert available(app, sku) == 2
    shopper.api.call("DELETE", f"{shopper.path}/lines/{sku}")
    assert available(app, sku) == 3
    shopper.add(sku, 3)
    app.travel(timedelta(minutes=31))
    other.add(sku, 1)
    assert shopper.order["lines"][0]["stages"] == {"open": 3}
    shopper.deliver()
    shopper.describe()
    with pytest.raises(Refused) as refused:
        shopper.place()
    assert refused.value.code == "out-of-stock"
    other.buy()
    app.settle()
    assert other.order["state"] == "confirmed"


def test_at_checkout_means_the_cart_holds_nothing(
    app: Application, article: Article, policy: Policy, shopper: Shopper
) -> None:
    policy("on_checkout")
    sku = article(units=1)
    other = Shopper(app.url, app.stripe)
    for someone in (shopper, other):
        someone.add(sku)
        someone.deliver()
        someone.describe()
    assert available(app, sku) == 1
    shopper.place()
    assert available(app, sku) == 0
    with pytest.raises(Refused) as refused:
        other.place()
    assert refused.value.code == "out-of-stock"
    assert other.order["state"] == "draft"


def test_without_a_hold_the_first_to_pay_gets_it_and_the_other_pays_nothing(
    app: Application, article: Article, policy: Policy, shopper: Shopper
) -> None:
    policy("none")
    sku = article(units=1)
    other = Shopper(app.url, app.stripe)
    for someone in (shopper, other):
        someone.add(sku)
        someone.deliver()
        someone.describe()
        someone.place()
    assert available(app, sku) == 1
    shopper.pay()
    app.settle()
    other.pay()
    app.settle()
    assert shopper.order["state"] == "confirmed"
    order = other.order
    assert (order["state"], order["cancel_reason"]) == ("cancelled", "out_of_stock")
    assert order["payment_status"] == "voided"
