"""What a person may ask of a shop about their data: to have it (GDPR Art. 15, 20), and to be
forgotten (Art. 17)."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from exports import ExportView, Wanted, export
from forms import Because, ErasureView, GuestToErase, More, ToErase, erasure_view
from parcelway.domain.customer import Customer
from parcelway.domain.erasing import Erasure, Grounds, InTheWay, credit_left, erasure, in_the_way
from parcelway.domain.finding import Access
from parcelway.domain.login import normalise_email
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.api import CUSTOMER, Api, Reply, staff
from parcelway.http.call import Call
from parcelway.store.commit import until_fresh
from parcelway.store.customers import get_customer, holder_of
from parcelway.store.database import Database, database
from parcelway.store.erasing import begin, get_erasure, orders_in_question
from parcelway.store.finding import note
from parcelway.store.gift_cards import cards_of_customer

api = Api("privacy")
handler = api
db = cache(database)

SENIOR = staff("csr_supervisor", "admin")
_MOST_TOLD = 20  # of what is in the way
_ONE = "/staff/customers/{customer_id}"


@api.route("GET", "/customers/me/export", who=CUSTOMER, query=More, reply=ExportView)
def own(call: Call[None]) -> ExportView:
    """All that is kept of the signed-in customer."""
    return export(db(), call.caller.customer_id, _wanted(call), call.now, to_staff=False)


@api.route("GET", f"{_ONE}/export", who=SENIOR, query=Because, reply=ExportView)
def for_staff(call: Call[None]) -> ExportView:
    """All that is kept of a customer. Who asked for it, and why, is put on record."""
    customer = _known(call.path["customer_id"])
    if customer.state != "erased":
        use = call.query.demographics
        why = f"{use}: {call.query.reason}" if use else call.query.reason
        access = Access(call.now, call.caller.subject, why, "exported", 1)
        note(db(), access, [customer.id], opened=True)
    return export(db(), customer.id, _wanted(call), call.now, to_staff=True)


@api.route(
    "POST", f"{_ONE}/erasure", who=SENIOR, body=ToErase, reply=ErasureView, status=202, key=True
)
def erase_customer(call: Call[ToErase]) -> Reply:
    """Forget a customer, and what was merged into them. It takes an hour or two; ask again to learn
    whether it is over.

    Refused, with a list, while an order is open, money is owed or to be given back, a payment is
    disputed, or store credit is left. Invoices, credit notes and the books stay.
    """

    def attempt() -> ErasureView:
        customer = _known(call.path["customer_id"])
        if customer.state == "erased":
            return erasure_view(customer.id, get_erasure(db(), customer.id))
        absorbed = [each for each in map(_record, customer.absorbed) if each is not None]
        planned, change = erasure(customer, absorbed, call.body.grounds, call.now, _employee(call))
        _require_clear(db(), planned, call)
        begin(db(), planned, change)
        return erasure_view(planned.id, planned)

    return Reply(until_fresh(attempt), 202)


@api.route(
    "POST",
    "/staff/erasures",
    who=SENIOR,
    body=GuestToErase,
    reply=ErasureView,
    status=202,
    key=True,
)
def erase_guest(call: Call[GuestToErase]) -> Reply:
    """Forget somebody who ordered as a guest only, or through a marketplace, by their address.

    Refused with the customer's id where the address is a customer's.
    """
    address = normalise_email(call.body.email)
    guest_id = f"guest_{hashlib.sha256(address.encode()).hexdigest()[:32]}"

    def attempt() -> ErasureView:
        if holder := holder_of(db(), address):
            raise Refusal(
                Reason.EMAIL_TAKEN,
                "This is a customer's address; erase the customer.",
                "/email",
                customer_id=holder,
            )
        running = get_erasure(db(), guest_id)
        if running is not None:
            return erasure_view(guest_id, running)
        planned = Erasure(guest_id, call.now, _employee(call), call.body.grounds, (address,))
        if not orders_in_question(db(), planned):
            return erasure_view(guest_id, None)
        _require_clear(db(), planned, call)
        _on_record(call, call.body.grounds)
        begin(db(), planned, None)
        return erasure_view(guest_id, planned)

    return Reply(until_fresh(attempt), 202)


def _wanted(call: Call[Any]) -> Wanted:
    return Wanted(call.query.cursor, call.query.demographics)


def _require_clear(db: Database, planned: Erasure, call: Call[Any]) -> None:
    """Refuse with ERASURE_BLOCKED, and what is in the way."""
    found = [
        InTheWay(what, order.id)
        for order, disputes in orders_in_question(db, planned)
        if (what := in_the_way(order, disputes, call.now))
    ]
    for record in planned.records:
        cards = cards_of_customer(db, record)
        found += [InTheWay("store_credit", c.id) for c in cards if credit_left(c, call.now)]
    if found:
        told = [{"what": each.what, "reference": each.reference} for each in found[:_MOST_TOLD]]
        raise Refusal(
            Reason.ERASURE_BLOCKED,
            "Something is still open between this person and the shop.",
            in_the_way=told,
        )


def _on_record(call: Call[Any], grounds: Grounds) -> None:
    """That a guest was forgotten, by whom and why: no record of theirs is left to say so."""
    note(db(), Access(call.now, call.caller.subject, grounds, "erased_guest", 1), [])


def _record(customer_id: str) -> Customer | None:
    return get_customer(db(), customer_id)


def _known(customer_id: str) -> Customer:
    customer = _record(customer_id)
    if customer is None or customer.state == "replaced":
        raise Refusal(Reason.NOT_FOUND, "There is no such customer.")
    return customer


def _employee(call: Call[Any]) -> Actor:
    return Actor("staff", call.caller.subject)
