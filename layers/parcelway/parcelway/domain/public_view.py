"""What the public may see of an order. How far it is: progress.py.

Whoever knows the tracking number sees how far the order is. Whoever has the mail's link also sees
what is in it, the town it goes to and its documents. Names, streets, e-mail addresses and phone
numbers are in neither; places of carrier events aren't either, the last of them being the door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from parcelway.domain.authorization import awaits_payment
from parcelway.domain.collecting import code, last_day
from parcelway.domain.dues import pay_until, to_pay
from parcelway.domain.invoice import DocumentKind, Invoice
from parcelway.domain.line import Stage
from parcelway.domain.money import Money
from parcelway.domain.order import DeliveryGroup, Event, Order, Promise, State
from parcelway.domain.progress import Milestone, PublicStatus, Step, public_status, steps, timeline
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Method, Node
from parcelway.values import dataclass

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
class PublicDocument:
    """An issued invoice or credit note."""

    kind: DocumentKind
    shipment_id: str
    number: str
    issued_at: datetime
    gross: Money


@dataclass(frozen=True, slots=True)
class LinkView:
    """What the holder of the link sees besides. `to_pay` is what nothing pays for yet, until
    `pay_until`; None when there is nothing of that."""

    to_pay: Money | None
    pay_until: datetime | None

    lines: tuple[PublicLine, ...]
    destinations: tuple[Destination, ...]
    documents: tuple[PublicDocument, ...]
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


def public_order(
    order: Order,
    shipments: Sequence[Shipment],
    documents: Sequence[Invoice],
    events: Sequence[Event],
    nodes: Mapping[str, Node],
    *,
    linked: bool,
    others: Sequence[Order] = (),
) -> PublicOrder:
    """The order as the public sees it; with `linked`, as the holder of its link does. `others` are
    the orders it is linked to, `documents` its invoices and credit notes."""
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
        link=_link(order, sent, documents, nodes, others) if linked else None,
    )


def payment_page(page: str, order: Order) -> str | None:
    """Where the holder of an order's link pays for it: `page` with the order's `{number}` and
    `{token}`, which are safe in an address; None when the shop has no such page ('')."""
    number, token = order.tracking_number, order.link_token
    return page.replace("{number}", number).replace("{token}", token) or None


def cart_page(page: str, order: Order) -> str | None:
    """Where a cart is shown to whom it concerns: `page` with the `{cart}`'s id, which by itself
    opens nothing; None when the shop has no such page ('')."""
    return page.replace("{cart}", order.id) or None


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
    documents: Sequence[Invoice],
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
        to_pay=to_pay(order) if awaits_payment(order) else None,
        pay_until=order.hold_until if order.state == "placed" else pay_until(order),
        lines=tuple(lines),
        destinations=_destinations(order, nodes),
        documents=tuple(
            PublicDocument(d.kind, d.shipment_id, d.number, d.issued_at, d.gross) for d in documents
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
