"""The state machine seen from our side: failed executions, retried waits, holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from parcelway.ports.executions import answer, start
from parcelway.store.database import Database
from parcelway.store.saving import save

from tests.functions import tables
from tests.functions.calls import load, queue_event
from tests.orders import at, dossier_of, store

ASL = Path(__file__).resolve().parents[2] / "infra" / "fulfillment.asl.json"
MACHINE = "arn:aws:states:eu-central-1:1:stateMachine:m"


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as made:
        yield made


class Machine:
    """Step Functions with some executions that have been."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = statuses

    def start_execution(self, *, name: str, **_: Any) -> None:
        if name in self.statuses:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.statuses[name] = "RUNNING"

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:
        return {"status": self.statuses[executionArn.rsplit(":", 1)[1]]}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_order_whose_execution_failed_is_taken_up_anew(status: str) -> None:
    machine = Machine(ord_1=status)
    start(machine, MACHINE, "ord_1")
    start(machine, MACHINE, "ord_1")
    assert machine.statuses == {"ord_1": status, "ord_1-2": "RUNNING"}


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED"])
def test_an_execution_is_started_once(status: str) -> None:
    machine = Machine(ord_1=status)
    start(machine, MACHINE, "ord_1")
    assert machine.statuses == {"ord_1": status}


def states() -> dict[str, Any]:
    machine = json.loads(ASL.read_text())["States"]
    inner: dict[str, Any] = machine["Shipments"]["ItemProcessor"]["States"]
    return {name: state for name, state in (machine | inner).items() if state["Type"] == "Task"}


@pytest.mark.parametrize("name", states())
def test_every_step_has_a_timeout_and_outlasts_an_outage_of_hours(name: str) -> None:
    state = states()[name]
    assert state["TimeoutSeconds"] > 0
    retry = state["Retry"][-1]
    assert retry["ErrorEquals"] == ["States.ALL"]
    pauses = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"])
        for n in range(retry["MaxAttempts"])
    ]
    goes_on = ["States.ALL"] in [catch["ErrorEquals"] for catch in state.get("Catch", [])]
    assert goes_on or sum(pauses) / 2 > 8 * 3600  # full jitter halves it


def test_a_retried_wait_is_answered_under_either_token(db: Database) -> None:
    story = at("packed")
    store(db, story)
    steps = load("fulfillment_steps")
    steps.db = lambda: db
    sent: list[str] = []
    answers = SimpleNamespace(send_task_success=lambda taskToken, **_: sent.append(taskToken))
    steps.executions = lambda: answers
    event = {
        "step": "wait",
        "until": "shipped",
        "order_id": story.order.id,
        "shipment_id": story.shipments[0].id,
    }
    for token in ("attempt-1", "attempt-2", "attempt-2"):
        steps.handler(event | {"token": token}, None)
    dossier = dossier_of(db, story.order.id)
    assert sorted(wait.token for wait in dossier.waits) == ["attempt-1", "attempt-2"]
    stored = len(story.decisions)
    for decision, now in story.shipped().decisions[stored:]:
        save(db, decision, now)
    steps.handler(event | {"token": "attempt-3"}, None)
    assert sent == ["attempt-3"]


def test_an_invoice_is_asked_for_until_it_is_there(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICES_QUEUE_URL", "https://sqs.test/invoices")
    story = at("shipped")
    store(db, story)
    asked = {"order_id": story.order.id, "shipment_id": story.shipments[0].id}
    steps = load("fulfillment_steps")
    steps.db = lambda: db
    sent: list[str] = []
    answered: list[str] = []
    steps.sqs = lambda: SimpleNamespace(
        send_message=lambda QueueUrl, MessageBody: sent.append(MessageBody)
    )
    steps.executions = lambda: SimpleNamespace(
        send_task_success=lambda taskToken, output: answered.append(taskToken)
    )
    event = {"step": "invoice", "until": "invoiced", **asked}
    for token in ("attempt-1", "attempt-2"):
        steps.handler(event | {"token": token}, None)
    assert [json.loads(body) for body in sent] == [asked, asked]
    assert answered == []
    writer = load("invoicing")
    writer.db = lambda: db
    assert writer.handler(queue_event(*map(json.loads, sent)), None) == {"batchItemFailures": []}
    waiting = dossier_of(db, story.order.id)
    assert [invoice.number for invoice in waiting.invoices] == ["INV-000001"]
    steps.handler(event | {"token": "attempt-3"}, None)
    assert (len(sent), answered) == (2, ["attempt-3"])
    answer(steps.executions(), db, waiting)  # as the worker does when it hears of the invoice
    assert answered[1:] == ["attempt-1", "attempt-2"]


def test_a_hold_sends_the_release_into_a_wait_and_is_no_fault(db: Database) -> None:
    story = at("scheduled").pays("voided", authorized=0)
    store(db, story)
    steps = load("fulfillment_steps")
    steps.db = lambda: db
    with pytest.raises(steps.OnHold):
        steps.handler(
            {
                "step": "release",
                "until": "packed",
                "order_id": story.order.id,
                "shipment_id": story.shipments[0].id,
                "token": "t",
            },
            None,
        )
    assert ["OnHold"] in [retry["ErrorEquals"] for retry in states()["Release"]["Retry"]]
