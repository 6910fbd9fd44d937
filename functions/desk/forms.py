"""What the service desk says, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from parcelway.domain.acting import Start
from parcelway.domain.adjustment import Cap
from parcelway.domain.grant import Cause, Grant
from parcelway.domain.parties import Actor
from parcelway.http.schemas import CurrencyCode, Input, Text
from parcelway.http.views import OrderView
from parcelway.values import dataclass
from pydantic import Field


class Reason(Input):
    """Why somebody acts for a customer; it is on record with the order."""

    cause: Cause


class NewCart(Reason):
    """For whom a cart is begun, nobody known where `customer_id` is left out. Currency and language
    are those the customer prefers, or else the shop's, unless given."""

    channel: Literal["phone", "in_person"]
    customer_id: str | None = Field(default=None, pattern=r"^cus_[a-z2-7]{26}$")
    currency: CurrencyCode | None = None
    language: Text(35, 2) | None = None  # type: ignore[valid-type]

    def start(self) -> Start:
        """How the cart is begun."""
        return Start(self.channel, self.currency or "", self.language or "")


class NewNote(Input):
    """Something that people of the shop are to know about an order."""

    text: Text(1000)  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class NotedView:
    """A note, and the version of the order that has it."""

    note: str
    version: int


@dataclass(frozen=True, slots=True)
class EntryView:
    """Something that happened to an order: what, when, and by whom; `note` is the text of what was
    noted, `mail` what became of the mail about it, '' where there is none."""

    type: str
    at: datetime
    actor: Actor
    data: Mapping[str, Any]
    note: str
    mail: str


@dataclass(frozen=True, slots=True)
class TimelineView:
    """All that happened to an order, the oldest first; `acted_by` are the staff who were let act on
    it for its customer, `causes` what for, by who it was. `staff` are the names of whom it tells,
    by subject; somebody who has left has none."""

    acted_by: list[str]
    causes: Mapping[str, tuple[str, ...]]
    staff: Mapping[str, str]
    entries: list[EntryView]


@dataclass(frozen=True, slots=True)
class ActingView:
    """An order, and the token by which its cart's routes can be called for its customer until
    `expires_at`: send it as `Cart-Token`. `grant` names it, to end it."""

    order: OrderView
    cart_token: str
    grant: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class GrantView:
    """A grant as it is on record; `ended_at` is null when nobody ended it."""

    grant: str
    cause: str
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None


def grant_view(grant: Grant) -> GrantView:
    """A grant without what proves it."""
    return GrantView(grant.id, grant.cause, grant.opened_at, grant.expires_at, grant.ended_at)


@dataclass(frozen=True, slots=True)
class DeskView:
    """What the desk may choose from. `adjustment_reasons` are by language as customers see them.
    The caller may give away what one of the `caps` of their roles covers; `unlimited`: anything."""

    shop: str
    currencies: list[str]
    languages: list[str]
    adjustment_reasons: Mapping[str, Mapping[str, str]]
    caps: list[Cap]
    unlimited: bool
