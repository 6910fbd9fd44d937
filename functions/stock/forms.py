"""What the routes of the stock books take."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Literal, Self

from parcelway.domain.stock_books import MOST_UNITS, AdjustReason
from parcelway.http.schemas import Input, Text
from pydantic import AfterValidator, AwareDatetime, Field, model_validator


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


class ReorderPoint(Input):
    """How few available units are so few that somebody is told; null: nobody is."""

    quantity: Level | None


class TransferLine(Input):
    """Units of a product."""

    sku: Text(40)  # type: ignore[valid-type]
    quantity: Units


class Transfer(Input):
    """Units that leave one node for another, where they are due on a day."""

    from_node: Text(40)  # type: ignore[valid-type]
    to_node: Text(40)  # type: ignore[valid-type]
    due: Day
    lines: Annotated[list[TransferLine], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _somewhere_else(self) -> Self:
        if self.from_node == self.to_node:
            raise ValueError("a transfer is to another node")
        return self

    def units(self) -> dict[str, int]:
        """Units by SKU; lines of one SKU are one."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.sku] = sums.get(line.sku, 0) + line.quantity
        return sums


class FeedRow(Input):
    """What another system has at a node: all units as of a time, or a difference."""

    sku: Text(40)  # type: ignore[valid-type]
    node: Text(40)  # type: ignore[valid-type]
    mode: Literal["absolute", "delta"]
    quantity: Annotated[int, Field(ge=-MOST_UNITS, le=MOST_UNITS)]
    as_of: Moment | None = None
    source: Text(100) | None = None  # type: ignore[valid-type]


_MOST_ABOUT_ONE = 50  # rows of a feed: each has to wait for the one before it


class Feed(Input):
    """Up to 500 rows, 50 of them about one product at one node. A row's `source` is booked once for
    its product and node."""

    card_exempt: ClassVar[frozenset[str]] = frozenset({"source"})
    rows: Annotated[list[FeedRow], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _not_all_about_one(self) -> Self:
        about = Counter((row.sku, row.node) for row in self.rows)
        if max(about.values()) > _MOST_ABOUT_ONE:
            raise ValueError(f"more than {_MOST_ABOUT_ONE} rows about one product at one node")
        return self


class Nothing(Input):
    """No details needed."""
