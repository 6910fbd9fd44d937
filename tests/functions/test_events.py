"""The stream's function: every event on the bus, in order, and none passed over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from parcelway.domain.order import Event
from parcelway.ports.bus import SOURCE, EventBridge
from parcelway.store.codec import iso
from parcelway.store.database import Database
from parcelway.store.items import to_item

from tests.functions import tables
from tests.functions.calls import Context, bus_event, failed, load
from tests.orders import at, store


class Client:
    """EventBridge, which refuses some entries of a call: by their place among all it was sent."""

    def __init__(self, *refused: int) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.refused = set(refused)

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        before = sum(map(len, self.calls))
        self.calls.append(Entries)
        answers = [
            {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
            if before + place in self.refused
            else {"EventId": str(before + place)}
            for place in range(len(Entries))
        ]
        count = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": count, "Entries": answers}

    @property
    def sent(self) -> list[tuple[str, int]]:
        """Order and sequence of everything that was put, in order."""
        details = [json.loads(entry["Detail"]) for call in self.calls for entry in call]
        return [(detail["order_id"], detail["sequence"]) for detail in details]


@dataclass(frozen=True)
class Stream:
    """A batch of the stream, and the events that it tells of."""

    batch: list[dict[str, Any]]
    events: list[Event]


@pytest.fixture(scope="module")
def stream() -> Stream:
    """Twenty-five events as commits wrote them; only read, so made once."""
    with pytest.MonkeyPatch.context() as environment, tables.aws(environment) as db:
        return records(db, 25)


def records(db: Database, wanted: int) -> Stream:
    """The stream's records of `wanted` events."""
    events: list[Event] = []
    images: list[dict[str, Any]] = []
    for seed in range(1, 4):
        story = at("closed", seed=str(seed), series=f"INV{seed}")
        store(db, story)
        events += story.events
        images += db.query(db.orders, f"ORD#{story.order.id}", "EVT#")
    assert len(images) == len(events) >= wanted
    made = [
        {
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "SequenceNumber": f"s{place}",
                "Keys": to_item({"pk": image["pk"], "sk": image["sk"]}),
                "NewImage": to_item(image),
            },
        }
        for place, image in enumerate(images[:wanted])
    ]
    return Stream(made, events[:wanted])


def deliver(client: Client, batch: list[dict[str, Any]]) -> list[str]:
    """A batch of the stream; the sequence numbers it is to go on from."""
    function = load("events")
    function.bus = lambda: EventBridge(client, "orders")
    return failed(function.handler({"Records": batch}, Context()))


def identities(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.order_id, event.sequence) for event in events]


def test_twenty_five_events_go_out_in_three_calls_and_in_order(stream: Stream) -> None:
    batch, events = stream.batch, stream.events
    client = Client()
    assert deliver(client, batch) == []
    assert [len(call) for call in client.calls] == [10, 10, 5]
    assert client.sent == identities(events)


def test_an_entry_says_what_consumers_rely_on(stream: Stream) -> None:
    batch, events = stream.batch, stream.events
    client = Client()
    deliver(client, batch)
    entries = [entry for call in client.calls for entry in call]
    for entry, event in zip(entries, events, strict=True):
        assert (entry["EventBusName"], entry["Source"]) == ("orders", SOURCE)
        assert entry["DetailType"] == event.type
        assert iso(entry["Time"]) == iso(event.at)
        assert json.loads(entry["Detail"]) == bus_event(event)["detail"]


@pytest.mark.parametrize("first", [0, 4, 9, 10, 17, 24])
def test_the_stream_goes_on_from_the_first_that_did_not_get_through(
    stream: Stream, first: int
) -> None:
    batch, events = stream.batch, stream.events
    client = Client(first)
    assert deliver(client, batch) == [f"s{first}"]
    assert len(client.sent) <= first // 10 * 10 + 10  # no later call: order would be lost
    again = Client()
    assert deliver(again, batch[first:]) == []
    got_through = client.sent[:first] + again.sent
    assert got_through == identities(events)


def test_of_several_that_failed_the_first_counts(stream: Stream) -> None:
    batch = stream.batch
    client = Client(13, 12, 18)
    assert deliver(client, batch) == ["s12"]
    assert len(client.calls) == 2


def test_the_service_takes_the_entries(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    with tables.aws(monkeypatch, EVENT_BUS="orders"):
        boto3.client("events").create_event_bus(Name="orders")
        answer = load("events").handler({"Records": stream.batch}, Context())
    assert failed(answer) == []
