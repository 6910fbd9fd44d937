"""Payments: what the provider holds, and what the order keeps of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.values import dataclass

GatewayStatus = Literal[
    "awaiting_customer", "processing", "authorized", "captured", "voided", "failed"
]


@dataclass(frozen=True, slots=True)
class GatewayPayment:
    """One attempt to pay one order, as the provider holds it at the moment of reading.

    `status`:
      awaiting_customer  the customer must still enter a card, confirm, or pass 3-D Secure. A
                         declined attempt is here too, with `failure_code` set: another card may
                         be tried on the same payment
      processing         the provider has not decided yet
      authorized         money is held; `authorized - captured` can still be captured
      captured           no more can be captured; whatever was not captured has been released
      voided             cancelled, or the hold lapsed; nothing was captured
      failed             the provider ended it and no other card can be tried
    """

    reference: str
    """The provider's own id (`pi_...`)."""
    order_id: str
    """From the metadata we wrote at creation; '' when the payment is not one of ours."""
    attempt: int
    """From the metadata: 1 for the order's first payment; 0 when absent."""
    status: GatewayStatus
    amount: Money
    """What was asked for at creation."""
    authorized: Money
    """What is held or was captured: never more than `amount`, zero until authorised."""
    captured: Money
    """What was taken, before refunds."""
    refunded: Money
    """What was given back, refunds still on their way included; at most `captured`."""
    client_secret: str = ""
    """Lets the storefront confirm this one payment. A secret of the customer: never logged."""
    failure_code: str = ""
    """Why the last attempt was declined (`insufficient_funds`, ...), '' when it was not."""
    next_action_url: str = ""
    """Where to send the customer for 3-D Secure, '' when nothing is to be done."""
    multicapture: bool = False
    """Whether a capture with `final=False` would leave the rest of the hold in place."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay an order, as the order keeps it. Amounts are in the order's currency.

    `number` counts the order's attempts from 1; `reference` is the provider's id.
    """

    order_id: str
    number: int
    reference: str
    method: str
    status: GatewayStatus
    amount: Money
    created_at: datetime
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    failure_code: str = ""

    @property
    def open(self) -> bool:
        """Whether the customer can still complete this attempt."""
        return self.status in ("awaiting_customer", "processing")
