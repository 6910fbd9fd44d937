"""JSONPath as far as state machines use it, compiled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.sim.states.host import TaskFailed

_STEP = re.compile(
    r"""\.(?P<name>[^\s.\[\]*'"()?@,:$]+)|\[(?P<quote>['"])(?P<quoted>.+?)(?P=quote)\]"""
    r"|\[(?P<index>-?\d+)\]|(?P<every>\[\*\]|\.\*)"
)
_EVERY = object()


class Path:
    """`$.a['b'][0]`, `$.a[*].b` in the state's data, `$$.Task.Token` in the context object.

    Slices, filters and `..` are refused (ValueError). A path with a wildcard gives a list; others
    one value, or TaskFailed("States.Runtime") where there is none.
    """

    __slots__ = ("_in_context", "_steps", "_whole", "reference", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._in_context = text.startswith("$$")
        rest = text[2:] if self._in_context else text[1:]
        if not text.startswith("$"):
            raise ValueError(f"a path begins with $: {text!r}")
        self._steps = tuple(_steps(rest, text))
        self._whole = not self._steps
        self.reference = _EVERY not in self._steps

    def get(self, data: Any, context: Mapping[str, Any]) -> Any:
        source = context if self._in_context else data
        if self._whole:
            return source
        try:
            return _follow(source, self._steps) if self.reference else self._all(source)
        except _Missing:
            raise TaskFailed(
                "States.Runtime", f"The JSONPath '{self.text}' could not be found in the input"
            ) from None

    def found(self, data: Any, context: Mapping[str, Any]) -> bool:
        """Whether there is a value."""
        try:
            return self.get(data, context) is not _EVERY
        except TaskFailed:
            return False

    def names(self) -> tuple[str, ...]:
        """The names of a path that is nothing but names in the state's data, as ResultPath is."""
        if self._in_context or not all(isinstance(step, str) for step in self._steps):
            raise ValueError(f"only names can be written to: {self.text!r}")
        return self._steps

    def _all(self, source: Any) -> list[Any]:
        found = [source]
        for step in self._steps:
            if step is _EVERY:
                found = [each for value in found for each in _children(value)]
            else:
                found = [value for each in found for value in _child(each, step)]
        return found


class _Missing(Exception):
    pass


def _steps(rest: str, text: str) -> list[Any]:
    steps: list[Any] = []
    at = 0
    while at < len(rest):
        step = _STEP.match(rest, at)
        if step is None:
            raise ValueError(f"not a path this interpreter knows: {text!r}")
        at = step.end()
        if step["every"]:
            steps.append(_EVERY)
        elif step["index"]:
            steps.append(int(step["index"]))
        else:
            steps.append(step["name"] or step["quoted"])
    return steps


def _follow(value: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps:
        kind = dict if isinstance(step, str) else list
        if not isinstance(value, kind):
            raise _Missing
        try:
            value = value[step]
        except LookupError:
            raise _Missing from None
    return value


def _child(value: Any, step: Any) -> list[Any]:
    try:
        return [_follow(value, (step,))]
    except _Missing:
        return []


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def put(data: Any, names: tuple[str, ...], value: Any) -> Any:
    """`data` with `value` at this place, as ResultPath does; `data` itself stays as it is.

    TaskFailed("States.ResultPathMatchFailure") where something other than an object is in the way.
    """
    if not names:
        return value
    if not isinstance(data, dict):
        raise TaskFailed("States.ResultPathMatchFailure", f"no place for the result: {names[0]!r}")
    below = data.get(names[0], {}) if len(names) > 1 else None
    return {**data, names[0]: put(below, names[1:], value)}
