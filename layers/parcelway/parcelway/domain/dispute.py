"""A dispute of a payment, as the provider has it and the order keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.values import dataclass

# Evidence is awaited, is looked at; the bank decided for the shop, or for its customer; or the
# inquiry came to nothing, or the dispute was prevented.
DisputeStatus = Literal["needs_response", "under_review", "won", "lost", "closed"]


@dataclass(frozen=True, slots=True)
class Dispute:
    """What the customer's bank questions: `amount` of `payment` (the provider's reference).

    `reason` is the provider's word for why (`fraudulent`, `product_not_received`, ...). Evidence is
    taken until `due_by` (None: none is). An `inquiry` is a question before any chargeback.
    """

    reference: str
    payment: str
    amount: Money
    reason: str
    status: DisputeStatus
    opened_at: datetime
    due_by: datetime | None = None
    inquiry: bool = False

    @property
    def open(self) -> bool:
        """Whether it is not decided yet."""
        return self.status in ("needs_response", "under_review")

    @property
    def taken(self) -> int:
        """Minor units that the bank has taken and not given back."""
        back = self.inquiry or self.status in ("won", "closed")
        return 0 if back else self.amount.minor

    @property
    def lost(self) -> int:
        """Minor units that will not come back."""
        return self.taken if self.status == "lost" else 0
