"""What may be ordered: of an article, of a kit, and of both when they share units."""

from __future__ import annotations

from collections.abc import Mapping

from parcelway.domain.audience import visible
from parcelway.domain.catalogue import Product, require_quantity
from parcelway.domain.facts import Facts
from parcelway.domain.kit import Kit
from parcelway.domain.kits import in_kits, loose, parts_of
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
    _require_room(order, units, facts)
    return tuple(kit for kit in kits if kit), units


def require_kits_whole(order: Order, sku: str, quantity: int) -> None:
    """Refuse with IN_KIT to have fewer units of an article than the order's kits have of it."""
    needed = in_kits(order.kits, sku)
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
    alone = quantity - in_kits(order.kits, sku)
    if alone:
        product = _for_sale(order, sku, quantity, facts)
        if product.components:
            raise Refusal(Reason.NOT_SELLABLE, f"{sku} is a kit: put it in by itself.", "/sku")
        require_quantity(product, alone, facts.shop.settings.max_quantity)
    _require_room(order, {sku: quantity}, facts)


def require_still_sellable(order: Order, facts: Facts) -> None:
    """Refuse with NOT_SELLABLE a cart with something that is not for sale any more, with
    QUANTITY_LIMIT one with a quantity that nobody may ask for any more, with KIT_CHANGED one with a
    kit that is not made up as it was when it was put in."""
    maximum = facts.shop.settings.max_quantity
    for index, line in enumerate(order.lines):
        alone, product = loose(order, line), facts.products.get(line.sku)
        sold = offer(order, line.sku, line.quantity, facts) if alone else None
        there = has_price(order, line.sku, line.quantity, facts)
        if product is None or not there or product.components or (alone and sold is None):
            told = f"{line.sku} is not for sale any more."
            raise Refusal(Reason.NOT_SELLABLE, told, f"/lines/{index}")
        if alone and not order.external_id:  # what was sold elsewhere is a fact
            require_quantity(product, alone, maximum, f"/lines/{index}/quantity")
    for index, kit in enumerate(order.kits):
        product, pointer = facts.products.get(kit.sku), f"/kits/{index}"
        if product is None or offer(order, kit.sku, kit.quantity, facts) is None:
            raise Refusal(Reason.NOT_SELLABLE, f"{kit.sku} is not for sale any more.", pointer)
        if dict(product.components) != dict(kit.components):
            told = f"{kit.sku} is made up differently now: put it in the cart anew."
            raise Refusal(Reason.KIT_CHANGED, told, pointer, sku=kit.sku)
        if not order.external_id:
            require_quantity(product, kit.quantity, maximum, f"{pointer}/quantity")


def _kit(order: Order, sku: str, quantity: int, facts: Facts) -> Kit:
    """So many kits as they are today. Raises Refusal UNKNOWN_SKU, NOT_SELLABLE, QUANTITY_LIMIT."""
    product = _for_sale(order, sku, quantity, facts)
    require_quantity(product, quantity, facts.shop.settings.max_quantity)
    parts = parts_of(product, facts.products) if product.components else None
    if not parts or not all(has_price(order, part, quantity, facts) for part in parts):
        raise Refusal(Reason.NOT_SELLABLE, f"{sku} is not for sale at present.", "/sku")
    return Kit(sku, product.name, quantity, dict(product.components), zero(order.currency))


def _for_sale(order: Order, sku: str, quantity: int, facts: Facts) -> Product:
    product = facts.products.get(sku)
    if product is None or not visible(product, order.buyer, facts.shop.assortments):
        raise Refusal(Reason.UNKNOWN_SKU, f"There is no SKU {sku!r}.", "/sku")
    if offer(order, sku, quantity, facts) is None:
        raise Refusal(Reason.NOT_SELLABLE, f"{sku} is not for sale at present.", "/sku")
    return product


def _require_room(order: Order, units: Mapping[str, int], facts: Facts) -> None:
    """Refuse more units of a line, or more lines, than an order may have."""
    maximum = facts.shop.settings.max_quantity
    for sku, quantity in units.items():
        if quantity > maximum:
            told = f"At most {maximum} units of {sku} per order."
            raise Refusal(Reason.QUANTITY_LIMIT, told, "/quantity", maximum=maximum, sku=sku)
    lines = {line.sku for line in order.lines} | {sku for sku, n in units.items() if n}
    if len(lines) > MAX_LINES:
        raise Refusal(Reason.TOO_MANY_LINES, f"An order has at most {MAX_LINES} lines.")
