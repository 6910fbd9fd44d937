"""Every minute: holds that are over are taken back, pick-ups nobody comes for are reminded of and
then given up, orders gone quiet are looked after, and stock balances that were split for a crowd
are put together again once it has gone.

An order is quiet when something must still happen and nothing did for a while, perhaps because an
event was lost on its way. What was not published twice yet is published again, and so is, each
time, the event that sets everything in motion: that is harmless, as every consumer acts on the
order's state, not on having been told.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain import pickup
from parcelway.domain.attention import QUIET
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.ports import clock
from parcelway.ports.bus import EventBridge
from parcelway.ports.faults import discreet, told
from parcelway.store.commit import Busy, Stale
from parcelway.store.database import database
from parcelway.store.orders import Dossier, Due, due_orders, get_dossier, postpone, save
from parcelway.store.queues import look_elsewhere, serve, waits_of
from parcelway.store.selling import lapse_order
from parcelway.store.shards import calm, merge
from parcelway.store.shop import load_shop

logger = Logger(service="sweeper")
db = cache(database)
bus = cache(lambda: EventBridge(aws.client("events"), os.environ["EVENT_BUS"]))

_LONGEST = 48 * QUIET  # pauses double up to this while an order stays quiet
# Whoever hears one of these looks at all that must happen to the order.
_SET_IN_MOTION = (
    "order.confirmed",
    "order.replenished",
    "order.replanned",
    "order.cancelled",
    "order.expired",
)


@discreet(logger)
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Sweep once; counts of holds taken back, pick-ups seen to, orders nudged, stock balances
    merged, orders left for later, orders that failed."""
    counts = {"lapsed": 0, "seen_to": 0, "nudged": 0, "merged": 0, "left": 0, "failed": 0}
    served: set[tuple[str, str]] = set()  # queues: many orders of one may be due on the same day
    for due in due_orders(db(), clock.now()):
        try:
            counts[_sweep(due, served)] += 1
        except (Busy, Stale):
            counts["left"] += 1  # somebody else is at it
        except Exception as error:  # one order that cannot be read must not stop all others
            counts["failed"] += 1
            logger.error("not swept", order=due.order_id, **told(error))
    for split in calm(db(), clock.now()):
        with suppress(Busy, Stale):  # there is somebody after all
            merge(db(), split.sku, split.node, split.crowded_at)
            counts["merged"] += 1
    logger.info("swept", **counts)
    return counts


def _sweep(due: Due, served: set[tuple[str, str]]) -> str:
    now = clock.now()
    if lapse_order(db(), due.order_id, now):
        return "lapsed"
    dossier = get_dossier(db(), due.order_id)
    if dossier is None:
        return "left"
    if _sees_to_pickups(dossier, now):
        return "seen_to"
    for queue in waits_of(dossier.order):
        if queue not in served:
            serve(db(), *queue, now)
            served.add(queue)
    if waits_of(dossier.order) and look_elsewhere(db(), due.order_id, now):
        return "nudged"  # its new event says the rest
    events = dossier.events
    motion = [event.sequence for event in events if event.type in _SET_IN_MOTION][-1:]
    again = [e for e in events if e.sequence > dossier.order.told_again or e.sequence in motion]
    if bus().publish(again) < len(again):
        return "left"
    quiet_for = now - max((event.at for event in events), default=_since(dossier.order))
    last = max((event.sequence for event in events), default=0)
    next_look = now + min(max(quiet_for, QUIET), _LONGEST)
    calls = [at for at in dossier.order.uncollected.values() if at > now]
    postpone(db(), due, min([next_look, *calls]), last)
    return "nudged"


def _sees_to_pickups(dossier: Dossier, now: datetime) -> bool:
    """Remind of a pick-up or give it up, one at a time; whether there was one to see to. Whoever
    collects it at the same moment is either first, or too late."""
    if not dossier.order.uncollected:
        return False
    facts = Facts(load_shop(db()), now)
    decision = pickup.see_to(dossier.order, dossier.shipments, facts)
    if decision is None:
        return False
    save(db(), decision, now)
    return True


def _since(order: Order) -> Any:
    return order.placed_at or order.created_at
