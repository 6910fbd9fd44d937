"""The cart: a draft order, held by whoever has its token."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Literal

from parcelway.domain import cart
from parcelway.domain.commands import repeated
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.order import Order
from parcelway.domain.parties import Contact
from parcelway.domain.pricing import price
from parcelway.http.access import held_order
from parcelway.http.api import ANYONE, CART, CUSTOMER, Api
from parcelway.http.call import Call
from parcelway.http.problems import Problem
from parcelway.http.schemas import Input, Text
from parcelway.http.views import OrderView, order_view
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import get_order, save
from parcelway.store.selling import read_facts, selling
from parcelway.store.shop import load_shop
from parcelway.values import dataclass
from pydantic import Field

api = Api("cart")
handler = api
db = cache(database)

_KEY_LENGTH = 22  # base64 of 128 bits; a UUID has 36
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
    key = call.headers["idempotency-key"]
    if len(key) < _KEY_LENGTH or len(set(key)) < 8:
        raise Problem(
            400,
            "idempotency-key-too-weak",
            "Idempotency-Key too weak",
            "Use a random key here, a UUID for instance: it protects the cart.",
        )
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
        order = price(order, facts.products, facts.shop)
    return order_view(order)


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

    return order_view(selling(db(), call.now, attempt))


@api.route("PUT", "/carts/{cart_id}/lines/{sku}", who=CART, body=SetQuantity, reply=OrderView)
def set_line(call: Call[SetQuantity]) -> OrderView:
    """Have exactly so many units of a SKU in the cart."""
    return _set_quantity(call, call.body.quantity)


@api.route("DELETE", "/carts/{cart_id}/lines/{sku}", who=CART, reply=OrderView)
def remove_line(call: Call[None]) -> OrderView:
    """Take a SKU out of the cart; it not being there is fine."""
    return _set_quantity(call, 0)


@api.route("POST", "/carts/{cart_id}/claim", who=CUSTOMER, reply=OrderView)
def claim(call: Call[None]) -> OrderView:
    """Make the cart that the caller holds the signed-in caller's own."""

    def attempt() -> Order:
        order = held_order(db(), call)
        contact = Contact(call.caller.name or call.caller.email, call.caller.email)
        decision = cart.claim(order, call.caller.customer_id, contact)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt))


def _set_quantity(call: Call[SetQuantity] | Call[None], quantity: int) -> OrderView:
    sku = call.path["sku"]

    def attempt() -> Order:
        order = held_order(db(), call)
        line = order.line(sku)
        if (line.quantity if line else 0) == quantity and order.state == "draft":
            return order
        facts = read_facts(db(), order, call.now, sku, stock=(sku,))
        decision = cart.set_quantity(order, sku, quantity, facts)
        save(db(), decision, call.now)
        return decision.order

    return order_view(selling(db(), call.now, attempt))
