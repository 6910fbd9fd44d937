"""The receipt of an order: what was bought and what was paid, from its frozen parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from parcelway.domain.invoice import InvoiceLine, TaxLine
from parcelway.domain.invoicing import breakdown
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import Line, Order, Share, Totals, totals
from parcelway.domain.payment import Payment
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was bought and what was paid. `charges` are shipping; nothing personal is in it."""

    number: str
    placed_at: datetime | None
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxLine, ...]
    totals: Totals
    method: str
    held: Money
    captured: Money
    refunded: Money


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
        )
        for group in order.groups
        if group.charge_price
    ]
    # A hold that was voided is gone, though the order's sum still tells of it.
    held = sum(p.authorized - p.captured for p in payments if p.status == "authorized")
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
    )


def _bought(line: Line) -> list[InvoiceLine]:
    """A line as it was bought: once for every rate at which it is taxed."""
    currency, by_rate = line.unit_price.currency, dict[int, list[Share]]()
    for share in line.by_group:
        by_rate.setdefault(share.tax_rate, []).append(share)
    return [
        InvoiceLine(
            line.name,
            sum(line.units(share.group) for share in shares),
            line.unit_price,
            total((share.net for share in shares), currency),
            total((share.tax for share in shares), currency),
            rate,
            line.sku,
        )
        for rate, shares in by_rate.items()
    ]
