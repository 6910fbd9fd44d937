"""The order: one aggregate from draft (the cart) to closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import date, datetime
from typing import Any, Literal

from parcelway.domain.account import Approval
from parcelway.domain.adjustment import Adjustment
from parcelway.domain.audience import Buyer
from parcelway.domain.gift_card import Tender
from parcelway.domain.line import Discount, Kit, Line, taken_off
from parcelway.domain.money import Money, total
from parcelway.domain.parties import (
    GUEST,
    SYSTEM,
    Actor,
    Address,
    Channel,
    Contact,
    Segment,
    TaxExemption,
)
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Method, TaxCode, Via
from parcelway.domain.term import Term
from parcelway.values import dataclass

State = Literal["draft", "placed", "confirmed", "closed", "cancelled", "expired"]
PaymentStatus = Literal[
    "none",
    "authorized",
    "partially_captured",
    "due",
    "captured",
    "partially_refunded",
    "refunded",
    "voided",
    "failed",
]
# What a customer wants done about units that are not there: not said (such an order is refused),
# everything together once all is there, what is there now and the rest when it comes, only what is
# there now, or the rest as an order of its own.
Shortage = Literal["", "ship_complete", "ship_available", "drop", "separate_order"]
SHORTAGES: tuple[Shortage, ...] = ("ship_complete", "ship_available", "drop", "separate_order")
WAITS: tuple[Shortage, ...] = ("ship_complete", "ship_available", "separate_order")


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
    other nodes get there. `charge_net` and `charge_tax` are the shipping charge after
    `charge_discounts`, taxed as `charge_tax_code` and `charge_tax_reason` say. `promise` is the
    first one given and never rewritten: what became of it is in `revisions`, oldest first. `slots`
    are the days of nodes with a limited capacity that its parcels count on, one each; they go where
    the parcels go. `fulfilled_on` is the day, where it left from, on which something of it last
    arrived or lay ready to be collected.
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
    charge_tax_code: TaxCode = "S"
    charge_tax_reason: str = ""
    promise: Promise | None = None
    revisions: tuple[Revision, ...] = ()
    via: Via = ""
    slots: tuple[Slot, ...] = ()
    fulfilled_on: date | None = None
    charge_discounts: tuple[Discount, ...] = ()

    @property
    def charge(self) -> Money | None:
        """What the shipping charge comes to after discounts, as its price is meant."""
        price = self.charge_price
        return price and price - taken_off(self.charge_discounts, price.currency)

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
    lapses). `open_payments` counts its payments that the customer can still complete. `authorized`,
    `captured` and `refunded` sum its payments, `secured` is what those that
    count hold or took, `charged_back` what banks took of them in disputes. `invoiced` sums its
    invoices less its credit notes, which alone `credited` sums; of its total `cancelled_gross` is
    not owed any more because units were cancelled. `commands` tells
    which Idempotency-Keys were applied, each with the fingerprint of its request. `holds` stop
    the order, `alerts` only ask somebody to look.
    `uncollected` are its shipments that lie ready in a store, each with when to see to it: to
    remind its customer, or to take it back.
    Of what was captured `outstanding` was only claimed, on account: the transfer is still to come,
    `due_days` after the invoice (None: not on account); negative when more came than was claimed.
    `terms` are its invoices on account, oldest first.
    `lapses` are its payments whose hold will end, by number, each with when to look at it.
    `card` is the payment whose card may be charged again without the customer, '' for none.
    `shortage` is what the customer chose for what is not there. `waves` counts how often units were
    scheduled together. `linked` are orders that units of this one moved to, or came from.
    `kits` are what of its lines was ordered together, as it was when the order was placed.
    `tax_id` is the buyer's VAT number with its prefix, '' for none. `adjustments` are what staff
    changed about its price.
    `gift_cards` pay for it before anything else does.
    `actor` is who fills a draft or placed the order, `acted_by` are the staff (subjects in the user
    pool) who were let act on it for its customer, `causes` what for, by subject.
    `access_hash` proves a cart holder ('': there is none but by a grant); `link_token` is what mail
    links carry. `told_again` is the sequence of the last event that was published a second time, in
    case the first got lost.
    `cart_told_at` is when the shop last heard of the cart.
    `customer_groups`, `account` and `preferences` are the customer's when they made the cart
    theirs; `formerly` are records that were merged into theirs. `coupons` are
    the codes that were entered, `code_misses` how many, of gift cards too, could not be used;
    `uses` are the counters on which the placed order is counted, `limited` those on which its units
    are, by SKU.
    An order that was sold elsewhere has the `external_id` that it has there, unique within its
    `source`; with `as_sold` its unit prices and delivery charges are those of the sale, which
    pricing leaves as they are. `told_by_source` is the digest of all that the source said of it.
    `purchase_order` is the number that a business gave it, `approval` what its approver said.
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
    acted_by: tuple[str, ...] = ()
    causes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    customer_id: str = ""
    contact: Contact | None = None
    billing_address: Address | None = None
    tax_id: str = ""
    tax_exemptions: tuple[TaxExemption, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[Line, ...] = ()
    groups: tuple[DeliveryGroup, ...] = (DeliveryGroup("g1"),)
    shortage: Shortage = ""
    waves: int = 0
    linked: tuple[str, ...] = ()
    payment_method: str = ""
    payment_status: PaymentStatus = "none"
    payment_attempts: int = 0
    open_payments: int = 0
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    secured: int = 0
    charged_back: int = 0
    invoiced: int = 0
    credited: int = 0
    cancelled_gross: int = 0
    holds: tuple[Hold, ...] = ()
    alerts: tuple[Hold, ...] = ()
    uncollected: Mapping[str, datetime] = field(default_factory=dict)
    lapses: Mapping[str, datetime] = field(default_factory=dict)
    card: str = ""
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
    customer_groups: tuple[str, ...] = ()
    account: str = ""
    coupons: tuple[str, ...] = ()
    code_misses: int = 0
    uses: tuple[str, ...] = ()
    gift_cards: tuple[Tender, ...] = ()
    outstanding: int = 0
    due_days: int | None = None
    terms: tuple[Term, ...] = ()
    limited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formerly: tuple[str, ...] = ()
    preferences: Mapping[str, str] = field(default_factory=dict)
    as_sold: bool = False
    told_by_source: str = ""
    purchase_order: str = ""
    approval: Approval | None = None
    kits: tuple[Kit, ...] = ()

    @property
    def buyer(self) -> Buyer:
        """Who buys, as far as offers tell buyers apart."""
        return Buyer(self.channel, self.segment, self.customer_groups, self.account)

    @property
    def group(self) -> DeliveryGroup:
        """The first delivery group: the only one unless the order is divided over several."""
        return self.groups[0]

    @property
    def owed(self) -> Money:
        """What the customer owes: invoiced, less what was taken and not given back. Negative: held
        for them, because nothing was invoiced for it yet, or no more."""
        taken = self.captured - self.refunded - self.outstanding
        return Money(self.invoiced - taken, self.currency)

    @property
    def sold_elsewhere(self) -> bool:
        """Whether it was imported from where it was bought, which alone deals with its buyer."""
        return bool(self.external_id)

    def is_for(self, customer_id: str) -> bool:
        """Whether something of this customer's, or of nobody's in particular, is this order's."""
        return customer_id in ("", self.customer_id, *self.formerly)

    def line(self, sku: str) -> Line | None:
        """The line of a SKU; lines that share a SKU are merged, so there is at most one."""
        return next((line for line in self.lines if line.sku == sku), None)

    def kit(self, sku: str) -> Kit | None:
        """The kits of a SKU, None when there are none."""
        return next((kit for kit in self.kits if kit.sku == sku), None)

    def in_kits(self, sku: str) -> int:
        """Units of an article that belong to kits."""
        return sum(kit.units(sku) for kit in self.kits)

    def loose(self, line: Line) -> int:
        """Units of a line that were ordered by themselves."""
        return line.quantity - self.in_kits(line.sku)

    def group_named(self, group_id: str) -> DeliveryGroup:
        """A delivery group by its id. Raises KeyError for an unknown one."""
        for group in self.groups:
            if group.id == group_id:
                return group
        raise KeyError(group_id)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the order comes to. `goods` and `shipping` are net; `gross` is what is paid. `discount`
    is what they would be more without discounts, as prices are meant: with or without tax."""

    goods: Money
    shipping: Money
    tax: Money
    gross: Money
    discount: Money


def totals(order: Order) -> Totals:
    """The order's totals: always exactly the sum of its lines' and charges' frozen parts."""
    currency = order.currency
    goods = total((line.net for line in order.lines), currency)
    shipping = total((g.charge_net for g in order.groups if g.charge_net), currency)
    tax = total((line.tax for line in order.lines), currency) + total(
        (g.charge_tax for g in order.groups if g.charge_tax), currency
    )
    off = [line.discounts for line in order.lines] + [g.charge_discounts for g in order.groups]
    discount = taken_off((each for discounts in off for each in discounts), currency)
    return Totals(goods, shipping, tax, goods + shipping + tax, discount)


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


MAX_MISSES = 10  # codes that cannot be used, per cart: nobody finds one by guessing
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


def with_line(order: Order, line: Line) -> tuple[Line, ...]:
    """The order's lines with the one of the same number replaced."""
    return tuple(line if old.number == line.number else old for old in order.lines)
