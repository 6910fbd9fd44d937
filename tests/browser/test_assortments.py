"""The demo storefront for who may see more than others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from parcelway.ports import clock
from parcelway.store import catalogue
from playwright.sync_api import Page, expect

from infra.demo.people import staff
from tests.browser.conftest import PATIENCE, Visitor
from tests.journeys.test_customers import PASSWORD, member
from tests.sample import maker

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
NAME = "Quixotine Lamp"


def test_a_member_of_a_group_sees_what_is_for_the_group_once_signed_in(visitor: Visitor) -> None:
    app = visitor.site.app
    sku = maker(app)(units=5)
    product = catalogue.get_many(app.database, [sku])[sku]
    catalogue.upsert(
        app.database, [replace(product, name=NAME, assortments=("insiders",))], clock.now()
    )
    admin, audience = staff(app, "admin"), {"groups": ["insiders"]}
    admin.call("PUT", "/offers/assortments/insiders", {"name": "Insiders", "audience": audience})
    client, email = member(app)
    standing = f"/staff/customers/{client.call('GET', '/customers/me')['id']}/standing"
    staff(app, "csr_supervisor").call("PUT", standing, {"groups": ["insiders"]})
    app.settle()
    for function in ("SearchFunction", "CartFunction"):
        app.stack.build.functions._free[function].clear()  # they read shop and index before

    shop = visitor.open("/shop/")
    look_for(shop, "quixotine")
    expect(shop.locator(".results .empty")).to_be_visible()
    shop.goto(f"{visitor.site.url}/shop/#/product/{sku}")
    expect(shop.locator("#main .notice")).to_be_visible()

    shop.goto(f"{visitor.site.url}/shop/#/account")
    shop.fill("#sign-in [name=email]", email)
    shop.fill("#sign-in [name=password]", PASSWORD)
    with shop.expect_response(lambda told: told.url.endswith("/claim") and told.ok):
        shop.click("#sign-in button.primary")
    expect(shop.locator("h1")).to_contain_text("Ann Example")
    shop.fill("[name=q]", "quixo")
    expect(shop.locator("#suggestions [data-value=quixotine]")).to_be_visible()
    look_for(shop, "quixotine")
    shop.locator(".results .card-link", has_text=NAME).click()
    expect(shop.locator("h1")).to_have_text(NAME)
    shop.locator(".product [data-part=more]").click()
    expect(shop.locator("#cart-count")).to_have_text("1")


def look_for(shop: Page, words: str) -> None:
    shop.fill("[name=q]", words)
    shop.keyboard.press("Enter")
