"""Checkout: how the cart is delivered and paid for, and the confirmation that places the order."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Literal

from parcelway.domain import cart, checkout, delivery
from parcelway.domain.commands import repeated
from parcelway.domain.credit import METHOD, CreditAccount
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.methods import methods
from parcelway.domain.order import Order, require
from parcelway.domain.parties import Contact
from parcelway.domain.pricing import price
from parcelway.domain.shortage import choices
from parcelway.domain.tracking import new_number
from parcelway.http.access import by_grant, held_order
from parcelway.http.api import CART, Api
from parcelway.http.call import Call
from parcelway.http.problems import Problem
from parcelway.http.schemas import (
    AddressInput,
    ContactInput,
    CountryCode,
    Input,
    MoneyInput,
    Text,
)
from parcelway.http.taxes import with_taxes
from parcelway.http.views import OrderView, held_view
from parcelway.store.alternatives import offering
from parcelway.store.commit import until_fresh
from parcelway.store.credit import get_account
from parcelway.store.database import database
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from pydantic import Field
from views import (
    AvailabilityView,
    MethodsView,
    MethodView,
    OptionsView,
    choice_view,
    option_view,
)

api = Api("checkout", around=with_taxes)
handler = api
db = cache(database)

_MOST_UNITS = 1_000_000  # refused by shape, as so many lines are; the domain's limits are far below
_MOST_LINES = 200


class Details(Input):
    """Who buys and how it is paid for; what is left out stays as it is."""

    contact: ContactInput | None = None
    billing_address: AddressInput | None = None
    payment_method: Text(40) | None = None  # type: ignore[valid-type]
    language: Text(35, 2) | None = None  # type: ignore[valid-type]
    shortage: Literal["ship_complete", "ship_available", "drop", "separate_order"] | None = None
    purchase_order: Text(60, 0) | None = None  # type: ignore[valid-type]


class Delivery(Input):
    """Delivery to an address or pick-up at a store, by one of the offered services."""

    service: Text(60)  # type: ignore[valid-type]
    address: AddressInput | None = None
    store: Text(60) | None = None  # type: ignore[valid-type]
    instructions: Text(250, 0) = ""  # type: ignore[valid-type]


class DeliveryLine(Input):
    """Units of a SKU that go with a delivery."""

    sku: Text(40)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=_MOST_UNITS)


class PartDelivery(Delivery):
    """A delivery of some of the cart's units."""

    lines: list[DeliveryLine] = Field(max_length=_MOST_LINES)


class Deliveries(Input):
    """Deliveries that together are exactly what is in the cart."""

    deliveries: list[PartDelivery] = Field(max_length=_MOST_LINES)


class Where(Input):
    """Where the goods are to go; `group` is the delivery whose goods, all of them by default."""

    country: CountryCode
    postal_code: Text(16) | None = None  # type: ignore[valid-type]
    group: Text(10) | None = None  # type: ignore[valid-type]


class Confirmation(Input):
    """The total that the customer agreed to; the order is refused at another one."""

    expected_total: MoneyInput | None = None


@api.route("PATCH", "/carts/{cart_id}", who=CART, body=Details, reply=OrderView)
def describe(call: Call[Details]) -> OrderView:
    """Note contact, billing address, payment method, language, the buyer's own number for the order
    and what to do about a shortage."""
    details = call.body
    contact = details.contact.contact() if details.contact else None

    def decide(order: Order, facts: Facts) -> Decision:
        if contact is not None and by_grant(call):
            _require_their_mailbox(order, contact)
        return cart.describe(
            order,
            replace(facts, credit=_credit(order, details.payment_method)),
            contact=contact,
            billing_address=details.billing_address.address() if details.billing_address else None,
            payment_method=details.payment_method or "",
            language=details.language or "",
            shortage=details.shortage or "",
            purchase_order=details.purchase_order,
        )

    return _change(call, decide)


@api.route("GET", "/carts/{cart_id}/delivery-options", who=CART, query=Where, reply=OptionsView)
def delivery_options(call: Call[None]) -> OptionsView:
    """The services that take this cart there, and the stores to collect it at."""
    order = held_order(db(), call)
    facts = read_facts(db(), order, call.now, everywhere=True)
    where = call.query
    found = delivery.options(
        order,
        where.country,
        facts,
        postal_code=where.postal_code or "",
        group_id=where.group or "",
    )
    return OptionsView([option_view(option, call.now) for option in found])


@api.route("GET", "/carts/{cart_id}/payment-methods", who=CART, reply=MethodsView)
def payment_methods(call: Call[None]) -> MethodsView:
    """What the cart, or the order that it became, can be paid by, and why not by the others."""
    order = held_order(db(), call)
    rules = load_shop(db()).settings.payment_methods
    found = methods(order, rules, _credit(order, *rules))
    return MethodsView([MethodView(m.name, not m.why_not, m.why_not, m.told) for m in found])


@api.route("GET", "/carts/{cart_id}/availability", who=CART, reply=AvailabilityView)
def availability(call: Call[None]) -> AvailabilityView:
    """What is there of the cart, and what can be chosen about the rest, with dates and totals."""
    order = held_order(db(), call)
    require(order, "draft")
    facts = read_facts(db(), order, call.now)
    priced = price(order, facts)
    checkout.require_deliveries(priced)  # of what is offered now: a service may be gone
    found = choices(priced, facts)
    return AvailabilityView(
        bool(found) and not found[0].shortage, [choice_view(choice) for choice in found]
    )


@api.route("PUT", "/carts/{cart_id}/delivery", who=CART, body=Delivery, reply=OrderView)
def deliver(call: Call[Delivery]) -> OrderView:
    """Choose delivery to an address, or pick-up at a store."""
    wanted = _wanted(call.body, "")

    def decide(order: Order, facts: Facts) -> Decision:
        if wanted.address is not None:
            return delivery.deliver_to(
                order, wanted.address, wanted.service, wanted.instructions, facts
            )
        return delivery.pick_up_at(order, wanted.store, wanted.service, wanted.instructions, facts)

    return _change(call, decide)


@api.route("PUT", "/carts/{cart_id}/deliveries", who=CART, body=Deliveries, reply=OrderView)
def divide(call: Call[Deliveries]) -> OrderView:
    """Divide the cart over several deliveries and pick-ups, which replace those it had."""
    wanted = [
        _wanted(part, f"/deliveries/{index}", [(line.sku, line.quantity) for line in part.lines])
        for index, part in enumerate(call.body.deliveries)
    ]
    return _change(call, lambda order, facts: delivery.divide(order, wanted, facts))


@api.route(
    "POST",
    "/carts/{cart_id}/checkout",
    who=CART,
    body=Confirmation,
    reply=OrderView,
    status=201,
    key=True,
)
def confirm(call: Call[Confirmation]) -> OrderView:
    """Place the order: re-priced, re-checked, its stock held until `pay_until`.

    Next, `POST /carts/{cart_id}/payment` gives what the storefront needs to take the payment.
    """
    expected = call.body.expected_total.money() if call.body.expected_total else None
    names = (_new_names(), _new_names())  # the second for what is not there, if that is wanted

    def attempt() -> Order:
        order = held_order(db(), call)
        if repeated(order, call.command):
            return order
        decision = checkout.place(
            order,
            _placing(order, call.now),
            call.command,
            names=names,
            expected_total=expected,
        )
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, offering(db(), call.now, attempt))


def _wanted(
    asked: Delivery, pointer: str, lines: Sequence[tuple[str, int]] = ()
) -> delivery.Wanted:
    """What is asked for at `pointer` of the body. Raises Problem for both or neither place."""
    if (asked.address is None) == (asked.store is None):
        raise Problem(
            422,
            "invalid-request",
            "Invalid request",
            "Give either an address or a store.",
            pointer=f"{pointer}/address",
        )
    address = asked.address.address() if asked.address else None
    return delivery.Wanted(
        asked.service, address, asked.store or "", asked.instructions, tuple(lines)
    )


def _placing(order: Order, now: datetime) -> Facts:
    facts = read_facts(db(), order, now)
    if order.gift_cards:
        from parcelway.store.gift_cards import cards_of  # few need them

        facts = replace(facts, cards=cards_of(db(), order))
    if order.account:
        from parcelway.store.accounts import account_of  # few are of one

        credit = _credit(order, order.payment_method)
        facts = replace(facts, credit=credit, account=account_of(db(), order.account))
    return facts


def _require_their_mailbox(order: Order, contact: Contact) -> None:
    """Refuse with NOT_BY_GRANT a mailbox that is not the customer's."""
    from parcelway.domain.acting import require_their_mailbox  # customers do not pay for it
    from parcelway.store.customers import get_customer

    customer = get_customer(db(), order.customer_id) if order.customer_id else None
    require_their_mailbox(order, contact, customer)


def _credit(order: Order, *wanted: str | None) -> CreditAccount | None:
    """The credit of the buyer's account, read where paying on account is among what is wanted."""
    if METHOD not in wanted or not order.account:
        return None
    return get_account(db(), order.account)


def _new_names() -> checkout.Names:
    return checkout.Names(new_number(secrets.choice), secrets.token_urlsafe(16))


def _change(
    call: Call[Details] | Call[Delivery] | Call[Deliveries],
    decide: Callable[[Order, Facts], Decision],
) -> OrderView:
    def attempt() -> Order:
        order = held_order(db(), call)
        decision = decide(order, read_facts(db(), order, call.now, stock=()))
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, until_fresh(attempt))
