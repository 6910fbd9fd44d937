"""Placed orders: what a customer sees of them, and how they are cancelled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from parcelway.domain.cancellation import cancel
from parcelway.domain.commands import repeated
from parcelway.domain.order import Event, Hold, Order
from parcelway.domain.parties import Actor
from parcelway.http.access import any_dossier, held_dossier, own_dossier
from parcelway.http.api import CART, CUSTOMER, Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.schemas import Input, Text
from parcelway.http.views import OrderView, ShipmentView, order_view, shipment_view
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_orders, orders_of, save
from parcelway.values import dataclass

api = Api("orders")
handler = api
db = cache(database)

STAFF = staff("csr", "csr_supervisor", "warehouse", "finance", "admin")


class Cancellation(Input):
    """Why the order is not wanted any more."""

    reason: Text(200) = "customer"  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class OrdersView:
    """A page of orders, newest first."""

    orders: list[OrderView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StaffOrderView:
    """Everything the people of the shop may need to know of an order."""

    order: OrderView
    shipments: list[ShipmentView]
    invoices: list[str]
    holds: list[Hold]
    alerts: list[Hold]
    events: list[Event]


@api.route("GET", "/orders", who=CUSTOMER, query=Page, reply=OrdersView)
def history(call: Call[None]) -> OrdersView:
    """The caller's own placed orders."""
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
    """Cancel an own order of which nothing has left yet."""
    actor = Actor("customer", call.caller.customer_id)
    return _cancel(call, lambda: own_dossier(db(), call), actor)


@api.route(
    "POST", "/carts/{cart_id}/cancel", who=CART, body=Cancellation, reply=OrderView, key=True
)
def cancel_held(call: Call[Cancellation]) -> OrderView:
    """Cancel the placed order whose cart token the caller holds."""
    return _cancel(call, lambda: held_dossier(db(), call), Actor("guest"))


@api.route("GET", "/staff/orders/{order_id}", who=STAFF, reply=StaffOrderView)
def inspect(call: Call[None]) -> StaffOrderView:
    """Anybody's order with its parts, what happened to it, and what needs somebody's attention."""
    dossier = any_dossier(db(), call.path["order_id"])
    order = dossier.order
    return StaffOrderView(
        order=order_view(order, staff=True),
        shipments=[shipment_view(order, shipment) for shipment in dossier.shipments],
        invoices=[invoice.number for invoice in dossier.invoices],
        holds=list(order.holds),
        alerts=list(order.alerts),
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
    """Cancel anybody's order of which nothing has left yet."""
    actor = Actor("staff", call.caller.subject)
    return _cancel(call, lambda: any_dossier(db(), call.path["order_id"]), actor)


def _cancel(call: Call[Cancellation], read: Callable[[], Dossier], actor: Actor) -> OrderView:
    def attempt() -> Order:
        dossier = read()
        if repeated(dossier.order, call.command):
            return dossier.order
        decision = cancel(
            dossier.order, dossier.shipments, call.body.reason, actor, call.now, call.command
        )
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt), staff=actor.kind == "staff")
