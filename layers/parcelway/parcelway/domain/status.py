"""How far an order is: everything derived from where its units are, and nowhere stored."""

from __future__ import annotations

from typing import Literal

from parcelway.domain.line import DONE, GONE, Stage
from parcelway.domain.order import PAYMENT_LOST, DeliveryGroup, Order

FulfilmentStatus = Literal[
    "none",
    "reserved",
    "backordered",
    "scheduled",
    "partially_shipped",
    "shipped",
    "partially_delivered",
    "delivered",
    "cancelled",
]


def fulfilment_status(order: Order) -> FulfilmentStatus:
    """The fulfilment axis, derived from where the order's units are (cancelled ones aside)."""
    wanted = sum(line.quantity - line.count("cancelled") for line in order.lines)
    if not wanted:
        return "cancelled" if order.lines else "none"
    arrived = _units(order, "delivered", "picked_up", "returned")
    if arrived:
        return "delivered" if arrived == wanted else "partially_delivered"
    gone = _units(order, *GONE)
    if gone:
        return "shipped" if gone == wanted else "partially_shipped"
    if _units(order, "allocated", "released", "packed"):
        return "scheduled"
    if _units(order, "reserved", "backordered") < wanted:
        return "none"
    return "backordered" if _units(order, "backordered") else "reserved"


# How far a placed order is, in one word: to be paid for, ended, or else where its goods are.
Standing = Literal["placed", "closed", "cancelled", "expired"] | FulfilmentStatus


def standing(order: Order) -> Standing:
    """How far a placed order is, in one word. Raises ValueError for a draft."""
    if order.state == "draft":
        raise ValueError(f"{order.id} was never placed")
    return fulfilment_status(order) if order.state == "confirmed" else order.state


def needs_attention(order: Order) -> bool:
    """Whether somebody has to look at an order: it is on hold, or was alerted about."""
    return bool(order.holds or order.alerts)


def nodes_of(order: Order) -> list[str]:
    """The nodes that units of an order are at, wait at or left from, by id."""
    return sorted({p.node for line in order.lines for p in line.portions if p.node})


ReturnStatus = Literal["none", "partially_returned", "returned"]


def return_status(order: Order) -> ReturnStatus:
    """The return axis, derived from the units that came back."""
    returned = _units(order, "returned")
    if not returned:
        return "none"
    return "partially_returned" if _units(order, "delivered", "picked_up") else "returned"


def _units(order: Order, *stages: Stage) -> int:
    return sum(line.count(*stages) for line in order.lines)


def on_time(order: Order, group: DeliveryGroup) -> bool | None:
    """Whether all of a group was there by the first promise; None as long as that is open.

    Revised promises change nothing: they are not what the customer decided on.
    """
    there: tuple[Stage, ...] = (*DONE, "packed") if group.method == "pickup" else DONE
    stages = {p.stage for line in order.lines for p in line.portions if p.group == group.id}
    if group.promise is None or group.fulfilled_on is None or not stages <= {*there}:
        return None
    return group.fulfilled_on <= group.promise.latest


def waits(order: Order) -> bool:
    """Whether units of the order are in no shipment yet, because they wait for goods or for their
    turn."""
    return _units(order, "open", "reserved", "backordered") > 0


def ready(order: Order) -> bool:
    """Whether a confirmed order has units that can be scheduled: one that has to be paid anew has
    none, and one that is sent only when it is complete none as long as others wait, unless it was
    complete and is under way already."""
    waiting = any(line.count("backordered") for line in order.lines)
    under_way = any(portion.shipment for line in order.lines for portion in line.portions)
    return (
        order.state == "confirmed"
        and all(hold.code != PAYMENT_LOST for hold in order.holds)
        and any(line.count("open", "reserved") for line in order.lines)
        and (under_way or not (waiting and order.shortage == "ship_complete"))
    )
