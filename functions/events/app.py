"""OrdersTable's stream to the event bus: every event item that a commit wrote, in order."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain.order import Event
from parcelway.ports.bus import EventBridge
from parcelway.ports.faults import discreet
from parcelway.store.codec import decode
from parcelway.store.items import from_item

logger = Logger(service="events")
bus = cache(lambda: EventBridge(aws.client("events"), os.environ["EVENT_BUS"]))


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Publish a batch; the stream goes on from the first record that did not get through.

    The mapping's filter lets only new EVT# items in.
    """
    records = [record["dynamodb"] for record in event["Records"]]
    events = [decode(Event, from_item(record["NewImage"])["event"]) for record in records]
    published = bus().publish(events)
    if published == len(events):
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": records[published]["SequenceNumber"]}]}
