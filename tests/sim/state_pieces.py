"""What the tests of state machines are made of: states, cases, and a host that acts them out.

A task's payload is a plan: what the function does at its first call, its second, and from then on
the last: {"gives": value}, {"raises": error}, {"sleeps": seconds}; where a task token waits for an
answer, also {"fails": error} and {} for silence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.sim.states import TaskFailed

FUNCTION = "${Actor}"
KEY = "States.Format('{}/{}', $$.Execution.Name, $$.State.Name)"
KEY_EACH = "States.Format('{}/{}/{}', $$.Execution.Name, $$.State.Name, $.id)"
GUIDE = "Step Functions Developer Guide, "


@dataclass(frozen=True)
class Case:
    """`path` in the order of one branch after the other; `ends` is "SUCCEEDED" or the error."""

    name: str
    states: Mapping[str, Any]
    path: str
    ends: str = "SUCCEEDED"
    input: Any = field(default_factory=dict)
    moto_differs: str = ""  # what moto does instead, and where AWS says otherwise


def task(*plan: Any, wait: bool = False, each: bool = False, **fields: Any) -> dict[str, Any]:
    """A Task with its plan, or (`each`) with the plan that its input has."""
    payload = {"key.$": KEY_EACH if each else KEY}
    payload |= {"plan.$": "$.plan"} if each else {"plan": list(plan)}  # type: ignore[dict-item]
    if wait:
        payload["token.$"] = "$$.Task.Token"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke" + (".waitForTaskToken" if wait else ""),
        "Parameters": {"FunctionName": FUNCTION, "Payload": payload},
        **end(fields),
    }


def end(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields} if "Next" in fields else {**fields, "End": True}


def each(states: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    processor = {"StartAt": next(iter(states)), "States": states}
    return {"Type": "Map", "ItemProcessor": processor, **end(fields)}


def parallel(*branches: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    started = [{"StartAt": next(iter(states)), "States": states} for states in branches]
    return {"Type": "Parallel", "Branches": started, **end(fields)}


def retry(*errors: str, attempts: int = 3, **fields: Any) -> dict[str, Any]:
    return {"ErrorEquals": list(errors), "MaxAttempts": attempts, "IntervalSeconds": 1, **fields}


def catch(error: str, then: str, **fields: Any) -> dict[str, Any]:
    return {"ErrorEquals": [error], "Next": then, **fields}


def choice(rule: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], **fields}


GIVES, A, B, SLEEPS = {"gives": {"ok": 1}}, {"raises": "A"}, {"raises": "B"}, {"sleeps": 0.4}
DONE: Any = {"Type": "Succeed"}
YES_NO = {"Yes": DONE, "No": DONE}
ALL = "States.ALL"
GOOD, BAD = {"id": 1, "plan": [GIVES]}, {"id": 2, "plan": [A]}
LATE = {"TimeoutSeconds": 1}


class Actor:
    """Acts plans, without time. One branch after the other, like `Case.path`."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.waits: list[float] = []
        self.tokens = 0
        self._turns: dict[str, int] = {}

    def entered(self, state: str) -> None:
        self.path.append(state)

    def invoke(self, function_arn: str, payload: Any, timeout: float) -> Any:
        act = self._act(payload)
        if act.get("sleeps", 0) and timeout < 60:
            raise TaskFailed("States.Timeout")
        return act.get("gives")

    def invoke_and_wait(self, function_arn: str, payload: Any, token: str, timeout: float) -> Any:
        act = self._act(payload)
        assert payload["token"] == token
        if "fails" in act:
            raise TaskFailed(act["fails"], "said so")
        if "gives" not in act:
            raise TaskFailed("States.Timeout")
        return act["gives"]

    def _act(self, payload: Any) -> Any:
        turn = self._turns[payload["key"]] = self._turns.get(payload["key"], -1) + 1
        act = payload["plan"][min(turn, len(payload["plan"]) - 1)]
        if "raises" in act:
            raise TaskFailed(act["raises"], '{"errorMessage": "it failed"}')
        return act

    def new_token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def jitter(self, most: float) -> float:
        return most / 2

    def all(self, branches: Sequence[Callable[[], Any]], limit: int) -> list[Any]:
        results: list[Any] = []
        failures: list[TaskFailed] = []
        for branch in branches:
            try:
                results.append(branch())
            except TaskFailed as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
        return results


def definition(case: Case, function: str = "arn:of:actor") -> dict[str, Any]:
    declared = {"StartAt": next(iter(case.states)), "States": case.states}
    found: dict[str, Any] = json.loads(json.dumps(declared).replace(FUNCTION, function))
    return found
