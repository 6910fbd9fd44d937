"""The payment gateway of this deployment, from its environment. Imports the provider's SDK."""

from __future__ import annotations

import os

from parcelway.ports.payments import PaymentGateway
from parcelway.ports.secret_values import secret
from parcelway.ports.stripe_gateway import StripeGateway


def gateway() -> PaymentGateway:
    """Stripe with the owner's key. Keep it: one per container.

    Raises KeyError when STRIPE_API_BASE or STRIPE_SECRET_KEY_PARAMETER is not set.
    """
    key = secret(os.environ["STRIPE_SECRET_KEY_PARAMETER"])
    return StripeGateway(key, api_base=os.environ["STRIPE_API_BASE"])
