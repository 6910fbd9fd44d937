"""What both kinds of event source mapping share: settings, filters, the answer of a batch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from infra.local.functions import Function, Result
from infra.local.moto_patches import events


@dataclass(frozen=True)
class Mapping:
    """An AWS::Lambda::EventSourceMapping.

    `retries` is None for "until the record expires". `window` is how many seconds a batch is waited
    for; the embedded stack does not, the simulation does.
    """

    logical_id: str
    function: Function
    source_arn: str
    batch_size: int
    reports_failures: bool
    filters: tuple[str, ...] = ()
    concurrency: int = 2
    from_start: bool = True
    retries: int | None = None
    bisect: bool = False
    on_failure: str | None = None
    window: float = 0.0

    def accepts(self, record: dict[str, Any]) -> bool:
        """Whether `record` passes one of the filters (all do without any)."""
        return not self.filters or any(events.matches(f, record) for f in self.filters)


def failed_identifiers(mapping: Mapping, result: Result, all_ids: list[str]) -> list[str]:
    """Which records of a batch failed, as Lambda reads the function's answer.

    An error, an unknown identifier or an unreadable answer fails the whole batch.
    """
    if result.is_error:
        return all_ids
    if not mapping.reports_failures:
        return []
    answer = json.loads(result.payload)
    if not answer:
        return []
    try:
        failures = [item["itemIdentifier"] for item in answer.get("batchItemFailures") or []]
    except (AttributeError, KeyError, TypeError):
        return all_ids
    return failures if set(failures) <= set(all_ids) else all_ids
