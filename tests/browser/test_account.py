"""What a customer says about themselves on the storefront's account page."""

from __future__ import annotations

from playwright.sync_api import expect

from infra.demo.people import Client, staff
from tests.browser.conftest import Visitor
from tests.browser.test_company import signs_in
from tests.security.people import user


def test_the_own_question_and_how_else_somebody_is_reached(visitor: Visitor) -> None:
    app = visitor.site.app
    who, desk = user(app), staff(app, "csr")
    own = Client(app.url, {"Authorization": who.authorization}).call("GET", "/customers/me")
    record = f"/staff/customers/{own['id']}"
    shop = visitor.open("/shop/#/account")
    signs_in(shop, who)
    shop.check("#own [name=marketing]")
    shop.click("#own button.primary")
    expect(shop.locator(".toast")).to_have_text("Saved.")
    expect(shop.locator("#own [name=marketing]")).to_be_checked()

    shop.click("#set-question")
    shop.fill("#own-question [name=question]", "My first pet?")
    shop.fill("#own-question [name=answer]", "!")
    shop.keyboard.press("Enter")
    expect(shop.locator("[name=answer] + .wrong")).to_contain_text("two letters")
    shop.fill("#own-question [name=answer]", "Rex the Dog")
    shop.keyboard.press("Enter")
    expect(shop.locator("#asked")).to_have_text("My first pet?")
    answer = {"answer": "rex the dog"}
    assert desk.call("POST", f"{record}/challenge/verify", answer)["verified"]

    shop.click("#add-reach")
    shop.fill("#reach-form [name=value]", "nobody's")
    shop.click("#reach-form button.primary")
    expect(shop.locator("[name=value] + .wrong")).to_contain_text("no phone number")
    shop.fill("#reach-form [name=value]", "+1 614 555 0100")
    shop.check("#reach-form [name=tue]")
    shop.fill("[name='best_time/end']", "08:00")
    shop.click("#reach-form button.primary")
    expect(shop.locator("[name='best_time/end'] + .wrong")).to_be_visible()
    shop.fill("[name='best_time/end']", "18:00")
    shop.click("#reach-form button.primary")
    line = shop.locator("#reach li")
    expect(line).to_contain_text("+16145550100")
    expect(line).to_contain_text("Tue 09:00–18:00")
    contacts = desk.call("GET", record, reason="test")["customer"]["contacts"]
    mine = {"kind": "email", "value": "work@example.com"}
    desk.call("PATCH", record, {"contacts": [*contacts, mine]})
    line.get_by_role("button", name="Change").click()
    shop.fill("#reach-form [name=label]", "Mobile")
    shop.click("#reach-form button.primary")
    expect(shop.locator("#reach .notice")).to_contain_text("changed elsewhere")
    expect(line).to_have_count(2)
    line.first.get_by_role("button", name="Change").click()
    expect(shop.locator("#reach-form [name=tue]")).to_be_checked()
    shop.fill("#reach-form [name=label]", "Mobile")
    shop.click("#reach-form button.primary")
    expect(line.first).to_contain_text("Mobile")
    line.last.get_by_role("button", name="Remove").click()
    expect(line).to_have_count(1)

    shop.reload()
    expect(shop.locator("#own [name=marketing]")).to_be_checked()
    expect(line).to_contain_text("Mobile")
    expect(shop.locator("#asked")).to_have_text("My first pet?")
    assert "Rex" not in shop.content()
    shop.click("#withdraw-question")
    expect(shop.locator("#asked")).to_have_count(0)
    expect(shop.locator("#set-question")).to_have_text("Choose a question")
