"""Poison in the streams: Lambda halves a batch until the record that fails is alone, gives that one
up after its tries, and goes on. The queues' own are in tests/functions/test_poison.py."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from parcelway.ports import clock

from infra.cli.dead_letters import Depot
from infra.demo.people import Client, Shopper
from infra.local.application import Application
from infra.local.calls import Call

PLACES = (0, 4, 9)
GARBAGE = {"S": "garbage"}


@pytest.fixture
def letters(app: Application) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Takes what was given up of a stream."""
    sqs, url = app.stack.client("sqs"), app.stack.resource("StreamDeadLetters")

    def take() -> list[dict[str, Any]]:
        found = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    assert take() == []
    yield take


def put(app: Application, table: str, items: list[dict[str, Any]]) -> None:
    """All at once, so that they come in one batch."""
    writes = [{"Put": {"TableName": table, "Item": item}} for item in items]
    app.stack.client("dynamodb").transact_write_items(TransactItems=writes)
    app.stack.settle(60)


def test_a_product_that_cannot_be_read_keeps_no_other_from_the_index(
    app: Application,
    article: Callable[..., str],
    letters: Callable[[], list[dict[str, Any]]],
) -> None:
    place, word = 4, "quartz"  # in one place only: searches are slow to see a new index
    skus = [article(units=0) for _ in range(10)]
    app.stack.settle(60)
    table = app.database.catalogue
    whole = [
        app.database.client.get_item(
            TableName=table, Key={"pk": {"S": f"SKU#{sku}"}, "sk": {"S": "PRODUCT"}}
        )["Item"]
        for sku in skus
    ]
    renamed = [json.loads(json.dumps(item).replace("Thing", word)) for item in whole]
    broken = {name: GARBAGE for name in renamed[place] if name not in ("pk", "sk")}
    put(app, table, [*renamed[:place], renamed[place] | broken, *renamed[place + 1 :]])

    def finds(expected: set[str]) -> bool:
        """A search looks for a newer index every few seconds."""
        deadline, found = time.monotonic() + 60, {""}
        while found != expected and time.monotonic() < deadline:
            listed = Client(app.url).call("GET", "/products", q=word, limit="20")
            found = {product["sku"] for product in listed["products"]}
            time.sleep(0.2)
        return found == expected

    assert finds(set(skus) - {skus[place]})
    (given_up,) = letters()
    assert given_up["DDBStreamBatchInfo"]["batchSize"] == 1
    put(app, table, [renamed[place]])
    assert finds(set(skus))
    assert letters() == []


@pytest.mark.parametrize("place", PLACES)
def test_an_event_that_cannot_be_published_keeps_no_other_from_the_bus(
    app: Application, shopper: Shopper, letters: Callable[[], list[dict[str, Any]]], place: int
) -> None:
    told: Counter[int] = Counter()
    refused = {900 + place}

    def note(call: Call) -> None:
        if call.operation != "PutEvents":
            return
        details = [json.loads(entry["Detail"]) for entry in call.parameters["Entries"]]
        numbers = {each["sequence"] for each in details if each["order_id"] == shopper.id}
        if numbers & refused:
            raise RuntimeError("this one")
        told.update(numbers)

    events = []
    for sequence in range(900, 910):
        event = {
            "order_id": {"S": shopper.id},
            "sequence": {"N": str(sequence)},
            "type": {"S": "note.made"},
            "at": {"S": clock.now().isoformat()},
        }
        keys = {"pk": {"S": f"ORD#{shopper.id}"}, "sk": {"S": f"EVT#{sequence:012d}"}}
        events.append(keys | {"event": {"M": event}})
    app.stack.calls.before.append(note)
    try:
        put(app, app.database.orders, events)
        assert told == Counter(set(range(900, 910)) - refused)
        refused.clear()
        depot = Depot(
            {
                "StreamDeadLetters": app.stack.resource("StreamDeadLetters"),
                "OrdersTable": app.database.orders,
                "OrderEvents": app.stack.resource("OrderEvents"),
            },
            app.stack.client,
        )
        assert depot.redrive("StreamDeadLetters").stayed == 0
        assert told == Counter(range(900, 910))
    finally:
        app.stack.calls.before.remove(note)
        for event in events:  # the order's own are numbered without gaps
            key = {name: event[name] for name in ("pk", "sk")}
            app.database.client.delete_item(TableName=app.database.orders, Key=key)
    assert letters() == []
