"""From the first click to the door, and every way in which it can end earlier."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue, stock
from parcelway.store.orders import get_dossier

from infra.demo.people import DECLINED, NEEDS_3D_SECURE, Carrier, Refused, Shopper, Warehouse
from infra.local.application import Application

Article = Callable[..., str]
NODE = "dc-columbus"


def waiting(warehouse: Warehouse, shopper: Shopper, node: str = NODE) -> dict[str, object]:
    (shipment,) = [s for s in warehouse.queue(node) if s["order_id"] == shopper.id]
    return shipment


def told(app: Application, shopper: Shopper) -> list[str]:
    dossier = get_dossier(app.database, shopper.id)
    assert dossier is not None
    return [event.type for event in dossier.events]


def test_an_order_is_paid_packed_shipped_invoiced_captured_delivered_and_closed(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    sku = article(units=5, price=1999)
    placed = shopper.buy((sku, 2))
    assert placed["state"] == "placed"
    gross = placed["totals"]["gross"]
    app.settle()
    assert shopper.order["state"] == "confirmed"
    shipped = warehouse.ship(waiting(warehouse, shopper))
    app.settle()
    for status in ("in_transit", "out_for_delivery", "delivered"):
        assert carrier.report(shipped, status) == 200
    app.settle()

    order = shopper.order
    assert order["state"] == "closed"
    assert order["payment_status"] == "captured"
    assert order["fulfilment_status"] == "delivered"
    assert order["captured"] == gross
    assert told(app, shopper) == [
        "order.placed",
        "payment.authorized",
        "order.confirmed",
        "order.scheduled",
        "shipment.released",
        "shipment.packed",
        "shipment.shipped",
        "invoice.issued",
        "payment.captured",
        "shipment.in_transit",
        "shipment.out_for_delivery",
        "shipment.delivered",
        "order.closed",
    ]
    (balance,) = stock.balances_of(app.database, sku)
    assert (balance.on_hand, balance.available) == (3, 3)
    executions = app.stack.client("stepfunctions").list_executions(
        stateMachineArn=app.stack.resource("FulfillmentMachine")
    )["executions"]
    assert [e["status"] for e in executions if e["name"] == shopper.id] == ["SUCCEEDED"]


def test_a_simple_order_takes_at_most_twelve_transitions(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    before = sum(n for key, n in app.stack.counts.items() if key[0] == "transition")
    shopper.buy((article(), 1))
    app.settle()
    shipped = warehouse.ship(waiting(warehouse, shopper))
    app.settle()
    carrier.report(shipped, "delivered")
    app.settle()
    after = sum(n for key, n in app.stack.counts.items() if key[0] == "transition")
    assert shopper.order["state"] == "closed"
    assert 0 < after - before <= 12


def test_an_order_is_collected_at_a_store(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    store = "store-dayton"
    shopper.add(article(units=3, node=store), 2)
    shopper.pick_up(store)
    shopper.describe()
    shopper.place()
    shopper.pay()
    app.settle()
    shipment = waiting(warehouse, shopper, store)
    with pytest.raises(Refused) as refused:
        warehouse.report(shipment, "hand-over", {"identity_checked": "passport"})
    assert refused.value.code == "illegal-state"
    warehouse.report(shipment, "pack")
    warehouse.report(shipment, "ready")
    app.settle()
    assert shopper.order["payment_status"] == "authorized"
    warehouse.report(shipment, "hand-over", {"code": shopper.code()})
    app.settle()
    assert (shopper.order["state"], shopper.order["payment_status"]) == ("closed", "captured")


def test_pick_up_is_served_by_the_chosen_store_alone(article: Article, shopper: Shopper) -> None:
    shopper.add(article(units=3, node=NODE), 1)
    shopper.pick_up("store-dayton")
    shopper.describe()
    with pytest.raises(Refused) as refused:
        shopper.place()
    assert refused.value.code == "out-of-stock"


def test_a_declined_card_leaves_the_order_to_be_paid_with_another(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.buy((article(), 1), card=DECLINED)
    app.settle()
    assert (shopper.order["state"], shopper.order["payment_status"]) == ("placed", "failed")
    assert shopper.pay(NEEDS_3D_SECURE) == "requires_capture"
    app.settle()
    assert (shopper.order["state"], shopper.order["payment_status"]) == ("confirmed", "authorized")


def test_a_failed_3d_secure_can_be_tried_again(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.add(article(), 1)
    shopper.deliver()
    shopper.describe()
    shopper.place()
    assert shopper.pay(NEEDS_3D_SECURE, authenticate=False) == "requires_payment_method"
    app.settle()
    assert shopper.order["state"] == "placed"
    shopper.pay(NEEDS_3D_SECURE, authenticate=True)
    app.settle()
    assert shopper.order["state"] == "confirmed"


def test_a_cancelled_order_gives_back_stock_and_money(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article(units=4)
    shopper.buy((sku, 3))
    app.settle()
    shopper.cancel()
    app.settle()
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("cancelled", "voided")
    (balance,) = stock.balances_of(app.database, sku)
    assert (balance.on_hand, balance.available) == (4, 4)
    (execution,) = [
        e
        for e in app.stack.client("stepfunctions").list_executions(
            stateMachineArn=app.stack.resource("FulfillmentMachine")
        )["executions"]
        if e["name"] == shopper.id
    ]
    assert execution["status"] == "SUCCEEDED"


def test_what_has_left_cannot_be_cancelled(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    shopper.buy((article(), 1))
    app.settle()
    warehouse.ship(waiting(warehouse, shopper))
    with pytest.raises(Refused) as refused:
        shopper.cancel()
    assert refused.value.code == "too-late"


def test_a_node_that_has_not_got_it_ends_the_order_and_gives_everything_back(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=2)
    shopper.buy((sku, 2))
    app.settle()
    warehouse.report(
        waiting(warehouse, shopper), "reject", {"reason": "damaged", "note": "on the shelf"}
    )
    app.settle()
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("cancelled", "voided")


def test_an_order_nobody_pays_for_expires_and_its_stock_is_sold_to_the_next(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article(units=1)
    shopper.add(sku)
    shopper.deliver()
    shopper.describe()
    shopper.place()
    app.travel(timedelta(minutes=31))
    # No sweeper has run: the next buyer's own request takes the lapsed hold back.
    other = Shopper(app.url, app.stripe)
    other.buy((sku, 1))
    app.settle()
    assert shopper.order["state"] == "expired"
    assert other.order["state"] == "confirmed"


def test_the_sweeper_takes_back_what_lapsed(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article(units=1)
    shopper.add(sku)
    shopper.deliver()
    shopper.describe()
    shopper.place()
    app.travel(timedelta(minutes=31))
    app.stack.fire("SweeperFunction")
    assert shopper.order["state"] == "expired"
    (balance,) = stock.balances_of(app.database, sku)
    assert balance.available == 1


def test_a_payment_we_hear_of_after_the_order_expired_is_undone(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.add(article(units=1))
    shopper.deliver()
    shopper.describe()
    shopper.place()
    app.stripe.set_webhooks(url="")
    try:
        assert shopper.pay() == "requires_capture"
        app.travel(timedelta(minutes=50))
        app.stack.fire("SweeperFunction")
        app.settle()
    finally:
        app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("expired", "voided")
    assert [event for event in told(app, shopper) if event.startswith("payment.")] == [
        "payment.authorized",
        "payment.voided",
    ]


def test_an_expired_order_cannot_be_paid_any_more(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.add(article(units=1))
    shopper.deliver()
    shopper.describe()
    shopper.place()
    payment = shopper.api.call("POST", f"{shopper.path}/payment", {})
    app.travel(timedelta(minutes=50))
    with pytest.raises(Refused) as refused:
        shopper.api.call("POST", f"{shopper.path}/payment", {})
    assert refused.value.code == "too-late"
    app.stack.fire("SweeperFunction")
    app.settle()
    assert app.stripe.confirm(payment["client_secret"])["status"] == "canceled"


def test_an_order_that_costs_nothing_needs_no_payment(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
) -> None:
    store = "store-dayton"
    shopper.add(article(price=0, node=store))
    shopper.pick_up(store)
    shopper.describe()
    assert shopper.place()["state"] == "confirmed"
    app.settle()
    shipment = waiting(warehouse, shopper, store)
    for what in ("pack", "ready"):
        warehouse.report(shipment, what)
        app.settle()
    warehouse.report(shipment, "hand-over", {"code": shopper.code()})
    app.settle()
    assert shopper.order["state"] == "closed"


def test_webhooks_that_come_three_times_in_any_order_change_nothing_twice(
    app: Application, article: Article, shopper: Shopper
) -> None:
    app.stripe.set_webhooks(copies=3, shuffle=True)
    try:
        shopper.buy((article(), 1), card=DECLINED)
        shopper.pay()
        app.settle()
    finally:
        app.stripe.set_webhooks(copies=1, shuffle=False)
    events = told(app, shopper)
    assert events.count("order.confirmed") == 1
    assert events.count("payment.authorized") == 1


def test_one_key_is_one_order_however_often_and_however_late(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.add(article(units=10))
    shopper.deliver()
    shopper.describe()
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda _: shopper.place(key="the-one-key"), range(16)))
    assert len({order["tracking_number"] for order in placed}) == 1
    assert told(app, shopper).count("order.placed") == 1
    app.travel(timedelta(hours=25))
    assert shopper.place(key="the-one-key")["tracking_number"] == placed[0]["tracking_number"]
    with pytest.raises(Refused) as refused:
        shopper.place(key="another-key")
    assert refused.value.code == "illegal-state"
    with pytest.raises(Refused) as refused:
        shopper.place(key="the-one-key", expected_total={"minor": 1, "currency": "USD"})
    assert refused.value.code == "idempotency-key-reused"


def test_a_double_click_adds_once(article: Article, shopper: Shopper) -> None:
    sku = article()
    for _ in range(3):
        cart = shopper.add(sku, 2, key="same-click")
    assert [line["quantity"] for line in cart["lines"]] == [2]


def test_the_last_fifty_units_are_sold_exactly_fifty_times(
    app: Application, article: Article
) -> None:
    sku = article(units=50)

    def buy(_: int) -> str:
        someone = Shopper(app.url, app.stripe)
        try:
            someone.buy((sku, 1))
        except Refused as refused:
            return refused.code
        return "sold"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(buy, range(64)))
    assert outcomes.count("sold") == 50
    assert outcomes.count("out-of-stock") == 14
    app.settle(120)
    (balance,) = stock.balances_of(app.database, sku)
    assert (balance.on_hand, balance.available, balance.allocated) == (50, 0, 50)


def test_reports_may_come_early_late_and_twice(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    shopper.buy((article(), 1))
    app.settle()
    shipment = waiting(warehouse, shopper)
    warehouse.report(shipment, "pack")
    warehouse.report(shipment, "pack")
    parcel = {"carrier": "Sample Parcel", "parcel_number": "TWICE-1"}
    shipped = warehouse.report(shipment, "ship", parcel)
    again = warehouse.report(shipment, "ship", parcel)  # perhaps invoiced by now, but not sent anew
    assert {**again, "invoice_number": ""} == {**shipped, "invoice_number": ""}
    carrier.report(shipped, "delivered", event_id="d1")
    carrier.report(shipped, "in_transit", event_id="t1")
    carrier.report(shipped, "delivered", event_id="d1")
    app.settle()
    order = shopper.order
    assert (order["state"], order["fulfilment_status"]) == ("closed", "delivered")
    assert told(app, shopper).count("shipment.delivered") == 1


def test_the_price_is_the_servers_at_the_moment_of_placing(
    app: Application, article: Article, shopper: Shopper
) -> None:
    sku = article(price=1000)
    cart = shopper.add(sku, 1)
    agreed = shopper.deliver()["totals"]["gross"]
    shopper.describe()
    dearer = Product(sku, "Thing", Money(1500, "USD"), tax_category="general")
    catalogue.upsert(app.database, [dearer], clock.now())
    with pytest.raises(Refused) as refused:
        shopper.place(expected_total=agreed)
    assert refused.value.code == "total-changed"
    now_asked = refused.value.problem["total"]
    placed = shopper.place(expected_total=now_asked)
    assert placed["totals"]["gross"] == now_asked
    assert cart["lines"][0]["unit_price"]["minor"] == 1000


def test_a_rejected_parcel_leaves_the_rest_of_the_order_to_be_sent_and_paid(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    here, there = article(units=2, price=700), article(units=2, price=500, node="wh-louisville")
    placed = shopper.buy((here, 1), (there, 2))
    app.settle()
    first = waiting(warehouse, shopper)
    second = waiting(warehouse, shopper, "wh-louisville")
    shipped = warehouse.ship(first)
    app.settle()
    warehouse.report(second, "reject", {"reason": "out_of_stock"})
    app.settle()
    order = shopper.order
    assert order["state"] == "confirmed"
    assert 0 < order["captured"]["minor"] < placed["totals"]["gross"]["minor"]
    (balance,) = stock.balances_of(app.database, there)
    assert (balance.on_hand, balance.available) == (0, 0)  # what the node says is not there
    carrier.report(shipped, "delivered")
    app.settle()
    order = shopper.order
    assert order["state"] == "closed"
    assert order["authorized"] == order["captured"]


def test_a_parcel_that_comes_back_ends_and_asks_for_attention(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    shopper.buy((article(), 1))
    app.settle()
    shipped = warehouse.ship(waiting(warehouse, shopper))
    carrier.report(shipped, "returned")
    app.settle()
    order = shopper.order
    assert (order["state"], order["return_status"]) == ("closed", "returned")
    seen = warehouse.api.call("GET", f"/staff/orders/{shopper.id}")
    assert [alert["code"] for alert in seen["alerts"]] == ["returned_to_sender"]


def test_the_shop_can_say_itself_that_a_parcel_arrived(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    shopper.buy((article(), 1))
    app.settle()
    shipped = warehouse.ship(waiting(warehouse, shopper))
    warehouse.report(shipped, "delivered")
    app.settle()
    assert shopper.order["state"] == "closed"


def test_a_carrier_with_a_broken_clock_is_refused(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    shopper.buy((article(), 1))
    app.settle()
    shipped = warehouse.ship(waiting(warehouse, shopper))
    for broken in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"):
        assert carrier.report(shipped, "in_transit", at=broken) == 422
    assert carrier.report(shipped, "in_transit") == 200


def test_the_options_say_where_the_goods_are(
    app: Application, article: Article, shopper: Shopper
) -> None:
    shopper.add(article(units=2, node="store-dayton"), 2)
    path = f"{shopper.path}/delivery-options"
    for _ in range(2):  # what was chosen before makes no difference
        found = shopper.api.call("GET", path, None, None, country="US")["options"]
        there = {(o["service"], o["store"]): o["available"] for o in found if o["store"]}
        assert there["store-pickup", "store-dayton"]
        assert not there["store-pickup", "store-cincinnati"]
        assert there["ship-to-store", "store-cincinnati"]  # another store sends it
        assert all(option["available"] for option in found if option["method"] == "delivery")
        shopper.pick_up("store-cincinnati")
    abroad = shopper.api.call("GET", path, None, None, country="FR")["options"]
    assert {option["method"] for option in abroad} == {"pickup"}
