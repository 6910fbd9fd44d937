"""The order: one aggregate from draft (the cart) to closed.

Quantities are kept as portions: every ordered unit of a line is in exactly one portion, and a
portion says for which delivery group it is, how far it has come, and where. Moving units between
stages can therefore neither lose nor invent any; every count is a sum over portions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import date, datetime
from typing import Any, Literal

from parcelway.domain.money import Money, total
from parcelway.domain.parties import GUEST, SYSTEM, Actor, Address, Channel, Contact, Segment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Method, Via
from parcelway.values import dataclass

State = Literal["draft", "placed", "confirmed", "closed", "cancelled", "expired"]
PaymentStatus = Literal[
    "none",
    "authorized",
    "partially_captured",
    "captured",
    "partially_refunded",
    "refunded",
    "voided",
    "failed",
]
Stage = Literal[
    "open",
    "reserved",
    "backordered",
    "allocated",
    "released",
    "packed",
    "shipped",
    "delivered",
    "picked_up",
    "cancelled",
    "returned",
]
# What a customer wants done about units that are not there: not said (such an order is refused),
# everything together once all is there, what is there now and the rest when it comes, only what is
# there now, or the rest as an order of its own.
Shortage = Literal["", "ship_complete", "ship_available", "drop", "separate_order"]
SHORTAGES: tuple[Shortage, ...] = ("ship_complete", "ship_available", "drop", "separate_order")
WAITS: tuple[Shortage, ...] = ("ship_complete", "ship_available", "separate_order")
# Stages whose units left the shop's stock, and those whose units are no longer wanted.
GONE: tuple[Stage, ...] = ("shipped", "delivered", "picked_up", "returned")
DONE: tuple[Stage, ...] = ("delivered", "picked_up", "cancelled", "returned")


@dataclass(frozen=True, slots=True)
class Portion:
    """`quantity` units of a line that share delivery group, stage, node and shipment.

    Backordered units wait at `node` since `since` and are expected on `due` (None: nobody knows).
    `quota` names the channel against whose quota they count, '' for none.
    """

    group: str
    stage: Stage
    quantity: int
    node: str = ""
    shipment: str = ""
    since: datetime | None = None
    due: date | None = None
    quota: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """What of a line's net and tax its units of one delivery group bear, taxed where they go."""

    group: str
    net: Money
    tax: Money
    tax_rate: int


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU of the order, with its price frozen when the order is placed.

    `unit_price` is as in the catalogue (with or without tax as the shop says), `price_source`
    where it came from. `net` and `tax` are for the whole ordered quantity, after discounts;
    they are the line's share of the order's totals and are what invoices and refunds divide. A
    line in several delivery groups has them in `shares`, one per group, that add up to them;
    `tax_rate` is then the first group's. `declined` is why nodes did not send units that they were
    to send, by node: none of them is asked for the line again.
    """

    number: int
    sku: str
    name: str
    unit_price: Money
    portions: tuple[Portion, ...]
    net: Money
    tax: Money
    price_source: str = "catalogue"
    tax_category: str = "standard"
    tax_rate: int = 0
    weight_grams: int = 0
    shares: tuple[Share, ...] = ()
    declined: Mapping[str, str] = field(default_factory=dict)

    @property
    def quantity(self) -> int:
        """Units ordered."""
        return sum(portion.quantity for portion in self.portions)

    @property
    def by_group(self) -> tuple[Share, ...]:
        """What the line's units of each delivery group bear."""
        return self.shares or (Share(self.portions[0].group, self.net, self.tax, self.tax_rate),)

    def share(self, group: str) -> Share:
        """What the line's units of a group bear. Raises KeyError when it has none there."""
        for share in self.by_group:
            if share.group == group:
                return share
        raise KeyError(group)

    def units(self, group: str) -> int:
        """Units for a delivery group."""
        return sum(portion.quantity for portion in self.portions if portion.group == group)

    def count(self, *stages: Stage) -> int:
        """Units now in any of `stages`."""
        return sum(portion.quantity for portion in self.portions if portion.stage in stages)


@dataclass(frozen=True, slots=True)
class Promise:
    """A delivery window the customer was given: local dates at the destination, inclusive.

    For pick-up `ready_by` is the moment from which the goods can be collected.
    """

    earliest: date
    latest: date
    ready_by: datetime | None = None


Slot = tuple[str, date]  # a parcel of what a node can make ready on a day


@dataclass(frozen=True, slots=True)
class Revision:
    """A promise that took the place of an earlier one, and why. None: no date can be given."""

    at: datetime
    promise: Promise | None
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryGroup:
    """Units that go to one place in one way. An order has at least one.

    For delivery `address` is where to; for pick-up `store` is the node's id, and `via` how goods of
    other nodes get there. `charge_net` and
    `charge_tax` are the shipping charge. `promise` is the first one given and never rewritten: what
    became of it is in `revisions`, oldest first. `slots` are the days of nodes with a limited
    capacity that the promise counts on, a parcel each. `fulfilled_on` is the day, where it left
    from, on which something of it last arrived or lay ready to be collected.
    """

    id: str
    method: Method | None = None
    address: Address | None = None
    store: str = ""
    service: str = ""
    service_name: Mapping[str, str] = field(default_factory=dict)
    instructions: str = ""
    charge_price: Money | None = None
    charge_net: Money | None = None
    charge_tax: Money | None = None
    charge_tax_rate: int = 0
    promise: Promise | None = None
    revisions: tuple[Revision, ...] = ()
    via: Via = ""
    slots: tuple[Slot, ...] = ()
    fulfilled_on: date | None = None

    @property
    def present_promise(self) -> Promise | None:
        """The window that holds at present; None when none was given, or none can be."""
        return self.revisions[-1].promise if self.revisions else self.promise


PAYMENT_LOST = "payment_lost"  # the hold of a confirmed order without money behind it


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason why an order must not go on, until somebody releases it."""

    code: str
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """The aggregate. `version` counts its commits; a commit names the version it was based on.

    `hold_until` is when an unpaid order's claim on stock may be taken back (None: no claim that
    lapses). `authorized`, `captured` and `refunded` sum its payments. `commands` remembers
    which Idempotency-Keys were applied, each with the fingerprint of its request. `holds` stop
    the order, `alerts` only ask somebody to look.
    `uncollected` are its shipments that lie ready in a store, each with when to see to it: to
    remind its customer, or to take it back.
    `shortage` is what the customer chose for what is not there. `waves` counts how often units were
    scheduled together. `linked` are orders that units of this one moved to, or came from.
    `access_hash` proves a cart holder; `link_token` is what mail links carry. `told_again` is the
    sequence of the last event that was published a second time, in case the first got lost.
    `cart_told_at` is when the shop last heard of the cart.
    """

    id: str
    version: int
    state: State
    currency: str
    language: str
    created_at: datetime
    access_hash: str
    channel: Channel = "online"
    source: str = "api"
    external_id: str = ""
    segment: Segment = "b2c"
    actor: Actor = GUEST
    customer_id: str = ""
    contact: Contact | None = None
    billing_address: Address | None = None
    lines: tuple[Line, ...] = ()
    groups: tuple[DeliveryGroup, ...] = (DeliveryGroup("g1"),)
    shortage: Shortage = ""
    waves: int = 0
    linked: tuple[str, ...] = ()
    payment_method: str = ""
    payment_status: PaymentStatus = "none"
    payment_attempts: int = 0
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    holds: tuple[Hold, ...] = ()
    alerts: tuple[Hold, ...] = ()
    uncollected: Mapping[str, datetime] = field(default_factory=dict)
    hold_until: datetime | None = None
    placed_at: datetime | None = None
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_reason: str = ""
    tracking_number: str = ""
    link_token: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    told_again: int = 0
    cart_told_at: datetime | None = None

    @property
    def group(self) -> DeliveryGroup:
        """The first delivery group: the only one unless the order is divided over several."""
        return self.groups[0]

    def line(self, sku: str) -> Line | None:
        """The line of a SKU; lines that share a SKU are merged, so there is at most one."""
        return next((line for line in self.lines if line.sku == sku), None)

    def group_named(self, group_id: str) -> DeliveryGroup:
        """A delivery group by its id. Raises KeyError for an unknown one."""
        for group in self.groups:
            if group.id == group_id:
                return group
        raise KeyError(group_id)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the order comes to. `goods` and `shipping` are net; `gross` is what is paid."""

    goods: Money
    shipping: Money
    tax: Money
    gross: Money


def totals(order: Order) -> Totals:
    """The order's totals: always exactly the sum of its lines' and charges' frozen parts."""
    currency = order.currency
    goods = total((line.net for line in order.lines), currency)
    shipping = total((g.charge_net for g in order.groups if g.charge_net), currency)
    tax = total((line.tax for line in order.lines), currency) + total(
        (g.charge_tax for g in order.groups if g.charge_tax), currency
    )
    return Totals(goods, shipping, tax, goods + shipping + tax)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an order, written with the change that made it so.

    `sequence` is unique within the order and grows. `data` holds ids and plain values only.
    """

    order_id: str
    sequence: int
    type: str
    at: datetime
    actor: Actor = SYSTEM
    data: Mapping[str, Any] = field(default_factory=dict)


EVENTS_PER_COMMIT = 100  # sequence = version * this + index, so the order's version orders them


def happened(
    order: Order, at: datetime, kind: str, actor: Actor = SYSTEM, **data: Any
) -> tuple[Event, ...]:
    """The one event of a commit that makes `order` (already at its new version) what it is."""
    return events(order, at, actor, (kind, data))


def events(
    order: Order, at: datetime, actor: Actor, *facts: tuple[str, Mapping[str, Any]]
) -> tuple[Event, ...]:
    """The events of one commit, in order; `order` is already at its new version."""
    first = order.version * EVENTS_PER_COMMIT
    return tuple(
        Event(order.id, first + index, kind, at, actor, data)
        for index, (kind, data) in enumerate(facts)
    )


def advance(order: Order, **changes: Any) -> Order:
    """The order after a change: the next version with `changes` applied."""
    return replace(order, version=order.version + 1, **changes)


def require(order: Order, *states: State) -> None:
    """Refuse with ILLEGAL_STATE unless the order is in one of `states`."""
    if order.state not in states:
        raise Refusal(
            Reason.ILLEGAL_STATE,
            f"The order is {order.state}; this needs it to be {' or '.join(states)}.",
            state=order.state,
        )


def merge(portions: Iterable[Portion]) -> tuple[Portion, ...]:
    """Portions with those alike but for their quantity added up, empty ones left out."""
    counts: dict[Portion, int] = {}
    for portion in portions:
        alike = replace(portion, quantity=0)
        counts[alike] = counts.get(alike, 0) + portion.quantity
    return tuple(replace(alike, quantity=n) for alike, n in counts.items() if n)


def move(line: Line, source: Portion, target: Portion) -> Line:
    """Move `target.quantity` units out of `source` (a portion of the line) into `target`'s place.

    Raises ValueError when `source` is not there or holds fewer units.
    """
    if source not in line.portions or not 0 < target.quantity <= source.quantity:
        raise ValueError(f"line {line.number} has not {target.quantity} units in {source}")
    rest = replace(source, quantity=source.quantity - target.quantity)
    portions = [rest if portion == source else portion for portion in line.portions]
    return replace(line, portions=merge([*portions, target]))


def move_all(line: Line, stages: tuple[Stage, ...], to: Stage, shipment: str | None = None) -> Line:
    """Move every unit in `stages` (of `shipment`, when given) to stage `to`, staying in place."""
    return replace(
        line,
        portions=merge(
            replace(portion, stage=to)
            if portion.stage in stages and shipment in (None, portion.shipment)
            else portion
            for portion in line.portions
        ),
    )


def with_line(order: Order, line: Line) -> tuple[Line, ...]:
    """The order's lines with the one of the same number replaced."""
    return tuple(line if old.number == line.number else old for old in order.lines)
