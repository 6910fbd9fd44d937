"""What a decision is: the changes to commit together, or nothing at all."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.invoice import Invoice
from parcelway.domain.ledger import Posting
from parcelway.domain.order import Event, Order, Slot
from parcelway.domain.payment import Payment
from parcelway.domain.shipment import Shipment
from parcelway.domain.stock import Entry, Move
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """An order at its next version, with everything that must change in the same transaction;
    `linked` is what is decided about another order with it, `requeued` are places in queues (SKU,
    node, since) whose dates it changes. `taken` and `given` are parcels of nodes' days, `entry` is
    what it tells the stock books that is not the order's own doing."""

    order: Order
    events: tuple[Event, ...] = ()
    moves: tuple[Move, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    payment: Payment | None = None
    invoice: Invoice | None = None
    postings: tuple[Posting, ...] = ()
    linked: Decision | None = None
    requeued: tuple[tuple[str, str, datetime], ...] = ()
    taken: tuple[Slot, ...] = ()
    given: tuple[Slot, ...] = ()
    entry: Entry | None = None
