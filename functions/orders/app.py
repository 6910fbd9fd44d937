"""Placed orders: what a customer sees of them, and how they are cancelled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

from botocore.exceptions import BotoCoreError, ClientError
from forms import Cancellation, Sought
from parcelway.domain.adjustment import Adjustment
from parcelway.domain.cancellation import Units, cancel, cancel_units
from parcelway.domain.commands import repeated
from parcelway.domain.decision import Decision
from parcelway.domain.dispute import Dispute
from parcelway.domain.login import normalise_email
from parcelway.domain.order import Event, Hold, Order
from parcelway.domain.parties import Actor
from parcelway.http.access import any_dossier, held_dossier, own_dossier
from parcelway.http.api import CART, CUSTOMER, Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.views import OrderView, ShipmentView, order_view, shipment_view
from parcelway.store.commit import Busy, until_fresh
from parcelway.store.customers import get_customer
from parcelway.store.database import database
from parcelway.store.guest_orders import claim, unclaimed
from parcelway.store.listing import listed
from parcelway.store.orders import Dossier, get_orders, orders_of
from parcelway.store.saving import save
from parcelway.values import dataclass
from views import SummariesView, summary

api = Api("orders")
handler = api
db = cache(database)
_log = logging.getLogger(__name__)

STAFF = staff("csr", "csr_supervisor", "warehouse", "finance", "admin")


@dataclass(frozen=True, slots=True)
class OrdersView:
    """A page of orders, newest first."""

    orders: list[OrderView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StaffOrderView:
    """Everything the people of the shop may need to know of an order. `actor` placed it or, of a
    cart, changed it last; for `customer_id`, '' for a guest."""

    order: OrderView
    customer_id: str
    actor: Actor
    shipments: list[ShipmentView]
    invoices: list[str]
    credit_notes: list[str]
    disputes: list[Dispute]
    holds: list[Hold]
    alerts: list[Hold]
    adjustments: list[Adjustment]
    events: list[Event]


@api.route("GET", "/orders", who=CUSTOMER, query=Page, reply=OrdersView)
def history(call: Call[None]) -> OrdersView:
    """The caller's own placed orders."""
    if call.query.cursor is None:
        _claim_orders(call)
    owner = call.caller.customer_id
    start = from_cursor(call.query.cursor, {"pk", "sk", "owner", "placed_at"}, owner=owner)
    ids, more = orders_of(db(), owner, call.query.limit, start)
    return OrdersView([order_view(order) for order in get_orders(db(), ids)], to_cursor(more))


@api.route("GET", "/orders/{order_id}", who=CUSTOMER, reply=OrderView)
def show(call: Call[None]) -> OrderView:
    """One of the caller's own orders."""
    return order_view(own_dossier(db(), call).order)


@api.route(
    "POST", "/orders/{order_id}/cancel", who=CUSTOMER, body=Cancellation, reply=OrderView, key=True
)
def cancel_own(call: Call[Cancellation]) -> OrderView:
    """Cancel an own order of which nothing has left yet, or units of it that are not packed."""
    actor = Actor("customer", call.caller.customer_id)
    return _cancel(call, lambda: (own_dossier(db(), call), actor))


@api.route(
    "POST", "/carts/{cart_id}/cancel", who=CART, body=Cancellation, reply=OrderView, key=True
)
def cancel_held(call: Call[Cancellation]) -> OrderView:
    """Cancel the placed order whose cart token the caller holds, or units of it."""
    return _cancel(call, lambda: held_dossier(db(), call))


@api.route("GET", "/staff/orders", who=STAFF, query=Sought, reply=SummariesView)
def find(call: Call[None]) -> SummariesView:
    """Placed orders of all channels, newest first, or those that are asked for.

    A page may have fewer than `limit`, even none, while there is a `next_cursor`.
    """
    sought: Sought = call.query
    about = sought.model_dump_json(exclude={"limit", "cursor"})
    start = from_cursor(sought.cursor, {"about", "before"}, about=about)
    before = start["before"] if start else ""
    found, more = listed(db(), sought.wanted(), sought.limit, before)
    return SummariesView(
        [summary(order) for order in found],
        to_cursor({"about": about, "before": more} if more else None),
    )


@api.route("GET", "/staff/orders/{order_id}", who=STAFF, reply=StaffOrderView)
def inspect(call: Call[None]) -> StaffOrderView:
    """Anybody's order with its parts, what happened to it, and what needs somebody's attention."""
    dossier = any_dossier(db(), call.path["order_id"])
    order = dossier.order
    return StaffOrderView(
        order=order_view(order, staff=True),
        customer_id=order.customer_id,
        actor=order.actor,
        shipments=[shipment_view(order, shipment) for shipment in dossier.shipments],
        invoices=[invoice.number for invoice in dossier.invoices],
        credit_notes=[note.number for note in dossier.credit_notes],
        disputes=list(dossier.disputes),
        holds=list(order.holds),
        alerts=list(order.alerts),
        adjustments=list(order.adjustments),
        events=list(dossier.events),
    )


@api.route(
    "POST",
    "/staff/orders/{order_id}/cancel",
    who=staff("csr", "csr_supervisor", "admin"),
    body=Cancellation,
    reply=OrderView,
    key=True,
)
def cancel_any(call: Call[Cancellation]) -> OrderView:
    """Cancel anybody's order of which nothing has left yet, or units that are not packed."""
    actor = Actor("staff", call.caller.subject)
    return _cancel(call, lambda: (any_dossier(db(), call.path["order_id"]), actor))


def _claim_orders(call: Call[None]) -> None:
    """Give the caller what they ordered as a guest, where their sign-up did not come to it, or they
    did not sign in for it. The record says which mailbox they have proven, not the token. Nothing
    here may keep them from their list: what is left comes with the next one."""
    try:
        key = normalise_email(call.caller.email)
    except ValueError:
        return
    try:
        found = unclaimed(db(), key)
        customer = get_customer(db(), call.caller.customer_id) if found else None
        if customer is not None:
            claim(db(), customer, found, call.now)
    except (Busy, BotoCoreError, ClientError) as error:
        _log.warning("orders not claimed yet: %s", type(error).__name__)


def _cancel(call: Call[Cancellation], read: Callable[[], tuple[Dossier, Actor]]) -> OrderView:
    def attempt() -> tuple[Order, Actor]:
        dossier, actor = read()
        if repeated(dossier.order, call.command):
            return dossier.order, actor
        decision = _decided(dossier, call, actor)
        save(db(), decision, call.now)
        return decision.order, actor

    order, by = until_fresh(attempt)
    return order_view(order, staff=by.kind == "staff")


def _decided(dossier: Dossier, call: Call[Cancellation], actor: Actor) -> Decision:
    order, shipments, reason = dossier.order, dossier.shipments, call.body.reason
    if call.body.lines is None:
        return cancel(order, shipments, reason, actor, call.now, call.command)
    units = [Units(line.sku, line.quantity) for line in call.body.lines]
    return cancel_units(order, shipments, units, reason, actor, call.now, call.command)
