"""The interception point: calls are counted, refused before, or lost after they took effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.calls import Call, Hook
from infra.local.stack import Stack
from tests.infra.shop import count, item


@contextmanager
def hooked(hooks: list[Hook], hook: Hook) -> Iterator[None]:
    hooks.append(hook)
    try:
        yield
    finally:
        hooks.remove(hook)


def break_updates(call: Call) -> None:
    if (call.function, call.operation) == ("Shop", "UpdateItem"):
        raise ConnectionError("no answer")


def test_calls_and_invocations_are_counted_per_function(stack: Stack) -> None:
    updates = ("call", "Shop", "dynamodb", "UpdateItem")
    before, invoked = stack.counts[updates], stack.counts["invoke", "Shop"]
    stack.request("POST", "/open/count", "x")
    stack.client("dynamodb").list_tables()
    assert stack.counts[updates] == before + 1
    assert stack.counts["invoke", "Shop"] == invoked + 1
    assert stack.counts["call", "-", "dynamodb", "ListTables"] >= 1


def test_a_refused_call_has_no_effect(stack: Stack) -> None:
    before = count(stack, "COUNTER", "N")
    with hooked(stack.calls.before, break_updates):
        assert stack.request("POST", "/open/count", "x").status == 502
    assert count(stack, "COUNTER", "N") == before


def test_a_lost_answer_has_its_effect(stack: Stack) -> None:
    before = count(stack, "COUNTER", "N")
    with hooked(stack.calls.after, break_updates):
        assert stack.request("POST", "/open/count", "x").status == 502
    assert count(stack, "COUNTER", "N") == before + 1
    assert any("ConnectionError: no answer" in line for line in stack.logs["Shop"])


class Crash(BaseException):
    """The process dies here."""


def test_a_crash_ends_the_invocation_and_its_module(stack: Stack, new_id: str) -> None:
    def die(call: Call) -> None:
        if call.function == "Worker" and not crashed:
            crashed.append(call.operation)
            raise Crash

    crashed: list[str] = []
    with hooked(stack.calls.after, die):
        stack.request("POST", "/open/queue", {"id": new_id})
        stack.settle()
    assert crashed == ["UpdateItem"]
    assert count(stack, "WORKER", new_id) == 2  # the message came back, and was processed again
    assert item(stack, f"DONE#{new_id}", "worker") is not None


def test_after_hooks_see_answers_and_errors(stack: Stack) -> None:
    seen: list[Call] = []
    with hooked(stack.calls.after, seen.append):
        stack.request("POST", "/open/count", "x")
        stack.request("POST", "/open/token", {"order": "none", "step": "none"})
        stack.request("GET", "/files/nothing")
    answers = {call.operation: call for call in seen}
    assert (answers["UpdateItem"].response or {})["Attributes"]["n"]["N"].isdigit()
    assert answers["GetObject"].error is not None
    assert answers["GetObject"].response is None
