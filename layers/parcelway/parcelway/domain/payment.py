"""Payments: what the provider holds, and what the order keeps of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.values import dataclass

GatewayStatus = Literal[
    "awaiting_customer", "processing", "authorized", "captured", "voided", "failed"
]


CASH, TERMINAL = "cash", "terminal"
AT_TILL = (CASH, TERMINAL)  # methods of payments that the shop itself takes and gives back


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
    capture_before: datetime | None = None
    """When the hold lapses, if the provider says so."""
    keeps_card: bool = False
    """Whether its card, once it has paid, may be charged again without the customer."""
    off_session: bool = False
    """Whether the customer was not there: a kept card was charged."""
    method: str = "card"
    """The payment method it is made by."""
    received: Money | None = None
    """On account: what came by transfer, in all. None for what is taken with its capture."""
    returned: Money | None = None
    """On account: what went back by transfer, in all. None for what goes back with its refund."""
    due_days: int | None = None
    """On account: how many days after its invoice a claim is due."""
    made_at: datetime | None = None
    """When the provider made it, if it says so."""

    @property
    def on_account(self) -> bool:
        """Whether a capture is only a claim, and the money comes later by transfer."""
        return self.received is not None


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay an order, as the order keeps it. Amounts are in the order's currency.

    `number` counts the order's attempts from 1; `reference` is the provider's id. One that `counts`
    pays for the order; any other is undone as soon as it holds money, as one is that was
    `superseded`: the customer chose another method. `capture_before` is when a hold lapses, where
    the provider says so. On account `received` and `returned` are what came and went by transfer,
    None where money moves with its capture and refund, and `due_days` when a claim is due.
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
    counts: bool = False
    capture_before: datetime | None = None
    superseded: bool = False
    received: int | None = None
    returned: int | None = None
    due_days: int | None = None

    @property
    def money_in(self) -> int:
        """What we got."""
        return self.captured if self.received is None else self.received

    @property
    def money_out(self) -> int:
        """What we gave back."""
        return self.refunded if self.returned is None else self.returned

    @property
    def outstanding(self) -> int:
        """What was claimed and has not come yet; negative: what came and was not claimed."""
        return (self.captured - self.refunded) - (self.money_in - self.money_out)

    @property
    def open(self) -> bool:
        """Whether the customer can still complete this attempt."""
        return self.status in ("awaiting_customer", "processing")


def till_account(payment: Payment) -> str:
    """The account of the money books on which a payment at a till is: a store's cash, or what its
    card terminal has taken and not paid out."""
    account = "cash" if payment.method == CASH else "terminal_clearing"
    return f"{account}:{payment.reference.partition(':')[0]}"
