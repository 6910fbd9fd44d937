"""What the simulation sees of the provider: events, webhooks to post, the truth about a payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from parcelway.ports.webhooks import sign_stripe

from infra.local.stripe.errors import Json


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `object` is its subject as it was then, `created` Unix seconds.

    `payload` is the whole event as the API and webhooks show it.
    """

    id: str
    type: str
    created: int
    object: Json
    payload: Json


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook to post. Every attempt is signed for the moment it is made."""

    event_id: str
    body: bytes
    secret: str

    def sign(self, now: datetime) -> dict[str, str]:
        """The headers to post `body` with at `now` (docs.stripe.com/webhooks/signature)."""
        return {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign_stripe(self.body, self.secret, now),
        }


@dataclass(frozen=True, slots=True)
class Intent:
    """The truth about one payment, in minor units of `currency` (lower case).

    `captures` and `refunds` are the amounts in the order the money moved, one for each time it
    really did. A refund that the bank sent back is in neither `refunds` nor `refunded`.
    """

    reference: str
    order_id: str
    status: str
    currency: str
    amount: int
    capturable: int
    captured: int
    refunded: int
    captures: tuple[int, ...]
    refunds: tuple[int, ...]
