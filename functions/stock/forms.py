"""What the routes of the stock books take."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, ClassVar

from parcelway.domain.stock_books import MOST_UNITS, AdjustReason
from parcelway.http.schemas import Input, Text
from pydantic import AfterValidator, AwareDatetime, Field


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time of this age") from None


Units = Annotated[int, Field(ge=1, le=MOST_UNITS)]
Level = Annotated[int, Field(ge=0, le=MOST_UNITS)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc), Field(strict=False)]
Day = Annotated[date, Field(strict=False)]


class Papers(Input):
    """`source` names the line of the paper behind it (a till's receipt, a delivery note): the same
    source is booked once, whoever sends it under whatever key."""

    card_exempt: ClassVar[frozenset[str]] = frozenset({"source", "supply"})
    source: Text(100) | None = None  # type: ignore[valid-type]


class Receipt(Papers):
    """Units that came in; `supply` is the reference under which they were expected."""

    quantity: Units
    supply: Text(100) | None = None  # type: ignore[valid-type]


class Return(Papers):
    """Units that a customer brought back."""

    quantity: Units
    damaged: bool = False


class Adjustment(Papers):
    """Units more (or, negative, fewer) than the books say, and why."""

    quantity: Annotated[int, Field(ge=-MOST_UNITS, le=MOST_UNITS)]
    reason: AdjustReason


class Count(Papers):
    """All units that were found, whole and damaged, and when."""

    quantity: Level
    counted_at: Moment


class Some(Papers):
    """So many units."""

    quantity: Units


class Kept(Input):
    """So many units in all, from now on."""

    quantity: Level


class Expectation(Input):
    """What is expected, and when; a quantity of 0 ends it."""

    due: Day
    quantity: Level
