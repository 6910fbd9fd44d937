"""Customers: sign-up, sessions and passwords, and everybody's own record.

The answers to people who have not signed in never tell whether an address has an account.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from secrets import token_hex
from typing import Any

from accounts import admitted, confirm, forgotten, own_record, sign_up
from forms import (
    CheckMailView,
    Confirmation,
    Credentials,
    Edit,
    FirstPassword,
    Mailbox,
    NewCustomer,
    NewPassword,
    Refresh,
    SignedUpView,
    SignOut,
)
from parcelway.domain.address_book import check_addresses, with_address, without_address
from parcelway.domain.customer import Change, Customer, SavedAddress, edited
from parcelway.domain.ids import derived
from parcelway.domain.login import normalise_email, password_fault
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.api import ANYONE, CUSTOMER, Api, Reply
from parcelway.http.call import Call
from parcelway.http.challenges import OwnChallengeView, Question, own_challenge_view
from parcelway.http.customers import BookEntry, CustomerView, customer_view
from parcelway.http.logins import bad_password, login_problems
from parcelway.ports.cognito import cognito
from parcelway.ports.identity import Tokens
from parcelway.ports.postal import check_postal
from parcelway.store.commit import stale_version, until_fresh
from parcelway.store.customers import save
from parcelway.store.database import database

api = Api("signup")
handler = api
db = cache(database)
identity = cache(cognito)

_CHECK_MAIL = "Check your mail: if the address can be used, a message is on its way."
_CHALLENGE = "/customers/me/challenge"
_DONE = Reply("", 204, "text/plain")


@api.route(
    "POST", "/customers", who=ANYONE, body=NewCustomer, reply=SignedUpView, status=202, key=True
)
def register(call: Call[NewCustomer]) -> SignedUpView:
    """Sign up; a code is mailed."""
    profile = call.body.profile(call.command.key)
    check_addresses(profile.addresses)
    check_postal(profile.addresses, "/addresses/{}")
    with login_problems():
        _check_password(call.body.password)
        sign_up(db(), identity(), profile, call.body.password, call.now)
    return SignedUpView(_CHECK_MAIL, profile.sign_up)


@api.route("POST", "/customers/confirmation", who=ANYONE, body=Confirmation, status=204)
def confirm_mailbox(call: Call[Confirmation]) -> Reply:
    """Prove the mailbox with the mailed code."""
    key = normalise_email(call.body.email)
    with login_problems():
        confirm(db(), identity(), key, call.body.code, call.body.sign_up or "", call.now)
    return _DONE


@api.route(
    "POST",
    "/customers/confirmation/resend",
    who=ANYONE,
    body=Mailbox,
    reply=CheckMailView,
    status=202,
)
def resend_code(call: Call[Mailbox]) -> CheckMailView:
    """Mail the code again."""
    with login_problems():
        identity().resend(normalise_email(call.body.email))
    return CheckMailView(_CHECK_MAIL)


@api.route("POST", "/sessions", who=ANYONE, body=Credentials, reply=Tokens)
def sign_in(call: Call[Credentials]) -> Tokens:
    """Sign in."""
    with login_problems():
        key = normalise_email(call.body.email)
        return _admitted(identity().sign_in(key, call.body.password), call)


@api.route("POST", "/sessions/new-password", who=ANYONE, body=FirstPassword, reply=Tokens)
def choose_password(call: Call[FirstPassword]) -> Tokens:
    """Finish a sign-in with a password of one's own."""
    with login_problems():
        _check_password(call.body.password)
        tokens = identity().set_new_password(call.body.session, call.body.password)
        return _admitted(tokens, call)


@api.route("POST", "/sessions/refresh", who=ANYONE, body=Refresh, reply=Tokens)
def refresh(call: Call[Refresh]) -> Tokens:
    """New tokens for a refresh token."""
    with login_problems():
        return _admitted(identity().refresh(call.body.refresh_token), call)


@api.route("DELETE", "/sessions", who=CUSTOMER, body=SignOut, status=204)
def sign_out(call: Call[SignOut]) -> Reply:
    """End all sessions of the access token's user."""
    with login_problems():
        identity().sign_out(call.body.access_token)
    return _DONE


@api.route("POST", "/passwords/reset", who=ANYONE, body=Mailbox, reply=CheckMailView, status=202)
def forgot_password(call: Call[Mailbox]) -> CheckMailView:
    """Mail a code for a new password, or a link to who never chose one."""
    with login_problems():
        forgotten(identity(), normalise_email(call.body.email), call.now)
    return CheckMailView(_CHECK_MAIL)


@api.route("POST", "/passwords/reset/confirmation", who=ANYONE, body=NewPassword, status=204)
def reset_password(call: Call[NewPassword]) -> Reply:
    """Set a new password with the mailed code; all sessions end."""
    body = call.body
    with login_problems():
        _check_password(body.password)
        identity().reset(normalise_email(body.email), body.code, body.password)
    return _DONE


@api.route("GET", "/customers/me", who=CUSTOMER, reply=CustomerView)
def show(call: Call[None]) -> Reply:
    """The own record."""
    return _reply(_own(call))


@api.route("PATCH", "/customers/me", who=CUSTOMER, body=Edit, reply=CustomerView)
def edit(call: Call[Edit]) -> Reply:
    """Change fields of the own record."""
    return _reply(
        _edit(
            call,
            lambda own: edited(own, call.body.values(own, call.now), call.now, _actor(own)),
        )
    )


@api.route(
    "POST",
    "/customers/me/addresses",
    who=CUSTOMER,
    body=BookEntry,
    reply=CustomerView,
    status=201,
    key=True,
)
def add_address(call: Call[BookEntry]) -> Reply:
    """Put an address in the book."""
    saved = call.body.saved(derived("adr", call.caller.customer_id, call.command.key))
    check_postal([saved])

    def add(own: Customer) -> Change | None:
        return with_address(own, saved, call.now, _actor(own), call.command)

    return _reply(_edit(call, add), 201, f"/customers/me/addresses/{saved.id}")


@api.route(
    "PUT",
    "/customers/me/addresses/{address_id}",
    who=CUSTOMER,
    body=BookEntry,
    reply=CustomerView,
)
def replace_address(call: Call[BookEntry]) -> Reply:
    """Change an address of the book."""

    def put(own: Customer) -> Change | None:
        saved: SavedAddress = call.body.saved(own.address(call.path["address_id"]).id)
        check_postal([saved])
        return with_address(own, saved, call.now, _actor(own))

    return _reply(_edit(call, put))


@api.route("DELETE", "/customers/me/addresses/{address_id}", who=CUSTOMER, reply=CustomerView)
def remove_address(call: Call[None]) -> Reply:
    """Take an address out of the book."""
    address_id = call.path["address_id"]
    return _reply(_edit(call, lambda own: without_address(own, address_id, call.now, _actor(own))))


@api.route("GET", _CHALLENGE, who=CUSTOMER, reply=OwnChallengeView)
def show_challenge(call: Call[None]) -> OwnChallengeView:
    """The own question by which the service desk recognises a caller."""
    from parcelway.store.challenges import get_challenge

    challenge = get_challenge(db(), _own(call).id)
    if challenge is None:
        raise Refusal(Reason.NOT_FOUND, "No question was agreed on.")
    return own_challenge_view(challenge)


@api.route("PUT", _CHALLENGE, who=CUSTOMER, body=Question, reply=OwnChallengeView)
def set_challenge(call: Call[Question]) -> OwnChallengeView:
    """Have a question and its answer, of which only a digest is kept, in place of those before."""
    from parcelway.store.challenges import agree

    asked, by = call.body, Actor("customer", call.caller.customer_id)
    made = agree(
        db(), lambda: _own(call), asked.question, asked.answer, token_hex(16), by, call.now
    )
    return own_challenge_view(made)


@api.route("DELETE", _CHALLENGE, who=CUSTOMER, status=204)
def withdraw_challenge(call: Call[None]) -> Reply:
    """Have no such question any more; there being none is fine."""
    from parcelway.store.challenges import withdraw

    withdraw(db(), lambda: _own(call), Actor("customer", call.caller.customer_id), call.now)
    return _DONE


def _admitted(tokens: Tokens, call: Call[Any]) -> Tokens:
    return admitted(db(), identity(), tokens, call.now)


def _own(call: Call[Any]) -> Customer:
    with login_problems():
        return own_record(db(), identity(), call.caller, call.now)


def _edit(call: Call[Any], decide: Callable[[Customer], Change | None]) -> Customer:
    """The own record after a change; one that already is so needs no version to match."""

    def attempt() -> Customer:
        own = own_record(db(), identity(), call.caller, call.now)
        change = decide(own)
        if change is None:
            return own
        if call.if_match not in (None, own.version):
            raise stale_version()
        save(db(), change)
        return change.customer

    with login_problems():
        return until_fresh(attempt)


def _reply(customer: Customer, status: int = 200, location: str = "") -> Reply:
    headers = {"ETag": f'"{customer.version}"'} | ({"Location": location} if location else {})
    return Reply(customer_view(customer), status, headers=headers)


def _actor(customer: Customer) -> Actor:
    return Actor("customer", customer.id)


def _check_password(password: str) -> None:
    fault = password_fault(password, identity().policy())
    if fault:
        raise bad_password(fault)
