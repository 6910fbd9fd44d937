"""An order whose hold lapsed: the mail asks to pay, the page behind it takes the payment."""

from __future__ import annotations

import pytest
from parcelway.domain.money import Money
from parcelway.ports.stripe_gateway import StripeGateway
from playwright.sync_api import expect

from infra.demo.people import Shopper, Warehouse
from infra.local.application import Application
from tests.browser.conftest import PATIENCE, Visitor
from tests.browser.test_storefront import pay
from tests.browser.test_supply import NODE, announce, due, warehouse
from tests.orders import dossier_of
from tests.sample import maker

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
__all__ = ["warehouse"]  # a fixture


def lapsed(app: Application, warehouse: Warehouse, email: str) -> tuple[Shopper, str]:
    """An order of which one unit was sent and one is waited for, and no money is held for that."""
    sku, shopper = maker(app)(units=1), Shopper(app.url, app.stripe)
    announce(warehouse, sku, due(7))
    shopper.add(sku, 2)
    shopper.deliver()
    shopper.describe(email)
    shopper.api.call("PATCH", shopper.path, {"shortage": "ship_available"})
    shopper.place()
    shopper.pay()
    app.settle()
    (shipment,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    warehouse.ship(shipment)
    app.settle()
    payment = dossier_of(app.database, shopper.id).payments[-1]
    dashboard = StripeGateway(app.stripe.secret_key, api_base=app.stripe.api_base)
    nothing = Money(0, payment.amount.currency)
    dashboard.capture(payment.reference, nothing, key="by hand", final=True)
    app.settle()
    return shopper, sku


def test_what_lost_its_hold_is_paid_from_the_mail(visitor: Visitor, warehouse: Warehouse) -> None:
    app = visitor.site.app
    shopper, sku = lapsed(app, warehouse, "pia@example.com")
    app.stripe.decline_off_session()  # the kept card is charged first, and only then a mail sent
    receipt = {"quantity": 5, "supply": "po-1"}
    warehouse.api.call("POST", f"/stock/{sku}/nodes/{NODE}/receipts", receipt)
    inbox = visitor.open("/inbox/")
    inbox.locator("[data-mail]", has_text="Please pay").click()
    with visitor.context.expect_page() as opened:
        inbox.frame_locator("iframe").get_by_role("link", name="Pay now").click()
    page = opened.value
    expect(page.locator("#pay-status")).to_contain_text("is still to be paid")
    pay(page, "declined", ".pay-again button.primary")
    expect(page.locator(".notice.bad")).to_be_visible()
    pay(page, "succeeds", ".pay-again button.primary")
    expect(page.locator("#pay-status")).to_have_text("There is nothing to pay for this order")
    assert shopper.order["to_pay"]["minor"] == 0


def test_what_is_still_to_come_is_cancelled_on_the_order_page(
    visitor: Visitor, warehouse: Warehouse
) -> None:
    shopper, _ = lapsed(visitor.site.app, warehouse, "ria@example.com")
    shop = visitor.open("/shop/")
    held = [{"id": shopper.id, "token": shopper.token}]
    shop.evaluate("held => localStorage.setItem('parcelway.orders', JSON.stringify(held))", held)
    shop.goto(f"{visitor.site.url}/shop/#/order/{shopper.id}")
    shop.click("#cancel")
    shop.click("#cancel-yes")
    expect(shop.locator("#cancel-yes")).to_have_count(0)
    assert shopper.order["lines"][0]["stages"].get("cancelled") == 1
