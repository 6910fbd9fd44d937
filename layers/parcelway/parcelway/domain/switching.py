"""How a channel is set (what that does is in `switches`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from parcelway.values import dataclass

MOST_DAYS = 31  # of a purchase limit: each is a counter to read
MOST_LIMITS = 100  # SKUs that one channel limits
MOST_REGIONS = 100  # closed at a time


@dataclass(frozen=True, slots=True)
class PurchaseLimit:
    """One customer may buy so many `units` of a SKU within `days` days (UTC), today's included."""

    units: int
    days: int


@dataclass(frozen=True, slots=True)
class Switches:
    """How a channel is set.

    Unless `sellable` it takes no orders, and none for `closed_regions`: countries (`US`) or regions
    of them (`US-OH`), by where goods go or are collected. It takes `orders_per_minute` at most
    (None: any number). `stop_ship` is why nothing of its orders may be packed, sent or handed over
    for now, '' when nothing is in the way. `purchase_limits` are by SKU. `version` counts the
    changes.
    """

    sellable: bool = True
    orders_per_minute: int | None = None
    stop_ship: str = ""
    purchase_limits: Mapping[str, PurchaseLimit] = field(default_factory=dict)
    closed_regions: tuple[str, ...] = ()
    version: int = 0


OPEN = Switches()
