"""The promise of a delivery group: when its last unit is there, also those that have to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from parcelway.domain.decision import Rebooked
from parcelway.domain.facts import Facts
from parcelway.domain.line import Line
from parcelway.domain.order import DeliveryGroup, Order, Promise, Revision, Slot
from parcelway.domain.promise import promise, slots
from parcelway.domain.shop import Service
from parcelway.domain.slots import Leaving, counted, in_turn, left, parcels, sent
from parcelway.domain.sourcing import serving


def with_promises(order: Order, lines: Sequence[Line], facts: Facts) -> tuple[DeliveryGroup, ...]:
    """The order's groups with their promises, and the capacity that each counts on: what one takes
    of a node's day is not there for the next."""
    busy, groups = facts.busy, []
    for group in order.groups:
        window, taken = _reckoned(order, group, lines, replace(facts, busy=busy))
        groups.append(replace(group, promise=window, slots=taken))
        busy = counted(busy, taken)
    return tuple(groups)


def rebooked(order: Order, lines: Sequence[Line], facts: Facts) -> Rebooked:
    """The capacity that an order counts on once its units are where `lines` say: a parcel that is
    no more gives its node's day back, a new one takes one. Those that stay keep theirs."""
    made = Rebooked(order.groups)
    for group in order.groups:
        before, now = parcels(order, order.lines, group), parcels(order, lines, group)
        gone = [(node, due) for node, _, due in before - now]
        new = [(node, due) for node, _, due in now - before]
        made = _rebooked(made, order, group, gone, new, facts)
    return made


def settled(order: Order, lines: Sequence[Line], facts: Facts) -> Rebooked:
    """The capacity of an order that held nothing until now, when its units were claimed as `lines`
    say: where other nodes send them, or more or fewer parcels than it was promised with, it holds
    days for those and gives back the others."""
    made = Rebooked(order.groups)
    for group in order.groups:
        sending = in_turn(_leaving(order, group, lines, facts) or ())
        wanted = Counter(node for node, _ in sending)
        held = Counter(node for node, _ in group.slots)
        gone, new = list[Leaving](), list[Leaving]()
        for node in dict.fromkeys([*held, *wanted]):
            days = sorted(day for each, day in group.slots if each == node)
            leaving = [each for each in sending if each[0] == node]
            gone += [(node, day) for day in days[wanted[node] :]]
            new += leaving[held[node] :]
        made = _rebooked(made, order, group, gone, new, facts)
    return made


def promised(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts
) -> Promise | None:
    """The window for a group whose units are where `lines` say.

    Where some are sent before the others have come, it begins with the first of them. None while
    units wait and nobody knows how long.
    """
    return _reckoned(order, group, lines, facts)[0]


def revised(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts, reason: str
) -> DeliveryGroup:
    """The group with the window in which units that are where `lines` say can come, if that is
    later than the present one. The first one stays on record."""
    window, present = promised(order, group, lines, facts), group.present_promise
    if window is not None and present is not None and window.latest <= present.latest:
        return group
    if window is None and present is None and group.revisions:
        return group
    return replace(group, revisions=(*group.revisions, Revision(facts.now, window, reason)))


def revision_told(group: DeliveryGroup) -> tuple[str, Mapping[str, Any]]:
    """The event about a group's last revision."""
    window, reason = group.present_promise, group.revisions[-1].reason
    latest = window.latest.isoformat() if window else ""
    return "promise.revised", {"group": group.id, "latest": latest, "reason": reason}


def _reckoned(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts
) -> tuple[Promise | None, tuple[Slot, ...]]:
    """A group's window, and the capacity that it counts on, a day of the node for each parcel: of
    two that leave a node, each finds what the other has left of its days. Of a node or a service
    that the shop has no more nobody can tell when."""
    leaving, service = _leaving(order, group, lines, facts), _service(group, facts)
    if not leaving or service is None or any(node not in facts.shop.nodes for node, _ in leaving):
        return None, ()
    country = ""
    if group.address is not None:
        country = group.address.country
    nodes, now = facts.shop.nodes, facts.now
    store = nodes.get(group.store)
    windows: list[Promise] = []
    taken: list[Slot] = []
    for node, ready in in_turn(leaving):
        at, busy = [nodes[node]], counted(facts.busy, taken)
        windows.append(
            promise(at, service, now, ready=ready, busy=busy, country=country, store=store)
        )
        taken += slots(at, service, now, ready=ready, busy=busy, store=store)
    moments = [window.ready_by for window in windows if window.ready_by]
    begins = max if len({ready for _, ready in leaving}) == 1 else min
    window = Promise(
        begins(window.earliest for window in windows),
        max(window.latest for window in windows),
        max(moments) if len(moments) == len(windows) else None,
    )
    return window, tuple(taken)


def _service(group: DeliveryGroup, facts: Facts) -> Service | None:
    """How a group is sent; None when the shop has that service no more."""
    return facts.shop.services.get(group.service)


def _rebooked(
    made: Rebooked,
    order: Order,
    group: DeliveryGroup,
    gone: Iterable[Leaving],
    new: Iterable[Leaving],
    facts: Facts,
) -> Rebooked:
    """What was `made` so far, with one more group's days: those of parcels that are `gone` are
    given back, and `new` ones take theirs."""
    (kept, given), taken = left(group.slots, gone, sent(order, group)), list[Slot]()
    nodes, service = facts.shop.nodes, _service(group, facts)
    for node, ready in in_turn(new):
        if node not in nodes or service is None:
            continue  # nobody knows its days
        at = [nodes[node]]
        busy = counted(facts.busy, (*made.taken, *taken), (*made.given, *given))
        taken += slots(at, service, facts.now, ready=ready, busy=busy, store=nodes.get(group.store))
    changed = replace(group, slots=(*kept, *taken))
    groups = tuple(changed if each.id == group.id else each for each in made.groups)
    return Rebooked(groups, (*made.taken, *taken), (*made.given, *given))


def _leaving(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts
) -> set[tuple[str, date | None]] | None:
    """The nodes that send something, and from when on they can; None when that is not known."""
    portions = [
        portion
        for line in lines
        for portion in line.portions
        if portion.group == group.id and portion.stage != "cancelled"
    ]
    waiting = [portion for portion in portions if portion.stage == "backordered"]
    dates = [portion.due for portion in waiting if portion.due]
    if len(dates) < len(waiting):
        return None
    leaving: set[tuple[str, date | None]] = {(p.node, p.due) for p in portions if p.node}
    if waiting and order.shortage == "ship_complete":
        leaving = {(node, max(dates)) for node, _ in leaving}
    if not leaving:
        leaving = {(node.id, None) for node in serving(group, facts.shop, order.channel)[:1]}
    return leaving
