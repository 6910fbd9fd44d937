"""From a call to the order it may see. Not there and not yours are one answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from parcelway.domain.cart import may_hold
from parcelway.domain.grant import PREFIX, Grant, as_held, holder, named_by, proves, require_valid
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.tracking import parse
from parcelway.http.call import Call, same_secret
from parcelway.http.problems import not_found
from parcelway.store.commit import stale_version
from parcelway.store.database import Database
from parcelway.store.orders import Dossier, get_dossier, get_order, order_of_tracking


def held_order(db: Database, call: Call[Any]) -> Order:
    """The order whose token, or that of a grant for it, the call carries; a draft with who acts on
    it now. Raises Problem 404, Refusal GRANT_OVER, STALE_VERSION."""
    order, grant = _held(db, call.path["cart_id"], call)
    return as_held(_matching(order, call), grant)


def cart_of_query(db: Database, call: Call[Any]) -> Order | None:
    """The cart that the query names as `cart`, for the holder of its token or of a grant for it;
    None when it names none. Raises Problem 404, Refusal GRANT_OVER."""
    return _held(db, call.query.cart, call)[0] if call.query.cart else None


def held_dossier(db: Database, call: Call[Any]) -> tuple[Dossier, Actor]:
    """The same with all the order's parts, and who it is that acts on it."""
    dossier = get_dossier(db, call.path["cart_id"])
    if dossier is None:
        raise not_found()
    grant = _held_by(db, call, dossier.order)
    order = as_held(_matching(dossier.order, call), grant)
    return replace(dossier, order=order), holder(order, grant)


def by_grant(call: Call[Any]) -> bool:
    """Whether the call comes from staff who act for the customer, if it may come at all. They are
    not shown the order's link, nor let do what only its customer may."""
    return call.cart_token.startswith(PREFIX)


def refuse_grants(call: Call[Any], because: str) -> None:
    """Refuse with NOT_BY_GRANT what only the customer does."""
    if by_grant(call):
        raise Refusal(Reason.NOT_BY_GRANT, because)


def own_dossier(db: Database, call: Call[Any]) -> Dossier:
    """The signed-in customer's order. Raises Problem 404, Refusal STALE_VERSION."""
    dossier = get_dossier(db, call.path["order_id"])
    if dossier is None or dossier.order.customer_id != call.caller.customer_id:
        raise not_found()
    _matching(dossier.order, call)
    return dossier


def tracked_dossier(db: Database, call: Call[Any]) -> Dossier:
    """The order of the tracking number in the path. Raises Problem 404."""
    number = parse(unquote(call.path["number"]))
    order_id = order_of_tracking(db, number) if number else None
    dossier = get_dossier(db, order_id) if order_id else None
    if dossier is None:
        raise not_found()
    return dossier


def is_linked(order: Order, call: Call[Any]) -> bool:
    """Whether the call's `k` is the token of the order's link."""
    token, sent = order.link_token, call.query.k
    return bool(token) and sent.isascii() and same_secret(token, sent)


def linked_dossier(db: Database, call: Call[Any]) -> Dossier:
    """The order of the number in the path, for the holder of its link only. Raises Problem 404."""
    dossier = tracked_dossier(db, call)
    if not is_linked(dossier.order, call):
        raise not_found()
    return dossier


def any_dossier(db: Database, order_id: str) -> Dossier:
    """An order for staff, who may see all. Raises Refusal NOT_FOUND."""
    dossier = get_dossier(db, order_id)
    if dossier is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such order.")
    return dossier


def any_cart(db: Database, call: Call[Any]) -> Order:
    """A cart, or the order that it became, for staff: by their role, without its token.

    Raises Refusal NOT_FOUND, STALE_VERSION.
    """
    order = get_order(db, call.path["cart_id"])
    if order is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such cart.")
    return _matching(order, call)


def _held(db: Database, cart_id: str, call: Call[Any]) -> tuple[Order, Grant | None]:
    order = get_order(db, cart_id)
    if order is None:
        raise not_found()
    return order, _held_by(db, call, order)


def _held_by(db: Database, call: Call[Any], order: Order) -> Grant | None:
    """The grant by which the caller holds the order; None for the order's own token.

    It is read after the order: what is decided on an order that was read before a grant ended is
    not committed, because ending it changed the order. Raises Problem 404, Refusal GRANT_OVER.
    """
    if not by_grant(call):
        if not may_hold(order, call.cart_token):
            raise not_found()
        return None
    from parcelway.store.grants import get_grant  # customers' calls do not pay for it

    named = named_by(call.cart_token)
    grant = get_grant(db, order.id, named[0]) if named else None
    if named is None or grant is None or not proves(grant, named[1]):
        raise not_found()
    require_valid(grant, call.now)
    return grant


def _matching(order: Order, call: Call[Any]) -> Order:
    repeat = call.command.key in order.commands  # a repeat is answered like the first time
    if call.if_match not in (None, order.version) and not repeat:
        raise stale_version()
    return order
