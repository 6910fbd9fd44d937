"""What people ask for of placed orders."""

from __future__ import annotations

from datetime import date
from typing import Literal

from parcelway.domain.listing import Wanted
from parcelway.domain.parties import Channel
from parcelway.http.paging import Page
from parcelway.http.schemas import Input, Text
from pydantic import Field, field_validator


class CancelledUnits(Input):
    """Units of a SKU that are not wanted any more."""

    sku: Text(40)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=1_000_000)


class Cancellation(Input):
    """Why the order is not wanted any more, or some units of it: all of it where `lines` is not
    given."""

    reason: Text(200) = "customer"  # type: ignore[valid-type]
    lines: list[CancelledUnits] | None = Field(default=None, min_length=1, max_length=200)


class Sought(Page):
    """Which orders to list. Days are in UTC, both included; `node` is where units of the order are,
    wait or left from, `attention` whether only those that somebody has to look at."""

    channel: Channel | None = None
    status: (
        Literal[
            "placed",
            "none",
            "reserved",
            "backordered",
            "scheduled",
            "partially_shipped",
            "shipped",
            "partially_delivered",
            "delivered",
            "closed",
            "cancelled",
            "expired",
        ]
        | None
    ) = None
    placed_from: date | None = None
    placed_to: date | None = None
    customer_id: Text(64, 0) = ""  # type: ignore[valid-type]
    node: Text(60, 0) = ""  # type: ignore[valid-type]
    attention: bool = False

    @field_validator("placed_to")
    @classmethod
    def _has_a_day_after(cls, day: date | None) -> date | None:
        if day == date.max:
            raise ValueError("there is no such day")
        return day

    def wanted(self) -> Wanted:
        """The orders that are asked for."""
        return Wanted(
            self.channel,
            self.status,
            self.placed_from,
            self.placed_to,
            self.customer_id,
            self.node,
            self.attention,
        )
