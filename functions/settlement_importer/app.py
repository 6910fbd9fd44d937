"""What the provider paid out, taken into the books; and once a day what is still open.

Consumes payouts from the webhook. The sweep sends those on whose webhook was lost, or that were
refused and may be right by now; has the orders of unmatched movements looked at again, whose own
webhook may have been lost; and books what they know of since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain.matching import Known
from parcelway.domain.money import Money
from parcelway.domain.payout import BalanceTransaction, Payout
from parcelway.domain.settlement import (
    Settlement,
    Unmatched,
    Whole,
    begin,
    come_back,
    finish,
    rematch,
    take_in,
    whole,
)
from parcelway.domain.shop import Settings
from parcelway.ports import clock
from parcelway.ports.faults import discreet
from parcelway.ports.gateway import settlements
from parcelway.ports.messages import consume
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.settlements import (
    get_settlement,
    get_unmatched,
    read_known,
    save,
    unmatched,
)
from parcelway.store.shop import load_shop

logger = Logger(service="settlement_importer")
db = cache(database)
sqs = cache(lambda: aws.client("sqs"))

# Of a movement up to six items are written, and a transaction takes a hundred.
BATCH = 15
# Stripe gives up on a webhook after three days; a payout may fail for five more.
LOOKED_BACK = timedelta(days=14)


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle a batch of SettlementsQueue, or the daily sweep."""
    if "Records" in event:
        return consume(event, logger, lambda message: _take_in(message["payout"]))
    return _sweep()


def _take_in(payout_id: str) -> None:
    """Book a payout, or go on with it; one that cannot be itemised yet will be told of again."""
    seen = settlements().payout(payout_id)
    if seen.itemised == "not_yet" or seen.status in ("pending", "in_transit"):
        return
    settings = load_shop(db()).settings
    until_fresh(lambda: _begin(seen, settings))
    while until_fresh(lambda: _one_batch(payout_id, settings.books_unassigned)):
        pass
    until_fresh(lambda: _come_back(seen))


def _begin(seen: Payout, settings: Settings) -> None:
    known = get_settlement(db(), seen.id)
    if known is not None and known.state != "refused":
        return
    made_of = _added_up(seen, settings.books_unassigned)
    booking = begin(seen, known, made_of, settings)
    if booking is not None:
        save(db(), booking, clock.now())
        if booking.after is not None:
            logger.info("begun", payout=seen.id, state=booking.after.state)


def _added_up(seen: Payout, unassigned: bool) -> Whole:
    made_of, after, more = Whole(Money(0, seen.amount.currency)), "", seen.itemised == "yes"
    while more:
        page = settlements().transactions(seen.id, after, 100)
        failures = _failures(page.transactions)
        facts = read_known(db(), failures) if failures else Known()
        made_of = whole(page.transactions, facts, made_of, unassigned)
        more = page.more
        after = page.transactions[-1].id if page.transactions else after
    return made_of


def _failures(page: Sequence[BalanceTransaction]) -> list[BalanceTransaction]:
    """Money of payouts that did not arrive. They are seen to before it: who tells of them may come
    later."""
    failures = [each for each in page if each.kind == "payout_failure"]
    for each in failures:
        _take_in(each.source)
    return failures


def _one_batch(payout_id: str, unassigned: bool) -> bool:
    """Book the next movements, or that there are no more; whether there may be more to do."""
    known = get_settlement(db(), payout_id)
    if known is None or known.state != "importing":
        return False
    now = clock.now()
    page = settlements().transactions(payout_id, known.cursor, BATCH)
    if not page.transactions:
        save(db(), finish(known, now), now)
        return False
    _failures(page.transactions)
    facts = read_known(db(), page.transactions)
    save(db(), take_in(known, page.transactions, facts, now, unassigned), now)
    return True


def _come_back(seen: Payout) -> None:
    known, now = get_settlement(db(), seen.id), clock.now()
    booking = come_back(known, seen, now) if known else None
    if booking is not None:
        save(db(), booking, now)


def _sweep() -> dict[str, int]:
    counts = {"sent": 0, "matched": 0, "waiting": 0}
    for seen in settlements().since(clock.now() - LOOKED_BACK):
        known = get_settlement(db(), seen.id)
        if known is None or _open(known, seen):
            _send("SETTLEMENTS_QUEUE_URL", {"payout": seen.id})
            counts["sent"] += 1
    items, more = unmatched(db(), 100, None)
    while items:
        for item in items:
            counts["matched" if _looked_at(item) else "waiting"] += 1
        items, more = unmatched(db(), 100, more) if more else ([], None)
    logger.info("swept", **counts)
    return counts


def _open(known: Settlement, seen: Payout) -> bool:
    failed = seen.status == "failed" and known.state == "settled"
    return known.state in ("importing", "refused") or failed


def _looked_at(item: Unmatched) -> bool:
    """Book an unmatched movement if its order knows of it by now; else have that looked at."""
    each = item.transaction
    if each is None:
        return False
    if until_fresh(lambda: _matched(item.id)):
        return True
    if each.order_id:
        told = {"payment": each.payment, "order": each.order_id, "about": "dispute"}
        _send("PAYMENTS_QUEUE_URL", told)
    return False


def _matched(item_id: str) -> bool:
    item = get_unmatched(db(), item_id)
    if item is None or item.resolution is not None or item.transaction is None:
        return True  # somebody was faster
    known, now = get_settlement(db(), item.payout), clock.now()
    if known is None:
        raise LookupError(f"{item.payout} is not there")
    booking = rematch(item, known, read_known(db(), [item.transaction]), now)
    if booking is not None:
        save(db(), booking, now)
    return booking is not None


def _send(queue: str, message: dict[str, str]) -> None:
    sqs().send_message(QueueUrl=os.environ[queue], MessageBody=json.dumps(message))
