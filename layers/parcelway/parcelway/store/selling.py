"""Reading what a decision needs: products and balances of an order in one call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from parcelway.domain.cart import lapse
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import keys
from parcelway.store.batches import get_many
from parcelway.store.catalogue import PRODUCT, to_stored
from parcelway.store.commit import Busy, until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import due_orders, get_order, save
from parcelway.store.shop import load_shop
from parcelway.store.stock import to_balance

T = TypeVar("T")
_RECLAIMED = 10  # lapsed holds taken back within one request


def read_facts(db: Database, order: Order, now: datetime, *more: str) -> Facts:
    """The facts for a decision about `order`, and about SKUs `more` that are not in it yet.

    Read eventually consistent: what is decided on them is committed under conditions.
    """
    shop = load_shop(db)
    skus = dict.fromkeys([*(line.sku for line in order.lines), *more])
    balances_wanted = keys(order, shop.nodes, *more)
    found = get_many(
        db.client,
        [
            *((db.catalogue, f"SKU#{sku}", PRODUCT) for sku in skus),
            *((db.stock, f"SKU#{sku}", f"NODE#{node}") for sku, node in balances_wanted),
        ],
    )
    products = [to_stored(item).product for table, item in found if table == db.catalogue]
    balances = [to_balance(item) for table, item in found if table == db.stock]
    return Facts(
        shop,
        now,
        {product.sku: product for product in products},
        {(balance.sku, balance.node): balance for balance in balances},
    )


def selling(db: Database, now: datetime, attempt: Callable[[], T]) -> T:
    """Run `attempt` (read, decide, commit), again while it is Stale.

    Before OUT_OF_STOCK gets out, holds on the missing SKUs that have lapsed are taken back and
    the attempt is made once more: nobody is refused for the sake of a dead cart.
    """
    try:
        return until_fresh(attempt)
    except Refusal as refusal:
        if refusal.reason is not Reason.OUT_OF_STOCK:
            raise
        if not reclaim(db, now, {entry["sku"] for entry in refusal.facts["lines"]}):
            raise
    return until_fresh(attempt)


def reclaim(db: Database, now: datetime, skus: set[str]) -> int:
    """Let lapse some holds on `skus` that are over; how many orders gave something back.

    A request has no time for more than a few; the sweeper sees to the rest.
    """
    concerned = [due for due in due_orders(db, now) if skus.intersection(due.held_skus)]
    reclaimed = 0
    for due in concerned[:_RECLAIMED]:
        with suppress(Busy):  # somebody else is at that one
            reclaimed += lapse_order(db, due.order_id, now)
    return reclaimed


def lapse_order(db: Database, order_id: str, now: datetime) -> bool:
    """Take back what an order holds, if its hold is over. Whether it was."""

    def attempt() -> bool:
        order = get_order(db, order_id)
        decision = lapse(order, now) if order else None
        if decision is None:
            return False
        save(db, decision, now)
        return True

    return until_fresh(attempt)
