"""A company's order: its own number, an approver's word, on account, and the invoice of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from parcelway.einvoice import cii, ubl

from infra.demo.people import (
    Carrier,
    Client,
    Refused,
    Shopper,
    Warehouse,
    open_account,
    staff,
)
from infra.local.application import Application
from tests.einvoice_rules import broken_rules, broken_schema
from tests.journeys.test_backorders import send, waiting
from tests.orders import dossier_of
from tests.security.people import User, user

Json = dict[str, Any]
Article = Callable[..., str]


@dataclass
class Company:
    """A company of which orders above ten dollars want an approval, all of them a number."""

    app: Application
    name: str
    buyer: Shopper
    buys: User
    boss: Client
    decides: User

    def decide(self, verb: str, **more: str) -> Json:
        (asked,) = self.boss.call("GET", "/account/approvals")["approvals"]
        body = {"approval_id": asked["approval"]["id"]} | more
        return self.boss.call("POST", f"/account/approvals/{self.buyer.id}/{verb}", body)

    def mails(self, to: User) -> list[Any]:
        return [mail for mail in self.app.stack.mails() if to.email in mail.to]

    def refused(self) -> Refused:
        with pytest.raises(Refused) as refused:
            self.buyer.place()
        return refused.value


@pytest.fixture
def company(app: Application, shopper: Shopper, article: Article) -> Company:
    name, buys, decides = f"acme-{uuid.uuid4().hex[:8]}", user(app), user(app)
    shopper.api.headers["Authorization"] = buys.authorization
    boss = Client(app.url)
    boss.headers["Authorization"] = decides.authorization
    approver = boss.call("GET", "/customers/me")["id"]
    admin = staff(app, "admin")
    admin.call("PUT", f"/staff/customers/{approver}/standing", {"account": name})
    noted = {
        "company": "Acme, Inc.",
        "contacts": [{"email": decides.email, "roles": ["approver"]}],
        "po_required": True,
        "approval_above": {"minor": 1000, "currency": "USD"},
    }
    staff(app, "finance").call("PUT", f"/staff/accounts/{name}", noted)
    open_account(app, shopper, name, 100_000)
    shopper.add(article(price=2000))
    shopper.deliver()
    shopper.describe(method="invoice", email=buys.email)
    return Company(app, name, shopper, buys, boss, decides)


def test_from_the_number_and_the_approval_to_the_invoice(
    app: Application, company: Company, warehouse: Warehouse, carrier: Carrier
) -> None:
    buyer = company.buyer
    missing = company.refused()
    assert (missing.code, missing.problem["pointer"]) == ("incomplete-checkout", "/purchase_order")
    buyer.api.call("PATCH", buyer.path, {"purchase_order": "PO-4711"})
    assert company.refused().code == "approval-needed"
    buyer.api.call("POST", f"{buyer.path}/approval")
    app.settle()
    (mail,) = company.mails(company.decides)
    assert "PO-4711" in (mail.text or "") and "Some Body" in (mail.text or "")
    assert company.refused().problem["approval"] == "asked"
    company.decide("approve")
    app.settle()
    assert "approved" in company.mails(company.buys)[-1].subject
    placed = buyer.place()
    assert (placed["state"], placed["purchase_order"]) == ("placed", "PO-4711")
    assert buyer.pay_on_account()["status"] == "authorized"
    app.settle()
    assert "PO-4711" in (company.mails(company.buys)[-1].text or "")  # the confirmation
    (shipment,) = waiting(warehouse, buyer)
    send(app, warehouse, carrier, shipment)
    dossier = dossier_of(app.database, buyer.id)
    (invoice,) = dossier.invoices
    assert invoice.purchase_order == "PO-4711"
    for document in (ubl.write(invoice), cii.write(invoice)):
        assert b"PO-4711" in document
        assert broken_schema(document) == [] and broken_rules(document) == {}
    told = [event.type for event in dossier.events if "approval" in event.type]
    assert told == ["order.approval_asked", "order.approval_approved"]


def test_what_is_rejected_or_changed_is_asked_about_anew(
    app: Application, company: Company
) -> None:
    buyer = company.buyer
    buyer.api.call("PATCH", buyer.path, {"purchase_order": "PO-1"})
    buyer.api.call("POST", f"{buyer.path}/approval")
    company.decide("reject", reason="Not this quarter")
    app.settle()
    assert "Not this quarter" in (company.mails(company.buys)[-1].text or "")
    assert company.refused().problem["approval"] == "rejected"
    buyer.api.call("POST", f"{buyer.path}/approval")
    company.decide("approve")
    buyer.api.call("PATCH", buyer.path, {"purchase_order": "PO-2"})
    assert buyer.order["approval"]["status"] == "void"
    assert company.refused().problem["approval"] == "void"
    buyer.api.call("POST", f"{buyer.path}/approval")
    company.decide("approve")
    assert buyer.place()["state"] == "placed"
    assert company.boss.call("GET", "/account/approvals")["approvals"] == []


def test_an_approver_places_what_is_their_own_without_asking(
    app: Application, company: Company, article: Article
) -> None:
    own = Shopper(app.url, app.stripe)
    own.api.headers["Authorization"] = company.decides.authorization
    own.api.call("POST", f"{own.path}/claim")
    own.add(article(price=3000))
    own.deliver()
    own.describe(method="invoice")
    own.api.call("PATCH", own.path, {"purchase_order": "PO-9"})
    assert own.place()["state"] == "placed"
