"""Looking into the sample shop: its items, counters and queues."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from infra.local.stack import Stack

SAMPLE = Path(__file__).parent / "sample" / "template.yaml"


def item(stack: Stack, pk: str, sk: str) -> dict[str, Any] | None:
    """An item of the sample's table, values without their types."""
    found = stack.client("dynamodb").get_item(
        TableName=stack.resource("OrdersTable"), Key={"pk": {"S": pk}, "sk": {"S": sk}}
    )
    if "Item" not in found:
        return None
    return {name: next(iter(value.values())) for name, value in found["Item"].items()}


def count(stack: Stack, pk: str, sk: str) -> int:
    """A counter of the sample's handlers, 0 if it was never touched."""
    return int((item(stack, pk, sk) or {"n": 0})["n"])


def receive(stack: Stack, queue: str) -> list[dict[str, Any]]:
    """All messages of a queue, taken and deleted; bodies parsed."""
    sqs, url = stack.client("sqs"), stack.resource(queue)
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def put_event(stack: Stack, kind: str, detail: dict[str, Any]) -> None:
    """Write an event item: stream -> relay -> bus."""
    stack.client("dynamodb").put_item(
        TableName=stack.resource("OrdersTable"),
        Item={
            "pk": {"S": f"ORD#{detail['order']}"},
            "sk": {"S": f"EVT#{uuid.uuid4()}"},
            "type": {"S": kind},
            "detail": {"S": json.dumps(detail)},
        },
    )
