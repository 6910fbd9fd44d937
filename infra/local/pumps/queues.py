"""SQS -> Lambda: batches, partial failures, visibility, dead letters."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from infra.local.activity import HORIZON, Activity
from infra.local.functions import Functions
from infra.local.moto_patches.queues import LocalQueue, Received
from infra.local.pumps.mapping import Mapping, failed_identifiers

log = logging.getLogger("infra.local")


class QueuePump:
    """Feeds one function from one queue, with a few threads as Lambda's pollers have."""

    def __init__(
        self, mapping: Mapping, functions: Functions, activity: Activity, wait_scale: float
    ) -> None:
        self.mapping = mapping
        self._functions = functions
        self._activity = activity
        self._scale = wait_scale
        self._queue = LocalQueue(mapping.source_arn)
        self._wake = threading.Condition()
        self._arrivals = 0
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._loop, name=f"sqs-{mapping.logical_id}", daemon=True)
            for _ in range(mapping.concurrency)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """A message arrived."""
        with self._wake:
            self._arrivals += 1
            self._wake.notify_all()

    def stop(self) -> None:
        self._stopped = True
        self.wake()
        for thread in self._threads:
            thread.join(timeout=5)

    def pending(self) -> list[str]:
        """Messages due within the horizon; those being worked on are the activity's."""
        count = self._queue.due_within(HORIZON)
        return [f"{count} message(s) in {self._queue.name}"] if count else []

    def _loop(self) -> None:
        while not self._stopped:
            seen = self._arrivals
            if self._deliver_batch():
                continue
            due = self._queue.next_due()
            with self._wake:
                if self._arrivals == seen and not self._stopped:
                    self._wake.wait(None if due is None else max(0.002, min(due, 5.0)))

    def _deliver_batch(self) -> bool:
        """Receive and process one batch; False when there was nothing to receive."""
        with self._activity.work(f"queue {self._queue.name}"):
            batch = self._queue.receive(self.mapping.batch_size)
            if batch:
                self._process(batch)
            return bool(batch)

    def _process(self, batch: list[Received]) -> None:
        records = []
        for received in batch:
            record = self._queue.record(received)
            if self.mapping.accepts({**record, "body": _as_json(record["body"])}):
                records.append(record)
            else:
                self._queue.delete(received)  # filtered out: Lambda deletes it
        if not records:
            return
        result = self._functions.invoke(self.mapping.function, {"Records": records})
        failed = failed_identifiers(self.mapping, result, [r["messageId"] for r in records])
        if failed:
            name = self.mapping.function.logical_id
            log.warning("%s failed %d of %d messages", name, len(failed), len(records))
        delivered = {record["messageId"] for record in records}
        for received in batch:
            if received.message.id in failed:
                self._queue.release(received, self._scale)
            elif received.message.id in delivered:
                self._queue.delete(received)


def _as_json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
