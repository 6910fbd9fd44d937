"""What the shop sells: one product per SKU, its price and how it may be shipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import date

from parcelway.domain.money import Money
from parcelway.values import dataclass

SKU_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
_SKU = re.compile(SKU_PATTERN)


@dataclass(frozen=True, slots=True)
class Product:
    """A sellable article.

    `category` is a path, coarse first. `price` is per unit; whether it includes tax is the
    shop's `prices_include_tax`. `tax_category` names a rate of the shop. `weight_grams` is per
    unit, packed. Before its `launch` day (UTC) it is sold as a pre-order; `backorders` tells
    whether it is sold against announced supplies when it is not there. `channel_buffers` are the
    units per node that a channel does not sell, instead of the shop's. In `assortments` it is for
    some buyers alone. `unit_cost` is what a unit costs the shop, without tax (None: not known): for
    the books alone, no customer sees it.
    """

    sku: str
    name: str
    price: Money
    description: str = ""
    brand: str = ""
    category: tuple[str, ...] = ()
    tax_category: str = "standard"
    weight_grams: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    active: bool = True
    launch: date | None = None
    backorders: bool = True
    channel_buffers: Mapping[str, int] = field(default_factory=dict)
    assortments: tuple[str, ...] = ()
    unit_cost: Money | None = None

    def __post_init__(self) -> None:
        if not _SKU.match(self.sku):
            raise ValueError(f"not a SKU: {self.sku!r}")
        if self.price.minor < 0:
            raise ValueError(f"{self.sku}: a price is never negative")
        if self.unit_cost is not None and self.unit_cost.minor < 0:
            raise ValueError(f"{self.sku}: a cost is never negative")
