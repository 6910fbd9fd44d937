"""A state machine from its definition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.sim.states.fields import check, integer
from infra.sim.states.host import ExecutionFailed, Host, TaskFailed
from infra.sim.states.kinds import state
from infra.sim.states.states import Program, State

_LONGEST = 99_999_999
_ASKS_FOR_TIME = re.compile(r'\$\$(\.State(\.EnteredTime)?)?(?![\w.])|"Timestamp(Path)?":')


class Machine:
    """A definition ready to run any number of times, on any number of hosts at once.

    `timeout_seconds` is the execution's own limit (None without); the host ends an execution that
    takes longer. Raises ValueError for a definition that AWS, or this interpreter, would not take.
    """

    def __init__(self, definition: Mapping[str, Any]) -> None:
        top = {"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"}
        check("state machine", definition, {"StartAt", "States"}, top)
        if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
            raise ValueError("only JSONPath is known here")
        if definition.get("Version", "1.0") != "1.0":
            raise ValueError(f"unknown Version {definition['Version']!r}")
        self.timeout_seconds: int | None = None
        if "TimeoutSeconds" in definition:
            self.timeout_seconds = integer(definition, "TimeoutSeconds", 0, 1, _LONGEST)
        self._names: set[str] = set()
        self._timed = _ASKS_FOR_TIME.search(json.dumps(definition)) is not None
        inner = {name: definition[name] for name in ("StartAt", "States")}
        self._program = self._compile(inner)

    def run(self, host: Host, input: Any, context: Mapping[str, Any]) -> Any:
        """The output of one execution; ExecutionFailed when it fails.

        `context` is the context object as the execution starts: Execution and StateMachine.
        """
        if self._timed and not hasattr(host, "now"):
            raise TypeError("this definition asks for the time: its host must be a Clock")
        try:
            return self._program.run(host, dict(context), input)
        except TaskFailed as failure:
            raise ExecutionFailed(failure.error, failure.cause) from failure

    def _compile(self, declared: Mapping[str, Any]) -> Program:
        check("program", declared, {"StartAt", "States"}, {"StartAt", "States", "Comment"})
        states: dict[str, State] = {}
        for name, each in declared["States"].items():
            if name in self._names or len(name) > 80:
                raise ValueError(f"{name!r}: another state has this name, or it is too long")
            self._names.add(name)
            try:
                states[name] = state(name, each, self._compile)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{name}: {error}") from error
        _check_flow(declared["StartAt"], declared["States"])
        return Program(declared["StartAt"], states, self._timed)


def _check_flow(start: str, states: Mapping[str, Any]) -> None:
    """Every target exists, every state can be reached, and there is an end."""
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in states:
            raise ValueError(f"there is no state {name!r}")
        if name not in reached:
            reached.add(name)
            ahead.extend(_targets(states[name]))
    if reached != set(states):
        raise ValueError(f"never reached: {sorted(set(states) - reached)}")
    if not any(each.get("End") or each["Type"] in {"Succeed", "Fail"} for each in states.values()):
        raise ValueError("no state ends the program")


def _targets(declared: Mapping[str, Any]) -> Iterator[str]:
    for name in ("Next", "Default"):
        if name in declared:
            yield declared[name]
    for each in (*declared.get("Choices", ()), *declared.get("Catch", ())):
        yield each["Next"]
