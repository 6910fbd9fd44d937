"""Stripe's API as every adapter of it uses it: client, amounts, errors.

- Amounts are in the currency's minor unit, for some currencies not ISO 4217's (currencies); see
  `to_stripe_amount`.
- The SDK pins the API version it was made for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from parcelway.domain.money import Money
from parcelway.ports.payments import GatewayRefused, GatewayUnavailable, PaymentDeclined

# docs.stripe.com/currencies, "Special cases": no decimals in ISO 4217, two in Stripe's API.
_STRIPE_HUNDREDTHS = frozenset({"ISK", "UGX"})
# docs.stripe.com/currencies, "Zero-decimal" and "Three-decimal currencies". Currencies of ours with
# such an exponent that are on neither list (IQD, LYD) are not offered by Stripe.
_ZERO_DECIMAL = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
_THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


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


def stripe_client(
    secret_key: str,
    api_base: str = "https://api.stripe.com",
    timeout: tuple[float, float] = (2.0, 10.0),
    retries: int = 2,
) -> stripe.StripeClient:
    """The SDK's client; see StripeGateway for its arguments."""
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=retries,
    )


def field_of(holder: object, *path: str) -> Any:
    """What `path` leads to, None when part of it is absent, where the SDK would raise.

    Stripe leaves optional parts out of nested objects (a 3-D Secure failure has no decline code,
    an action for its own JavaScript no URL), although the SDK's types promise None.
    """
    for name in path:
        holder = getattr(holder, name, None)
    return holder


@contextmanager
def stripe_errors() -> Iterator[None]:
    """Stripe's exceptions as the port's. Messages of Stripe hold ids and amounts, no person."""
    try:
        yield
    except stripe.CardError as error:
        decline = field_of(error.error, "decline_code") or error.code or "card_declined"
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
