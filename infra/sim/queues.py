"""SQS: messages, visibility, dead letters, and Lambda's pollers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.functions import Result
from infra.local.pumps.mapping import Mapping as SourceMapping
from infra.local.pumps.mapping import failed_identifiers
from infra.sim.errors import not_simulated
from infra.sim.kernel import Kernel

_CHUNK_BYTES = 64 * 1024

Invoke = Callable[[SourceMapping, Any], Result]
"""Has the mapping's function handle an event, perhaps more than once; the last answer counts."""


@dataclass(frozen=True)
class QueueSettings:
    """A queue as declared. `visibility` in seconds; `dead_letters` is an ARN or ''."""

    arn: str
    url: str
    visibility: float
    delay: float
    dead_letters: str
    most_receives: int


@dataclass
class Message:
    """A message; `visible_at` in seconds since the epoch."""

    id: str
    body: str
    visible_at: float
    received: int = 0


@dataclass
class Queues:
    """All queues of one history. `counts` holds requests by operation, as SQS bills them."""

    kernel: Kernel
    settings: Mapping[str, QueueSettings]
    mappings: Mapping[str, SourceMapping]
    invoke: Invoke
    new_id: Callable[[], str]
    counts: Counter[str] = field(default_factory=Counter)
    _messages: dict[str, list[Message]] = field(default_factory=dict)
    _polled: set[str] = field(default_factory=set)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One API call of a handler. Raises NotImplementedError for what no handler uses."""
        if operation != "SendMessage":
            raise not_simulated(f"sqs.{operation}")
        arn = next(s.arn for s in self.settings.values() if s.url == parameters["QueueUrl"])
        body = parameters["MessageBody"]
        message = self.send(arn, body, float(parameters.get("DelaySeconds", 0)))
        return {"MessageId": message.id, "MD5OfMessageBody": _md5(body)}

    def send(self, arn: str, body: str, delay: float = 0.0) -> Message:
        """Put a message in a queue."""
        self.counts["SendMessage"] += _chunks(body)
        due = self.kernel.now + (delay or self.settings[arn].delay)
        message = Message(self.new_id(), body, due)
        self._messages.setdefault(arn, []).append(message)
        self._poll(arn, due - self.kernel.now)
        return message

    def left(self, arn: str) -> list[str]:
        """The bodies of the messages that are still in a queue."""
        return [message.body for message in self._messages.get(arn, [])]

    def is_empty(self) -> bool:
        """Whether every queue that somebody reads is empty."""
        return not any(self._messages.get(arn) for arn in self.mappings)

    def _poll(self, arn: str, delay: float) -> None:
        if arn in self.mappings and not (delay <= 0 and arn in self._polled):
            if delay <= 0:
                self._polled.add(arn)
            window = self.mappings[arn].window  # in which a batch gathers
            self.kernel.spawn(f"poll {arn}", lambda: self._deliver(arn), delay + window)

    def _deliver(self, arn: str) -> None:
        """Receive one batch and have it handled; what stays failed comes again."""
        self._polled.discard(arn)
        mapping, settings = self.mappings[arn], self.settings[arn]
        batch = self._receive(arn, mapping.batch_size)
        if not batch:
            return
        if any(m.visible_at <= self.kernel.now for m in self._messages[arn]):
            self._poll(arn, 0)
        records = [_record(message, settings) for message in batch]
        result = self.invoke(mapping, {"Records": records})
        failed = failed_identifiers(mapping, result, [message.id for message in batch])
        for message in batch:
            if message.id not in failed:
                self._messages[arn].remove(message)
        self.counts["DeleteMessage"] += bool(len(batch) - len(failed))
        if failed:
            self._poll(arn, max(0.001, min(m.visible_at for m in batch) - self.kernel.now))

    def _receive(self, arn: str, most: int) -> list[Message]:
        settings = self.settings[arn]
        batch: list[Message] = []
        for message in list(self._messages.get(arn, [])):
            if message.visible_at > self.kernel.now or len(batch) == most:
                continue
            if settings.dead_letters and message.received >= settings.most_receives:
                self._messages[arn].remove(message)
                self.send(settings.dead_letters, message.body)
                continue
            message.received += 1
            message.visible_at = self.kernel.now + settings.visibility
            batch.append(message)
        self.counts["ReceiveMessage"] += _chunks(*(message.body for message in batch))
        return batch


def _record(message: Message, settings: QueueSettings) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.received)},
        "messageAttributes": {},
        "md5OfBody": _md5(message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": settings.arn,
        "awsRegion": settings.arn.split(":")[3],
    }


def _chunks(*bodies: str) -> int:
    """Requests that sending or receiving these counts as: one per 64 KB (SQS pricing)."""
    return -(-sum(len(body.encode()) for body in bodies) // _CHUNK_BYTES)


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def settings_of(attributes: Mapping[str, str], url: str) -> QueueSettings:
    """From GetQueueAttributes."""
    redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
    return QueueSettings(
        attributes["QueueArn"],
        url,
        float(attributes["VisibilityTimeout"]),
        float(attributes["DelaySeconds"]),
        redrive.get("deadLetterTargetArn", ""),
        int(redrive.get("maxReceiveCount", 0)),
    )
