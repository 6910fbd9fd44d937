"""The cart: a draft order, held by whoever has its token."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from parcelway.domain import cart, cart_coupons
from parcelway.domain.commands import repeated
from parcelway.domain.coupons import canonical
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor, Contact
from parcelway.domain.pricing import price
from parcelway.domain.redemption import unavailable
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.access import any_cart, by_grant, held_order, refuse_grants
from parcelway.http.api import ANYONE, CART, CUSTOMER, DESK, Api
from parcelway.http.call import Call, random_key
from parcelway.http.schemas import Input, Text
from parcelway.http.taxes import with_taxes
from parcelway.http.views import OrderView, held_view, order_view
from parcelway.store.alternatives import offering
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database, database
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from parcelway.values import dataclass
from pydantic import Field

api = Api("cart", around=with_taxes)
handler = api
db = cache(database)

_Find = Callable[[Database, Call[Any]], Order]  # the cart that a call is about
_MOST_UNITS = 1_000_000  # refused by shape; the shop's own limit is far below


class NewCart(Input):
    """What a new cart may say; everything has a default of the shop."""

    channel: Literal["online", "mobile"] = "online"
    currency: Text(3, 3) | None = None  # type: ignore[valid-type]
    language: Text(35, 2) | None = None  # type: ignore[valid-type]


class AddLine(Input):
    """Units of a SKU to put in the cart."""

    sku: Text(40)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=_MOST_UNITS)


class SetQuantity(Input):
    """How many units of the SKU the cart shall hold; 0 removes it."""

    quantity: int = Field(ge=0, le=_MOST_UNITS)


class Substitute(Input):
    """What to have instead."""

    sku: Text(40)  # type: ignore[valid-type]


class Again(Input):
    """The order to put in the cart once more."""

    order_id: str = Field(pattern=r"^ord_[a-z2-7]{26}$")


@dataclass(frozen=True, slots=True)
class LeftOutView:
    """Units of a SKU that the order had and the cart has not."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class RefilledView:
    """The cart, and what of the order it has not: it is not sold any more, or not there."""

    cart: OrderView
    left_out: list[LeftOutView]


@dataclass(frozen=True, slots=True)
class CartCreated:
    """The new cart and the token that opens it: send it as `Cart-Token`, keep it secret."""

    cart: OrderView
    cart_token: str


@api.route("POST", "/carts", who=ANYONE, body=NewCart, reply=CartCreated, status=201, key=True)
def create(call: Call[NewCart]) -> CartCreated:
    """Start a cart.

    Nobody is signed in here, so the Idempotency-Key alone says whose repeat this is: it must be
    as hard to guess as the token that is derived from it.
    """
    key = random_key(call.headers, "it protects the cart")
    order_id = derived("ord", "cart", key)
    token = hashlib.sha256(f"cart-token\x1f{key}".encode()).hexdigest()
    shop = load_shop(db())
    decision = cart.new_draft(
        order_id,
        token,
        Facts(shop, call.now),
        channel=call.body.channel,
        currency=call.body.currency or shop.settings.currency,
        language=call.body.language or shop.settings.languages[0],
        asked=call.command,
    )

    def attempt() -> Order:
        existing = get_order(db(), order_id)
        if existing is not None:
            repeated(existing, call.command)
            return existing
        save(db(), decision, call.now)
        return decision.order

    return CartCreated(order_view(until_fresh(attempt)), token)


@api.route("GET", "/carts/{cart_id}", who=CART, reply=OrderView)
def show(call: Call[None]) -> OrderView:
    """The cart at today's prices; once placed, the order as it is."""
    order = held_order(db(), call)
    if order.state == "draft" and order.lines:
        facts = read_facts(db(), order, call.now, stock=())
        order = price(order, facts)
    return held_view(call, order)


@api.route(
    "POST", "/carts/{cart_id}/lines", who=CART, body=AddLine, reply=OrderView, status=201, key=True
)
def add_line(call: Call[AddLine]) -> OrderView:
    """Put units of a SKU in the cart, if they are available."""

    def attempt() -> Order:
        order = held_order(db(), call)
        if repeated(order, call.command):
            return order
        facts = read_facts(db(), order, call.now, call.body.sku, stock=(call.body.sku,))
        decision = cart.add(order, call.body.sku, call.body.quantity, facts, call.command)
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, offering(db(), call.now, attempt))


@api.route("PUT", "/carts/{cart_id}/lines/{sku}", who=CART, body=SetQuantity, reply=OrderView)
def set_line(call: Call[SetQuantity]) -> OrderView:
    """Have exactly so many units of a SKU in the cart."""
    return _set_quantity(call, call.body.quantity)


@api.route("DELETE", "/carts/{cart_id}/lines/{sku}", who=CART, reply=OrderView)
def remove_line(call: Call[None]) -> OrderView:
    """Take a SKU out of the cart; it not being there is fine."""
    return _set_quantity(call, 0)


@api.route(
    "POST",
    "/carts/{cart_id}/lines/{sku}/substitution",
    who=CART,
    body=Substitute,
    reply=OrderView,
    key=True,
)
def substitute(call: Call[Substitute]) -> OrderView:
    """Have another SKU in the place of one, in the same quantity and for the same deliveries."""
    from parcelway.domain.refilling import substitute as decide  # few carts need it

    sku, other = call.path["sku"], call.body.sku

    def attempt() -> Order:
        order = held_order(db(), call)
        if repeated(order, call.command):
            return order
        facts = read_facts(db(), order, call.now, other, stock=(sku, other))
        decision = decide(order, sku, other, facts, call.command)
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, offering(db(), call.now, attempt))


@api.route("POST", "/carts/{cart_id}/reorder", who=CART, body=Again, reply=RefilledView, key=True)
def reorder(call: Call[Again]) -> RefilledView:
    """Put what the cart's customer once ordered into it, as far as it is to be had today."""
    from parcelway.domain.refilling import left_out, refill  # few carts need it

    def attempt() -> tuple[Order, Order]:
        order = held_order(db(), call)
        bought = _bought(call, order)
        if repeated(order, call.command):
            return order, bought
        skus = [each.sku for each in (*bought.kits, *bought.lines)]
        facts = read_facts(db(), order, call.now, *skus, stock=skus)
        decision = refill(order, bought, facts, call.command)
        save(db(), decision, call.now)
        return decision.order, bought

    order, bought = until_fresh(attempt)
    missing = [LeftOutView(sku, units) for sku, units in left_out(order, bought)]
    return RefilledView(held_view(call, order), missing)


@api.route("POST", "/carts/{cart_id}/claim", who=CUSTOMER, reply=OrderView)
def claim(call: Call[None]) -> OrderView:
    """Make the cart that the caller holds the signed-in caller's own."""
    refuse_grants(call, "Who acts for another cannot make the cart their own.")

    def attempt() -> Order:
        order = held_order(db(), call)
        claimant = _claimant(call)
        facts = read_facts(db(), cart.owned_by(order, claimant), call.now, stock=())
        decision = cart.claim(order, claimant, facts)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt))


@api.route("PUT", "/carts/{cart_id}/coupons/{code}", who=CART, reply=OrderView)
def enter_coupon(call: Call[None]) -> OrderView:
    """Use a code for this cart. One that takes nothing off yet waits until it can."""
    return held_view(call, _enter(call, held_order))


@api.route("DELETE", "/carts/{cart_id}/coupons/{code}", who=CART, reply=OrderView)
def remove_coupon(call: Call[None]) -> OrderView:
    """Take a code out of the cart; it not being there is fine."""
    return held_view(call, _take_out(call, held_order))


@api.route("PUT", "/staff/carts/{cart_id}/coupons/{code}", who=DESK, reply=OrderView)
def enter_coupon_for(call: Call[None]) -> OrderView:
    """Use a code for a customer's cart."""
    return order_view(_enter(call, any_cart, _employee(call)), staff=True)


@api.route("DELETE", "/staff/carts/{cart_id}/coupons/{code}", who=DESK, reply=OrderView)
def remove_coupon_for(call: Call[None]) -> OrderView:
    """Take a code out of a customer's cart; it not being there is fine."""
    return order_view(_take_out(call, any_cart, _employee(call)), staff=True)


def _bought(call: Call[Again], cart: Order) -> Order:
    """The order to be put in the cart again: one of the cart's customer, or for staff who act on
    the cart any; they may read them all. Raises Refusal NOT_FOUND."""
    bought = get_order(db(), call.body.order_id)
    theirs = bought is not None and cart.customer_id and bought.customer_id == cart.customer_id
    if bought is None or bought.placed_at is None or not (theirs or by_grant(call)):
        raise Refusal(Reason.NOT_FOUND, "There is no such order.", "/order_id")
    return bought


def _enter(call: Call[None], find: _Find, actor: Actor | None = None) -> Order:
    """The cart with the code; a code that cannot be used is noted before it is refused."""
    code = canonical(call.path["code"])

    def attempt() -> Order:
        order = find(db(), call)
        facts = read_facts(db(), order, call.now, stock=(), codes=(code,))
        decision = cart_coupons.enter(order, code, facts, actor)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    order = until_fresh(attempt)
    if code not in order.coupons:
        raise unavailable("/code")
    return order


def _take_out(call: Call[None], find: _Find, actor: Actor | None = None) -> Order:
    code = canonical(call.path["code"])

    def attempt() -> Order:
        order = find(db(), call)
        facts = read_facts(db(), order, call.now, stock=())
        decision = cart_coupons.take_out(order, code, facts, actor)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return until_fresh(attempt)


def _employee(call: Call[None]) -> Actor:
    return Actor("staff", call.caller.subject)


def _claimant(call: Call[None]) -> cart.Claimant:
    """The signed-in caller, with what the shop has noted of them."""
    from parcelway.domain.claimants import claimant  # few of a cart's calls are about them
    from parcelway.store.accounts import account_of
    from parcelway.store.customers import get_customer

    known = get_customer(db(), call.caller.customer_id)
    if known is None:
        contact = Contact(call.caller.name or call.caller.email, call.caller.email)
        return cart.Claimant(call.caller.customer_id, contact)
    return claimant(known, account=account_of(db(), known.account))


def _set_quantity(call: Call[SetQuantity] | Call[None], quantity: int) -> OrderView:
    sku = call.path["sku"]

    def attempt() -> Order:
        order = held_order(db(), call)
        line = order.line(sku)
        there = line.quantity if line else 0
        if there == quantity and order.state == "draft" and order.kit(sku) is None:
            return order
        facts = read_facts(db(), order, call.now, sku, stock=(sku,))
        decision = cart.set_quantity(order, sku, quantity, facts)
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, offering(db(), call.now, attempt))
