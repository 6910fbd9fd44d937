"""What kits make of an order's lines: which units are theirs, and what they take off the price.

A kit has no stock and no tax of its own: its components are lines like any other. So units that two
kits and a line have in common are claimed once, and everything that divides lines (deliveries,
parcels, invoices, refunds) divides what a kit saves as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.catalogue import fit
from parcelway.domain.line import Discount, Kit, Line, Portion, merge
from parcelway.domain.money import Money, allocate, total
from parcelway.domain.order import Order
from parcelway.domain.reservation import Claim, undone
from parcelway.domain.stock import Move


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


def with_whole_kits(order: Order, held: Claim) -> Claim:
    """A claim without what it holds of kits that are not whole: that is given back, left open."""
    there = {line.sku: line.count("reserved") for line in held.lines}
    torn = without(order.kits, whole(order, there))
    lines, freed = list[Line](), list[Move]()
    for line in held.lines:
        # What is missing is missing of the torn kits first; what is there of them goes back.
        units = sum(kit.units(line.sku) for kit in torn)
        surplus = max(0, units - line.count("open"))
        opened, moves = _given_up(line, surplus)
        lines.append(opened)
        freed += moves
    return Claim(tuple(lines), (*held.moves, *freed), held.because)


def _given_up(line: Line, units: int) -> tuple[Line, list[Move]]:
    """The line with so many of its held units open again, the last ones first."""
    portions, moves, left = list[Portion](), list[Move](), units
    for portion in reversed(line.portions):
        gone = min(left, portion.quantity) if portion.stage == "reserved" else 0
        left -= gone
        portions.append(replace(portion, quantity=portion.quantity - gone))
        portions.append(Portion(portion.group, "open", gone))
        moves += undone(line.sku, replace(portion, quantity=gone))
    return replace(line, portions=merge(reversed(portions))), moves
