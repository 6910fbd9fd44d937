"""Reading what a decision needs: products and balances of an order in one call."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar

from parcelway.domain.cart import lapse
from parcelway.domain.channels import seen_by
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import keys
from parcelway.store.capacity import known
from parcelway.store.catalogue import PRODUCT, to_stored
from parcelway.store.commit import Busy, until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import due_orders, get_order, save
from parcelway.store.shards import read
from parcelway.store.shop import load_shop
from parcelway.store.stock import total

T = TypeVar("T")
_RECLAIMED = 10  # lapsed holds taken back within one request
_exact: ContextVar[bool] = ContextVar("exact", default=False)  # facts are read consistently


def read_facts(
    db: Database,
    order: Order,
    now: datetime,
    *more: str,
    stock: Collection[str] | None = None,
    exact: bool = False,
    everywhere: bool = False,
) -> Facts:
    """The facts for a decision about `order`, and about SKUs `more` that are not in it yet.

    Balances are read of all these SKUs, or of those in `stock` alone: each costs a read unit for
    every two nodes, so that a long cart would pay for all it holds with every edit.

    Read eventually consistent: what is decided on them is committed under conditions. Only before
    OUT_OF_STOCK is said they are read again, exactly (see `selling`); or at once with `exact`, for
    decisions that make do with what there is. With `everywhere`, of all nodes of the shop and not
    only of those that can serve the order as it is.
    """
    shop = load_shop(db)
    skus = dict.fromkeys([*(line.sku for line in order.lines), *more])
    places = keys(order, shop, *more)
    if everywhere:
        places = [(sku, node) for sku in skus for node in shop.nodes]
    balances, found = read(
        db,
        [key for key in places if stock is None or key[0] in stock],
        [(db.catalogue, f"SKU#{sku}", PRODUCT) for sku in skus],
        consistent=exact or _exact.get(),
    )
    stored = [to_stored(item) for _, item in found]
    products = {each.product.sku: each.product for each in stored}
    counted = {key: total(items) for key, items in balances.items()}
    seen = seen_by(order.channel, counted, shop.settings.channel_buffers, products)
    return Facts(shop, now, products, seen, known(db))


def selling(db: Database, now: datetime, attempt: Callable[[], T]) -> T:
    """Run `attempt` (read, decide, commit), again while it is Stale.

    Before OUT_OF_STOCK gets out, holds on the missing SKUs that have lapsed are taken back and
    the attempt is made once more, on a strongly consistent read of all there is: nobody is refused
    for the sake of a dead cart, nor because of units that were on their way between two reads.
    """
    try:
        return until_fresh(attempt)
    except Refusal as refusal:
        if refusal.reason is not Reason.OUT_OF_STOCK:
            raise
        reclaim(db, now, {entry["sku"] for entry in refusal.facts["lines"]})
    before = _exact.set(True)
    try:
        return until_fresh(attempt)
    finally:
        _exact.reset(before)


def reclaim(db: Database, now: datetime, skus: set[str]) -> int:
    """Let lapse some holds on `skus` that are over; how many orders gave something back.

    A request has no time for more than a few; the sweeper sees to the rest. Raises Busy when
    nothing was given back and somebody else is at one of them: it cannot be told yet.
    """
    concerned = [due for due in due_orders(db, now) if skus.intersection(due.held_skus)]
    reclaimed, contended = 0, False
    for due in concerned[:_RECLAIMED]:
        try:
            reclaimed += lapse_order(db, due.order_id, now)
        except Busy:
            contended = True
    if contended and not reclaimed:
        raise Busy
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
