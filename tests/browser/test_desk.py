"""The service desk's page, used as somebody with a telephone would."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor


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
    page.click("#place button.primary")
    page.fill("#buyer [name=contact-name]", "Ida Guest")
    page.fill("#buyer [name=email]", "ida@example.com")
    page.click("#buyer button.primary")
    page.check("[name=method][value=card]")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#placed")).to_be_visible()


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
    page.fill("#adjust [name=value]", "5")
    page.click("#adjust button")
    expect(page.locator("#adjustments [data-status=proposed]")).to_have_count(1)
    page.click("#place.button")
    expect(page.locator(".trouble")).to_contain_text("deciding")
    boss = signed_in(visitor, "csr_supervisor")
    boss.locator("#q").press("Escape")
    boss.keyboard.press("g")
    boss.keyboard.press("a")
    boss.click("[data-verdict=approve]")
    expect(boss.locator("#proposals")).to_have_count(0)
    page.reload()
    expect(page.locator("#adjustments [data-status=applied]")).to_have_count(1)
    page.click("#place.button")
    expect(page.locator("#placed")).to_be_visible()
    page.click("[data-link]")
    page.click("#placed a >> nth=0")
    expect(page.locator("#timeline [data-kind='order.placed']")).to_be_visible()
    page.fill("#note textarea", "Rings twice.")
    page.click("#note button")
    expect(page.locator("#timeline .said")).to_have_text("Rings twice.")
    page.click("nav a[href='#/orders']")
    expect(page.locator("#orders tbody tr").first).to_contain_text("Łucja Brzęk")
