"""What a decision about an order needs to know besides the order, read before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from parcelway.domain.catalogue import Product
from parcelway.domain.order import Slot
from parcelway.domain.shop import Shop
from parcelway.domain.stock import Balance
from parcelway.values import dataclass

Balances = Mapping[tuple[str, str], Balance]


@dataclass(frozen=True, slots=True)
class Facts:
    """The shop, the time, and the products and stock balances (by SKU and node) concerned.

    `busy` is how many parcels are taken of nodes' days, as far as that is known."""

    shop: Shop
    now: datetime
    products: Mapping[str, Product] = field(default_factory=dict)
    balances: Balances = field(default_factory=dict)
    busy: Mapping[Slot, int] = field(default_factory=dict)
