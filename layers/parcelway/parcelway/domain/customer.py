"""The customer record: who it is, where parcels and bills go, and what was agreed to.

It is `pending` from the sign-up until the mailbox is proven, `enabled` then; `locked` and
`disabled` are decisions of the shop. `replaced` is what is left of a sign-up whose address was
claimed anew before anybody proved it: no personal data, only the id.
Orders keep copies, so nothing that changes here changes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, fields, replace
from datetime import datetime
from typing import Any, Literal

from parcelway.domain.commands import Command
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import SYSTEM, Actor, Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

State = Literal["pending", "enabled", "locked", "disabled", "replaced"]
Purpose = Literal["terms", "marketing"]

WORDING = "2026-11"  # the texts that the storefront shows now, by version
MAX_ADDRESSES = 20
_REMEMBERED = 16  # Idempotency-Keys per record, oldest forgotten first
_BOOKKEEPING = frozenset({"version", "commands", "sign_up"})

# The form of postal codes by country (national postal services); other countries' are not checked.
_POSTAL_CODES = {
    "US": r"\d{5}(-\d{4})?",
    "DE": r"\d{5}",
    "FR": r"\d{5}",
    "AT": r"[1-9]\d{3}",
    "CH": r"[1-9]\d{3}",
    "CA": r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """The last word on one purpose: given or not, when, to which version of the wording."""

    granted: bool
    at: datetime
    wording: str


@dataclass(frozen=True, slots=True)
class SavedAddress:
    """An address in the customer's book. At most one is the default for each use."""

    id: str
    label: str
    address: Address
    default_shipping: bool = False
    default_billing: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. `email` is as it was typed, `email_key` normalised; `currency` (ISO 4217) and
    `language` (BCP 47) are '' for the shop's own. `subject` names the login in the user pool,
    `sign_up` the sign-up that made the record.
    """

    id: str
    version: int
    state: State
    subject: str
    email: str
    email_key: str
    name: str
    created_at: datetime
    phone: str = ""
    currency: str = ""
    language: str = ""
    addresses: tuple[SavedAddress, ...] = ()
    consents: Mapping[str, Consent] = field(default_factory=dict)
    preferences: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    sign_up: str = ""

    def address(self, address_id: str) -> SavedAddress:
        """An address by id. Raises Refusal NOT_FOUND."""
        for saved in self.addresses:
            if saved.id == address_id:
                return saved
        raise Refusal(Reason.NOT_FOUND, "There is no such address.")


@dataclass(frozen=True, slots=True)
class Change:
    """A record at its next version, with the names of the fields that changed and who did it."""

    customer: Customer
    fields: tuple[str, ...]
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody says about themselves when signing up; `sign_up` names the sign-up."""

    sign_up: str
    email: str
    email_key: str
    name: str
    phone: str = ""
    currency: str = ""
    language: str = ""
    addresses: tuple[SavedAddress, ...] = ()
    marketing: bool = False
    wording: str = WORDING


def signed_up(subject: str, profile: Profile, now: datetime) -> Change:
    """The pending record of a new login; the terms were accepted, or there were no sign-up."""
    customer = Customer(
        id=customer_id_of(subject),
        version=0,
        state="pending",
        subject=subject,
        email=profile.email,
        email_key=profile.email_key,
        name=profile.name,
        created_at=now,
        sign_up=profile.sign_up,
        phone=profile.phone,
        currency=profile.currency,
        language=profile.language,
        addresses=profile.addresses,
        consents={
            "terms": Consent(True, now, profile.wording),
            "marketing": Consent(profile.marketing, now, profile.wording),
        },
    )
    return _created(customer, now, Actor("customer", customer.id))


def found(
    subject: str, email_key: str, name: str, language: str, now: datetime, version: int = 0
) -> Change:
    """The record of a proven login that has none, or an emptied one of `version`.

    Nothing has been agreed to yet.
    """
    return _created(
        Customer(
            id=customer_id_of(subject),
            version=version,
            state="enabled",
            subject=subject,
            email=email_key,
            email_key=email_key,
            name=name,
            created_at=now,
            language=language,
        ),
        now,
        SYSTEM,
    )


def enabled(customer: Customer, now: datetime) -> Change:
    """The mailbox was proven. Only a pending record becomes enabled by that."""
    if customer.state != "pending":
        raise Refusal(Reason.ILLEGAL_STATE, "Only a pending customer can be confirmed.")
    return _changed(customer, replace(customer, state="enabled"), now, SYSTEM)


def displaced(holder: Customer, now: datetime) -> Change | None:
    """What becomes of the record whose address somebody else has now; None for nothing.

    A pending one is emptied. One that was in use has lost its login: it is disabled, so that no
    two enabled records share an address, and kept because orders refer to it.
    """
    if holder.state in ("replaced", "disabled"):
        return None
    if holder.state != "pending":
        return _changed(holder, replace(holder, state="disabled"), now, SYSTEM)
    emptied = Customer(
        holder.id, holder.version, "replaced", holder.subject, "", "", "", holder.created_at
    )
    return _changed(holder, emptied, now, SYSTEM)


def may_hold(customer: Customer, holder: Customer | None) -> bool:
    """Whether the address of `customer` is theirs now, given whose it was.

    The user pool lets one login have an address. So whoever has proven it displaces anybody left
    over; whoever has not displaces only others who have not.
    """
    return holder is None or customer.state == "enabled" or holder.state in ("pending", "replaced")


def edited(
    customer: Customer, values: Mapping[str, Any], now: datetime, actor: Actor
) -> Change | None:
    """The record with some fields at other values; None when all have them already.

    Raises Refusal ILLEGAL_STATE for a locked or disabled customer.
    """
    _require_enabled(customer)
    change = _changed(customer, replace(customer, **values), now, actor)
    return change if change.fields else None


def consented(
    consents: Mapping[str, Consent], purpose: Purpose, granted: bool, wording: str, now: datetime
) -> Mapping[str, Consent]:
    """`consents` with the word on one purpose; the time of the same word stays."""
    last = consents.get(purpose)
    if last is not None and (last.granted, last.wording) == (granted, wording):
        return consents
    return {**consents, purpose: Consent(granted, now, wording)}


def with_address(
    customer: Customer,
    saved: SavedAddress,
    now: datetime,
    actor: Actor,
    asked: Command | None = None,
) -> Change | None:
    """The record with an address added, or changed when it has one with that id.

    `asked` is the command that adds it: applied once, None from then on, even when the address
    was edited or removed since. Raises Refusal INVALID, QUANTITY_LIMIT, KEY_REUSED.
    """
    if asked is not None and _repeated(customer, asked):
        return None
    check_addresses([saved], "")
    known = any(each.id == saved.id for each in customer.addresses)
    if not known and len(customer.addresses) >= MAX_ADDRESSES:
        raise Refusal(
            Reason.QUANTITY_LIMIT, f"At most {MAX_ADDRESSES} addresses.", maximum=MAX_ADDRESSES
        )
    others = [_yielding(each, saved) for each in customer.addresses]
    book = [saved if each.id == saved.id else each for each in others]
    values: dict[str, Any] = {"addresses": tuple(book if known else [*others, saved])}
    if asked is not None:
        kept = list(customer.commands.items())[-(_REMEMBERED - 1) :]
        values["commands"] = dict([*kept, (asked.key, asked.fingerprint)])
    return edited(customer, values, now, actor)


def without_address(customer: Customer, address_id: str, now: datetime, actor: Actor) -> Change:
    """The record without one of its addresses. Raises Refusal NOT_FOUND."""
    gone = customer.address(address_id)
    left = tuple(each for each in customer.addresses if each is not gone)
    change = edited(customer, {"addresses": left}, now, actor)
    assert change is not None
    return change


def check_addresses(addresses: Sequence[SavedAddress], pointer: str = "/addresses/{}") -> None:
    """Refuse postal codes that their country has not, and two defaults for one use.

    `pointer` leads to the address of an index in the request. Raises Refusal INVALID.
    """
    for index, saved in enumerate(addresses):
        where = pointer.format(index)
        form = _POSTAL_CODES.get(saved.address.country)
        if form and not re.fullmatch(form, saved.address.postal_code, re.ASCII | re.IGNORECASE):
            raise Refusal(
                Reason.INVALID,
                f"That is no postal code of {saved.address.country}.",
                f"{where}/address/postal_code",
            )
        for use in ("default_shipping", "default_billing"):
            if getattr(saved, use) and any(getattr(other, use) for other in addresses[:index]):
                raise Refusal(
                    Reason.INVALID, "There is one default for each use.", f"{where}/{use}"
                )


def _created(customer: Customer, now: datetime, actor: Actor) -> Change:
    blank = Customer(customer.id, customer.version, "pending", "", "", "", "", now)
    return _changed(blank, customer, now, actor)


def _changed(before: Customer, after: Customer, now: datetime, actor: Actor) -> Change:
    names = [each.name for each in fields(Customer) if each.name not in _BOOKKEEPING]
    different = tuple(name for name in names if getattr(before, name) != getattr(after, name))
    return Change(replace(after, version=before.version + 1), different, now, actor)


def _yielding(saved: SavedAddress, newcomer: SavedAddress) -> SavedAddress:
    """An address of the book, no default any more for what the newcomer is the default for."""
    return replace(
        saved,
        default_shipping=saved.default_shipping and not newcomer.default_shipping,
        default_billing=saved.default_billing and not newcomer.default_billing,
    )


def _require_enabled(customer: Customer) -> None:
    if customer.state != "enabled":
        raise Refusal(Reason.ILLEGAL_STATE, f"This account is {customer.state}.")


def _repeated(customer: Customer, asked: Command) -> bool:
    known = customer.commands.get(asked.key)
    if known is not None and known != asked.fingerprint:
        raise Refusal(
            Reason.KEY_REUSED,
            "This Idempotency-Key was used for a different request.",
            "/headers/Idempotency-Key",
        )
    return known is not None
