"""What may be put in a cart: of an article, of a kit, and of both when they share units."""

from __future__ import annotations

from collections.abc import Mapping

from parcelway.domain.audience import visible
from parcelway.domain.catalogue import Product, parts_of, require_quantity, require_units
from parcelway.domain.facts import Facts
from parcelway.domain.line import Kit
from parcelway.domain.money import zero
from parcelway.domain.order import Order
from parcelway.domain.pricing import has_price, offer
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import MOST_CHANGES

MAX_LINES = MOST_CHANGES  # every line changes at least one stock balance


def asked_for(
    order: Order, sku: str, quantity: int, facts: Facts
) -> tuple[tuple[Kit, ...], dict[str, int]]:
    """A cart's kits, and units of the lines that change, when it is to have `quantity` of a SKU.

    Raises Refusal UNKNOWN_SKU, NOT_SELLABLE, QUANTITY_LIMIT, TOO_MANY_LINES, NOT_FOUND, IN_KIT.
    """
    old, line, product = order.kit(sku), order.line(sku), facts.products.get(sku)
    if old is None and (line is not None or product is None or not product.components):
        require_kits_whole(order, sku, quantity)
        if quantity:
            require_sellable(order, sku, quantity, facts)
        elif line is None:
            raise Refusal(Reason.NOT_FOUND, "This SKU is not in the cart.")
        return order.kits, {sku: quantity}
    if old is None and not quantity:
        raise Refusal(Reason.NOT_FOUND, "This SKU is not in the cart.")
    new = _kit(order, sku, quantity, facts) if quantity else None
    kits = tuple(new if kit is old else kit for kit in order.kits) if old else (*order.kits, new)
    components = dict.fromkeys(part for kit in (old, new) if kit for part in kit.components)
    units = {
        part: (there.quantity if (there := order.line(part)) else 0)
        - (old.units(part) if old else 0)
        + (new.units(part) if new else 0)
        for part in components
    }
    if new and not all(has_price(order, part, units[part], facts) for part in new.components):
        raise _not_for_sale(sku)
    _require_room(order, units, facts)
    return tuple(kit for kit in kits if kit), units


def require_kits_whole(order: Order, sku: str, quantity: int) -> None:
    """Refuse with IN_KIT to have fewer units of an article than the order's kits have of it."""
    needed = order.in_kits(sku)
    if quantity < needed:
        kits = [kit.sku for kit in order.kits if sku in kit.components]
        raise Refusal(
            Reason.IN_KIT,
            f"{needed} of {sku} belong to {', '.join(kits)}: change that instead.",
            "/quantity",
            kits=kits,
            minimum=needed,
        )


def require_sellable(order: Order, sku: str, quantity: int, facts: Facts) -> None:
    """Refuse so many units of an article that the order may not have of it. What its kits have of
    it is no matter of the article's own limits. Raises Refusal UNKNOWN_SKU, NOT_SELLABLE,
    QUANTITY_LIMIT, TOO_MANY_LINES."""
    alone = quantity - order.in_kits(sku)
    if alone:
        product = _for_sale(order, sku, quantity, facts)
        if product.components:
            raise Refusal(Reason.NOT_SELLABLE, f"{sku} is a kit: put it in by itself.", "/sku")
        require_quantity(product, alone, facts.shop.settings.max_quantity)
    _require_room(order, {sku: quantity}, facts)


def _kit(order: Order, sku: str, quantity: int, facts: Facts) -> Kit:
    """So many kits as they are today. Raises Refusal UNKNOWN_SKU, NOT_SELLABLE, QUANTITY_LIMIT."""
    product = _for_sale(order, sku, quantity, facts)
    require_quantity(product, quantity, facts.shop.settings.max_quantity)
    if not product.components or not parts_of(product, facts.products):
        raise _not_for_sale(sku)
    return Kit(sku, product.name, quantity, dict(product.components), zero(order.currency))


def _for_sale(order: Order, sku: str, quantity: int, facts: Facts) -> Product:
    product = facts.products.get(sku)
    if product is None or not visible(product, order.buyer, facts.shop.assortments):
        raise Refusal(Reason.UNKNOWN_SKU, f"There is no SKU {sku!r}.", "/sku")
    if offer(order, sku, quantity, facts) is None:
        raise _not_for_sale(sku)
    return product


def _not_for_sale(sku: str) -> Refusal:
    return Refusal(Reason.NOT_SELLABLE, f"{sku} is not for sale at present.", "/sku")


def _require_room(order: Order, units: Mapping[str, int], facts: Facts) -> None:
    """Refuse more units of a line, or more lines, than an order may have."""
    require_units(units, facts.shop.settings.max_quantity)
    lines = {line.sku for line in order.lines} | {sku for sku, n in units.items() if n}
    if len(lines) > MAX_LINES:
        raise Refusal(Reason.TOO_MANY_LINES, f"An order has at most {MAX_LINES} lines.")
