"""When an order must be looked after, if nothing else happens to it until then.

An order under way that nothing was heard of for QUIET, while we have something to do for it, or for
PATIENCE, while people have, for whom the state machine waits as long: something may have got lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from parcelway.domain.dues import asked_of_card, overpaid, pay_until
from parcelway.domain.line import DONE, GONE
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.status import ready
from parcelway.domain.term import next_look

QUIET = timedelta(minutes=30)
PATIENCE = timedelta(days=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HANDED_OVER = {"released", "packed", *GONE, *DONE}


def due_at(order: Order, now: datetime) -> datetime | None:
    """When somebody must look after the order if nothing else happens to it."""
    if order.state in ("draft", "placed"):
        return order.hold_until
    if order.state == "confirmed":
        unpaid = [until for until in [pay_until(order)] if until is not None and until > now]
        looks = [*order.uncollected.values(), *order.lapses.values(), *unpaid, *_reminders(order)]
        return min([_quiet_until(order, now), *looks])
    open_ = bool(order.card) or _money_open(order)  # a card that is still to be deleted
    soon = [_round_up(now + QUIET, QUIET)] if open_ else []
    return min([*soon, *_reminders(order)], default=None)


def _reminders(order: Order) -> list[datetime]:
    return [at for at in [next_look(order.terms, order.owed.minor)] if at is not None]


def _quiet_until(order: Order, now: datetime) -> datetime:
    """Until when it is no wonder that nothing is heard of a confirmed order."""
    if asked_of_card(order):
        return _round_up(now + QUIET, QUIET)
    if _with_people(order):
        return _round_up(now + PATIENCE, timedelta(days=1))
    return _expected(order, now) or _round_up(now + QUIET, QUIET)


def _expected(order: Order, now: datetime) -> datetime | None:
    """When to look at an order that only waits for goods, or for people besides: tomorrow, in case
    another node has got them, and on the day of its launch. A receipt where it waits sets it going
    at once."""
    days = [p.due for line in order.lines for p in line.portions if p.stage == "backordered"]
    stages = {portion.stage for line in order.lines for portion in line.portions}
    held = set() if ready(order) else {"reserved"}
    if not days or not stages <= _HANDED_OVER | {"backordered"} | held:
        return None
    tomorrow = _round_up(now + timedelta(seconds=1), timedelta(days=1))
    starts = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days if day]
    return min([tomorrow, *(start for start in starts if start > now)])


def _round_up(moment: datetime, step: timedelta) -> datetime:
    """The next whole `step`: commits soon after each other then share a due time, and only the
    first of them has to write the index."""
    return moment - (moment - _EPOCH) % -step


def _with_people(order: Order) -> bool:
    """Whether the next move is the warehouse's or the carrier's, and nothing is left for us to do:
    to schedule, to release, to capture what has left, to close."""
    stages = {portion.stage for line in order.lines for portion in line.portions}
    if not stages <= _HANDED_OVER or stages <= set(DONE) or _overpaid(order):
        return False
    return not stages & set(GONE) or 0 < order.authorized == order.captured


def _overpaid(order: Order) -> bool:
    captured, refunded = (Money(each, order.currency) for each in (order.captured, order.refunded))
    return bool(overpaid(order, captured, refunded))


def _money_open(order: Order) -> bool:
    """Whether an order that ended still has, or may come to have, money that is not its own: also
    by a payment that its customer could still complete."""
    if order.state == "closed":
        return _overpaid(order)
    if order.state not in ("cancelled", "expired"):
        return False
    kept = order.captured > order.refunded + order.charged_back
    return kept or order.authorized > order.captured or order.open_payments > 0
