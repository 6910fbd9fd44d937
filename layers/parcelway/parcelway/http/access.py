"""From a call to the order it may see. Not there and not yours are one answer."""

from __future__ import annotations

from typing import Any

from parcelway.domain.cart import may_hold
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.call import Call
from parcelway.http.problems import not_found
from parcelway.store.commit import stale_version
from parcelway.store.database import Database
from parcelway.store.orders import Dossier, get_dossier, get_order


def held_order(db: Database, call: Call[Any]) -> Order:
    """The order whose cart token the call carries. Raises Problem 404, Refusal STALE_VERSION."""
    order = get_order(db, call.path["cart_id"])
    if order is None or not may_hold(order, call.cart_token):
        raise not_found()
    return _matching(order, call)


def held_dossier(db: Database, call: Call[Any]) -> Dossier:
    """The same with all the order's parts."""
    dossier = get_dossier(db, call.path["cart_id"])
    if dossier is None or not may_hold(dossier.order, call.cart_token):
        raise not_found()
    _matching(dossier.order, call)
    return dossier


def own_dossier(db: Database, call: Call[Any]) -> Dossier:
    """The signed-in customer's order. Raises Problem 404, Refusal STALE_VERSION."""
    dossier = get_dossier(db, call.path["order_id"])
    if dossier is None or dossier.order.customer_id != call.caller.customer_id:
        raise not_found()
    _matching(dossier.order, call)
    return dossier


def any_dossier(db: Database, order_id: str) -> Dossier:
    """An order for staff, who may see all. Raises Refusal NOT_FOUND."""
    dossier = get_dossier(db, order_id)
    if dossier is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such order.")
    return dossier


def _matching(order: Order, call: Call[Any]) -> Order:
    repeat = call.command.key in order.commands  # a repeat is answered like the first time
    if call.if_match not in (None, order.version) and not repeat:
        raise stale_version()
    return order
