"""A line of an order: which units of it are where, at what price.

Quantities are kept as portions: every ordered unit of a line is in exactly one portion, and a
portion says for which delivery group it is, how far it has come, and where. Moving units between
stages can therefore neither lose nor invent any; every count is a sum over portions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import date, datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.domain.shop import TaxCode
from parcelway.values import dataclass

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
Source = Literal["kit", "promotion", "coupon", "adjustment"]  # of a discount
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
class Discount:
    """What was taken off a whole line or charge, and by what: `name` is how it is shown.

    `amount` is positive and on the basis of the price: with tax where prices include it.
    """

    source: Source
    id: str
    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Share:
    """What of a line's net and tax its units of one delivery group bear, taxed where they go.

    `tax_code` says how, `tax_reason` why nothing is charged (a code of the VATEX list, BT-121, or
    a text, BT-120); '' where it needs no reason.
    """

    group: str
    net: Money
    tax: Money
    tax_rate: int
    tax_code: TaxCode = "S"
    tax_reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU of the order, with its price frozen when the order is placed.

    `unit_price` is as in the catalogue (with or without tax as the shop says), `price_source`
    where it came from. `net` and `tax` are for the whole ordered quantity, after `discounts`;
    they are the line's share of the order's totals and are what invoices and refunds divide. A
    line in several delivery groups has them in `shares`, one per group, that add up to them;
    `tax_rate`, `tax_code` and `tax_reason` are then the first group's. `declined` is why nodes did
    not send units that they were to send, by node: none of them is asked for the line again.
    `unit_cost` is what a unit cost the shop when the order was placed, None where nobody knows.
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
    tax_code: TaxCode = "S"
    tax_reason: str = ""
    weight_grams: int = 0
    shares: tuple[Share, ...] = ()
    declined: Mapping[str, str] = field(default_factory=dict)
    discounts: tuple[Discount, ...] = ()
    unit_cost: Money | None = None

    @property
    def quantity(self) -> int:
        """Units ordered."""
        return sum(portion.quantity for portion in self.portions)

    @property
    def amount(self) -> Money:
        """What the line comes to, as its price is meant: unit price x quantity - discounts."""
        return self.unit_price * self.quantity - taken_off(self.discounts, self.unit_price.currency)

    @property
    def by_group(self) -> tuple[Share, ...]:
        """What the line's units of each delivery group bear."""
        if self.shares:
            return self.shares
        of = self.net, self.tax, self.tax_rate, self.tax_code, self.tax_reason
        return (Share(self.portions[0].group, *of),)

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
class Kit:
    """Articles that are ordered together for one price: `quantity` times the `components`, units by
    SKU as they were when it was put in.

    The units are in the order's lines, with whatever else is ordered of those articles. A kit comes
    to `unit_price`; what its components cost more alone is taken off their lines.
    """

    sku: str
    name: str
    quantity: int
    components: Mapping[str, int]
    unit_price: Money
    price_source: str = "catalogue"

    def units(self, sku: str) -> int:
        """Units of an article in all of them."""
        return self.components.get(sku, 0) * self.quantity


def taken_off(discounts: Iterable[Discount], currency: str) -> Money:
    return Money(sum(each.amount.minor for each in discounts), currency)


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
