"""What a shopper is told of a product's stock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from parcelway.domain.shop import Node
from parcelway.domain.stock import Balance
from parcelway.values import dataclass

LOW = 5  # units that can still be had, from which on we say that few are left


@dataclass(frozen=True, slots=True)
class Availability:
    """Units of one SKU that may still be promised: `delivery` by all nodes that ship, `pickup` by
    each store that hands over."""

    state: Literal["in_stock", "low_stock", "out_of_stock"]
    delivery: int
    pickup: Mapping[str, int]


def availability(
    sku: str, balances: Mapping[tuple[str, str], Balance], nodes: Mapping[str, Node]
) -> Availability:
    """The availability of `sku` from its balances by (SKU, node). A node short of what it has
    promised counts as empty; it takes nothing from the others."""
    units = {
        node: max(0, balances[sku, node].available) for node in nodes if (sku, node) in balances
    }
    delivery = sum(units.get(node.id, 0) for node in nodes.values() if "ship" in node.capabilities)
    pickup = {
        node.id: units.get(node.id, 0) for node in nodes.values() if "pickup" in node.capabilities
    }
    most = max([delivery, *pickup.values()], default=0)
    if not most:
        return Availability("out_of_stock", delivery, pickup)
    return Availability("low_stock" if most <= LOW else "in_stock", delivery, pickup)
