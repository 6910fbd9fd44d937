"""Buying on account: credit, claims that fall due, transfers that pay them, and methods by rule."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.ledger import balances
from parcelway.domain.shop import MethodRule
from parcelway.store.credit import get_account
from parcelway.store.ledger import postings_of

from infra.demo.people import (
    Carrier,
    Client,
    Refused,
    Shopper,
    Warehouse,
    open_account,
    staff,
    transfer,
)
from infra.local.application import Application
from tests.journeys.test_backorders import send, waiting
from tests.orders import dossier_of
from tests.security.people import user

Json = dict[str, Any]
Article = Callable[..., str]


@dataclass
class Business:
    """A buyer of a business account with 100 dollars of credit, and who books what they pay."""

    app: Application
    account: str
    shopper: Shopper
    finance: Client

    @property
    def open(self) -> int:
        """What of the limit is in use."""
        found = get_account(self.app.database, self.account)
        assert found is not None
        return found.open

    @property
    def claim(self) -> Json:
        """The order's last claim, as finance sees it."""
        path = f"/staff/orders/{self.shopper.id}/transfers"
        claim: Json = self.finance.call("GET", path)["claims"][-1]
        return claim

    def ready(self, sku: str, units: int = 1, method: str = "invoice") -> None:
        self.shopper.add(sku, units)
        self.shopper.deliver()
        self.shopper.describe(method=method)

    def another(self) -> Business:
        """The same buyer with another cart."""
        again = Shopper(self.app.url, self.app.stripe)
        again.api.headers["Authorization"] = self.shopper.api.headers["Authorization"]
        again.api.call("POST", f"{again.path}/claim")
        return Business(self.app, self.account, again, self.finance)

    def pay(self, minor: int, reference: str = "", what: str = "transfers") -> Json:
        path = f"/staff/orders/{self.shopper.id}/{what}"
        return self.finance.call("POST", path, transfer(minor, reference))

    def owed(self) -> dict[str, int]:
        """What the books say of the customer and the bank."""
        booked = postings_of(self.app.database, self.shopper.id)
        sums = balances(each.posting for each in booked)
        accounts = ("receivables", "customer_deposits", "bank", "gateway_clearing")
        return {name: sums[name] for name in accounts if sums.get(name)}


@pytest.fixture
def business(app: Application, shopper: Shopper) -> Business:
    account = f"acme-{uuid.uuid4().hex[:8]}"
    shopper.api.headers["Authorization"] = user(app).authorization
    open_account(app, shopper, account, 10_000)
    return Business(app, account, shopper, staff(app, "finance"))


@pytest.fixture
def sent(
    app: Application,
    business: Business,
    warehouse: Warehouse,
    carrier: Carrier,
    article: Article,
) -> int:
    """The business's order was delivered and invoiced; what it comes to."""
    business.ready(article(price=2000))
    gross = int(business.shopper.place()["totals"]["gross"]["minor"])
    assert business.shopper.pay_on_account()["status"] == "authorized"
    app.settle()
    (shipment,) = waiting(warehouse, business.shopper)
    send(app, warehouse, carrier, shipment)
    return gross


def test_the_claim_falls_due_after_the_terms_and_is_open_until_money_comes(
    app: Application, business: Business, sent: int
) -> None:
    order, (invoice,) = (
        business.shopper.order,
        dossier_of(app.database, business.shopper.id).invoices,
    )
    assert (order["state"], order["payment_status"]) == ("closed", "due")
    assert order["outstanding"]["minor"] == order["captured"]["minor"] == sent
    assert invoice.due_on == invoice.issued_at.date() + timedelta(days=30)
    assert business.owed() == {"receivables": sent}
    path = f"/books/customers/{dossier_of(app.database, business.shopper.id).order.customer_id}"
    (account,) = business.finance.call("GET", f"{path}/receivables")["accounts"]
    assert [item["due"] for item in account["items"]] == [invoice.due_on.isoformat()]
    assert business.open == sent


def test_parts_and_more_than_is_due_come_and_the_rest_goes_back(
    business: Business, sent: int
) -> None:
    assert business.pay(500, "BANK-1" + business.account)["open"]["minor"] == sent - 500
    assert business.shopper.order["payment_status"] == "due"
    assert business.owed() == {"receivables": sent - 500, "bank": 500}
    more = business.pay(sent, "BANK-2" + business.account)
    assert (more["open"]["minor"], more["to_return"]["minor"]) == (0, 500)
    assert business.shopper.order["payment_status"] == "captured"
    assert business.owed() == {"customer_deposits": -500, "bank": sent + 500}
    waits = [
        c
        for c in business.finance.call("GET", "/staff/repayments", None, None, limit="100")[
            "claims"
        ]
    ]
    assert business.shopper.id in {claim["order_id"] for claim in waits}
    with pytest.raises(Refused) as refused:
        business.pay(501, what="repayments")
    assert refused.value.code == "illegal-state"
    business.pay(500, what="repayments")
    assert business.owed() == {"bank": sent}
    assert business.claim["to_return"]["minor"] == 0
    assert business.open == 0


def test_a_movement_of_the_bank_counts_once(business: Business, sent: int) -> None:
    reference = f"ONCE-{business.account}"
    first = business.pay(700, reference)
    assert business.pay(700, reference) == first
    with pytest.raises(Refused) as refused:
        business.pay(701, reference)
    assert (refused.value.status, refused.value.code) == (409, "illegal-state")
    with pytest.raises(Refused):
        business.pay(700, reference, what="repayments")
    assert business.claim["received"]["minor"] == 700
    assert business.owed() == {"receivables": sent - 700, "bank": 700}


def test_what_is_credited_is_owed_no_more_or_goes_back(
    app: Application, business: Business, sent: int
) -> None:
    (invoice,) = dossier_of(app.database, business.shopper.id).invoices
    path = f"/staff/orders/{business.shopper.id}/credit-notes"

    def credit(minor: int) -> None:
        amount = {"minor": minor, "currency": "USD"}
        body = {"invoice": invoice.number, "amount": amount, "reason": "late"}
        business.finance.call("POST", path, body)
        app.settle()

    credit(300)
    assert business.claim["open"]["minor"] == sent - 300
    assert business.owed() == {"receivables": sent - 300}
    business.pay(sent - 300)
    credit(200)
    assert business.claim["to_return"]["minor"] == 200
    assert business.owed() == {"customer_deposits": -200, "bank": sent - 300}
    business.pay(200, what="repayments")
    assert business.owed() == {"bank": sent - 500}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": {"minor": 5, "currency": "EUR"}}, "/amount/currency"),
        ({"amount": {"minor": 0, "currency": "USD"}}, "/amount/minor"),
        ({"amount": {"minor": -5, "currency": "USD"}}, "/amount/minor"),
        ({"value_date": "2999-01-01"}, "/value_date"),
        ({"value_date": "yesterday"}, "/value_date"),
        ({"bank_reference": ""}, "/bank_reference"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_and_nothing_changes(
    business: Business, sent: int, change: Json, pointer: str
) -> None:
    with pytest.raises(Refused) as refused:
        business.finance.call(
            "POST", f"/staff/orders/{business.shopper.id}/transfers", transfer(5) | change
        )
    assert (refused.value.status, refused.value.problem["pointer"]) == (422, pointer)
    assert business.claim["open"]["minor"] == sent


def test_nothing_is_booked_on_an_order_paid_by_card(
    app: Application, business: Business, article: Article
) -> None:
    business.ready(article(), method="card")
    business.shopper.place()
    business.shopper.pay()
    app.settle()
    with pytest.raises(Refused) as refused:
        business.pay(5)
    assert refused.value.code == "illegal-state"


def test_over_the_limit_other_methods_stay_open(
    app: Application, business: Business, article: Article
) -> None:
    sku = article(price=4000)
    business.ready(sku)
    business.shopper.place()
    other = business.another()
    other.ready(sku)
    other.shopper.place()
    business.shopper.pay_on_account()  # the first of them has what is left
    third = business.another()
    third.shopper.add(sku, 2)
    third.shopper.deliver()
    with pytest.raises(Refused) as refused:
        third.shopper.describe(method="invoice")
    assert refused.value.problem["why_not"] == "credit_limit"
    offered = third.shopper.api.call("GET", f"{third.shopper.path}/payment-methods")["methods"]
    assert [(m["method"], m["why_not"]) for m in offered] == [
        ("card", ""),
        ("invoice", "credit_limit"),
    ]
    business.finance.call(
        "PUT",
        f"/staff/accounts/{business.account}/credit",
        {"limit": {"minor": 5000, "currency": "USD"}, "days": 30},
    )
    with pytest.raises(Refused) as refused:
        other.shopper.pay_on_account()
    assert (refused.value.status, refused.value.code) == (409, "payment-declined")
    assert refused.value.problem["why_not"] == "credit_limit_exceeded"
    path = f"{other.shopper.path}/payment-method"
    other.shopper.api.call("PUT", path, {"payment_method": "card"})
    other.shopper.pay()
    app.settle()
    assert other.shopper.order["state"] == business.shopper.order["state"] == "confirmed"
    assert business.open == business.shopper.order["totals"]["gross"]["minor"]


def test_what_is_cancelled_gives_its_credit_back(
    app: Application, business: Business, article: Article
) -> None:
    business.ready(article())
    business.shopper.place()
    business.shopper.pay_on_account()
    assert business.open > 0
    app.settle()
    business.shopper.cancel()
    app.settle()
    assert (business.shopper.order["payment_status"], business.open) == ("voided", 0)


def test_a_late_success_of_the_method_given_up_is_undone(
    app: Application, business: Business, article: Article
) -> None:
    business.ready(article(), method="card")
    business.shopper.place()
    card = business.shopper.api.call("POST", f"{business.shopper.path}/payment", {})
    app.settle()
    app.stripe.set_webhooks(url="")
    app.stripe.confirm(card["client_secret"])  # and nobody tells of it yet
    path = f"{business.shopper.path}/payment-method"
    chosen = business.shopper.api.call("PUT", path, {"payment_method": "invoice"})
    again = business.shopper.api.call("PUT", path, {"payment_method": "invoice"})
    assert (chosen["payment_method"], again["version"]) == ("invoice", chosen["version"])
    app.stripe.set_webhooks(url=f"{app.url}/webhooks/stripe")
    app.settle()
    business.shopper.pay_on_account()
    app.settle()
    payments = dossier_of(app.database, business.shopper.id).payments
    assert [(p.method, p.status) for p in payments] == [
        ("card", "voided"),
        ("invoice", "authorized"),
    ]
    assert business.shopper.order["state"] == "confirmed"
    with pytest.raises(Refused) as refused:
        business.shopper.api.call("PUT", path, {"payment_method": "card"})
    assert refused.value.code == "illegal-state"


def test_a_success_before_the_switch_stands(
    app: Application, business: Business, article: Article
) -> None:
    business.ready(article(), method="card")
    business.shopper.place()
    business.shopper.pay()
    app.settle()
    with pytest.raises(Refused) as refused:
        business.shopper.api.call(
            "PUT", f"{business.shopper.path}/payment-method", {"payment_method": "invoice"}
        )
    assert refused.value.code == "illegal-state"
    assert business.shopper.order["payment_status"] == "authorized"


def test_consumers_have_no_terms(shopper: Shopper, article: Article) -> None:
    shopper.add(article())
    shopper.deliver()
    with pytest.raises(Refused) as refused:
        shopper.describe(method="invoice")
    assert (refused.value.code, refused.value.problem["why_not"]) == (
        "payment-method-unavailable",
        "segment",
    )


def test_a_method_that_is_gone_by_the_time_of_placing_is_refused(
    business: Business, article: Article, settings: Callable[..., None]
) -> None:
    business.ready(article())
    settings(payment_methods={"card": MethodRule()})
    with pytest.raises(Refused) as refused:
        business.shopper.place()
    assert (refused.value.status, refused.value.code) == (422, "payment-method-unavailable")
    assert business.shopper.order["state"] == "draft"
    business.shopper.describe()
    business.shopper.place()
