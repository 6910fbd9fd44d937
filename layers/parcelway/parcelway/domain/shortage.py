"""What becomes of a draft whose goods are not all there, as its customer chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from parcelway.domain.backorder import Terms
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.kit import Kit
from parcelway.domain.kits import in_kits, whole, without
from parcelway.domain.line import Line, Portion, merge
from parcelway.domain.order import SHORTAGES, WAITS, Order, Promise, Shortage
from parcelway.domain.pricing import price, price_part
from parcelway.domain.promising import with_promises
from parcelway.domain.refusals import Refusal
from parcelway.domain.reservation import (
    OF_ANOTHER_ORDER,
    Claim,
    require_one_transaction,
    retake,
    take,
    undone,
)
from parcelway.domain.shares import divided_discounts
from parcelway.domain.slots import counted
from parcelway.domain.stock import Move, after
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """An order as it can be placed: priced, with its claim on stock, and what is to be told."""

    order: Order
    claim: Claim
    told: Mapping[str, Any] = field(default_factory=dict)


def resolve(order: Order, facts: Facts) -> tuple[Part, ...]:
    """The priced draft as it will be placed: one part, or two where what is not there becomes an
    order of its own.

    Both keep the unit prices and their units' share of every discount; each has its own delivery
    charges, by what it weighs. Where units are dropped the rest is priced anew. A kit of which a
    component is missing is missing as a whole: no kit is torn. Raises Refusal
    OUT_OF_STOCK when units are missing and nothing was chosen, when they cannot be had later
    either, and when nothing would be left; TOO_MANY_LINES where both do not fit into one
    transaction.
    """
    if order.shortage in ("drop", "separate_order"):
        held = with_whole_kits(order, _held(order, facts, "leave"))
        left = [line for line in held.lines if line.count("open")]
        if not left:
            return (Part(order, held),)
        if any(line.count("reserved") for line in held.lines):
            return _divided(order, held, facts)
    # Also an order of which nothing is there to be separated from: it waits in one piece.
    waits = order.shortage in WAITS
    return (Part(order, _held(order, facts, "wait" if waits else "refuse")),)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a customer would get by a choice: one order or two, and each delivery's window in them
    (None: cannot be told)."""

    shortage: Shortage
    parts: tuple[Part, ...]
    promises: tuple[tuple[Promise | None, ...], ...]


def choices(order: Order, facts: Facts) -> tuple[Choice, ...]:
    """What can be chosen for the priced draft: nothing (one entry, '') where all of it is there.

    Every delivery must have been chosen. Empty when it cannot be had in any way.
    """
    complete = _choice(replace(order, shortage=""), facts)
    if complete:
        return (complete,)
    found = [_choice(replace(order, shortage=shortage), facts) for shortage in SHORTAGES]
    return tuple(choice for choice in found if choice)


def _choice(order: Order, facts: Facts) -> Choice | None:
    try:
        parts = resolve(order, facts)
    except Refusal:
        return None
    promises, busy = [], facts.busy
    for part in parts:
        groups = with_promises(part.order, part.claim.lines, replace(facts, busy=busy))
        promises.append(tuple(group.promise for group in groups))
        busy = counted(busy, [slot for group in groups for slot in group.slots])
    return Choice(order.shortage, parts, tuple(promises))


def _divided(order: Order, held: Claim, facts: Facts) -> tuple[Part, ...]:
    """What is there, and what is not: dropped, or as a second order."""
    kits = whole(order, {line.sku: line.count("reserved") for line in held.lines})
    there, missing = _split(order, held.lines, kits)
    here = replace(_with(order, there), kits=kits)
    if order.shortage == "drop":
        here = price(here, facts)
        claim = Claim(_as_held(here, held), held.moves, held.because)
        dropped = [
            {"sku": line.sku, "name": line.name, "quantity": line.quantity}
            for line in missing
            if line.quantity
        ]
        return (Part(here, claim, {"dropped": dropped}),)
    here = price_part(here, facts)
    claim = Claim(_as_held(here, held), held.moves, held.because)
    fresh = replace(order, id=derived("ord", "separate", order.id), version=0, commands={})
    fresh = replace(fresh, kits=without(order.kits, kits))
    second = price_part(_with(fresh, missing), facts)
    balances = after(facts.balances, held.moves)
    terms = Terms(facts.products, facts.now, "wait")
    later = take(second, "reserved", balances, facts.shop, terms)
    both = (*held.moves, *later.moves), (*claim.lines, *later.lines)
    require_one_transaction(*both, OF_ANOTHER_ORDER)
    return Part(here, claim), Part(second, later)


def _held(order: Order, facts: Facts, short: Literal["refuse", "wait", "leave"]) -> Claim:
    terms = Terms(facts.products, facts.now, short)
    return retake(order, "reserved", facts.balances, facts.shop, terms)


def with_whole_kits(order: Order, held: Claim) -> Claim:
    """A claim without what it holds of kits that are not whole: that is given back, left open."""
    if not order.kits:
        return held
    there = {line.sku: line.count("reserved") for line in held.lines}
    torn = without(order.kits, whole(order, there))
    lines, freed = list[Line](), list[Move]()
    for line in held.lines:
        # Of what is missing the units of torn kits are first; beyond that what is there goes back.
        surplus = max(0, in_kits(torn, line.sku) - line.count("open"))
        opened, moves = _given_up(line, surplus)
        lines.append(opened)
        freed += moves
    return Claim(tuple(lines), (*held.moves, *freed), held.because)


def _given_up(line: Line, units: int) -> tuple[Line, list[Move]]:
    """The line with so many of its held units open again, the last ones first."""
    portions, moves, left = list[Portion](), list[Move](), units
    for portion in reversed(line.portions):
        gone = min(left, portion.quantity) if portion.stage == "reserved" else 0
        left -= gone
        portions.append(replace(portion, quantity=portion.quantity - gone))
        portions.append(Portion(portion.group, "open", gone))
        moves += undone(line.sku, replace(portion, quantity=gone))
    return replace(line, portions=merge(reversed(portions))), moves


def _split(
    order: Order, lines: Sequence[Line], kits: Sequence[Kit]
) -> tuple[list[Line], list[Line]]:
    """The units that are held, and those that are not, each with their share of the discounts: of
    `kits`, and of those that are not among them."""
    held, missing = [], []
    here = {kit.sku: kit.quantity for kit in kits}
    there = {kit.sku: kit.quantity for kit in without(order.kits, kits)}
    for line in lines:
        parts = _only(line, "reserved"), _only(line, "open")
        units = [part.quantity for part in parts]
        discounts = divided_discounts(line, units, [here, there])
        held.append(replace(parts[0], discounts=discounts[0]))
        missing.append(replace(parts[1], discounts=discounts[1]))
    return held, missing


def _with(order: Order, lines: Sequence[Line]) -> Order:
    """The order with these lines alone (those without units left out), all open."""
    kept = [_opened(line) for line in lines if line.quantity]
    used = {portion.group for line in kept for portion in line.portions}
    groups = tuple(group for group in order.groups if group.id in used)
    return replace(order, lines=tuple(kept), groups=groups)


def _as_held(order: Order, held: Claim) -> tuple[Line, ...]:
    """The order's lines at their prices, their units where the claim has them."""
    at = {line.number: _only(line, "reserved").portions for line in held.lines}
    return tuple(replace(line, portions=at[line.number]) for line in order.lines)


def _only(line: Line, stage: str) -> Line:
    return replace(line, portions=tuple(p for p in line.portions if p.stage == stage))


def _opened(line: Line) -> Line:
    units: dict[str, int] = {}
    for portion in line.portions:
        units[portion.group] = units.get(portion.group, 0) + portion.quantity
    return replace(line, portions=tuple(Portion(group, "open", n) for group, n in units.items()))
