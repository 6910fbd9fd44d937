"""Schedules: fired by name at once, or by the clock while a server runs."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.functions import Functions, Result
from infra.local.provision import Schedule
from infra.local.pumps.cron import is_due
from infra.local.pumps.deliver import Deliverer, new_event, shape

log = logging.getLogger("infra.local")


class Schedules:
    """The stack's scheduled rules. The clock's thread runs only after `start`."""

    def __init__(
        self,
        schedules: Mapping[str, Schedule],
        functions: Functions,
        deliverer: Deliverer,
        account: str,
        region: str,
    ) -> None:
        self._schedules = schedules
        self._functions = functions
        self._deliverer = deliverer
        self._account = account
        self._region = region
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="schedules", daemon=True)

    def fire(self, name: str) -> Iterator[Result]:
        """Run now; yields the results of the functions. KeyError for an unknown name."""
        schedule = self._find(name)
        for target in schedule.targets:
            payload = self._payload(schedule, target)
            if target["Arn"].split(":")[2] == "lambda":
                yield self._functions.invoke(self._functions.find(target["Arn"]), payload)
            else:
                self._deliverer.send(target["Arn"], payload)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def _find(self, name: str) -> Schedule:
        """By the rule's logical id, by the event's name in its function, or by the function."""
        if name in self._schedules:
            return self._schedules[name]
        found = []
        for schedule in self._schedules.values():
            for target in schedule.targets:
                if target["Arn"].split(":")[2] != "lambda":
                    continue
                function = self._functions.find(target["Arn"]).logical_id
                if name in (function, schedule.logical_id.removeprefix(function)):
                    found.append(schedule)
        if len(found) != 1:
            raise KeyError(f"no single schedule {name}; there are {sorted(self._schedules)}")
        return found[0]

    def _payload(self, schedule: Schedule, target: dict[str, Any]) -> Any:
        event = new_event(
            "aws.events", "Scheduled Event", {}, self._account, self._region, schedule.arn
        )
        if not schedule.is_rule:
            return json.loads(target.get("Input", "{}"))
        return shape(target, event)

    def _loop(self) -> None:
        minute = _this_minute()
        while not self._stopped.wait(1.0):
            now = _this_minute()
            while minute < now:
                minute += timedelta(minutes=1)
                self._fire_due(minute)

    def _fire_due(self, minute: datetime) -> None:
        for schedule in self._schedules.values():
            if schedule.enabled and is_due(schedule.expression, minute):
                try:
                    for result in self.fire(schedule.logical_id):
                        if result.is_error:
                            log.error("%s: %s", schedule.logical_id, result.payload[:500])
                except Exception:
                    log.exception("schedule %s", schedule.logical_id)


def _this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)
