"""A shipment: units of one delivery group that leave one node together."""

from __future__ import annotations

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
    (`mistakes`) that were given for it.
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
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    reminded_at: datetime | None = None
    mistakes: int = 0
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    invoice_number: str = ""
    wave: int = 1
