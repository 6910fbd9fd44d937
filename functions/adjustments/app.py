"""Adjustments: what staff change about the price of somebody's cart, and who agrees to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from forms import NewAdjustment
from parcelway.domain import adjusting
from parcelway.domain.adjusting import Member, Wish
from parcelway.domain.adjustment import Adjustment
from parcelway.domain.commands import repeated
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.http.access import any_cart
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.taxes import with_taxes
from parcelway.http.views import OrderView, order_view
from parcelway.store import proposals
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.values import dataclass

api = Api("adjustments", around=with_taxes)
handler = api
db = cache(database)

DESK = staff("csr", "csr_supervisor", "finance", "admin")
DECIDERS = staff("csr_supervisor", "finance", "admin")
_ALL = "/staff/carts/{cart_id}/adjustments"
_ONE = f"{_ALL}/{{adjustment_id}}"


@dataclass(frozen=True, slots=True)
class AdjustedView:
    """The cart as it is priced now, and its adjustments."""

    order: OrderView
    adjustments: list[Adjustment]


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal that waits for a decision, and whose cart it is about."""

    cart_id: str
    version: int
    adjustment: Adjustment


@dataclass(frozen=True, slots=True)
class ProposalsView:
    """A page of proposals, the oldest first."""

    proposals: list[ProposalView]
    next_cursor: str | None


@api.route("POST", _ALL, who=DESK, body=NewAdjustment, reply=AdjustedView, status=201, key=True)
def adjust(call: Call[NewAdjustment]) -> AdjustedView:
    """Change a shipping charge or a unit price, or take an amount off the goods.

    Above what the caller may give away it becomes a proposal, which has no effect until somebody
    else approves it; the order cannot be placed before that is decided.
    """
    wanted = call.body
    wish = Wish(wanted.kind, wanted.target, wanted.value.money(), wanted.reason, wanted.note)
    return _change(
        call,
        lambda order, facts: adjusting.adjust(order, wish, _member(call), facts, call.command),
    )


@api.route("POST", f"{_ONE}/approve", who=DECIDERS, reply=AdjustedView, key=True)
def approve(call: Call[None]) -> AdjustedView:
    """Let somebody else's proposal take effect, as it was proposed."""
    return _change(
        call,
        lambda order, facts: adjusting.approve(
            order, call.path["adjustment_id"], _member(call), facts, call.command
        ),
    )


@api.route("POST", f"{_ONE}/reject", who=DECIDERS, reply=AdjustedView, key=True)
def reject(call: Call[None]) -> AdjustedView:
    """Have nothing of somebody else's proposal."""
    return _change(
        call,
        lambda order, facts: adjusting.reject(
            order, call.path["adjustment_id"], _member(call), facts, call.command
        ),
    )


@api.route("DELETE", _ONE, who=DESK, reply=AdjustedView)
def remove(call: Call[None]) -> AdjustedView:
    """Take an adjustment or a proposal back; it not being there is fine."""
    return _change(
        call,
        lambda order, facts: adjusting.remove(
            order, call.path["adjustment_id"], _member(call), facts
        ),
    )


@api.route("GET", "/staff/adjustments", who=DECIDERS, query=Page, reply=ProposalsView)
def waiting(call: Call[None]) -> ProposalsView:
    """Proposals that wait for a decision."""
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=proposals.PK)
    found, more = proposals.waiting(db(), call.query.limit, start)
    return ProposalsView(
        [ProposalView(order.id, order.version, proposal) for order, proposal in found],
        to_cursor(more),
    )


def _change(
    call: Call[NewAdjustment] | Call[None], decide: Callable[[Order, Facts], Decision | None]
) -> AdjustedView:
    def attempt() -> Order:
        order = any_cart(db(), call)
        if repeated(order, call.command):
            return order
        decision = decide(order, read_facts(db(), order, call.now, stock=()))
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    order = until_fresh(attempt)
    return AdjustedView(order_view(order, staff=True), list(order.adjustments))


def _member(call: Call[NewAdjustment] | Call[None]) -> Member:
    caller = call.caller
    return Member(Actor("staff", caller.subject), caller.groups, caller.customer_id)
