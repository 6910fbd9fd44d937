"""Business accounts: what finance notes of them, and what their approvers say about a cart."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from forms import (
    AccountInput,
    AccountView,
    Approve,
    ContactOfAccount,
    Reject,
    ToApprovesView,
    account_view,
    to_approve,
)
from parcelway.domain import approving
from parcelway.domain.account import Account, AccountContact, ApprovalStatus, changed
from parcelway.domain.approving import Approver, approver, is_own
from parcelway.domain.commands import repeated
from parcelway.domain.facts import Facts
from parcelway.domain.login import normalise_email
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.access import held_order
from parcelway.http.api import CART, CUSTOMER, Api, Reply, staff
from parcelway.http.call import Call, read_nothing
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.taxes import with_taxes
from parcelway.http.views import OrderView, held_view, order_view
from parcelway.store import approvals
from parcelway.store.accounts import account_of, get_account, save_account
from parcelway.store.commit import stale_version, until_fresh
from parcelway.store.customers import get_customer, holder_of
from parcelway.store.database import database
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop

api = Api("accounts", around=with_taxes)
handler = api
db = cache(database)

WRITERS = staff("csr_supervisor", "finance", "admin")
READERS = staff("csr", "csr_supervisor", "finance", "admin")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # as a customer's standing names it
_ACCOUNT = "/staff/accounts/{account}"
_CART = "/account/approvals/{cart_id}"


@api.route("GET", _ACCOUNT, who=READERS, reply=AccountView)
def show(call: Call[None]) -> Reply:
    """A business account."""
    known = get_account(db(), call.path["account"])
    if known is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such account.")
    return _reply(known)


@api.route("PUT", _ACCOUNT, who=WRITERS, body=AccountInput, reply=AccountView)
def note(call: Call[AccountInput]) -> Reply:
    """Note a business account, or change it; carts go by it from then on.

    Its terms and its credit limit are its credit's.
    """
    wanted = _wanted(call)

    def attempt() -> Account:
        known = get_account(db(), wanted.id)
        change = changed(known, wanted, call.now, Actor("staff", call.caller.subject))
        if change is None:
            assert known is not None
            return known
        if call.if_match not in (None, known.version if known else 0):
            raise stale_version()
        save_account(db(), change)
        return change.account

    return _reply(until_fresh(attempt))


@api.route("POST", "/carts/{cart_id}/approval", who=CART, reply=OrderView, status=201, key=True)
def ask(call: Call[None]) -> OrderView:
    """Ask the approvers of the cart's business account about it, as it is now.

    They are written to, and the buyer once one of them has decided. Then the buyer places it.
    """
    read_nothing(call.raw)

    def attempt() -> Order:
        order = held_order(db(), call)
        if repeated(order, call.command):
            return order
        account = account_of(db(), order.account)
        decision = approving.ask(order, account, read_facts(db(), order, call.now), call.command)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, until_fresh(attempt))


@api.route("GET", "/account/approvals", who=CUSTOMER, query=Page, reply=ToApprovesView)
def waiting(call: Call[None]) -> ToApprovesView:
    """The carts of the caller's business account that wait for an approver's word."""
    by = _approver(call)
    partition = approvals.partition(by.account.id)
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=partition)
    found, more = approvals.waiting(db(), by.account.id, call.query.limit, start)
    return ToApprovesView(
        [to_approve(order, is_own(order, by)) for order in found], to_cursor(more)
    )


@api.route("POST", f"{_CART}/approve", who=CUSTOMER, body=Approve, reply=OrderView, key=True)
def approve(call: Call[Approve]) -> OrderView:
    """Agree to a cart as it was asked about; its buyer may place it."""
    return _decide(call, "approved")


@api.route("POST", f"{_CART}/reject", who=CUSTOMER, body=Reject, reply=OrderView, key=True)
def reject(call: Call[Reject]) -> OrderView:
    """Have a cart not be placed as it is. The buyer may change it, and ask again."""
    return _decide(call, "rejected", call.body.reason)


def _decide(call: Call[Any], status: ApprovalStatus, reason: str = "") -> OrderView:
    by = _approver(call)

    def attempt() -> Order:
        order = get_order(db(), call.path["cart_id"])
        if order is None or order.account != by.account.id:
            raise approving.nothing_to_decide()
        if repeated(order, call.command):
            return order
        facts = Facts(load_shop(db()), call.now)
        decision = approving.decide(
            order, call.body.approval_id, status, by, facts, call.command, reason
        )
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt), staff=True)


def _approver(call: Call[Any]) -> Approver:
    """The caller as an approver. Raises Refusal NOT_FOUND."""
    customer = get_customer(db(), call.caller.customer_id)
    account = account_of(db(), customer.account) if customer else None
    return approver(customer, account, call.caller.subject)


def _wanted(call: Call[AccountInput]) -> Account:
    """The account as the body says, its contacts as the customers that they are."""
    said, name = call.body, call.path["account"]
    if not _NAME.fullmatch(name):
        raise Refusal(Reason.NOT_FOUND, "No account can have such a name.")
    above = said.approval_above.money() if said.approval_above else None
    if above is not None:
        load_shop(db()).settings.require_sold_in(above.currency)
    return Account(
        name,
        0,
        said.company,
        said.billing_address.address() if said.billing_address else None,
        _tax_id(said.tax_id),
        tuple(_contact(each, f"/contacts/{index}") for index, each in enumerate(said.contacts)),
        said.po_required,
        above,
    )


def _contact(said: ContactOfAccount, pointer: str) -> AccountContact:
    """A contact as the customer who it is. Raises Refusal INVALID."""
    if (said.customer_id is None) == (said.email is None):
        raise Refusal(Reason.INVALID, "Give either a customer's id or their e-mail.", pointer)
    found = said.customer_id or holder_of(db(), normalise_email(said.email or ""))
    customer = get_customer(db(), found) if found else None
    if customer is None or customer.state == "replaced" or customer.merged_into:
        raise Refusal(Reason.INVALID, "There is no such customer.", pointer)
    return AccountContact(customer.id, tuple(sorted(set(said.roles))))


def _tax_id(text: str) -> str:
    if not text:
        return ""
    from parcelway.http.vat_numbers import vat_number  # nobody else here pays for its library

    return vat_number(text)


def _reply(account: Account) -> Reply:
    return Reply(account_view(account), headers={"ETag": f'"{account.version}"'})
