"""Step Functions: executions of the state machine as tasks, task tokens, the API around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from infra.local.functions import Function, Result
from infra.sim.errors import client_error, not_simulated
from infra.sim.kernel import Kernel, Signal, Task
from infra.sim.states import ExecutionFailed, Machine, TaskFailed

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT"]
Invoke = Callable[[Function, Any], Result]


@dataclass
class Execution:
    """One execution and where it stands."""

    name: str
    arn: str
    input: str
    status: Status = "RUNNING"
    error: str = ""


@dataclass
class Token:
    """A task token that was handed out; `signal` is set with the answer, `open` while it counts."""

    signal: Signal
    open: bool = True


@dataclass
class Executions:
    """All executions of one history."""

    kernel: Kernel
    machines: Mapping[str, Machine]  # by ARN
    find: Callable[[str], Function]
    invoke: Invoke
    new_id: Callable[[], str]
    random: Random
    transitions: int = 0  # as AWS bills them
    executions: dict[str, Execution] = field(default_factory=dict)  # by ARN
    tokens: dict[str, Token] = field(default_factory=dict)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One API call. Raises NotImplementedError for what no handler uses."""
        if operation == "StartExecution":
            return self._start(parameters)
        if operation == "DescribeExecution":
            found = self.executions.get(parameters["executionArn"])
            if found is None:
                raise client_error("ExecutionDoesNotExist", operation)
            return {"executionArn": found.arn, "name": found.name, "status": found.status}
        if operation == "SendTaskSuccess":
            output = json.loads(parameters["output"])
            return self._answer(operation, parameters["taskToken"], output)
        if operation == "SendTaskFailure":
            error = TaskFailed(parameters.get("error", ""), parameters.get("cause", ""))
            return self._answer(operation, parameters["taskToken"], error)
        raise not_simulated(f"states.{operation}")

    def running(self) -> list[Execution]:
        """Executions that have not ended."""
        return [e for e in self.executions.values() if e.status == "RUNNING"]

    def _start(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The same name with the same input while it runs is the same execution
        (docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html)."""
        machine_arn, name = parameters["stateMachineArn"], parameters["name"]
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        existing = self.executions.get(arn)
        if existing is None:
            execution = Execution(name, arn, parameters["input"])
            self.executions[arn] = execution
            self.kernel.spawn(f"execution {name}", lambda: self._run(machine_arn, execution))
        elif existing.status != "RUNNING" or existing.input != parameters["input"]:
            raise client_error("ExecutionAlreadyExists", "StartExecution")
        return {"executionArn": arn, "startDate": self.kernel.moment}

    def _answer(self, operation: str, token: str, value: Any) -> dict[str, Any]:
        known = self.tokens.get(token)
        if known is None:
            raise client_error("InvalidToken", operation)
        if not known.open or known.signal.is_set:
            raise client_error("TaskTimedOut", operation)
        known.signal.set(value)
        return {}

    def _run(self, machine_arn: str, execution: Execution) -> None:
        machine = self.machines[machine_arn]
        host = _Host(self, execution)
        context = {
            "Execution": {
                "Id": execution.arn,
                "Name": execution.name,
                "Input": json.loads(execution.input),
                "StartTime": self.kernel.moment.isoformat(),
            },
            "StateMachine": {"Id": machine_arn, "Name": machine_arn.rsplit(":", 1)[1]},
        }
        given = json.loads(execution.input)
        work = self.kernel.spawn(
            f"states of {execution.name}", lambda: machine.run(host, given, context)
        )
        ended = Signal(self.kernel)
        guard = self.kernel.spawn(f"end of {execution.name}", lambda: self._watch(work, ended))
        if not self.kernel.wait(ended, machine.timeout_seconds):
            execution.status = "TIMED_OUT"
            host.stop()
            self.kernel.stop(work)
        elif isinstance(work.failure, ExecutionFailed):
            execution.status, execution.error = "FAILED", str(work.failure)
        elif work.failure is not None:
            raise work.failure
        else:
            execution.status = "SUCCEEDED"
        self.kernel.stop(guard)

    def _watch(self, work: Task, ended: Signal) -> None:
        try:
            self.kernel.join(work)
        except ExecutionFailed:
            pass  # the execution's status tells it
        finally:
            ended.set()


class _Host:
    """The world as one execution sees it. See states.host.Host."""

    def __init__(self, service: Executions, execution: Execution) -> None:
        self._service = service
        self._kernel = service.kernel
        self._execution = execution
        self._branches: list[Task] = []

    def invoke(self, function_arn: str, payload: Any, timeout: float) -> Any:
        started = self._kernel.now
        result = self._service.invoke(self._service.find(function_arn), payload)
        if self._kernel.now - started > timeout:
            raise TaskFailed("States.Timeout")
        if result.is_error:
            raise TaskFailed(result.value["errorType"], result.payload)
        return result.value

    def invoke_and_wait(self, function_arn: str, payload: Any, token: str, timeout: float) -> Any:
        started = self._kernel.now
        known = self._service.tokens[token]
        try:
            self.invoke(function_arn, payload, timeout)
            self._kernel.pause()
            left = timeout - (self._kernel.now - started)
            if not self._kernel.wait(known.signal, left):
                raise TaskFailed("States.Timeout")
        finally:
            known.open = False
        if isinstance(known.signal.value, TaskFailed):
            raise known.signal.value
        return known.signal.value

    def new_token(self) -> str:
        token = f"token-{self._service.new_id()}"
        self._service.tokens[token] = Token(Signal(self._kernel))
        return token

    def wait(self, seconds: float) -> None:
        self._kernel.sleep(seconds)

    def all(self, branches: Sequence[Callable[[], Any]], limit: int) -> list[Any]:
        if limit:
            raise not_simulated("a Map's MaxConcurrency")
        name = self._execution.name
        tasks = [self._kernel.spawn(f"branch of {name}", branch) for branch in branches]
        self._branches += tasks
        try:
            while running := [task for task in tasks if not task.finished]:
                _raise_first(tasks)
                self._kernel.first_end(running)
            _raise_first(tasks)
            return [task.result for task in tasks]
        finally:
            for task in tasks:
                self._kernel.stop(task)

    def jitter(self, most: float) -> float:
        return self._service.random.uniform(0, most)

    def entered(self, _state: str) -> None:
        self._service.transitions += 1

    def stop(self) -> None:
        """End what the execution's branches are doing."""
        for task in self._branches:
            self._kernel.stop(task)


def _raise_first(tasks: Sequence[Task]) -> None:
    for task in tasks:
        if task.failure is not None:
            raise task.failure
