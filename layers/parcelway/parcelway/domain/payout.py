"""What a payment provider pays out, and the movements of its balance that a payout is made of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.values import dataclass

PayoutStatus = Literal["pending", "in_transit", "paid", "failed", "canceled"]
# Whether the provider can tell what a payout is made of: not yet, now, or never (one by hand).
Itemised = Literal["not_yet", "yes", "never"]
# A charge is what was captured at once; a fee here is one that is for no payment, a failure of a
# payout its money that is with the provider again, a reserve what the provider keeps for a while.
# What is foreign is of a payment that another system made, which shares the account with us.
Kind = Literal[
    "charge",
    "refund",
    "refund_failure",
    "dispute",
    "dispute_reversal",
    "fee",
    "payout_failure",
    "reserve",
    "foreign",
    "other",
]


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer to the shop's bank as the provider has it; `amount` is in the currency that was
    settled in. `destination` is the provider's name for the bank account."""

    id: str
    gateway: str
    amount: Money
    status: PayoutStatus
    created_at: datetime
    arrives_on: date
    destination: str = ""
    itemised: Itemised = "yes"


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """A movement of the shop's balance with the provider, in the currency that is settled in.

    `gross` is what came (or, negative, went) of a payment, `fee` what the provider took for it and
    `fee_tax` the tax on that; `net` is what the balance moved by. Of a fee for no payment the gross
    is nothing. `original` is the gross in the payment's own currency, None where there is no
    payment; `exchange_rate` as the provider tells it, '' for none. `source` is the provider's
    reference of what it comes from: a charge, refund, dispute or payout. `payment` is the payment's
    reference, `order_id` and `attempt` what we wrote on it when we created it.
    """

    id: str
    kind: Kind
    gross: Money
    fee: Money
    fee_tax: Money
    net: Money
    created_at: datetime
    available_on: datetime
    source: str = ""
    payment: str = ""
    order_id: str = ""
    attempt: int = 0
    original: Money | None = None
    exchange_rate: str = ""

    @property
    def adds_up(self) -> bool:
        """Whether the parts are of one currency and the net is what they leave."""
        parts = (self.gross, self.fee, self.fee_tax, self.net)
        alike = len({part.currency for part in parts}) == 1
        return alike and self.gross.minor - self.fee.minor - self.fee_tax.minor == self.net.minor
