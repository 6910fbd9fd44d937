"""The login in the user pool and our record of it: two places that must not drift apart.

Every request here can stop after any call. What is left then, and what heals it:

    after the old pending user is deleted   its record points nowhere  -> the next sign-up
    after SignUp, before the record         a pending user, no record  -> the next sign-up, or the
                                            code: the record is made from the login, consents empty
    after the record, before the answer     all is there               -> the repeat does nothing
    after ConfirmSignUp, before the state   a pending record           -> the first authenticated call
"""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.customer import Customer, Profile, enabled, found, signed_up
from parcelway.domain.login import customer_id_of, normalise_email
from parcelway.http.call import Caller
from parcelway.http.problems import Problem
from parcelway.ports.identity import CodeRefused, Identity, Login
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.customers import Holder, get_customer, holder_of, save_with_email
from parcelway.store.database import Database


def sign_up(
    db: Database, identity: Identity, profile: Profile, password: str, name: str, now: datetime
) -> None:
    """Make a pending login and its record, in place of an earlier pending one.

    `name` names this sign-up: a repeat of the same changes nothing. Nothing happens either when
    the address is a member's, and whoever asks cannot tell. The newest sign-up wins, so that
    nobody can plant a password for an address that somebody else is going to prove.
    """
    key = profile.email_key

    def attempt() -> None:
        holder, login = holder_of(db, key), identity.find(key)
        if _is_current(holder, login, name):
            return
        if login is not None and login.pending:
            identity.forget(login)
        subject = identity.sign_up(key, password, profile.name, profile.language)
        if subject is not None:
            _record(db, identity, signed_up(subject, profile, now), holder, name)
        elif login is None or login.pending:
            raise Stale  # another sign-up came between

    until_fresh(attempt)


def confirm(
    db: Database, identity: Identity, key: str, code: str, name: str, now: datetime
) -> None:
    """Prove the mailbox, which enables the record. Raises CodeRefused.

    With the `name` of a sign-up, only if that is the newest: a code that somebody else's sign-up
    for the address caused then confirms nothing, least of all their password.
    """
    if name and not _is_current(holder_of(db, key), identity.find(key), name):
        raise CodeRefused
    identity.confirm(key, code)
    login = identity.find(key)
    if login is not None and login.proven:
        _prove(db, login, now)


def own_record(db: Database, identity: Identity, caller: Caller, now: datetime) -> Customer:
    """The signed-in caller's record, enabled or made if a crash left that undone.

    Raises Problem 401 when the login of a token that is still valid has been deleted.
    """
    customer = get_customer(db, caller.customer_id)
    if customer is not None and customer.state not in ("pending", "replaced"):
        return customer
    login = identity.find(_key_of(caller))
    if login is None or login.subject != caller.subject or not login.proven:
        raise Problem(401, "unauthenticated", "Sign in first", "This account is no more.")
    return _prove(db, login, now)


def _record(
    db: Database, identity: Identity, customer_change: Change, holder: Holder | None, name: str
) -> None:
    """Write the record of a login that was just made, unless a newer sign-up has replaced it."""
    subject, key = customer_change.customer.subject, customer_change.customer.email_key
    try:
        save_with_email(db, customer_change, holder, _other(db, holder, subject), name)
        return
    except Stale:
        pass

    def again() -> None:
        newest, login = holder_of(db, key), identity.find(key)
        if login is None or login.subject != subject:
            return
        if get_customer(db, customer_change.customer.id) is not None:
            return  # already confirmed, and its record made from the login
        save_with_email(db, customer_change, newest, _other(db, newest, subject), name)

    until_fresh(again)
