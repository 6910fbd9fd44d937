"""The warehouse's page, where something is different from what was planned."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from infra.demo.people import Carrier, Shopper, Warehouse
from tests.browser.conftest import Visitor
from tests.browser.test_storefront import (
    at_its_node,
    deliver,
    order_id,
    pay,
    put_in_cart,
    to_payment,
)
from tests.journeys.test_pickup import next_parcel
from tests.sample import maker

pytestmark = pytest.mark.browser


def test_held_released_and_sent_and_what_is_missing_is_told(visitor: Visitor) -> None:
    shop = visitor.open("/shop/")
    put_in_cart(shop, "soup")
    to_payment(shop, "fay@example.com")
    pay(shop, "succeeds", "#place")
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "preparing")
    order = order_id(shop)
    warehouse = at_its_node(visitor, order)
    shipment = warehouse.locator(f"[data-order={order}]")
    shipment.locator("summary").click()
    shipment.locator("[data-act=accept]").click()
    expect(shipment.locator(".badge", has_text="Accepted")).to_be_visible()
    shipment.locator("[name=hold]").select_option("goods")
    shipment.locator("[data-act=hold]").click()
    expect(shipment.locator(".badge.bad")).to_have_text("On hold: the goods")
    expect(shipment.locator("[data-act=pack]")).to_have_count(0)
    warehouse.select_option("#filter", "held")
    expect(warehouse.locator("#shipments > .shipment")).to_have_count(1)
    shipment.locator("[data-act=release-hold]").click()
    warehouse.select_option("#filter", "all")
    shipment.locator("[data-act=split]").click()  # one unit does not make two parcels
    expect(shipment.locator(".trouble")).to_contain_text("some must stay")
    deliver(warehouse, order)
    shop.bring_to_front()
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "delivered")


def test_what_does_not_get_to_the_store_is_told_by_its_sender_or_the_store(
    visitor: Visitor,
) -> None:
    app, staff = visitor.site.app, Warehouse(visitor.site.app)
    sku, shopper = maker(app)(units=4), Shopper(app.url, app.stripe)
    shopper.add(sku, 2)
    shopper.pick_up("store-cincinnati", "ship-to-store")
    shopper.describe()
    shopper.place()
    shopper.pay()
    parcel = next_parcel(app, shopper, staff)
    Carrier(app).report(parcel, "returned")
    page = visitor.open("/warehouse/?node=dc-columbus")
    back = page.locator(f"[data-order={shopper.id}]")
    expect(back.locator(".badge")).to_have_text("Coming back")
    back.locator(f"[name='{sku}']").fill("1")
    back.locator("[data-act=came-back]").click()
    expect(back.locator("[data-act=came-back]")).to_have_count(0)
    next_parcel(app, shopper, staff)
    store = visitor.open("/warehouse/?node=store-cincinnati")
    coming = store.locator(f"[data-order={shopper.id}]")
    expect(coming.locator(".badge")).to_have_text("On its way here")
    coming.locator("summary").click()
    coming.locator("[name=then]").select_option("cancel")
    coming.locator("[data-act=lost]").click()
    expect(coming).to_have_count(0)
    app.settle()
    assert shopper.order["state"] == "cancelled"
