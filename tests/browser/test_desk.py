"""The service desk's page, used as somebody with a telephone would."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def signed_in(visitor: Visitor, role: str) -> Page:
    """The desk's page with one of the demo's people at it."""
    page = visitor.open("/desk/")
    page.click(f"[data-person={role}]")
    expect(page.locator("#q")).to_be_focused()
    return page


def address(page: Page, prefix: str = "#place", **other: str) -> None:
    """An address typed into the form that is open."""
    values = {
        "name": "Ida Guest",
        "line1": "12 Elm Street",
        "city": "Columbus",
        "region": "OH",
        "postal_code": "43215",
    } | other
    for name, value in values.items():
        page.fill(f"{prefix} [name={name}]", value)
    page.locator(f"{prefix} [name=postal_code]").press("Tab")


def test_an_order_for_a_guest_by_the_keyboard(visitor: Visitor) -> None:
    page = signed_in(visitor, "csr")
    page.locator("#q").press("Escape")
    page.keyboard.press("b")
    expect(page.locator("#article")).to_be_focused()
    page.keyboard.type("2 soup")
    expect(page.locator("#products [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#lines .line")).to_have_count(1)
    expect(page.locator("#lines input")).to_have_value("2")
    address(page)
    expect(page.locator("#place [name=service]").first).to_be_checked()
    held = json.loads(page.evaluate("sessionStorage.getItem('parcelway.desk.drafts')"))[0]
    api(visitor, page, "DELETE", f"/staff/carts/{held['id']}/grants/{held['grant']}")
    page.click("#place button.primary")
    page.click("#open-again")  # the order is not open any more; what was typed is still there
    expect(page.locator(".trouble")).to_contain_text("open again")
    expect(page.locator("#place [name=service]").first).to_be_checked()
    page.click("#place button.primary")
    page.fill("#buyer [name=contact-name]", "Ida Guest")
    page.fill("#buyer [name=email]", "ida@example.com")
    page.click("#buyer button.primary")
    page.check("[name=method][value=card]")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#placed")).to_be_visible()


def test_a_kit_is_one_row_with_what_is_inside_and_a_component_beside_it_another(
    visitor: Visitor,
) -> None:
    page = signed_in(visitor, "csr")
    page.locator("#q").press("Escape")
    page.keyboard.press("b")
    expect(page.locator("#article")).to_be_focused()
    for words in ("2 campfire", "3 hamburger buns"):
        page.keyboard.type(words)
        expect(page.locator("#products [role=option]").first).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#products")).to_be_hidden()
    kit = page.locator("#lines [data-sku=KIT-CAMPFIRE]")
    expect(kit.locator(".inside")).to_contain_text("2 × Hamburger Buns")
    expect(kit).to_contain_text("$13.98")
    buns = page.locator("#lines .line", has_text="Hamburger Buns, 12 oz").last
    expect(page.locator("#lines .line")).to_have_count(2)
    expect(buns.locator("input")).to_have_value("3")
    buns.locator("input").fill("1")
    buns.locator("input").press("Tab")
    expect(buns).to_contain_text("$1.29")
    buns.locator("button").click()
    expect(page.locator("#lines .line")).to_have_count(1)
    expect(kit.locator("input")).to_have_value("2")
    kit.locator("button").click()
    expect(page.locator("#lines .line")).to_have_count(0)


def test_a_customer_is_made_found_and_served_and_a_reduction_is_approved(visitor: Visitor) -> None:
    page = signed_in(visitor, "csr")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.fill("#new-customer [name=given_name]", "Łucja")
    page.fill("#new-customer [name=family_name]", "Brzęk")
    page.fill("#new-customer [name=email]", "lucja@example.com")
    page.fill("#new-customer [name=phone]", "+1 (513) 555-0142")
    address(page, "#new-customer", name="Łucja Brzęk")
    page.click("#new-customer button.primary")
    expect(page.locator("#name")).to_have_text("Łucja Brzęk")
    page.keyboard.press("/")
    page.keyboard.type("brzek")
    page.keyboard.press("Enter")
    expect(page.locator("#rows")).to_be_focused()
    expect(page.locator("#rows li")).to_contain_text("lucja@example.com")
    page.keyboard.press("Enter")
    page.click("#order-for")
    expect(page.locator("#article")).to_be_focused()
    page.keyboard.type("3 soup")
    expect(page.locator("#products [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#lines input")).to_have_value("3")
    page.click("#place button.primary")
    expect(page.locator("#another-place")).to_be_visible()
    page.click("#another-place")
    address(page, line1="9 Oak Lane", city="Dayton", postal_code="45402")
    page.locator("#place [name^=units-]").fill("1")
    page.click("#place button.primary")
    expect(page.locator("[aria-labelledby=h-places] li")).to_have_count(2)
    page.check("[name=method][value=card]")
    page.click("details summary")
    page.fill("#adjust [name=value]", "6")
    page.fill("#code [name=code]", "NOT-YET")
    page.locator("[data-line]").fill("4")  # what is drawn anew by that loses nothing typed
    page.locator("[data-line]").press("Tab")
    expect(page.locator("[aria-labelledby=h-goods] .line")).to_contain_text("10.")
    expect(page.locator("#code [name=code]")).to_have_value("NOT-YET")
    expect(page.locator("#adjust [name=value]")).to_have_value("6")
    page.fill("#code [name=code]", "")
    page.click("#adjust button")
    expect(page.locator("#adjustments [data-status=proposed]")).to_have_count(1)
    page.click("#place-order")
    expect(page.locator(".trouble")).to_contain_text("deciding")
    boss = signed_in(visitor, "csr_supervisor")
    boss.locator("#q").press("Escape")
    boss.keyboard.press("g")
    boss.keyboard.press("a")
    boss.click("[data-verdict=approve]")
    expect(boss.locator("#proposals")).to_have_count(0)
    page.reload()
    expect(page.locator("#adjustments [data-status=applied]")).to_have_count(1)
    page.click("#place-order")
    expect(page.locator("#placed")).to_be_visible()
    page.click("[data-link]")
    page.click("#placed a >> nth=0")
    expect(page.locator("#timeline [data-kind='order.placed']")).to_be_visible()
    page.fill("#note textarea", "Rings twice.")
    page.click("#note button")
    expect(page.locator("#timeline .said")).to_have_text("Rings twice.")
    page.click("nav a[href='#/orders']")
    expect(page.locator("#orders tbody tr").first).to_contain_text("Łucja Brzęk")


def api(visitor: Visitor, page: Page, method: str, path: str, body: Any = None) -> Any:
    """What the public API answers whoever is signed in on a page, beside the page."""
    script = "JSON.parse(sessionStorage.getItem('parcelway.desk.session')).id_token"
    headers = {"Authorization": f"Bearer {page.evaluate(script)}"}
    headers |= {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
    answer = visitor.site.app.stack.request(method, path, body, headers)
    assert answer.status < 300, answer.body
    return json.loads(answer.body)


def customer(visitor: Visitor, page: Page, given: str, family: str, email: str) -> str:
    """The id of a customer with an address."""
    home = {"name": f"{given} {family}", "line1": "12 Elm Street", "city": "Columbus"}
    home |= {"region": "OH", "postal_code": "43215", "country": "US"}
    usual = {"label": "Home", "address": home, "default_shipping": True, "default_billing": True}
    body = {"given_name": given, "family_name": family, "email": email, "addresses": [usual]}
    made = api(visitor, page, "POST", "/staff/customers", body)
    return str(made["customer"]["id"])


def put_in(page: Page, text: str) -> None:
    """An article typed into the order that is open."""
    expect(page.locator("#article")).to_be_focused()
    page.keyboard.type(text)
    expect(page.locator("#products [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#lines .line").last).to_be_visible()


def test_a_counter_sale_is_paid_in_two_ways_and_counts_once_though_its_answer_is_lost(
    visitor: Visitor,
) -> None:
    page = signed_in(visitor, "csr")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    put_in(page, "3 soup")
    due = page.locator("#due strong")
    expect(due).to_have_text(re.compile(r"^\$\d+\.\d\d$"))
    cents = round(float(due.inner_text().removeprefix("$")) * 100)
    page.click("#add-slip")
    page.keyboard.type("T-1")
    page.fill("[name=amount-0]", "1")
    page.locator("#article").focus()
    page.keyboard.press("Enter")  # nothing typed: on to the cash
    expect(page.locator("#cash")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#tenders .notice")).to_contain_text(due.inner_text())
    page.fill("#cash", "50")

    def lost(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    page.route("**/counter-sale", lost)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#tenders .notice")).to_contain_text("cannot be reached")
    expect(page.locator("#cash")).to_have_value("50")
    expect(page.locator("[name=reference-0]")).to_have_value("T-1")
    page.unroute("**/counter-sale")
    page.keyboard.press("Control+Enter")
    change = f"${(5000 + 100 - cents) / 100:.2f}"
    expect(page.locator("#change-due")).to_have_text(change)
    sold = api(visitor, page, "GET", "/staff/orders?channel=in_person")["orders"]
    assert [(each["total"]["minor"], each["payment_status"]) for each in sold] == [
        (cents, "captured")
    ]
    with visitor.context.expect_page() as opened:
        page.click("#receipt")
    expect(opened.value.locator("h1")).to_have_text("Receipt")
    cash = opened.value.get_by_role("row").filter(has_text=re.compile("^Cash"))
    expect(cash).to_contain_text(f"${(cents - 100) / 100:.2f}")
    expect(opened.value.get_by_role("row").filter(has_text="at the till")).to_contain_text("$1.00")
    page.bring_to_front()
    page.click("#next-sale")
    expect(page.locator("#article")).to_be_focused()
    expect(page.locator("#lines .line")).to_have_count(0)


def test_a_caller_is_recognised_through_the_end_of_a_session_and_two_records_become_one(
    visitor: Visitor,
) -> None:
    page = signed_in(visitor, "csr")
    twin = customer(visitor, page, "Grete", "Twin", "grete@example.com")
    other = customer(visitor, page, "Greta", "Twin", "greta@example.com")
    page.goto(f"{visitor.site.url}/desk/#/customer/{twin}")
    expect(page.locator("#name")).to_have_text("Grete Twin")
    expect(page.locator("#merge")).to_have_count(0)  # that is a supervisor's
    page.keyboard.press("v")
    page.fill("#question [name=question]", "The first pet?")
    page.fill("#question [name=answer]", "Rex")
    page.click("#question button.primary")
    page.fill("#answer [name=answer]", "Bello")
    page.keyboard.press("Enter")
    expect(page.locator("#wrong-answer")).to_contain_text("4 attempts")

    page.fill("#details [name=family_name]", "Twinn")
    page.fill("#answer [name=answer]", "rex")
    page.evaluate("""() => {
      const name = "parcelway.desk.session";
      const session = JSON.parse(sessionStorage.getItem(name));
      const spoilt = { ...session, id_token: "a.b.c", refresh_token: "gone" };
      sessionStorage.setItem(name, JSON.stringify(spoilt));
    }""")
    page.keyboard.press("Enter")
    expect(page.locator("#again")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#answer .notice.bad >> nth=0")).to_contain_text("sign in")
    expect(page.locator("#answer [name=answer]")).to_have_value("rex")
    page.click("#answer button.primary")
    page.click("#again [data-person=csr]")
    expect(page.locator("#recognised")).to_be_visible()
    expect(page.locator("#details [name=family_name]")).to_have_value("Twinn")
    page.click("#details button.primary")
    expect(page.locator("#name")).to_have_text("Grete Twinn")

    boss = signed_in(visitor, "csr_supervisor")
    boss.goto(f"{visitor.site.url}/desk/#/customer/{twin}")
    boss.click("#merge")
    boss.fill("#find-duplicate [name=q]", "twin")
    boss.keyboard.press("Enter")
    boss.click(f"#duplicates [data-customer={other}] a")
    expect(boss.locator(".compare .differs")).not_to_have_count(0)
    boss.check("[name=survivor][value='1']")
    expect(boss.locator("#merge-says")).to_contain_text("Grete Twinn (grete@example.com) becomes")
    boss.fill("#merge-form [name=reason]", "One person")
    boss.click("#merge-form button.primary")
    expect(boss.locator("#name")).to_have_text("Greta Twin")
    expect(boss.locator("#contacts")).to_contain_text("grete@example.com")
    boss.click("#history > summary")
    expect(boss.locator("#changes .said")).to_have_text("One person")
    page.reload()
    expect(page.locator(".head .notice a")).to_have_attribute("href", f"#/customer/{other}")
    expect(page.locator("#order-for")).to_be_disabled()


def test_a_company_asks_for_its_number_and_its_approver(visitor: Visitor) -> None:
    boss = signed_in(visitor, "csr_supervisor")
    buyer = customer(visitor, boss, "Bob", "Buyer", "bob@example.com")
    customer(visitor, boss, "Bea", "Boss", "bea@example.com")
    boss.goto(f"{visitor.site.url}/desk/#/customer/{buyer}")
    boss.click("#standing-of > summary")
    boss.fill("#standing [name=account]", "acme")
    boss.click("#standing button.primary")
    boss.click("a.badge")
    boss.fill("#account [name=company]", "Acme Ltd")
    boss.fill("#account [name=tax_id]", "DE123")
    boss.fill("#account [name='approval_above/minor']", "1")
    boss.check("#account [name=po_required]")
    boss.click("#add-account-contact")
    boss.fill("[name='contacts/0']", "nobody@example.com")
    boss.uncheck("[name=buyer-0]")  # or nobody but her would buy
    boss.check("[name=approver-0]")
    boss.click("#account button.primary")
    expect(boss.locator("[name=tax_id] + .wrong")).to_contain_text("VAT number")
    boss.fill("#account [name=tax_id]", "")
    boss.click("#account button.primary")
    expect(boss.locator("[name='contacts/0'] + .wrong")).to_contain_text("no such customer")
    boss.fill("[name='contacts/0']", "bea@example.com")
    boss.click("#account button.primary")
    expect(boss.locator("#account-contacts a")).to_contain_text("bea@example.com")

    page = signed_in(visitor, "csr")
    page.goto(f"{visitor.site.url}/desk/#/account/acme")
    expect(page.locator("#account [name=company]")).to_have_value("Acme Ltd")
    expect(page.locator("#account [name=company]")).to_be_disabled()
    expect(page.locator("#account button")).to_have_count(0)
    page.click("#members a")
    page.click("#order-for")
    put_in(page, "2 soup")
    page.click("#place button.primary")
    page.check("[name=method][value=card]")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".trouble")).to_contain_text("their order number")
    expect(page.locator("#po input")).to_be_focused()
    page.keyboard.type("PO-4711")
    page.keyboard.press("Enter")
    page.click("#place-order")
    expect(page.locator(".trouble")).to_contain_text("approver")
    page.click("#approval button")
    expect(page.locator("#approval")).to_have_attribute("data-status", "asked")
    order = page.url.split("/")[-1]
    assert api(visitor, page, "GET", f"/staff/orders/{order}")["order"]["purchase_order"] == (
        "PO-4711"
    )


def test_a_person_has_their_data_and_is_forgotten_by_somebody_who_means_it(
    visitor: Visitor,
) -> None:
    page = signed_in(visitor, "csr_supervisor")
    who = customer(visitor, page, "Vera", "Gone", "vera@example.com")
    page.goto(f"{visitor.site.url}/desk/#/customer/{who}")
    page.click("#privacy > summary")
    page.fill("#export [name=reason]", "Their letter")
    with page.expect_download() as loading:
        page.click("#export button.primary")
    told = json.loads(loading.value.path().read_text())
    assert told["customer"]["email"] == "vera@example.com"
    assert loading.value.suggested_filename == f"{who}.json"
    page.fill("#erase [name=typed]", "vera@example.org")
    page.click("#erase button.primary")
    expect(page.locator("#erase [name=typed] + .wrong")).to_be_visible()
    assert api(visitor, page, "GET", f"/staff/customers/{who}?reason=test")["customer"]["name"]

    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.fill("#erase-guest [name=email]", "vera@example.com")
    page.fill("#erase-guest [name=typed]", "vera@example.com")
    page.click("#erase-guest button.primary")
    page.click(f"#erase-guest .wrong a[href='#/customer/{who}']")
    page.click("#privacy > summary")
    page.fill("#erase [name=typed]", "Vera@example.com")
    page.click("#erase button.primary")
    expect(page.locator("[data-erasure=running]")).to_be_visible()
    page.reload()
    expect(page.locator("#main .notice.bad")).to_be_visible()


def test_a_gift_card_is_issued_blocked_and_pays_for_a_guest(visitor: Visitor) -> None:
    boss = signed_in(visitor, "csr_supervisor")
    boss.keyboard.press("Escape")
    boss.keyboard.press("g")
    boss.keyboard.press("c")
    boss.select_option("#issue-card [name=kind]", "gift_card")
    boss.fill("#issue-card [name='value/minor']", "2.50")
    boss.fill("#issue-card [name=reason]", "Late parcel")
    boss.fill("#issue-card [name=valid_until]", "2020-01-01")
    boss.click("#issue-card button.primary")
    expect(boss.locator("#issue-card .wrong, #issue-card .notice")).to_be_visible()
    boss.fill("#issue-card [name=valid_until]", "")
    boss.click("#issue-card button.primary")
    expect(boss.locator("#code-of-card")).to_be_focused()
    code = boss.locator("#code-of-card").inner_text()
    boss.click("#issued a")
    expect(boss.locator("#balance")).to_have_text("$2.50")
    assert code not in boss.content()
    card = boss.url.rsplit("/", 1)[1]
    boss.fill("#block-card [name=reason]", "Reported lost")
    boss.click("#block-card button")
    expect(boss.locator("#card-state")).to_have_text("blocked")
    expect(boss.locator("#card-history")).to_contain_text("Reported lost")

    page = signed_in(visitor, "csr")
    page.goto(f"{visitor.site.url}/desk/#/card")
    expect(page.locator("#issue-card")).to_have_count(0)  # that is a supervisor's
    page.fill("#look-card [name=card]", card)
    page.keyboard.press("Enter")
    expect(page.locator("#card-state")).to_have_text("blocked")
    expect(page.locator("#block-card")).to_have_count(0)
    page.keyboard.press("b")
    put_in(page, "1 soup")
    page.fill("#gift-card [name=code]", code)
    page.click("#gift-card button")
    expect(page.locator("#gift-card .wrong")).to_contain_text("is blocked")
    boss.fill("#block-card [name=reason]", "Found")
    boss.click("#block-card button")
    expect(boss.locator("#card-state")).not_to_have_text("blocked")
    page.click("#gift-card button")
    expect(page.locator("[data-gift]")).to_contain_text("−$2.50")
    page.click("[data-gift] button")
    expect(page.locator("[data-gift]")).to_have_count(0)


def test_a_channel_is_closed_limited_and_opened_again(visitor: Visitor) -> None:
    admin = signed_in(visitor, "admin")
    others = {"closed_regions": ["US-AK"]}
    api(visitor, admin, "PUT", "/staff/channels/phone", others)
    admin.keyboard.press("Escape")
    admin.keyboard.press("g")
    admin.keyboard.press("s")
    phone = admin.locator("#channel-phone")
    phone.locator("[name=sellable]").uncheck()
    switched(visitor, admin)
    expect(phone.locator(".badge.bad")).to_be_visible()
    held = api(visitor, admin, "GET", "/staff/channels/phone")
    assert (held["sellable"], held["closed_regions"]) == (False, ["US-AK"])

    page = signed_in(visitor, "csr")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    put_in(page, "2 soup")
    address(page)
    page.click("#place button.primary")
    page.fill("#buyer [name=contact-name]", "Ida Guest")
    page.fill("#buyer [name=email]", "ida@example.com")
    page.click("#buyer button.primary")
    page.check("[name=method][value=card]")
    page.click("#place-order")
    expect(page.locator(".trouble")).to_contain_text("sells nothing at present")

    phone.locator("[name=sellable]").check()
    phone.locator("[name=closed_regions]").fill("us-oh, somewhere")
    switched(visitor, admin)
    expect(phone.locator("[name=closed_regions] + .wrong")).to_be_visible()
    phone.locator("[name=closed_regions]").fill("us-oh")
    switched(visitor, admin)
    expect(phone.locator(".badge.warn")).to_contain_text("US-OH")
    page.click("#place-order")
    expect(page.locator(".trouble")).to_contain_text("US-OH")
    phone.locator("[name=closed_regions]").fill("")
    phone.locator("fieldset button.link").click()
    expect(admin.locator("[name='purchase_limits/0/sku']")).to_be_focused()
    sku = str(page.locator("#lines .line").get_attribute("data-sku"))
    admin.keyboard.type(sku)
    switched(visitor, admin)
    page.click("#place-order")
    expect(page.locator(".trouble")).to_contain_text(re.compile("1 .*day|1 unit", re.IGNORECASE))

    admin.reload()
    expect(admin.locator("[name='purchase_limits/0/sku']")).to_have_value(sku)
    phone.locator("li button").click()
    switched(visitor, admin)
    expect(phone.locator(".badge")).to_have_count(1)
    page.click("#place-order")
    expect(page.locator("#placed")).to_be_visible()


def switched(visitor: Visitor, admin: Page) -> None:
    """How telephone orders are set is saved; functions have read the shop before that."""
    with admin.expect_response("**/staff/channels/phone"):
        admin.click("#channel-phone button.primary")
    for free in visitor.site.app.stack.build.functions._free.values():
        free.clear()
