"""The promise of a delivery group: when its last unit is there, also those that have to wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from parcelway.domain.facts import Facts
from parcelway.domain.order import DeliveryGroup, Line, Order, Promise, Revision, Slot
from parcelway.domain.promise import promise, slots
from parcelway.domain.sourcing import serving


def with_promises(order: Order, lines: Sequence[Line], facts: Facts) -> tuple[DeliveryGroup, ...]:
    """The order's groups with their promises, and the capacity that each counts on: what one takes
    of a node's day is not there for the next."""
    busy, groups = dict(facts.busy), []
    for group in order.groups:
        so_far = replace(facts, busy=busy)
        taken = _counted_on(order, group, lines, so_far)
        window = promised(order, group, lines, so_far)
        groups.append(replace(group, promise=window, slots=taken))
        for slot in taken:
            busy[slot] = busy.get(slot, 0) + 1
    return tuple(groups)


def promised(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts
) -> Promise | None:
    """The window for a group whose units are where `lines` say.

    Where some are sent before the others have come, it begins with the first of them. None while
    units wait and nobody knows how long.
    """
    leaving = _leaving(order, group, lines, facts)
    if leaving is None:
        return None
    service, country = facts.shop.services[group.service], ""
    if group.address is not None:
        country = group.address.country
    nodes, now, busy = facts.shop.nodes, facts.now, facts.busy
    at = nodes.get(group.store)
    windows = [
        promise([nodes[node]], service, now, ready=ready, busy=busy, country=country, store=at)
        for node, ready in leaving
    ]
    moments = [window.ready_by for window in windows if window.ready_by]
    begins = max if len({ready for _, ready in leaving}) == 1 else min
    return Promise(
        begins(window.earliest for window in windows),
        max(window.latest for window in windows),
        max(moments) if len(moments) == len(windows) else None,
    )


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


def _counted_on(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts
) -> tuple[Slot, ...]:
    service, nodes = facts.shop.services[group.service], facts.shop.nodes
    return tuple(
        slot
        for node, ready in sorted(_leaving(order, group, lines, facts) or (), key=str)
        for slot in slots([nodes[node]], service, facts.now, ready=ready, busy=facts.busy)
    )


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
