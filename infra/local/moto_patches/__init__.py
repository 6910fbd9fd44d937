"""Everything that touches moto's internals. Pinned: see the fingerprints in the tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from moto import mock_aws

from infra.local.activity import Activity
from infra.local.calls import Calls
from infra.local.moto_patches import (
    cognito,
    dynamodb,
    events,
    lambdas,
    locks,
    queues,
    ses,
    stepfunctions,
)
from infra.local.patching import Patches

_CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}}
_running = threading.Lock()


@dataclass(frozen=True)
class Hooks:
    """What moto tells the stack; see the modules for each signature."""

    activity: Activity
    calls: Calls
    run_now: lambdas.RunNow
    run_later: lambdas.RunLater
    on_message: Callable[[str], Any]
    on_record: Callable[[str], Any]
    deliver: events.Deliver
    on_mail: ses.Sent
    cognito: cognito.Events
    machine_of_role: Callable[[str], str | None]
    wait_scale: float
    timeout_scale: float


class Moto:
    """moto, started and patched; `stop` leaves no trace of either."""

    def __init__(self, account: str, region: str) -> None:
        if not _running.acquire(blocking=False):
            raise RuntimeError("only one Stack at a time can run in a process")
        self._account = account
        self._region = region
        self._patches = Patches()
        self._mock = mock_aws(config=_CONFIG)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._mock.start()

    def install(self, hooks: Hooks) -> None:
        patches = self._patches
        hooks.calls.install(patches)
        locks.install(patches)
        dynamodb.install(patches, hooks.on_record)
        queues.install(patches, hooks.on_message, hooks.wait_scale)
        events.install(patches, hooks.deliver)
        lambdas.install(patches, hooks.run_now, hooks.run_later)
        ses.install(patches, hooks.on_mail)
        cognito.install(patches, hooks.cognito)
        stepfunctions.install(
            patches,
            hooks.activity,
            hooks.calls,
            hooks.machine_of_role,
            hooks.wait_scale,
            hooks.timeout_scale,
        )

    def client(self, service: str) -> Any:
        """A boto3 client, made once."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(service, region_name=self._region)  # type: ignore[call-overload]
            return self._clients[service]

    def publish(self, event: dict[str, Any]) -> None:
        events.publish(event, self._account, self._region)

    def busy_executions(self) -> list[str]:
        return stepfunctions.pending(self._account, self._region)

    def stop(self) -> None:
        stepfunctions.stop_all(self._account, self._region)
        self._patches.undo()
        self._mock.stop()
        _running.release()
