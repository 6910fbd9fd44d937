"""Whether an order can be cancelled in one transaction, as all of one can that is still here.

Whatever gives it more balances, shipments, days or places in queues has to count them first.
"""

from __future__ import annotations

from parcelway.domain.channels import quota_of
from parcelway.domain.line import GONE, Portion
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal

_MOST_UNDONE = 97  # what cancelling writes besides the order, its journal entry and its event


def room_to_undo(order: Order) -> int:
    """How many writes more than now could cancel the order in one transaction, with shipments made
    of all that is in none yet. Of one that has left for its customer there is no limit: nobody can
    cancel it as a whole any more. Below 0 it could not be cancelled.

    So many balances (and quotas) have something of it, so many places in queues, shipments and days
    of nodes: each is an item of its own (`store.orders`). So is each counter that it counts on, of
    codes and promotions and of what one customer may buy.
    """
    held = [(line.sku, p) for line in order.lines for p in line.portions if p.stage != "cancelled"]
    if any(_left_for_good(order, portion) for _, portion in held):
        return _MOST_UNDONE
    items: set[tuple[object, ...]] = {slot for group in order.groups for slot in group.slots}
    for sku, portion in held:
        if not portion.node:
            continue
        items.add(("balance", sku, portion.node))
        items.add(("shipment", portion.shipment or (portion.group, portion.node)))
        if portion.quota:
            items.add(("balance", sku, quota_of(portion.quota)))
        if portion.since is not None:
            items.add(("queue", sku, portion.node, portion.since))
    counters = len(order.uses) + sum(map(len, order.limited.values()))
    return _MOST_UNDONE - len(items) - counters


def _left_for_good(order: Order, portion: Portion) -> bool:
    """Whether units have left for their customer. What is on its way to a store may come to lie
    there, and is the shop's."""
    if portion.stage == "shipped":
        return not order.group_named(portion.group).via
    return portion.stage in GONE


def require_undoable(order: Order) -> None:
    """Refuse with TOO_MANY_LINES what would make an order of this one that nobody could cancel."""
    if room_to_undo(order) < 0:
        raise too_many()


def going(order: Order) -> frozenset[tuple[str, str]]:
    """The places (delivery group and node) whose held units can be in shipments now.

    Where others wait at the same place, those will be in one more: a place more for who cancels.
    If there is no room for that, they go when something has left.
    """
    held, waiting = set[tuple[str, str]](), set[tuple[str, str]]()
    for portion in (portion for line in order.lines for portion in line.portions):
        if portion.stage == "reserved":
            held.add((portion.group, portion.node))
        elif portion.stage == "backordered":
            waiting.add((portion.group, portion.node))
    room = max(0, room_to_undo(order))
    return frozenset([*(held - waiting), *sorted(held & waiting)[:room]])


def too_many() -> Refusal:
    """The refusal of units at more places than one transaction has room for."""
    detail = "These units lie at too many places for one order; make two of it."
    return Refusal(Reason.TOO_MANY_LINES, detail)
