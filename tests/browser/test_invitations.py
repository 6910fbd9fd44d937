"""From the desk's new customer to somebody signed in, by a link that nobody else saw."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request, expect

from infra.local.mail import Mail
from tests.browser.conftest import Visitor
from tests.browser.test_desk import signed_in

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
_LINK = re.compile(r'href="([^"]*)"')


def made_by_the_desk(visitor: Visitor, email: str) -> Page:
    """The page with the new record."""
    page = signed_in(visitor, "csr")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    for name, value in (("given_name", "Ida"), ("family_name", "Novak"), ("email", email)):
        page.fill(f"#new-customer [name={name}]", value)
    page.click("#new-customer button.primary")
    expect(page.locator("#name")).to_have_text("Ida Novak")
    return page


def mails(visitor: Visitor, email: str) -> list[Mail]:
    return [mail for mail in visitor.site.app.stack.mails() if email in mail.to]


def link_of(mail: Mail) -> str:
    found = _LINK.search(mail.html or "")
    assert found
    return found.group(1)


def chooses(page: Page, password: str = PASSWORD) -> None:
    page.fill("#welcome [name=password]", password)
    page.check("#welcome [name=terms]")
    page.click("#welcome button.primary")


def test_a_customer_of_the_desk_sets_a_password_by_the_link_of_a_mail(visitor: Visitor) -> None:
    email = "ida+shop@example.com"
    made_by_the_desk(visitor, email)
    (mail,) = mails(visitor, email)
    link = link_of(mail)
    secret = link.split("/#/welcome/")[1].partition("/")[0]
    asked: list[Request] = []
    inbox = visitor.open("/inbox/")
    inbox.click(f"[data-mail='{mail.message_id}']")
    visitor.context.on("request", lambda request: asked.append(request))
    with visitor.context.expect_page() as opened:
        inbox.frame_locator("iframe").locator("a").first.click()
    shop = opened.value
    expect(shop.locator("#welcome [name=email]")).to_have_value(email)
    assert secret not in shop.url
    shop.fill("#welcome [name=password]", "short")
    assert shop.locator("#welcome [name=password]").evaluate("field => !field.validity.valid")
    chooses(shop)
    expect(shop.locator("h1")).to_contain_text("Ida Novak")
    told = [request for request in asked if secret in str(request.headers) + request.url]
    assert told == []
    shop.go_back()
    assert secret not in shop.url
    shop.reload()
    shop.goto(f"{visitor.site.url}/shop/#/account")
    shop.click("#sign-out")
    shop.goto("about:blank")
    shop.goto(link)
    chooses(shop, "somebody else's")
    expect(shop.locator("#forgot")).to_contain_text("used already or is too old")


def test_the_desk_sends_the_link_again_until_it_is_taken_up(visitor: Visitor) -> None:
    email = "again@example.com"
    desk = made_by_the_desk(visitor, email)
    desk.click("#invite")
    expect(desk.locator(".invitation")).to_contain_text(email)
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")  # not meant
    expect(desk.locator("#invite")).to_be_focused()
    assert len(mails(visitor, email)) == 1
    colleague = signed_in(visitor, "csr_supervisor")
    colleague.goto(desk.url)
    colleague.click("#invite")
    desk.keyboard.press("Enter")
    desk.keyboard.press("Enter")
    expect(desk.locator("#invited")).to_contain_text(f"on its way to {email}")
    first, second = mails(visitor, email)
    shop = visitor.open(link_of(first).removeprefix(visitor.site.url))
    chooses(shop)
    expect(shop.locator("#forgot")).to_contain_text("used already or is too old")
    shop.goto("about:blank")
    shop.goto(link_of(second))
    chooses(shop)
    expect(shop.locator("h1")).to_contain_text("Ida Novak")
    colleague.click("#invite-yes")
    expect(colleague.locator("#invited")).to_contain_text("chosen a password meanwhile")
    assert len(mails(visitor, email)) == 2
    desk.reload()
    expect(desk.locator("#name")).to_have_text("Ida Novak")
    expect(desk.locator("#invite")).to_have_count(0)
    desk.click("#add-contact")
    desk.fill("#contact-form [name=value]", "+1 513 555 0100")
    desk.check("#contact-form [name=tue]")
    desk.click("#contact-form button.primary")
    expect(desk.locator("#contacts li")).to_contain_text("Tue 09:00–17:00")


def test_who_lost_the_link_has_another_one_sent(visitor: Visitor) -> None:
    email = "late@example.com"
    made_by_the_desk(visitor, email)
    old = link_of(mails(visitor, email)[0])
    visitor.site.app.travel(timedelta(days=8))
    shop = visitor.open(old.removeprefix(visitor.site.url))
    chooses(shop)
    expect(shop.locator("#forgot [name=email]")).to_have_value(email)
    shop.click("#forgot button.primary")
    expect(shop.locator("#reset")).to_contain_text("with a link")
    first, second = mails(visitor, email)
    assert link_of(second) != link_of(first)
    shop.goto("about:blank")
    shop.goto(link_of(second))
    chooses(shop)
    expect(shop.locator("h1")).to_contain_text("Ida Novak")


def test_a_temporary_password_is_replaced_when_it_is_typed(visitor: Visitor) -> None:
    email = "typed@example.com"
    made_by_the_desk(visitor, email)
    link = link_of(mails(visitor, email)[0])
    shop = visitor.open("/shop/#/account")
    shop.fill("#sign-in [name=email]", email)
    shop.fill("#sign-in [name=password]", link.split("/#/welcome/")[1].partition("/")[0])
    shop.click("#sign-in button.primary")
    shop.fill("#own-password [name=password]", PASSWORD)
    shop.click("#own-password button.primary")
    expect(shop.locator("h1")).to_contain_text("Ida Novak")
