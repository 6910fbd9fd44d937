"""How far an order is, in the words that people are told: its status, its steps, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from parcelway.domain.order import Event, Order
from parcelway.domain.shipment import Shipment
from parcelway.domain.status import fulfilment_status, return_status
from parcelway.values import dataclass

PublicStatus = Literal[
    "awaiting_payment",
    "confirmed",
    "preparing",
    "partly_shipped",
    "shipped",
    "out_for_delivery",
    "available_for_pickup",
    "ready_for_pickup",
    "problem",
    "partly_delivered",
    "delivered",
    "collected",
    "returned",
    "cancelled",
    "expired",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the usual way of an order, and whether it is behind, here or ahead."""

    name: str
    state: Literal["done", "current", "ahead"]


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that happened; `parcel` is the number of the parcel concerned, 0 for the order."""

    name: str
    at: datetime
    parcel: int


def public_status(order: Order, shipments: Sequence[Shipment]) -> PublicStatus:
    """The one status people are told. `shipments` are those not cancelled."""
    if order.state == "cancelled" or order.state == "expired":
        return order.state
    if order.state in ("draft", "placed"):
        return "awaiting_payment"
    if return_status(order) == "returned":
        return "returned"
    progress = fulfilment_status(order)
    if progress == "delivered":
        return "collected" if _collected(order) else "delivered"
    if progress in ("shipped", "partially_shipped", "partially_delivered"):
        return _on_its_way(shipments, progress)
    if any(s.status == "ready_for_pickup" for s in shipments):
        return "ready_for_pickup"
    return "preparing" if progress == "scheduled" else "confirmed"


def _on_its_way(shipments: Sequence[Shipment], progress: str) -> PublicStatus:
    """The status while something has left and not everything has arrived.

    What needs the reader's attention counts first; else what all moving parcels agree on.
    """
    moving = [s.tracking for s in shipments if s.status in ("shipped", "ready_for_pickup")]
    if any(status in ("failed_attempt", "exception") for status in moving):
        return "problem"
    if any(s.elsewhere and s.tracking == "returned" for s in shipments):
        return "problem"  # to the store's own people it is back; its customer's it never was
    if any(s.status == "ready_for_pickup" for s in shipments):
        return "ready_for_pickup"
    if "available_for_pickup" in moving:
        return "available_for_pickup"
    if moving and all(status == "returned" for status in moving):
        return "returned"
    if moving and all(status == "out_for_delivery" for status in moving):
        return "out_for_delivery"
    if progress == "partially_delivered":
        return "partly_delivered"
    return "partly_shipped" if progress == "partially_shipped" else "shipped"


_DELIVERY = ("confirmed", "preparing", "shipped", "out_for_delivery", "delivered")
_PICKUP = ("confirmed", "preparing", "ready_for_pickup", "collected")
# The step that a status not itself a step belongs to.
_STEP_OF: Mapping[str, str] = {
    "partly_shipped": "shipped",
    "partly_delivered": "shipped",
    "problem": "shipped",
    "available_for_pickup": "out_for_delivery",
}


def steps(order: Order, shipments: Sequence[Shipment]) -> tuple[Step, ...]:
    """The usual way of such an order with how far this one is; () when it has left that way."""
    status = public_status(order, shipments)
    if status in ("cancelled", "expired", "returned"):
        return ()
    names = _PICKUP if all(g.method == "pickup" for g in order.groups) else _DELIVERY
    name = _STEP_OF.get(status, status)
    reached = names.index(name) if name in names else _nearest(status, names)
    last = len(names) - 1
    return tuple(
        Step(
            step,
            "done"
            if index < reached or reached == last
            else ("current" if index == reached else "ahead"),
        )
        for index, step in enumerate(names)
    )


def _nearest(status: PublicStatus, names: Sequence[str]) -> int:
    """Where a status stands that this way has no step for: before all, or at the third; what is on
    its way to a store is still being prepared."""
    if status == "awaiting_payment":
        return -1
    on_its_way = names == _PICKUP and status in ("shipped", "partly_shipped", "out_for_delivery")
    return 1 if on_its_way or (names == _PICKUP and status == "problem") else 2


# Public names of what happened. What is not here is nobody's business but the shop's.
_HAPPENED: Mapping[str, str] = {
    "order.placed": "placed",
    "order.confirmed": "confirmed",
    "order.scheduled": "preparing",
    "promise.revised": "redated",
    "order.cancelled": "cancelled",
    "order.expired": "expired",
    "shipment.packed": "packed",
    "shipment.shipped": "shipped",
    "shipment.in_transit": "in_transit",
    "shipment.out_for_delivery": "out_for_delivery",
    "shipment.available_for_pickup": "available_for_pickup",
    "shipment.received": "at_the_store",
    "shipment.lost": "lost",
    "shipment.came_back": "came_back",
    "shipment.ready_for_pickup": "ready_for_pickup",
    "shipment.pickup_expired": "not_collected",
    "shipment.failed_attempt": "failed_attempt",
    "shipment.exception": "exception",
    "shipment.returned": "returned",
    "shipment.delivered": "delivered",
    "shipment.cancelled": "partly_cancelled",
}
_HAPPENED_LINKED: Mapping[str, str] = {
    **_HAPPENED,
    "invoice.issued": "invoiced",
    "credit_note.issued": "credited",
    "payment.refunded": "refunded",
}


def timeline(
    events: Sequence[Event], shipments: Sequence[Shipment], *, linked: bool
) -> tuple[Milestone, ...]:
    """What happened in public words, newest first."""
    names = _HAPPENED_LINKED if linked else _HAPPENED
    numbers = {shipment.id: number for number, shipment in enumerate(shipments, start=1)}
    pickups = {shipment.id for shipment in shipments if shipment.method == "pickup"}
    happened = []
    for event in sorted(events, key=lambda e: e.sequence, reverse=True):
        name, shipment_id = names.get(event.type), event.data.get("shipment", "")
        if name == "delivered" and shipment_id in pickups:
            name = "collected"
        if name:
            happened.append(Milestone(name, event.at, numbers.get(shipment_id, 0)))
    return tuple(happened)


def _collected(order: Order) -> bool:
    return any(line.count("picked_up") for line in order.lines) and not any(
        line.count("delivered") for line in order.lines
    )
