"""Units that are not there: what they can wait for. How the queue is served: replenishment.py.

Every (SKU, node) has one queue, first come first served. A newcomer is at its end, so what it can
count on follows from the counters alone: of the units expected until a day, those that the queue
has not taken. Back-orders are promised against announced supplies only.

Before its launch day nothing of a product is handed out: whoever orders it waits in the queue, also
for units that are there. From that day on it is a back-order like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from parcelway.domain.catalogue import Product
from parcelway.domain.shop import Node
from parcelway.domain.stock import Balance, Move
from parcelway.values import dataclass

# Nothing is promised for a day further ahead: such a date stands for one that nobody knows.
HORIZON = timedelta(days=3 * 366)
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is done about units that are not there: `short` has them refuse the whole claim, wait in
    the queue, or stay unclaimed."""

    products: Mapping[str, Product]
    now: datetime
    short: Literal["refuse", "wait", "leave"]

    def launch(self, sku: str) -> date | None:
        """The day before which a SKU is not handed out; None when it is."""
        product = self.products.get(sku)
        launch = product.launch if product else None
        return launch if launch and launch > self.now.date() else None

    def may_wait(self, sku: str) -> bool:
        """Whether a SKU is sold when it is not there."""
        product = self.products.get(sku)
        return product is None or product.backorders


@dataclass(frozen=True, slots=True)
class Offer:
    """`units` that a node can promise for `due`, counting on so much supply until then."""

    node: str
    due: date
    units: int
    counting_on: int
    supplied: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """`quantity` units of an order line that take a place in the queue of `node`."""

    line: int
    sku: str
    node: str
    quantity: int
    due: date
    counting_on: int
    supplied: int

    def move(self, since: datetime) -> Move:
        """Taking that place."""
        return Move(
            self.sku,
            self.node,
            "backorder",
            self.quantity,
            self.counting_on,
            self.supplied,
            since,
        )


def turn(now: datetime, balances: Iterable[Balance]) -> datetime:
    """Since when somebody waits who joins queues of `balances` now: behind whoever is in them, also
    when those came with a later time, so that a queue is in the order in which it was promised."""
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as places in it are told apart
    last = max((b.joined_at for b in balances if b.joined_at is not None), default=None)
    return now if last is None or last < now else last + _TICK


def offers(
    sku: str,
    balances: Mapping[tuple[str, str], Balance],
    nodes: Sequence[Node],
    today: date,
    launch: date | None = None,
) -> list[Offer]:
    """What can be promised of a SKU later than now, earliest first, then in the nodes' order.

    A supply whose day is over is not counted on any more, but who waits for it still comes first;
    nor is one beyond HORIZON.
    """
    found = []
    for node in nodes:
        balance = balances.get((sku, node.id))
        if balance is not None:
            found += _offers(balance, today, launch)
    rank = {node.id: index for index, node in enumerate(nodes)}
    return sorted(found, key=lambda offer: (offer.due, rank[offer.node]))


def queue_up(
    line: int, sku: str, quantity: int, available: Sequence[Offer]
) -> tuple[list[Waiting], int]:
    """Places in the queue for `quantity` units, and how many no offer covers.

    One node that can promise all is preferred when it is no later than several would be.
    """
    taken, left = _fill(line, sku, quantity, available)
    if left or len({waiting.node for waiting in taken}) == 1:
        return taken, left
    last = max(waiting.due for waiting in taken)
    for node in dict.fromkeys(offer.node for offer in available):
        alone, short = _fill(line, sku, quantity, [o for o in available if o.node == node])
        if not short and max(waiting.due for waiting in alone) <= last:
            return alone, 0
    return taken, left


def _offers(balance: Balance, today: date, launch: date | None) -> list[Offer]:
    found = []
    first = launch or today
    last = today + HORIZON
    if first > last:
        return []
    there = max(0, balance.available)
    if launch and there:
        found.append(Offer(balance.node, launch, there, -balance.withheld, 0))
    promised, overdue = there, 0
    for due in sorted({supply.due for supply in balance.supplies if supply.due <= last}):
        expected = balance.expected(due)
        units = max(0, balance.available + expected) - promised
        if units <= 0:
            continue
        promised += units
        if due < today:
            overdue += units  # nor may whoever comes between count on them
            continue
        counting_on = expected - overdue
        found.append(Offer(balance.node, max(due, first), units, counting_on, balance.supplied))
    return found


def _fill(
    line: int, sku: str, quantity: int, available: Sequence[Offer]
) -> tuple[list[Waiting], int]:
    taken, left = [], quantity
    for offer in available:
        units = min(left, offer.units)
        if units:
            left -= units
            taken.append(
                Waiting(line, sku, offer.node, units, offer.due, offer.counting_on, offer.supplied)
            )
    return taken, left
