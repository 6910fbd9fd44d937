"""What becomes of a draft whose goods are not all there, as its customer chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from parcelway.domain.backorder import Terms
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.line import Kit, Line, Portion
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
)
from parcelway.domain.shares import divided_discounts
from parcelway.domain.slots import counted
from parcelway.domain.stock import after
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
        held = _held(order, facts, "leave")
        if order.kits:
            from parcelway.domain.kits import with_whole_kits  # few orders have any

            held = with_whole_kits(order, held)
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
    kits = _kits(order, held)
    there, missing = _split(held.lines, kits)
    here = replace(_with(order, there), kits=kits[0])
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
    fresh = replace(fresh, kits=kits[1])
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


def _kits(order: Order, held: Claim) -> tuple[tuple[Kit, ...], tuple[Kit, ...]]:
    """The kits that are there, all of each, and those that are not."""
    if not order.kits:
        return (), ()
    from parcelway.domain.kits import whole, without  # few orders have any

    there = whole(order, {line.sku: line.count("reserved") for line in held.lines})
    return there, without(order.kits, there)


def _split(
    lines: Sequence[Line], kits: tuple[Sequence[Kit], Sequence[Kit]]
) -> tuple[list[Line], list[Line]]:
    """The units that are held and those that are not, each with their share of the discounts, by
    the kits that are there and those that are not."""
    held, missing = [], []
    counts = [{kit.sku: kit.quantity for kit in of_part} for of_part in kits]
    for line in lines:
        parts = _only(line, "reserved"), _only(line, "open")
        discounts = divided_discounts(line, [part.quantity for part in parts], counts)
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
