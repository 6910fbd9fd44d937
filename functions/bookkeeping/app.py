"""Once a day: what postings of each month come to is kept, so that nobody reads them all again; and
goods that stand at another cost than their products' are revalued."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain.books import period_of, periods
from parcelway.ports import clock
from parcelway.ports.faults import discreet
from parcelway.store.commit import Busy, Stale
from parcelway.store.database import database
from parcelway.store.ledger import first_period, fold
from parcelway.store.revaluing import noted, watch

logger = Logger(service="bookkeeping")
db = cache(database)


@discreet(logger)
def handler(_event: dict[str, Any], _context: Any) -> dict[str, list[str]]:
    """Fold every month that has postings not counted yet; which they were. What fails is left to
    the next run: a trial balance then reads more, and says the same."""
    now = clock.now()
    known = periods(first_period(db(), now), period_of(now))
    folded = [period for period in known if fold(db(), period, now)]
    logger.info("folded", periods=folded)
    return {"folded": folded, "revalued": _revalued(now)}


def _revalued(now: datetime) -> list[str]:
    """The SKUs of which units stood at another cost."""
    revalued = []
    for recosted in noted(db()):
        try:
            if watch(db(), recosted, now):
                revalued.append(recosted.sku)
        except (Busy, Stale):
            logger.warning("not revalued", sku=recosted.sku)
    logger.info("revalued", skus=revalued)
    return revalued
