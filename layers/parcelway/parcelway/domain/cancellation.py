"""Ending an order before anything of it was shipped: everything goes back to where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.order import GONE, Order, advance, events, require
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import give_back
from parcelway.domain.shipment import Shipment


def cancel(
    order: Order,
    shipments: Sequence[Shipment],
    reason: str,
    actor: Actor,
    now: datetime,
    asked: Command | None = None,
) -> Decision:
    """Cancel a placed or confirmed order: stock, shipments; its event has the money undone.

    Raises Refusal ILLEGAL_STATE in any other state, TOO_LATE once a unit has left.
    """
    require(order, "placed", "confirmed")
    if any(line.count(*GONE) for line in order.lines):
        raise Refusal(Reason.TOO_LATE, "Part of this order is on its way already.")
    freed = give_back(order, "cancelled", "open", "reserved", "allocated", "released", "packed")
    ended = advance(
        order,
        state="cancelled",
        lines=freed.lines,
        cancel_reason=reason,
        hold_until=None,
        ended_at=now,
        commands=remember(order, asked),
    )
    return Decision(
        ended,
        events(ended, now, actor, ("order.cancelled", {"reason": reason})),
        freed.moves,
        tuple(
            replace(shipment, status="cancelled", version=ended.version)
            for shipment in shipments
            if shipment.status != "cancelled"
        ),
    )
