"""Ending an order before anything of it was shipped: everything goes back to where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.order import GONE, Order, Stage, advance, events, require
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import give_back
from parcelway.domain.shipment import Shipment

_HERE: tuple[Stage, ...] = (
    "open",
    "reserved",
    "backordered",
    "allocated",
    "released",
    "packed",
)


def cancel_shipment(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    reason: str,
    actor: Actor,
    now: datetime,
    asked: Command | None = None,
) -> Decision | None:
    """End a shipment: its units are cancelled and given back, the rest of the order goes on.

    With nothing else left of the order, that is cancelled. None when it has ended so. Raises
    Refusal ILLEGAL_STATE, TOO_LATE once it has left.
    """
    if shipment.status == "cancelled":
        return None
    require(order, "confirmed")
    if shipment.shipped_at is not None or shipment.status == "shipped":
        raise Refusal(Reason.TOO_LATE, "This shipment has left.")
    left = (p for line in order.lines for p in line.portions if p.stage != "cancelled")
    if all(portion.shipment == shipment.id for portion in left):
        return cancel(order, shipments, reason, actor, now, asked)
    freed = give_back(order, "cancelled", *_HERE, shipment=shipment.id)
    after = advance(
        order,
        lines=freed.lines,
        uncollected={id: at for id, at in order.uncollected.items() if id != shipment.id},
        commands=remember(order, asked),
    )
    fact = ("shipment.cancelled", {"shipment": shipment.id, "reason": reason})
    changed = replace(shipment, status="cancelled", version=after.version)
    return Decision(after, events(after, now, actor, fact), freed.moves, (changed,))


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
    freed = give_back(order, "cancelled", *_HERE)
    ended = advance(
        order,
        state="cancelled",
        lines=freed.lines,
        uncollected={},
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
        given=tuple(slot for group in order.groups for slot in group.slots),
    )
