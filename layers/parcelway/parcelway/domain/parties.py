"""People and places as an order keeps them: snapshots that later edits elsewhere never change."""

from __future__ import annotations

from datetime import date
from typing import Literal

from parcelway.values import dataclass

_REGION = 3  # most letters and digits of a region's code
Channel = Literal["online", "in_person", "phone", "mobile", "marketplace"]
Segment = Literal["b2c", "b2b"]
CHANNELS: tuple[Channel, ...] = ("online", "in_person", "phone", "mobile", "marketplace")


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. `country` is ISO 3166-1 alpha-2, `region` a state or province code,
    `postal_code` '' where the country has none."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""
    company: str = ""

    def lies_in(self, region: str) -> bool:
        """Whether it is in a country (`US`) or a region of one (`US-OH`)."""
        return region in (self.country, f"{self.country}-{self.region_code or self.region}")

    @property
    def region_code(self) -> str:
        """The code of the region within its country (ISO 3166-2), '' for what is no code."""
        code = self.region.strip().upper().removeprefix(f"{self.country}-")
        return code if len(code) <= _REGION and code.isalnum() and code.isascii() else ""


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


@dataclass(frozen=True, slots=True)
class TaxExemption:
    """A certificate by which its holder is charged no tax on what goes to `region`: a country
    (`US`) or a region of it (`US-OH`).

    It counts from `valid_from` to `valid_until`, both included (None: until it is taken back).
    `reason` is what documents say: a code of the VATEX list or a text (EN 16931, BT-121, BT-120).
    """

    certificate: str
    region: str
    reason: str
    valid_from: date
    valid_until: date | None = None

    def covers(self, place: Address, day: date) -> bool:
        """Whether what goes to `place` on `day` is exempt."""
        return place.lies_in(self.region) and self.valid_from <= day <= (self.valid_until or day)
