"""What a customer agreed to tell about themselves, each time for what.

Optional, and no part of the record: no list, reply or search of customers holds it, and an export
only when it names a use. It is there only while its consent is; whoever reads it names one of the
purposes it was told for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from parcelway.domain.customer import Change, Customer, agrees, changed, consented, require_lasting
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

Use = Literal["service", "statistics", "marketing"]
Gender = Literal["female", "male", "diverse", ""]
AgeBand = Literal["18-24", "25-34", "35-44", "45-54", "55-64", "65+", ""]
IncomeBand = Literal["under-15k", "15-34k", "35-49k", "50-74k", "75-99k", "100k+", ""]
Home = Literal["owner", "renter", ""]
MaritalStatus = Literal["married", "unmarried", ""]


@dataclass(frozen=True, slots=True)
class Demographics:
    """Told for `uses`; '' and None where nothing was. Incomes are a household's a year, in the
    shop's currency."""

    uses: tuple[Use, ...]
    told_at: datetime
    age: AgeBand = ""
    gender: Gender = ""
    income: IncomeBand = ""
    home: Home = ""
    marital_status: MaritalStatus = ""
    household_size: int | None = None
    children: int | None = None

    def require(self, use: Use) -> None:
        """Refuse with NOT_FOR_THIS_USE what it was not told for."""
        if use not in self.uses:
            raise Refusal(
                Reason.NOT_FOR_THIS_USE, f"The customer told this for {', '.join(self.uses)} only."
            )


def tell(customer: Customer, wording: str, now: datetime, by: Actor) -> Change:
    """The record once its customer has agreed to that. Raises Refusal ILLEGAL_STATE."""
    require_lasting(customer, by)
    return _agreed(customer, True, wording, now, by)


def withdraw(customer: Customer, now: datetime, by: Actor, *, there: bool = False) -> Change | None:
    """The record, in whatever state, once its customer does not agree any more; None when they do
    not anyway and nothing is `there`."""
    if not there and not agrees(customer, "demographics"):
        return None
    last = customer.consents.get("demographics")
    return _agreed(customer, False, last.wording if last else "", now, by)


def _agreed(customer: Customer, granted: bool, wording: str, now: datetime, by: Actor) -> Change:
    consents = consented(customer.consents, "demographics", granted, wording, now)
    change = changed(customer, replace(customer, consents=consents), now, by)
    return replace(change, fields=(*change.fields, "demographics"))
