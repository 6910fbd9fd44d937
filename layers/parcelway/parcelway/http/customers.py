"""What goes in and out about customers, at their own door and at the service desk's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from parcelway.domain.contacts import ContactPoint
from parcelway.domain.customer import Consent, Customer, SavedAddress
from parcelway.domain.login import normalise_email
from parcelway.domain.parties import Address
from parcelway.http.schemas import AddressInput, Email, Input, Text
from parcelway.values import dataclass


def _mailable(text: str) -> str:
    normalise_email(text)
    return text


LoginEmail = Annotated[Email, AfterValidator(_mailable)]
Language = Annotated[  # BCP 47: language, script, region
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")
]
PreferenceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class BookEntry(Input):
    """An address for the book."""

    label: Text(40)  # type: ignore[valid-type]
    address: AddressInput
    default_shipping: bool = False
    default_billing: bool = False

    def saved(self, address_id: str) -> SavedAddress:
        """The entry as the record keeps it."""
        address = self.address.address()
        return SavedAddress(
            address_id, self.label, address, self.default_shipping, self.default_billing
        )


_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Standing(Input):
    """What offers tell a customer apart by: customer groups, and the business account."""

    groups: Annotated[list[_Name], Field(max_length=20)] = Field(default_factory=list)
    account: _Name | Literal[""] = ""

    def values(self) -> dict[str, Any]:
        """The record's fields with the values they are to have."""
        return {"groups": tuple(sorted(set(self.groups))), "account": self.account}


@dataclass(frozen=True, slots=True)
class AddressView:
    """An address of the book."""

    id: str
    label: str
    address: Address
    default_shipping: bool
    default_billing: bool


@dataclass(frozen=True, slots=True)
class CustomerView:
    """The own record; its `version` goes into If-Match."""

    id: str
    version: int
    state: str
    email: str
    name: str
    given_name: str
    family_name: str
    phone: str
    contacts: list[ContactPoint]
    currency: str
    language: str
    addresses: list[AddressView]
    consents: Mapping[str, Consent]
    preferences: Mapping[str, str]
    groups: list[str]
    account: str
    created_at: datetime


def customer_view(customer: Customer) -> CustomerView:
    """The record as its owner sees it."""
    return CustomerView(
        id=customer.id,
        version=customer.version,
        state=customer.state,
        email=customer.email,
        name=customer.name,
        given_name=customer.given_name,
        family_name=customer.family_name,
        phone=customer.phone,
        currency=customer.currency,
        language=customer.language,
        addresses=[
            AddressView(
                each.id, each.label, each.address, each.default_shipping, each.default_billing
            )
            for each in customer.addresses
        ],
        consents=customer.consents,
        contacts=list(customer.contacts),
        preferences=customer.preferences,
        groups=list(customer.groups),
        account=customer.account,
        created_at=customer.created_at,
    )
