"""What tax comes to: the question, and the shop's own answer to it.

Rounding rule: tax is computed per rate on the sum of everything taxed at that rate, rounded half
away from zero once (EN 16931, BR-CO-17), and then divided over the supplies by largest remainder.
So the parts always add up to the totals, and totals are never off by the cents that rounding each
part would bring.

Where prices include tax, what is relieved of it costs its price without the tax that it would bear
at the same place otherwise, by the same rule: relief of everything leaves exactly the net amounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from parcelway.domain.money import Money, allocate, share, zero
from parcelway.domain.parties import Address
from parcelway.domain.shop import Settings, TaxCode
from parcelway.domain.tax_rules import Buyer, Treatment, treatment
from parcelway.values import dataclass

CHARGE = 0  # the number that stands for a group's shipping charge, beside those of lines


@dataclass(frozen=True, slots=True)
class Supply:
    """What is taxed by itself: the units of a line that go with a delivery group, or its charge.

    `amount` is what is asked for it after discounts, as prices are meant. It is `sent` to `place`
    or collected there (None: not known yet), like everything of its group.
    """

    line: int
    group: str
    sku: str
    amount: Money
    category: str
    place: Address | None
    sent: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What tax an order bears is asked by this, of the shop's own rules or of an engine.

    `inclusive` tells whether amounts are with tax; `day` is the day of the tax point.
    """

    currency: str
    inclusive: bool
    supplies: tuple[Supply, ...]
    buyer: Buyer
    day: date


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a supply bears; see `order.Share` for what the fields mean."""

    net: Money
    tax: Money
    tax_rate: int
    tax_code: TaxCode
    tax_reason: str = ""


class TaxNeeded(Exception):
    """A decision needs the engine's answer to `asked`: get it, and decide again."""

    def __init__(self, asked: Inquiry) -> None:
        super().__init__("the tax engine has not been asked yet")
        self.asked = asked


def sound(asked: Inquiry, answer: Sequence[Assessed]) -> bool:
    """Whether an engine's answer is one: each supply with its own amounts, none of them negative,
    that add up to what is asked for it; and tax exactly where the rate and the code say so."""
    return len(answer) == len(asked.supplies) and all(
        _fits(supply.amount, part, asked.inclusive)
        for supply, part in zip(asked.supplies, answer, strict=True)
    )


def _fits(amount: Money, part: Assessed, inclusive: bool) -> bool:
    if {part.net.currency, part.tax.currency} != {amount.currency}:
        return False
    if part.net.minor < 0 or part.tax.minor < 0 or part.tax_rate < 0:
        return False
    taxed = part.tax_code == "S"
    if taxed != (part.tax_rate > 0) or (part.tax and not taxed):
        return False
    if not inclusive:
        return part.net == amount
    # What is relieved costs less: its price without the tax that was in it.
    return part.net + part.tax == amount if taxed else part.net <= amount


def assess(asked: Inquiry, settings: Settings) -> tuple[Assessed, ...]:
    """The shop's own answer, one for each supply. Raises KeyError for an unknown tax category."""
    treated = _treated(asked, settings)
    taxes = _taxes([each.amount for each in asked.supplies], treated, asked.inclusive)
    return tuple(
        _assessed(supply.amount, tax, how, asked.inclusive)
        for supply, tax, how in zip(asked.supplies, taxes, treated, strict=True)
    )


def _treated(asked: Inquiry, settings: Settings) -> list[Treatment]:
    """How each supply is taxed. What goes with a group goes to one place, in one way."""
    known: dict[tuple[str, str], Treatment] = {}
    for each in asked.supplies:
        key = each.group, each.category
        if key not in known:
            known[key] = treatment(
                each.category, each.place, each.sent, asked.buyer, asked.day, settings
            )
    return [known[each.group, each.category] for each in asked.supplies]


def _taxes(amounts: Sequence[Money], treated: Sequence[Treatment], inclusive: bool) -> list[Money]:
    """The tax of each amount as it is without relief."""
    members: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for index, how in enumerate(treated):
        members[how.usual, how.rate, how.code].append(index)
    taxes: dict[int, Money] = {}
    for (usual, *_), indexes in members.items():
        weights = [amounts[i].minor for i in indexes]
        tax = share(sum(weights), usual, 10_000 + usual if inclusive else 10_000)
        parts = allocate(Money(tax, amounts[indexes[0]].currency), weights)
        taxes |= zip(indexes, parts, strict=True)
    return [taxes[index] for index in range(len(amounts))]


def _assessed(amount: Money, tax: Money, how: Treatment, inclusive: bool) -> Assessed:
    return Assessed(
        amount - tax if inclusive else amount,
        tax if how.rate else zero(amount.currency),
        how.rate,
        how.code,
        how.reason,
    )
