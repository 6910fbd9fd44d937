"""Queues, streams, rules, schedules and asynchronous invocations, end to end."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.stack import FunctionFailed, NotSettled, Stack
from tests.infra.shop import count, item, put_event, receive


def test_stream_to_bus_to_function_and_queue(stack: Stack, new_id: str) -> None:
    put_event(stack, "order.placed", {"order": new_id, "total": 150})
    stack.settle()
    assert count(stack, "CONSUMER", new_id) == 1
    shaped = [b for b in receive(stack, "FactsQueue") if b["big_order"] == new_id]
    assert shaped == [{"big_order": new_id, "text": f"order {new_id} over 150"}]


def test_a_rule_that_does_not_match_sends_nothing(stack: Stack, new_id: str) -> None:
    put_event(stack, "order.placed", {"order": new_id, "total": 5})
    put_event(stack, "order.changed", {"order": new_id, "total": 5})
    stack.settle()
    assert count(stack, "CONSUMER", new_id) == 1
    assert receive(stack, "FactsQueue") == []


def test_stream_filter_keeps_other_items_away(stack: Stack, new_id: str) -> None:
    before = stack.counts["invoke", "Relay"]
    stack.client("dynamodb").put_item(
        TableName=stack.resource("OrdersTable"), Item={"pk": {"S": new_id}, "sk": {"S": "PLAIN"}}
    )
    stack.settle()
    assert stack.counts["invoke", "Relay"] == before


def test_stream_gives_up_after_retries_and_tells_the_destination(stack: Stack, new_id: str) -> None:
    put_event(stack, "poison", {"order": new_id})
    put_event(stack, "order.placed", {"order": new_id, "total": 1})
    stack.settle()
    assert count(stack, "CONSUMER", new_id) == 1  # the record behind the poison got through
    given_up = [b for b in receive(stack, "StreamFailures") if "DDBStreamBatchInfo" in b]
    assert [b["DDBStreamBatchInfo"]["batchSize"] for b in given_up] == [1]
    assert given_up[0]["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_event_starts_an_execution(stack: Stack, new_id: str) -> None:
    put_event(stack, "flow.wanted", {"order": new_id, "fail": "stock"})
    stack.settle()
    machine = stack.resource("Flow")
    states = stack.client("stepfunctions")
    runs = states.list_executions(stateMachineArn=machine)["executions"]
    inputs = [
        json.loads(states.describe_execution(executionArn=r["executionArn"])["input"]) for r in runs
    ]
    assert {"order": new_id, "fail": "stock"} in inputs


def test_queue_message_is_processed_once(stack: Stack, new_id: str) -> None:
    stack.request("POST", "/open/queue", {"id": new_id})
    stack.settle()
    assert item(stack, f"DONE#{new_id}", "worker") is not None
    assert count(stack, "WORKER", new_id) == 1


def test_poison_goes_to_the_dead_letter_queue_alone(stack: Stack, new_id: str) -> None:
    stack.request("POST", "/open/queue", {"id": f"{new_id}-bad", "poison": True})
    for number in range(6):
        stack.request("POST", "/open/queue", {"id": f"{new_id}-{number}"})
    stack.settle()
    assert [b["id"] for b in receive(stack, "WorkDead")] == [f"{new_id}-bad"]
    assert count(stack, "WORKER", f"{new_id}-bad") == 3  # maxReceiveCount
    assert all(count(stack, "WORKER", f"{new_id}-{n}") == 1 for n in range(6))


def test_a_crash_returns_the_whole_batch(stack: Stack, new_id: str) -> None:
    stack.request("POST", "/open/queue", {"id": new_id, "crash": True})
    stack.settle()
    assert [b["id"] for b in receive(stack, "WorkDead")] == [new_id]
    assert count(stack, "WORKER", new_id) == 3


def test_delays_are_scaled_and_waited_for(stack: Stack, new_id: str) -> None:
    started = time.monotonic()
    stack.request("POST", "/open/queue", {"id": new_id, "delay": 50})  # 0.5 s
    assert item(stack, f"DONE#{new_id}", "worker") is None
    stack.settle()
    assert item(stack, f"DONE#{new_id}", "worker") is not None
    assert 0.4 < time.monotonic() - started < 3


def test_a_long_delay_counts_as_idle(stack: Stack, new_id: str) -> None:
    stack.request("POST", "/open/queue", {"id": new_id, "delay": 900})  # 9 s
    started = time.monotonic()
    stack.settle()
    assert time.monotonic() - started < 2
    assert item(stack, f"DONE#{new_id}", "worker") is None


def test_async_invocation_is_retried_then_sent_to_its_destination(
    stack: Stack, new_id: str
) -> None:
    put_event(stack, "order.placed", {"order": new_id, "total": -1})
    stack.settle()
    assert count(stack, "CONSUMER", new_id) == 2  # MaximumRetryAttempts: 1
    failed = [b for b in receive(stack, "StreamFailures") if b.get("requestPayload")]
    assert [b["requestPayload"]["detail"]["order"] for b in failed] == [new_id]
    assert failed[0]["responsePayload"]["errorType"] == "ValueError"
    assert failed[0]["requestContext"]["condition"] == "RetriesExhausted"


@pytest.mark.parametrize("name", ["NightlySweep", "Sweep", "Nightly"])
def test_fire_runs_a_schedule(stack: Stack, name: str) -> None:
    table = stack.resource("OrdersTable")
    key = {"pk": {"S": "NIGHTLY"}, "sk": {"S": "sweep"}}
    stack.client("dynamodb").delete_item(TableName=table, Key=key)
    stack.fire(name)
    assert item(stack, "NIGHTLY", "sweep") is not None


def test_fire_knows_only_schedules(stack: Stack) -> None:
    with pytest.raises(KeyError, match="NightlySweep"):
        stack.fire("Nothing")


def test_invoke_answers_and_raises(stack: Stack) -> None:
    assert stack.invoke("Steps", {"step": "reserve", "fail": ""}) == {"reserved": True}
    with pytest.raises(FunctionFailed, match="OutOfStock: none left") as failed:
        stack.invoke("Steps", {"step": "reserve", "fail": "stock"})
    assert "app.py" in "".join(failed.value.payload["stackTrace"])
    assert any("OutOfStock" in line for line in stack.logs["Steps"])


def test_settle_waits_for_a_cascade_and_says_what_is_left(stack: Stack, new_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            detail = {"order": f"{new_id}-{number}", "total": 1}
            pool.submit(put_event, stack, "order.placed", detail)
    with pytest.raises(NotSettled, match=r"Relay|Consumer"):
        stack.settle(timeout=0)
    stack.settle()
    assert [count(stack, "CONSUMER", f"{new_id}-{n}") for n in range(40)] == [1] * 40


def test_sixteen_threads_count_exactly(stack: Stack) -> None:
    before = count(stack, "COUNTER", "N")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: stack.request("POST", "/open/count", "x"), range(400)))
    numbers = sorted(answer.json()["n"] for answer in answers)
    assert numbers == list(range(before + 1, before + 401))
