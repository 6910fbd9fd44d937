"""The demo storefront and the pages around it, used like people use them."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any

import pytest
from parcelway.domain.coupons import Coupon
from parcelway.domain.promotions import Promotion, Step
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.offers import put_offer
from parcelway.store.orders import get_dossier
from playwright.sync_api import Page, Route, expect

from infra.demo.people import Client, staff
from tests.browser.conftest import PATIENCE, Site, Visitor
from tests.sample import kit_maker, maker

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


def test_what_there_is_too_little_of_is_taken_as_something_else(visitor: Visitor) -> None:
    app = visitor.site.app
    make = maker(app)
    few, enough = make(units=2), make(units=9)
    for sku in (few, enough):
        (product,) = catalogue.get_many(app.database, [sku]).values()
        shelved = replace(product, category=("Browser", "Instead"))
        catalogue.upsert(app.database, [shelved], clock.now())
    shop = visitor.open(f"/shop/#/product/{few}")
    stepper = shop.locator(".product .stepper")
    stepper.locator("[data-part=more]").click()
    stepper.locator("input").fill("5")
    stepper.locator("input").press("Enter")
    expect(shop.locator(f".product .instead [data-sku={enough}]")).to_be_visible()
    shop.click("#open-cart")
    line = shop.locator(f".drawer-line[data-sku={few}]")
    expect(line.locator(".instead")).to_contain_text("Instead, there are 5 of")
    line.get_by_role("button", name=f"Take Thing {enough} instead").click()
    expect(line).to_have_count(0)
    other = shop.locator(f".drawer-line[data-sku={enough}]")
    expect(other.locator("input")).to_have_value("5")
    expect(shop.locator(".instead li")).to_have_count(0)


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
    # The viewer draws only what is in sight of an API this long.
    docs.set_viewport_size({"width": 1280, "height": 20_000})
    docs.locator(".opblock-summary-path", has_text="/carts/{cart_id}/checkout").first.wait_for()
    assert docs.locator(".errors-wrapper").count() == 0


def test_nothing_is_wider_than_a_phone(visitor: Visitor) -> None:
    for path, there in (
        ("/", "#now"),
        ("/shop/", ".card-link"),
        ("/shop/#/?q=sauce", ".results .card-link"),
        ("/shop/#/account", "#sign-up"),
        ("/shop/#/approvals", "#sign-in"),
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


def test_a_kit_is_shown_with_what_is_inside_and_beside_what_is_bought_alone(
    visitor: Visitor,
) -> None:
    app = visitor.site.app
    make = maker(app)
    cup, pot = make(units=9, price=1000), make(units=9, price=3001)
    sku = kit_maker(app)(4000, {cup: 2, pot: 1})
    shop = visitor.open(f"/shop/#/product/{sku}")
    expect(shop.locator(".components li")).to_have_text([f"2 × Thing {cup}", f"1 × Thing {pot}"])
    shop.locator(".product [data-part=more]").click()
    shop.goto(f"{visitor.site.url}/shop/#/product/{cup}")
    shop.locator(".product [data-part=more]").click()
    expect(shop.locator("#cart-count")).to_have_text("2")
    shop.click("#open-cart")
    kit = shop.locator(f".drawer-line[data-sku={sku}]")
    expect(kit.locator(".inside")).to_have_text(f"Inside: 2 × Thing {cup}, 1 × Thing {pot}")
    kit.locator("[data-part=more]").click()
    expect(kit.locator(".sum")).to_have_text("$80.00")
    loose = shop.locator(f".drawer-line[data-sku={cup}]")
    expect(loose.locator("input")).to_have_value("1")
    expect(loose.locator(".sum")).to_have_text("$10.00")
    expect(shop.locator(f".drawer-line[data-sku={pot}]")).to_have_count(0)
    expect(shop.locator(".drawer-foot .totals")).to_contain_text("$90.00")
    loose.locator("[data-part=fewer]").click()
    expect(loose).to_have_count(0)
    expect(kit.locator("input")).to_have_value("2")
    to_payment_from_cart(shop, "ann@example.com")
    expect(shop.locator(".summary-lines")).to_contain_text(f"Inside: 2 × Thing {cup}")
    pay(shop, "succeeds", "#place")
    expect(shop.locator(".order-lines")).to_contain_text(f"Inside: 2 × Thing {cup}")


def test_a_code_is_used_and_every_cent_of_it_is_explained(visitor: Visitor) -> None:
    """A wrong code, a right one, taken out, used again; the order and the mail say the same."""
    app = visitor.site.app
    steps, name = (Step(amounts={"USD": 100}),), {"en": "A dollar off"}
    put_offer(app.database, Promotion("dollar", name, "amount", steps, coupon=True), clock.now())
    put_offer(app.database, Coupon("DOLLAR", "dollar"), clock.now())
    for function in ("CartFunction", "CheckoutFunction"):  # have read the shop without it, perhaps
        app.stack.build.functions._free[function].clear()
    shop = visitor.open("/shop/")
    shop.fill("[name=q]", "cranberry sauce")
    shop.keyboard.press("Enter")
    shop.locator(".results .card-link", has_text="Cranberry Sauce").first.click()
    shop.locator(".product [data-part=more]").click()
    expect(shop.locator("#cart-count")).to_have_text("1")
    to_payment(shop, "code@example.com")
    before = shop.locator(".summary .total dd").inner_text()
    use_code(shop, "dolar")
    expect(shop.locator(".codes .notice")).to_contain_text("cannot be used")
    use_code(shop, "dollar")
    off = shop.locator(".summary .totals .off")
    expect(off).to_contain_text("A dollar off (DOLLAR)")
    expect(off).to_contain_text("−$1.00")
    after = shop.locator(".summary .total dd").inner_text()
    assert cents(before) - cents(after) == 100
    shop.click("[data-code=DOLLAR] button")
    expect(shop.locator(".summary .total dd")).to_have_text(before)
    use_code(shop, "DOLLAR")
    expect(shop.locator(".summary .total dd")).to_have_text(after)
    pay(shop, "succeeds", "#place")
    shop.locator("#tracking-number").wait_for()
    expect(shop.locator(".order .totals .off")).to_contain_text("A dollar off (DOLLAR)")
    expect(shop.locator(".order .total dd")).to_have_text(after)
    number = shop.locator("#tracking-number").inner_text()
    app.settle()
    inbox = visitor.open("/inbox/")
    inbox.locator("[data-mail]", has_text=f"{number} is confirmed").click()
    expect(inbox.frame_locator("iframe").locator("body")).to_contain_text("A dollar off: -$1.00")


def use_code(shop: Page, code: str) -> None:
    shop.fill("#promotion-code", code)
    shop.click(".codes .code-form button")


def test_gift_cards_pay_first_and_the_card_what_they_leave(visitor: Visitor) -> None:
    """A wrong code; one that pays a dollar; with another nothing is left for a card to pay."""
    finance = staff(visitor.site.app, "finance")
    small, large = (gift_card(finance, minor) for minor in (100, 50_000))
    shop = visitor.open("/shop/")
    put_in_cart(shop, "sauce")
    to_payment(shop, "gift@example.com")
    gross = cents(shop.locator(".summary .total dd").inner_text())
    paid = shop.locator(".summary .totals .paid dd")
    use_gift_card(shop, "WRONG-CODE")
    expect(shop.locator(".gift-cards .notice")).to_contain_text("not the code of a gift card")
    use_gift_card(shop, small["code"])
    expect(paid).to_have_text(["−$1.00", f"${(gross - 100) / 100:.2f}"])
    expect(shop.locator("[data-card=succeeds]")).to_be_visible()
    use_gift_card(shop, large["code"])
    expect(paid).to_have_text(["−$1.00", f"−${(gross - 100) / 100:.2f}", "$0.00"])
    expect(shop.locator(".step.open")).to_contain_text("covers all of it")
    expect(shop.locator("[data-card=succeeds]")).to_have_count(0)
    shop.click(f"[data-gift={small['card']['ending']}] button")
    expect(paid).to_have_text([f"−${gross / 100:.2f}", "$0.00"])
    shop.click("#place")
    shop.locator("#tracking-number").wait_for()
    expect(shop.locator("#order-status")).to_have_attribute("data-status", "confirmed")
    expect(shop.locator(".order .totals .paid")).to_have_count(2)


def gift_card(finance: Client, minor: int) -> Any:
    value = {"minor": minor, "currency": "USD"}
    card = {"kind": "gift_card", "value": value, "reason": "late"}
    return finance.call("POST", "/staff/gift-cards", card)


def use_gift_card(shop: Page, code: str) -> None:
    shop.fill("#gift-card", code)
    shop.click(".gift-cards .code-form button")


def cents(text: str) -> int:
    """A dollar amount as it is shown, in cents."""
    return int(re.sub(r"\D", "", text))


def to_payment(shop: Page, contact: str | None) -> None:
    """From the shop to the last step; without `contact` the account's is taken."""
    shop.click("#open-cart")
    to_payment_from_cart(shop, contact)


def to_payment_from_cart(shop: Page, contact: str | None) -> None:
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
