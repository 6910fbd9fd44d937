"""Queues for units that are not there, in OrdersTable: one partition per SKU and node.

    QUEUE#<sku>#<node>   <since>#<order>   units: by the day they are promised for, '' for none

An item is written with the order's own change (see store/saving.py), so a place in the queue is
always that of an order that waits; one that was left has no units, until TTL deletes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from datetime import date, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.replenishment import (
    Dated,
    Place,
    dates,
    elsewhere,
    fill,
    is_news,
    redate,
    waiting,
)
from parcelway.domain.stock import Balance
from parcelway.store import catalogue
from parcelway.store.capacity import known
from parcelway.store.commit import Busy, until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order, queue_items
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from parcelway.store.stock import read_balances
from parcelway.values import dataclass

_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
_LOOKS = 3  # at a queue that changes while it is read


@dataclass(frozen=True, slots=True)
class Served:
    """How many orders got units, how many were told another date, and which could not be served,
    each with why: they keep their places, and whoever waits behind them is served."""

    filled: int = 0
    redated: int = 0
    failed: Mapping[str, Exception] = field(default_factory=dict, compare=False)


def places(db: Database, sku: str, node: str) -> list[Place]:
    """Who waits for a SKU at a node, longest first. Of an item that cannot be read the order says
    what it should be; if that cannot be read either, it keeps its place for whoever serves it."""
    found = []
    for item in db.query(db.orders, f"QUEUE#{sku}#{node}"):
        place: Place | None
        try:
            place = to_place(item, sku, node)
        except _UNREADABLE:
            place = _as_its_order_says(db, item, sku, node)
        if place is not None and place.units:
            found.append(place)
    return found


def to_place(item: Mapping[str, Any], sku: str, node: str) -> Place:
    """A place from its item (plain values)."""
    since, _, order_id = item["sk"].partition("#")
    units = {date.fromisoformat(day) if day else None: int(n) for day, n in item["units"].items()}
    return Place(order_id, sku, node, datetime.fromisoformat(since), units)


def _as_its_order_says(db: Database, item: Mapping[str, Any], sku: str, node: str) -> Place | None:
    """The place of an item that cannot be read; None when nobody waits there, or when it is none
    of ours. Without units when its order cannot be read either."""
    since, _, order_id = item["sk"].partition("#")
    try:
        place = Place(order_id, sku, node, datetime.fromisoformat(since), {None: 0})
    except ValueError:
        return None  # the order that lost its place is told by `parcelway verify`
    order, failed = None, dict[str, Exception]()
    with _by_itself(place, failed):
        order = get_order(db, order_id)
    if failed:
        return place
    right = queue_items(order).get((item["pk"], item["sk"])) if order else None
    return to_place(right, sku, node) if right else None


@dataclass(frozen=True, slots=True)
class Queue:
    """A balance and who waits for it, longest first, of one moment. `launch` is the day before
    which nothing is handed out, None when it may be."""

    balance: Balance
    places: Sequence[Place]
    launch: date | None

    @property
    def unserved(self) -> bool:
        """Whether units are there that somebody waits for."""
        return self.balance.free > 0 and not self.launch

    def news(self, today: date) -> list[tuple[Place, tuple[Dated, ...]]]:
        """Who is to be told another date, and which."""
        dated = dates(self.places, self.balance, self.launch, today)
        return [(place, new) for place, new in dated if is_news(place, new)]


def queue_at(db: Database, sku: str, node: str, today: date) -> Queue | None:
    """None when nobody waits, and while it keeps changing: what was read at different moments
    would make up delays."""
    balance = _balance(db, sku, node)
    for _ in range(_LOOKS):
        if not balance.backordered:
            return None
        before, found = balance, places(db, sku, node)
        balance = _balance(db, sku, node)
        if before == balance and sum(place.quantity for place in found) == balance.backordered:
            return Queue(balance, found, _launch(db, sku, today))
    return None


def serve(db: Database, sku: str, node: str, now: datetime) -> Served:
    """Give what is free to who waits for it, first come first served, and tell those who wait on
    when their date can no longer be kept. Repeating it changes nothing. Raises Busy.

    An order that cannot be read, or decided on, is passed over: it is `failed`, and comes first
    again when something comes in after it was mended.
    """
    today = now.date()
    filled, redated, failed = 0, 0, dict[str, Exception]()
    for place in [] if _launch(db, sku, today) else places(db, sku, node):
        with _by_itself(place, failed):
            done = until_fresh(lambda place=place: _fill(db, place, now))  # type: ignore[misc]
            filled += done.filled
            if not done.passed:
                break  # what comes from here on is this one's
    queue = queue_at(db, sku, node, today)
    if queue is None or queue.unserved:
        return Served(filled, 0, failed)  # something came or went meanwhile, and says so itself
    for place, new in queue.news(today):
        with _by_itself(place, failed):
            redated += until_fresh(lambda place=place, new=new: _redate(db, place, new, now))  # type: ignore[misc]
    return Served(filled, redated, failed)


@contextmanager
def _by_itself(place: Place, failed: dict[str, Exception]) -> Iterator[None]:
    """What is wrong with one order is noted and stops no other; the tables' own faults are
    raised, for they are everybody's."""
    try:
        yield
    except (Busy, BotoCoreError, ClientError):
        raise
    except Exception as error:
        failed[place.order_id] = error


def look_elsewhere(db: Database, order_id: str, now: datetime) -> bool:
    """Have an order take from other nodes what it waits for at one; whether it got anything."""

    def attempt() -> bool:
        order = get_order(db, order_id)
        if order is None or not waits_of(order):
            return False
        decision = elsewhere(order, read_facts(db, order, now))
        if decision is None:
            return False
        save(db, decision, now)
        return True

    return until_fresh(attempt)


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a place: whether it got units, and whether the next one's turn has come."""

    filled: bool
    passed: bool


def _fill(db: Database, place: Place, now: datetime) -> _Done:
    """Fill one place as far as units go."""
    balance = _balance(db, place.sku, place.node)
    if balance.free <= 0:
        return _Done(False, False)
    order = get_order(db, place.order_id)
    wanted = waiting(order, place) if order else 0
    facts = _facts(db, now)
    decision = fill(order, place, min(balance.free, wanted), balance, facts) if order else None
    if decision is None:
        return _Done(False, True)
    save(db, decision, now)
    return _Done(True, wanted <= balance.free)


def _redate(db: Database, place: Place, new: Sequence[Dated], now: datetime) -> bool:
    order = get_order(db, place.order_id)
    if order is None:
        return False
    decision = redate(order, place, new, _facts(db, now))
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


def _facts(db: Database, now: datetime) -> Facts:
    """What is known besides the order: no product and no balance of others matters."""
    return Facts(load_shop(db), now, busy=known(db))


def _launch(db: Database, sku: str, today: date) -> date | None:
    """The day before which a SKU is not handed out; None when it is."""
    product = catalogue.get_many(db, [sku]).get(sku)
    launch = product.launch if product else None
    return launch if launch and launch > today else None


def _balance(db: Database, sku: str, node: str) -> Balance:
    found = read_balances(db, [(sku, node)], consistent=True)
    return found.get((sku, node), Balance(sku, node))
