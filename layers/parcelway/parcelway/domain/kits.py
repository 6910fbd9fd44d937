"""What kits make of an order's lines: which units are theirs, and what they take off the price.

A kit has no stock and no tax of its own: its components are lines like any other. So units that two
kits and a line have in common are claimed once, and everything that divides lines (deliveries,
parcels, invoices, refunds) divides what a kit saves as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from parcelway.domain.catalogue import Product
from parcelway.domain.kit import Kit
from parcelway.domain.line import Discount, Line
from parcelway.domain.money import Money, allocate, total
from parcelway.domain.order import Order


def in_kits(kits: Iterable[Kit], sku: str) -> int:
    """Units of an article that belong to kits."""
    return sum(kit.units(sku) for kit in kits)


def loose(order: Order, line: Line) -> int:
    """Units of a line that were ordered by themselves."""
    return line.quantity - in_kits(order.kits, line.sku)


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


def left_of(order: Order, kit: Kit) -> int:
    """How many of a kit are whole once units were cancelled."""
    there = {line.sku: line.quantity - line.count("cancelled") for line in order.lines}
    return min(kit.quantity, fit(there, kit.components))


def bundled(order: Order) -> Order:
    """The order, its lines and kits at their unit prices and nothing taken off yet, with what its
    kits save taken off their components: nothing where a kit would cost more than they do.

    What one kit saves is divided over its components by what they cost, by largest remainder (ties
    by SKU), and counts once for each kit: so every kit of an order saves the same, on the same
    lines.
    """
    if not order.kits:
        return order
    prices = {line.sku: line.unit_price for line in order.lines}
    kits, off = list[Kit](), dict[str, list[Discount]]()
    for kit in order.kits:
        worth = {sku: prices[sku] * units for sku, units in sorted(kit.components.items())}
        whole = total(worth.values(), order.currency)
        kits.append(replace(kit, unit_price=min(kit.unit_price, whole)))
        for sku, saved in _saved(whole - kits[-1].unit_price, worth).items():
            discount = Discount("kit", kit.sku, kit.name, saved * kit.quantity)
            off.setdefault(sku, []).append(discount)
    lines = (replace(line, discounts=tuple(off.get(line.sku, ()))) for line in order.lines)
    return replace(order, lines=tuple(lines), kits=tuple(kits))


def _saved(whole: Money, worth: Mapping[str, Money]) -> dict[str, Money]:
    """What one kit saves, by component, where anything."""
    parts = allocate(whole, [each.minor for each in worth.values()])
    return {sku: part for sku, part in zip(worth, parts, strict=True) if part}


def whole(order: Order, available: Mapping[str, int]) -> tuple[Kit, ...]:
    """The order's kits, as many of each as so many units make: the first ones first, and all of
    them before anything that was ordered by itself."""
    left, kept = dict(available), list[Kit]()
    for kit in order.kits:
        quantity = min(kit.quantity, fit(left, kit.components))
        if quantity:
            kept.append(replace(kit, quantity=quantity))
        for sku in kit.components:
            left[sku] = left.get(sku, 0) - kit.components[sku] * quantity
    return tuple(kept)


def without(kits: Sequence[Kit], others: Sequence[Kit]) -> tuple[Kit, ...]:
    """What is left of kits when there are `others` of them elsewhere."""
    gone = {kit.sku: kit.quantity for kit in others}
    left = (replace(kit, quantity=kit.quantity - gone.get(kit.sku, 0)) for kit in kits)
    return tuple(kit for kit in left if kit.quantity)
