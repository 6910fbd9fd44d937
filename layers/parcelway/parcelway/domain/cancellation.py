"""Ending an order, or units of it, before they are shipped: everything goes back to where it was.

What is cancelled takes its frozen share of the price with it (`dues`), and a delivery's charge goes
with the last unit of the delivery. Nothing is priced anew: what the others cost was promised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.dues import funded, less_cancelled, pay_until
from parcelway.domain.line import GONE, Line, Portion, Stage, merge
from parcelway.domain.order import Order, advance, events, require
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import give_back, require_one_transaction, undone
from parcelway.domain.shipment import Shipment, without
from parcelway.domain.slots import vacated
from parcelway.domain.stock import Move
from parcelway.domain.switches import given_back
from parcelway.values import dataclass

NOT_PAID = "not_paid"  # why an order, or units of it, were cancelled that had to be paid anew
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
    days = vacated(order, freed.lines)
    after = advance(
        order,
        lines=freed.lines,
        groups=days.groups,
        uncollected={id: at for id, at in order.uncollected.items() if id != shipment.id},
        commands=remember(order, asked),
    )
    fact = ("shipment.cancelled", {"shipment": shipment.id, "reason": reason})
    changed = replace(shipment, status="cancelled", version=after.version)
    told = events(after, now, actor, fact)
    back = given_back(order, after, now)
    made = Decision(after, told, freed.moves, (changed,), given=days.given, unbought=back)
    return less_cancelled(made, shipments)


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
        uses=(),
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
        unused=order.uses,
        unbought=given_back(order, ended, now),
    )


@dataclass(frozen=True, slots=True)
class Units:
    """`quantity` units of a SKU."""

    sku: str
    quantity: int


def cancel_units(
    order: Order,
    shipments: Sequence[Shipment],
    wanted: Sequence[Units],
    reason: str,
    actor: Actor,
    now: datetime,
    asked: Command | None = None,
) -> Decision:
    """Cancel units of a confirmed order that are not packed yet; the rest of it goes on.

    Those go first that are farthest from the customer: units that wait for goods, the latest first,
    then what is held, then what nodes were told to send. With nothing else left of the order, that
    is cancelled. Raises Refusal ILLEGAL_STATE, QUANTITY_MISMATCH for units that the order has not,
    TOO_LATE for more than can still be cancelled, TOO_MANY_LINES for more than one transaction
    has room for.
    """
    require(order, "confirmed")
    left = _by_line(order, wanted)
    kept = sum(line.quantity - line.count("cancelled") for line in order.lines)
    if kept == sum(left.values()):
        return cancel(order, shipments, reason, actor, now, asked)
    lines, moves, out = _taken_out(order, left)
    changed = tuple(
        replace(without(shipment, out[shipment.id]), version=order.version + 1)
        for shipment in shipments
        if shipment.id in out
    )
    days = vacated(order, lines)
    after = advance(order, lines=lines, groups=days.groups, commands=remember(order, asked))
    back = given_back(order, after, now)
    require_one_transaction(moves, more=len(changed) + len(days.given) + len(back))
    made = Decision(after, (), tuple(moves), changed, given=days.given, unbought=back)
    made = less_cancelled(made, shipments)
    cancelled, funding = funded(made.order, now)
    told = {
        "reason": reason,
        "lines": [{"sku": units.sku, "quantity": units.quantity} for units in wanted],
        "amount": cancelled.cancelled_gross - order.cancelled_gross,
    }
    facts = [("order.units_cancelled", told), *funding]
    return replace(made, order=cancelled, events=events(cancelled, now, actor, *facts))


def give_up(order: Order, shipments: Sequence[Shipment], now: datetime) -> Decision | None:
    """Cancel what nobody has paid for in time; None before that, or when nothing of it is left that
    could be: what is packed, people must look at."""
    until = pay_until(order)
    if order.state != "confirmed" or until is None or until > now:
        return None
    if not any(line.count(*GONE) for line in order.lines):
        return cancel(order, shipments, NOT_PAID, SYSTEM, now)
    left = [Units(line.sku, units) for line in order.lines if (units := line.count(*_UNPACKED))]
    return cancel_units(order, shipments, left, NOT_PAID, SYSTEM, now) if left else None


def _taken_out(
    order: Order, wanted: Mapping[int, int]
) -> tuple[tuple[Line, ...], list[Move], dict[str, dict[int, int]]]:
    """The lines with `wanted` units (by number) cancelled, what becomes of their stock, and
    how many of each line are out of which shipment. Refuses more than are left unpacked."""
    left, lines = dict(wanted), list[Line]()
    moves, out = list[Move](), dict[str, dict[int, int]]()
    for line in order.lines:
        portions: list[Portion] = []
        for portion in sorted(line.portions, key=_farthest):
            gone = min(left.get(line.number, 0), portion.quantity) if _unpacked(portion) else 0
            left[line.number] = left.get(line.number, 0) - gone
            portions.append(replace(portion, quantity=portion.quantity - gone))
            portions.append(Portion(portion.group, "cancelled", gone))
            moves += undone(line.sku, replace(portion, quantity=gone))
            if gone and portion.shipment:
                of_shipment = out.setdefault(portion.shipment, {})
                of_shipment[line.number] = of_shipment.get(line.number, 0) + gone
        lines.append(replace(line, portions=merge(portions)))
    if any(left.values()):
        raise Refusal(
            Reason.TOO_LATE, "So many units are not left that could still be cancelled.", "/lines"
        )
    return tuple(lines), moves, out


def _by_line(order: Order, wanted: Sequence[Units]) -> dict[int, int]:
    """The units by line number. Refuses SKUs and quantities that the order has not."""
    found: dict[int, int] = {}
    for index, units in enumerate(wanted):
        line = order.line(units.sku)
        if line is None or line.number in found:
            raise Refusal(
                Reason.QUANTITY_MISMATCH,
                f"{units.sku} is not in this order, or is named twice.",
                f"/lines/{index}/sku",
            )
        there = line.quantity - line.count("cancelled")
        if not 0 < units.quantity <= there:
            raise Refusal(
                Reason.QUANTITY_MISMATCH,
                f"The order has {there} of {units.sku}.",
                f"/lines/{index}/quantity",
            )
        found[line.number] = units.quantity
    return found


_UNPACKED: tuple[Stage, ...] = ("backordered", "open", "reserved", "allocated", "released")


def _unpacked(portion: Portion) -> bool:
    return portion.stage in _UNPACKED


def _farthest(portion: Portion) -> tuple[int, int]:
    """Sorts portions by how far their units are from the customer, the farthest first."""
    stage = _UNPACKED.index(portion.stage) if portion.stage in _UNPACKED else len(_UNPACKED)
    return stage, -(portion.due or date.max).toordinal()
