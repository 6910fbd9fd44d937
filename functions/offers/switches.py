"""How people of the shop set a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from parcelway.domain.switching import MOST_DAYS, MOST_LIMITS, PurchaseLimit, Switches
from parcelway.http.schemas import Input, Text
from parcelway.values import dataclass
from pydantic import Field

Sku = Text(40)


@dataclass(frozen=True, slots=True)
class SwitchesView:
    """How a channel is set, all of it."""

    channel: str
    sellable: bool
    orders_per_minute: int | None
    stop_ship: str
    purchase_limits: Mapping[str, PurchaseLimit]
    version: int


class PurchaseLimitInput(Input):
    """So many units of a SKU for one customer, within so many days."""

    units: int = Field(ge=1, le=1_000_000)
    days: int = Field(ge=1, le=MOST_DAYS)


class SwitchesInput(Input):
    """All of a channel's switches: what is left out is as in a channel that nobody touched.

    `stop_ship` is why nothing of the channel leaves, `orders_per_minute` how many it takes at most.
    """

    sellable: bool = True
    orders_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None
    stop_ship: Text(200, 0) = ""  # type: ignore[valid-type]
    purchase_limits: Annotated[
        dict[Sku, PurchaseLimitInput],  # type: ignore[valid-type]
        Field(max_length=MOST_LIMITS),
    ] = Field(default_factory=dict)

    def switches(self) -> Switches:
        """What is to be set, without a version."""
        limits = {
            sku: PurchaseLimit(limit.units, limit.days)
            for sku, limit in self.purchase_limits.items()
        }
        return Switches(self.sellable, self.orders_per_minute, self.stop_ship, limits)
