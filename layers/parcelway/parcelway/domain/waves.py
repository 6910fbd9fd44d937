"""Whether an order has units that can leave together from now on."""

from __future__ import annotations

from parcelway.domain.order import Order
from parcelway.domain.status import ready
from parcelway.domain.undoing import going


def has_wave(order: Order) -> bool:
    """Whether the order's next wave would have units."""
    return ready(order) and (any(line.count("open") for line in order.lines) or bool(going(order)))
