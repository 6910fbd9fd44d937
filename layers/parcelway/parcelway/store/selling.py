"""Reading what a decision needs: all that concerns an order in one call, as a rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from parcelway.domain.cart import lapse
from parcelway.domain.catalogue import Product
from parcelway.domain.channels import quota_keys, seen_by
from parcelway.domain.coupons import Coupon, counters, uses_of_promotion
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.prices import Prices, Tier, lists_for
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import keys
from parcelway.domain.shop import Shop
from parcelway.domain.switches import counters as switch_counters
from parcelway.domain.tax import Assessed, Inquiry
from parcelway.store.capacity import known
from parcelway.store.catalogue import PRODUCT, to_stored
from parcelway.store.commit import Busy, until_fresh
from parcelway.store.coupons import COUPON, counter_keys, coupon_keys, to_coupon, to_used
from parcelway.store.database import Database
from parcelway.store.orders import due_orders, get_order, orders_of
from parcelway.store.prices import is_price, to_price
from parcelway.store.prices import keys as price_keys
from parcelway.store.saving import save
from parcelway.store.shards import read
from parcelway.store.shop import load_shop
from parcelway.store.stock import total

T = TypeVar("T")
_RECLAIMED = 10  # lapsed holds taken back within one request
_exact: ContextVar[bool] = ContextVar("exact", default=False)  # facts are read consistently

# What a tax engine answered within this request so far (see `http.taxes`); None: there is none.
ASSESSED: ContextVar[Mapping[Inquiry, tuple[Assessed, ...]] | None]
ASSESSED = ContextVar("assessed", default=None)


def read_facts(
    db: Database,
    order: Order,
    now: datetime,
    *more: str,
    stock: Collection[str] | None = None,
    exact: bool = False,
    everywhere: bool = False,
    codes: Sequence[str] = (),
    priced: bool = True,
    kits: bool = True,
) -> Facts:
    """The facts for a decision about `order`, and about SKUs `more` and coupon `codes` that are not
    in it yet.

    Balances are read of all these SKUs, or of those in `stock` alone: each costs a read unit for
    every two nodes, so that a long cart would pay for all it holds with every edit. Of `kits` that
    are not in the order yet the components are read after them.

    Read eventually consistent: what is decided on them is committed under conditions. Only before
    OUT_OF_STOCK is said they are read again, exactly (see `selling`); or at once with `exact`, for
    decisions that make do with what there is. With `everywhere`, of all nodes of the shop and not
    only of those that can serve the order as it is. Unless a draft is to be `priced`, nothing is
    read that only prices need.
    """
    shop = load_shop(db)
    skus = list(dict.fromkeys([*(line.sku for line in order.lines), *more]))
    places = keys(order, shop, *more)
    if everywhere:
        places = [(sku, node) for sku in skus for node in shop.nodes]
        places += quota_keys(skus, order.channel, shop.settings)
    pricing = priced and order.state == "draft"
    if pricing:
        skus += [kit.sku for kit in order.kits if kit.sku not in skus]
    balances, found = read(
        db,
        [key for key in places if stock is None or key[0] in stock],
        [
            *((db.catalogue, f"SKU#{sku}", PRODUCT) for sku in skus),
            *(_priced_by(db, order, shop, skus, now, codes) if pricing else ()),
        ],
        consistent=exact or _exact.get(),
    )
    products, prices, coupons, used = _sorted(db, found)
    counted = {key: total(items) for key, items in balances.items()}
    seen = seen_by(order.channel, counted, shop.settings.channel_buffers, products)
    first = pricing and _has_first_order(db, order, shop)
    facts = Facts(
        shop,
        now,
        products,
        seen,
        known(db),
        prices,
        coupons,
        used,
        first,
        ASSESSED.get(),
    )
    new = _components(order, products, [sku for sku in more if stock is None or sku in stock])
    if not (kits and new):
        return facts
    lines = tuple(line for line in order.lines if line.sku in new)
    of_order = replace(order, lines=lines, kits=(), coupons=())
    others = read_facts(
        db, of_order, now, *new, exact=exact, everywhere=everywhere, priced=priced, kits=False
    )
    return replace(
        facts,
        products={**others.products, **facts.products},
        balances={**facts.balances, **others.balances},
        prices={**others.prices, **facts.prices},
        used={**others.used, **facts.used},
    )


def _components(order: Order, products: Mapping[str, Product], skus: Iterable[str]) -> list[str]:
    """What the kits among these are made of: today, and in the order."""
    found: dict[str, None] = {}
    for sku in skus:
        product, kit = products.get(sku), order.kit(sku)
        found |= dict.fromkeys([*(product.components if product else ())])
        found |= dict.fromkeys([*(kit.components if kit else ())])
    return list(found)


def _priced_by(
    db: Database, order: Order, shop: Shop, skus: Sequence[str], now: datetime, codes: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """The keys of what a draft is priced by, besides its products and the shop's configuration."""
    lists = lists_for(order.buyer, order.currency, shop.price_lists.values(), now)
    for key in price_keys(lists, skus):
        yield (db.catalogue, *key)
    entered = [*order.coupons, *codes]
    for key in coupon_keys(entered):
        yield (db.catalogue, *key)
    promotions = shop.promotions.values()
    counted = [use.counter for p in promotions for use in uses_of_promotion(p, order.customer_id)]
    counted += switch_counters(order, shop.switched(order.channel), now)
    for code in entered:
        counted += counters(code, order.customer_id)
    for key in counter_keys(counted):
        yield (db.orders, *key)


def _sorted(
    db: Database, found: Iterable[tuple[str, dict[str, Any]]]
) -> tuple[dict[str, Product], Prices, dict[str, Coupon], dict[str, int]]:
    """Items as products by SKU, prices by list and SKU, coupons by code, and uses by counter."""
    products: dict[str, Product] = {}
    prices: dict[tuple[str, str], Sequence[Tier]] = {}
    coupons: dict[str, Coupon] = {}
    used: dict[str, int] = {}
    for table, item in found:
        if table == db.orders:
            counter, times = to_used(item)
            used[counter] = times
        elif item["sk"] == COUPON:
            if coupon := to_coupon(item):
                coupons[coupon.code] = coupon
        elif is_price(item):
            key, tiers = to_price(item)
            prices[key] = tiers
        else:
            product = to_stored(item).product
            products[product.sku] = product
    return products, prices, coupons, used


def _has_first_order(db: Database, order: Order, shop: Shop) -> bool:
    """Whether this would be the first order of a customer who is known: asked only where a
    promotion is for such."""
    if not order.customer_id or not any(p.first_order for p in shop.promotions.values()):
        return False
    placed, _ = orders_of(db, order.customer_id, 1)
    return not placed


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
