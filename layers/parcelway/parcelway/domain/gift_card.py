"""Gift cards and store credit as they are kept: what each can still pay, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.domain.parties import Actor
from parcelway.values import dataclass

GIFT_CARD = "gift_card"  # the method of a payment by either kind
Kind = Literal["gift_card", "store_credit"]
Happening = Literal["issued", "redeemed", "returned", "blocked", "unblocked"]


@dataclass(frozen=True, slots=True)
class GiftCard:
    """What whoever knows its code can pay with; store credit only its customer.

    The `id` is a hash of the code, of which nothing else is kept but the last four letters, in
    `ending`. `balance` is in minor units; what orders hold of it has left it. It pays until
    `valid_until` (inclusive, in UTC; None: for good). `version` counts what happened to it, and
    `fingerprint` is of the request that it was issued by.
    """

    id: str
    version: int
    kind: Kind
    currency: str
    balance: int
    ending: str
    issued_at: datetime
    valid_until: date | None = None
    customer_id: str = ""
    blocked: bool = False
    fingerprint: str = ""

    @property
    def value(self) -> Money:
        """What it can still pay."""
        return Money(self.balance, self.currency)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to a card; `sequence` is the version it had after it, `change` how
    its balance moved. `order_id` is whose order it paid for, `reason` what staff said."""

    sequence: int
    kind: Happening
    at: datetime
    change: int
    actor: Actor
    order_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CardChange:
    """A card as it is after `entries`: one version for each of them."""

    card: GiftCard
    entries: tuple[Entry, ...]

    @property
    def before(self) -> int:
        """The version that the card must have been at; 0 for a new one."""
        return self.card.version - len(self.entries)


@dataclass(frozen=True, slots=True)
class Tender:
    """A card on an order. In a cart `balance` is what the customer was told that it has; `amount`
    is what it paid once the order is placed, whatever was given back of it since."""

    card: str
    kind: Kind
    ending: str
    balance: Money
    amount: Money
