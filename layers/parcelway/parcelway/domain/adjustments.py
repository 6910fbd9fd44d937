"""What the adjustments of staff make of an order's prices: two steps of pricing.

None of them ever gives away more than was decided on, whatever becomes of the cart afterwards:

- A unit price is overridden for at most the units it was decided on. Where the line has more by
  now, those cost the usual price, and what the others cost less is a discount of the line. Where
  the usual price has become lower than the new one, it counts.
- A shipping charge is overridden for the service it was decided on: by at most the difference then,
  if the parcel has become heavier, and never below zero. Another service has its own charge.
- An amount off the goods is never more than the share of them that it was: with fewer goods it
  shrinks in proportion (rounded down), with more it stays.

Where the customer has what is not there sent as an order of its own, that one's charge is reduced
in the proportion that the first one's is: free delivery that was promised is free for both. That
is the one case in which more may come of it than was decided on.

An amount off is divided over the lines by what they come to, by largest remainder. Taxes are on
what is left: a reduction of the price before tax (Directive 2006/112/EC, Article 79).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.adjustment import Adjustment
from parcelway.domain.line import Discount, Line
from parcelway.domain.money import Money, allocate, total, zero
from parcelway.domain.order import DeliveryGroup, Order

Labels = Mapping[str, Mapping[str, str]]  # of reason codes, by language


def overridden(order: Order) -> Order:
    """The draft, at its usual unit prices, with those that staff overrode."""
    if not order.adjustments:
        return order
    return replace(order, lines=tuple(_overridden(order, line) for line in order.lines))


def adjusted(order: Order, reasons: Labels) -> Order:
    """The draft, with all that promotions take off, with what its adjustments take off."""
    if not order.adjustments:
        return order
    lines = tuple(_partly_overridden(order, line, reasons) for line in order.lines)
    reduced = replace(
        order,
        lines=lines,
        groups=tuple(_recharged(order, group, reasons) for group in order.groups),
    )
    goods = _goods(lines, order.currency)
    for each in _applied(order, "amount_off"):
        reduced = _less(reduced, each, goods, reasons)
    return reduced


def _overridden(order: Order, line: Line) -> Line:
    """The line at its overridden price, unless it has more units than that was made for."""
    for each in _applied(order, "price_override", line.sku):
        if line.quantity <= each.units and each.new < line.unit_price:
            return replace(line, unit_price=each.new, price_source=f"override:{each.id}")
    return line


def _partly_overridden(order: Order, line: Line, reasons: Labels) -> Line:
    for each in _applied(order, "price_override", line.sku):
        if line.quantity > each.units and each.new < line.unit_price:
            off = (line.unit_price - each.new) * each.units
            return _reduced(line, each, min(off, line.amount), order.language, reasons)
    return line


def _recharged(order: Order, group: DeliveryGroup, reasons: Labels) -> DeliveryGroup:
    for each in _applied(order, "shipping_override", group.id):
        charge = group.charge
        if charge is None or group.service != each.service or not each.new < charge:
            continue
        off = _discount(each, min(each.worth, charge - each.new), order.language, reasons)
        return replace(group, charge_discounts=(*group.charge_discounts, off))
    return group


def _less(order: Order, adjustment: Adjustment, goods: Money, reasons: Labels) -> Order:
    """The order with an amount off its goods, which came to `goods` before any such amount."""
    share = adjustment.worth.minor * goods.minor // adjustment.old.minor
    left = _goods(order.lines, order.currency)
    off = min(adjustment.worth, Money(share, order.currency), left)
    if not off:
        return order
    parts = allocate(off, [line.amount.minor for line in order.lines])
    lines = zip(order.lines, parts, strict=True)
    return replace(
        order,
        lines=tuple(_reduced(ln, adjustment, part, order.language, reasons) for ln, part in lines),
    )


def _reduced(
    line: Line, adjustment: Adjustment, off: Money, language: str, reasons: Labels
) -> Line:
    if not off:
        return line
    return replace(line, discounts=(*line.discounts, _discount(adjustment, off, language, reasons)))


def _discount(adjustment: Adjustment, off: Money, language: str, reasons: Labels) -> Discount:
    """How it is shown: the reason in the order's language, never the note."""
    label = reasons.get(adjustment.reason, {})
    name = label.get(language) or next(iter(label.values()), adjustment.reason)
    return Discount("adjustment", adjustment.id, name, off)


def _goods(lines: Sequence[Line], currency: str) -> Money:
    return total((line.amount for line in lines), currency)


def _applied(order: Order, kind: str, target: str = "") -> list[Adjustment]:
    return [
        each
        for each in order.adjustments
        if (each.kind, each.target, each.status) == (kind, target, "applied")
    ]


def given(adjustments: Sequence[Adjustment], currency: str) -> Money:
    """What those that are applied give away at most."""
    worths = (each.worth for each in adjustments if each.status == "applied")
    return sum(worths, zero(currency))
