"""Input models that several routes share. Unknown members and loose types are refused."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from parcelway.domain.money import CURRENCIES, Money
from parcelway.domain.parties import Address, Contact

# C0 and C1 controls and lone surrogates have no place in a name, and the latter in no UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f]|[\ud800-\udfff]")
_EMAIL = re.compile(r"^[^@\s<>(),;:\\\"\[\]]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z][\w-]{1,62}$")


def _printable(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _email(text: str) -> str:
    if len(text) > 254 or ".." in text or not _EMAIL.match(text):
        raise ValueError("not an e-mail address")
    return text


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("not a currency that is known here")
    return code


def Text(most: int, least: int = 1) -> Any:
    """One line of printable text, trimmed, of `least` to `most` characters."""
    limits = StringConstraints(strip_whitespace=True, min_length=least, max_length=most)
    return Annotated[str, limits, AfterValidator(_printable)]


Email = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_email)]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]  # E.164
AnyPhone = Text(40)  # as people say it; ports/phones.py makes E.164 of it
CurrencyCode = Annotated[str, AfterValidator(_currency)]  # ISO 4217
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]  # ISO 3166-1 alpha-2


class Input(BaseModel):
    """What a client sends. `card_exempt` names members that may hold long numbers."""

    # A model is built when its first request comes: a start pays for none of the others.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    card_exempt: ClassVar[frozenset[str]] = frozenset()


class Link(Input):
    """The token of an order's link. Mail programs add parameters of their own: they are ignored."""

    model_config = ConfigDict(extra="ignore")
    k: str = ""


class MoneyInput(Input):
    """An amount in minor units of an ISO 4217 currency."""

    minor: int = Field(ge=0, le=10**12)
    currency: CurrencyCode

    def money(self) -> Money:
        """The amount."""
        return Money(self.minor, self.currency)


class AddressInput(Input):
    """A postal address. Some countries have no postal codes, in some an address may have none."""

    name: Text(100)  # type: ignore[valid-type]
    line1: Text(120)  # type: ignore[valid-type]
    line2: Text(120, 0) = ""  # type: ignore[valid-type]
    city: Text(80)  # type: ignore[valid-type]
    region: Text(40, 0) = ""  # type: ignore[valid-type]
    country: CountryCode  # before the code, which goes by it
    postal_code: Text(16, 0) = Field(default="", validate_default=True)  # type: ignore[valid-type]
    company: Text(100, 0) = ""  # type: ignore[valid-type]

    @field_validator("postal_code")
    @classmethod
    def _needed(cls, code: str, others: ValidationInfo) -> str:
        if code:
            return code
        from parcelway.domain.postal_codes import needs_code  # few addresses ask for it

        country = others.data.get("country", "")
        if needs_code(country):
            raise ValueError(f"an address in {country} has a postal code")
        return code

    def address(self) -> Address:
        """The address as orders keep it."""
        return Address(**self.model_dump())


class ContactInput(Input):
    """Whom to write to about an order."""

    name: Text(100)  # type: ignore[valid-type]
    email: Email
    phone: Phone | None = None

    def contact(self) -> Contact:
        """The contact as orders keep it."""
        return Contact(self.name, self.email, self.phone or "")
