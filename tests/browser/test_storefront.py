"""The demo storefront and the pages around it, used like people use them."""

from __future__ import annotations

import re
import uuid

import pytest
from parcelway.store.orders import get_dossier
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PATIENCE, Site, Visitor

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

HOME = {
    "name": "Ann Example",
    "line1": "1 Main Street",
    "city": "Columbus",
    "region": "OH",
    "postal_code": "43215",
}


def test_from_a_misspelt_word_to_the_door(visitor: Visitor) -> None:
    """Search, cart, 3-D Secure, mail, packing, shipping, invoice, delivery, the tracking page."""
    shop = visitor.open("/shop/")
    shop.fill("[name=q]", "cranbery sauce")
    shop.keyboard.press("Enter")
    shop.locator(".results .card-link", has_text="Cranberry Sauce").first.click()
    expect(shop.locator("h1")).to_contain_text("Cranberry Sauce")
    shop.locator(".product [data-part=more]").click()
    expect(shop.locator("#cart-count")).to_have_text("1")
    to_payment(shop, "ann@example.com")
    pay(shop, "asks", "#place")
    expect(shop.locator("body")).to_contain_text("3-D Secure")
    shop.click("button[value=complete]")
    number = shop.locator("#tracking-number").inner_text()

    inbox = visitor.open("/inbox/")
    inbox.locator("[data-mail]", has_text=f"{number} is confirmed").click()
    expect(inbox.frame_locator("iframe").locator("body")).to_contain_text("Cranberry Sauce")
    inbox.click("#tab-text")
    expect(inbox.locator("#part")).to_contain_text(number)

    deliver(at_its_node(visitor, order_id(shop)), order_id(shop))

    shop.bring_to_front()
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "delivered")
    expect(shop.locator(".facts")).to_contain_text("Charged")
    invoice = shop.get_by_role("link", name=re.compile("Invoice INV-")).get_attribute("href")
    assert invoice is not None
    assert visitor.context.request.get(invoice).body().startswith(b"%PDF")
    with visitor.context.expect_page() as opened:
        shop.click("#track")
    tracking = opened.value
    expect(tracking.locator("body")).to_contain_text("Delivered")
    expect(tracking.locator("body")).to_contain_text(number)
    for words in ("Delivered", "Arriving today", "on its way"):
        expect(inbox.locator("[data-mail]", has_text=words)).to_have_count(1)


def test_an_account_takes_over_the_cart(visitor: Visitor) -> None:
    """Sign up with a full cart, confirm by the mailed code, buy, and find it under My orders."""
    shop = visitor.open("/shop/")
    put_in_cart(shop, "sauce")
    email = f"kim-{uuid.uuid4().hex[:8]}@example.com"
    shop.goto(f"{visitor.site.url}/shop/#/account")
    fill(shop, "#sign-up", {"name": "Kim Sample", "email": email, "password": "four plain words"})
    shop.check("#sign-up [name=terms]")
    shop.click("#sign-up button.primary")
    code_field = shop.locator("#confirm [name=code]")
    code_field.fill("000000")
    shop.click("#confirm button.primary")
    expect(shop.locator("#confirm .wrong, #confirm .notice")).to_be_visible()

    inbox = visitor.open("/inbox/")
    inbox.locator("[data-mail]", has_text=email).first.click()
    inbox.click("#tab-text")
    expect(inbox.locator("#part")).to_contain_text("code")
    code = re.search(r"\d{6}", inbox.locator("#part").inner_text())
    assert code is not None
    shop.bring_to_front()
    code_field.fill(code[0])
    shop.click("#confirm button.primary")
    expect(shop.locator("h1")).to_have_text("Hello, Kim Sample")
    expect(shop.locator("#cart-count")).to_have_text("1")

    to_payment(shop, contact=None)
    pay(shop, "succeeds", "#place")
    number = shop.locator("#tracking-number").inner_text()
    shop.goto(f"{visitor.site.url}/shop/#/orders")
    expect(shop.locator(".order-list").first).to_contain_text(number)
    shop.goto(f"{visitor.site.url}/shop/#/account")
    shop.click("#sign-out")
    expect(shop.locator("#sign-in")).to_be_visible()


def test_a_declined_card_and_then_a_good_one(visitor: Visitor) -> None:
    shop = visitor.open("/shop/")
    put_in_cart(shop, "cheese")
    to_payment(shop, "bob@example.com")
    pay(shop, "no_funds", "#place")
    expect(shop.locator(".pay-again .notice")).to_contain_text("insufficient funds")
    pay(shop, "asks", ".pay-again button.primary")
    shop.click("button[value=fail]")
    expect(shop.locator(".pay-again .notice")).to_contain_text("did not confirm")
    pay(shop, "succeeds", ".pay-again button.primary")
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "preparing")
    visitor.site.app.settle()
    dossier = get_dossier(visitor.site.app.database, order_id(shop))
    assert dossier is not None
    assert sum(payment.authorized for payment in dossier.payments) == dossier.order.authorized > 0


def test_a_double_click_and_a_lost_answer_make_one_order(visitor: Visitor) -> None:
    """The first answer is lost after the order was placed; the repeat has the same key."""
    shop = visitor.open("/shop/")
    put_in_cart(shop, "soup")
    to_payment(shop, "cas@example.com")
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if len(keys) == 1:
            assert answer.status == 201
            route.abort()
        else:
            route.fulfill(response=answer)

    shop.route("**/checkout", lose_the_first)
    shop.click("[data-card=succeeds]")
    shop.dblclick("#place")
    shop.locator("#tracking-number").wait_for()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    held = shop.evaluate("JSON.parse(localStorage.getItem('parcelway.orders'))")
    assert [order["id"] for order in held] == [order_id(shop)]
    dossier = get_dossier(visitor.site.app.database, order_id(shop))
    assert dossier is not None
    assert [event.type for event in dossier.events].count("order.placed") == 1


def test_in_german(visitor: Visitor) -> None:
    """The language of the page becomes the cart's, and so the mail's."""
    shop = visitor.open("/shop/")
    put_in_cart(shop, "sauce")
    shop.click(".language[lang=de]")
    expect(shop.locator("html")).to_have_attribute("lang", "de")
    expect(shop.locator("#open-cart")).to_contain_text("Warenkorb")
    to_payment(shop, "dora@example.com")
    expect(shop.locator("#place")).to_contain_text("Bestellen")
    pay(shop, "succeeds", "#place")
    number = shop.locator("#tracking-number").inner_text()
    inbox = visitor.open("/inbox/")
    expect(inbox.locator("[data-mail]", has_text=f"{number} ist bestätigt")).to_have_count(1)


def test_too_many_of_something(visitor: Visitor) -> None:
    """What there is, is said, and the cart stays as it was."""
    shop = visitor.open("/shop/")
    put_in_cart(shop, "cranberry")
    shop.click("#open-cart")
    line = shop.locator(".drawer-line")
    line.locator("input").fill("990")
    line.locator("input").press("Enter")
    expect(shop.locator(".toast.bad")).to_have_text(re.compile(r"\d+ of 990 available"))
    expect(line.locator("input")).to_have_value("1")
    line.locator(".remove").click()
    expect(shop.locator(".drawer")).to_contain_text("Nothing here yet")


def test_collected_at_a_store_and_cancelled_at_another(visitor: Visitor) -> None:
    shop = visitor.open("/shop/")
    for stays in (True, False):
        shop.goto(f"{visitor.site.url}/shop/#/")
        put_in_cart(shop, "sauce")
        shop.click("#open-cart")
        shop.click(".drawer-foot a.primary")
        fill(shop, ".step.open", {"name": "Eve Example", "email": "eve@example.com"})
        shop.click(".step.open button.primary")
        shop.check("[value=pickup]")
        shop.locator(".choice:not(:has(.line-note)) input").first.check()
        shop.click(".step.open button.primary")
        fill(shop, "#pay", HOME)
        pay(shop, "succeeds", "#place")
        expect(shop.locator("#order-status")).to_have_attribute("data-status", "preparing")
        if stays:
            shipment = at_its_node(visitor, order_id(shop)).locator(
                f"[data-order={order_id(shop)}]"
            )
            for act in ("pack", "ready"):
                shipment.locator(f"[data-act={act}]").click()
            shipment.locator("[name=identity_checked]").select_option("passport")
            shipment.locator("[data-act=hand-over]").click()
            shop.bring_to_front()
            expect(shop.locator("#order-status")).to_have_attribute("data-status", "collected")
        else:
            shop.click("#cancel")
            shop.click("#cancel-yes")
            expect(shop.locator("#order-status")).to_have_attribute("data-status", "cancelled")


def test_the_api_is_described_without_outside_help(visitor: Visitor) -> None:
    visitor.context.set_default_timeout(3 * PATIENCE)  # waits for the document to be made
    docs = visitor.open("/docs/")
    docs.locator(".opblock-summary-path", has_text="/carts/{cart_id}/checkout").first.wait_for()
    assert docs.locator(".errors-wrapper").count() == 0


def test_nothing_is_wider_than_a_phone(visitor: Visitor) -> None:
    for path, there in (
        ("/", "#now"),
        ("/shop/", ".card-link"),
        ("/shop/#/?q=sauce", ".results .card-link"),
        ("/shop/#/account", "#sign-up"),
        ("/inbox/", "#mails li"),
        ("/warehouse/", "#shipments li"),
    ):
        page = visitor.open(path)
        page.set_viewport_size({"width": 390, "height": 844})
        page.locator(there).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
        page.close()


def test_the_console_answers_only_to_its_own_name_and_pages(visitor: Visitor, site: Site) -> None:
    """Staff tokens are not for a page elsewhere, by whatever name it reaches this machine."""
    call = visitor.context.request
    foreign = call.get(f"{site.url}/local/config.json", headers={"Host": "shop.example"})
    assert foreign.status == 421
    form = call.post(f"{site.url}/local/staff-session", form={"a": "b"})
    assert form.status == 415
    back = call.post(f"{site.url}/local/clock", data={"minutes": -5})
    assert back.status == 422


def test_an_order_nobody_pays_for_expires(visitor: Visitor) -> None:
    """Last, because it moves the clock of all."""
    shop = visitor.open("/shop/")
    put_in_cart(shop, "sauce")
    to_payment(shop, "fay@example.com")
    pay(shop, "declined", "#place")
    expect(shop.locator(".pay-again .notice")).to_be_visible()
    index = visitor.open("/")
    index.click("[data-minutes='31']")
    expect(index.locator("#said")).to_contain_text("31 minutes later")
    index.click("#sweep")
    expect(index.locator("#said")).to_contain_text("Swept")
    shop.bring_to_front()
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "expired")


# --- what people do ---


def fill(page: Page, where: str, values: dict[str, str]) -> None:
    for name, value in values.items():
        page.locator(where).locator(f"[name={name}]").fill(value)


def put_in_cart(shop: Page, words: str) -> None:
    """Search, and put the first one that is there in the cart."""
    shop.fill("[name=q]", words)
    shop.keyboard.press("Enter")
    card = shop.locator(".results .card:has(.in_stock)")
    card.locator("[data-part=more]").first.click()
    expect(shop.locator("#cart-count")).to_have_text("1")


def to_payment(shop: Page, contact: str | None) -> None:
    """From the cart to the last step; without `contact` the account's is taken."""
    shop.click("#open-cart")
    shop.click(".drawer-foot a.primary")
    if contact:
        fill(shop, ".step.open", {"name": "Ann Example", "email": contact})
        shop.click(".step.open button.primary")
    fill(shop, ".step.open", HOME)
    shop.locator(".choice input:enabled").first.check()
    shop.click(".step.open button.primary")
    shop.locator("#place").wait_for()


def pay(shop: Page, card: str, button: str) -> None:
    shop.click(f"[data-card={card}]")
    shop.click(button)


def order_id(shop: Page) -> str:
    return shop.url.rsplit("/", 1)[1]


def at_its_node(visitor: Visitor, order: str) -> Page:
    """The warehouse's page, where the order's shipment has been released to."""
    visitor.site.app.settle()
    dossier = get_dossier(visitor.site.app.database, order)
    assert dossier is not None
    return visitor.open(f"/warehouse/?node={dossier.shipments[0].node}")


def deliver(warehouse: Page, order: str) -> None:
    """Pack, ship and carry the order's only shipment."""
    shipment = warehouse.locator(f"[data-order={order}]")
    shipment.locator("[data-act=pack]").click()
    number = shipment.locator("[name=parcel_number]").input_value()
    shipment.locator("[data-act=ship]").click()
    parcel = warehouse.locator(f"[data-parcel={number}]")
    for report in ("in_transit", "out_for_delivery", "delivered"):
        parcel.locator(f"[data-act={report}]").click()
        expect(parcel).to_have_attribute("data-tracking", report)
