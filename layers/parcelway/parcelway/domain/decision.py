"""What a decision is: the changes to commit together, or nothing at all."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.account import Approval
from parcelway.domain.adjustment import Adjustment
from parcelway.domain.coupons import Use
from parcelway.domain.dispute import Dispute
from parcelway.domain.gift_card import CardChange
from parcelway.domain.invoice import Invoice
from parcelway.domain.ledger import Posting
from parcelway.domain.order import DeliveryGroup, Event, Order, Slot
from parcelway.domain.payment import Payment
from parcelway.domain.shipment import Shipment
from parcelway.domain.stock import Entry, Move, net
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """An order at its next version, with everything that must change in the same transaction;
    `linked` is what is decided about another order with it, `requeued` are places in queues (SKU,
    node, since) whose dates it changes. `taken` and `given` are parcels of nodes' days, `entry` is
    what it tells the stock books that is not the order's own doing. `credit_notes` are of one
    series, with numbers that follow each other, `disputes` those that are new or have changed.
    `proposed` waits for somebody's decision from now on, `settled` does not any more; `asking`
    waits for the word of a business account's approvers, `asked` does not any more. `uses` of what
    is limited are counted, `unused` are the counters to take one back from, `unbought` those of
    purchase limits to take so many units back from. `tenders` are payments by gift card; `cards` is
    what becomes of these, for a linked order as well."""

    order: Order
    events: tuple[Event, ...] = ()
    moves: tuple[Move, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    payment: Payment | None = None
    invoice: Invoice | None = None
    credit_notes: tuple[Invoice, ...] = ()
    postings: tuple[Posting, ...] = ()
    linked: Decision | None = None
    requeued: tuple[tuple[str, str, datetime], ...] = ()
    taken: tuple[Slot, ...] = ()
    given: tuple[Slot, ...] = ()
    entry: Entry | None = None
    disputes: tuple[Dispute, ...] = ()
    proposed: Adjustment | None = None
    settled: Adjustment | None = None
    asking: Approval | None = None
    asked: Approval | None = None
    uses: tuple[Use, ...] = ()
    unused: tuple[str, ...] = ()
    unbought: tuple[tuple[str, int], ...] = ()
    tenders: tuple[Payment, ...] = ()
    cards: tuple[CardChange, ...] = ()

    @property
    def changes(self) -> int:
        """How many balances, places in queues and days of nodes it changes."""
        told = self.entry.moves if self.entry else ()
        queued = [move for move in self.moves if move.kind == "backorder"]
        return len(net([*self.moves, *told])) + len(queued) + len({*self.taken, *self.given})


@dataclass(frozen=True, slots=True)
class Rebooked:
    """An order's groups with the days of nodes that they count on from now on, and what of these
    is `taken` for it and `given` back."""

    groups: tuple[DeliveryGroup, ...]
    taken: tuple[Slot, ...] = ()
    given: tuple[Slot, ...] = ()
