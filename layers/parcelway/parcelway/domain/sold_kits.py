"""Kits that were sold elsewhere: taken apart at the price they were sold for, to the cent.

A component costs what it was sold for beside the kit, else the shop's price. Where the components
come to less than the kit was sold for, they cost more in this order: by what is missing, in
proportion, up to a whole minor unit each. What they come to beyond the kit's price it saves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.catalogue import Product, parts_of
from parcelway.domain.facts import Facts
from parcelway.domain.line import Kit, Line, Portion
from parcelway.domain.money import Money, allocate_minor, zero
from parcelway.domain.order import Order
from parcelway.domain.pricing import quoted
from parcelway.domain.refusals import Reason, Refusal


def apart(order: Order, skus: Sequence[str], facts: Facts) -> Order:
    """The imported draft with its kits as kits, and what they are made of as lines. `skus` are
    those of the row's lines, at which a refusal points.

    Raises Refusal NOT_SELLABLE for a kit that cannot be made up, QUANTITY_LIMIT for more units of a
    component than an order may have, INVALID for a kit that was sold for more than components come
    to that were all sold beside it."""
    products = facts.products
    sold = [line for line in order.lines if products[line.sku].components]
    if not sold:
        return order
    loose = {line.sku: line for line in order.lines if line not in sold}
    units = {sku: line.quantity for sku, line in loose.items()}
    prices = {sku: line.unit_price for sku, line in loose.items()}
    kits = list[Kit]()
    for line in sold:
        pointer = f"/lines/{skus.index(line.sku)}"
        kit = _kit(line, products, pointer)
        kits.append(kit)
        for sku in kit.components:
            units[sku] = units.get(sku, 0) + kit.units(sku)
            prices.setdefault(sku, _price(order, products[sku], facts, pointer))
            _require_few(units[sku], facts, f"{pointer}/quantity")
    for line, kit in zip(sold, kits, strict=True):
        if order.as_sold:
            pointer = f"/lines/{skus.index(line.sku)}/unit_price"
            prices |= _raised(kit, prices, loose, pointer)
    lines = tuple(
        _line(number, sku, count, prices[sku], sold[0].price_source)
        for number, (sku, count) in enumerate(units.items(), start=1)
    )
    return replace(order, lines=lines, kits=tuple(kits))


def _kit(line: Line, products: Mapping[str, Product], pointer: str) -> Kit:
    parts = parts_of(products[line.sku], products)
    if parts is None:
        told = f"{line.sku} is not for sale at present."
        raise Refusal(Reason.NOT_SELLABLE, told, f"{pointer}/sku")
    of = (line.sku, products[line.sku].name, line.quantity, dict(parts))
    return Kit(*of, line.unit_price, line.price_source)


def _price(order: Order, product: Product, facts: Facts, pointer: str) -> Money:
    found = quoted(order, product, 1, facts)
    if found is None:
        told = f"{product.sku} has no price in {order.currency}."
        raise Refusal(Reason.NOT_SELLABLE, told, f"{pointer}/sku")
    return found.unit_price


def _raised(
    kit: Kit, prices: Mapping[str, Money], loose: Mapping[str, Line], pointer: str
) -> dict[str, Money]:
    """The prices at which a kit's components come to its own, at least."""
    missing = kit.unit_price.minor - sum(
        prices[sku].minor * units for sku, units in kit.components.items()
    )
    free = sorted(kit.components.keys() - loose.keys())
    if missing <= 0:
        return {}
    if not free:
        told = f"{kit.sku} was sold for more than its components, which were sold beside it."
        raise Refusal(Reason.INVALID, told, pointer)
    parts = allocate_minor(missing, [prices[sku].minor * kit.components[sku] for sku in free])
    return {
        sku: prices[sku] + Money(-(-part // kit.components[sku]), kit.unit_price.currency)
        for sku, part in zip(free, parts, strict=True)
    }


def _require_few(units: int, facts: Facts, pointer: str) -> None:
    maximum = facts.shop.settings.max_quantity
    if units > maximum:
        told = f"At most {maximum} units of one SKU per order."
        raise Refusal(Reason.QUANTITY_LIMIT, told, pointer, maximum=maximum)


def _line(number: int, sku: str, units: int, price: Money, source: str) -> Line:
    nothing = zero(price.currency)
    portions = (Portion("g1", "open", units),)
    return Line(number, sku, sku, price, portions, nothing, nothing, price_source=source)
