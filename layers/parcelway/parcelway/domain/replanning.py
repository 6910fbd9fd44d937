"""Units that their node cannot send are planned anew; nothing else of the order is touched.

What another node has is reserved there, for the order's next wave. What none has waits for supplies
where the customer chose to wait, and is cancelled else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from parcelway.domain.backorder import Terms, Waiting, offers, queue_up, turn
from parcelway.domain.channels import quota_of
from parcelway.domain.facts import Balances, Facts
from parcelway.domain.line import Line, Portion, merge
from parcelway.domain.order import WAITS, DeliveryGroup, Order
from parcelway.domain.reservation import Claim
from parcelway.domain.shop import Node
from parcelway.domain.sourcing import Need, Plan, serving, source
from parcelway.domain.stock import Move, after

# Why a node declined units that its books say it has. What comes in later is no such phantom.
NOT_THERE = ("out_of_stock", "damaged")


def replan(order: Order, group: DeliveryGroup, balances: Balances, facts: Facts) -> Claim:
    """Find a place for every open unit of a group, none at a node that declined its line."""
    left, moves = dict(balances), list[Move]()
    since = turn(facts.now, facts.balances.values())
    placed: list[tuple[int, Portion]] = []
    because: list[str] = []
    sending = {p.node for line in order.lines for p in line.portions if _goes_next(p, group)}
    for declined, lines in _by_declined(order, group):
        planned = _plan(order, group, lines, declined, left, facts, sending)
        taken = [reserving(p.sku, p.node, p.quantity, left) for p in planned.picks]
        placed += [
            (pick.line, Portion(group.id, "reserved", pick.quantity, pick.node))
            for pick in planned.picks
        ]
        sending.update(planned.nodes)
        because += planned.brief
        left = after(left, taken)
        for line in lines:
            waiting, lost = _wait(order, group, line, planned.short.get(line.sku, 0), left, facts)
            queued = [wait.move(since) for wait in waiting]
            placed += [(line.number, _queued(group, wait, since)) for wait in waiting]
            placed.append((line.number, Portion(group.id, "cancelled", lost)))
            left, taken = after(left, queued), taken + queued
        moves += taken
    lines, given_up = _placed(order, group, placed)
    return Claim(lines, (*moves, *given_up), tuple(because))


def reserving(sku: str, node: str, quantity: int, balances: Balances) -> Move:
    """Reserving units that leaves alone what is withheld from the order's channel."""
    balance = balances.get((sku, node))
    return Move(sku, node, "reserve", quantity, -balance.withheld if balance else 0)


def _goes_next(portion: Portion, group: DeliveryGroup) -> bool:
    return portion.stage == "reserved" and portion.group == group.id


def _open(line: Line, group: DeliveryGroup) -> int:
    return sum(p.quantity for p in line.portions if (p.stage, p.group) == ("open", group.id))


def _by_declined(
    order: Order, group: DeliveryGroup
) -> Iterator[tuple[Mapping[str, str], Sequence[Line]]]:
    """The lines with open units, those together that the same nodes declined."""
    lines = [line for line in order.lines if _open(line, group)]
    for declined in {tuple(sorted(line.declined)): line.declined for line in lines}.values():
        yield declined, [line for line in lines if line.declined.keys() == declined.keys()]


def _plan(
    order: Order,
    group: DeliveryGroup,
    lines: Sequence[Line],
    declined: Mapping[str, str],
    stock: Balances,
    facts: Facts,
    sending: set[str],
) -> Plan:
    return source(
        group,
        [Need(line.number, line.sku, _open(line, group)) for line in lines],
        stock,
        facts.shop,
        channel=order.channel,
        excluded={node: f"declined it: {why}" for node, why in declined.items()},
        sending=sending,
    )


def _wait(
    order: Order,
    group: DeliveryGroup,
    line: Line,
    missing: int,
    balances: Balances,
    facts: Facts,
) -> tuple[list[Waiting], int]:
    """How the missing units of a line wait, and how many cannot."""
    terms = Terms(facts.products, facts.now, "wait")
    if not missing or order.shortage not in WAITS or not terms.may_wait(line.sku):
        return [], missing
    nodes = [
        node
        for node in serving(group, facts.shop, order.channel)
        if _may_wait_at(node, line, balances)
    ]
    today, launch = facts.now.date(), terms.launch(line.sku)
    return queue_up(
        line.number, line.sku, missing, offers(line.sku, balances, nodes, today, launch)
    )


def _may_wait_at(node: Node, line: Line, balances: Balances) -> bool:
    """Whether a line's units may wait at a node. One that did not have them may get them, but what
    its books still say is there must not be given to who waits."""
    if node.id not in line.declined:
        return True
    balance = balances.get((line.sku, node.id))
    return line.declined[node.id] in NOT_THERE and balance is not None and balance.free <= 0


def _queued(group: DeliveryGroup, wait: Waiting, since: datetime) -> Portion:
    return Portion(group.id, "backordered", wait.quantity, wait.node, since=since, due=wait.due)


def _placed(
    order: Order, group: DeliveryGroup, placed: Sequence[tuple[int, Portion]]
) -> tuple[tuple[Line, ...], list[Move]]:
    """The lines with their open units as they are `placed`; what is cancelled is given back to the
    quotas it counted against."""
    lines, given_up = [], list[Move]()
    for line in order.lines:
        kept = [p for p in line.portions if (p.stage, p.group) != ("open", group.id)]
        opened = [p for p in line.portions if (p.stage, p.group) == ("open", group.id)]
        new = [portion for number, portion in placed if number == line.number]
        for portion in _charged(opened, new):
            if portion.stage == "cancelled" and portion.quota:
                quota = quota_of(portion.quota)
                given_up.append(Move(line.sku, quota, "release", portion.quantity))
                portion = replace(portion, quota="")
            kept.append(portion)
        lines.append(replace(line, portions=merge(kept)))
    return tuple(lines), given_up


def _charged(opened: Sequence[Portion], new: Sequence[Portion]) -> Iterator[Portion]:
    """The `new` portions of units that were `opened`, with the quotas that these count against."""
    left = [(portion.quota, portion.quantity) for portion in opened]
    for portion in new:
        missing = portion.quantity
        while missing:
            quota, there = left.pop(0)
            units = min(missing, there)
            missing -= units
            yield replace(portion, quantity=units, quota=quota)
            if units < there:
                left.insert(0, (quota, there - units))
