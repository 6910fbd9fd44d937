"""DynamoDB streams to Lambda: in order, filtered, retried, given up to a destination."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infra.local.pumps.mapping import Mapping as SourceMapping
from infra.local.pumps.mapping import failed_identifiers
from infra.sim import limits
from infra.sim.kernel import Kernel
from infra.sim.queues import Invoke

_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0


@dataclass
class Streams:
    """The pollers of all tables' streams. `mappings` by table; `records(table, position)`."""

    kernel: Kernel
    mappings: Mapping[str, list[SourceMapping]]
    records: Callable[[str, int], list[dict[str, Any]]]
    invoke: Invoke
    give_up: Callable[[str, str], Any]
    _positions: dict[str, int] = field(default_factory=dict)
    _active: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Start behind what is in the streams already."""
        for table, mappings in self.mappings.items():
            for mapping in mappings:
                self._positions[mapping.logical_id] = len(self.records(table, 0))

    def wrote(self) -> None:
        """Something may have been written."""
        for table, mappings in self.mappings.items():
            for mapping in mappings:
                name = mapping.logical_id
                if name not in self._active and self.records(table, self._positions[name]):
                    self._active.add(name)
                    self.kernel.spawn(f"stream {name}", partial(self._pump, table, mapping))

    def is_idle(self) -> bool:
        """Whether every record was delivered or given up."""
        return not self._active

    def _pump(self, table: str, mapping: SourceMapping) -> None:
        name = mapping.logical_id
        while batch := self.records(table, self._positions[name])[: mapping.batch_size]:
            wanted = [record for record in batch if mapping.accepts(record)]
            self._process(wanted, mapping)
            self._positions[name] += len(batch)
        self._active.discard(name)

    def _process(self, records: list[dict[str, Any]], mapping: SourceMapping) -> None:
        attempt = 1
        while records:
            result = self.invoke(mapping, {"Records": records})
            ids = [record["dynamodb"]["SequenceNumber"] for record in records]
            failed = failed_identifiers(mapping, result, ids)
            if not failed:
                return
            if limits.is_throttled(result):  # it did not reach the function: that is no attempt
                self.kernel.sleep(_LONGEST_RETRY_SECONDS)
                continue
            first = min(ids.index(identifier) for identifier in failed)
            records, attempt = records[first:], attempt if first == 0 else 1
            if mapping.bisect and len(records) > 1:
                half = len(records) // 2
                self._process(records[:half], mapping)
                self._process(records[half:], mapping)
                return
            if mapping.retries is not None and attempt > mapping.retries:
                if mapping.on_failure:
                    self.give_up(mapping.on_failure, json.dumps(ids))
                return
            pause = _FIRST_RETRY_SECONDS * 2 ** (attempt - 1)
            self.kernel.sleep(min(_LONGEST_RETRY_SECONDS, pause))
            attempt += 1
