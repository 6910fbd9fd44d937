"""Stripe behind `PaymentGateway`: cards, authorised, captured, given back.

Stripe's rules this adapter builds on, each with the page of docs.stripe.com that states it:
- A repeated POST with the same Idempotency-Key gets the first answer again, errors included; keys
  live 24 hours at least; other parameters under a key are an `idempotency_error`; a key still in
  flight is a 409 (api/idempotent_requests). Webhooks are retried for three days (webhooks), so a
  key alone does not make a late repeat safe: every write reads the payment first.
- A capture may be smaller than the hold and then releases the rest
  (payments/place-a-hold-on-a-payment-method), unless the hold allows multicapture and the capture
  says `final_capture=false`; a final capture of 0 then releases the rest (payments/multicapture).
- A declined confirmation leaves the payment in `requires_payment_method` with the reason in
  `last_payment_error`; another card may be tried (payments/paymentintents/lifecycle).
- Releasing a hold, in whole or in part, is not a refund and is not counted as one since API
  version 2025-03-31 (changelog/basil/2025-03-31); a hold that lapses is cancelled as `expired`.
- Until when a hold can be captured is `capture_before` of the charge's card details
  (payments/place-a-hold-on-a-payment-method).
- A card that paid with `setup_future_usage=off_session` and a customer can be charged again by a
  payment with `off_session` and `confirm`; when only its holder can pay with it, the answer is a
  402 `authentication_required`, and the payment waits for them (payments/save-during-payment).
- Cards only: `allowed_payment_method_types`, since 2026-09-30 (changelog/endive/2026-09-30).
- The SDK pins the API version it was made for; the statements above are of 2026-10-28.
"""

from __future__ import annotations

import hashlib
from typing import Any

import stripe

from parcelway.domain.money import Money
from parcelway.ports.payments import GatewayPayment, GatewayRefused, PaymentDeclined
from parcelway.ports.stripe_api import field_of, stripe_client, stripe_errors, to_stripe_amount
from parcelway.ports.stripe_payments import DEPLOYMENT, metadata_of, to_payment

_WHOLE = ["latest_charge", "customer"]  # what a payment is read with


class StripeGateway:
    """Stripe's API with one account's secret key.

    Payments are marked as of `deployment`; those of another one have no order of ours.
    `api_base` is Stripe itself or a stand-in, `timeout` the seconds for connecting and for each
    read. The SDK repeats a lost, throttled or conflicting call `retries` times with the same key.
    """

    def __init__(
        self,
        secret_key: str,
        *,
        deployment: str = "",
        api_base: str = "https://api.stripe.com",
        timeout: tuple[float, float] = (2.0, 10.0),
        retries: int = 2,
    ) -> None:
        self._payments = stripe_client(secret_key, api_base, timeout, retries).v1
        self._deployment = deployment

    def create(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
        keep_card: bool = False,
        account: str = "",  # noqa: ARG002 - a card has its own limit
    ) -> GatewayPayment:
        """See CardGateway.create. The customer at the provider has no name, only the order's id:
        the card is kept for this order alone."""
        asked = self._asked(order_id, attempt, amount, description, receipt_reference)
        with stripe_errors():
            if keep_card:
                customer = self._payments.customers.create(
                    {"metadata": {"order_id": order_id}},
                    {"idempotency_key": f"customer:{order_id}:{attempt}"},
                )
                asked |= {"customer": customer.id, "setup_future_usage": "off_session"}
            intent = self._payments.payment_intents.create(
                asked,  # type: ignore[arg-type]
                {"idempotency_key": f"create:{order_id}:{attempt}"},
            )
        return self._seen(intent)

    def charge_again(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
        like: str,
    ) -> GatewayPayment:
        """See CardGateway.charge_again."""
        first = self._read(like)
        customer, card = _id(first.customer), _id(first.payment_method)
        if not (card and self._seen(first).keeps_card):
            raise GatewayRefused("card_not_kept", like)
        if made := self._charged(customer, attempt, amount):
            return made
        asked = self._asked(order_id, attempt, amount, description, receipt_reference)
        asked["metadata"]["off_session"] = "true"
        asked |= {"customer": customer, "payment_method": card}
        asked |= {"off_session": True, "confirm": True, "expand": _WHOLE}
        try:
            with stripe_errors():
                intent = self._payments.payment_intents.create(
                    asked,  # type: ignore[arg-type]
                    {"idempotency_key": f"create:{order_id}:{attempt}"},
                )
        except PaymentDeclined:
            declined = self._charged(customer, attempt, amount)
            if declined is None:
                raise
            return declined
        return self._seen(intent)

    def forget_card(self, reference: str) -> None:
        """See CardGateway.forget_card: the customer was made for this one payment's card, which
        goes with them (api/customers/delete)."""
        intent = self._read(reference)
        if not self._seen(intent).keeps_card:
            return
        try:
            with stripe_errors():
                self._payments.customers.delete(_id(intent.customer))
        except GatewayRefused as refused:
            if refused.code != "resource_missing":  # somebody was faster
                raise

    def authorize(self, reference: str) -> GatewayPayment:
        """See PaymentGateway.authorize: a card is confirmed by its holder."""
        return self.retrieve(reference)

    def retrieve(self, reference: str) -> GatewayPayment:
        """See PaymentGateway.retrieve."""
        return self._seen(self._read(reference))

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        """See PaymentGateway.capture."""
        intent = self._read(reference)
        before = self._seen(intent)
        if _already_captured(intent, before, amount, key):
            return before
        minor = to_stripe_amount(amount)
        whole = minor == intent.amount_capturable
        if not (final or whole or before.multicapture):
            raise GatewayRefused("multicapture_unavailable", f"{reference} holds one capture")
        params: dict[str, Any] = {
            "amount_to_capture": minor,
            # Written by the same call as the capture, so that it is there if and only if it took.
            "metadata": {_marker(key): str(minor)},
            "expand": _WHOLE,
        }
        if not (final or whole):
            params["final_capture"] = False
        with stripe_errors():
            captured = self._payments.payment_intents.capture(
                reference,
                params,  # type: ignore[arg-type]
                {"idempotency_key": f"capture:{reference}:{key}"},
            )
        return self._seen(captured)

    def void(self, reference: str, *, key: str) -> GatewayPayment:
        """See PaymentGateway.void."""
        before = self.retrieve(reference)
        if before.status == "voided":
            return before
        if before.captured:
            raise GatewayRefused("payment_intent_unexpected_state", "something was captured")
        with stripe_errors():
            intent = self._payments.payment_intents.cancel(
                reference,
                {"expand": _WHOLE},
                {"idempotency_key": f"void:{reference}:{key}"},
            )
        return self._seen(intent)

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        """See PaymentGateway.refund."""
        minor = to_stripe_amount(amount)
        if self._already_refunded(reference, minor, key):
            return self.retrieve(reference)
        before = self.retrieve(reference)
        if before.captured < before.refunded + amount:
            raise GatewayRefused("refund_exceeds_capture", f"{amount} of {before.captured}")
        with stripe_errors():
            self._payments.refunds.create(
                {
                    "payment_intent": reference,
                    "amount": minor,
                    "metadata": {"parcelway_key": key},
                },
                {"idempotency_key": f"refund:{reference}:{key}"},
            )
        return self.retrieve(reference)

    def _asked(
        self, order_id: str, attempt: int, amount: Money, description: str, receipt_reference: str
    ) -> dict[str, Any]:
        """A new payment's parameters."""
        metadata = {
            "order_id": order_id,
            "attempt": str(attempt),
            "receipt_reference": receipt_reference,
        }
        metadata |= {DEPLOYMENT: self._deployment} if self._deployment else {}
        return {
            "amount": to_stripe_amount(amount),
            "currency": amount.currency.lower(),  # lower case: docs.stripe.com/currencies
            "capture_method": "manual",
            "allowed_payment_method_types": ["card"],
            "payment_method_options": {"card": {"request_multicapture": "if_available"}},
            "description": description,
            "metadata": metadata,
        }

    def _seen(self, intent: stripe.PaymentIntent) -> GatewayPayment:
        return to_payment(intent, self._deployment)

    def _read(self, reference: str) -> stripe.PaymentIntent:
        with stripe_errors():
            return self._payments.payment_intents.retrieve(reference, {"expand": _WHOLE})

    def _charged(self, customer: str, attempt: int, amount: Money) -> GatewayPayment | None:
        """What was made by `charge_again` for an attempt, however long ago."""
        with stripe_errors():
            listed = self._payments.payment_intents.list(
                {"customer": customer, "limit": 100, "expand": [f"data.{part}" for part in _WHOLE]}
            )
            found = [
                payment
                for payment in map(self._seen, listed.auto_paging_iter())
                if payment.attempt == attempt and payment.off_session
            ]
        if found and found[0].amount != amount:
            raise GatewayRefused("idempotency_error", f"attempt {attempt} was of another amount")
        return found[0] if found else None

    def _already_refunded(self, reference: str, minor: int, key: str) -> bool:
        with stripe_errors():
            refunds = self._payments.refunds.list({"payment_intent": reference, "limit": 100})
            ours = [
                refund
                for refund in refunds.auto_paging_iter()
                if metadata_of(refund).get("parcelway_key") == key
            ]
        for refund in ours:
            if refund.amount != minor:
                raise GatewayRefused("idempotency_error", f"refund {key} was of another amount")
            if refund.status in ("failed", "canceled"):
                raise GatewayRefused("refund_failed", field_of(refund, "failure_reason") or "")
        return bool(ours)


def _id(part: object) -> str:
    """The id of a part that the provider shows as its id or as a whole, '' for none."""
    return part if isinstance(part, str) else field_of(part, "id") or ""


def _marker(key: str) -> str:
    """The metadata key of a capture: Stripe allows 40 characters there, ours may be longer.

    Of the 50 keys Stripe allows five may be taken, which leaves 45 captures for one payment.
    """
    return f"capture_{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _already_captured(
    intent: stripe.PaymentIntent, payment: GatewayPayment, amount: Money, key: str
) -> bool:
    """Whether the capture named `key` is in the payment, or an unnamed one of the same amount is.

    The unnamed one was made by hand in the dashboard. A capture of ours under another key never
    counts: two parcels of equal price are two captures.
    """
    metadata = metadata_of(intent)
    if _marker(key) in metadata:
        if metadata[_marker(key)] != str(to_stripe_amount(amount)):
            raise GatewayRefused("idempotency_error", f"capture {key} was of another amount")
        return True
    named = any(name.startswith("capture_") for name in metadata)
    return payment.status == "captured" and payment.captured == amount and not named
