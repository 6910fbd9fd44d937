"""The payment gateway of this deployment, from its environment. Imports the provider's SDK."""

from __future__ import annotations

import os
from functools import lru_cache

from parcelway.ports.payments import PaymentGateway
from parcelway.ports.secret_values import secret
from parcelway.ports.stripe_gateway import StripeGateway


def gateway() -> PaymentGateway:
    """Stripe with the owner's key of now: a key that is replaced is taken up within minutes.

    Raises KeyError when STRIPE_API_BASE or STRIPE_SECRET_KEY_PARAMETER is not set.
    """
    key = secret(os.environ["STRIPE_SECRET_KEY_PARAMETER"])
    return _stripe(key, os.environ["STRIPE_API_BASE"])


@lru_cache(maxsize=1)
def _stripe(key: str, api_base: str) -> StripeGateway:
    return StripeGateway(key, api_base=api_base)
