"""Every minute: holds that are over are taken back, pick-ups nobody comes for are reminded of and
then given up, invoices on account are reminded of, payments are looked at before they lapse, what
had to be paid anew and was not is cancelled, orders gone quiet are looked after, and stock balances
that were split for a crowd are put together again once it has gone, the orders of merged customers
follow, and people who are to be forgotten are.

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
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError
from parcelway import aws
from parcelway.domain import dunning, lapsing, pickup
from parcelway.domain.attention import QUIET
from parcelway.domain.cancellation import give_up
from parcelway.domain.dues import pay_until
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.ports import clock
from parcelway.ports.bus import EventBridge
from parcelway.ports.faults import discreet, told
from parcelway.store.codec import iso
from parcelway.store.commit import Busy, Stale
from parcelway.store.database import database
from parcelway.store.erasures import due_erasures
from parcelway.store.mergers import entries
from parcelway.store.orders import Dossier, Due, due_orders, get_dossier, postpone
from parcelway.store.queues import look_elsewhere, serve, waits_of
from parcelway.store.saving import save
from parcelway.store.selling import lapse_order
from parcelway.store.shards import calm, merge
from parcelway.store.shop import load_shop

if TYPE_CHECKING:
    from parcelway.domain.erasing import Login
    from parcelway.ports.identity import Logins

logger = Logger(service="sweeper")
db = cache(database)
bus = cache(lambda: EventBridge(aws.client("events"), os.environ["EVENT_BUS"]))


@cache
def identity() -> Logins:
    """The user pool; hardly any sweep needs it."""
    from parcelway.ports.user_pool import user_pool

    return user_pool()


_MOST_FOLLOWING = 200  # orders of merged customers that one sweep moves
_MOST_ERASED = 50  # orders of one of them, in a sweep
_LONGEST = 48 * QUIET  # pauses double up to this while an order stays quiet
# Whoever hears one of these looks at all that must happen to the order.
_SET_IN_MOTION = (
    "order.confirmed",
    "order.sold",
    "order.replenished",
    "order.replanned",
    "order.units_cancelled",
    "order.funded",
    "order.cancelled",
    "order.expired",
)


@discreet(logger)
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Sweep once; counts of holds taken back, pick-ups seen to, orders nudged, stock balances
    merged, what was left for later, what failed, orders that followed a merged customer, and what
    was erased of people."""
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
            _put_off(due)
    for split in calm(db(), clock.now()):
        with suppress(Busy, Stale):  # there is somebody after all
            merge(db(), split.sku, split.node, split.crowded_at)
            counts["merged"] += 1
    counts["followed"] = _follow(counts)
    counts["erased"] = _forget()
    logger.info("swept", **counts)
    return counts


def _follow(counts: dict[str, int]) -> int:
    """Have the orders of merged customers follow; the next sweep goes on where this one stops."""
    found = entries(db(), clock.now())
    if not found:
        return 0
    from parcelway.store.merging import sweep  # hardly any sweep needs it

    done = sweep(db(), found, clock.now(), _MOST_FOLLOWING)
    for named, error in done.failed.items():
        logger.error("not followed", of=named, **told(error))
    counts["failed"] += len(done.failed)
    counts["left"] += done.left
    return done.moved


def _forget() -> int:
    """Go on with forgetting people; what fails for one does not keep the others waiting."""
    found, erased = due_erasures(db(), iso(clock.now())), 0
    if not found:
        return 0
    from parcelway.store.erasing import proceed  # hardly any sweep needs it

    for item in found:
        try:
            erased += proceed(db(), _delete, item, clock.now(), _MOST_ERASED)
        except (Busy, Stale):
            continue  # somebody else is at it
        except Exception as error:
            logger.error("not erased", erasure=item["sk"], **told(error))
    return erased


def _delete(login: Login) -> bool:
    """Delete a login, whatever its address is now, and not one that somebody has got for the same
    address since; whether there was one. Raises IdentityUnavailable."""
    # Erasures that were begun by an earlier version name records that never had a login.
    known = identity().find_subject(login.subject) if login.subject else None
    if known is None:
        return False
    identity().forget(known)
    return True


def _put_off(due: Due) -> None:
    """What fails each time comes again later: it must not take the place of those that are due
    after it, of which a sweep sees only so many."""
    try:
        postpone(db(), due, clock.now() + QUIET)
    except (Busy, Stale, ClientError, BotoCoreError) as error:
        logger.warning("not put off", order=due.order_id, **told(error))


def _sweep(due: Due, served: set[tuple[str, str]]) -> str:
    now = clock.now()
    if lapse_order(db(), due.order_id, now):
        return "lapsed"
    dossier = get_dossier(db(), due.order_id)
    if dossier is None:
        return "left"
    if any(see_to(dossier, now) for see_to in (_pickups, _gives_up, _lapse, _reminds)):
        return "seen_to"
    for queue in waits_of(dossier.order):
        if queue not in served:
            for order_id, error in serve(db(), *queue, now).failed.items():
                logger.error("not served", order=order_id, **told(error))
            served.add(queue)
    if waits_of(dossier.order) and look_elsewhere(db(), due.order_id, now):
        return "nudged"  # its new event says the rest
    events = dossier.events
    motion = [event.sequence for event in events if event.type in _SET_IN_MOTION][-1:]
    for kind in ("payment.due", "payment.card_released"):
        motion += [event.sequence for event in events if event.type == kind][-1:]
    again = [e for e in events if e.sequence > dossier.order.told_again or e.sequence in motion]
    if bus().publish(again) < len(again):
        return "left"
    quiet_for = now - max((event.at for event in events), default=_since(dossier.order))
    last = max((event.sequence for event in events), default=0)
    next_look = now + min(max(quiet_for, QUIET), _LONGEST)
    order = dossier.order
    calls = [at for at in (*order.uncollected.values(), *order.lapses.values()) if at > now]
    later = [pay_until(order), dunning.next_look(order)]
    calls += [at for at in later if at is not None and at > now]
    postpone(db(), due, min([next_look, *calls]), last)
    return "nudged"


def _pickups(dossier: Dossier, now: datetime) -> bool:
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


def _gives_up(dossier: Dossier, now: datetime) -> bool:
    """Cancel what was to be paid anew and was not; whoever pays at the same moment is either first,
    or gets the money back."""
    decision = give_up(dossier.order, dossier.shipments, now)
    if decision is None:
        return False
    save(db(), decision, now)
    return True


def _lapse(dossier: Dossier, now: datetime) -> bool:
    """Have what is owed taken from a hold that is about to lapse, and look whether one has."""
    decision = lapsing.see_to(dossier.order, dossier.payments, now)
    if decision is None:
        return False
    save(db(), decision, now)
    return True


def _reminds(dossier: Dossier, now: datetime) -> bool:
    """Remind of an invoice that falls due, or is overdue; whoever pays at the same moment is either
    first, or has no such mail any more when it is about to be sent."""
    decision = dunning.see_to(dossier.order, now)
    if decision is None:
        return False
    save(db(), decision, now)
    return True


def _since(order: Order) -> Any:
    return order.placed_at or order.created_at
