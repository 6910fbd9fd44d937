"""EventBridge in moto: its rules and pattern matcher, our delivery.

moto delivers inside PutEvents, knows no Lambda or state machine target, ignores a rule's
state and lets a schedule-only rule match every event.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.events.models import EventPattern, Rule, events_backends

from infra.local.patching import Patches

Deliver = Callable[[Rule, dict[str, Any], dict[str, Any]], None]


def install(patches: Patches, deliver: Deliver) -> None:
    """`deliver(rule, target, event)` is called for each target of each matching rule."""

    def send_to_targets(
        self: Rule, original_event: dict[str, Any], _transform_input: bool = True
    ) -> None:
        matches = self.event_pattern.dump() and self.event_pattern.matches_event(
            original_event  # type: ignore[arg-type]
        )
        if self.state != "ENABLED" or not matches:
            return
        for target in self.targets:
            deliver(self, target, _as_published(original_event))

    patches.replace(Rule, "send_to_targets", send_to_targets)


def matches(pattern: str, event: dict[str, Any]) -> bool:
    """Whether `event` passes an EventBridge-style pattern (JSON text)."""
    return EventPattern.load(pattern).matches_event(event)  # type: ignore[arg-type]


@dataclass(frozen=True)
class BusRule:
    """A rule with an event pattern (JSON text), and its targets as PutTargets took them."""

    bus: str
    name: str
    pattern: str
    targets: tuple[dict[str, Any], ...]


def rules(account: str, region: str) -> list[BusRule]:
    """The enabled rules of all buses that match events."""
    return [
        BusRule(bus.name, rule.name, pattern, tuple(rule.targets))
        for bus in events_backends[account][region].event_buses.values()
        for rule in bus.rules.values()
        if rule.state == "ENABLED" and (pattern := rule.event_pattern.dump())
    ]


def _as_published(event: dict[str, Any]) -> dict[str, Any]:
    published = {key: value for key, value in event.items() if key != "ingestion-time"}
    moment = event["time"]
    if isinstance(moment, (int, float)):
        moment = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    published["time"] = str(moment)
    return dict(json.loads(json.dumps(published)))


def publish(event: dict[str, Any], account: str, region: str) -> None:
    """Put an AWS service's own event on the default bus (PutEvents refuses `aws.` sources)."""
    bus = events_backends[account][region].event_buses["default"]
    for rule in list(bus.rules.values()):
        rule.send_to_targets(event)  # type: ignore[arg-type]
