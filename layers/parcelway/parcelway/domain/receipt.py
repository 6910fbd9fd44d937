"""The receipt of an order: what was bought and what was paid, from its frozen parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from parcelway.domain.gift_card import GIFT_CARD
from parcelway.domain.invoice import Allowance, InvoiceLine, TaxLine
from parcelway.domain.invoicing import breakdown
from parcelway.domain.line import Discount, Line, Share
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import Order, Totals, totals
from parcelway.domain.payment import Payment
from parcelway.domain.shares import discounts_by_group
from parcelway.domain.shop import TaxCode
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Tender:
    """What one means of payment paid, since `at`, and what went back to it. `ending` tells one gift
    card from another, '' for other means."""

    method: str
    at: datetime
    paid: Money
    refunded: Money
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What a means of payment is to pay; `ending` as in Tender."""

    method: str
    ending: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was bought and what was paid. `charges` are shipping; nothing personal is in it.

    `split` is what each means is to pay of the total where gift cards do: these first, then the
    order's `method` for the rest. Empty where there is only that.
    """

    number: str
    placed_at: datetime | None
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxLine, ...]
    totals: Totals
    method: str
    held: Money
    captured: Money
    refunded: Money
    tenders: tuple[Tender, ...] = ()
    split: tuple[Part, ...] = ()


def receipt(order: Order, payments: Sequence[Payment]) -> Receipt:
    """What was bought and paid, from the order's frozen parts."""
    lines = [bought for line in order.lines for bought in _bought(line)]
    nothing = zero(order.currency)
    charges = [
        InvoiceLine(
            group.service_name.get(order.language, group.service),
            1,
            group.charge_price,
            group.charge_net or nothing,
            group.charge_tax or nothing,
            group.charge_tax_rate,
            allowances=_allowances(group.charge_discounts),
            tax_code=group.charge_tax_code,
        )
        for group in order.groups
        if group.charge_price
    ]
    # A hold that was voided is gone, though the order's sum still tells of it.
    held = sum(p.authorized - p.captured for p in payments if p.status == "authorized")
    endings = {tender.card: tender.ending for tender in order.gift_cards}
    return Receipt(
        number=order.tracking_number,
        placed_at=order.placed_at,
        lines=tuple(lines + charges),
        taxes=breakdown(lines + charges, order.currency),
        totals=totals(order),
        method=order.payment_method,
        held=Money(held, order.currency),
        captured=Money(order.captured, order.currency),
        refunded=Money(order.refunded, order.currency),
        tenders=tuple(
            Tender(
                paid.method,
                paid.created_at,
                Money(paid.captured, order.currency),
                Money(paid.refunded, order.currency),
                endings.get(paid.reference, ""),
            )
            for paid in payments
            if paid.captured
        ),
        split=_split(order),
    )


def _split(order: Order) -> tuple[Part, ...]:
    cards = [Part(GIFT_CARD, tender.ending, tender.amount) for tender in order.gift_cards]
    rest = totals(order).gross - total((part.amount for part in cards), order.currency)
    if cards and rest:
        cards.append(Part(order.payment_method, "", rest))
    return tuple(cards)


def _bought(line: Line) -> list[InvoiceLine]:
    """A line as it was bought: once for every rate at which it is taxed."""
    currency, by_rate = line.unit_price.currency, dict[tuple[int, TaxCode], list[Share]]()
    off = discounts_by_group(line)
    for share in line.by_group:
        by_rate.setdefault((share.tax_rate, share.tax_code), []).append(share)
    return [
        InvoiceLine(
            line.name,
            sum(line.units(share.group) for share in shares),
            line.unit_price,
            total((share.net for share in shares), currency),
            total((share.tax for share in shares), currency),
            rate,
            line.sku,
            allowances=_allowances([each for share in shares for each in off[share.group]]),
            tax_code=code,
        )
        for (rate, code), shares in by_rate.items()
    ]


def _allowances(discounts: Sequence[Discount]) -> tuple[Allowance, ...]:
    """What was taken off, each discount once."""
    found: dict[tuple[str, str], Allowance] = {}
    for each in discounts:
        before = found.get((each.source, each.id))
        amount = before.amount + each.amount if before else each.amount
        found[each.source, each.id] = Allowance(each.name, amount)
    return tuple(found.values())
