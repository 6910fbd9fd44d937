"""Paying for a placed order: creates the payment with the provider and hands over its secret."""

from __future__ import annotations

import os
from functools import cache

from parcelway.domain.authorization import next_attempt, start
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.access import held_dossier
from parcelway.http.api import CART, Api
from parcelway.http.call import Call, read_nothing
from parcelway.http.problems import Problem
from parcelway.ports.gateway import gateway
from parcelway.ports.payments import GatewayPayment, GatewayRefused
from parcelway.store.commit import Stale, until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier, save
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
    failure_code: str


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
    return until_fresh(lambda: _view(_pay(held_dossier(db(), call), call)))


def _pay(dossier: Dossier, call: Call[None]) -> GatewayPayment:
    """The provider's payment for the order's present attempt, kept with the order.

    Creating is idempotent by (order, attempt), so a crash before the commit leads to the same
    payment again. One that ended at the provider before we heard of it is followed by the next.
    """
    order = dossier.order
    last = dossier.payments[-1] if dossier.payments else None
    number = next_attempt(order, last, call.now)
    try:
        if last is not None and number == last.number:
            seen = gateway().retrieve(last.reference)
            if seen.status not in _ENDED:
                return seen
            number = order.payment_attempts + 1
        seen = gateway().create(
            order_id=order.id,
            attempt=number,
            amount=totals(order).gross,
            description=f"Order {order.tracking_number}",
            receipt_reference=order.tracking_number,
        )
    except GatewayRefused as refused:
        # Below the provider's smallest amount, for instance, or of another account.
        raise Problem(
            409, "payment-refused", "The payment provider refuses", refused.code
        ) from None
    decision = start(order, seen, call.now)
    if decision is None:
        raise Refusal(Reason.ILLEGAL_STATE, "This payment was ended; ask for a new one.")
    save(db(), decision, call.now)
    if seen.status in _ENDED:
        raise Stale
    return seen


def _view(seen: GatewayPayment) -> PaymentView:
    return PaymentView(
        reference=seen.reference,
        status=seen.status,
        amount=seen.amount,
        client_secret=seen.client_secret,
        publishable_key=os.environ["STRIPE_PUBLISHABLE_KEY"],
        next_action_url=seen.next_action_url,
        failure_code=seen.failure_code,
    )
