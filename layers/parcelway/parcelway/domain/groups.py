"""Which units of a cart go with which delivery group. Nothing here loses or invents a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.line import Line, Portion, merge
from parcelway.domain.order import DeliveryGroup, Order


def in_use(order: Order) -> tuple[DeliveryGroup, ...]:
    """The order's groups that have units, under their old ids; the first one when none has."""
    used = {portion.group for line in order.lines for portion in line.portions}
    return tuple(group for group in order.groups if group.id in used) or order.groups[:1]


def resized(
    groups: Sequence[DeliveryGroup], line: Line | None, quantity: int
) -> tuple[Portion, ...]:
    """`quantity` open units of a line (None: a new one), each group keeping its own.

    Units that are new join the first group; those that are not wanted any more leave the last.
    """
    units = {group.id: line.units(group.id) if line else 0 for group in groups}
    change = quantity - sum(units.values())
    units[groups[0].id] += max(change, 0)
    surplus = max(-change, 0)
    for group in reversed(groups):
        gone = min(surplus, units[group.id])
        units[group.id] -= gone
        surplus -= gone
    return tuple(Portion(group, "open", count) for group, count in units.items() if count)


def divided(line: Line, units: Mapping[str, int]) -> Line:
    """The line with `units` of it in each group, every unit staying at its stage and node.

    Raises ValueError when `units` do not add up to the line's quantity.
    """
    if sum(units.values()) != line.quantity or min(units.values(), default=0) < 0:
        raise ValueError(f"line {line.number} has not {dict(units)} units")
    rest, portions = list(line.portions), []
    for group, wanted in units.items():
        missing = wanted
        while missing:
            first = rest.pop(0)
            part = min(missing, first.quantity)
            portions.append(replace(first, group=group, quantity=part))
            missing -= part
            if part < first.quantity:
                rest.insert(0, replace(first, quantity=first.quantity - part))
    return replace(line, portions=merge(portions))
