"""The writer of invoices: all that left in the last moment, one number after the other."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from botocore.config import Config
from parcelway.ports import clock
from parcelway.ports.messages import consume_together
from parcelway.store.database import database
from parcelway.store.issuing import Asked, issue_invoices

logger = Logger(service="invoicing")
# What is sent comes from our own store; to have it looked through would be a quarter of the time.
db = cache(lambda: database(Config(parameter_validation=False)))


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Issue the invoices that a batch of InvoicesQueue asks for.

    One that cannot be issued takes no number: its message comes again, in the end among the dead
    letters. One that was issued before is done.
    """
    return consume_together(event, logger, _asked, _issue)


def _asked(body: dict[str, Any]) -> Asked:
    if "detail" in body:  # the event of a sale over the counter, which nobody waits for
        detail = body["detail"]
        return Asked(str(detail["order_id"]), str(detail["data"]["shipment"]))
    return Asked(str(body["order_id"]), str(body["shipment_id"]))


def _issue(asked: list[Asked]) -> dict[Asked, Exception]:
    failed = issue_invoices(db(), asked, clock.now)
    logger.info("invoices", asked=len(asked), failed=len(failed))
    return failed
