"""The service desk's view of customers: made, read and changed for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from secrets import token_hex
from typing import Any

from challenges import ChallengeView, VerifiedView, verify, view
from challenges import known as known_challenge
from forms import (
    Answer,
    DeskView,
    Duplicate,
    Edit,
    Entries,
    For,
    HistoryView,
    MergedView,
    NewCustomer,
    NewState,
    desk_view,
)
from invitations import invite
from logins import align, proven, proven_mailbox, require_no_colleague
from lookups import (
    AccessesView,
    Because,
    Day,
    FoundView,
    LookUp,
    accesses_of,
    accesses_on,
    look_up,
    opened,
    require_place,
)
from parcelway.domain.account_state import BLOCKED, put_in_state, require_others
from parcelway.domain.address_book import check_addresses, with_address, without_address
from parcelway.domain.commands import repeated
from parcelway.domain.customer import Change, Customer, agrees, edited
from parcelway.domain.demographics import Demographics, tell, withdraw
from parcelway.domain.ids import derived
from parcelway.domain.invitation import mailed_again
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.api import DESK, Api, Reply, staff
from parcelway.http.call import Call
from parcelway.http.challenges import Question
from parcelway.http.customers import BookEntry, CustomerView, Standing, customer_view
from parcelway.http.demographics import DemographicsInput
from parcelway.http.logins import login_problems
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.ports.postal import check_postal
from parcelway.ports.user_pool import user_pool
from parcelway.store.challenges import agree
from parcelway.store.commit import stale_version, until_fresh
from parcelway.store.customers import get_customer, holder_of, save, save_in_use
from parcelway.store.database import Database, database
from parcelway.store.demographics import get_demographics, save_demographics
from parcelway.store.histories import HISTORY, history

api = Api("customers")
handler = api
db = cache(database)
identity = cache(user_pool)

SENIOR = staff("csr_supervisor", "admin")
_MOST_AT_ONCE = 50  # orders that follow while the desk waits for an answer
_ALL = "/staff/customers"
_ONE = f"{_ALL}/{{customer_id}}"
_ADDRESS = f"{_ONE}/addresses/{{address_id}}"


@api.route("POST", _ALL, who=DESK, body=NewCustomer, reply=DeskView, status=201, key=True)
def create(call: Call[NewCustomer]) -> Reply:
    """Make a customer; they are mailed a way to set their password."""
    who = call.body.particulars(call.caller.subject, call.command.key)
    check_addresses(who.addresses)
    check_postal(who.addresses, "/addresses/{}")
    with login_problems():
        customer = invite(db(), identity(), who, call.command, _employee(call), call.now)
    if customer.created_at != call.now:  # made by an earlier try, and perhaps changed since
        opened(db(), call, customer, "a customer made before")
    return _reply(customer, call, 201, f"{_ALL}/{customer.id}")


@api.route("POST", f"{_ONE}/invitation", who=DESK, status=204, key=True)
def invite_again(call: Call[None]) -> Reply:
    """Mail a customer a new way to set their password; the one before works no more. A repeat of
    the same request mails nothing; two tries of it at the same moment may both mail."""
    customer = _known(call)
    if not repeated(customer, call.command):
        with login_problems():
            sent = customer.state not in BLOCKED and identity().invite_again(customer.email_key)
        if not sent:
            raise Refusal(Reason.ILLEGAL_STATE, "This customer waits for no invitation.")
        # Only now, or a crash between would leave them without a mail for good.
        until_fresh(lambda: _note_mailed(call))
    return Reply("", 204, "text/plain")


def _note_mailed(call: Call[None]) -> None:
    """Note that an invitation was mailed anew, unless another try of the request has."""
    known = _known(call)
    if not repeated(known, call.command):
        save(db(), mailed_again(known, call.command, call.now, _employee(call)))


@api.route("GET", _ALL, who=DESK, query=LookUp, reply=FoundView)
def find(call: Call[None]) -> FoundView:
    """Customers by what a caller tells. Who looked, and why, is put on record."""
    return look_up(db(), call)


@api.route("GET", _ONE, who=DESK, query=Because, reply=DeskView)
def show(call: Call[None]) -> Reply:
    """A customer's record. Who read it, and why, is put on record."""
    customer = _known(call)
    opened(db(), call, customer, call.query.reason)
    return _reply(customer, call)


@api.route("GET", f"{_ONE}/audit", who=SENIOR, query=Page, reply=AccessesView)
def audit(call: Call[None]) -> AccessesView:
    """Who looked at a customer, latest first: who opened the record or was shown it in a list."""
    return accesses_of(db(), call)


@api.route("GET", "/staff/look-ups", who=SENIOR, query=Day, reply=AccessesView)
def audit_day(call: Call[None]) -> AccessesView:
    """What staff looked up on a day, latest first, whether or not they found anybody."""
    return accesses_on(db(), call)


@api.route("PATCH", _ONE, who=DESK, body=Edit, reply=DeskView)
def edit(call: Call[Edit]) -> Reply:
    """Change fields of a customer's record."""
    return _reply(
        _edit(
            call,
            lambda known: edited(
                known, call.body.values(known, call.now), call.now, _employee(call)
            ),
        ),
        call,
    )


@api.route("GET", f"{_ONE}/history", who=DESK, query=Entries, reply=HistoryView)
def show_history(call: Call[None]) -> HistoryView:
    """What changed about a customer, when, by whom and why. Who read it is put on record."""
    customer = _known(call)
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=f"CUS#{customer.id}")
    require_place(start, HISTORY)
    opened(db(), call, customer, call.query.reason)
    entries, more = history(db(), customer.id, call.query.limit, start)
    return HistoryView(entries, to_cursor(more))


@api.route(
    "POST", f"{_ONE}/addresses", who=DESK, body=BookEntry, reply=DeskView, status=201, key=True
)
def add_address(call: Call[BookEntry]) -> Reply:
    """Put an address in a customer's book."""
    saved = call.body.saved(derived("adr", call.path["customer_id"], call.command.key))
    check_postal([saved])
    by = _employee(call)
    return _reply(
        _edit(call, lambda known: with_address(known, saved, call.now, by, call.command)),
        call,
        201,
        f"{_ALL}/{call.path['customer_id']}/addresses/{saved.id}",
    )


@api.route("PUT", _ADDRESS, who=DESK, body=BookEntry, reply=DeskView)
def replace_address(call: Call[BookEntry]) -> Reply:
    """Change an address of a customer's book."""

    def put(known: Customer) -> Change | None:
        saved = call.body.saved(known.address(call.path["address_id"]).id)
        check_postal([saved])
        return with_address(known, saved, call.now, _employee(call))

    return _reply(_edit(call, put), call)


@api.route("DELETE", _ADDRESS, who=DESK, reply=DeskView)
def remove_address(call: Call[None]) -> Reply:
    """Take an address out of a customer's book."""
    address_id, by = call.path["address_id"], _employee(call)
    return _reply(_edit(call, lambda known: without_address(known, address_id, call.now, by)), call)


@api.route("GET", f"{_ONE}/challenge", who=DESK, reply=ChallengeView)
def show_challenge(call: Call[None]) -> ChallengeView:
    """The question by which a caller is recognised."""
    customer = _known(call)
    challenge = known_challenge(db(), customer)
    opened(db(), call, customer, "the question that recognises a caller")
    return view(challenge, call.now)


@api.route("PUT", f"{_ONE}/challenge", who=DESK, body=Question, reply=ChallengeView)
def set_challenge(call: Call[Question]) -> ChallengeView:
    """Agree on a question and its answer, of which only a digest is kept."""
    asked, by = call.body, _employee(call)
    made = agree(
        db(), lambda: _known(call), asked.question, asked.answer, token_hex(16), by, call.now
    )
    return view(made, call.now)


@api.route("POST", f"{_ONE}/challenge/verify", who=DESK, body=Answer, reply=VerifiedView, key=True)
def verify_answer(call: Call[Answer]) -> VerifiedView:
    """Look whether a caller's answer is right. A few wrong ones lock it for a while."""
    by, key = _employee(call), call.command.key
    return verify(db(), lambda: _known(call), call.body.answer, key, by, call.now)


@api.route("GET", f"{_ONE}/demographics", who=DESK, query=For, reply=Demographics)
def show_demographics(call: Call[None]) -> Demographics:
    """What a customer told about themselves, for a use that they agreed to. It is put on record."""
    customer = _known(call)
    told = get_demographics(db(), customer.id) if agrees(customer, "demographics") else None
    if told is None:
        raise Refusal(Reason.NOT_FOUND, "The customer has told nothing.")
    told.require(call.query.use)
    opened(db(), call, customer, f"{call.query.use}: {call.query.reason}")
    return told


@api.route("PUT", f"{_ONE}/demographics", who=DESK, body=DemographicsInput, reply=Demographics)
def set_demographics(call: Call[DemographicsInput]) -> Demographics:
    """Note what a customer tells about themselves, with their consent, in place of what was."""
    told = call.body.told(call.now)

    def attempt() -> Demographics:
        change = tell(_known(call), call.body.wording, call.now, _employee(call))
        save_demographics(db(), change, told)
        return told

    return until_fresh(attempt)


@api.route("DELETE", f"{_ONE}/demographics", who=DESK, status=204)
def forget_demographics(call: Call[None]) -> Reply:
    """Forget what a customer told about themselves: they do not agree to it any more."""

    def attempt() -> None:
        customer = _known(call)
        there = get_demographics(db(), customer.id) is not None
        change = withdraw(customer, call.now, _employee(call), there=there)
        if change is not None:
            save_demographics(db(), change, None)

    until_fresh(attempt)
    return Reply("", 204, "text/plain")


@api.route("PUT", f"{_ONE}/state", who=DESK, body=NewState, reply=DeskView)
def set_state(call: Call[NewState]) -> Reply:
    """Enable, lock or disable a customer. It binds at once, at sign-in and when ordering.

    The record is changed first; the login follows. A repeat puts right what a crash left between.
    """
    wanted, by = call.body, _employee(call)
    with login_problems():

        def decide(known: Customer) -> Change | None:
            require_no_colleague(identity(), known, call.caller)
            holder, shown = holder_of(db(), known.email_key), proven(identity(), known)
            return put_in_state(known, wanted.state, wanted.reason, shown, holder, call.now, by)

        customer = _edit(call, decide, save if wanted.state in BLOCKED else save_in_use)
        align(db(), identity(), customer)
    return _reply(customer, call)


@api.route(
    "PUT",
    f"{_ONE}/standing",
    who=SENIOR,
    body=Standing,
    reply=CustomerView,
)
def set_standing(call: Call[Standing]) -> Reply:
    """Set a customer's groups and business account. Carts made theirs from then on go by it."""

    def decide(known: Customer) -> Change | None:
        require_others(known, _employee(call))
        require_no_colleague(identity(), known, call.caller)
        return edited(known, call.body.values(), call.now, _employee(call))

    with login_problems():
        customer = _edit(call, decide)
    return Reply(customer_view(customer), headers=_etag(customer))


@api.route("POST", f"{_ONE}/merge", who=SENIOR, body=Duplicate, reply=MergedView, key=True)
def merge_into(call: Call[Duplicate]) -> Reply:
    """Have a duplicate record become part of this one; its orders follow, its login ends.

    What orders do not follow at once follow within minutes. A repeat goes on where one stopped.
    """
    from parcelway.domain.merging import merge  # orders are a merger's concern alone
    from parcelway.store.merging import final, follow, guests_of, save_merger

    asked, by = call.body, _employee(call)

    def attempt() -> tuple[Customer, Customer]:
        survivor = _known(call)
        duplicate = get_customer(db(), asked.duplicate)
        if duplicate is None:
            raise Refusal(Reason.NOT_FOUND, "There is no such customer.", "/duplicate")
        for record in (survivor, duplicate):
            require_no_colleague(identity(), record, call.caller)
        merger = merge(survivor, duplicate, asked.reason, call.now, by)
        if merger is None:
            opened(db(), call, survivor, "a merger made before")
            return survivor, duplicate
        if call.if_match not in (None, survivor.version):
            raise stale_version()
        guests = guests_of(proven_mailbox(identity(), duplicate))
        save_merger(db(), merger, guests, call.now)
        return merger.survivor.customer, merger.duplicate.customer

    with login_problems():
        survivor, duplicate = until_fresh(attempt)
        align(db(), identity(), duplicate)
        guests = guests_of(proven_mailbox(identity(), duplicate))
    into = final(db(), survivor.id)
    followed = follow(db(), duplicate.id, guests, into, call.now, _MOST_AT_ONCE)
    view = MergedView(desk_view(survivor, call.now), followed.moved, followed.complete)
    return Reply(view, headers=_etag(survivor))


def _edit(
    call: Call[Any],
    decide: Callable[[Customer], Change | None],
    write: Callable[[Database, Change], None] = save,
) -> Customer:
    """The record after a change; one that already is so needs no version to match."""

    def attempt() -> Customer:
        known = _known(call)
        change = decide(known)
        if change is None:
            # Or an edit of nothing would read a record that nobody put on record.
            opened(db(), call, known, "an edit that changed nothing")
            return known
        if call.if_match not in (None, known.version):
            raise stale_version()
        write(db(), change)
        return change.customer

    return until_fresh(attempt)


def _known(call: Call[Any]) -> Customer:
    """The record of the path. What is left of an emptied sign-up, or of who was forgotten, is
    nobody's."""
    customer = get_customer(db(), call.path["customer_id"])
    if customer is None or customer.state in ("replaced", "erased"):
        raise Refusal(Reason.NOT_FOUND, "There is no such customer.")
    return customer


def _employee(call: Call[Any]) -> Actor:
    return Actor("staff", call.caller.subject)


def _reply(customer: Customer, call: Call[Any], status: int = 200, location: str = "") -> Reply:
    headers = _etag(customer) | ({"Location": location} if location else {})
    return Reply(desk_view(customer, call.now), status, headers=headers)


def _etag(customer: Customer) -> dict[str, str]:
    return {"ETag": f'"{customer.version}"'}
