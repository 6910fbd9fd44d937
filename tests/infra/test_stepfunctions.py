"""The state machine: task tokens, retries and catches by class name, scaled waits, idleness."""

from __future__ import annotations

import json
import time
from typing import Any

import botocore.exceptions
import pytest

from infra.local.stack import Stack
from tests.infra.shop import item, receive


def start(stack: Stack, order: str, fail: str = "") -> str:
    arn: str = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.resource("Flow"),
        name=order,
        input=json.dumps({"order": order, "fail": fail}),
    )["executionArn"]
    return arn


def describe(stack: Stack, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.client("stepfunctions").describe_execution(executionArn=arn)
    return found


def answer(stack: Stack, order: str, step: str) -> None:
    reply = stack.request("POST", "/open/token", {"order": order, "step": step})
    assert reply.status == 200, reply.text


def test_task_tokens_waits_and_parallel_branches(stack: Stack, new_id: str) -> None:
    arn = start(stack, new_id)
    stack.settle()  # waiting for a token is idle
    assert describe(stack, arn)["status"] == "RUNNING"
    started = time.monotonic()
    answer(stack, new_id, "ask")
    stack.settle()  # through the Wait of 60 s, up to the second token
    assert 0.5 < time.monotonic() - started < 5
    assert describe(stack, arn)["status"] == "RUNNING"
    assert item(stack, new_id, "STATE") is None
    answer(stack, new_id, "ask-left")
    stack.settle()
    assert describe(stack, arn)["status"] == "SUCCEEDED"
    assert (item(stack, new_id, "STATE") or {})["stage"] == "paid"


def test_retry_by_class_name_is_scaled(stack: Stack, new_id: str) -> None:
    started = time.monotonic()
    arn = start(stack, new_id, "throttle")
    stack.settle()
    assert 0.5 < time.monotonic() - started < 5  # 20 s + 40 s
    assert describe(stack, arn)["status"] == "RUNNING"
    assert item(stack, new_id, "TOKEN#ask") is not None


def test_catch_by_class_name(stack: Stack, new_id: str) -> None:
    arn = start(stack, new_id, "stock")
    stack.settle()
    found = describe(stack, arn)
    assert (found["status"], found["error"]) == ("FAILED", "BackOrdered")


def test_names_are_unique(stack: Stack, new_id: str) -> None:
    arn = start(stack, new_id, "stock")
    stack.settle()
    with pytest.raises(botocore.exceptions.ClientError, match="ExecutionAlreadyExists"):
        start(stack, new_id, "stock")
    running = f"{new_id}-running"
    assert start(stack, running) == start(stack, running)  # same name and input while it runs
    assert describe(stack, arn)["status"] == "FAILED"


def test_a_token_works_once(stack: Stack, new_id: str) -> None:
    start(stack, new_id)
    stack.settle()
    token = (item(stack, new_id, "TOKEN#ask") or {})["token"]
    states = stack.client("stepfunctions")
    states.send_task_success(taskToken=token, output="{}")
    with pytest.raises(states.exceptions.TaskTimedOut):
        states.send_task_success(taskToken=token, output="{}")
    with pytest.raises(states.exceptions.InvalidToken):
        states.send_task_success(taskToken="no such token", output="{}")


def test_stopping_an_execution_ends_its_wait(stack: Stack, new_id: str) -> None:
    arn = start(stack, new_id)
    stack.settle()
    stack.client("stepfunctions").stop_execution(executionArn=arn)
    stack.settle()
    assert describe(stack, arn)["status"] == "ABORTED"


def test_failures_carry_error_and_cause(stack: Stack, new_id: str) -> None:
    arn = start(stack, new_id)
    stack.settle()
    token = (item(stack, new_id, "TOKEN#ask") or {})["token"]
    states = stack.client("stepfunctions")
    with pytest.raises(states.exceptions.InvalidOutput):
        states.send_task_success(taskToken=token, output="not JSON")
    states.send_task_failure(taskToken=token, error="Declined", cause="no money")
    stack.settle()
    found = describe(stack, arn)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Declined", "no money")


def machine(stack: Stack, name: str, definition: dict[str, Any]) -> str:
    arn: str = stack.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::123456789012:role/{stack.functions()['Steps'].role}",
    )["stateMachineArn"]
    return arn


def test_a_timeout_inside_a_branch_can_be_caught(stack: Stack, new_id: str) -> None:
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "TimeoutSeconds": 1,
        "Parameters": {
            "QueueUrl": stack.resource("FactsQueue"),
            "MessageBody": {"token.$": "$$.Task.Token"},
        },
        "End": True,
    }
    both = {
        "Type": "Parallel",
        "Branches": [{"StartAt": "Ask", "States": {"Ask": ask}}],
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
        "End": True,
    }
    late = {"Type": "Pass", "Result": {"late": True}, "End": True}
    arn = machine(stack, new_id, {"StartAt": "Both", "States": {"Both": both, "Late": late}})
    run = stack.client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"]
    stack.settle()
    assert len(receive(stack, "FactsQueue")) == 1
    assert describe(stack, run)["status"] == "RUNNING"
    time.sleep(1.2)
    stack.settle()
    assert json.loads(describe(stack, run)["output"]) == {"late": True}


def test_map_iterations_that_wait_are_idle(stack: Stack, new_id: str) -> None:
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {
            "QueueUrl": stack.resource("FactsQueue"),
            "MessageBody": {"token.$": "$$.Task.Token"},
        },
        "End": True,
    }
    each = {
        "Type": "Map",
        "ItemsPath": "$",
        "ItemProcessor": {"StartAt": "Ask", "States": {"Ask": ask}},
        "End": True,
    }
    arn = machine(stack, new_id, {"StartAt": "Each", "States": {"Each": each}})
    states = stack.client("stepfunctions")
    run = states.start_execution(stateMachineArn=arn, input="[1, 2, 3]")["executionArn"]
    stack.settle()
    tokens = [body["token"] for body in receive(stack, "FactsQueue")]
    assert len(tokens) == 3
    for number, token in enumerate(tokens):
        assert describe(stack, run)["status"] == "RUNNING"
        states.send_task_success(taskToken=token, output=str(number))
        stack.settle()
    assert sorted(json.loads(describe(stack, run)["output"])) == [0, 1, 2]


def test_transitions_are_counted(stack: Stack, new_id: str) -> None:
    machine = stack.attribute("Flow", "Name")
    before = stack.counts["transition", machine]
    start(stack, new_id, "stock")
    stack.settle()
    assert stack.counts["transition", machine] == before + 2  # Reserve, BackOrder
