"""What a till says of a sale."""

from __future__ import annotations

from typing import Literal

from parcelway.domain.counter import MOST_TENDERS, Tender
from parcelway.http.schemas import Input, MoneyInput, Text
from pydantic import Field, model_validator


class TenderInput(Input):
    """Cash as it was handed over, or what a card terminal took, under the terminal's reference."""

    method: Literal["cash", "terminal"]
    amount: MoneyInput
    reference: Text(60, 0) = ""  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _named(self) -> TenderInput:
        if (self.method == "terminal") != bool(self.reference):
            raise ValueError("a terminal's payment has a reference, and only that")
        return self

    def tender(self) -> Tender:
        """The way of paying."""
        return Tender(self.method, self.amount.money(), self.reference)


class Sale(Input):
    """Where it is sold, how it is paid for, and the total that the customer saw."""

    store: Text(60)  # type: ignore[valid-type]
    tenders: list[TenderInput] = Field(max_length=MOST_TENDERS)
    expected_total: MoneyInput | None = None

    @model_validator(mode="after")
    def _paid_once(self) -> Sale:
        references = [each.reference for each in self.tenders if each.reference]
        if len(set(references)) < len(references):
            raise ValueError("each payment at the terminal has a reference of its own")
        return self
