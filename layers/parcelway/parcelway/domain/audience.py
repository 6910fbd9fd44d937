"""Whom prices, promotions and parts of the catalogue are for, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from parcelway.domain.catalogue import Product
from parcelway.domain.parties import Channel, Segment
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, as far as offers tell buyers apart. `account` is the business account ('': none),
    `groups` are the customer groups."""

    channel: Channel
    segment: Segment = "b2c"
    groups: tuple[str, ...] = ()
    account: str = ""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom something is for: whoever fits each of what is named, by one of its values. Where
    nothing is named it is for everybody."""

    channels: tuple[Channel, ...] = ()
    segments: tuple[Segment, ...] = ()
    groups: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def includes(self, buyer: Buyer) -> bool:
        """Whether it is for this buyer."""
        return (
            (not self.channels or buyer.channel in self.channels)
            and (not self.segments or buyer.segment in self.segments)
            and (not self.groups or any(group in self.groups for group in buyer.groups))
            and (not self.accounts or buyer.account in self.accounts)
        )

    @property
    def rank(self) -> tuple[bool, bool, bool, bool]:
        """How specific it is: an account counts before a group, that before a channel, that before
        a segment; naming one more besides counts more. Greater is more specific."""
        return bool(self.accounts), bool(self.groups), bool(self.channels), bool(self.segments)


EVERYBODY = Audience()


@dataclass(frozen=True, slots=True)
class Window:
    """When something holds: from `starts_at` on, until before `ends_at`; None: without end."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def open(self, now: datetime) -> bool:
        """Whether it holds now."""
        begun = self.starts_at is None or self.starts_at <= now
        return begun and (self.ends_at is None or now < self.ends_at)


ALWAYS = Window()


@dataclass(frozen=True, slots=True)
class Assortment:
    """A part of the catalogue that only some may see and buy."""

    id: str
    name: str
    audience: Audience = EVERYBODY
    version: int = 0


def assortments_for(buyer: Buyer, assortments: Iterable[Assortment]) -> tuple[str, ...]:
    """The ids of the assortments that are for a buyer, in their order."""
    return tuple(sorted(each.id for each in assortments if each.audience.includes(buyer)))


def visible(product: Product, buyer: Buyer, assortments: Mapping[str, Assortment]) -> bool:
    """Whether a buyer may see and buy a product: it is in no assortment, or in one for them.

    An assortment that is not (or no longer) defined is for nobody: nothing is shown by mistake.
    """
    if not product.assortments:
        return True
    known = [assortments[id] for id in product.assortments if id in assortments]
    return any(assortment.audience.includes(buyer) for assortment in known)
