"""Loading customers of an earlier system, each with what they are found by."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.address_book import MAX_ADDRESSES, check_addresses
from parcelway.domain.customer import Customer
from parcelway.domain.demographics import tell
from parcelway.domain.ids import derived
from parcelway.domain.invitation import Particulars, full_name
from parcelway.domain.login import normalise_email
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Refusal
from parcelway.domain.taking_over import id_of, taken_over
from parcelway.http.customers import BookEntry, Language, LoginEmail
from parcelway.http.demographics import DemographicsInput
from parcelway.http.schemas import CurrencyCode, Input, Phone, Text
from parcelway.store.commit import until_fresh
from parcelway.store.customers import get_customer, holder_of, save, save_with_email
from parcelway.store.database import Database
from parcelway.store.demographics import save_demographics
from pydantic import Field

OUTCOMES = ("added", "changed", "unchanged")


class CustomerRow(Input):
    """A customer as the earlier system had them, whom it knew by `reference`."""

    reference: Text(100)  # type: ignore[valid-type]
    email: LoginEmail
    given_name: Text(60, 0) = ""  # type: ignore[valid-type]
    family_name: Text(60, 0) = ""  # type: ignore[valid-type]
    name: Text(100, 0) = ""  # type: ignore[valid-type]
    phone: Phone | None = None
    currency: CurrencyCode = ""
    language: Language = ""
    addresses: list[BookEntry] = Field(default_factory=list, max_length=MAX_ADDRESSES)
    demographics: DemographicsInput | None = None

    def particulars(self) -> Particulars:
        """What is recorded. Raises Refusal INVALID for a postal code that its country has not."""
        book = tuple(
            entry.saved(derived("adr", "taken over", self.reference, str(index)))
            for index, entry in enumerate(self.addresses)
        )
        check_addresses(book)
        return Particulars(
            email=self.email,
            email_key=normalise_email(self.email),
            name=self.name or full_name(self.given_name, self.family_name),
            given_name=self.given_name,
            family_name=self.family_name,
            phone=self.phone or "",
            currency=self.currency,
            language=self.language,
            addresses=book,
        )


def complaint(row: CustomerRow) -> str:
    """What is wrong with a row by itself, '' when nothing is."""
    if not row.name and not (row.given_name or row.family_name):
        return "name: there is none"
    try:
        row.particulars()
    except Refusal as refusal:
        return f"{refusal.pointer.strip('/').replace('/', '.')}: {refusal.detail}"
    return ""


def put(db: Database, row: CustomerRow, now: datetime) -> str:
    """Add or change one customer: one of OUTCOMES, or why it cannot be loaded."""
    who, customer_id = row.particulars(), id_of(row.reference)

    def attempt() -> str:
        known = get_customer(db, customer_id)
        change = taken_over(row.reference, who, known, now)
        if change is None:
            return "unchanged" if known is None or not _tell(db, known, row, now) else "changed"
        if known is None and holder_of(db, who.email_key):
            return "email: a customer has this address already"
        if known is None:
            save_with_email(db, change, "", None)
        else:
            save(db, change)
        _tell(db, change.customer, row, now)
        return "changed" if known else "added"

    try:
        return until_fresh(attempt)
    except Refusal as refusal:
        return f"{refusal.pointer.strip('/') or row.reference}: {refusal.detail}"


def _tell(db: Database, customer: Customer, row: CustomerRow, now: datetime) -> bool:
    """Keep a row's demographics with their consent, and tell whether that is new. A word that the
    customer has had here since, for or against, is not overruled by a file."""
    if row.demographics is None or "demographics" in customer.consents:
        return False
    change = tell(customer, row.demographics.wording, now, SYSTEM)
    save_demographics(db, change, row.demographics.told(now))
    return True
