"""Does this interpreter take the same paths as the one that ran an execution?

An execution's history gives, per branch, what its tasks were asked and what they answered. `replay`
runs the definition with a host that knows nothing but these answers, and raises `Differs` at the
first step that is another one: another state, other parameters, another output or end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.sim.states.history import (
    Answered,
    Branch,
    Entered,
    Exited,
    Fan,
    Scheduled,
    Step,
    branches,
)
from infra.sim.states.host import ExecutionFailed, TaskFailed
from infra.sim.states.machine import Machine

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

TOKEN = "the task token"
_METADATA = {"ExecutedVersion", "SdkHttpMetadata", "SdkResponseMetadata"}


class Differs(Exception):
    """The interpreters part here."""


class Unfinished(Exception):
    """The history ends here, and nothing says that it should not."""


def same_paths(states: SFNClient, known: set[str] | None = None) -> int:
    """Replay every execution of every state machine; how many there were. Raises Differs.

    `known` are the ARNs of executions replayed to their end before, which are left out; those that
    end now are added.
    """
    known = set() if known is None else known
    count = 0
    for page in states.get_paginator("list_state_machines").paginate():
        for listed in page["stateMachines"]:
            arn = listed["stateMachineArn"]
            definition = json.loads(
                states.describe_state_machine(stateMachineArn=arn)["definition"]
            )
            machine = Machine(definition)
            for execution in _executions(states, arn):
                if execution in known:
                    continue
                described = states.describe_execution(executionArn=execution)
                history = states.get_execution_history(executionArn=execution)["events"]
                replay(machine, definition, described, history)
                count += 1
                if described["status"] != "RUNNING":
                    known.add(execution)
    return count


def _executions(states: SFNClient, machine: str) -> Iterable[str]:
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
        yield from (execution["executionArn"] for execution in page["executions"])


def replay(
    machine: Machine,
    definition: Mapping[str, Any],
    described: Mapping[str, Any],
    events: Iterable[Mapping[str, Any]],
) -> list[str]:
    """The states entered, retries included. Raises Differs, naming the execution.

    `described` and `events` are answers of DescribeExecution and GetExecutionHistory.
    """
    given = json.loads(described["input"])
    context = {
        "Execution": {
            "Id": described["executionArn"],
            "Name": described["name"],
            "Input": given,
            "StartTime": str(described["startDate"]),
        },
        "StateMachine": {"Id": described["stateMachineArn"]},
    }
    script = Script(branches(definition, events))
    try:
        _compare(described, *_end(machine, script, given, context))
    except Differs as difference:
        raise Differs(f"{described['executionArn']}: {difference}") from difference
    return script.path


def _end(
    machine: Machine, script: Script, given: Any, context: Mapping[str, Any]
) -> tuple[str, Any]:
    try:
        output = machine.run(script, given, context)
    except Unfinished:
        return "RUNNING", None
    except ExecutionFailed as failure:
        script.check_end()
        return "FAILED", (failure.error, failure.cause)
    script.check_end()
    return "SUCCEEDED", output


def _compare(described: Mapping[str, Any], status: str, outcome: Any) -> None:
    theirs = described["status"]
    if status != ("RUNNING" if theirs in {"ABORTED", "TIMED_OUT"} else theirs):
        raise Differs(f"ends as {status} ({outcome}), not {theirs}")
    if status == "FAILED":
        expected = (described.get("error") or "", described.get("cause") or "")
        if outcome != expected and not outcome[0] == expected[0] == "States.Runtime":
            raise Differs(f"fails with {outcome}, not {expected}")
    if status == "SUCCEEDED" and not _same_output(outcome, described["output"]):
        raise Differs(f"puts out {outcome}, not {described['output']}")


def _same_output(ours: Any, theirs: str) -> bool:
    try:
        return bool(_plain(ours) == _plain(json.loads(theirs)))
    except ValueError:
        return bool(ours == theirs)  # moto gives a string without its quotes


def _plain(value: Any) -> Any:
    """Without what AWS adds to the answer of an invocation (moto leaves some of it out)."""
    if isinstance(value, dict):
        invoked = {"Payload", "StatusCode"} <= value.keys()
        return {
            name: _plain(each)
            for name, each in value.items()
            if not (invoked and name in _METADATA)
        }
    return [_plain(each) for each in value] if isinstance(value, list) else value


@dataclass(slots=True)
class _Reader:
    """Where the replay is in one branch, and the state that it is in."""

    steps: Sequence[Step]
    at: int = 0
    state: str = ""

    def peek(self) -> Step | None:
        return self.steps[self.at] if self.at < len(self.steps) else None

    def leave(self) -> None:
        """Go past exits."""
        while isinstance(self.peek(), Exited):
            self.at += 1

    def take(self, kind: type[Step], doing: str) -> Any:
        """The next step, which must be one of this kind."""
        step = self.peek()
        if step is None:
            raise Unfinished
        if not isinstance(step, kind):
            raise Differs(
                f"in {self.state or 'the beginning'}: {doing}, but the history has {step}"
            )
        self.at += 1
        return step

    def check_end(self) -> None:
        self.leave()
        if self.peek() is not None:
            raise Differs(f"ends after {self.state}, but the history has {self.peek()}")


class Script:
    """A host that answers as the history says."""

    def __init__(self, whole: Branch) -> None:
        self._reader = _Reader(whole.steps)
        self.path: list[str] = []

    def check_end(self) -> None:
        """Raises Differs when the history goes on."""
        self._reader.check_end()

    def entered(self, state: str) -> None:
        reader = self._reader
        reader.leave()
        again = state == reader.state and not isinstance(reader.peek(), Entered)
        if not again:
            found = reader.take(Entered, f"{state} is entered").state
            if found != state:
                raise Differs(f"{state} is entered after {reader.state}, in the history {found}")
        reader.state = state
        self.path.append(state)

    def invoke(self, function_arn: str, payload: Any, _timeout: float) -> Any:
        return self._task("invoke", function_arn, payload)["Payload"]

    def invoke_and_wait(self, function_arn: str, payload: Any, _token: str, _timeout: float) -> Any:
        return self._task("invoke.waitForTaskToken", function_arn, payload)

    def _task(self, resource: str, function: str, payload: Any) -> Any:
        scheduled = self._reader.take(Scheduled, "a task is scheduled")
        asked = scheduled.parameters
        if scheduled.resource != resource or asked["FunctionName"] != function:
            raise Differs(f"{resource} of {function}, in the history {scheduled}")
        if not _matches(payload, asked.get("Payload", {})):
            raise Differs(f"{self._reader.state} is given {payload}, in the history {asked}")
        answer = self._reader.take(Answered, "a task answers")
        if answer.error is not None:
            raise TaskFailed(answer.error, answer.cause)
        return answer.output

    def new_token(self) -> str:
        return TOKEN

    def wait(self, _seconds: float) -> None:
        if self._reader.peek() is None:
            raise Unfinished

    def jitter(self, most: float) -> float:
        return most

    def all(self, branches: Sequence[Callable[[], Any]], _limit: int) -> list[Any]:
        """One after the other. The one that failed first ended the others, wherever they were."""
        outer = self._reader
        fan = outer.take(Fan, "branches begin")
        if not fan.branches.keys() <= set(range(len(branches))):
            raise Differs(f"{outer.state}: {len(branches)} branches, in the history {fan.branches}")
        results: list[Any] = []
        failures: list[tuple[int, TaskFailed]] = []
        for number, branch in enumerate(branches):
            there = fan.branches.get(number)
            self._reader = _Reader(there.steps if there else ())
            try:
                results.append(branch())
                self._reader.check_end()
            except TaskFailed as failure:
                self._reader.check_end()
                failures.append((there.last if there else 0, failure))
            except Unfinished:
                continue
            finally:
                self._reader = outer
        if failures:
            raise min(failures, key=lambda each: each[0])[1]
        if len(results) < len(branches):
            outer.check_end()
            raise Unfinished
        return results


def _matches(ours: Any, theirs: Any) -> bool:
    """Equal, where our token stands for any."""
    if ours == TOKEN:
        return isinstance(theirs, str)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            _matches(value, theirs[name]) for name, value in ours.items()
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_matches, ours, theirs))
    return bool(_plain(ours) == _plain(theirs))
