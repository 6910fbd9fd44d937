"""Taxes: what a cart's buyer says of their tax, and what staff have seen of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from forms import Certificate, TaxId
from parcelway.domain import tax_details
from parcelway.domain.adjusting import Member
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor, TaxExemption
from parcelway.http.access import any_cart, by_grant, held_order
from parcelway.http.api import CART, Api, staff
from parcelway.http.call import Call
from parcelway.http.taxes import with_taxes
from parcelway.http.vat_numbers import vat_number
from parcelway.http.views import OrderView, order_view
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database, database
from parcelway.store.saving import save
from parcelway.store.selling import read_facts

api = Api("taxes", around=with_taxes)
handler = api
db = cache(database)

FINANCE = staff("csr_supervisor", "finance", "admin")
_EXEMPTION = "/staff/carts/{cart_id}/tax-exemptions/{region}"


@api.route("PUT", "/carts/{cart_id}/tax-id", who=CART, body=TaxId, reply=OrderView)
def identify(call: Call[TaxId]) -> OrderView:
    """Note the buyer's VAT number.

    Its form and check digits are looked at, not whether it is registered: only the register of the
    state that gave it knows that.
    """
    number = vat_number(call.body.tax_id)
    return _change(
        call, held_order, lambda order, facts: tax_details.identify(order, number, facts)
    )


@api.route("DELETE", "/carts/{cart_id}/tax-id", who=CART, reply=OrderView)
def forget(call: Call[None]) -> OrderView:
    """Take the buyer's VAT number back; there being none is fine."""
    return _change(call, held_order, lambda order, facts: tax_details.identify(order, "", facts))


@api.route("PUT", _EXEMPTION, who=FINANCE, body=Certificate, reply=OrderView)
def exempt(call: Call[Certificate]) -> OrderView:
    """Note a certificate of exemption for what goes to a region."""
    seen, region = call.body, call.path["region"]
    noted = TaxExemption(seen.certificate, region, seen.reason, seen.valid_from, seen.valid_until)
    return _change(
        call,
        any_cart,
        lambda order, facts: tax_details.exempt(order, noted, _member(call), facts),
    )


@api.route("DELETE", _EXEMPTION, who=FINANCE, reply=OrderView)
def charge(call: Call[None]) -> OrderView:
    """Have nothing of a region's certificate any more; there being none is fine."""
    region = call.path["region"]
    return _change(
        call,
        any_cart,
        lambda order, facts: tax_details.charge(order, region, _member(call), facts),
    )


def _change(
    call: Call[Any],
    read: Callable[[Database, Call[Any]], Order],
    decide: Callable[[Order, Facts], Decision | None],
) -> OrderView:
    def attempt() -> Order:
        order = read(db(), call)
        decision = decide(order, read_facts(db(), order, call.now, stock=()))
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt), staff=read is any_cart or by_grant(call))


def _member(call: Call[Any]) -> Member:
    caller = call.caller
    return Member(Actor("staff", caller.subject), caller.groups, caller.customer_id)
