"""What is not there: chosen at the checkout, paid, and followed; and one cart to several places."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from parcelway.ports import clock
from playwright.sync_api import Page, expect

from infra.demo.people import Warehouse
from tests.browser.conftest import PATIENCE, Site, Visitor
from tests.browser.test_storefront import HOME, fill, order_id, pay, to_payment
from tests.orders import dossier_of
from tests.sample import maker

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

NODE = "dc-columbus"


@pytest.fixture(scope="module")
def warehouse(site: Site) -> Warehouse:
    return Warehouse(site.app)


def due(days: int) -> date:
    return clock.now().date() + timedelta(days=days)


def announce(warehouse: Warehouse, sku: str, day: date) -> None:
    body = {"due": day.isoformat(), "quantity": 10}
    warehouse.api.call("PUT", f"/stock/{sku}/nodes/{NODE}/supplies/po-1", body)


def put(shop: Page, visitor: Visitor, sku: str, units: int) -> None:
    """Have so many units of a product in the cart, from its page."""
    shop.goto(f"{visitor.site.url}/shop/#/product/{sku}")
    stepper = shop.locator(".product .stepper")
    stepper.locator("[data-part=more]").click()
    stepper.locator("input").fill(str(units))
    stepper.locator("input").press("Enter")
    expect(shop.locator("#cart-count")).to_have_text(str(units))


def to_the_choice(shop: Page, visitor: Visitor, warehouse: Warehouse, email: str) -> str:
    """Two units of an article wanted that is there once; the SKU."""
    sku = maker(visitor.site.app)(units=1)
    announce(warehouse, sku, due(7))
    put(shop, visitor, sku, 2)
    expect(shop.locator(".product .supply")).to_contain_text("1 there now")
    shop.click("#open-cart")
    expect(shop.locator(".drawer-line")).to_contain_text("1 there now")
    shop.click(".drawer-foot a.primary")
    fill(shop, ".step.open", {"name": "Ann Example", "email": email})
    shop.click(".step.open button.primary")
    fill(shop, ".step.open", HOME)
    shop.locator(".choice input").first.check()
    shop.click(".step.open button.primary")
    expect(shop.locator("#shortage")).to_contain_text("1 there now")
    return sku


def choose(shop: Page, shortage: str) -> None:
    shop.check(f"#shortage [value={shortage}]")
    shop.click("#shortage button.primary")
    shop.locator("#place").wait_for()


def test_a_back_order_is_chosen_and_its_later_date_shown(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    shop = visitor.open("/shop/")
    sku = to_the_choice(shop, visitor, warehouse, "ann@example.com")
    assert shop.locator("#shortage .choice").count() == 4
    choose(shop, "ship_available")
    pay(shop, "succeeds", "#place")
    expect(shop.locator(".order-lines")).to_contain_text("1 expected")
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "preparing")
    first = shop.locator(".promise").inner_text()

    announce(warehouse, sku, due(21))
    expect(shop.locator(".promise.revised")).to_contain_text("later than we were told")
    assert shop.locator(".promise.revised s").inner_text() in first
    with visitor.context.expect_page() as opened:
        shop.click("#track")
    tracking = opened.value
    expect(tracking.locator("s")).to_have_count(1)
    expect(tracking.locator(".lead")).to_contain_text("later than we were told")
    inbox = visitor.open("/inbox/")
    expect(inbox.locator("[data-mail]", has_text="A new date for your order")).to_have_count(1)


def test_the_rest_as_an_order_of_its_own_is_paid_next(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    shop = visitor.open("/shop/")
    to_the_choice(shop, visitor, warehouse, "bea@example.com")
    choose(shop, "separate_order")
    expect(shop.locator("#place")).to_contain_text("both orders")
    pay(shop, "succeeds", "#place")
    second = shop.locator(".linked.due")
    expect(second).to_contain_text("Waiting for payment")
    first = order_id(shop)
    second.locator("[data-card=succeeds]").click()
    second.locator("button.primary").click()
    expect(shop.locator(".linked")).to_contain_text("Order confirmed")
    shop.click(".linked a")
    expect(shop.locator(".linked a")).to_have_attribute("href", f"#/order/{first}")
    expect(shop.locator(".order-lines")).to_contain_text("1 expected")
    for held in (first, order_id(shop)):
        order = dossier_of(visitor.site.app.database, held).order
        assert (order.state, order.payment_status) == ("confirmed", "authorized")


def test_dropping_what_is_not_there_is_another_total(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    shop = visitor.open("/shop/")
    to_the_choice(shop, visitor, warehouse, "cleo@example.com")
    before = shop.locator(".summary .total dd").inner_text()
    choose(shop, "drop")
    assert shop.locator(".summary s").inner_text() == before
    total = shop.locator(".summary .total dd").inner_text()
    assert total != before
    expect(shop.locator("#place")).to_contain_text(total)
    pay(shop, "succeeds", "#place")
    expect(shop.locator(".order-lines")).to_contain_text("× 1")
    expect(shop.locator(".order .total dd")).to_have_text(total)


def test_what_is_not_there_at_all_says_when_it_comes_back(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    shop = visitor.open("/shop/")
    sku = maker(visitor.site.app)(units=1)
    announce(warehouse, sku, due(7))
    warehouse.api.call("POST", f"/stock/{sku}/nodes/{NODE}/sales", {"quantity": 1})
    put(shop, visitor, sku, 3)
    expect(shop.locator(".product .stock")).to_contain_text("Back on")
    expect(shop.locator(".product .supply")).to_contain_text("first come first served")
    shop.locator(".product .stepper input").fill("11")
    shop.locator(".product .stepper input").press("Enter")
    expect(shop.locator(".toast.bad")).to_contain_text("0 of 11 available. More later: 10 on")


def test_somebody_is_faster_and_the_customer_is_asked(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    """Everything was there when the payment step was shown, and is not when the order is placed."""
    shop = visitor.open("/shop/")
    sku = maker(visitor.site.app)(units=2)
    announce(warehouse, sku, due(7))
    put(shop, visitor, sku, 2)
    to_payment(shop, "gus@example.com")
    warehouse.api.call("POST", f"/stock/{sku}/nodes/{NODE}/sales", {"quantity": 1})
    pay(shop, "succeeds", "#place")
    expect(shop.locator("#shortage .notice")).to_contain_text("1 of 2 available")
    choose(shop, "ship_complete")
    pay(shop, "succeeds", "#place")
    expect(shop.locator(".order-lines")).to_contain_text("1 expected")
    order = dossier_of(visitor.site.app.database, order_id(shop)).order
    assert (order.shortage, order.lines[0].count("backordered")) == ("ship_complete", 1)


def test_lines_changed_in_the_drawer_are_asked_about_anew(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    shop = visitor.open("/shop/")
    sku = maker(visitor.site.app)(units=2)
    announce(warehouse, sku, due(7))
    put(shop, visitor, sku, 2)
    to_payment(shop, "hal@example.com")
    shop.click("#open-cart")
    shop.locator(".drawer-line [data-part=more]").click()
    expect(shop.locator("#cart-count")).to_have_text("3")
    shop.click(".drawer .close")
    expect(shop.locator("#shortage")).to_contain_text("2 there now")
    shop.click("#open-cart")
    shop.locator(".drawer-line [data-part=fewer]").click()
    shop.click(".drawer .close")
    expect(shop.locator("#place")).to_be_visible()
    expect(shop.locator("#shortage")).to_have_count(0)


def test_one_cart_to_an_address_and_a_store(visitor: Visitor) -> None:
    shop = visitor.open("/shop/")
    app = visitor.site.app
    sku = maker(app)(units=9)
    warehouse = Warehouse(app)
    warehouse.api.call("POST", f"/stock/{sku}/nodes/store-dayton/receipts", {"quantity": 5})
    put(shop, visitor, sku, 3)
    shop.goto(f"{visitor.site.url}/shop/#/checkout")
    fill(shop, ".step.open", {"name": "Dan Example", "email": "dan@example.com"})
    shop.click(".step.open button.primary")
    shop.check("[name=method][value=several]")
    here, there = shop.locator(".part").nth(0), shop.locator(".part").nth(1)
    for name, value in HOME.items():
        here.locator(f"[name$='/{name}']").fill(value)
    there.locator("[value=pickup]").check()
    there.locator("select").select_option("store-pickup@store-dayton")
    shop.click("#divide > button.primary")
    expect(shop.locator("#divide .notice")).to_contain_text("Delivery 2 has nothing in it")
    there.locator(f"[data-sku='{sku}']").fill("2")
    there.locator(f"[data-sku='{sku}']").press("Tab")
    expect(here.locator("output")).to_have_text("1")
    shop.click("#divide > button.primary")
    shop.locator("#divided .choice input").first.check()
    shop.click("#divided > button.primary")
    expect(shop.locator(".summary")).to_contain_text("Delivery 2: Ready")
    pay(shop, "succeeds", "#place")
    expect(shop.locator(".delivery")).to_have_count(2)
    order = dossier_of(app.database, order_id(shop)).order
    assert [order.lines[0].units(group.id) for group in order.groups] == [1, 2]


def test_back_to_one_delivery(visitor: Visitor) -> None:
    shop = visitor.open("/shop/")
    sku = maker(visitor.site.app)(units=9)
    put(shop, visitor, sku, 2)
    to_payment(shop, "eve@example.com")
    shop.locator(".step").nth(1).locator("button.link").click()
    shop.check("[name=method][value=several]")
    there = shop.locator(".part").nth(1)
    for name, value in (HOME | {"name": "Bob Example"}).items():
        there.locator(f"[name$='/{name}']").fill(value)
    there.locator(f"[data-sku='{sku}']").fill("1")
    shop.click("#divide > button.primary")
    shop.click("#divided > button.primary")
    expect(shop.locator(".summary .sub")).to_have_count(2)
    shop.locator(".step").nth(1).locator("button.link").click()
    shop.check("[name=method][value=delivery]")
    shop.locator(".choice input").first.check()
    shop.click(".step.open button.primary")
    shop.locator("#place").wait_for()
    expect(shop.locator(".summary .sub")).to_have_count(0)
    pay(shop, "succeeds", "#place")
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "preparing")
