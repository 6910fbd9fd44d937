"""The promise of a delivery group: when its last unit is there, also those that have to wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from parcelway.domain.facts import Facts
from parcelway.domain.order import DeliveryGroup, Line, Order, Promise
from parcelway.domain.promise import promise
from parcelway.domain.sourcing import serving


def promised(
    order: Order, group: DeliveryGroup, lines: Sequence[Line], facts: Facts
) -> Promise | None:
    """The window for a group whose units are where `lines` say.

    Where some are sent before the others have come, it begins with the first of them. None while
    units wait and nobody knows how long.
    """
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
    together = order.shortage == "ship_complete" or not waiting
    if waiting and together:
        leaving = {(node, max(dates)) for node, _ in leaving}
    if not leaving:
        leaving = {(node.id, None) for node in serving(group, facts.shop, order.channel)[:1]}
    service, country = facts.shop.services[group.service], ""
    if group.address is not None:
        country = group.address.country
    windows = [
        promise([facts.shop.nodes[node]], service, facts.now, ready=ready, country=country)
        for node, ready in leaving
    ]
    begins = max if together else min
    return Promise(
        begins(window.earliest for window in windows),
        max(window.latest for window in windows),
        max((window.ready_by for window in windows if window.ready_by), default=None),
    )
