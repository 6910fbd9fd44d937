"""Queues for units that are not there, in OrdersTable: one partition per SKU and node.

    QUEUE#<sku>#<node>   <since>#<order>   units: by the day they are promised for, '' for none

An item is written with the order's own change (see store/orders.py), so a place in the queue is
always that of an order that waits; one that was left has no units, until TTL deletes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.replenishment import Place, dates, fill, is_later, redate
from parcelway.domain.stock import Balance
from parcelway.store import catalogue
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order, save
from parcelway.store.shop import load_shop
from parcelway.store.stock import read_balances
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """How many orders got units, and how many were told another date."""

    filled: int = 0
    redated: int = 0


def places(db: Database, sku: str, node: str) -> list[Place]:
    """Who waits for a SKU at a node, longest first."""
    items = db.query(db.orders, f"QUEUE#{sku}#{node}")
    return [to_place(item, sku, node) for item in items if item["units"]]


def to_place(item: Mapping[str, Any], sku: str, node: str) -> Place:
    """A place from its item (plain values)."""
    since = datetime.fromisoformat(item["sk"].partition("#")[0])
    units = {date.fromisoformat(day) if day else None: n for day, n in item["units"].items()}
    return Place(item["order_id"], sku, node, since, units)


def serve(db: Database, sku: str, node: str, now: datetime) -> Served:
    """Give what is free to who waits for it, first come first served, and tell those who wait on
    when their date can no longer be kept. Repeating it changes nothing. Raises Busy."""
    product = catalogue.get_many(db, [sku]).get(sku)
    today = now.date()
    launch = product.launch if product and product.launch and product.launch > today else None
    filled = 0
    for place in [] if launch else places(db, sku, node):
        more = until_fresh(lambda place=place: _fill(db, place, now))  # type: ignore[misc]
        if more is None:
            break
        filled += more
    redated = 0
    balance = _balance(db, sku, node)
    for place, new in dates(places(db, sku, node), balance, launch, today):
        if is_later(place, new):
            redated += until_fresh(lambda place=place, new=new: _redate(db, place, new, now))  # type: ignore[misc]
    return Served(filled, redated)


def _fill(db: Database, place: Place, now: datetime) -> bool | None:
    """Fill one place as far as units go. None when none are free."""
    balance = _balance(db, place.sku, place.node)
    if balance.free <= 0:
        return None
    order = get_order(db, place.order_id)
    units = min(balance.free, place.quantity)
    decision = fill(order, place, units, balance, now) if order else None
    if decision is None:
        return False
    save(db, decision, now)
    return True


def _redate(db: Database, place: Place, new: Any, now: datetime) -> bool:
    order = get_order(db, place.order_id)
    if order is None:
        return False
    decision = redate(order, place, new, Facts(load_shop(db), now))
    if decision is None:
        return False
    save(db, decision, now)
    return True


def waits_of(order: Order) -> list[tuple[str, str]]:
    """The (SKU, node) queues that an order stands in."""
    found = [
        (line.sku, portion.node)
        for line in order.lines
        for portion in line.portions
        if portion.stage == "backordered"
    ]
    return list(dict.fromkeys(found))


def _balance(db: Database, sku: str, node: str) -> Balance:
    found = read_balances(db, [(sku, node)], consistent=True)
    return found.get((sku, node), Balance(sku, node))
