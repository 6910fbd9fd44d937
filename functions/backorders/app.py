"""StockTable's stream, where somebody waits: what came in goes to the queue, first come first
served, and who cannot be served when promised is told another date.

A record only says where to look, and serving a queue twice changes nothing, so records may come
twice, late or out of order.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.ports import clock
from parcelway.ports.faults import discreet
from parcelway.store.database import database
from parcelway.store.items import from_item
from parcelway.store.queues import serve

logger = Logger(service="backorders")
db = cache(database)


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Serve the queues of the balances that changed.

    The mapping's filter lets balances with a queue in alone. What fails leaves as an exception, so
    that Lambda halves the batch until the record that cannot be served is alone.
    """
    for sku, node in dict.fromkeys(_place(record["dynamodb"]) for record in event["Records"]):
        served = serve(db(), sku, node, clock.now())
        if served.filled or served.redated:
            logger.info("served", sku=sku, node=node, filled=served.filled, redated=served.redated)
    return {"batchItemFailures": []}


def _place(change: dict[str, Any]) -> tuple[str, str]:
    balance = from_item({name: change["NewImage"][name] for name in ("sku", "node")})
    return balance["sku"], balance["node"]
