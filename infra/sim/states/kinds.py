"""The state types: which fields each has, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from infra.sim.states.choices import rule, timestamp
from infra.sim.states.fields import check, integer, one_of
from infra.sim.states.host import NO_TIMEOUT, Clock, Host, TaskFailed
from infra.sim.states.intrinsics import expression
from infra.sim.states.paths import Path
from infra.sim.states.states import Choose, Context, Program, State, Work, common
from infra.sim.states.templates import template

INVOKE = "arn:aws:states:::lambda:invoke"
_LONGEST_WAIT = 99_999_999

_ALL = {"Type", "Comment"}
_PATHS = _ALL | {"InputPath", "OutputPath"}
_FLOW = _PATHS | {"Next", "End"}
_RESULT = _FLOW | {"ResultPath", "ResultSelector", "Retry", "Catch"}
_WAITS = {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}
FIELDS: Mapping[str, set[str]] = {
    "Task": _RESULT | {"Resource", "Parameters", "TimeoutSeconds"},
    "Pass": _FLOW | {"Result", "ResultPath", "Parameters"},
    "Choice": _PATHS | {"Choices", "Default"},
    "Wait": _FLOW | _WAITS,
    "Map": _RESULT | {"ItemsPath", "ItemSelector", "MaxConcurrency", "ItemProcessor"},
    "Parallel": _RESULT | {"Branches", "Parameters"},
    "Succeed": _PATHS,
    "Fail": _ALL | {"Error", "ErrorPath", "Cause", "CausePath"},
}
"""The fields of each type; a state with others is refused."""

Compile = Callable[[Mapping[str, Any]], Program]
"""Compiles a program within a state."""


def state(name: str, declared: Mapping[str, Any], program: Compile) -> State:
    """Compile one state; ValueError names what is wrong."""
    kind = str(declared.get("Type"))
    if kind not in FIELDS:
        raise ValueError(f"unknown Type {kind!r}")
    check(kind, declared, {"Type"}, FIELDS[kind])
    if "End" in FIELDS[kind] and (declared.get("End") is True) == ("Next" in declared):
        raise ValueError("needs either Next or End: true")
    works: Mapping[str, Callable[[], Work | None]] = {
        "Task": lambda: _task(declared),
        "Pass": lambda: _pass(declared),
        "Choice": lambda: None,
        "Wait": lambda: _wait(declared),
        "Map": lambda: _map(declared, program),
        "Parallel": lambda: _parallel(declared, program),
        "Succeed": lambda: None,
        "Fail": lambda: _fail(declared),
    }
    return State(
        name=name,
        next=declared.get("Next"),
        work=works[kind](),
        choose=_choice(declared) if kind == "Choice" else None,
        tokens=str(declared.get("Resource")).endswith(".waitForTaskToken"),
        **common(declared),
    )


def _task(declared: Mapping[str, Any]) -> Work:
    resource, arguments = declared.get("Resource"), declared.get("Parameters", {})
    if resource not in {INVOKE, f"{INVOKE}.waitForTaskToken"}:
        raise ValueError(f"unknown Resource {resource!r}")
    timeout = integer(declared, "TimeoutSeconds", int(NO_TIMEOUT), 1, int(NO_TIMEOUT))
    names = sorted(name.removesuffix(".$") for name in arguments)
    if names not in (["FunctionName"], ["FunctionName", "Payload"]):
        raise ValueError(f"Parameters are FunctionName and Payload, not {names}")
    return partial(_invoke, resource != INVOKE, float(timeout))


def _invoke(wait: bool, timeout: float, host: Host, context: Context, arguments: Any) -> Any:
    function, payload = arguments["FunctionName"], arguments.get("Payload", {})
    if wait:
        return host.invoke_and_wait(function, payload, context["Task"]["Token"], timeout)
    answer = host.invoke(function, payload, timeout)
    return {"ExecutedVersion": "$LATEST", "Payload": answer, "StatusCode": 200}


def _pass(declared: Mapping[str, Any]) -> Work:
    if "Result" not in declared:
        return lambda _host, _context, value: value
    if "Parameters" in declared:
        raise ValueError("Result and Parameters at once")
    result = declared["Result"]
    return lambda _host, _context, _value: result


def _choice(declared: Mapping[str, Any]) -> Choose:
    choices, default = declared.get("Choices"), declared.get("Default")
    if not choices:
        raise ValueError("a Choice without Choices")
    rules = [(rule(each), str(each["Next"])) for each in choices]

    def choose(context: Context, value: Any) -> str:
        for applies, following in rules:
            if applies(value, context):
                return following
        if default is None:
            raise TaskFailed("States.Runtime", "no rule applies and there is no Default")
        return str(default)

    return choose


def _wait(declared: Mapping[str, Any]) -> Work:
    kind = one_of("Wait", declared, _WAITS)
    if kind == "Seconds":
        seconds = integer(declared, kind, 0, 0, _LONGEST_WAIT)
    elif kind == "Timestamp" and timestamp(declared[kind]) is None:
        raise ValueError(f"not a timestamp: {declared[kind]!r}")
    path = Path(declared[kind]) if kind.endswith("Path") else None

    def work(host: Host, context: Context, value: Any) -> Any:
        if kind == "Seconds":
            host.wait(float(seconds))
            return value
        asked = path.get(value, context) if path is not None else declared[kind]
        host.wait(_seconds(host, asked) if kind == "SecondsPath" else _until(host, asked))
        return value

    return work


def _seconds(_host: Host, asked: Any) -> float:
    if not isinstance(asked, int) or isinstance(asked, bool) or not 0 <= asked <= _LONGEST_WAIT:
        raise TaskFailed("States.Runtime", f"not a number of seconds: {asked!r}")
    return float(asked)


def _until(host: Host, asked: Any) -> float:
    moment = timestamp(asked)
    if moment is None:
        raise TaskFailed("States.Runtime", f"not a timestamp: {asked!r}")
    return max(0.0, (moment - cast(Clock, host).now()).total_seconds())


def _map(declared: Mapping[str, Any], program: Compile) -> Work:
    processor = dict(declared.get("ItemProcessor", {}))
    config = processor.pop("ProcessorConfig", {"Mode": "INLINE"})
    if config != {"Mode": "INLINE"}:
        raise ValueError(f"only INLINE processing is known here: {config!r}")
    iteration = program(processor)
    items_path = Path(declared.get("ItemsPath", "$"))
    selector = template(declared["ItemSelector"]) if "ItemSelector" in declared else None
    limit = integer(declared, "MaxConcurrency", 0, 0, 2**31)

    def one(host: Host, context: Context, value: Any, index: int, item: Any) -> Any:
        chosen = item
        if selector is not None:  # the only place where $$.Map.Item is, by the Developer Guide
            chosen = selector(value, {**context, "Map": {"Item": {"Index": index, "Value": item}}})
        return iteration.run(host, {**context}, chosen)

    def work(host: Host, context: Context, value: Any) -> Any:
        items = items_path.get(value, context)
        if not isinstance(items, list):
            raise TaskFailed("States.Runtime", f"the items are no array: {type(items).__name__}")
        return host.all(
            [partial(one, host, context, value, *item) for item in enumerate(items)], limit
        )

    return work


def _parallel(declared: Mapping[str, Any], program: Compile) -> Work:
    branches: Sequence[Program] = [program(each) for each in declared.get("Branches", ())]
    if not branches:
        raise ValueError("Parallel without Branches")

    def work(host: Host, context: Context, value: Any) -> Any:
        return host.all([partial(each.run, host, {**context}, value) for each in branches], 0)

    return work


def _fail(declared: Mapping[str, Any]) -> Work:
    error, cause = (_text(declared, name) for name in ("Error", "Cause"))

    def work(_host: Host, context: Context, value: Any) -> Any:
        raise TaskFailed(error(value, context), cause(value, context))

    return work


def _text(declared: Mapping[str, Any], name: str) -> Callable[[Any, Context], str]:
    """The value of Error or Cause, or of the field that says where it is."""
    if f"{name}Path" in declared:
        one_of("Fail", declared, {name, f"{name}Path"})
        return expression(declared[f"{name}Path"])
    constant = str(declared.get(name, ""))
    return lambda _value, _context: constant
