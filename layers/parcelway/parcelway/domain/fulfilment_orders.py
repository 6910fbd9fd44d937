"""What a node says to a shipment that it was given, and what people do with it before it is packed.

A shipment is the fulfilment order at its node. The node accepts it, rejects it, or finds less than
it should have; people hold it, have another node send it, or split it. Units that leave a shipment
go on to the order's next wave, wait, or are cancelled: none gets lost, and no other shipment is
touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from parcelway.domain.cancellation import Units
from parcelway.domain.decision import Decision
from parcelway.domain.dues import Fact
from parcelway.domain.facts import Facts
from parcelway.domain.fulfilment import illegal
from parcelway.domain.line import Portion
from parcelway.domain.order import Order, require
from parcelway.domain.reassigning import (
    Said,
    at_once,
    decided,
    leaving,
    moves_of,
    named_units,
    planned_anew,
    replanned,
    told_lines,
)
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.replanning import reserving
from parcelway.domain.reservation import Claim
from parcelway.domain.shipment import HoldReason, Shipment
from parcelway.domain.shop import Node
from parcelway.domain.sourcing import candidates
from parcelway.domain.stock import Balance, Document, Entry, Kind

# Why a node does not send units: they are not there or not fit to be sent, which corrects its
# books; or it has no room or time for them, is closed, or something else, which leaves them alone.
Why = Literal["out_of_stock", "damaged", "capacity", "closed", "other"]
NotThere = Literal["out_of_stock", "damaged"]


def accept(order: Order, shipment: Shipment, said: Said) -> Decision | None:
    """The node will send a shipment. None when it has said so, or packed it."""
    if shipment.status == "cancelled":
        raise illegal(shipment, "there is nothing left to accept")
    if shipment.status == "scheduled":
        raise illegal(shipment, "it has not been released yet")
    if shipment.accepted_at or shipment.status != "released":
        return None
    require(order, "confirmed")
    changed = replace(shipment, accepted_at=said.facts.now)
    return decided(order, changed, said, [("shipment.accepted", {"shipment": shipment.id})])


def hold(
    order: Order, shipment: Shipment, reason: HoldReason, note: str, said: Said
) -> Decision | None:
    """Keep a shipment from being packed and sent until it is released. None when it is held so."""
    if shipment.status not in ("released", "packed"):
        raise illegal(shipment, "only what waits to be packed or sent can be held")
    if (shipment.held, shipment.held_note) == (reason, note):
        return None
    require(order, "confirmed")
    changed = replace(shipment, held=reason, held_note=note)
    told = {"shipment": shipment.id, "reason": reason, "note": note}
    return decided(order, changed, said, [("shipment.held", told)])


def release_hold(order: Order, shipment: Shipment, said: Said) -> Decision | None:
    """A shipment may go on. None when nothing holds it."""
    if not shipment.held:
        return None
    changed = replace(shipment, held="", held_note="")
    told = {"shipment": shipment.id, "reason": shipment.held}
    return decided(order, changed, said, [("shipment.hold_released", told)])


def reject(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    reason: Why,
    note: str,
    said: Said,
) -> Decision | None:
    """The node does not send a shipment: its units are planned anew. None when it was rejected.

    With nothing left of the order, that is cancelled. Raises Refusal ILLEGAL_STATE, TOO_LATE once
    the shipment has left.
    """
    if shipment.status == "cancelled":
        return None
    require(order, "confirmed")
    if shipment.shipped_at is not None or shipment.status == "shipped":
        raise Refusal(Reason.TOO_LATE, "This shipment has left.")
    told = {"shipment": shipment.id, "reason": reason, "note": note}
    fact = ("shipment.rejected", told)
    return _declined(order, shipments, shipment, shipment.contents, reason, fact, said)


def short_pick(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    picked: Sequence[Units],
    reason: NotThere,
    said: Said,
) -> Decision | None:
    """The node found fewer units than it should have: those it found stay in the shipment, the
    others are planned anew. Lines that are not in `picked` are there in full. None when nothing is
    missing.

    Raises Refusal QUANTITY_MISMATCH for units that the shipment has not, ILLEGAL_STATE unless it
    waits to be packed.
    """
    require(order, "confirmed")
    if shipment.status != "released":
        raise illegal(shipment, "only what waits to be packed can be short")
    found = named_units(shipment, picked)
    short = {line: units - found.get(line, units) for line, units in shipment.contents.items()}
    missing = {line: units for line, units in short.items() if units}
    if not missing:
        return None
    told = {"shipment": shipment.id, "reason": reason, "lines": told_lines(order, missing)}
    fact = ("shipment.short_picked", told)
    return _declined(order, shipments, shipment, missing, reason, fact, said)


def move(order: Order, shipment: Shipment, target: str, note: str, said: Said) -> Decision:
    """Have another node send a shipment that is not packed yet, in the order's next wave.

    Raises Refusal INVALID for a node that there is not, DELIVERY_UNAVAILABLE for one that does not
    serve the delivery, OUT_OF_STOCK when it has not all of it.
    """
    _require_unpacked(order, shipment, "moved")
    node, units = _target(order, shipment, target, said.facts), shipment.contents
    _require_stock(order, units, node, said.facts)
    told = {"shipment": shipment.id, "node": node.id, "note": note}
    return _elsewhere(order, shipment, units, node.id, ("shipment.moved", told), said)


def split(
    order: Order, shipment: Shipment, lines: Sequence[Units], note: str, said: Said
) -> Decision:
    """Have some units of a shipment leave its node in another one, in the order's next wave.

    Raises Refusal QUANTITY_MISMATCH for units that it has not, or when none would leave or stay.
    """
    _require_unpacked(order, shipment, "split")
    parted = {line: units for line, units in named_units(shipment, lines).items() if units}
    if not parted or parted == shipment.contents:
        raise Refusal(
            Reason.QUANTITY_MISMATCH, "Some units must leave, and some must stay.", "/lines"
        )
    told = {"shipment": shipment.id, "lines": told_lines(order, parted), "note": note}
    return _elsewhere(order, shipment, parted, shipment.node, ("shipment.split", told), said)


def _declined(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    units: Mapping[int, int],
    reason: Why,
    fact: Fact,
    said: Said,
) -> Decision:
    """`units` (by line) that a node does not send are planned anew over the other nodes."""
    opened = _opened(order, shipment, units, reason)
    entry = _correction(order, shipment, units, reason, said)
    made = planned_anew(order, opened, shipments, shipment, units, fact, said, entry=entry)
    return at_once(made)


def _elsewhere(
    order: Order,
    shipment: Shipment,
    units: Mapping[int, int],
    node: str,
    fact: Fact,
    said: Said,
) -> Decision:
    """`units` (by line) of a shipment are reserved at `node` for the next wave."""
    new = Portion(shipment.group, "reserved", 0, node)
    taken = moves_of(order, units, shipment.node, {"deallocate": 1})
    held = (
        reserving(move.sku, node, move.quantity, said.facts.balances)
        if node != shipment.node
        else replace(move, kind="reserve")
        for move in taken
    )
    claim = Claim(leaving(order, shipment, units, new), (*taken, *held))
    return at_once(replanned(order, shipment, units, claim, fact, said))


# What the books are told of units that a node does not have or cannot send, per unit.
_CORRECTIONS: Mapping[Why, Mapping[Kind, int]] = {
    "out_of_stock": {"adjust": -1},
    "damaged": {"damage": 1},
}


def _correction(
    order: Order, shipment: Shipment, units: Mapping[int, int], reason: Why, said: Said
) -> Entry | None:
    """What the node's stock books are told, as a document of their own; None when they are right:
    what it found is there or not whatever becomes of the order."""
    if reason == "out_of_stock":
        units = _unknown(order, shipment, units, said.facts)
    moves = moves_of(order, units, shipment.node, _CORRECTIONS.get(reason, {}))
    document = Document("declined", said.actor.id, "", reason, order.id)
    sequence = order.version + 1
    return Entry(shipment.id, sequence, said.facts.now, moves, (), document) if moves else None


def _unknown(
    order: Order, shipment: Shipment, units: Mapping[int, int], facts: Facts
) -> dict[int, int]:
    """Those of the units, by line, that the books do not know to be missing yet: where a count has
    found less than was promised, these are the units it did not find."""
    skus = {line.number: line.sku for line in order.lines}
    left = {}
    for line, quantity in units.items():
        place = skus[line], shipment.node
        left[line] = max(0, quantity - facts.balances.get(place, Balance(*place)).missing)
    return {line: quantity for line, quantity in left.items() if quantity}


def _opened(order: Order, shipment: Shipment, units: Mapping[int, int], why: str) -> Order:
    """The order with units out of a shipment, to be planned but not for the shipment's node."""
    lines = tuple(
        replace(line, declined={**line.declined, shipment.node: why})
        if line.number in units
        else line
        for line in leaving(order, shipment, units, Portion(shipment.group, "open", 0))
    )
    return replace(order, lines=lines)


def _require_unpacked(order: Order, shipment: Shipment, what: str) -> None:
    require(order, "confirmed")
    _require_here(shipment)
    if shipment.status not in ("scheduled", "released"):
        raise illegal(shipment, f"only what is not packed yet can be {what}")


def _require_here(shipment: Shipment) -> None:
    if shipment.status in ("shipped", "delivered", "returned"):
        raise Refusal(Reason.TOO_LATE, "This shipment has left.")


def _target(order: Order, shipment: Shipment, target: str, facts: Facts) -> Node:
    node = facts.shop.nodes.get(target)
    if node is None:
        raise Refusal(Reason.INVALID, "There is no such node.", "/node")
    if node.id == shipment.node:
        raise Refusal(Reason.INVALID, "The shipment is at this node.", "/node")
    group, settings = order.group_named(shipment.group), facts.shop.settings
    if not candidates(group, {node.id: node}, channel=order.channel, settings=settings):
        raise Refusal(
            Reason.DELIVERY_UNAVAILABLE, "This node does not serve the delivery.", "/node"
        )
    return node


def _require_stock(order: Order, units: Mapping[int, int], node: Node, facts: Facts) -> None:
    short = []
    for line in order.lines:
        balance = facts.balances.get((line.sku, node.id))
        there = max(0, balance.available) if balance else 0
        if (wanted := units.get(line.number, 0)) > there:
            short.append(
                {"line": line.number, "sku": line.sku, "wanted": wanted, "available": there}
            )
    if short:
        names = ", ".join(str(entry["sku"]) for entry in short)
        detail = f"{node.id} has not enough of {names}."
        raise Refusal(Reason.OUT_OF_STOCK, detail, "/node", lines=short)
