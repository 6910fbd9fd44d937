"""Every minute: holds that are over are taken back, and orders gone quiet are looked after.

An order is quiet when something must still happen and nothing did for a while, perhaps because an
event was lost on its way. Its events are then published again, which is harmless: every consumer
acts on the order's state, not on having been told.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from parcelway.domain.order import Order
from parcelway.ports import clock
from parcelway.ports.bus import EventBridge
from parcelway.store.commit import Busy, Stale
from parcelway.store.database import database
from parcelway.store.orders import QUIET, Due, due_orders, get_dossier, postpone
from parcelway.store.selling import lapse_order

logger = Logger(service="sweeper")
db = cache(database)
bus = cache(lambda: EventBridge(boto3.client("events"), os.environ["EVENT_BUS"]))

_LONGEST = 16 * QUIET  # pauses double up to this while an order stays quiet


def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Sweep once; counts of holds taken back, orders nudged, left for later, failed."""
    counts = {"lapsed": 0, "nudged": 0, "left": 0, "failed": 0}
    for due in due_orders(db(), clock.now()):
        try:
            counts[_sweep(due)] += 1
        except (Busy, Stale):
            counts["left"] += 1  # somebody else is at it
        except Exception as error:  # one order that cannot be read must not stop all others
            counts["failed"] += 1
            logger.error("not swept", order=due.order_id, error=type(error).__name__)
    logger.info("swept", **counts)
    return counts


def _sweep(due: Due) -> str:
    now = clock.now()
    if lapse_order(db(), due.order_id, now):
        return "lapsed"
    dossier = get_dossier(db(), due.order_id)
    if dossier is None:
        return "left"
    published = bus().publish(dossier.events)
    if published < len(dossier.events):
        return "left"
    quiet_for = now - max((event.at for event in dossier.events), default=_since(dossier.order))
    postpone(db(), due, now + min(max(quiet_for, QUIET), _LONGEST))
    return "nudged"


def _since(order: Order) -> Any:
    return order.placed_at or order.created_at
