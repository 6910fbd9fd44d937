"""When an order will arrive: a window of dates, from the node's calendar and the carrier's days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from parcelway.domain.order import Promise
from parcelway.domain.shop import Node, Service


def promise(nodes: Sequence[Node], service: Service, now: datetime) -> Promise:
    """The window in which everything is there, when it leaves from `nodes` by `service`.

    The slowest node decides. Dates are local to the node the goods leave from, which for pick-up
    is the store itself. Raises ValueError without nodes.
    """
    leaves = max(_handed_over(node, now) for node in nodes)
    fewest, most = service.transit_days
    return Promise(leaves + timedelta(days=fewest), leaves + timedelta(days=most))


def _handed_over(node: Node, now: datetime) -> date:
    """The day on which a node hands an order of `now` to the carrier: its cut-off, then its
    processing days, counted in its working days."""
    from zoneinfo import ZoneInfo  # slow to import, and most requests promise nothing

    local = now.astimezone(ZoneInfo(node.time_zone))
    day = local.date()
    if local.time() >= node.cut_off_time:
        day += timedelta(days=1)
    day = _working(node, day)
    for _ in range(node.processing_days):
        day = _working(node, day + timedelta(days=1))
    return day


def _working(node: Node, day: date) -> date:
    for offset in range(7):
        candidate = day + timedelta(days=offset)
        if candidate.weekday() in node.working_days:
            return candidate
    raise ValueError(f"node {node.id} never works")
