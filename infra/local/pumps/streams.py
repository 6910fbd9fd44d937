"""DynamoDB stream -> Lambda: in order, filtered, retried, bisected, given up to a destination."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Any

from infra.local.activity import Activity
from infra.local.functions import Functions, Result
from infra.local.moto_patches.streams import Stream
from infra.local.pumps.deliver import Deliverer
from infra.local.pumps.mapping import Mapping, failed_identifiers

log = logging.getLogger("infra.local")

_RETRY_SECONDS = 1.0


class StreamPump:
    """Feeds one function from one table's stream. Records of a shard stay in order."""

    def __init__(
        self,
        mapping: Mapping,
        stream: Stream,
        functions: Functions,
        deliverer: Deliverer,
        activity: Activity,
        wait_scale: float,
    ) -> None:
        self.mapping = mapping
        self.table = stream.table
        self._stream = stream
        self._functions = functions
        self._deliverer = deliverer
        self._activity = activity
        self._scale = wait_scale
        self._position = 0 if mapping.from_start else stream.length()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._loop, name=f"stream-{mapping.logical_id}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """The stream has a new record."""
        self._wake.set()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def pending(self) -> list[str]:
        """Records not yet delivered (or given up)."""
        behind = self._stream.length() - self._position
        return [f"{behind} stream record(s) for {self.mapping.function.logical_id}"][: behind > 0]

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            batch = self._stream.read(self._position, self.mapping.batch_size)
            if not batch:
                self._wake.wait()
                continue
            with self._activity.work(f"stream of {self.table}"):
                wanted = [record for record in batch if self.mapping.accepts(record)]
                if wanted:
                    self._process(wanted)
                self._position += len(batch)

    def _process(self, records: list[dict[str, Any]]) -> None:
        """Deliver until done, given up, or the stack closes."""
        attempt = 1
        while records and not self._stopped.is_set():
            result = self._functions.invoke(self.mapping.function, {"Records": records})
            first = self._first_failure(result, records)
            if first is None:
                return
            records = records[first:]
            attempt = attempt if first == 0 else 1
            name = self.mapping.function.logical_id
            log.warning("%s failed %d stream record(s), try %d", name, len(records), attempt)
            if self.mapping.bisect and len(records) > 1:
                half = len(records) // 2
                self._process(records[:half])
                self._process(records[half:])
                return
            if self.mapping.retries is not None and attempt > self.mapping.retries:
                self._give_up(records, result, attempt)
                return
            attempt += 1
            self._stopped.wait(min(60.0, _RETRY_SECONDS * 2 ** (attempt - 2)) * self._scale)

    def _first_failure(self, result: Result, records: list[dict[str, Any]]) -> int | None:
        """Lambda retries from the lowest reported sequence number on."""
        ids = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = failed_identifiers(self.mapping, result, ids)
        return min(ids.index(identifier) for identifier in failed) if failed else None

    def _give_up(self, records: list[dict[str, Any]], result: Result, attempt: int) -> None:
        function = self.mapping.function
        log.error("%s gave up %d stream record(s)", function.logical_id, len(records))
        if not self.mapping.on_failure:
            return
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        times = [record["dynamodb"]["ApproximateCreationDateTime"] for record in records]
        context = {"statusCode": 200, "executedVersion": "$LATEST"}
        if result.is_error:
            context["functionError"] = "Unhandled"
        record = {
            "requestContext": {
                "requestId": result.request_id,
                "functionArn": function.arn,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempt,
            },
            "responseContext": context,
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": self._stream.shard_id,
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "approximateArrivalOfFirstRecord": _iso(times[0]),
                "approximateArrivalOfLastRecord": _iso(times[-1]),
                "batchSize": len(records),
                "streamArn": self._stream.arn,
            },
        }
        self._deliverer.send(self.mapping.on_failure, record)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
