"""What the fuzz needs to be there: offers, a payout, a business account that bought something."""

from __future__ import annotations

from parcelway.domain.audience import Assortment, Audience
from parcelway.domain.coupons import Coupon
from parcelway.domain.money import Money
from parcelway.domain.payout import Payout
from parcelway.domain.prices import PriceList
from parcelway.domain.promotions import Promotion, Step
from parcelway.domain.settlement import Whole, begin, queued_as
from parcelway.ports import clock
from parcelway.store import settlements
from parcelway.store.offers import put_offer
from parcelway.store.shop import load_shop

from infra.demo.people import Shopper, open_account, staff, transfer
from infra.local.application import Application
from tests.journeys.test_customers import member

NAME = "fuzz"
CODE = "FUZZ"
NOBODY = {"accounts": ["nobody"]}  # for whom all prices may change


def offer(app: Application) -> None:
    """One of everything that is offered: there again if it was deleted."""
    steps, audience = (Step(basis_points=1),), Audience(accounts=("nobody",))
    put_offer(app.database, Promotion(NAME, {}, "percentage", steps, coupon=True), clock.now())
    put_offer(app.database, PriceList(NAME, "Fuzz", "USD", audience), clock.now())
    put_offer(app.database, Assortment(NAME, "Fuzz"), clock.now())
    put_offer(app.database, Coupon(CODE, NAME), clock.now())


def refused_payout(app: Application) -> tuple[str, str]:
    """A payout in a currency without an account, and what waits of it for a person."""
    now = clock.now()
    payout = Payout("po_fuzz", "stripe", Money(5, "USD"), "paid", now, now.date(), "ba_1")
    refused = begin(payout, None, Whole(Money(4, "USD"), True), load_shop(app.database).settings)
    assert refused is not None
    settlements.save(app.database, refused, now)
    return payout.id, queued_as(payout.id, payout.created_at)


def overpaid_on_account(app: Application, sku: str) -> tuple[str, str]:
    """An order that a business account paid more for than it came to, and its customer."""
    customer, _ = member(app)
    shopper = Shopper(app.url, app.stripe)
    shopper.api.headers["Authorization"] = customer.headers["Authorization"]
    open_account(app, shopper, NAME, 100_000)
    shopper.add(sku)
    shopper.deliver()
    shopper.describe(method="invoice")
    gross = shopper.place()["totals"]["gross"]["minor"]
    shopper.pay_on_account()
    app.settle()
    booked = f"/staff/orders/{shopper.id}/transfers"
    staff(app, "finance").call("POST", booked, transfer(gross + 100))
    owner: str = customer.call("GET", "/customers/me")["id"]
    return shopper.id, owner
