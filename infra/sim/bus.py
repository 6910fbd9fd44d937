"""EventBridge: events to the targets of the rules that match them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from infra.local.moto_patches.events import BusRule, matches
from infra.sim.errors import not_simulated
from infra.sim.kernel import Kernel

_CHUNK_BYTES = 64 * 1024
_HEAD = frozenset({"source", "detail-type"})


@dataclass
class Bus:
    """All event buses of one history. `send(arn, body)` delivers to a queue."""

    kernel: Kernel
    rules: Sequence[BusRule]
    send: Callable[[str, str], Any]
    new_id: Callable[[], str]
    account: str
    region: str
    counts: Counter[str] = field(default_factory=Counter)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """PutEvents, the one operation that handlers use."""
        if operation != "PutEvents":
            raise not_simulated(f"events.{operation}")
        ids = []
        for entry in parameters["Entries"]:
            at: datetime = entry.get("Time", self.kernel.moment)
            event = {
                "version": "0",
                "id": self.new_id(),
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": self.account,
                "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": self.region,
                "resources": entry.get("Resources", []),
                "detail": json.loads(entry["Detail"]),
            }
            self.publish(event, entry.get("EventBusName", "default").rsplit("/", 1)[-1])
            ids.append({"EventId": event["id"]})
            self.counts["custom"] += _chunks(entry)
        return {"FailedEntryCount": 0, "Entries": ids}

    def refuse_last(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """PutEvents that takes all entries but the last, and says so in its answer."""
        *taken, _ = parameters["Entries"]
        answer = self.call("PutEvents", {"Entries": taken})
        refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "refused"}
        return {"FailedEntryCount": 1, "Entries": [*answer["Entries"], refused]}

    def publish(self, event: dict[str, Any], bus: str = "default") -> None:
        """Deliver an event to every target whose rule lets it through."""
        head = json.dumps({name: event[name] for name in sorted(_HEAD)})
        body = json.dumps(event)
        for rule in self.rules:
            if rule.bus == bus and _lets_through(rule.pattern, head, body):
                for target in rule.targets:
                    self._deliver(target, body)

    def _deliver(self, target: Mapping[str, Any], body: str) -> None:
        if target["Arn"].split(":")[2] != "sqs" or "Input" in target or "InputPath" in target:
            raise not_simulated(f"a rule's target {target}")
        arn = target["Arn"]
        self.kernel.spawn(f"event to {arn}", lambda: self.send(arn, body))


def _chunks(entry: Mapping[str, Any]) -> int:
    """How many events an entry counts as: one per 64 KB (EventBridge pricing; user guide,
    "Calculating PutEvents event entry size")."""
    size = 14 if "Time" in entry else 0
    texts = [entry[name] for name in ("Source", "DetailType", "Detail") if name in entry]
    size += sum(len(text.encode()) for text in [*texts, *entry.get("Resources", ())])
    return max(1, -(-size // _CHUNK_BYTES))


def _lets_through(pattern: str, head: str, body: str) -> bool:
    """Most patterns look at source and type only, of which there are few."""
    return _matches(pattern, head if _looks_at(pattern) <= _HEAD else body)


@lru_cache(maxsize=100)
def _looks_at(pattern: str) -> frozenset[str]:
    return frozenset(json.loads(pattern))


@lru_cache(maxsize=1000)
def _matches(pattern: str, event: str) -> bool:
    return matches(pattern, json.loads(event))
