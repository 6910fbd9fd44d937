"""A kit: several articles together for one price."""

from __future__ import annotations

from collections.abc import Mapping

from parcelway.domain.money import Money
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Kit:
    """`quantity` kits of an order, each of the `components`: units by SKU, as they were when it was
    put in.

    The units are in the order's lines, with whatever else is ordered of those articles. A kit comes
    to `unit_price`; what its components cost more alone is taken off their lines.
    """

    sku: str
    name: str
    quantity: int
    components: Mapping[str, int]
    unit_price: Money
    price_source: str = "catalogue"

    def units(self, sku: str) -> int:
        """Units of an article in all of them."""
        return self.components.get(sku, 0) * self.quantity
