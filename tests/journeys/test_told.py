"""What the customer is told: mails, the tracking link, the invoice behind it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from pypdf import PdfReader

from infra.demo.people import HOME, Carrier, Shopper, Warehouse
from infra.local.application import Application
from infra.local.mail import Mail

Article = Callable[..., str]
PERSONAL = ("Ann Example", "1 Main Street", "ann-told@example.com")


def mails(app: Application, email: str) -> list[Mail]:
    return [mail for mail in app.stack.mails() if email in mail.to]


def test_a_delivered_order_was_told_of_once_at_every_step(
    app: Application,
    article: Article,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    email = "ann-told@example.com"
    shopper = Shopper(app.url, app.stripe)
    sku = article(price=4711)
    shopper.add(sku, 2)
    shopper.deliver()
    shopper.describe(email)
    order = shopper.place()
    shopper.pay()
    app.settle()
    (shipment,) = [s for s in warehouse.queue("dc-columbus") if s["order_id"] == shopper.id]
    shipped = warehouse.ship(shipment)
    app.settle()
    for status in ("in_transit", "out_for_delivery", "delivered", "delivered"):
        carrier.report(shipped, status)
        app.settle()

    subjects = [mail.subject for mail in mails(app, email)]
    assert len(subjects) == 4
    number = order["tracking_number"]
    assert all(number in subject for subject in subjects)
    assert all(mail.html and mail.text for mail in mails(app, email))

    (sent,) = [mail for mail in mails(app, email) if "/invoices/" in mail.text]
    found = re.search(r"http\S+/invoices/\S+", sent.text)
    assert found is not None
    invoice = requests.get(found.group(), timeout=60)
    assert invoice.headers["Content-Type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(invoice.content)).pages)
    gross = shopper.order["totals"]["gross"]["minor"]
    assert f"{gross // 100}.{gross % 100:02d}" in text
    assert number in text

    link = re.search(r"http\S+/track/\S+", sent.text)
    assert link is not None
    page = requests.get(link.group(), headers={"Accept": "text/html"}, timeout=60)
    assert "text/html" in page.headers["Content-Type"]
    for told in (page.text, requests.get(link.group(), timeout=60).text):
        assert not any(secret in told for secret in PERSONAL)
    with_key = requests.get(link.group(), timeout=60).json()
    without = requests.get(link.group().split("?")[0], timeout=60).json()
    assert with_key["status"] == without["status"] == "delivered"
    assert HOME["city"] in str(with_key)
    assert HOME["city"] not in str(without)
    assert sku not in str(without)


def test_unknown_numbers_and_links_all_look_the_same(
    app: Application, article: Article, shopper: Shopper
) -> None:
    placed = shopper.buy((article(), 1))
    path = urlsplit(placed["tracking_path"]).path
    unknown = path[:-1] + ("0" if path[-1] != "0" else "1")
    answers = [
        requests.get(app.url + candidate, timeout=60)
        for candidate in (unknown, "/track/PW-AAAAA-AAAAA-AAAAA-AAAAA", "/track/x", "/track/%00")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    receipt = requests.get(f"{app.url}{path}/receipt", params={"k": "wrong"}, timeout=60)
    assert receipt.status_code == 404
    assert requests.get(app.url + placed["tracking_path"], timeout=60).status_code == 200
