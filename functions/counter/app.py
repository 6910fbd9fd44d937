"""The counter of a store: what is in the cart is paid for and taken along."""

from __future__ import annotations

import secrets
from functools import cache

from forms import Sale
from parcelway.domain.checkout import Names
from parcelway.domain.commands import repeated
from parcelway.domain.counter import sell, store_of
from parcelway.domain.money import Money, zero
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor
from parcelway.domain.tracking import new_number
from parcelway.http.access import any_cart
from parcelway.http.api import DESK, Api
from parcelway.http.call import Call
from parcelway.http.taxes import with_taxes
from parcelway.http.views import OrderView, order_view
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.saving import save
from parcelway.store.shop import load_shop
from parcelway.store.till import till_facts
from parcelway.values import dataclass

api = Api("counter", around=with_taxes)
handler = api
db = cache(database)


@dataclass(frozen=True, slots=True)
class SoldView:
    """The sale, with the change to give back and where its receipt is."""

    order: OrderView
    total: Money
    change: Money
    receipt_path: str


@api.route(
    "POST",
    "/staff/carts/{cart_id}/counter-sale",
    who=DESK,
    body=Sale,
    reply=SoldView,
    status=201,
    key=True,
)
def sell_over_counter(call: Call[Sale]) -> SoldView:
    """Sell an in-person cart over the counter: paid, taken along, out of the store's stock.

    A till that says it again under the same key, hours later too, has sold it once.
    """
    tenders = [each.tender() for each in call.body.tenders]
    expected = call.body.expected_total.money() if call.body.expected_total else None
    names = Names(new_number(secrets.choice), secrets.token_urlsafe(16))
    store = store_of(load_shop(db()), call.body.store)

    def attempt() -> Order:
        order = any_cart(db(), call)
        if repeated(order, call.command):
            return order
        decision = sell(
            order,
            store,
            tenders,
            till_facts(db(), order, store, call.now),
            call.command,
            Actor("staff", call.caller.subject),
            names=names,
            expected_total=expected,
        )
        save(db(), decision, call.now)
        return decision.order

    order = until_fresh(attempt)
    total = totals(order).gross
    given = sum((tender.amount for tender in tenders), zero(order.currency))
    receipt = f"/track/{order.tracking_number}/receipt?k={order.link_token}"
    return SoldView(order_view(order, staff=True), total, given - total, receipt)
