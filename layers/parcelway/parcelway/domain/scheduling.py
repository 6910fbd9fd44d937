"""Scheduling: units that can go are allocated and become shipments, wave by wave.

A wave is what can leave together: for most orders all of it, for one with back-orders what is there
now, and later what has come since. Nothing waits in a wave for goods; units wait in the order until
they are ready for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from parcelway.domain.decision import Decision, Rebooked
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.line import Line, Portion, merge
from parcelway.domain.order import Order, advance, events, require
from parcelway.domain.parties import SYSTEM
from parcelway.domain.promising import rebooked, revised
from parcelway.domain.refusals import Refusal
from parcelway.domain.reservation import (
    Claim,
    allocate_in_place,
    require_one_transaction,
    retake,
)
from parcelway.domain.shipment import Shipment, ShipmentLine
from parcelway.domain.slots import counted
from parcelway.domain.status import ready
from parcelway.domain.undoing import going, require_undoable, room_to_undo


def schedule(
    order: Order, shipments: Sequence[Shipment], wave: int, facts: Facts
) -> Decision | None:
    """Choose the node of every ready unit, consume the reservation, allocate: one shipment per
    delivery group and node, the order's `wave`. None when that wave has been scheduled.

    The first wave is planned anew, later ones stay where their units were held. A wave may find
    nothing ready any more; it counts all the same. It leaves out what would make an order that
    cannot be cancelled at once (`undoing`): a later one has these units. Raises Refusal
    OUT_OF_STOCK when the stock is not there (any more), ILLEGAL_STATE unless the order is
    confirmed.
    """
    require(order, "confirmed")
    if order.waves >= wave:
        return None
    made = None
    if ready(order) and wave == 1:
        made = _wave(order, shipments, wave, *_allocated(order, facts), facts)
    if ready(order) and (made is None or room_to_undo(made.order) < 0):
        made = _wave(order, shipments, wave, *_in_place(order), facts)
    return made if made and made.shipments else Decision(advance(order, waves=wave))


def _wave(
    order: Order,
    shipments: Sequence[Shipment],
    wave: int,
    claim: Claim,
    days: Rebooked,
    facts: Facts,
) -> Decision:
    """What is allocated by a claim as the shipments of a wave."""
    places = sorted({(p.group, p.node) for line in claim.lines for p in line.portions if _new(p)})
    ids = {place: _shipment_id(order.id, wave, *place) for place in places}
    lines = tuple(_assigned(line, ids) for line in claim.lines)
    scheduled = advance(order, lines=lines, groups=days.groups, waves=wave)
    made: list[Shipment] = []
    for place in places:
        made.append(_shipment(scheduled, ids[place], *place, [*shipments, *made], facts))
    fact = {"shipments": [shipment.id for shipment in made], "because": list(claim.because)}
    told = events(scheduled, facts.now, SYSTEM, ("order.scheduled", fact))
    return Decision(scheduled, told, claim.moves, tuple(made), taken=days.taken, given=days.given)


def _allocated(order: Order, facts: Facts) -> tuple[Claim, Rebooked]:
    """The order's units allocated at the best nodes, with the days of those that it counts on then;
    where they are held when moving them all would not fit into one transaction, or when a count
    found less than was promised: the node then says whether it has them. So too when the better
    nodes have no room on the days that were promised."""
    try:
        claim = retake(order, "allocated", facts.balances, facts.shop)
        days = rebooked(order, claim.lines, facts)
        require_one_transaction(claim.moves, claim.lines, len(days.taken) + len(days.given))
        require_undoable(replace(order, lines=claim.lines, groups=days.groups))
    except Refusal:
        if any(line.count("open") for line in order.lines):
            raise
        return _in_place(order)
    return (claim, days) if _as_promised(order, claim, days, facts) else _in_place(order)


def _in_place(order: Order) -> tuple[Claim, Rebooked]:
    return allocate_in_place(order, going(order)), Rebooked(order.groups)


def _as_promised(order: Order, claim: Claim, days: Rebooked, facts: Facts) -> bool:
    """Whether parcels that take other days of their nodes than before still come in time."""
    if not days.taken:
        return True
    left = replace(facts, busy=counted(facts.busy, given=days.given))
    return all(revised(order, g, claim.lines, left, "") == g for g in days.groups)


def _new(portion: Portion) -> bool:
    return portion.stage == "allocated" and not portion.shipment


def _assigned(line: Line, ids: dict[tuple[str, str], str]) -> Line:
    portions = (replace(p, shipment=ids[p.group, p.node]) if _new(p) else p for p in line.portions)
    return replace(line, portions=merge(portions))


def _shipment(
    order: Order,
    shipment_id: str,
    group_id: str,
    node: str,
    others: Sequence[Shipment],
    facts: Facts,
) -> Shipment:
    group = order.group_named(group_id)
    return Shipment(
        id=shipment_id,
        order_id=order.id,
        version=order.version,
        group=group_id,
        node=node,
        method=group.method or "delivery",
        status="scheduled",
        lines=tuple(
            part for line in order.lines for part in _numbered(line, group_id, shipment_id, others)
        ),
        created_at=facts.now,
        service=group.service,
        wave=order.waves,
        to_store=group.store if group.via and node != group.store else "",
    )


def _numbered(
    line: Line, group: str, shipment_id: str, others: Sequence[Shipment]
) -> Iterable[ShipmentLine]:
    """The shipment's units of a line, each with a number within the delivery group that no other
    shipment's units have, for their shares of its price. Numbers that a cancelled shipment had are
    given again."""
    left = sum(p.quantity for p in line.portions if p.shipment == shipment_id)
    first = 0
    taken = [
        (sent.invoiced_from, sent.invoiced_from + sent.quantity)
        for other in others
        if other.status != "cancelled" and other.group == group
        for sent in other.lines
        if sent.line == line.number
    ]
    units_in_all = line.units(group)
    for begins, ends in [*sorted(taken), (units_in_all, units_in_all)]:
        units = min(left, begins - first)
        if units > 0:
            yield ShipmentLine(line.number, line.sku, units, first)
            left -= units
        first = max(first, ends)


def _shipment_id(order_id: str, wave: int, group: str, node: str) -> str:
    """One id per order, wave, group and node: scheduling twice cannot make two shipments."""
    later = (str(wave),) if wave > 1 else ()
    return derived("shp", order_id, group, node, *later)
