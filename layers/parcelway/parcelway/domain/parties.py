"""People and places as an order keeps them: snapshots that later edits elsewhere never change."""

from __future__ import annotations

from typing import Literal

from parcelway.values import dataclass

Channel = Literal["online", "in_person", "phone", "mobile", "marketplace"]
Segment = Literal["b2c", "b2b"]
CHANNELS: tuple[Channel, ...] = ("online", "in_person", "phone", "mobile", "marketplace")


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. `country` is ISO 3166-1 alpha-2, `region` a state or province code."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the shop writes to about an order. `phone` is E.164 or ''."""

    name: str
    email: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: `kind` customer, guest, staff, provider (payment), carrier or system."""

    kind: Literal["customer", "guest", "staff", "provider", "carrier", "system"]
    id: str = ""


SYSTEM = Actor("system")
GUEST = Actor("guest")
