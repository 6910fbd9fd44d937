"""Holding stock for an order and giving it back.

The order is the reservation: its portions in stage `reserved` are exactly what the stock books
count as reserved for it, so there is no second record that could be stranded. So it is with
`backordered` portions and the queue.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain.backorder import Offer, Terms, Waiting, offers, queue_up, turn
from parcelway.domain.channels import caps, quota_keys, quota_of
from parcelway.domain.facts import Balances
from parcelway.domain.line import Line, Portion, Stage, merge
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Node, Shop
from parcelway.domain.sourcing import Need, Pick, serving, source
from parcelway.domain.stock import Kind, Move, after, net
from parcelway.domain.undoing import too_many
from parcelway.values import dataclass

# A transaction holds 100 writes; the rest is for the order, its parts and its events.
MOST_CHANGES = 84
_MOST_PARTS = 94  # balances and shipments together
OF_ANOTHER_ORDER = 6  # what a second order in the same transaction has besides
_TAKE: dict[Stage, Kind] = {"reserved": "reserve", "allocated": "allocate"}
_UNDO: dict[Stage, Kind] = {
    "reserved": "release",
    "backordered": "unqueue",
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


def keys(order: Order, shop: Shop, *more: str) -> list[tuple[str, str]]:
    """The (SKU, node) balances to read for decisions on this order, and on SKUs `more`."""
    near = [node.id for group in order.groups for node in serving(group, shop, order.channel)]
    held_at = [portion.node for line in order.lines for portion in line.portions if portion.node]
    skus = dict.fromkeys([*(line.sku for line in order.lines), *more])
    places = [(sku, node) for sku in skus for node in dict.fromkeys([*near, *held_at])]
    return [*places, *quota_keys(skus, order.channel, shop.settings)]


def take(
    order: Order,
    to: Stage,
    balances: Balances,
    shop: Shop,
    terms: Terms | None = None,
    excluded: Mapping[str, str] | None = None,
) -> Claim:
    """Claim every open unit of the order: `to` is `reserved` (a hold) or `allocated` (hard).

    Units are planned over the nodes of their delivery group and drawn from one stock, so two
    lines or groups can never count on the same unit; nor on the same of a quota, beyond which
    nothing is had, now or later. What is not there waits in the queue where `terms` say so. Raises
    Refusal OUT_OF_STOCK naming every line that is short, how much of it there is and what could be
    had later; TOO_MANY_LINES when the units lie at so many places that
    they cannot be claimed in one transaction. `excluded` is why nodes are ruled out, by node.
    """
    left = dict(balances)
    since = turn(terms.now, balances.values()) if terms else None
    placed: list[tuple[str, _At]] = []
    moves: list[Move] = []
    because: list[str] = []
    short: dict[str, int] = {}
    later: dict[str, list[Waiting]] = {}
    early = {line.sku for line in order.lines if terms and terms.launch(line.sku)}
    quotas = caps([line.sku for line in order.lines], order.channel, balances, early)
    for group in order.groups:
        nodes = [n for n in serving(group, shop, order.channel) if n.id not in (excluded or {})]
        wanted = _open_needs(order, group.id)
        needs = [within(need, quotas, left) for need in wanted]
        launched = [need for need in needs if need.quantity and need.sku not in early]
        planned = source(group, launched, left, shop, channel=order.channel, excluded=excluded)
        taken = [_taking(_TAKE[to], pick, left) for pick in planned.picks]
        left = after(left, taken)
        placed += [(group.id, pick) for pick in planned.picks]
        because += planned.brief
        for whole, need in zip(wanted, needs, strict=True):
            beyond = whole.quantity - need.quantity
            missing = need.quantity if need.sku in early else planned.short.get(need.sku, 0)
            waiting, uncovered = _wait(need, missing, left, nodes, terms)
            missing, uncovered = missing + beyond, uncovered + beyond
            if missing and terms and terms.short == "leave":
                placed.append((group.id, replace(need, quantity=missing)))
            elif since and missing and terms and terms.short == "wait" and not uncovered:
                taken += (queued := [wait.move(since) for wait in waiting])
                left, missing = after(left, queued), 0
                placed += [(group.id, wait) for wait in waiting]
            elif missing:
                short[need.sku] = short.get(need.sku, 0) + missing
                later.setdefault(need.sku, []).extend(waiting)
            counted = charged(whole, whole.quantity - missing, quotas)
            left, taken = after(left, counted), taken + counted
        moves += taken
    if short:
        raise _out_of_stock(order, short, later)
    lines = _placed(order, placed, to, since, quotas)
    require_one_transaction(moves, lines)
    return Claim(lines, tuple(moves), tuple(because))


class OutOfStock(Refusal):
    """OUT_OF_STOCK of an order: `order` is what its units were to be claimed for, with every line
    that is short."""

    def __init__(self, order: Order, detail: str, lines: list[dict[str, Any]]) -> None:
        super().__init__(Reason.OUT_OF_STOCK, detail, "/lines", lines=lines)
        self.order = order


_At = Pick | Waiting | Need  # taken from a node, waiting at one, or left open


def within(need: Need, quotas: Mapping[str, str], balances: Balances) -> Need:
    """What of a need its quota leaves; `quotas` as `channels.caps` gives them."""
    if need.sku not in quotas:
        return need
    left = balances[need.sku, quota_of(quotas[need.sku])].available
    return replace(need, quantity=min(need.quantity, max(0, left)))


def charged(need: Need, claimed: int, quotas: Mapping[str, str]) -> list[Move]:
    """The units claimed for a need, as they count against its quota."""
    if not claimed or need.sku not in quotas:
        return []
    return [Move(need.sku, quota_of(quotas[need.sku]), "reserve", claimed)]


def _taking(kind: Kind, pick: Pick, balances: Balances) -> Move:
    """A pick as a move that leaves alone what is withheld."""
    withheld = balances[pick.sku, pick.node].withheld
    return Move(pick.sku, pick.node, kind, pick.quantity, -withheld)


def _wait(
    need: Need,
    missing: int,
    balances: Balances,
    nodes: Sequence[Node],
    terms: Terms | None,
) -> tuple[list[Waiting], int]:
    """How the missing units of a need could wait, and how many could not."""
    if not missing:
        return [], 0
    if terms is None or not terms.may_wait(need.sku):
        return [], missing
    launch = terms.launch(need.sku)
    found: list[Offer] = offers(need.sku, balances, nodes, terms.now.date(), launch)
    return queue_up(need.line, need.sku, missing, found)


def give_back(order: Order, to: Stage, *stages: Stage, shipment: str | None = None) -> Claim:
    """Put every unit in `stages` (open .. packed; of `shipment`, when given) to stage `to`, out of
    any claim on stock.

    The books get back exactly what those units had taken.
    """
    lines, moves = [], list[Move]()
    for line in order.lines:
        portions = []
        for portion in line.portions:
            if portion.stage not in stages or shipment not in (None, portion.shipment):
                portions.append(portion)
                continue
            moves += undone(line.sku, portion)
            portions.append(Portion(portion.group, to, portion.quantity))
        lines.append(replace(line, portions=merge(portions)))
    return Claim(tuple(lines), tuple(moves))


def undone(sku: str, portion: Portion) -> list[Move]:
    """The moves that give a portion's claim on stock back; none for units that have none."""
    kind = _UNDO.get(portion.stage)
    if kind is None or not portion.quantity:
        return []
    moves = [Move(sku, portion.node, kind, portion.quantity, since=portion.since)]
    if portion.quota:
        moves.append(Move(sku, quota_of(portion.quota), "release", portion.quantity))
    return moves


def retake(
    order: Order,
    to: Stage,
    balances: Balances,
    shop: Shop,
    terms: Terms | None = None,
) -> Claim:
    """Give up the order's holds and claim all its units anew as `to`, in one set of moves.

    The freed units are counted as available, so an order can always keep what it holds; it may
    come from better nodes than when it was reserved. Raises what `take` does.
    """
    freed = give_back(order, "open", "reserved")
    open_order = replace(order, lines=freed.lines)
    taken = take(open_order, to, after(balances, freed.moves), shop, terms)
    require_one_transaction([*freed.moves, *taken.moves], taken.lines)
    return Claim(taken.lines, freed.moves + taken.moves, taken.because)


def allocate_in_place(order: Order, places: Collection[tuple[str, str]]) -> Claim:
    """Turn every hold at one of `places` (delivery group and node) into an allocation where it
    is."""

    def goes(portion: Portion) -> bool:
        return portion.stage == "reserved" and (portion.group, portion.node) in places

    lines = tuple(
        replace(
            line,
            portions=merge(
                replace(portion, stage="allocated") if goes(portion) else portion
                for portion in line.portions
            ),
        )
        for line in order.lines
    )
    held = [(line.sku, p) for line in order.lines for p in line.portions if goes(p)]
    freed = tuple(Move(sku, p.node, "release", p.quantity) for sku, p in held)
    taken = tuple(Move(sku, p.node, "allocate", p.quantity) for sku, p in held)
    return Claim(lines, freed + taken, ("allocated where it was reserved",))


def require_one_transaction(
    moves: Sequence[Move], lines: Sequence[Line] = (), more: int = 0
) -> None:
    """Refuse with TOO_MANY_LINES what changes more balances than one transaction holds, or what
    `lines` have at more of them than could be given back; each node of each delivery group will
    need a shipment in it as well, each place in a queue an item, and `more` is needed besides."""
    changes = net(moves)
    queues = {(move.sku, move.node) for move in moves if move.kind in ("backorder", "unqueue")}
    nodes = {change.node for change in changes}
    placed = [(line.sku, p) for line in lines for p in line.portions if p.node]
    places = {(p.group, p.node) for _, p in placed}
    held = {(sku, p.node) for sku, p in placed} | {
        (sku, quota_of(p.quota)) for sku, p in placed if p.quota
    }
    balances = max(len(changes), len(held))
    require_room(balances + len(queues), max(len(nodes), len(places)) + more)


def require_room(changes: int, shipments: int) -> None:
    """Refuse with TOO_MANY_LINES so many `changes` of stock with as many `shipments`, if they are
    too many."""
    if changes > MOST_CHANGES or changes + shipments > _MOST_PARTS:
        raise too_many()


def _out_of_stock(
    order: Order, short: Mapping[str, int], later: Mapping[str, Sequence[Waiting]]
) -> OutOfStock:
    lines = [
        {
            "line": line.number,
            "sku": line.sku,
            "wanted": line.quantity,
            "available": line.quantity - short[line.sku],
        }
        | _later(later.get(line.sku, ()))
        for line in order.lines
        if line.sku in short
    ]
    names = ", ".join(str(entry["sku"]) for entry in lines)
    return OutOfStock(order, f"Not enough stock of {names}.", lines)


def _later(waiting: Sequence[Waiting]) -> dict[str, Any]:
    told = [{"quantity": wait.quantity, "date": wait.due.isoformat()} for wait in waiting]
    return {"later": told} if told else {}


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


def _placed(
    order: Order,
    places: Sequence[tuple[str, _At]],
    to: Stage,
    since: datetime | None,
    quotas: Mapping[str, str],
) -> tuple[Line, ...]:
    lines = []
    for line in order.lines:
        kept = [portion for portion in line.portions if portion.stage != "open"]
        quota = quotas.get(line.sku, "")
        here = [(group, at) for group, at in places if at.line == line.number]
        kept += [_portion(group, at, to, since, quota) for group, at in here]
        lines.append(replace(line, portions=merge(kept)))
    return tuple(lines)


def _portion(group: str, at: _At, to: Stage, since: datetime | None, quota: str) -> Portion:
    if isinstance(at, Need):
        return Portion(group, "open", at.quantity)
    if isinstance(at, Pick):
        return Portion(group, to, at.quantity, at.node, quota=quota)
    waiting = Portion(group, "backordered", at.quantity, at.node, since=since, due=at.due)
    return replace(waiting, quota=quota)
