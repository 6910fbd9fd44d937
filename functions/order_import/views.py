"""An imported order as its source sees it: by the source's id, and with what it has to pass on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from parcelway.domain.order import Order
from parcelway.domain.shipment import Shipment
from parcelway.domain.status import fulfilment_status
from parcelway.store.orders import Dossier
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class UnitsView:
    """Units of a SKU."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ParcelView:
    """What left in one parcel: who carries it, under which number, and how far it is (`tracking`,
    in the tracking vocabulary)."""

    carrier: str
    parcel_number: str
    tracking: str
    shipped_at: datetime
    delivered_at: datetime | None
    lines: list[UnitsView]


@dataclass(frozen=True, slots=True)
class SoldKitView:
    """Kits that were sold, and the units by SKU that one is made of: those are sent, or
    cancelled."""

    sku: str
    quantity: int
    components: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ImportedView:
    """An imported order. `fulfilment_status` is derived from its units, `cancel_reason` is ''
    unless all of it was cancelled."""

    source: str
    external_id: str
    order_id: str
    state: str
    fulfilment_status: str
    tracking_number: str
    placed_at: datetime | None
    kits: list[SoldKitView]
    parcels: list[ParcelView]
    cancelled: list[UnitsView]
    cancel_reason: str


@dataclass(frozen=True, slots=True)
class ChangedView:
    """An imported order that changed at `changed_at` last, as it is now."""

    external_id: str
    order_id: str
    state: str
    fulfilment_status: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ChangesView:
    """Orders in the order of their last changes. `next_cursor` leads to those that change from then
    on; with `more` some have already."""

    orders: list[ChangedView]
    next_cursor: str
    more: bool


def changed_view(changed_at: str, order: Order) -> ChangedView:
    """An order of the feed."""
    at = datetime.fromisoformat(changed_at)
    return ChangedView(order.external_id, order.id, order.state, fulfilment_status(order), at)


def imported_view(dossier: Dossier) -> ImportedView:
    """The order with its parcels in the order in which they left."""
    order = dossier.order
    sent = [each for each in dossier.shipments if each.shipped_at is not None]
    return ImportedView(
        source=order.source,
        external_id=order.external_id,
        order_id=order.id,
        state=order.state,
        fulfilment_status=fulfilment_status(order),
        tracking_number=order.tracking_number,
        placed_at=order.placed_at,
        kits=[SoldKitView(kit.sku, kit.quantity, kit.components) for kit in order.kits],
        parcels=[_parcel(each) for each in sorted(sent, key=_left)],
        cancelled=_cancelled(order),
        cancel_reason=order.cancel_reason,
    )


def _left(shipment: Shipment) -> tuple[datetime, str]:
    assert shipment.shipped_at is not None
    return shipment.shipped_at, shipment.id


def _parcel(shipment: Shipment) -> ParcelView:
    at, _ = _left(shipment)
    lines = [UnitsView(line.sku, line.quantity) for line in shipment.lines]
    return ParcelView(
        shipment.carrier,
        shipment.parcel_number,
        shipment.tracking,
        at,
        shipment.delivered_at,
        lines,
    )


def _cancelled(order: Order) -> list[UnitsView]:
    gone = ((line.sku, line.count("cancelled")) for line in order.lines)
    return [UnitsView(sku, units) for sku, units in gone if units]
