"""What fields of a load may say, whatever document they are in."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from parcelway.domain.catalogue import SKU_PATTERN
from parcelway.domain.money import CURRENCIES
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
)

T = TypeVar("T")
MOST_MINOR = 10**12
Text = Annotated[str, Field(min_length=1, max_length=200)]
Sku = Annotated[str, Field(pattern=SKU_PATTERN)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]  # ISO 3166-1 or -2
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Clock = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


def _a_date(day: str) -> str:
    date.fromisoformat(day)
    return day


def _once(values: list[T]) -> list[T]:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise ValueError(f"{value} is there twice")
    return values


Weekdays = Annotated[list[Annotated[int, Field(ge=0, le=6)]], AfterValidator(_once)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_a_date)]
Dates = Annotated[list[Date], AfterValidator(_once)]
PublicHolidays = Literal["all"] | Annotated[list[Text], AfterValidator(_once)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Price(Strict):
    """An amount in minor units of an ISO 4217 currency."""

    minor: int = Field(ge=0, le=MOST_MINOR)
    currency: str

    @field_validator("currency")
    @classmethod
    def _known(cls, currency: str) -> str:
        if currency not in CURRENCIES:
            raise ValueError(f"unknown currency {currency!r}")
        return currency


def reason(error: Any) -> str:
    """A pydantic ValidationError as one line: each field with what is wrong with it."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{where}: {text}" if where else text)
    return "; ".join(problems)
