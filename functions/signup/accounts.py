"""The login in the user pool and our record of it: two places that must not drift apart.

Every request here can stop after any call. What is left then, and what heals it:

    old pending user deleted     its record points nowhere     the next sign-up empties it
    SignUp done, no record       a pending user alone          the next sign-up replaces it; or the
                                                               code is used: a record from the login
    record written, no answer    all is there                  the repeat changes nothing
    code taken, state unchanged  a proven login, pending here  the sign-in, or the first request
                                                               for the own record
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError
from parcelway.domain.account_state import BLOCKED
from parcelway.domain.customer import Change, Customer, Profile, enabled, found, signed_up
from parcelway.domain.login import customer_id_of, normalise_email
from parcelway.http.call import Caller
from parcelway.http.problems import Problem
from parcelway.ports.identity import CodeRefused, Identity, Login, SignInRefused, Tokens
from parcelway.store.commit import Busy, Stale, until_fresh
from parcelway.store.customers import get_customer, holder_of, save_with_email
from parcelway.store.database import Database

_log = logging.getLogger(__name__)
_UNDONE = ("pending", "replaced")
_BETWEEN_LINKS = timedelta(minutes=5)


def sign_up(
    db: Database, identity: Identity, profile: Profile, password: str, now: datetime
) -> None:
    """Make a pending login and its record, in place of an earlier pending one.

    A repeat of the same sign-up changes nothing. Nothing happens either when the address is a
    member's, and whoever asks cannot tell. The newest sign-up wins, so that nobody can plant a
    password for an address that somebody else is going to prove.
    """
    key = profile.email_key

    def attempt() -> None:
        # In this order: a record is written only if the address is still held as it was before
        # the user pool was asked.
        holder, login = holder_of(db, key), identity.find(key)
        if login is not None and _made_by(db, login, profile.sign_up):
            return
        if login is not None and login.pending:
            identity.forget(login)
        subject = identity.sign_up(key, password, profile.name, profile.language)
        if subject is not None:
            _record(db, identity, signed_up(subject, profile, now), holder)
        elif login is None or login.pending:
            raise Stale  # another sign-up came between

    until_fresh(attempt)


def confirm(
    db: Database, identity: Identity, key: str, code: str, sign_up: str, now: datetime
) -> None:
    """Prove the mailbox, which enables the record. Raises CodeRefused.

    With the name of a `sign_up`, only if that is the newest: a code that somebody else's sign-up
    for the address caused then confirms nothing, least of all their password.
    """
    if sign_up:
        login = identity.find(key)
        if login is None or not _made_by(db, login, sign_up):
            raise CodeRefused
    identity.confirm(key, code)
    login = identity.find(key)
    if login is not None and login.proven:
        _claim_orders(db, _prove(db, login, key, now), now)


def admitted(db: Database, identity: Identity, tokens: Tokens, now: datetime) -> Tokens:
    """The tokens of a sign-in, unless the shop has locked or disabled the customer: the user pool
    may not have heard of that yet. Raises SignInRefused.

    A customer who proved their mailbox has an enabled record from here on. Staff need none.
    """
    told = tokens.claims
    customer = get_customer(db, customer_id_of(told["sub"]))
    if customer is not None and customer.state in BLOCKED:
        raise SignInRefused
    if not told.get("cognito:groups") and (customer is None or customer.state in _UNDONE):
        _proven(db, identity, told["sub"], told.get("email", ""), now)
    return tokens


def forgotten(identity: Identity, key: str, now: datetime) -> None:
    """Mail who forgot their password a code for a new one; who was invited and never chose one, a
    new link. Whoever asks cannot tell, nor whether there is anybody.

    One link in a few minutes: else anybody could fill a mailbox, and have the link that is being
    read there work no more.
    """
    login = identity.find(key)
    if login is None or not login.invited:
        identity.send_reset(key)
    elif login.changed_at is None or now - login.changed_at > _BETWEEN_LINKS:
        identity.invite_again(key)


def own_record(db: Database, identity: Identity, caller: Caller, now: datetime) -> Customer:
    """The signed-in caller's record, enabled or made if a crash left that undone.

    Raises Problem 401 when the login of a token that is still valid is no more, or the customer
    is locked or disabled: the gateway takes a token until it expires, whatever happened since.
    """
    gone = Problem(401, "unauthenticated", "Sign in first", "This sign-in is no longer valid.")
    customer = get_customer(db, caller.customer_id)
    if customer is not None and customer.state in BLOCKED:
        raise gone
    if customer is not None and customer.state not in _UNDONE:
        return customer
    proven = _proven(db, identity, caller.subject, caller.email, now)
    if proven is None:
        raise gone
    return proven


def _proven(
    db: Database, identity: Identity, subject: str, email: str, now: datetime
) -> Customer | None:
    """The record of a login, enabled or made if a crash left that undone; None when the login is no
    more, or its mailbox was never proven."""
    try:
        key = normalise_email(email)
    except ValueError:
        return None
    login = identity.find(key)
    if login is None or login.subject != subject or not login.proven:
        return None
    return _prove(db, login, key, now)


def _claim_orders(db: Database, customer: Customer, now: datetime) -> None:
    """Give the customer what they ordered as a guest. The code is used by now, so that nothing here
    may fail the request; what is left the customer gets with the list of their orders."""
    from parcelway.store.guest_orders import claim, unclaimed  # nothing else here is about orders

    try:
        claim(db, customer, unclaimed(db, customer.email_key), now)
    except (Busy, BotoCoreError, ClientError) as error:
        _log.warning("orders not claimed yet: %s", type(error).__name__)


def _made_by(db: Database, login: Login, sign_up: str) -> bool:
    """Whether a login and its record come from the sign-up with this name."""
    customer = get_customer(db, customer_id_of(login.subject))
    return customer is not None and customer.sign_up == sign_up


def _record(db: Database, identity: Identity, change: Change, holder: str) -> None:
    """Write the record of a login that was just made, unless a newer sign-up has replaced it."""
    customer = change.customer
    try:
        save_with_email(db, change, holder, _other(db, holder, customer.id))
        return
    except Stale:
        pass

    def again() -> None:
        newest, login = holder_of(db, customer.email_key), identity.find(customer.email_key)
        if login is None or login.subject != customer.subject:
            return
        if get_customer(db, customer.id) is None:  # else its confirmation has made it already
            save_with_email(db, change, newest, _other(db, newest, customer.id))

    until_fresh(again)


def _prove(db: Database, login: Login, key: str, now: datetime) -> Customer:
    """The record of a proven login, which is enabled or made here if need be."""
    customer_id = customer_id_of(login.subject)

    def attempt() -> Customer:
        customer = get_customer(db, customer_id)
        if customer is not None and customer.state == "pending":
            change = enabled(customer, now)
        elif customer is None or customer.state == "replaced":
            change = found(login.subject, key, login.name, login.language, now, customer)
        else:
            return customer
        holder = holder_of(db, key)
        save_with_email(db, change, holder, _other(db, holder, customer_id))
        return change.customer

    return until_fresh(attempt)


def _other(db: Database, holder: str, customer_id: str) -> Customer | None:
    """The record that holds an address, when it is not the customer's own."""
    return get_customer(db, holder) if holder and holder != customer_id else None
