"""The service desk: who of the staff acts on whose order, by a grant."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from forms import (
    ActingView,
    DeskView,
    EntryView,
    GrantView,
    NewCart,
    NewNote,
    NotedView,
    Reason,
    TimelineView,
    grant_view,
)
from parcelway.domain import acting, pay_links
from parcelway.domain.acting import Desk
from parcelway.domain.adjustment import is_unlimited
from parcelway.domain.commands import repeated
from parcelway.domain.customer import Customer
from parcelway.domain.facts import Facts
from parcelway.domain.finding import Access
from parcelway.domain.grant import Grant
from parcelway.domain.ids import derived
from parcelway.domain.notes import add_note
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason as Why
from parcelway.domain.refusals import Refusal
from parcelway.http.access import any_cart
from parcelway.http.api import DESK, Api
from parcelway.http.call import Call, random_key, read_nothing
from parcelway.http.views import OrderView, order_view
from parcelway.store.accounts import account_of
from parcelway.store.commit import until_fresh
from parcelway.store.customers import get_customer
from parcelway.store.database import database
from parcelway.store.finding import note as note_access
from parcelway.store.grants import get_grant, save_grant
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.shop import load_shop
from parcelway.store.timeline import Entry, get_timeline, save_note
from staff_names import names_of

if TYPE_CHECKING:
    from parcelway.ports.identity import Logins

api = Api("desk")
handler = api
db = cache(database)


@cache
def identity() -> Logins:
    """The user pool; only a timeline needs it."""
    from parcelway.ports.user_pool import user_pool

    return user_pool()


_ORDER = "/staff/orders/{order_id}"
_GRANTS = "/staff/carts/{cart_id}/grants"


@api.route("GET", "/staff/desk", who=DESK, reply=DeskView)
def facts(call: Call[None]) -> DeskView:
    """What the desk may choose from, and how much the caller may give away."""
    settings = load_shop(db()).settings
    roles = call.caller.groups
    return DeskView(
        shop=settings.name,
        currencies=[settings.currency, *settings.currencies],
        languages=list(settings.languages),
        adjustment_reasons=settings.adjustment_reasons,
        caps=[cap for role, cap in settings.adjustment_caps.items() if role in roles],
        unlimited=is_unlimited(roles, settings.adjustment_caps),
    )


@api.route("POST", "/staff/carts", who=DESK, body=NewCart, reply=ActingView, status=201, key=True)
def begin(call: Call[NewCart]) -> ActingView:
    """Begin a cart for a customer, or for a guest, and act on it for them. Whose data was read by
    that is put on record."""
    desk, key = _desk(call), _key(call)
    order_id = derived("ord", "desk", desk.subject, key)
    grant = acting.new_grant(order_id, desk, call.body.cause, key, call.now)

    def attempt() -> tuple[Order, Grant]:
        existing = get_order(db(), order_id)
        if existing is not None:
            repeated(existing, call.command)
            return existing, _first(grant)
        facts, customer = Facts(load_shop(db()), call.now), _customer(call)
        account = account_of(db(), customer.account) if customer else None
        decision = acting.start(
            order_id, call.body.start(), customer, grant, desk, facts, call.command, account
        )
        save_grant(db(), decision, grant, call.now)
        return decision.order, grant

    order, given = until_fresh(attempt)
    if call.body.customer_id:  # their name, addresses and contact are answered
        seen = Access(call.now, desk.subject, call.body.cause, "opened", 1)
        note_access(db(), seen, [call.body.customer_id], opened=True)
    return _acting(order, given, key)


@api.route("POST", _GRANTS, who=DESK, body=Reason, reply=ActingView, status=201, key=True)
def open_grant(call: Call[Reason]) -> ActingView:
    """Act for half an hour on a cart, or on an order that is not paid for, for its customer."""
    desk, key = _desk(call), _key(call)
    grant = acting.new_grant(call.path["cart_id"], desk, call.body.cause, key, call.now)

    def attempt() -> tuple[Order, Grant]:
        order = any_cart(db(), call)
        if repeated(order, call.command):
            return order, _first(grant)
        decision = acting.open_for(order, grant, desk, call.command)
        save_grant(db(), decision, grant, call.now)
        return decision.order, grant

    return _acting(*until_fresh(attempt), key)


@api.route("DELETE", f"{_GRANTS}/{{grant_id}}", who=DESK, reply=GrantView)
def end_grant(call: Call[None]) -> GrantView:
    """Have a grant, of whomever of the desk, hold no longer."""

    def attempt() -> Grant:
        order = any_cart(db(), call)
        grant = get_grant(db(), order.id, call.path["grant_id"])
        if grant is None:
            raise Refusal(Why.NOT_FOUND, "There is no such grant.")
        ended = acting.end(order, grant, _desk(call), call.now)
        if ended is None:
            return grant
        decision, after = ended
        save_grant(db(), decision, after, call.now)
        return after

    return grant_view(until_fresh(attempt))


@api.route("POST", f"{_ORDER}/payment-link", who=DESK, reply=OrderView, status=201, key=True)
def send_link(call: Call[None]) -> OrderView:
    """Mail the customer the link to pay a placed order, and hold its goods for longer."""
    read_nothing(call.raw)

    def attempt() -> Order:
        order = _order(call)
        if repeated(order, call.command):
            return order
        facts = Facts(load_shop(db()), call.now)
        decision = pay_links.send_link(
            order, _desk(call).actor, facts, call.command, os.environ["PAYMENT_PAGE"]
        )
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt), staff=True)


@api.route("POST", f"{_ORDER}/notes", who=DESK, body=NewNote, reply=NotedView, status=201, key=True)
def note(call: Call[NewNote]) -> NotedView:
    """Note something about an order, for people of the shop."""

    def attempt() -> NotedView:
        order, author = _order(call), _desk(call).actor
        decision, made = add_note(order, call.body.text, author, call.command, call.now)
        if repeated(order, call.command):
            return NotedView(made.id, order.version)
        save_note(db(), decision, made, call.now)
        return NotedView(made.id, decision.order.version)

    return until_fresh(attempt)


@api.route("GET", f"{_ORDER}/timeline", who=DESK, reply=TimelineView)
def timeline(call: Call[None]) -> TimelineView:
    """All that happened to an order, with who did it."""
    found = get_timeline(db(), call.path["order_id"])
    if found is None:
        raise _no_order()
    order, entries = found
    return TimelineView(
        list(order.acted_by),
        order.causes,
        names_of(identity(), _staff(order, entries)),
        [_entry(entry) for entry in entries],
    )


def _staff(order: Order, entries: list[Entry]) -> list[str]:
    """Subjects of the people of the shop that a timeline tells of, each once."""
    acted = [entry.event.actor.id for entry in entries if entry.event.actor.kind == "staff"]
    return list(dict.fromkeys([*order.acted_by, *filter(None, acted)]))


def _entry(entry: Entry) -> EntryView:
    event = entry.event
    return EntryView(event.type, event.at, event.actor, event.data, entry.note, entry.mail)


def _order(call: Call[Any]) -> Order:
    """The order that is asked for. Raises Refusal NOT_FOUND."""
    order = get_order(db(), call.path["order_id"])
    if order is None:
        raise _no_order()
    return order


def _no_order() -> Refusal:
    return Refusal(Why.NOT_FOUND, "There is no such order.")


def _customer(call: Call[NewCart]) -> Customer | None:
    """The customer whom a cart is for; None for a guest. Raises Refusal NOT_FOUND."""
    if call.body.customer_id is None:
        return None
    customer = get_customer(db(), call.body.customer_id)
    if customer is None:
        raise Refusal(Why.NOT_FOUND, "There is no such customer.", "/customer_id")
    return customer


def _first(again: Grant) -> Grant:
    """The grant as it was given when a request came the first time. Raises Refusal GRANT_OVER."""
    grant = get_grant(db(), again.order_id, again.id)
    if grant is None:
        raise Refusal(Why.GRANT_OVER, "This grant has expired; open another one.")
    return grant


def _acting(order: Order, grant: Grant, key: str) -> ActingView:
    token = acting.token_of(grant, key)
    return ActingView(order_view(order, staff=True), token, grant.id, grant.expires_at)


def _desk(call: Call[Any]) -> Desk:
    return Desk(call.caller.subject, call.caller.customer_id)


def _key(call: Call[Any]) -> str:
    return random_key(call.headers, "it protects the order")
