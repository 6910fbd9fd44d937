"""The counter of a store: what is in the cart is paid for and taken along."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import cache

from forms import Sale
from parcelway.domain.checkout import Names
from parcelway.domain.commands import repeated
from parcelway.domain.counter import oversold, sell, store_of
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money, zero
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor
from parcelway.domain.shop import Node
from parcelway.domain.tracking import new_number
from parcelway.http.access import any_cart
from parcelway.http.api import DESK, Api
from parcelway.http.call import Call
from parcelway.http.taxes import with_taxes
from parcelway.http.views import OrderView, order_view
from parcelway.store import shards
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.database import database
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from parcelway.store.stock import read_balances
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
            _facts(call, order, store),
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


def _facts(call: Call[Sale], order: Order, store: Node) -> Facts:
    """The facts with the store's balances as they are. One that is kept on several items is put
    together where more is sold than is there: on which of them would it be missing?"""
    facts = read_facts(db(), order, call.now, stock=())
    places = [(line.sku, store.id) for line in order.lines]
    facts = replace(facts, balances=read_balances(db(), places, consistent=True))
    if order.account:
        from parcelway.store.accounts import account_of  # few are of one

        facts = replace(facts, account=account_of(db(), order.account))
    for sku in oversold(order, store.id, facts.balances):
        if len(shards.known(db(), sku, store.id)) > 1:
            shards.merge(db(), sku, store.id)
            raise Stale
    return facts
