"""Serving a queue: what has come goes to who waits longest; who must wait on is told how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from parcelway.domain.backorder import HORIZON
from parcelway.domain.decision import Decision, Rebooked
from parcelway.domain.dues import funded
from parcelway.domain.facts import Balances, Facts
from parcelway.domain.line import Line, Portion, merge
from parcelway.domain.order import DeliveryGroup, Order, advance, events, with_line
from parcelway.domain.parties import SYSTEM
from parcelway.domain.promising import rebooked, revised, revision_told
from parcelway.domain.slots import counted
from parcelway.domain.sourcing import serving
from parcelway.domain.stock import UNBOUNDED, Balance, Move, after
from parcelway.domain.undoing import room_to_undo
from parcelway.values import dataclass

OVERDUE = timedelta(days=2)  # a supply so much later than its day is not counted on any more
_AT_ONCE = 16  # places that an order leaves for units elsewhere; each takes six writes at most
_LET_GO = 30  # holds that an order lets go of at once; each takes two writes
Dated = tuple[int, date | None]  # units and the day they are expected on; None: nobody knows


@dataclass(frozen=True, slots=True)
class Place:
    """An order's place in the queue for a SKU at a node: units by the day they are promised for,
    None where no day could be told."""

    order_id: str
    sku: str
    node: str
    since: datetime
    units: Mapping[date | None, int]

    @property
    def quantity(self) -> int:
        """All its units."""
        return sum(self.units.values())


def waiting(order: Order, place: Place) -> int:
    """How many units of the order wait at a place."""
    line = order.line(place.sku)
    return sum(portion.quantity for portion in _at(line, place)) if line else 0


def fill(order: Order, place: Place, units: int, balance: Balance, facts: Facts) -> Decision | None:
    """Reserve `units` that are there for an order whose turn it is; those that were promised
    earliest come first. None when the order does not wait there any more.

    They take the first day of their node that has room in the place of the one on which they were
    expected, unless they leave with others. Raises ValueError when fewer are free.
    """
    line = order.line(place.sku)
    units = min(units, waiting(order, place))
    if line is None or not units or order.state not in ("placed", "confirmed"):
        return None
    if units > balance.free:
        raise ValueError(f"{balance.free} units are free, not {units}")
    move = Move(place.sku, place.node, "fill", units, balance.available, since=place.since)
    filled, left, there = [], units, _at(line, place)
    for portion in there:
        taken = min(left, portion.quantity)
        left -= taken
        filled.append(replace(portion, quantity=portion.quantity - taken))
        filled.append(Portion(portion.group, "reserved", taken, portion.node, quota=portion.quota))
    now, lines = facts.now, with_line(order, _instead(line, there, filled))
    days = rebooked(order, lines, facts)
    filled_order = advance(order, lines=lines, groups=days.groups)
    if room_to_undo(filled_order) < 0:
        days = Rebooked(order.groups)
        filled_order = replace(filled_order, groups=order.groups)
    changed, funding = funded(filled_order, now)
    fact = ("order.replenished", {"sku": place.sku, "node": place.node, "quantity": units})
    told = events(changed, now, SYSTEM, fact, *funding) if order.state == "confirmed" else ()
    return Decision(changed, told, (move,), taken=days.taken, given=days.given)


def elsewhere(order: Order, facts: Facts) -> Decision | None:
    """Reserve for an order what it waits for at one node and another has by now, the nearest first.
    None when there is nothing of that.

    What such a node has available is net of its own queue, so nobody who waits there is passed
    over; what cannot be had, or not in one transaction, keeps its place.
    """
    if order.state != "confirmed":
        return None
    left: dict[tuple[str, str], Balance] = dict(facts.balances)
    moves: list[Move] = []
    lines: list[Line] = []
    for line in order.lines:
        product = facts.products.get(line.sku)
        if product and product.launch and product.launch > facts.now.date():
            lines.append(line)
            continue
        portions: list[Portion] = []
        for portion in line.portions:
            most = _AT_ONCE - len(moves) // 2
            taken = _from_others(order, line, portion, left, facts)[:most]
            made = [move for _, pair in taken for move in pair]
            left, moves = after(left, made), moves + made
            units = sum(other.quantity for other, _ in taken)
            portions.append(replace(portion, quantity=portion.quantity - units))
            portions += [other for other, _ in taken]
        lines.append(replace(line, portions=merge(portions)))
    if not moves:
        return None
    days = rebooked(order, lines, facts)
    moved = advance(order, lines=tuple(lines), groups=days.groups)
    if room_to_undo(moved) < 0:
        return None
    changed, funding = funded(moved, facts.now)
    found = [move for move in moves if move.kind == "reserve"]
    told = [
        ("order.replenished", {"sku": m.sku, "node": m.node, "quantity": m.quantity}) for m in found
    ]
    told_now = events(changed, facts.now, SYSTEM, *told, *funding)
    return Decision(changed, told_now, tuple(moves), taken=days.taken, given=days.given)


def _from_others(
    order: Order, line: Line, portion: Portion, balances: Balances, facts: Facts
) -> list[tuple[Portion, tuple[Move, Move]]]:
    """Units that wait, as other nodes can give them that did not decline the line, each with
    leaving the queue and the hold."""
    if portion.stage != "backordered":
        return []
    found, wanted, sku = [], portion.quantity, line.sku
    for node in serving(order.group_named(portion.group), facts.shop, order.channel):
        balance = balances.get((sku, node.id))
        if balance is None or node.id == portion.node or node.id in line.declined:
            continue
        units = min(wanted, balance.available)
        if units <= 0:
            continue
        wanted -= units
        pair = (
            Move(sku, portion.node, "unqueue", units, since=portion.since),
            Move(sku, node.id, "reserve", units, -balance.withheld),
        )
        held = Portion(portion.group, "reserved", units, node.id, quota=portion.quota)
        found.append((held, pair))
    return found


def dates(
    places: Sequence[Place], balance: Balance, launch: date | None, today: date
) -> Iterator[tuple[Place, tuple[Dated, ...]]]:
    """When each place in the queue, in its order, can be served from what is there and expected.

    A supply whose day is just over still has that day: nobody is told of a delay day by day.
    """
    known = today - OVERDUE, today + HORIZON
    coming = [supply for supply in balance.supplies if known[0] <= supply.due <= known[1]]
    first = launch or min([today, *(supply.due for supply in coming)])
    covered = [(max(0, balance.free), first)]
    covered += [(supply.quantity, max(supply.due, first)) for supply in coming]
    if first > known[1]:
        covered = []
    debt = max(0, -balance.free)  # a count found less than was promised: that is made up first
    for place in places:
        found: list[Dated] = []
        left = place.quantity
        while covered and left:
            there, due = covered[0]
            owed = min(debt, there)
            debt, there = debt - owed, there - owed
            units = min(left, there)
            left -= units
            found += [(units, due)] if units else []
            covered[0] = (there - units, due)
            if there == units:
                covered.pop(0)
        yield place, (*found, *([(left, None)] if left else []))


def is_news(place: Place, new: Sequence[Dated]) -> bool:
    """Whether any unit of a place is expected later than it was promised, or again, after nobody
    knew when."""
    return any(_told(day, old) != old for old, day in zip(_days(place), _each(new), strict=True))


def redate(
    order: Order, place: Place, new: Sequence[Dated], facts: Facts, reason: str = "supply"
) -> Decision | None:
    """Tell an order anew when its waiting units come. None when that is no news.

    Its promise is revised where it cannot be kept; the first one stays on record. A date that got
    earlier changes no promise.
    """
    line = order.line(place.sku)
    there = _at(line, place) if line else []
    if line is None or waiting(order, place) != sum(units for units, _ in new):
        return None
    dates_now = [_told(day, old) for old, day in zip(_dues(there), _each(new), strict=True)]
    if dates_now == _dues(there):
        return None
    moved, start = [], 0
    for portion in there:
        for day in dates_now[start : start + portion.quantity]:
            moved.append(replace(portion, quantity=1, due=day))
        start += portion.quantity
    late = replace(order, lines=with_line(order, _instead(line, there, moved)))
    moves: tuple[Move, ...] = ()
    if order.shortage == "ship_complete" and None in dates_now:
        late, moves = _let_go(late, place.since)
    days = rebooked(order, late.lines, facts)
    known = replace(facts, busy=counted(facts.busy, given=days.given))
    touched = {portion.group for portion in there}
    groups = tuple(
        _revised(late, group, known, reason) if group.id in touched else group
        for group in days.groups
    )
    changed = advance(late, groups=groups)
    told = [
        revision_told(new_group)
        for old, new_group in zip(order.groups, groups, strict=True)
        if old.revisions != new_group.revisions
    ]
    requeued = ((place.sku, place.node, place.since),)
    told_now = events(changed, facts.now, SYSTEM, *told)
    return Decision(changed, told_now, moves, requeued=requeued, taken=days.taken, given=days.given)


def _let_go(order: Order, since: datetime) -> tuple[Order, tuple[Move, ...]]:
    """Queue for what the order holds as well, at its own place: it cannot go before nobody knows
    when, and must not keep others from what they lack. So two such orders that each hold what the
    other waits for come apart: the older one gets both. No more than one transaction has room for,
    now or to cancel it: such an order keeps the rest."""
    most = min(_LET_GO, room_to_undo(order))
    moves: list[Move] = []
    lines = []
    for line in order.lines:
        portions = []
        for held in line.portions:
            if held.stage != "reserved" or len(moves) >= 2 * most:
                portions.append(held)
                continue
            moves.append(Move(line.sku, held.node, "release", held.quantity))
            queued = Move(line.sku, held.node, "backorder", held.quantity, UNBOUNDED, since=since)
            moves.append(queued)
            portions.append(replace(held, stage="backordered", since=since, due=None))
        lines.append(replace(line, portions=merge(portions)))
    return replace(order, lines=tuple(lines)), tuple(moves)


def _revised(order: Order, group: DeliveryGroup, facts: Facts, reason: str) -> DeliveryGroup:
    """The group with the window that can be kept, if the present one cannot."""
    left = [
        replace(line, portions=tuple(p for p in line.portions if p.stage == "backordered"))
        for line in order.lines
    ]
    return revised(order, group, left, facts, reason)


def _at(line: Line, place: Place) -> list[Portion]:
    """The line's portions at a place, those promised earliest first."""
    found = [
        portion
        for portion in line.portions
        if portion.stage == "backordered"
        and (portion.node, portion.since) == (place.node, place.since)
    ]
    return sorted(found, key=lambda portion: (_rank(portion.due), portion.group))


def _instead(line: Line, old: Sequence[Portion], new: Sequence[Portion]) -> Line:
    kept = [portion for portion in line.portions if portion not in old]
    return replace(line, portions=merge([*kept, *new]))


def _days(place: Place) -> list[date | None]:
    return _each([(units, due) for due, units in sorted(place.units.items(), key=_by_day)])


def _by_day(entry: tuple[date | None, int]) -> date:
    return _rank(entry[0])


def _dues(portions: Sequence[Portion]) -> list[date | None]:
    return _each([(portion.quantity, portion.due) for portion in portions])


def _each(dated: Sequence[Dated]) -> list[date | None]:
    """One day for each unit."""
    return [day for units, day in dated for _ in range(units)]


def _told(day: date | None, before: date | None) -> date | None:
    """The day to go by for a unit that was expected on another: never an earlier one."""
    return day if before is None else max(before, day, key=_rank)


def _rank(day: date | None) -> date:
    """Days in order; one that nobody knows is the last."""
    return day or date.max
