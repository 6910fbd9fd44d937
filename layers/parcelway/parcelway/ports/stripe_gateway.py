"""Stripe behind `PaymentGateway`. The only module that imports the `stripe` SDK.

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
- Cards only: `allowed_payment_method_types`, since 2026-09-30 (changelog/endive/2026-09-30).
- The SDK pins the API version it was made for; the statements above are of 2026-10-28.
- Amounts are in the currency's minor unit, for some currencies not ISO 4217's (currencies); see
  `to_stripe_amount`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from parcelway.domain.money import Money
from parcelway.ports.payments import (
    GatewayPayment,
    GatewayRefused,
    GatewayStatus,
    GatewayUnavailable,
    PaymentDeclined,
)

# docs.stripe.com/currencies, "Special cases": no decimals in ISO 4217, two in Stripe's API.
_STRIPE_HUNDREDTHS = frozenset({"ISK", "UGX"})
# docs.stripe.com/currencies, "Zero-decimal" and "Three-decimal currencies". Currencies of ours with
# such an exponent that are on neither list (IQD, LYD) are not offered by Stripe.
_ZERO_DECIMAL = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
_THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

_STATUSES: dict[str, GatewayStatus] = {
    "requires_payment_method": "awaiting_customer",
    "requires_confirmation": "awaiting_customer",
    "requires_action": "awaiting_customer",
    "processing": "processing",
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "voided",
}


def to_stripe_amount(amount: Money) -> int:
    """`amount` as Stripe counts it (docs.stripe.com/currencies).

    Three-decimal amounts must end in 0, and are refused rather than rounded: the customer was told
    the exact sum. Raises GatewayRefused `amount_invalid` or `currency_not_supported`.
    """
    currency = amount.currency
    if currency in _STRIPE_HUNDREDTHS:
        return amount.minor * 100
    supported = {0: currency in _ZERO_DECIMAL, 2: True, 3: currency in _THREE_DECIMAL}
    if not supported[amount.exponent]:
        raise GatewayRefused("currency_not_supported", currency)
    if amount.exponent == 3 and amount.minor % 10:
        raise GatewayRefused("amount_invalid", f"{amount} is not a multiple of 0.010")
    return amount.minor


def from_stripe_amount(amount: int, currency: str) -> Money:
    """Stripe's `amount` of its lower-case `currency` as Money."""
    code = currency.upper()
    if code not in _STRIPE_HUNDREDTHS:
        return Money(amount, code)
    whole, rest = divmod(amount, 100)
    if rest:
        raise GatewayRefused("amount_invalid", f"{amount} {code} has decimals")
    return Money(whole, code)


class StripeGateway:
    """Stripe's API with one account's secret key.

    `api_base` is Stripe itself or a stand-in, `timeout` the seconds for connecting and for each
    read. The SDK repeats a lost, throttled or conflicting call `retries` times with the same key.
    """

    def __init__(
        self,
        secret_key: str,
        *,
        api_base: str = "https://api.stripe.com",
        timeout: tuple[float, float] = (2.0, 10.0),
        retries: int = 2,
    ) -> None:
        self._payments = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            http_client=stripe.RequestsClient(timeout=timeout),
            max_network_retries=retries,
        ).v1

    def create(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
    ) -> GatewayPayment:
        """See PaymentGateway.create."""
        with _errors():
            intent = self._payments.payment_intents.create(
                {
                    "amount": to_stripe_amount(amount),
                    # lower case: docs.stripe.com/currencies
                    "currency": amount.currency.lower(),
                    "capture_method": "manual",
                    "allowed_payment_method_types": ["card"],
                    "payment_method_options": {"card": {"request_multicapture": "if_available"}},
                    "description": description,
                    "metadata": {
                        "order_id": order_id,
                        "attempt": str(attempt),
                        "receipt_reference": receipt_reference,
                    },
                },
                {"idempotency_key": f"create:{order_id}:{attempt}"},
            )
        return _payment(intent)

    def retrieve(self, reference: str) -> GatewayPayment:
        """See PaymentGateway.retrieve."""
        return _payment(self._read(reference))

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        """See PaymentGateway.capture."""
        intent = self._read(reference)
        before = _payment(intent)
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
            "expand": ["latest_charge"],
        }
        if not (final or whole):
            params["final_capture"] = False
        with _errors():
            captured = self._payments.payment_intents.capture(
                reference,
                params,  # type: ignore[arg-type]
                {"idempotency_key": f"capture:{reference}:{key}"},
            )
        return _payment(captured)

    def void(self, reference: str, *, key: str) -> GatewayPayment:
        """See PaymentGateway.void."""
        before = self.retrieve(reference)
        if before.status == "voided":
            return before
        if before.captured:
            raise GatewayRefused("payment_intent_unexpected_state", "something was captured")
        with _errors():
            intent = self._payments.payment_intents.cancel(
                reference,
                {"expand": ["latest_charge"]},
                {"idempotency_key": f"void:{reference}:{key}"},
            )
        return _payment(intent)

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        """See PaymentGateway.refund."""
        minor = to_stripe_amount(amount)
        if self._already_refunded(reference, minor, key):
            return self.retrieve(reference)
        before = self.retrieve(reference)
        if before.captured < before.refunded + amount:
            raise GatewayRefused("refund_exceeds_capture", f"{amount} of {before.captured}")
        with _errors():
            self._payments.refunds.create(
                {
                    "payment_intent": reference,
                    "amount": minor,
                    "metadata": {"parcelway_key": key},
                },
                {"idempotency_key": f"refund:{reference}:{key}"},
            )
        return self.retrieve(reference)

    def _read(self, reference: str) -> stripe.PaymentIntent:
        with _errors():
            return self._payments.payment_intents.retrieve(reference, {"expand": ["latest_charge"]})

    def _already_refunded(self, reference: str, minor: int, key: str) -> bool:
        with _errors():
            refunds = self._payments.refunds.list({"payment_intent": reference, "limit": 100})
            ours = [
                refund
                for refund in refunds.auto_paging_iter()
                if _metadata(refund).get("parcelway_key") == key
            ]
        for refund in ours:
            if refund.amount != minor:
                raise GatewayRefused("idempotency_error", f"refund {key} was of another amount")
            if refund.status in ("failed", "canceled"):
                raise GatewayRefused("refund_failed", _field(refund, "failure_reason") or "")
        return bool(ours)


def _metadata(holder: stripe.PaymentIntent | stripe.Refund) -> dict[str, str]:
    return holder.metadata.to_dict() if holder.metadata else {}


def _marker(key: str) -> str:
    """The metadata key of a capture: Stripe allows 40 characters there, ours may be longer.

    Of the 50 keys Stripe allows three are taken, which leaves 47 captures for one payment.
    """
    return f"capture_{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _already_captured(
    intent: stripe.PaymentIntent, payment: GatewayPayment, amount: Money, key: str
) -> bool:
    """Whether the capture named `key` is in the payment, or an unnamed one of the same amount is.

    The unnamed one was made by hand in the dashboard. A capture of ours under another key never
    counts: two parcels of equal price are two captures.
    """
    metadata = _metadata(intent)
    if _marker(key) in metadata:
        if metadata[_marker(key)] != str(to_stripe_amount(amount)):
            raise GatewayRefused("idempotency_error", f"capture {key} was of another amount")
        return True
    named = any(name.startswith("capture_") for name in metadata)
    return payment.status == "captured" and payment.captured == amount and not named


def _payment(intent: stripe.PaymentIntent) -> GatewayPayment:
    status = _STATUSES.get(intent.status)
    if status is None:
        raise GatewayRefused("status_unknown", intent.status)
    metadata = _metadata(intent)
    charge = intent.latest_charge if isinstance(intent.latest_charge, stripe.Charge) else None
    captured = intent.amount_received
    error = intent.last_payment_error

    def money(amount: int) -> Money:
        return from_stripe_amount(amount, intent.currency)

    return GatewayPayment(
        reference=intent.id,
        order_id=metadata.get("order_id", ""),
        attempt=int(metadata.get("attempt", "0")),
        status=status,
        amount=money(intent.amount),
        authorized=money(intent.amount_capturable + captured),
        captured=money(captured),
        refunded=money(charge.amount_refunded if charge else 0),
        client_secret=intent.client_secret or "",
        failure_code=_field(error, "decline_code") or _field(error, "code") or "",
        next_action_url=_field(intent.next_action, "redirect_to_url", "url") or "",
        multicapture=_multicapture(charge),
    )


def _multicapture(charge: stripe.Charge | None) -> bool:
    offer = _field(charge, "payment_method_details", "card", "multicapture", "status")
    return bool(offer == "available")


def _field(holder: object, *path: str) -> Any:
    """What `path` leads to, None when part of it is absent, where the SDK would raise.

    Stripe leaves optional parts out of nested objects (a 3-D Secure failure has no decline code,
    an action for its own JavaScript no URL), although the SDK's types promise None.
    """
    for name in path:
        holder = getattr(holder, name, None)
    return holder


@contextmanager
def _errors() -> Iterator[None]:
    """Stripe's exceptions as the port's. Messages of Stripe hold ids and amounts, no person."""
    try:
        yield
    except stripe.CardError as error:
        decline = _field(error.error, "decline_code") or error.code or "card_declined"
        raise PaymentDeclined(decline) from error
    except stripe.IdempotencyError as error:
        raise GatewayRefused("idempotency_error", str(error)) from error
    except (
        stripe.APIConnectionError,
        stripe.RateLimitError,
        # A wrong or replaced key is our fault, not the provider's last word on a payment.
        stripe.AuthenticationError,
        stripe.PermissionError,
    ) as error:
        raise GatewayUnavailable(type(error).__name__) from error
    except stripe.InvalidRequestError as error:
        raise GatewayRefused(_refusal_code(error), str(error)) from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status == 409 or status >= 500:
            raise GatewayUnavailable(f"{status} {error.code or ''}".strip()) from error
        raise GatewayRefused(error.code or f"http_{status}", str(error)) from error


def _refusal_code(error: stripe.InvalidRequestError) -> str:
    """Stripe's error code; an over-refund has none or says `charge_already_refunded`."""
    if error.code == "charge_already_refunded":
        return "refund_exceeds_capture"
    if not error.code and error.param == "amount" and "unrefunded amount" in str(error):
        return "refund_exceeds_capture"
    return error.code or "invalid_request_error"
