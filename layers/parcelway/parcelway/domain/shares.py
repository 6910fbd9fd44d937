"""What of a line's price and discounts its units bear: every cut adds up to the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.line import Discount, Line
from parcelway.domain.money import Money, allocate, share, total


def units_share(whole: Money, units: int, before: int, after: int) -> Money:
    """The part of a line's amount that belongs to its units number `before`+1 .. `after`.

    Cumulative, so consecutive parts always add up to the whole, however it is cut.
    """
    return Money(
        share(whole.minor, after, units) - share(whole.minor, before, units), whole.currency
    )


def discounts_by_group(line: Line) -> dict[str, tuple[Discount, ...]]:
    """Each discount of a line divided over its delivery groups."""
    groups = sorted({portion.group for portion in line.portions})
    parts = divided_discounts(line, [line.units(group) for group in groups])
    return dict(zip(groups, parts, strict=True))


def divided_discounts(
    line: Line, units: Sequence[int], kits: Sequence[Mapping[str, int]] = ()
) -> list[tuple[Discount, ...]]:
    """Each discount of a line divided over parts of its units, which together are all of them.

    By units, the later ones by what the earlier left there: so no part bears more than its units
    cost. Where it is known how many `kits` of which SKU are in each part, what they save goes with
    them.
    """
    if len(units) == 1:
        return [line.discounts]
    left = [line.unit_price.minor * each for each in units]
    found: list[list[Discount]] = [[] for _ in units]
    for discount in line.discounts:
        counts = [each.get(discount.id, 0) for each in kits if discount.source == "kit"]
        parts = allocate(discount.amount, counts if any(counts) else left)
        left = [rest - part.minor for rest, part in zip(left, parts, strict=True)]
        for discounts, part in zip(found, parts, strict=True):
            if part:
                discounts.append(replace(discount, amount=part))
    return [tuple(discounts) for discounts in found]


def amounts_by_group(line: Line) -> dict[str, Money]:
    """What the line's units of each delivery group come to, as the price is meant."""
    if len({portion.group for portion in line.portions}) == 1:
        return {line.portions[0].group: line.amount}
    return {
        group: line.unit_price * line.units(group)
        - total((discount.amount for discount in discounts), line.unit_price.currency)
        for group, discounts in discounts_by_group(line).items()
    }
