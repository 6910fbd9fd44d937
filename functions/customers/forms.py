"""What the service desk sends about customers, and what it sees."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lookups import Because
from parcelway.domain.account_state import Wanted
from parcelway.domain.address_book import MAX_ADDRESSES
from parcelway.domain.customer import WORDING, Consent, Customer, Purpose, consented
from parcelway.domain.demographics import Use
from parcelway.domain.ids import derived
from parcelway.domain.invitation import Particulars, full_name
from parcelway.domain.login import normalise_email
from parcelway.http.contacts import ContactPoints, points
from parcelway.http.customers import (
    BookEntry,
    CustomerView,
    Language,
    LoginEmail,
    PreferenceName,
    customer_view,
)
from parcelway.http.paging import Page
from parcelway.http.schemas import AnyPhone, CountryCode, CurrencyCode, Input, Text
from parcelway.ports.phones import e164
from parcelway.store.histories import Entry
from parcelway.values import dataclass
from pydantic import Field

GivenName = Text(60)
FamilyName = Text(60)

_MARKETING: tuple[Purpose, ...] = (
    "marketing",
    "marketing_sms",
    "marketing_phone",
    "marketing_post",
)
_PLAIN = frozenset({"given_name", "family_name", "name", "currency", "language", "preferences"})


class NewCustomer(Input):
    """Somebody whom the desk makes a customer. A password is theirs to choose."""

    email: LoginEmail
    given_name: GivenName  # type: ignore[valid-type]
    family_name: FamilyName  # type: ignore[valid-type]
    name: Text(100, 0) = ""  # type: ignore[valid-type]
    phone: AnyPhone | None = None
    phone_country: CountryCode | None = None
    currency: CurrencyCode = ""
    language: Language = ""
    addresses: list[BookEntry] = Field(default_factory=list, max_length=MAX_ADDRESSES)

    def particulars(self, *key: str) -> Particulars:
        """What is recorded; `key` names the request, and so the addresses it brings."""
        return Particulars(
            email=self.email,
            email_key=normalise_email(self.email),
            name=self.name or full_name(self.given_name, self.family_name),
            given_name=self.given_name,
            family_name=self.family_name,
            phone=e164(self.phone, self.phone_country or "", "/phone") if self.phone else "",
            currency=self.currency,
            language=self.language,
            addresses=tuple(
                entry.saved(derived("adr", *key, str(index)))
                for index, entry in enumerate(self.addresses)
            ),
        )


class ConsentInput(Input):
    """A customer's word on purposes other than the terms, which are theirs to accept."""

    marketing: bool | None = None
    marketing_sms: bool | None = None
    marketing_phone: bool | None = None
    marketing_post: bool | None = None
    wording: Text(40) = WORDING  # type: ignore[valid-type]

    def after(self, customer: Customer, now: datetime) -> Mapping[str, Consent]:
        """The record's consents with this word."""
        consents = customer.consents
        for purpose in _MARKETING:
            word = getattr(self, purpose)
            if word is not None:
                consents = consented(consents, purpose, word, self.wording, now)
        return consents


class Edit(Input):
    """Fields of a customer's record to change; what is not sent stays, `phone: null` is removed.

    `name` follows the given and family name unless it is sent. A phone number without `+` is one of
    `phone_country`. `contacts` and `preferences` are replaced as a whole.
    """

    given_name: GivenName = ""  # type: ignore[valid-type]
    family_name: FamilyName = ""  # type: ignore[valid-type]
    name: Text(100) = ""  # type: ignore[valid-type]
    phone: AnyPhone | None = None
    phone_country: CountryCode | None = None
    currency: CurrencyCode = ""
    language: Language = ""
    contacts: ContactPoints = Field(default_factory=list)
    preferences: dict[PreferenceName, Text(200)] = Field(  # type: ignore[valid-type]
        default_factory=dict, max_length=20
    )
    consent: ConsentInput = Field(default_factory=ConsentInput)

    def values(self, customer: Customer, now: datetime) -> dict[str, Any]:
        """The record's fields with the values they are to have. Raises Refusal INVALID."""
        sent = self.model_fields_set
        values = {name: getattr(self, name) for name in sent & _PLAIN}
        if "phone" in sent:
            values["phone"] = self.phone and e164(self.phone, self.phone_country or "", "/phone")
            values["phone"] = values["phone"] or ""
        if "contacts" in sent:
            values["contacts"] = points(self.contacts)
        values["consents"] = self.consent.after(customer, now)
        given = self.given_name or customer.given_name
        family = self.family_name or customer.family_name
        if self.given_name or self.family_name:
            values = {"name": full_name(given, family)} | values
        return values


class Answer(Input):
    """What a caller answers."""

    answer: Text(120)  # type: ignore[valid-type]


class Entries(Page):
    """Which part of a customer's history, and why somebody reads it."""

    reason: Text(200, 3)  # type: ignore[valid-type]


class For(Because):
    """What somebody's demographics are read for, and why just now."""

    use: Use


class NewState(Input):
    """Whether somebody may sign in and order, and why not."""

    state: Wanted
    reason: Text(200)  # type: ignore[valid-type]


class Duplicate(Input):
    """The record that is to become part of another one, and why."""

    duplicate: Text(40)  # type: ignore[valid-type]
    reason: Text(200)  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class DeskView:
    """A customer as the service desk sees them; their `version` goes into If-Match.

    `invited_by` is the member of staff who made the record, '' when the customer signed up.
    `merged_into` is the record that has taken this one over, `absorbed` are those it took over.
    `reachable_now` are contacts whose best time it is.
    """

    customer: CustomerView
    invited_by: str
    state_reason: str
    merged_into: str
    absorbed: list[str]
    reachable_now: list[str]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A page of what changed about a customer, the latest first."""

    entries: list[Entry]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MergedView:
    """The surviving record, how many orders followed by this request, and whether all have."""

    customer: DeskView
    orders_moved: int
    complete: bool


def desk_view(customer: Customer, now: datetime) -> DeskView:
    """The record as the service desk sees it."""
    timed = [point for point in customer.contacts if point.best_time is not None]
    return DeskView(
        customer_view(customer),
        customer.invited_by,
        customer.state_reason,
        customer.merged_into,
        list(customer.absorbed),
        [point.value for point in timed if point.best_time and point.best_time.holds(now)],
    )
