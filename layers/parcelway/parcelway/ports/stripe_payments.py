"""Stripe's PaymentIntents: what one says, and which there are.

Stripe's rules this adapter builds on, each with the page of docs.stripe.com that states it:
- A list is newest first, `limit` at most 100, and goes on after the id `starting_after`; `created`
  takes a range of Unix seconds (api/payment_intents/list, api/pagination).
- Several systems may use one account: each marks what it makes in `metadata` (metadata).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe

from parcelway.domain.money import Money
from parcelway.domain.payment import GatewayPayment, GatewayStatus
from parcelway.ports.payments import GatewayRefused, PaymentPage
from parcelway.ports.stripe_api import (
    field_of,
    from_stripe_amount,
    stripe_client,
    stripe_errors,
)

_STATUSES: dict[str, GatewayStatus] = {
    "requires_payment_method": "awaiting_customer",
    "requires_confirmation": "awaiting_customer",
    "requires_action": "awaiting_customer",
    "processing": "processing",
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "voided",
}


DEPLOYMENT = "deployment"
"""The metadata key that tells which system of those that share an account made a payment."""


class StripePayments:
    """The payments of one account that a deployment made."""

    def __init__(
        self, secret_key: str, *, deployment: str, api_base: str = "https://api.stripe.com"
    ) -> None:
        self._payments = stripe_client(secret_key, api_base).v1
        self._deployment = deployment

    def made(self, since: datetime, until: datetime, after: str) -> PaymentPage:
        """See Payments.made."""
        query: dict[str, Any] = {
            "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
            "limit": 100,
            "expand": ["data.latest_charge", "data.customer"],
        }
        if after:
            query["starting_after"] = after
        with stripe_errors():
            found = self._payments.payment_intents.list(query)  # type: ignore[arg-type]
        payments, unreadable = [], []
        for intent in found.data:
            if metadata_of(intent).get(DEPLOYMENT) == self._deployment:
                try:
                    payments.append(to_payment(intent, self._deployment))
                except GatewayRefused:  # one that cannot be read must not stop all others
                    unreadable.append(intent.id)
        last = found.data[-1].id if found.data and found.has_more else ""
        return PaymentPage(tuple(payments), tuple(unreadable), last)


def order_of(intent: stripe.PaymentIntent, deployment: str) -> str:
    """The order that a payment is for, '' when it is another deployment's, or another system's,
    whose orders have other ids. One that bears no mark was made before there were marks, or by
    hand: whoever asks for it by name may have it."""
    metadata = metadata_of(intent)
    order_id = metadata.get("order_id", "")
    ours = metadata.get(DEPLOYMENT, deployment) == deployment and order_id.startswith("ord_")
    return order_id if ours else ""


def metadata_of(holder: stripe.PaymentIntent | stripe.Refund) -> dict[str, str]:
    """What we wrote on an object."""
    return holder.metadata.to_dict() if holder.metadata else {}


def to_payment(intent: stripe.PaymentIntent, deployment: str) -> GatewayPayment:
    """A payment as it is now, read with its latest charge and its customer; of no order when it is
    not the deployment's. Raises GatewayRefused for what no payment of ours can be."""
    status = _STATUSES.get(intent.status)
    if status is None:
        raise GatewayRefused("status_unknown", intent.status)
    metadata, order_id = metadata_of(intent), order_of(intent, deployment)
    charge = intent.latest_charge if isinstance(intent.latest_charge, stripe.Charge) else None
    captured = intent.amount_received
    error, attempt = intent.last_payment_error, metadata.get("attempt", "")

    def money(amount: int) -> Money:
        return from_stripe_amount(amount, intent.currency)

    return GatewayPayment(
        reference=intent.id,
        order_id=order_id,
        attempt=int(attempt) if order_id and attempt.isdecimal() else 0,
        status=status,
        amount=money(intent.amount),
        authorized=money(intent.amount_capturable + captured),
        captured=money(captured),
        refunded=money(charge.amount_refunded if charge else 0),
        client_secret=intent.client_secret or "",
        failure_code=field_of(error, "decline_code") or field_of(error, "code") or "",
        next_action_url=field_of(intent.next_action, "redirect_to_url", "url") or "",
        multicapture=_multicapture(charge),
        capture_before=_capture_before(charge),
        keeps_card=intent.setup_future_usage == "off_session" and _kept(intent.customer),
        off_session=metadata.get("off_session") == "true",
        made_at=datetime.fromtimestamp(intent.created, UTC),
    )


def _kept(customer: object) -> bool:
    """Whether there is a customer who was not deleted: with them went the card that was kept."""
    return bool(customer) and not field_of(customer, "deleted")


def _multicapture(charge: stripe.Charge | None) -> bool:
    offer = field_of(charge, "payment_method_details", "card", "multicapture", "status")
    return bool(offer == "available")


def _capture_before(charge: stripe.Charge | None) -> datetime | None:
    seconds = field_of(charge, "payment_method_details", "card", "capture_before")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
