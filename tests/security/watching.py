"""What the application wrote, sent and logged: the places in which something could be found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from parcelway.store.items import from_item

from infra.local.application import Application
from infra.local.calls import Call

TABLES = ("Customers", "Catalogue", "Stock", "Orders", "Ledger")
WRITES = {
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "TransactWriteItems",
    "BatchWriteItem",
    "PutObject",
    "DeleteObject",
    "SendMessage",
    "SendEmail",
    "PutEvents",
    "StartExecution",
    "SendTaskSuccess",
    "SendTaskFailure",
    "SignUp",
    "AdminDeleteUser",
    "AdminUserGlobalSignOut",
}
_BUS = {"PutEvents", "SendMessage", "SendMessageBatch", "StartExecution", "SendTaskSuccess"}
_BUS |= {"SendTaskFailure", "PutMetricData"}


def writes(app: Application) -> Counter[tuple[str, ...]]:
    """How often each function made each call that changes anything."""
    return Counter(
        {
            key: count
            for key, count in app.stack.counts.items()
            if key[0] == "call" and key[1] != "-" and key[3] in WRITES
        }
    )


@contextmanager
def nothing_written(app: Application) -> Iterator[None]:
    """Asserts that no function changes anything during the block."""
    before = writes(app)
    yield
    assert writes(app) - before == Counter()


def rows(app: Application, name: str) -> Iterator[tuple[str, str, str]]:
    """Each item of a table as (pk, sk, all of it as text)."""
    client, table = app.stack.client("dynamodb"), app.stack.resource(f"{name}Table")
    for page in client.get_paginator("scan").paginate(TableName=table):
        for item in map(from_item, page["Items"]):
            yield item["pk"], item["sk"], json.dumps(item, ensure_ascii=False)


def logged(app: Application) -> str:
    """Every line that any function logged; metrics are log lines too."""
    return "\n".join(line for lines in app.stack.logs.values() for line in list(lines))


@dataclass
class Watch:
    """Everything that functions handed to buses, queues and executions while it was watched."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def see(self, call: Call) -> None:
        """A hook for `Calls.before`."""
        if call.operation in _BUS:
            text = json.dumps(call.parameters, default=str, ensure_ascii=False)
            self.sent.append((f"{call.function} {call.operation}", text))


@contextmanager
def watched(app: Application) -> Iterator[Watch]:
    """What is sent during the block."""
    watch = Watch()
    app.stack.calls.before.append(watch.see)
    try:
        yield watch
    finally:
        app.stack.calls.before.remove(watch.see)


def executions(app: Application) -> str:
    """Inputs, outputs, errors and causes of all executions, as Step Functions keeps them."""
    client, machine = (
        app.stack.client("stepfunctions"),
        app.stack.resource("FulfillmentMachine"),
    )
    found: list[Any] = []
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for each in page["executions"]:
            found.append(
                client.get_execution_history(executionArn=each["executionArn"], maxResults=1000)[
                    "events"
                ]
            )
    return json.dumps(found, default=str, ensure_ascii=False)


def queued(app: Application) -> str:
    """What lies in every queue and every dead letter queue."""
    client = app.stack.client("sqs")
    bodies = []
    for url in client.list_queues().get("QueueUrls", []):
        while messages := client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5, MessageAttributeNames=["All"]
        ).get("Messages"):
            bodies += [json.dumps(message) for message in messages]
    return "\n".join(bodies)
