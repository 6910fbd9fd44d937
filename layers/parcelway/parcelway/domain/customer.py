"""The customer record: who it is, where parcels and bills go, and what was agreed to.

It is `pending` from the sign-up, or the service desk's invitation, until the mailbox is proven,
`enabled` then; `locked` and `disabled` are decisions of the shop. `replaced` is what is left of a
sign-up whose address was claimed anew before anybody proved it, `erased` what is left of somebody
who was forgotten (domain/erasing.py): no personal data, only the id.
Orders keep copies, so nothing that changes here changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from datetime import datetime
from typing import Any, Literal

from parcelway.domain.contacts import ContactPoint
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import SYSTEM, Actor, Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

State = Literal["pending", "enabled", "locked", "disabled", "replaced", "erased"]
Purpose = Literal[
    "terms", "marketing", "marketing_sms", "marketing_phone", "marketing_post", "demographics"
]  # `marketing` is by e-mail

WORDING = "2026-11"  # the texts that the storefront shows now, by version
_BOOKKEEPING = frozenset({"version", "commands", "sign_up"})


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
    `sign_up` the sign-up that made the record, `invited_by` the member of staff who did.
    `given_name` and `family_name` are '' where only the whole `name` is known. `phone` and `email`
    are tried first, `contacts` after them. `state_reason` is why staff locked or disabled it.
    `merged_into` is the record that took this one over, `absorbed` are those that this one took
    over. `groups` and `account` are what the shop's offers tell
    customers apart by; staff set them.
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
    groups: tuple[str, ...] = ()
    account: str = ""
    given_name: str = ""
    family_name: str = ""
    contacts: tuple[ContactPoint, ...] = ()
    invited_by: str = ""
    state_reason: str = ""
    merged_into: str = ""
    absorbed: tuple[str, ...] = ()

    def address(self, address_id: str) -> SavedAddress:
        """An address by id. Raises Refusal NOT_FOUND."""
        for saved in self.addresses:
            if saved.id == address_id:
                return saved
        raise Refusal(Reason.NOT_FOUND, "There is no such address.")


@dataclass(frozen=True, slots=True)
class Change:
    """A record at its next version, with the names of the fields that changed and who did it.

    `before` is the record as it was, None for a new one; `reason` is what staff gave.
    """

    customer: Customer
    fields: tuple[str, ...]
    at: datetime
    actor: Actor
    before: Customer | None = None
    reason: str = ""


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
    given_name: str = ""
    family_name: str = ""


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
        given_name=profile.given_name,
        family_name=profile.family_name,
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
    return created(customer, now, Actor("customer", customer.id))


def found(
    subject: str,
    email_key: str,
    name: str,
    language: str,
    now: datetime,
    emptied: Customer | None = None,
) -> Change:
    """The record of a proven login that has none, or only an `emptied` one.

    Nothing has been agreed to yet.
    """
    return created(
        Customer(
            id=customer_id_of(subject),
            version=emptied.version if emptied else 0,
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
        emptied,
    )


def enabled(customer: Customer, now: datetime) -> Change:
    """The mailbox was proven. Only a pending record becomes enabled by that."""
    if customer.state != "pending":
        raise Refusal(Reason.ILLEGAL_STATE, "Only a pending customer can be confirmed.")
    return changed(customer, replace(customer, state="enabled"), now, SYSTEM)


def displaced(holder: Customer, now: datetime) -> Change | None:
    """What becomes of the record whose address somebody else has now; None for nothing.

    A pending sign-up is emptied. One that was in use, or that `is_kept`, has lost its login: it is
    disabled, so that no two enabled records share an address, and kept because orders refer to it.
    """
    if holder.state in ("replaced", "disabled", "erased"):
        return None
    if holder.state != "pending" or is_kept(holder):
        return changed(holder, replace(holder, state="disabled"), now, SYSTEM)
    emptied = Customer(
        holder.id, holder.version, "replaced", holder.subject, "", "", "", holder.created_at
    )
    return changed(holder, emptied, now, SYSTEM)


def is_kept(customer: Customer) -> bool:
    """Whether a record stays although nobody has proven its mailbox: orders may refer to one that
    the desk made, or that took another over."""
    return bool(customer.invited_by or customer.absorbed)


def agrees(customer: Customer, purpose: Purpose) -> bool:
    """Whether the customer's last word on a purpose is that they agree."""
    word = customer.consents.get(purpose)
    return word is not None and word.granted


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

    Raises Refusal ILLEGAL_STATE for a disabled customer, and for all but an enabled one unless
    staff edit.
    """
    require_editable(customer, actor)
    change = changed(customer, replace(customer, **values), now, actor)
    return change if change.fields else None


def consented(
    consents: Mapping[str, Consent], purpose: Purpose, granted: bool, wording: str, now: datetime
) -> Mapping[str, Consent]:
    """`consents` with the word on one purpose; the time of the same word stays."""
    last = consents.get(purpose)
    if last is not None and (last.granted, last.wording) == (granted, wording):
        return consents
    return {**consents, purpose: Consent(granted, now, wording)}


def created(
    customer: Customer, now: datetime, actor: Actor, emptied: Customer | None = None
) -> Change:
    """A new record, in place of an `emptied` one of the same id if there is one."""
    blank = Customer(customer.id, customer.version, "pending", "", "", "", "", now)
    return replace(changed(blank, customer, now, actor), before=emptied)


def changed(before: Customer, after: Customer, now: datetime, actor: Actor) -> Change:
    """The change from one value of a record to another."""
    names = [each.name for each in fields(Customer) if each.name not in _BOOKKEEPING]
    different = tuple(name for name in names if getattr(before, name) != getattr(after, name))
    return Change(replace(after, version=before.version + 1), different, now, actor, before)


def require_editable(customer: Customer, actor: Actor) -> None:
    """Refuse with ILLEGAL_STATE what `actor` may not change in the record's present state."""
    states = ("pending", "enabled", "locked") if actor.kind == "staff" else ("enabled",)
    if customer.state not in states:
        raise Refusal(Reason.ILLEGAL_STATE, f"This account is {customer.state}.")


def require_lasting(customer: Customer, actor: Actor) -> None:
    """Refuse with ILLEGAL_STATE to keep anything beside a record that may not be edited, or that
    may go by itself: what lies beside it would stay behind."""
    require_editable(customer, actor)
    if customer.state != "enabled" and not is_kept(customer):
        raise Refusal(
            Reason.ILLEGAL_STATE,
            f"This account is {customer.state}: its owner signs in first, then this can be noted.",
        )
