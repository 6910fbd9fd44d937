"""Articles that are sold together for one price, from the shelf to the refund."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from parcelway.domain.order import totals
from parcelway.store import stock

from infra.demo.people import Carrier, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.journeys.test_acting import Representative
from tests.journeys.test_backorders import (
    announce,
    choose,
    day,
    ready_to_place,
    receive,
    send,
    waiting,
)
from tests.orders import dossier_of

Article = Callable[..., str]
Json = dict[str, Any]


def available(app: Application, sku: str) -> int:
    return sum(balance.available for balance in stock.balances_of(app.database, sku))


def told(shopper: Shopper, sku: str, quantity: int) -> Json:
    query = {"quantity": str(quantity), "country": "US"}
    return shopper.api.call("GET", f"/products/{sku}/availability", None, None, **query)


def test_a_kit_is_found_ordered_sent_and_in_part_given_back(
    app: Application,
    article: Article,
    kit: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    cup, pot = article(units=9, price=1000), article(units=3, price=3001)
    sku = kit(4000, {cup: 2, pot: 1})  # alone 50.01
    shown = shopper.api.call("GET", f"/products/{sku}")
    assert [(each["sku"], each["quantity"]) for each in shown["components"]] == [(cup, 2), (pot, 1)]
    assert (shown["availability"]["state"], shown["availability"]["delivery"]) == ("low_stock", 3)
    assert (told(shopper, sku, 3)["state"], told(shopper, sku, 3)["most"]) == ("low_stock", 3)
    assert told(shopper, sku, 4)["state"] == "out_of_stock"
    with pytest.raises(Refused) as refused:
        shopper.add(sku, 4)
    assert refused.value.code == "out-of-stock"
    (short,) = refused.value.problem["lines"]
    assert (short["sku"], short["wanted"], short["available"]) == (pot, 4, 3)

    placed = shopper.buy((sku, 2), (cup, 1))
    (line_of_kit,) = placed["kits"]
    assert line_of_kit == {
        "sku": sku,
        "name": f"Kit {sku}",
        "quantity": 2,
        "unit_price": {"minor": 4000, "currency": "USD"},
        "price_source": "catalogue",
        "components": {cup: 2, pot: 1},
    }
    assert {line["sku"]: line["quantity"] for line in placed["lines"]} == {cup: 5, pot: 2}
    assert placed["totals"]["discount"]["minor"] == 2 * 1001
    assert placed["totals"]["goods"]["minor"] == 2 * 4000 + 1000
    app.settle()
    assert (available(app, cup), available(app, pot)) == (4, 1)

    body = {"lines": [{"sku": pot, "quantity": 1}], "reason": "one is enough"}
    shopper.api.call("POST", f"{shopper.path}/cancel", body)
    app.settle()
    assert available(app, pot) == 2
    for shipment in waiting(warehouse, shopper):
        send(app, warehouse, carrier, shipment)
    dossier = dossier_of(app.database, shopper.id)
    assert dossier.order.state == "closed"
    assert dossier.order.captured == sum(each.gross.minor for each in dossier.invoices)
    names = {a.name for inv in dossier.invoices for line in inv.lines for a in line.allowances}
    assert names == {f"Kit {sku}"}


def test_what_is_missing_of_a_kit_makes_a_second_order_of_whole_kits(
    app: Application,
    article: Article,
    kit: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    """Three sets and a cup: there is one pot. One set and the cup go now, two sets when pots come;
    both together cost what was shown."""
    cup, pot = article(units=9, price=999), article(units=1, price=3001)
    sku = kit(4000, {cup: 2, pot: 1})
    announce(warehouse, pot, 5, day(7))
    ready_to_place(shopper, (sku, 3), (cup, 1))
    assert told(shopper, sku, 3)["later"] == [{"quantity": 2, "due": day(7).isoformat()}]
    goods = shopper.order["totals"]["goods"]["minor"]
    choose(shopper, "separate_order")
    first = shopper.place()
    (second_id,) = first["linked_orders"]
    second = dossier_of(app.database, second_id).order
    assert [(each["sku"], each["quantity"]) for each in first["kits"]] == [(sku, 1)]
    assert [(each.sku, each.quantity) for each in second.kits] == [(sku, 2)]
    assert first["totals"]["goods"]["minor"] == 4000 + 999
    assert goods == first["totals"]["goods"]["minor"] + totals(second).goods.minor
    shopper.pay()
    other = Shopper.holding(app.url, app.stripe, second_id, shopper.token)
    other.pay()
    app.settle()
    for shipment in waiting(warehouse, shopper):
        send(app, warehouse, carrier, shipment)
    receive(warehouse, pot, 5)
    app.settle()
    for shipment in waiting(warehouse, other):
        send(app, warehouse, carrier, shipment)
    for order_id in (shopper.id, second_id):
        order = dossier_of(app.database, order_id).order
        assert (order.state, order.captured) == ("closed", totals(order).gross.minor)
    assert (available(app, cup), available(app, pot)) == (2, 3)


def test_a_kit_is_bought_again_by_whoever_acts_for_its_customer(
    app: Application, article: Article, kit: Article, shopper: Shopper
) -> None:
    cup, pot = article(units=9), article(units=3)
    sku = kit(1500, {cup: 2, pot: 1})
    bought = shopper.buy((sku, 2), (cup, 1))
    app.settle()
    cart = Representative(app).begin()
    made = cart.api.call("POST", f"{cart.path}/reorder", {"order_id": bought["id"]})
    assert [(each["sku"], each["quantity"]) for each in made["cart"]["kits"]] == [(sku, 1)]
    assert {line["sku"]: line["quantity"] for line in made["cart"]["lines"]} == {cup: 3, pot: 1}
    assert made["left_out"] == [{"sku": sku, "quantity": 1}]
