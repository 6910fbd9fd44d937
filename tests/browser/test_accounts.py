"""What people do with an account on the storefront's pages: for their company, for themselves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra.demo.people import Client, staff
from tests.browser.conftest import Visitor
from tests.browser.test_invitations import link_of, mails
from tests.browser.test_storefront import pay, put_in_cart, to_payment
from tests.security.people import PASSWORD, User, user

pytestmark = pytest.mark.browser


@dataclass
class Company:
    """A company of which orders above a dollar want an approval, all of them a number."""

    visitor: Visitor
    name: str
    buyer: User
    boss: User

    def has(self, *approvers: User) -> None:
        """Have the company say who approves."""
        noted: dict[str, Any] = {
            "company": "Acme, Inc.",
            "contacts": [{"email": each.email, "roles": ["approver"]} for each in approvers],
            "po_required": True,
            "approval_above": {"minor": 100, "currency": "USD"},
        }
        finance = staff(self.visitor.site.app, "finance")
        finance.call("PUT", f"/staff/accounts/{self.name}", noted)

    def mailed(self, to: User) -> str:
        """The link of the latest mail to somebody, as a path of the console."""
        self.visitor.site.app.settle()
        return link_of(mails(self.visitor, to.email)[-1]).removeprefix(self.visitor.site.url)


def company(visitor: Visitor) -> Company:
    app = visitor.site.app
    made = Company(visitor, f"acme-{uuid.uuid4().hex[:8]}", user(app), user(app))
    admin = staff(app, "admin")
    for each in (made.buyer, made.boss):
        client = Client(app.url, {"Authorization": each.authorization})
        own = client.call("PATCH", "/customers/me", {"name": "Bea Buyer"})
        admin.call("PUT", f"/staff/customers/{own['id']}/standing", {"account": made.name})
    made.has(made.boss)
    return made


def signs_in(page: Page, who: User) -> None:
    page.fill("#sign-in [name=email]", who.email)
    page.fill("#sign-in [name=password]", PASSWORD)
    page.click("#sign-in button.primary")


def test_an_approver_rejects_then_approves_and_the_buyer_places_it(
    visitor: Visitor, another: Visitor
) -> None:
    acme = company(visitor)
    shop = visitor.open("/shop/#/account")
    signs_in(shop, acme.buyer)
    expect(shop.locator("h1")).to_contain_text("Hello")
    put_in_cart(shop, "sauce")
    to_payment(shop, contact=None)
    pay(shop, "succeeds", "#place")
    expect(shop.locator("[name=purchase_order] + .wrong")).to_be_visible()
    shop.fill("[name=purchase_order]", "PO-4711")
    shop.click("#place")
    expect(shop.locator("#ask-approval")).to_be_focused()
    expect(shop.locator(".step.open .notice.bad")).to_contain_text("has to approve")
    expect(shop.locator("#company")).to_contain_text("$1.00")
    expect(shop.locator("[name=purchase_order]")).to_have_value("PO-4711")
    shop.keyboard.press("Enter")
    word = shop.locator("#approval")
    expect(word).to_have_attribute("data-status", "asked")
    expect(shop.locator("#place")).to_have_count(0)

    boss = another.open(acme.mailed(acme.boss))
    signs_in(boss, acme.boss)
    asked = boss.locator("[data-cart]")
    for words in ("Bea Buyer", acme.buyer.email, "PO-4711", "Sauce", "1 Main Street"):
        expect(asked).to_contain_text(words)
    asked.locator("[data-verdict=reject]").click()
    asked.locator("button.primary").click()  # without a reason nothing is sent
    expect(asked.locator("[name=reason]")).to_be_focused()
    asked.locator("[name=reason]").fill("Not this quarter")
    asked.locator("button.primary").click()
    expect(boss.locator("#nothing-waits")).to_be_visible()
    expect(word).to_have_attribute("data-status", "rejected")  # by itself
    expect(word).to_contain_text("Not this quarter")
    shop.fill("[name=purchase_order]", "PO-4712")
    shop.click("#ask-approval")
    expect(word).to_have_attribute("data-status", "asked")

    acme.has(acme.boss, acme.buyer)  # who asked may approve by now, only not this
    own = visitor.open("/shop/#/account")
    own.click("#to-approve")
    expect(own.locator("[data-cart]")).to_contain_text("your own order")
    expect(own.locator("[data-cart] .verdict")).to_have_count(0)
    own.close()
    acme.has(acme.boss)
    boss.goto(f"{visitor.site.url}/shop/#/account")
    expect(boss.locator("#to-approve")).to_have_text("1 order waits for your approval")
    boss.click("#to-approve")
    expect(asked).to_contain_text("PO-4712")
    asked.locator("button.primary").click()
    expect(boss.locator("#nothing-waits")).to_be_visible()

    link = acme.mailed(acme.buyer)
    strange = another.open(link)
    expect(strange.locator("#elsewhere")).to_be_visible()
    shop.goto(visitor.site.url + link)
    expect(word).to_have_attribute("data-status", "approved")
    pay(shop, "succeeds", "#place")
    shop.locator("#tracking-number").wait_for()
    again = visitor.open(link)
    expect(again.locator("#tracking-number")).to_have_text(
        shop.locator("#tracking-number").inner_text()
    )
    nobody = visitor.open("/shop/#/approvals")
    expect(nobody.locator("#no-approver")).to_be_visible()


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
