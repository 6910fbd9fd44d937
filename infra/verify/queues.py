"""Each queue against its balance: who can be served has been, and who cannot knows until when.

That every place is its order's, and that all places together are what the balance counts, follows
from the look-ups and from what orders hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from parcelway.store.database import Database
from parcelway.store.queues import queue_at

from infra.verify.finding import Break, found
from infra.verify.stock import Place, name_of
from infra.verify.tables import Care


def queue_breaks(db: Database, place: Place, now: datetime, care: Care) -> Iterator[Break]:
    """What a queue shows by itself; nothing while it keeps changing. What a new day brings (a
    launch, a supply that is given up) has the grace to be told."""
    today = (now - care.grace).date()
    queue = queue_at(db, *place, today)
    if queue is None:
        return
    if queue.unserved:
        told = f"{queue.balance.free} are free, and {queue.places[0].order_id} waits for them"
        yield found("queue.unserved", name_of(place), told)
        return
    for waits, new in queue.news(today):
        days = ", ".join(f"{units} on {day or 'no known day'}" for units, day in new)
        told = f"{waits.order_id} does not know that it gets {days}"
        yield found("queue.untold", name_of(place), told)
