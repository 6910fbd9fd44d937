"""What a customer may tell about themselves, at the service desk's door and in files."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from parcelway.domain.customer import WORDING
from parcelway.domain.demographics import (
    AgeBand,
    Demographics,
    Gender,
    Home,
    IncomeBand,
    MaritalStatus,
    Use,
)
from parcelway.http.schemas import Input, Text


class DemographicsInput(Input):
    """What a customer tells about themselves, for which uses, and that they agree to that."""

    uses: list[Use] = Field(min_length=1, max_length=3)
    consent: Literal[True]
    wording: Text(40) = WORDING  # type: ignore[valid-type]
    age: AgeBand = ""
    gender: Gender = ""
    income: IncomeBand = ""
    home: Home = ""
    marital_status: MaritalStatus = ""
    household_size: int | None = Field(default=None, ge=1, le=30)
    children: int | None = Field(default=None, ge=0, le=30)

    def told(self, now: datetime) -> Demographics:
        """As it is kept."""
        values = self.model_dump(exclude={"uses", "consent", "wording"})
        return Demographics(uses=tuple(sorted(set(self.uses))), told_at=now, **values)
