"""The one place every AWS call of this process passes: counted, and open to others.

Costs, fault injection and the permission check all plug in here and nowhere else.
"""

from __future__ import annotations

import contextvars
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from infra.local.patching import Patches

current_function: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "current_function", default=None
)
"""Logical id of the Lambda function (or state machine) that the running code belongs to."""


@dataclass
class Call:
    """One AWS call: who made it, what it asks, and (afterwards) what came of it."""

    function: str | None
    service: str
    operation: str
    parameters: dict[str, Any]
    response: dict[str, Any] | None = None
    error: Exception | None = None


Hook = Callable[[Call], None]


@dataclass
class Calls:
    """`before` and `after` hooks run around each call in order of registration.

    A `before` hook may raise: the call then never reaches the service. An `after` hook sees
    `response` or `error`; what it raises replaces the outcome, for the caller and for the hooks
    after it: so an answer is lost while the call did take effect.
    Keys of `counts`: ("call", function, service, operation), ("invoke", function),
    ("transition", state machine).
    """

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    before: list[Hook] = field(default_factory=list)
    after: list[Hook] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, *key: str, by: int = 1) -> None:
        """Add `by` to one of the counters; safe from any thread."""
        with self._lock:
            self.counts[key] += by

    def install(self, patches: Patches) -> None:
        """Route every boto3 client's calls through the hooks until `patches` are undone."""
        original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

        def make_api_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            call = Call(
                current_function.get(),
                client.meta.service_model.service_name,
                operation,
                parameters,
            )
            self.count("call", call.function or "-", call.service, operation)
            for hook in self.before:
                hook(call)
            try:
                call.response = original(client, operation, parameters)
            except Exception as error:
                call.error = error
            self._finish(call)
            if call.error is not None:
                raise call.error
            return call.response

        patches.replace(BaseClient, "_make_api_call", make_api_call)

    def _finish(self, call: Call) -> None:
        for hook in self.after:
            try:
                hook(call)
            except Exception as error:
                call.error = error
