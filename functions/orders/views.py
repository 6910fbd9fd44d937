"""What a list of placed orders shows of each."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.money import Money
from parcelway.domain.order import Order, PaymentStatus, totals
from parcelway.domain.parties import Actor
from parcelway.domain.status import nodes_of, standing
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class SummaryView:
    """One placed order: `status` is how far it is in one word, `actor` who placed it, for
    `customer_id` ('' for a guest). `holds` and `alerts` are codes of what somebody has to look at.
    """

    id: str
    tracking_number: str
    channel: str
    source: str
    external_id: str
    placed_at: datetime | None
    status: str
    payment_status: PaymentStatus
    customer_id: str
    name: str
    actor: Actor
    total: Money
    nodes: list[str]
    holds: list[str]
    alerts: list[str]


@dataclass(frozen=True, slots=True)
class SummariesView:
    """A page of placed orders, newest first."""

    orders: list[SummaryView]
    next_cursor: str | None


def summary(order: Order) -> SummaryView:
    """A placed order as lists show it."""
    return SummaryView(
        id=order.id,
        tracking_number=order.tracking_number,
        channel=order.channel,
        source=order.source,
        external_id=order.external_id,
        placed_at=order.placed_at,
        status=standing(order),
        payment_status=order.payment_status,
        customer_id=order.customer_id,
        name=order.contact.name if order.contact else "",
        actor=order.actor,
        total=totals(order).gross,
        nodes=nodes_of(order),
        holds=[hold.code for hold in order.holds],
        alerts=[alert.code for alert in order.alerts],
    )
