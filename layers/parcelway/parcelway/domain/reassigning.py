"""Units that leave a shipment for another place, as one decision.

They go on to the order's next wave, wait, or are cancelled: none gets lost, and no other shipment
is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from parcelway.domain import inventory
from parcelway.domain.cancellation import Units, cancel
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.dues import Fact, less_cancelled
from parcelway.domain.facts import Facts
from parcelway.domain.line import Line, Portion, merge
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import Actor
from parcelway.domain.promising import rebooked, revised, revision_told
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.replanning import replan
from parcelway.domain.reservation import MOST_CHANGES, Claim
from parcelway.domain.shipment import Shipment, without
from parcelway.domain.slots import counted
from parcelway.domain.stock import Entry, Kind, Move, after
from parcelway.domain.undoing import require_undoable
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """Who says it, what is known then, and the command that makes it be done once."""

    actor: Actor
    facts: Facts
    asked: Command | None = None


def unplaced(before: Order, now: Order) -> set[str]:
    """The SKUs of which a decision found too few: units of them wait from now on, or are
    cancelled."""
    return {line.sku for line in _news(before, now) if line.count("backordered", "cancelled")}


def planned_anew(
    order: Order,
    opened: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    units: Mapping[int, int],
    fact: Fact,
    said: Said,
    *,
    kept: tuple[Move, ...] = (),
    entry: Entry | None = None,
    why: str = "replanned",
) -> Decision:
    """`units` (by line) leave a shipment: those that are open in `opened`, which is the order
    without them in it, are planned anew; `kept` holds the others. With nothing left of the order,
    that is cancelled. `entry` is what the books are told besides, `why` is told with a later date.
    """
    freed = moves_of(order, units, shipment.node, {"deallocate": 1})
    told = entry.moves if entry else ()
    balances = after(said.facts.balances, [*freed, *kept, *told])
    claim = replan(opened, order.group_named(shipment.group), balances, said.facts)
    if all(line.count("cancelled") == line.quantity for line in claim.lines):
        reason = fact[1]["reason"]
        made = cancel(order, shipments, reason, said.actor, said.facts.now, said.asked)
        facts = (fact, ("order.cancelled", {"reason": reason}))
        made = replace(made, events=events(made.order, said.facts.now, said.actor, *facts))
    else:
        claim = replace(claim, moves=(*freed, *kept, *claim.moves))
        made = replanned(order, shipment, units, claim, fact, said, why)
        made = less_cancelled(made, shipments)
    return told_books(made, entry, said)


def told_books(made: Decision, entry: Entry | None, said: Said) -> Decision:
    """The decision with what the stock books are told besides, and what that means for the money
    books: goods that are not there cost the shop what they did."""
    if entry is None:
        return made
    products = said.facts.products
    costs = {sku: known.unit_cost for sku, known in products.items() if known.unit_cost}
    balances = said.facts.balances
    postings = inventory.postings(entry, balances, costs)
    told = replace(entry, moves=inventory.valued(entry, balances, costs))
    return replace(made, entry=told, postings=(*made.postings, *postings))


def replanned(
    order: Order,
    shipment: Shipment,
    units: Mapping[int, int],
    claim: Claim,
    fact: Fact,
    said: Said,
    why: str = "replanned",
) -> Decision:
    """The decision that `units` (by line) of a shipment are where the claim has them instead."""
    days = rebooked(order, claim.lines, said.facts)
    facts = replace(said.facts, busy=counted(said.facts.busy, given=days.given))
    moved = replace(order, lines=claim.lines, groups=days.groups)
    news, told = _news(order, moved), [fact]
    if any(line.count("reserved", "backordered") for line in news):
        because = {"shipment": shipment.id, "because": list(claim.because)}
        told.append(("order.replanned", because))
        group = moved.group_named(shipment.group)
        later = revised(moved, group, news, facts, why)
        if later != group:
            told.append(revision_told(later))
            groups = tuple(later if each.id == group.id else each for each in moved.groups)
            moved = replace(moved, groups=groups)
    if lost := {line.number: n for line in news if (n := line.count("cancelled"))}:
        cancelled = {"reason": fact[1]["reason"], "lines": told_lines(order, lost)}
        told.append(("shipment.cancelled", {"shipment": shipment.id, **cancelled}))
    made = decided(moved, without(shipment, units), said, told, claim.moves)
    return replace(made, taken=days.taken, given=days.given)


def decided(
    order: Order,
    changed: Shipment,
    said: Said,
    told: Sequence[Fact],
    moves: tuple[Move, ...] = (),
) -> Decision:
    """The decision that a shipment of the order is as it is `changed`, with what is told of it. A
    cancelled one lies nowhere to be collected."""
    lies_there = order.uncollected
    if changed.status == "cancelled":
        lies_there = {id: at for id, at in lies_there.items() if id != changed.id}
    made = advance(order, commands=remember(order, said.asked), uncollected=lies_there)
    shipment = replace(changed, version=made.version)
    return Decision(made, events(made, said.facts.now, said.actor, *told), moves, (shipment,))


def at_once(made: Decision) -> Decision:
    """The decision. Refuses with TOO_MANY_LINES what one transaction cannot hold, or what nobody
    could cancel in one afterwards."""
    if made.changes > MOST_CHANGES:
        detail = "These are too many lines at once: tell a few of them at a time."
        raise Refusal(Reason.TOO_MANY_LINES, detail)
    require_undoable(made.order)
    return made


def moves_of(
    order: Order, units: Mapping[int, int], node: str, kinds: Mapping[Kind, int]
) -> tuple[Move, ...]:
    skus = {line.number: line.sku for line in order.lines}
    return tuple(
        Move(skus[line], node, kind, sign * quantity)
        for line, quantity in units.items()
        for kind, sign in kinds.items()
    )


def told_lines(order: Order, units: Mapping[int, int]) -> list[dict[str, Any]]:
    """Units by line, as an event tells them."""
    return [
        {"sku": line.sku, "quantity": units[line.number]}
        for line in order.lines
        if line.number in units
    ]


def leaving(
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


def named_units(shipment: Shipment, named: Sequence[Units]) -> dict[int, int]:
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
