"""Holding stock for an order and giving it back.

The order is the reservation: its portions in stage `reserved` are exactly what the stock books
count as reserved for it, so there is no second record that could be stranded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from parcelway.domain.facts import Balances
from parcelway.domain.order import Line, Order, Portion, Stage, merge
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Node
from parcelway.domain.sourcing import Need, Pick, candidates, plan
from parcelway.domain.stock import Kind, Move, after, net
from parcelway.values import dataclass

# A transaction holds 100 writes; the rest is for the order, its parts and its events.
MOST_CHANGES = 84
_MOST_PARTS = 94  # balances and shipments together
_TAKE: dict[Stage, Kind] = {"reserved": "reserve", "allocated": "allocate"}
_UNDO: dict[Stage, Kind] = {
    "reserved": "release",
    "allocated": "deallocate",
    "released": "deallocate",
    "packed": "deallocate",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """An order's lines after its claim on stock changed, and the moves that change it."""

    lines: tuple[Line, ...]
    moves: tuple[Move, ...] = ()
    because: tuple[str, ...] = ()


def keys(order: Order, nodes: Mapping[str, Node], *more: str) -> list[tuple[str, str]]:
    """The (SKU, node) balances to read for decisions on this order, and on SKUs `more`."""
    serving = [node.id for group in order.groups for node in candidates(group, nodes)]
    held_at = [portion.node for line in order.lines for portion in line.portions if portion.node]
    skus = dict.fromkeys([*(line.sku for line in order.lines), *more])
    return [(sku, node) for sku in skus for node in dict.fromkeys([*serving, *held_at])]


def take(order: Order, to: Stage, balances: Balances, nodes: Mapping[str, Node]) -> Claim:
    """Claim every open unit of the order: `to` is `reserved` (a hold) or `allocated` (hard).

    Units are planned over the nodes of their delivery group and drawn from one stock, so two
    lines or groups can never count on the same unit. Raises Refusal OUT_OF_STOCK naming every
    line that is short and how much of it there is, TOO_MANY_LINES when the units lie at so many
    places that they cannot be claimed in one transaction.
    """
    left = dict(balances)
    picks: list[tuple[str, Pick]] = []
    moves: list[Move] = []
    because: list[str] = []
    short: dict[str, int] = {}
    for group in order.groups:
        planned = plan(_open_needs(order, group.id), left, candidates(group, nodes))
        taken = [Move(pick.sku, pick.node, _TAKE[to], pick.quantity) for pick in planned.picks]
        left = after(left, taken)
        moves += taken
        because += planned.because
        picks += [(group.id, pick) for pick in planned.picks]
        for sku, units in planned.short.items():
            short[sku] = short.get(sku, 0) + units
    if short:
        raise _out_of_stock(order, short)
    require_one_transaction(moves)
    return Claim(_placed(order, picks, to), tuple(moves), tuple(because))


def give_back(order: Order, to: Stage, *stages: Stage, shipment: str | None = None) -> Claim:
    """Put every unit in `stages` (open .. packed; of `shipment`, when given) to stage `to`, out of
    any claim on stock.

    The books get back exactly what those units had taken.
    """
    lines, moves = [], []
    for line in order.lines:
        portions = []
        for portion in line.portions:
            if portion.stage not in stages or shipment not in (None, portion.shipment):
                portions.append(portion)
                continue
            if kind := _UNDO.get(portion.stage):
                moves.append(Move(line.sku, portion.node, kind, portion.quantity))
            portions.append(Portion(portion.group, to, portion.quantity))
        lines.append(replace(line, portions=merge(portions)))
    return Claim(tuple(lines), tuple(moves))


def retake(order: Order, to: Stage, balances: Balances, nodes: Mapping[str, Node]) -> Claim:
    """Give up the order's holds and claim all its units anew as `to`, in one set of moves.

    The freed units are counted as available, so an order can always keep what it holds; it may
    come from better nodes than when it was reserved. Raises Refusal OUT_OF_STOCK.
    """
    freed = give_back(order, "open", "reserved")
    open_order = replace(order, lines=freed.lines)
    taken = take(open_order, to, after(balances, freed.moves), nodes)
    require_one_transaction([*freed.moves, *taken.moves])
    return Claim(taken.lines, freed.moves + taken.moves, taken.because)


def allocate_in_place(order: Order) -> Claim:
    """Turn every hold into an allocation at the node where it is."""
    lines = tuple(
        replace(
            line,
            portions=merge(
                replace(portion, stage="allocated") if portion.stage == "reserved" else portion
                for portion in line.portions
            ),
        )
        for line in order.lines
    )
    held = [(line.sku, p) for line in order.lines for p in line.portions if p.stage == "reserved"]
    freed = tuple(Move(sku, p.node, "release", p.quantity) for sku, p in held)
    taken = tuple(Move(sku, p.node, "allocate", p.quantity) for sku, p in held)
    return Claim(lines, freed + taken, ("allocated where it was reserved",))


def require_one_transaction(moves: Sequence[Move]) -> None:
    """Refuse with TOO_MANY_LINES what changes more balances than one transaction holds; each node
    will need a shipment in it as well."""
    changes = net(moves)
    require_room(len(changes), {change.node for change in changes})


def require_room(changes: int, nodes: Set[str]) -> None:
    """Refuse with TOO_MANY_LINES so many `changes` of stock at `nodes`, if they are too many."""
    if changes > MOST_CHANGES or changes + len(nodes) > _MOST_PARTS:
        raise Refusal(
            Reason.TOO_MANY_LINES,
            "These units lie at too many places for one order; make two of it.",
        )


def _out_of_stock(order: Order, short: Mapping[str, int]) -> Refusal:
    lines = [
        {
            "line": line.number,
            "sku": line.sku,
            "wanted": line.quantity,
            "available": line.quantity - short[line.sku],
        }
        for line in order.lines
        if line.sku in short
    ]
    names = ", ".join(str(entry["sku"]) for entry in lines)
    return Refusal(Reason.OUT_OF_STOCK, f"Not enough stock of {names}.", "/lines", lines=lines)


def _open_needs(order: Order, group_id: str) -> list[Need]:
    needs = []
    for line in order.lines:
        units = sum(
            portion.quantity
            for portion in line.portions
            if portion.stage == "open" and portion.group == group_id
        )
        if units:
            needs.append(Need(line.number, line.sku, units))
    return needs


def _placed(order: Order, picks: list[tuple[str, Pick]], to: Stage) -> tuple[Line, ...]:
    lines = []
    for line in order.lines:
        kept = [portion for portion in line.portions if portion.stage != "open"]
        placed = [
            Portion(group, to, pick.quantity, pick.node)
            for group, pick in picks
            if pick.line == line.number
        ]
        lines.append(replace(line, portions=merge([*kept, *placed])))
    return tuple(lines)
