"""What is offered instead of what is out of stock: read only once a customer is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from parcelway.domain.alternatives import alternatives
from parcelway.domain.catalogue import Product
from parcelway.domain.order import Order
from parcelway.domain.reservation import OutOfStock
from parcelway.store import catalogue
from parcelway.store.codec import encode
from parcelway.store.commit import Busy
from parcelway.store.database import Database
from parcelway.store.selling import read_facts, selling

T = TypeVar("T")
_EACH_WAY = 4  # articles looked at that cost more, and as many that cost less
_LINES = 3  # of a refusal, each of which costs two queries and a read
_log = logging.getLogger(__name__)


def offering(db: Database, now: datetime, attempt: Callable[[], T]) -> T:
    """`selling`, whose refusal for want of stock has `alternatives` for its first lines: SKU, name
    and price of a few articles of the same category that are there in the wanted quantity, those
    nearest in price."""
    try:
        return selling(db, now, attempt)
    except OutOfStock as refusal:
        raise _with_alternatives(db, now, refusal) from None


def _with_alternatives(db: Database, now: datetime, refusal: OutOfStock) -> OutOfStock:
    lines: list[dict[str, Any]] = refusal.facts["lines"]
    try:
        products = catalogue.get_many(db, [line["sku"] for line in lines[:_LINES]])
        told = [_offer(db, now, refusal.order, line, products) for line in lines[:_LINES]]
    except (Busy, ClientError, BotoCoreError) as error:
        # An offer is a courtesy: without it the refusal is as true.
        _log.warning("no alternatives: %s", type(error).__name__)
        return refusal
    return OutOfStock(refusal.order, refusal.detail, [*told, *lines[_LINES:]])


def _offer(
    db: Database,
    now: datetime,
    order: Order,
    line: Mapping[str, Any],
    products: Mapping[str, Product],
) -> dict[str, Any]:
    sku, wanted = line["sku"], products.get(line["sku"])
    alone = wanted is not None and not order.in_kits(sku)  # nothing else is as good in a kit
    near = catalogue.nearest(db, wanted, _EACH_WAY) if wanted and alone else []
    if not near:
        return {**line, "alternatives": []}
    facts = read_facts(db, replace(order, lines=()), now, *near)
    candidates = [facts.products[each] for each in near if each in facts.products]
    found = alternatives(order, sku, candidates, facts)
    told = [{"sku": p.sku, "name": p.name, "price": encode(p.price)} for p in found]
    return {**line, "alternatives": told}
