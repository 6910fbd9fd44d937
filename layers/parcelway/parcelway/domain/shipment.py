"""A shipment: units of one delivery group that leave one node together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from parcelway.domain.shop import Method
from parcelway.values import dataclass

ShipmentStatus = Literal[
    "scheduled",
    "released",
    "packed",
    "shipped",
    "ready_for_pickup",
    "delivered",
    "returned",
    "cancelled",
]
# The tracking vocabulary that every carrier's own event codes are mapped to.
TrackingStatus = Literal[
    "label_created",
    "in_transit",
    "out_for_delivery",
    "available_for_pickup",
    "delivered",
    "failed_attempt",
    "exception",
    "returned",
]
# Why people keep a shipment back: its address cannot be right, the goods or the papers must be
# looked at, the customer asked for it, something is suspicious about it, or something else.
HoldReason = Literal["address", "goods", "papers", "customer", "suspicion", "other"]
Astray = Literal["", "lost", "returned"]  # how a parcel failed to get where it was sent


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """`quantity` units of an order line; `invoiced_from` numbers them for the line's shares.

    Of the line's units in the shipment's delivery group, number `invoiced_from`+1 ..
    `invoiced_from`+`quantity` are this shipment's.
    """

    line: int
    sku: str
    quantity: int
    invoiced_from: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One tracking event of a parcel. `event_id` is the carrier's, so a repeat is recognised."""

    event_id: str
    status: TrackingStatus
    at: datetime
    place: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    """Units of one group from one node, with how far they are and who carries them.

    `version` is the order's version at the shipment's last change. `tracking` is the parcel's
    present status in the tracking vocabulary, '' before it was shipped. `wave` tells which units of
    the order were scheduled together with it. A pick-up is `ready_at` the store until `collect_by`,
    is `shipped_at` and `delivered_at` the moment it is collected, and counts the wrong codes
    (`mistakes`) that were given for it. `accepted_at` is when its node said that it will send it;
    `held` is why it must not be packed or sent for now, '' when nothing is in the way. `to_store`
    is the store that another node sends it to; the store becomes its `node` when it is received.
    `astray` says what became of a parcel that never was.
    """

    id: str
    order_id: str
    version: int
    group: str
    node: str
    method: Method
    status: ShipmentStatus
    lines: tuple[ShipmentLine, ...]
    created_at: datetime
    service: str = ""
    carrier: str = ""
    parcel_number: str = ""
    tracking: str = ""
    checkpoints: tuple[Checkpoint, ...] = ()
    released_at: datetime | None = None
    packed_at: datetime | None = None
    to_store: str = ""
    sent_at: datetime | None = None
    received_at: datetime | None = None
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    reminded_at: datetime | None = None
    mistakes: int = 0
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    invoice_number: str = ""
    wave: int = 1
    accepted_at: datetime | None = None
    held: str = ""
    held_note: str = ""
    astray: Astray = ""

    @property
    def elsewhere(self) -> bool:
        """Whether it has still to get to the store where it is collected."""
        return bool(self.to_store) and self.node != self.to_store

    @property
    def contents(self) -> dict[int, int]:
        """Its units by order line."""
        units: dict[int, int] = {}
        for line in self.lines:
            units[line.line] = units.get(line.line, 0) + line.quantity
        return units


def without(shipment: Shipment, units: Mapping[int, int]) -> Shipment:
    """The shipment without so many `units` by order line; cancelled when none are left.

    What leaves has the last numbers, so those that stay keep theirs. Raises ValueError when it has
    not so many.
    """
    left, kept = dict(units), list[ShipmentLine]()
    for line in reversed(shipment.lines):
        gone = min(left.get(line.line, 0), line.quantity)
        left[line.line] = left.get(line.line, 0) - gone
        if gone < line.quantity:
            kept.append(replace(line, quantity=line.quantity - gone))
    if any(left.values()):
        raise ValueError(f"shipment {shipment.id} has not {dict(units)} units")
    if not kept:  # what it was to have stays on record
        return replace(shipment, status="cancelled")
    return replace(shipment, lines=tuple(reversed(kept)))
