"""Who handles the payments of a method. Imports the SDK of the provider of card payments.

Every function here uses the owner's key of now: one that is replaced is taken up within minutes.
Each that asks Stripe raises KeyError when STRIPE_API_BASE, STRIPE_SECRET_KEY_PARAMETER or
DEPLOYMENT is not set.
"""

from __future__ import annotations

import os
from functools import lru_cache

from parcelway.ports.disputes import Disputes
from parcelway.ports.payments import CardGateway, PaymentGateway, Payments
from parcelway.ports.secret_values import secret
from parcelway.ports.settlements import Settlements
from parcelway.ports.stripe_disputes import StripeDisputes
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.ports.stripe_payments import StripePayments
from parcelway.store.database import database


def gateway(method: str) -> PaymentGateway:
    """The gateway of a payment's method. Raises LookupError for a method that has none."""
    if method == "card":
        return _stripe(*_account(), os.environ["DEPLOYMENT"])
    if method == "invoice":
        return _on_account()
    raise LookupError(f"no gateway for payment method {method!r}")


def cards() -> CardGateway:
    """The gateway of cards."""
    return _stripe(*_account(), os.environ["DEPLOYMENT"])


def payments() -> Payments:
    """Stripe's payments, heard of or not."""
    return _payments(*_account(), os.environ["DEPLOYMENT"])


def disputes() -> Disputes:
    """Stripe's disputes."""
    return _disputes(*_account())


def settlements() -> Settlements:
    """Stripe's payouts."""
    return _settlements(*_account(), os.environ["DEPLOYMENT"])


def _account() -> tuple[str, str]:
    key = secret(os.environ["STRIPE_SECRET_KEY_PARAMETER"])
    return key, os.environ["STRIPE_API_BASE"]


@lru_cache(maxsize=1)
def _on_account() -> PaymentGateway:
    # Few orders are paid so: nobody else waits for it at a start.
    from parcelway.ports.invoice_gateway import InvoiceGateway

    return InvoiceGateway(database())


@lru_cache(maxsize=1)
def _stripe(key: str, api_base: str, deployment: str) -> StripeGateway:
    return StripeGateway(key, deployment=deployment, api_base=api_base)


@lru_cache(maxsize=1)
def _payments(key: str, api_base: str, deployment: str) -> Payments:
    return StripePayments(key, deployment=deployment, api_base=api_base)


@lru_cache(maxsize=1)
def _disputes(key: str, api_base: str) -> StripeDisputes:
    return StripeDisputes(key, api_base=api_base)


@lru_cache(maxsize=1)
def _settlements(key: str, api_base: str, deployment: str) -> Settlements:
    # Whoever takes payments does not pay for this at a start.
    from parcelway.ports.stripe_settlements import StripeSettlements

    return StripeSettlements(key, deployment=deployment, api_base=api_base)
