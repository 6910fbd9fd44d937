"""A customer record that the service desk makes, and the invitation that goes with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from parcelway.domain.address_book import REMEMBERED
from parcelway.domain.commands import Command, remember
from parcelway.domain.contacts import ContactPoint
from parcelway.domain.customer import Change, Customer, SavedAddress, changed, created
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Particulars:
    """What the desk notes of somebody new. `email_key` is the normalised `email`."""

    email: str
    email_key: str
    name: str
    given_name: str = ""
    family_name: str = ""
    phone: str = ""
    currency: str = ""
    language: str = ""
    addresses: tuple[SavedAddress, ...] = ()
    contacts: tuple[ContactPoint, ...] = ()


def full_name(given_name: str, family_name: str) -> str:
    """The name in one, as parcels and mails have it."""
    return f"{given_name} {family_name}".strip()


def invited(subject: str, who: Particulars, asked: Command, by: Actor, now: datetime) -> Change:
    """The pending record of a login that the desk has just had made.

    Nothing has been agreed to: the customer does that when they choose their password.
    """
    customer = Customer(
        id=customer_id_of(subject),
        version=0,
        state="pending",
        subject=subject,
        email=who.email,
        email_key=who.email_key,
        name=who.name,
        created_at=now,
        phone=who.phone,
        currency=who.currency,
        language=who.language,
        addresses=who.addresses,
        given_name=who.given_name,
        family_name=who.family_name,
        contacts=who.contacts,
        invited_by=by.id,
        commands={asked.key: asked.fingerprint},
    )
    return created(customer, now, by)


def mailed_again(customer: Customer, asked: Command, now: datetime, by: Actor) -> Change:
    """The record that remembers the command by which its invitation was mailed anew."""
    after = replace(customer, commands=remember(customer, asked, REMEMBERED))
    return replace(changed(customer, after, now, by), fields=("invitation",))


def same_invitation(customer: Customer, asked: Command) -> Customer:
    """The record that an earlier try of the same request made.

    Raises Refusal EMAIL_TAKEN, with the id of whom the address belongs to, and KEY_REUSED.
    """
    known = customer.commands.get(asked.key)
    if known == asked.fingerprint:
        return customer
    if known is not None:
        raise Refusal(
            Reason.KEY_REUSED,
            "This Idempotency-Key was used for a different request.",
            "/headers/Idempotency-Key",
        )
    raise Refusal(
        Reason.EMAIL_TAKEN,
        "A customer has this address already.",
        "/email",
        customer_id=customer.id,
    )
