"""The one list of placed orders of every channel: what it can be asked for."""

from __future__ import annotations

from datetime import date, timedelta

from parcelway.domain.order import Order
from parcelway.domain.parties import Channel
from parcelway.domain.status import Standing, needs_attention, nodes_of, standing
from parcelway.values import dataclass

# What is decided now is written within that time, whatever the clock of who decides.
SETTLED = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which placed orders are asked for: all of them where nothing is said.

    `placed_from` and `placed_to` are days in UTC, both included. `node` is one that units of the
    order are at, wait at or left from. With `attention` only those that somebody has to look at.
    """

    channel: Channel | None = None
    standing: Standing | None = None
    placed_from: date | None = None
    placed_to: date | None = None
    customer_id: str = ""
    node: str = ""
    attention: bool = False

    def matches(self, order: Order) -> bool:
        """Whether an order is one of them; a draft never is."""
        if order.state == "draft" or order.placed_at is None:
            return False
        day = order.placed_at.date()
        return (
            (self.placed_from or day) <= day <= (self.placed_to or day)
            and self.channel in (None, order.channel)
            and self.standing in (None, standing(order))
            and self.customer_id in ("", order.customer_id)
            and (not self.node or self.node in nodes_of(order))
            and (not self.attention or needs_attention(order))
        )
