"""Events of orders on the event bus: what happened, for whoever wants to know. Ids and plain facts
only: what is on the bus ends up in queues, dead letters and whatever else listens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from parcelway.domain.order import Event
from parcelway.store.codec import encode, iso

SOURCE = "parcelway.orders"
_MOST = 10  # PutEvents takes no more in one call
# Members of an event's data that somebody typed. They stay with the order: who needs them reads it.
TYPED = frozenset({"reason", "place", "note"})


class Bus(Protocol):
    """Where events are published."""

    def publish(self, events: Sequence[Event]) -> int:
        """Publish `events` in order; how many got through before the first that did not."""
        ...


class EventBridge:
    """An EventBridge bus, by the name it has and the client to reach it with."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, events: Sequence[Event]) -> int:
        """See Bus.publish. PutEvents reports refused entries in its answer, not as an error."""
        for start in range(0, len(events), _MOST):
            chunk = events[start : start + _MOST]
            answer = self._client.put_events(Entries=[self._entry(event) for event in chunk])
            if answer["FailedEntryCount"]:
                failed = [index for index, e in enumerate(answer["Entries"]) if "ErrorCode" in e]
                return start + failed[0]
        return len(events)

    def _entry(self, event: Event) -> dict[str, Any]:
        detail = {
            "order_id": event.order_id,
            "sequence": event.sequence,
            "type": event.type,
            "at": iso(event.at),
            "data": {name: v for name, v in encode(event.data).items() if name not in TYPED},
        }
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.type,
            "Time": event.at,
            "Detail": json.dumps(detail),
        }
