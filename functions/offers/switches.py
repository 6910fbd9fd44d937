"""How people of the shop set a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from parcelway.domain.switching import (
    MOST_DAYS,
    MOST_LIMITS,
    MOST_REGIONS,
    PurchaseLimit,
    Switches,
)
from parcelway.http.schemas import Input, Text
from parcelway.values import dataclass
from pydantic import Field

Sku = Text(40)
# ISO 3166-1 alpha-2, or with a subdivision as ISO 3166-2 has it.
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", max_length=6)]


@dataclass(frozen=True, slots=True)
class SwitchesView:
    """How a channel is set, all of it."""

    channel: str
    sellable: bool
    orders_per_minute: int | None
    stop_ship: str
    purchase_limits: Mapping[str, PurchaseLimit]
    closed_regions: tuple[str, ...]
    version: int


class PurchaseLimitInput(Input):
    """So many units of a SKU for one customer, within so many days."""

    units: int = Field(ge=1, le=1_000_000)
    days: int = Field(ge=1, le=MOST_DAYS)


class SwitchesInput(Input):
    """All of a channel's switches: what is left out is as in a channel that nobody touched.

    `stop_ship` is why nothing of the channel leaves, `orders_per_minute` how many it takes at most,
    `closed_regions` the countries (`US`) and regions of countries (`US-OH`) it takes none for.
    """

    sellable: bool = True
    orders_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None
    stop_ship: Text(200, 0) = ""  # type: ignore[valid-type]
    purchase_limits: Annotated[
        dict[Sku, PurchaseLimitInput],  # type: ignore[valid-type]
        Field(max_length=MOST_LIMITS),
    ] = Field(default_factory=dict)
    closed_regions: Annotated[list[Region], Field(max_length=MOST_REGIONS)] = Field(
        default_factory=list
    )

    def switches(self) -> Switches:
        """What is to be set, without a version."""
        limits = {
            sku: PurchaseLimit(limit.units, limit.days)
            for sku, limit in self.purchase_limits.items()
        }
        regions = tuple(dict.fromkeys(self.closed_regions))
        return Switches(
            self.sellable, self.orders_per_minute, self.stop_ship, limits, closed_regions=regions
        )
