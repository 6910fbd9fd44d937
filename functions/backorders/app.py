"""StockTable's stream. Where somebody waits: what came in goes to the queue, first come first
served, and who cannot be served when promised is told another date. Where a balance has a reorder
point: the shop's people are told when it becomes low and when it runs out.

A record only says where to look, and looking twice changes nothing, so records may come twice, late
or out of order. One function for both: a stream takes two consumers, and search is the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.ports import clock
from parcelway.ports.faults import discreet, told
from parcelway.store.alerts import look_at
from parcelway.store.database import database
from parcelway.store.items import from_item
from parcelway.store.queues import serve

logger = Logger(service="backorders")
db = cache(database)


class Unserved(Exception):
    """Orders that it was the turn of could not be served; the log names them."""


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Serve the queues of the balances that changed, and look at their reorder points.

    The mapping's filters let balances with either in alone. What fails leaves as an exception, so
    that Lambda halves the batch until the record that cannot be served is alone, and its dead
    letter calls somebody. So does one order of a queue, once all others have been served.
    """
    failed = 0
    changed = [_balance(record["dynamodb"]) for record in event["Records"]]
    for sku, node in _places(each for each in changed if each.get("backordered")):
        served = serve(db(), sku, node, clock.now())
        for order_id, error in served.failed.items():
            failed += 1
            logger.error("not served", order=order_id, sku=sku, node=node, **told(error))
        if served.filled or served.redated:
            logger.info("served", sku=sku, node=node, filled=served.filled, redated=served.redated)
    for sku, node in _places(each for each in changed if "reorder_point" in each):
        alert = look_at(db(), sku, node, clock.now())
        if alert is not None:
            logger.info(alert.kind, sku=sku, node=node, available=alert.available)
    if failed:
        raise Unserved
    return {"batchItemFailures": []}


def _balance(change: dict[str, Any]) -> dict[str, Any]:
    image = change["NewImage"]
    names = ("sku", "node", "backordered", "reorder_point")
    return from_item({name: image[name] for name in names if name in image})


def _places(balances: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((each["sku"], each["node"]) for each in balances))
