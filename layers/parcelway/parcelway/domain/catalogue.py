"""What the shop sells: one product per SKU, its price and how it may be shipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import date

from parcelway.domain.money import Money
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

MOST_COMPONENTS = 20  # of a kit: each is a line of the order that it is in
MOST_OF_ONE = 100  # units of an article in one kit
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
    the books alone, no customer sees it. An order asks for at least `min_quantity` of it, at most
    `max_quantity` (None: as many as of any SKU), and a multiple of `quantity_step`; what is left of
    it when part is not there, or is called off, may be any.

    With `components` (units by SKU) it is a kit: a price for these articles together. It has no
    stock: what can be had of it follows from theirs, as do its weight and its tax. An article may
    be in a kit that is not sold by itself (`active`), not to everybody (`assortments`), or by
    itself in other numbers: those bind what is ordered of it beside its kits.
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
    min_quantity: int = 1
    max_quantity: int | None = None
    quantity_step: int = 1
    components: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _SKU.match(self.sku):
            raise ValueError(f"not a SKU: {self.sku!r}")
        if self.price.minor < 0:
            raise ValueError(f"{self.sku}: a price is never negative")
        if self.unit_cost is not None and self.unit_cost.minor < 0:
            raise ValueError(f"{self.sku}: a cost is never negative")
        if min(self.quantity_step, self.min_quantity) < 1:
            raise ValueError(f"{self.sku}: one unit is the least there is")
        most = self.min_quantity if self.max_quantity is None else self.max_quantity
        if most < self.min_quantity or self.min_quantity % self.quantity_step:
            raise ValueError(f"{self.sku}: nobody can order it in these steps from {most} on")
        if self.components:
            _require_components(self.sku, self.components)

    def fitting(self, units: int) -> int:
        """The most of `units` units that one order may ask for; 0 where they are too few."""
        most = units if self.max_quantity is None else min(units, self.max_quantity)
        most -= most % self.quantity_step
        return most if most >= self.min_quantity else 0


def _require_components(sku: str, components: Mapping[str, int]) -> None:
    if sku in components:
        raise ValueError(f"{sku}: a kit is not a component of itself")
    if len(components) > MOST_COMPONENTS:
        raise ValueError(f"{sku}: a kit has at most {MOST_COMPONENTS} components")
    if not all(1 <= units <= MOST_OF_ONE for units in components.values()):
        raise ValueError(f"{sku}: a kit has 1 to {MOST_OF_ONE} units of a component")


def require_stock_kept(product: Product, pointer: str = "") -> None:
    """Refuse with STOCK_OF_COMPONENTS what would be booked on the stock of a kit."""
    if product.components:
        told = f"{product.sku} is a kit: stock is kept of its components."
        raise Refusal(
            Reason.STOCK_OF_COMPONENTS, told, pointer, components=sorted(product.components)
        )


def fit(available: Mapping[str, int], components: Mapping[str, int]) -> int:
    """How many kits so many units of their components make."""
    return min(available.get(sku, 0) // units for sku, units in components.items())


def parts_of(product: Product, products: Mapping[str, Product]) -> Mapping[str, int] | None:
    """The articles, and units of each, that one of a product is: a kit's components, or the article
    itself. None for a kit that cannot be made up: of what there is not, or of another kit."""
    if not product.components:
        return {product.sku: 1}
    parts = [products.get(sku) for sku in product.components]
    known = all(part is not None and not part.components for part in parts)
    return product.components if known else None


def require_quantity(
    product: Product, quantity: int, maximum: int, pointer: str = "/quantity"
) -> None:
    """Refuse a quantity that no order may ask for; `maximum` is that of any SKU. Raises Refusal
    QUANTITY_LIMIT, which says what may be asked for."""
    bounds = {"minimum": product.min_quantity, "step": product.quantity_step}
    if product.max_quantity is not None:
        maximum = min(maximum, product.max_quantity)
    if quantity > maximum:
        told = f"At most {maximum} units of {product.sku} per order."
        raise Refusal(Reason.QUANTITY_LIMIT, told, pointer, maximum=maximum, **bounds)
    if quantity != product.fitting(quantity):
        told = f"{product.sku} is ordered from {product.min_quantity} units on"
        told += f", in steps of {product.quantity_step}." if product.quantity_step > 1 else "."
        raise Refusal(Reason.QUANTITY_LIMIT, told, pointer, maximum=maximum, **bounds)


def require_units(units: Mapping[str, int], maximum: int) -> None:
    """Refuse with QUANTITY_LIMIT more units of an article than any order may have of one, whether
    they belong to kits or not."""
    for sku, quantity in units.items():
        if quantity > maximum:
            told = f"At most {maximum} units of {sku} per order."
            raise Refusal(Reason.QUANTITY_LIMIT, told, "/quantity", maximum=maximum, sku=sku)
