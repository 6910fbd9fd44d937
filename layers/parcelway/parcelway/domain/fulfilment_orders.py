"""What a node says to a shipment that it was given, and what people do with it before it is packed.

A shipment is the fulfilment order at its node. The node accepts it, rejects it, or finds less than
it should have; people hold it, have another node send it, or split it. Units that leave a shipment
go on to the order's next wave, wait, or are cancelled: none gets lost, and no other shipment is
touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from parcelway.domain.cancellation import cancel
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.fulfilment import illegal
from parcelway.domain.order import Line, Order, Portion, advance, events, merge, require
from parcelway.domain.parties import Actor
from parcelway.domain.promising import revised, revision_told
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.replanning import replan, reserving
from parcelway.domain.reservation import MOST_CHANGES, Claim
from parcelway.domain.shipment import HoldReason, Shipment, without
from parcelway.domain.shop import Node
from parcelway.domain.sourcing import candidates
from parcelway.domain.stock import Balance, Document, Entry, Kind, Move, after, net
from parcelway.values import dataclass

# Why a node does not send units: they are not there or not fit to be sent, which corrects its
# books; or it has no room or time for them, is closed, or something else, which leaves them alone.
Why = Literal["out_of_stock", "damaged", "capacity", "closed", "other"]
NotThere = Literal["out_of_stock", "damaged"]
_Told = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """Who says it, what is known then, and the command that makes it be done once."""

    actor: Actor
    facts: Facts
    asked: Command | None = None


@dataclass(frozen=True, slots=True)
class Units:
    """`quantity` units of a SKU, as people at a node name them."""

    sku: str
    quantity: int


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
    return _decision(order, changed, said, [("shipment.accepted", {"shipment": shipment.id})])


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
    return _decision(order, changed, said, [("shipment.held", told)])


def release_hold(order: Order, shipment: Shipment, said: Said) -> Decision | None:
    """A shipment may go on. None when nothing holds it."""
    if not shipment.held:
        return None
    changed = replace(shipment, held="", held_note="")
    told = {"shipment": shipment.id, "reason": shipment.held}
    return _decision(order, changed, said, [("shipment.hold_released", told)])


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
    found = _named(shipment, picked)
    short = {line: units - found.get(line, units) for line, units in shipment.contents.items()}
    missing = {line: units for line, units in short.items() if units}
    if not missing:
        return None
    told = {"shipment": shipment.id, "reason": reason, "lines": _lines(order, missing)}
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
    leaving = {line: units for line, units in _named(shipment, lines).items() if units}
    if not leaving or leaving == shipment.contents:
        raise Refusal(
            Reason.QUANTITY_MISMATCH, "Some units must leave, and some must stay.", "/lines"
        )
    told = {"shipment": shipment.id, "lines": _lines(order, leaving), "note": note}
    return _elsewhere(order, shipment, leaving, shipment.node, ("shipment.split", told), said)


def unplaced(before: Order, now: Order) -> set[str]:
    """The SKUs of which a decision found too few: units of them wait from now on, or are
    cancelled."""
    return {line.sku for line in _news(before, now) if line.count("backordered", "cancelled")}


def _declined(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    units: Mapping[int, int],
    reason: Why,
    fact: _Told,
    said: Said,
) -> Decision:
    """`units` (by line) that a node does not send are planned anew over the other nodes."""
    opened = _opened(order, shipment, units, reason)
    freed = _moves(order, units, shipment.node, {"deallocate": 1})
    entry = _correction(order, shipment, units, reason, said)
    balances = after(said.facts.balances, [*freed, *(entry.moves if entry else ())])
    claim = replan(opened, order.group_named(shipment.group), balances, said.facts)
    if all(line.count("cancelled") == line.quantity for line in claim.lines):
        made = cancel(order, shipments, reason, said.actor, said.facts.now, said.asked)
        told = (fact, ("order.cancelled", {"reason": reason}))
        made = replace(made, events=events(made.order, said.facts.now, said.actor, *told))
    else:
        claim = replace(claim, moves=(*freed, *claim.moves))
        made = _replanned(order, shipment, units, claim, fact, said)
    return _at_once(replace(made, entry=entry))


def _elsewhere(
    order: Order,
    shipment: Shipment,
    units: Mapping[int, int],
    node: str,
    fact: _Told,
    said: Said,
) -> Decision:
    """`units` (by line) of a shipment are reserved at `node` for the next wave."""
    new = Portion(shipment.group, "reserved", 0, node)
    taken = _moves(order, units, shipment.node, {"deallocate": 1})
    held = (
        reserving(move.sku, node, move.quantity, said.facts.balances)
        if node != shipment.node
        else replace(move, kind="reserve")
        for move in taken
    )
    claim = Claim(_leaving(order, shipment, units, new), (*taken, *held))
    return _at_once(_replanned(order, shipment, units, claim, fact, said))


def _replanned(
    order: Order,
    shipment: Shipment,
    units: Mapping[int, int],
    claim: Claim,
    fact: _Told,
    said: Said,
) -> Decision:
    """The decision that `units` (by line) of a shipment are where the claim has them instead."""
    moved = replace(order, lines=claim.lines)
    news, told = _news(order, moved), [fact]
    if any(line.count("reserved", "backordered") for line in news):
        because = {"shipment": shipment.id, "because": list(claim.because)}
        told.append(("order.replanned", because))
        group = order.group_named(shipment.group)
        later = revised(moved, group, news, said.facts, "replanned")
        if later != group:
            told.append(revision_told(later))
            groups = tuple(later if each.id == group.id else each for each in order.groups)
            moved = replace(moved, groups=groups)
    if lost := {line.number: n for line in news if (n := line.count("cancelled"))}:
        cancelled = {"reason": fact[1]["reason"], "lines": _lines(order, lost)}
        told.append(("shipment.cancelled", {"shipment": shipment.id, **cancelled}))
    return _decision(moved, without(shipment, units), said, told, claim.moves)


def _decision(
    order: Order,
    changed: Shipment,
    said: Said,
    told: Sequence[_Told],
    moves: tuple[Move, ...] = (),
) -> Decision:
    lies_there = order.uncollected
    if changed.status == "cancelled":
        lies_there = {id: at for id, at in lies_there.items() if id != changed.id}
    made = advance(order, commands=remember(order, said.asked), uncollected=lies_there)
    shipment = replace(changed, version=made.version)
    return Decision(made, events(made, said.facts.now, said.actor, *told), moves, (shipment,))


def _at_once(made: Decision) -> Decision:
    """The decision. Refuses with TOO_MANY_LINES what one transaction cannot hold."""
    entry = made.entry.moves if made.entry else ()
    queued = [move for move in made.moves if move.kind == "backorder"]
    if len(net([*made.moves, *entry])) + len(entry) + len(queued) > MOST_CHANGES:
        detail = "These are too many lines at once: tell a few of them at a time."
        raise Refusal(Reason.TOO_MANY_LINES, detail)
    return made


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
    moves = _moves(order, units, shipment.node, _CORRECTIONS.get(reason, {}))
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


def _moves(
    order: Order, units: Mapping[int, int], node: str, kinds: Mapping[Kind, int]
) -> tuple[Move, ...]:
    skus = {line.number: line.sku for line in order.lines}
    return tuple(
        Move(skus[line], node, kind, sign * quantity)
        for line, quantity in units.items()
        for kind, sign in kinds.items()
    )


def _opened(order: Order, shipment: Shipment, units: Mapping[int, int], why: str) -> Order:
    """The order with units out of a shipment, to be planned but not for the shipment's node."""
    lines = tuple(
        replace(line, declined={**line.declined, shipment.node: why})
        if line.number in units
        else line
        for line in _leaving(order, shipment, units, Portion(shipment.group, "open", 0))
    )
    return replace(order, lines=lines)


def _leaving(
    order: Order, shipment: Shipment, units: Mapping[int, int], to: Portion
) -> tuple[Line, ...]:
    """The order's lines with `units` out of a shipment, in a place like `to` instead; they count
    against the quotas that they did."""
    lines = []
    for line in order.lines:
        left, portions = units.get(line.number, 0), list[Portion]()
        for portion in line.portions:
            gone = min(left, portion.quantity) if portion.shipment == shipment.id else 0
            left -= gone
            portions.append(replace(portion, quantity=portion.quantity - gone))
            portions.append(replace(to, quantity=gone, quota=portion.quota))
        lines.append(replace(line, portions=merge(portions)))
    return tuple(lines)


def _news(before: Order, now: Order) -> list[Line]:
    """The lines with those units alone that are in another place now than before."""
    news = []
    for old, new in zip(before.lines, now.lines, strict=True):
        there = {replace(portion, quantity=0): portion.quantity for portion in old.portions}
        more = (
            replace(portion, quantity=portion.quantity - there.get(replace(portion, quantity=0), 0))
            for portion in new.portions
        )
        news.append(replace(new, portions=tuple(p for p in more if p.quantity > 0)))
    return news


def _named(shipment: Shipment, named: Sequence[Units]) -> dict[int, int]:
    """Units that somebody named, by line. Refuses what the shipment has not, or named twice."""
    numbers = {line.sku: line.line for line in shipment.lines}
    found: dict[int, int] = {}
    for index, units in enumerate(named):
        line = numbers.get(units.sku)
        if line is None:
            raise Refusal(
                Reason.QUANTITY_MISMATCH,
                f"{units.sku} is not in this shipment.",
                f"/lines/{index}/sku",
            )
        if line in found:
            raise Refusal(
                Reason.QUANTITY_MISMATCH, f"{units.sku} is named twice.", f"/lines/{index}/sku"
            )
        if not 0 <= units.quantity <= shipment.contents[line]:
            raise Refusal(
                Reason.QUANTITY_MISMATCH,
                f"The shipment has {shipment.contents[line]} of {units.sku}.",
                f"/lines/{index}",
            )
        found[line] = units.quantity
    return found


def _lines(order: Order, units: Mapping[int, int]) -> list[dict[str, Any]]:
    """Units by line, as an event tells them."""
    return [
        {"sku": line.sku, "quantity": units[line.number]}
        for line in order.lines
        if line.number in units
    ]


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
