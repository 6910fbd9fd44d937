"""What a unit costs: price lists by audience, currency, quantity and time over the catalogue.

Precedence: a list for accounts before one for groups, for channels, for segments, before one for
everybody; naming more before naming less; then the higher priority; then the lower id. The first
list that has a price of the SKU for the quantity counts, and after all of them the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from parcelway.domain.audience import ALWAYS, EVERYBODY, Audience, Buyer, Window
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.values import dataclass

CATALOGUE = "catalogue"  # the source of a price that no list has


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices in one currency for an audience, for a time."""

    id: str
    name: str
    currency: str
    audience: Audience = EVERYBODY
    window: Window = ALWAYS
    priority: int = 0
    version: int = 0
    created_at: datetime | None = None  # when it was first kept


@dataclass(frozen=True, slots=True)
class Tier:
    """A unit costs `minor` minor units of its list's currency where at least `quantity` of a SKU
    are bought in one order."""

    quantity: int
    minor: int


Prices = Mapping[tuple[str, str], Sequence[Tier]]  # by list and SKU


@dataclass(frozen=True, slots=True)
class Quote:
    """A unit price, and where it comes from: `catalogue`, or `list:<id>:<least quantity>`."""

    unit_price: Money
    source: str = CATALOGUE


def lists_for(
    buyer: Buyer, currency: str, lists: Iterable[PriceList], now: datetime
) -> tuple[PriceList, ...]:
    """The lists that hold for a buyer now, in the order in which they count."""
    fitting = [
        each
        for each in lists
        if each.currency == currency and each.window.open(now) and each.audience.includes(buyer)
    ]
    # By id first: the second sort is stable.
    by_id = sorted(fitting, key=lambda each: each.id)
    return tuple(sorted(by_id, key=lambda each: (each.audience.rank, each.priority), reverse=True))


def quote(
    product: Product, quantity: int, currency: str, lists: Sequence[PriceList], prices: Prices
) -> Quote | None:
    """What a unit costs when `quantity` are bought; `lists` in the order in which they count.

    None when the product has no price in this currency.
    """
    for each in lists:
        reached = [t for t in prices.get((each.id, product.sku), ()) if t.quantity <= quantity]
        if reached:
            best = max(reached, key=lambda tier: tier.quantity)
            return Quote(Money(best.minor, currency), f"list:{each.id}:{best.quantity}")
    return Quote(product.price) if product.price.currency == currency else None


def components_priced(
    kit: Product,
    products: Mapping[str, Product],
    currency: str,
    lists: Sequence[PriceList],
    prices: Prices,
) -> bool:
    """Whether all that a product is made of, as far as it is among `products`, has a price in this
    currency where the least of it that one can order is bought: a cart takes no kit otherwise."""
    return all(
        quote(products[sku], units * kit.min_quantity, currency, lists, prices)
        for sku, units in kit.components.items()
        if sku in products
    )
