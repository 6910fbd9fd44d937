"""Every quarter of an hour: the provider's payments, compared with what orders know of them.

What a lost webhook would have told is told to the payment worker, which acts on what it reads
itself; what no rule can mend waits for finance. A page is done before it is marked as done, so a
run that is cut off is gone on with, and one that is made twice finds nothing more to tell. Once a
day it reviews all of the days that a hold lasts, over as many runs as that takes; then also what
orders count on being held and the provider has not, and what finance has not decided yet.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain.matching import Why
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.reconciling import (
    Progress,
    Review,
    Verdict,
    begin,
    compare,
    difference,
    differs,
    may_be_held,
    mended,
    open_item,
    reach,
    reviewed,
    reviewing,
    turned,
    unlisted,
)
from parcelway.domain.settlement import (
    Unmatched,
)
from parcelway.ports import clock
from parcelway.ports.faults import discreet, told
from parcelway.ports.gateway import gateway, payments
from parcelway.ports.payments import PaymentPage
from parcelway.store.commit import Stale
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.reconciling import (
    get_listed,
    get_progress,
    held_payments,
    known_payments,
    save_progress,
)
from parcelway.store.settlements import get_unmatched, save, unmatched
from parcelway.store.shop import NotSetUp, get_settings

logger = Logger(service="reconciler")
db = cache(database)
sqs = cache(lambda: aws.client("sqs"))

GATEWAY = "stripe"
# Of a hundred payments each, a call apiece: no more than fit into the function's time.
MOST_PAGES = 200
_FOR_THE_REVIEW = 5  # of so many pages one, however many the new payments would take


class NotCompared(Exception):
    """Some payments could not be compared; each is tried again as long as a window reaches it."""


@discreet(logger)
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Go on with the pass that was cut off, then through all that is new, then with the review;
    counts of payments compared, told to the worker, open for finance, and failed. Raises
    NotCompared."""
    counts = Counter({"compared": 0, "asked": 0, "opened": 0, "closed": 0, "failed": 0})
    try:
        _run(counts)
    except Stale:
        logger.info("somebody else is at it")
    logger.info("reconciled", **counts)
    if counts["failed"]:
        raise NotCompared
    return dict(counts)


def _run(counts: Counter[str]) -> None:
    """So many pages as one run has time for. New payments come first: they cannot wait for days."""
    back = reach(_hold())
    kept = MOST_PAGES // _FOR_THE_REVIEW
    left = iter(range(MOST_PAGES - kept))
    progress = _through(get_progress(db(), GATEWAY), left, counts)
    if progress.window is None:
        progress = _through(begin(progress, clock.now(), back), left, counts)
    _review(reviewing(progress, clock.now()), chain(left, range(kept)), counts)


def _hold() -> timedelta:
    """How long an order holds its stock at most while nobody has paid: for who sits before a form,
    or was sent a link. A shop that was never set up has no orders, but money that came in is shown
    all the same."""
    try:
        settings = get_settings(db())
    except NotSetUp:
        return timedelta(0)
    return timedelta(minutes=max(settings.hold_minutes, settings.payment_link_minutes))


def _through(progress: Progress, left: Iterator[int], counts: Counter[str]) -> Progress:
    """Compare what is left of a pass, if one is under way; each page is marked once it is done."""
    while progress.window is not None and next(left, None) is not None:
        page = payments().made(*progress.window, progress.after)
        _compare(page, counts)
        progress = turned(progress, page.next_after)
        save_progress(db(), GATEWAY, progress)
    return progress


def _review(progress: Progress, left: Iterator[int], counts: Counter[str]) -> None:
    """Go on with the review, if one is under way; each step is marked once it is done."""
    known: frozenset[str] | None = None
    while (review := progress.review) and next(left, None) is not None:
        listed: list[str] | None = None
        if review.stage == "open":
            after = _look_again_at_some(review, counts)
        elif review.stage == "listing":
            page = payments().made(review.since, review.until, review.after)
            _compare(page, counts)
            listed, after = [*page.unreadable, *may_be_held(page.payments)], page.next_after
        else:
            known = get_listed(db(), GATEWAY, review.pages) if known is None else known
            after = _miss(review, known, counts)
        progress = reviewed(progress, after)
        save_progress(db(), GATEWAY, progress, listed)


def _look_again_at_some(review: Review, counts: Counter[str]) -> str:
    """Some of what finance has not decided yet; where the next begin, '' for nowhere."""
    start = {"pk": "UNMATCHED", "sk": review.after} if review.after else None
    items, more = unmatched(db(), 100, start)
    for item in [each for each in items if each.difference]:
        with _apart(item.id, counts):
            _look_again(item, counts)
    return str(more["sk"]) if more else ""


def _miss(review: Review, listed: frozenset[str], counts: Counter[str]) -> str:
    """Some of what orders count on, and the provider has not listed; where the next begin."""
    held, after = held_payments(db(), review.after)
    for payment in unlisted(held, listed, review):
        _ask(payment.reference, payment.order_id)
        counts["asked"] += 1
    return after


def _compare(page: PaymentPage, counts: Counter[str]) -> None:
    known = known_payments(db(), page.payments)
    for reference in page.unreadable:
        counts["failed"] += 1
        logger.error("unreadable", payment=reference)
    for seen in page.payments:
        counts["compared"] += 1
        if differs(known.get(seen.reference), seen, clock.now()):
            with _apart(seen.reference, counts):
                _look_at(seen, counts)


@contextmanager
def _apart(name: str, counts: Counter[str]) -> Iterator[None]:
    """One payment that cannot be compared must not stop all others."""
    try:
        yield
    except Stale:
        logger.info("somebody else is at it", about=name)
    except Exception as error:
        counts["failed"] += 1
        logger.error("not compared", about=name, **told(error))


def _look_at(listed: GatewayPayment, counts: Counter[str]) -> None:
    """Do what is to be done about a payment that seems to differ."""
    verdict, dossier, seen = _judged(listed.order_id, listed.reference)
    if verdict == "ask":
        _ask(seen.reference, seen.order_id)
        counts["asked"] += 1
    elif verdict != "agrees":
        counts["opened"] += _opened(verdict, dossier, seen)


def _judged(order_id: str, reference: str) -> tuple[Verdict, Dossier | None, GatewayPayment]:
    """The order is read first, then the provider, so what is seen there is never older."""
    dossier = get_dossier(db(), order_id)
    seen = gateway("card").retrieve(reference)
    order, payment = (dossier.order, dossier.payment(reference)) if dossier else (None, None)
    return compare(order, payment, seen, clock.now()), dossier, seen


def _opened(why: Why, dossier: Dossier | None, seen: GatewayPayment) -> bool:
    """Have finance see it; whether it is new. What was decided once is not asked again."""
    payment = dossier.payment(seen.reference) if dossier else None
    item = difference(why, payment, seen, clock.now())
    if get_unmatched(db(), item.id) is not None:
        return False
    save(db(), open_item(item), clock.now())
    logger.error("differs", payment=seen.reference, order=seen.order_id, why=why)
    return True


def _ask(reference: str, order_id: str) -> None:
    """Have the payment worker bring a payment and its order into line."""
    logger.info("ask", payment=reference, order=order_id)
    message = json.dumps({"payment": reference, "order": order_id})
    sqs().send_message(QueueUrl=os.environ["PAYMENTS_QUEUE_URL"], MessageBody=message)


def _look_again(item: Unmatched, counts: Counter[str]) -> None:
    """Take out of finance's queue what has come right by itself."""
    about = item.difference
    assert about is not None
    verdict, _, seen = _judged(about.order_id, about.payment)
    if verdict == "ask":
        _ask(seen.reference, seen.order_id)
    if verdict in ("agrees", "ask"):
        save(db(), mended(item), clock.now())
        counts["closed"] += 1
