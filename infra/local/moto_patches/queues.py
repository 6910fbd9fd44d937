"""Reading a queue straight from moto, and telling the pumps when it has something."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.models import Message, Queue, sqs_backends

from infra.local.moto_patches import locks
from infra.local.patching import Patches

_IN_FLIGHT_SECONDS = 12 * 3600
"""While a function works on a message nobody else gets it: no duplicates out of slow debugging."""


def install(patches: Patches, on_message: Callable[[str], None], wait_scale: float) -> None:
    """`on_message` gets a queue's ARN after each arrival; delays last `wait_scale` as long."""
    add_message = Queue.add_message

    def announced(self: Queue, message: Message) -> None:
        add_message(self, message)
        on_message(self.queue_arn)

    def delay(self: Message, delay_seconds: int) -> None:
        self.delayed_until = unix_time_millis() + delay_seconds * 1000 * wait_scale

    patches.replace(Queue, "add_message", announced)
    patches.replace(Message, "delay", delay)


@dataclass
class Received:
    """A message taken from a queue; `visible_at` tells whether the function changed it."""

    message: Message
    handle: str
    visible_at: float


class LocalQueue:
    """What the pump needs of one queue."""

    def __init__(self, arn: str) -> None:
        _, _, _, self.region, self.account, self.name = arn.split(":")
        self.arn = arn
        self._backend = sqs_backends[self.account][self.region]
        self._queue = self._backend.get_queue(self.name)

    def next_due(self) -> float | None:
        """Seconds until the next message can be received (0 or less: now), None without one."""
        with locks.sqs:
            due = [max(m.visible_at, m.delayed_until) for m in self._queue._messages]
        return (min(due) - unix_time_millis()) / 1000 if due else None

    def due_within(self, seconds: float) -> int:
        """How many messages can be received within `seconds`."""
        limit = unix_time_millis() + seconds * 1000
        with locks.sqs:
            return sum(
                1 for m in self._queue._messages if max(m.visible_at, m.delayed_until) <= limit
            )

    def receive(self, count: int) -> list[Received]:
        """Take up to `count` messages; those received too often go to the dead letter queue."""
        with locks.sqs:
            taken = self._backend.receive_message(self.name, count, 0, _IN_FLIGHT_SECONDS, ["All"])
        return [Received(m, str(m.receipt_handle), m.visible_at) for m in taken]

    def delete(self, received: Received) -> None:
        with locks.sqs:
            self._queue.delete_message(received.handle)

    def release(self, received: Received, wait_scale: float) -> None:
        """Give a failed message back after its (scaled) visibility timeout."""
        now = unix_time_millis()
        with locks.sqs:
            for message in self._queue._messages:
                if message.id != received.message.id:
                    continue
                changed = message.visible_at != received.visible_at
                timeout: float = self._queue.visibility_timeout * 1000  # type: ignore[attr-defined]
                wait = max(0.0, message.visible_at - now) if changed else timeout
                message.visible_at = now + wait * wait_scale

    def send(self, body: str, attributes: dict[str, str] | None = None) -> None:
        """Put a message as an AWS service does (dead letters, rule targets)."""
        self._backend.send_message(
            self.name,
            body,
            message_attributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (attributes or {}).items()
            },
        )

    def policy(self) -> dict[str, Any]:
        """The queue's resource policy, {} without one."""
        return json.loads(self._queue.policy) if self._queue.policy else {}

    def record(self, received: Received) -> dict[str, Any]:
        """The message as a Lambda event holds it."""
        message = received.message
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        }
        if message.group_id:
            attributes["MessageGroupId"] = message.group_id
            attributes["MessageDeduplicationId"] = str(message.deduplication_id)
            attributes["SequenceNumber"] = str(message.sequence_number)
        return {
            "messageId": message.id,
            "receiptHandle": received.handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {
                name: {
                    "dataType": value["DataType"],
                    "stringValue": value.get("StringValue"),
                    "stringListValues": [],
                    "binaryListValues": [],
                }
                for name, value in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": self.region,
        }
