"""One state: what its fields mean, compiled once, and how it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from infra.sim.states.failures import Catcher, Retrier, catchers, result_path, retriers
from infra.sim.states.host import Clock, Host, TaskFailed
from infra.sim.states.intrinsics import Expression
from infra.sim.states.paths import Path, put
from infra.sim.states.templates import template

Context = dict[str, Any]
"""The context object (`$$`) of one branch."""
Work = Callable[[Host, Context, Any], Any]
"""What a state does with its input (after InputPath and Parameters): its result."""
Choose = Callable[[Context, Any], str]
"""A Choice state's next state for its input."""


@dataclass(frozen=True, slots=True)
class State:
    """A state ready to run. `next` is None where the program ends."""

    name: str
    next: str | None
    work: Work | None = None
    choose: Choose | None = None
    input_path: Path | None = None
    parameters: Expression | None = None
    selector: Expression | None = None
    result_path: tuple[str, ...] | None = ()
    output_path: Path | None = None
    empty_input: bool = False
    empty_output: bool = False
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    tokens: bool = False

    def run(self, host: Host, context: Context, data: Any) -> tuple[Any, str | None]:
        """(output, next state) for the input `data`. TaskFailed when nothing catches a failure."""
        used = [0] * len(self.retry)
        while True:
            host.entered(self.name)
            try:
                return self._attempt(host, context, data)
            except TaskFailed as failure:
                if not self._retried(host, context, failure, used):
                    return self._caught(data, failure)

    def _attempt(self, host: Host, context: Context, data: Any) -> tuple[Any, str | None]:
        value = data
        if self.empty_input:
            value = {}
        elif self.input_path is not None:
            value = self.input_path.get(data, context)
        following = self.choose(context, value) if self.choose is not None else self.next
        if self.work is not None:
            value = self._result(host, context, value)
            if self.selector is not None:
                value = self.selector(value, context)
            value = data if self.result_path is None else put(data, self.result_path, value)
        if self.empty_output:
            value = {}
        elif self.output_path is not None:
            value = self.output_path.get(value, context)
        return value, following

    def _result(self, host: Host, context: Context, value: Any) -> Any:
        assert self.work is not None
        if self.tokens:
            context["Task"] = {"Token": host.new_token()}
        try:
            if self.parameters is not None:
                value = self.parameters(value, context)
            return self.work(host, context, value)
        finally:
            context.pop("Task", None)

    def _retried(self, host: Host, context: Context, failure: TaskFailed, used: list[int]) -> bool:
        """Wait as the first retrier that matches says; False when it has no attempt left."""
        for index, retrier in enumerate(self.retry):
            if not retrier.errors.match(failure.error):
                continue
            if used[index] >= retrier.attempts:
                return False
            delay = retrier.delay(used[index])
            used[index] += 1
            context["State"] = {**context["State"], "RetryCount": sum(used)}
            host.wait(host.jitter(delay) if retrier.jitter else delay)
            return True
        return False

    def _caught(self, data: Any, failure: TaskFailed) -> tuple[Any, str | None]:
        for catcher in self.catch:
            if catcher.errors.match(failure.error):
                if catcher.result_path is None:
                    return data, catcher.next
                error = {"Error": failure.error, "Cause": failure.cause}
                return put(data, catcher.result_path, error), catcher.next
        raise failure


@dataclass(frozen=True, slots=True)
class Program:
    """States from `start` to an end: a machine, an iteration of Map, a branch of Parallel.

    `timed`: the definition asks for EnteredTime, so the host must be a Clock, too.
    """

    start: str
    states: Mapping[str, State]
    timed: bool

    def run(self, host: Host, context: Context, data: Any) -> Any:
        """The output for the input `data`; TaskFailed when a state fails for good."""
        state: State | None = self.states[self.start]
        while state is not None:
            entered: dict[str, Any] = {"Name": state.name, "RetryCount": 0}
            if self.timed:
                entered["EnteredTime"] = _text(cast(Clock, host).now())
            context["State"] = entered
            data, following = state.run(host, context, data)
            state = None if following is None else self.states[following]
        return data


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def common(declared: Mapping[str, Any]) -> dict[str, Any]:
    """State's arguments from the fields that several types share."""
    paths: dict[str, Any] = {}
    for name, key, empty in (
        ("InputPath", "input_path", "empty_input"),
        ("OutputPath", "output_path", "empty_output"),
    ):
        text = declared.get(name, "$")
        if text is None:
            paths[empty] = True
        elif text != "$":
            paths[key] = Path(text)
    if "ResultSelector" in declared:
        paths["selector"] = template(declared["ResultSelector"])
    if "Parameters" in declared:
        paths["parameters"] = template(declared["Parameters"])
    return {
        **paths,
        "result_path": result_path(declared.get("ResultPath", "$")),
        "retry": retriers(declared.get("Retry", ())),
        "catch": catchers(declared.get("Catch", ())),
    }
