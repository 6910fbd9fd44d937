"""Holds of money that end: when to look at them, so that nothing is lost by that.

A bank holds money for some days (docs.stripe.com/payments/place-a-hold-on-a-payment-method). A day
before that is over, what is owed is taken (`capturing`). When it is over, the provider is asked how
things are, in case its word got lost; what the shop is about to give away has its money held anew
then (`dues`). It is not held twice in between: that would lock up twice the sum at the customer's
bank. Goods that are still to come need no money before they are there, so a hold that lapses
meanwhile is not renewed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from parcelway.domain.decision import Decision
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import Payment

# So long before a hold lapses what is owed is taken from it, even if its rest is lost by that.
BEFORE_LAPSE = timedelta(hours=24)
# So long after a hold has lapsed the provider's word of it is there, or will never be.
_HEARD = timedelta(minutes=15)


def watched(order: Order, before: Payment | None, known: Payment) -> Mapping[str, datetime]:
    """The order's `lapses` with the payment that is now as `known`."""
    number = str(known.number)
    others = {key: at for key, at in order.lapses.items() if key != number}
    if known.status != "authorized" or not known.counts or known.capture_before is None:
        return others
    if before is None or before.capture_before != known.capture_before:
        return {**others, number: known.capture_before - BEFORE_LAPSE}
    return order.lapses


def see_to(order: Order, payments: Sequence[Payment], now: datetime) -> Decision | None:
    """Have the order's payments looked at when it is time for one of them, and once more when its
    hold is over. None before that."""
    due = [number for number, at in order.lapses.items() if at <= now]
    if order.state != "confirmed" or not due:
        return None
    ends = {str(payment.number): payment.capture_before for payment in payments}
    next_looks = {number: at for number, at in order.lapses.items() if number not in due}
    for number in due:
        end = ends.get(number)
        if end is not None and order.lapses[number] < end:
            next_looks[number] = end + _HEARD
    after = advance(order, lapses=next_looks)
    told = [("payment.lapsing", {"payment": int(number)}) for number in due]
    return Decision(after, events(after, now, SYSTEM, *told))
