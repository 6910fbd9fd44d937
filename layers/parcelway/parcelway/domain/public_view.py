"""What the public may see of an order: statuses for people, derived here and nowhere else.

Whoever knows the tracking number sees how far the order is. Whoever has the mail's link also sees
what is in it, the town it goes to and its documents. Names, streets, e-mail addresses and phone
numbers are in neither; places of carrier events aren't either, the last of them being the door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from parcelway.domain.collecting import code, last_day
from parcelway.domain.invoice import Invoice, InvoiceLine, TaxLine
from parcelway.domain.invoicing import breakdown
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import (
    DeliveryGroup,
    Event,
    Line,
    Order,
    Promise,
    Share,
    Stage,
    State,
    Totals,
    fulfilment_status,
    return_status,
    totals,
)
from parcelway.domain.payment import Payment
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Method, Node
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
PublicStage = Literal[
    "ordered",
    "backordered",
    "preparing",
    "packed",
    "shipped",
    "delivered",
    "collected",
    "cancelled",
    "returned",
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


@dataclass(frozen=True, slots=True)
class ParcelCheckpoint:
    """What a carrier reported of a parcel, without the place."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PublicParcel:
    """A shipment; `number` counts the order's from 1, `delivery` is the number of the delivery it
    is part of. Newest checkpoint first. What lies ready in a store is kept until `collect_until`,
    by the store's calendar."""

    number: int
    delivery: int
    status: str
    carrier: str
    parcel_number: str
    checkpoints: tuple[ParcelCheckpoint, ...]
    collect_until: date | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """What to say in the store to get parcel number `parcel`, which lies ready."""

    parcel: int
    code: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Units that wait for goods, and the day these are expected on (None: nobody knows)."""

    quantity: int
    due: date | None


@dataclass(frozen=True, slots=True)
class PublicLine:
    """An ordered article: how many units there are, how many of them at each stage, and when those
    that wait are expected."""

    name: str
    quantity: int
    stages: Mapping[str, int]
    expected: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """When goods are to be there: as it was `first` promised and as it is at `present` (None:
    cannot be told). `reason` is why it was revised last, '' while the first promise holds."""

    first: Promise | None
    present: Promise | None
    reason: str

    @property
    def revised(self) -> bool:
        """Whether the first promise holds no longer."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class PublicItem:
    """Units of an article that go with a delivery."""

    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a delivery goes, as coarsely as is still useful: the town, or the shop's own store.

    `number` counts the order's deliveries from 1; `lines` is what goes there.
    """

    number: int
    method: Method
    store: str
    city: str
    postal_code: str
    country: str
    lines: tuple[PublicItem, ...]
    due: Due


@dataclass(frozen=True, slots=True)
class PublicLinked:
    """An order that units of this one moved to, or came from; `token` is of its own link."""

    number: str
    token: str
    status: Literal["awaiting_payment", "confirmed", "delivered", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class PublicInvoice:
    """An issued invoice."""

    shipment_id: str
    number: str
    issued_at: datetime
    gross: Money


@dataclass(frozen=True, slots=True)
class LinkView:
    """What the holder of the link sees besides."""

    lines: tuple[PublicLine, ...]
    destinations: tuple[Destination, ...]
    invoices: tuple[PublicInvoice, ...]
    collections: tuple[Collection, ...]
    linked: tuple[PublicLinked, ...]


@dataclass(frozen=True, slots=True)
class PublicOrder:
    """What the holder of a tracking number sees; `link` is for the holder of the link only.

    `deliveries` is how many places the order goes to.
    """

    number: str
    status: PublicStatus
    due: Due
    steps: tuple[Step, ...]
    timeline: tuple[Milestone, ...]
    parcels: tuple[PublicParcel, ...]
    deliveries: int
    link: LinkView | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was bought and what was paid. `charges` are shipping; nothing personal is in it."""

    number: str
    placed_at: datetime | None
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxLine, ...]
    totals: Totals
    method: str
    held: Money
    captured: Money
    refunded: Money


def public_order(
    order: Order,
    shipments: Sequence[Shipment],
    invoices: Sequence[Invoice],
    events: Sequence[Event],
    nodes: Mapping[str, Node],
    *,
    linked: bool,
    others: Sequence[Order] = (),
) -> PublicOrder:
    """The order as the public sees it; with `linked`, as the holder of its link does. `others` are
    the orders it is linked to."""
    sent = [shipment for shipment in shipments if shipment.status != "cancelled"]
    return PublicOrder(
        number=order.tracking_number,
        status=public_status(order, sent),
        due=due(order),
        steps=steps(order, sent),
        timeline=timeline(events, sent, linked=linked),
        parcels=tuple(
            _parcel(order, number, shipment, nodes) for number, shipment in enumerate(sent, start=1)
        ),
        deliveries=len(order.groups),
        link=_link(order, sent, invoices, nodes, others) if linked else None,
    )


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


def promised(order: Order) -> Promise | None:
    """The window in which all of the order was promised."""
    return _around([group.promise for group in order.groups if group.promise])


def due(order: Order) -> Due:
    """When all of the order is to be there."""
    dues = [_due(group) for group in order.groups]
    known = [each.present for each in dues if each.present]
    revised = [group.revisions[-1] for group in order.groups if group.revisions]
    return Due(
        promised(order),
        _around(known) if len(known) == len(dues) else None,
        max(revised, key=lambda revision: revision.at).reason if revised else "",
    )


def _due(group: DeliveryGroup) -> Due:
    reason = group.revisions[-1].reason if group.revisions else ""
    return Due(group.promise, group.present_promise, reason)


def _around(windows: Sequence[Promise]) -> Promise | None:
    """The window that all of these are in."""
    if not windows:
        return None
    return Promise(min(w.earliest for w in windows), max(w.latest for w in windows))


def receipt(order: Order, payments: Sequence[Payment]) -> Receipt:
    """What was bought and paid, from the order's frozen parts."""
    lines = [bought for line in order.lines for bought in _bought(line)]
    nothing = zero(order.currency)
    charges = [
        InvoiceLine(
            group.service_name.get(order.language, group.service),
            1,
            group.charge_price,
            group.charge_net or nothing,
            group.charge_tax or nothing,
            group.charge_tax_rate,
        )
        for group in order.groups
        if group.charge_price
    ]
    # A hold that was voided is gone, though the order's sum still tells of it.
    held = sum(p.authorized - p.captured for p in payments if p.status == "authorized")
    return Receipt(
        number=order.tracking_number,
        placed_at=order.placed_at,
        lines=tuple(lines + charges),
        taxes=breakdown(lines + charges, order.currency),
        totals=totals(order),
        method=order.payment_method,
        held=Money(held, order.currency),
        captured=Money(order.captured, order.currency),
        refunded=Money(order.refunded, order.currency),
    )


def _bought(line: Line) -> list[InvoiceLine]:
    """A line as it was bought: once for every rate at which it is taxed."""
    currency, by_rate = line.unit_price.currency, dict[int, list[Share]]()
    for share in line.by_group:
        by_rate.setdefault(share.tax_rate, []).append(share)
    return [
        InvoiceLine(
            line.name,
            sum(line.units(share.group) for share in shares),
            line.unit_price,
            total((share.net for share in shares), currency),
            total((share.tax for share in shares), currency),
            rate,
            line.sku,
        )
        for rate, shares in by_rate.items()
    ]


def _parcel(
    order: Order, number: int, shipment: Shipment, nodes: Mapping[str, Node]
) -> PublicParcel:
    status = shipment.tracking or "preparing"
    if shipment.method == "pickup" and status == "delivered":
        status = "collected"
    return PublicParcel(
        number,
        [group.id for group in order.groups].index(shipment.group) + 1,
        status,
        shipment.carrier,
        shipment.parcel_number,
        tuple(ParcelCheckpoint(c.status, c.at) for c in reversed(shipment.checkpoints)),
        last_day(shipment, nodes) if shipment.status == "ready_for_pickup" else None,
    )


_STAGES: Mapping[Stage, PublicStage] = {
    "open": "ordered",
    "reserved": "ordered",
    "backordered": "backordered",
    "allocated": "preparing",
    "released": "preparing",
    "packed": "packed",
    "shipped": "shipped",
    "delivered": "delivered",
    "picked_up": "collected",
    "cancelled": "cancelled",
    "returned": "returned",
}


def _link(
    order: Order,
    shipments: Sequence[Shipment],
    invoices: Sequence[Invoice],
    nodes: Mapping[str, Node],
    others: Sequence[Order],
) -> LinkView:
    lines = []
    for line in order.lines:
        stages: dict[str, int] = {}
        for portion in line.portions:
            stage = _STAGES[portion.stage]
            stages[stage] = stages.get(stage, 0) + portion.quantity
        expected = [Expected(p.quantity, p.due) for p in line.portions if p.stage == "backordered"]
        lines.append(PublicLine(line.name, line.quantity, stages, tuple(expected)))
    return LinkView(
        lines=tuple(lines),
        destinations=_destinations(order, nodes),
        invoices=tuple(
            PublicInvoice(i.shipment_id, i.number, i.issued_at, i.gross) for i in invoices
        ),
        collections=tuple(
            Collection(number, code(order, shipment))
            for number, shipment in enumerate(shipments, start=1)
            if shipment.status == "ready_for_pickup"
        ),
        linked=tuple(
            PublicLinked(other.tracking_number, other.link_token, _STATES[other.state])
            for other in others
            if other.tracking_number
        ),
    )


# What is told of a linked order, of whose parcels nothing is known here.
_STATES: Mapping[
    State, Literal["awaiting_payment", "confirmed", "delivered", "cancelled", "expired"]
] = {
    "draft": "awaiting_payment",
    "placed": "awaiting_payment",
    "confirmed": "confirmed",
    "closed": "delivered",
    "cancelled": "cancelled",
    "expired": "expired",
}


def _destinations(order: Order, nodes: Mapping[str, Node]) -> tuple[Destination, ...]:
    places = []
    for number, group in enumerate(order.groups, start=1):
        store = nodes.get(group.store)
        at = store.address if store else group.address
        if at is None:
            continue
        items = tuple(
            PublicItem(line.name, units) for line in order.lines if (units := line.units(group.id))
        )
        places.append(
            Destination(
                number,
                "pickup" if store else "delivery",
                store.name if store else "",
                at.city,
                at.postal_code,
                at.country,
                items,
                _due(group),
            )
        )
    return tuple(places)


def _collected(order: Order) -> bool:
    return any(line.count("picked_up") for line in order.lines) and not any(
        line.count("delivered") for line in order.lines
    )
