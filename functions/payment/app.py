"""Paying for a placed order: creates the payment with the provider and hands over its secret."""

from __future__ import annotations

import os
from functools import cache

from parcelway.domain.authorization import ask_again, next_attempt, start, switch
from parcelway.domain.credit import METHOD
from parcelway.domain.dues import keeps_card, to_pay
from parcelway.domain.methods import require_method
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.access import held_dossier, linked_dossier, refuse_grants
from parcelway.http.api import CART, LINK, Api
from parcelway.http.call import Call, read_nothing
from parcelway.http.problems import Problem
from parcelway.http.schemas import Input, Link, Text
from parcelway.http.views import OrderView, held_view
from parcelway.ports.gateway import cards, gateway
from parcelway.ports.payments import Asked, GatewayPayment, GatewayRefused, PaymentDeclined
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.credit import get_account
from parcelway.store.database import database
from parcelway.store.orders import Dossier
from parcelway.store.saving import save
from parcelway.store.shop import load_shop
from parcelway.values import dataclass

api = Api("payment")
handler = api
db = cache(database)

_ENDED = ("voided", "failed")


@dataclass(frozen=True, slots=True)
class PaymentView:
    """What the storefront gives to the provider's own form; card data never comes here."""

    reference: str
    status: str
    amount: Money
    client_secret: str
    publishable_key: str
    next_action_url: str
    card_kept: bool
    """Whether the customer must be told that the card will be charged without them when goods come
    that the order waits for."""
    failure_code: str


class MethodChoice(Input):
    """How the order is to be paid instead."""

    payment_method: Text(40)  # type: ignore[valid-type]


@api.route(
    "POST",
    "/carts/{cart_id}/payment",
    who=CART,
    reply=PaymentView,
    status=201,
    key=True,
)
def pay(call: Call[None]) -> PaymentView:
    """Get the payment that completes the order: the open one, or a new one after a failure.

    The body is empty or `{}`: amount, currency and method are the order's.
    """
    read_nothing(call.raw)
    return until_fresh(lambda: _view(_pay(_payable(call), call)))


@api.route(
    "POST",
    "/track/{number}/payment",
    who=LINK,
    query=Link,
    reply=PaymentView,
    status=201,
    key=True,
)
def pay_by_link(call: Call[None]) -> PaymentView:
    """Get the payment of what is open of an order, as the holder of its link.

    For who was written to that an order has to be paid anew, or whose order another took down.
    """
    read_nothing(call.raw)
    return until_fresh(lambda: _view(_pay(linked_dossier(db(), call), call)))


@api.route("PUT", "/carts/{cart_id}/payment-method", who=CART, body=MethodChoice, reply=OrderView)
def switch_method(call: Call[MethodChoice]) -> OrderView:
    """Have a placed order that is not paid for paid by another method.

    The open payment is ended; should it come through all the same, it is undone.
    """
    return held_view(call, until_fresh(lambda: _switched(call)))


def _payable(call: Call[None]) -> Dossier:
    """The order that the caller holds. Staff who act for its customer start no payment in which a
    card or a bank's password is entered: the customer does that alone, by the order's link."""
    dossier, _ = held_dossier(db(), call)
    if dossier.order.payment_method != METHOD:
        refuse_grants(call, "Send the customer the link to pay: no card is entered by the shop.")
    return dossier


def _switched(call: Call[MethodChoice]) -> Order:
    dossier, actor = held_dossier(db(), call)
    order, name = dossier.order, call.body.payment_method
    started = next((each for each in reversed(dossier.payments) if each.open), None)
    decision = switch(order, started, name, actor, call.now)
    if decision is None:
        return order
    on_account = order.account and name == METHOD
    credit = get_account(db(), order.account) if on_account else None
    require_method(order, name, load_shop(db()).settings.payment_methods, credit)
    save(db(), decision, call.now)
    return decision.order


def _pay(dossier: Dossier, call: Call[None]) -> GatewayPayment:
    """The provider's payment for the order's present attempt, kept with the order.

    Creating is idempotent by (order, attempt), so a crash before the commit leads to the same
    payment again. One that ended at the provider before we heard of it is followed by the next, and
    so is one that somebody else made and did not keep: that of another amount, or of the kept card.
    """
    order = dossier.order
    last = dossier.payments[-1] if dossier.payments else None
    number = next_attempt(order, last, call.now)
    try:
        if last is not None and number == last.number:
            seen = gateway(last.method).retrieve(last.reference)
            if seen.status not in _ENDED:
                again = ask_again(order, seen, call.now)
                if again is not None:
                    save(db(), again, call.now)
                return _authorized(last.method, seen)
            number = order.payment_attempts + 1
        try:
            seen = _created(order, number)
        except GatewayRefused as refused:
            if refused.code != "idempotency_error":
                raise
            seen = _created(order, number + 1)
    except GatewayRefused as refused:
        # Below the provider's smallest amount, for instance, or an account without terms.
        raise Problem(
            409, "payment-refused", "The payment provider refuses", refused.code
        ) from None
    decision = start(order, seen, call.now)
    if decision is None:
        raise Refusal(Reason.ILLEGAL_STATE, "This payment was ended; ask for a new one.")
    save(db(), decision, call.now)
    if seen.status in _ENDED:
        raise Stale
    return _authorized(order.payment_method, seen)


def _authorized(method: str, seen: GatewayPayment) -> GatewayPayment:
    """The payment after the shop gave its credit, where that is what pays; the order knows of it,
    so that nothing is held that nobody gives up. The payment worker confirms the order."""
    if not seen.on_account or seen.status != "awaiting_customer":
        return seen
    try:
        return gateway(method).authorize(seen.reference)
    except PaymentDeclined as declined:
        raise Problem(
            409,
            "payment-declined",
            "The payment is declined",
            "This is more than the account's credit has room for; choose another method.",
            why_not=declined.code,
        ) from None


def _created(order: Order, attempt: int) -> GatewayPayment:
    asked: Asked = {
        "order_id": order.id,
        "attempt": attempt,
        "amount": to_pay(order),
        "description": f"Order {order.tracking_number}",
        "receipt_reference": order.tracking_number,
    }
    if order.payment_method == "card" and keeps_card(order):
        return cards().create(**asked, keep_card=True)
    return gateway(order.payment_method).create(**asked, account=order.account)


def _view(seen: GatewayPayment) -> PaymentView:
    return PaymentView(
        reference=seen.reference,
        status=seen.status,
        amount=seen.amount,
        client_secret=seen.client_secret,
        publishable_key=os.environ["STRIPE_PUBLISHABLE_KEY"],
        next_action_url=seen.next_action_url,
        failure_code=seen.failure_code,
        card_kept=seen.keeps_card,
    )
