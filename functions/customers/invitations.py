"""A login and a record for somebody on the phone. No one at the desk sees or types a password.

The request can stop after any call. What is left then, and what heals it:

    user made, no record         an invited user alone     the repeat writes the record
    record written, no answer    all is there              the repeat changes nothing

The first sign-in with a password of their own enables the record, as a confirmed sign-up does.
"""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.commands import Command
from parcelway.domain.customer import Customer
from parcelway.domain.invitation import Particulars, invited, same_invitation
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.ports.identity import Logins
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.customers import get_customer, holder_of, save_with_email
from parcelway.store.database import Database


def invite(
    db: Database, identity: Logins, who: Particulars, asked: Command, by: Actor, now: datetime
) -> Customer:
    """Make a login and its record. A repeat of the same request answers the same record.

    A sign-up for the address that nobody has proven yet gives way. Raises Refusal EMAIL_TAKEN,
    KEY_REUSED, LoginRefused and what the identity provider's calls raise.
    """

    def attempt() -> Customer:
        # In this order: the record is written only if the address is still held as it was before
        # the user pool was asked.
        holder, login = holder_of(db, who.email_key), identity.find(who.email_key)
        if login is not None and login.pending:
            identity.forget(login)
            login = None
        subject = login.subject if login is not None else _made(identity, who)
        known = get_customer(db, customer_id_of(subject))
        if known is not None and known.state != "replaced":
            return same_invitation(known, asked)
        if login is not None and not login.invited:
            raise Refusal(Reason.EMAIL_TAKEN, "This address signs in here already.", "/email")
        change = invited(subject, who, asked, by, now)
        own = holder == change.customer.id
        save_with_email(
            db, change, holder, get_customer(db, holder) if holder and not own else None
        )
        return change.customer

    return until_fresh(attempt)


def _made(identity: Logins, who: Particulars) -> str:
    subject = identity.invite(who.email_key, who.name, who.language)
    if subject is None:
        raise Stale  # somebody else made the login meanwhile
    return subject
