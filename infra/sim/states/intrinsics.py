"""The intrinsic functions that cost nothing to have: States.Format, States.Array and a few more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from infra.sim.states.host import TaskFailed
from infra.sim.states.paths import Path

Expression = Callable[[Any, Mapping[str, Any]], Any]
"""(data, context object) -> value."""

_TOKEN = re.compile(
    r"\s*(?:(?P<call>States\.\w+)\s*\(|(?P<path>\$[^,()\s]*(?:\['[^']*'\][^,()\s]*)*)"
    r"|'(?P<string>(?:[^'\\]|\\.)*)'|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>true|false|null))\s*"
)


def expression(text: str) -> Expression:
    """A path, or an intrinsic function call; ValueError for anything else."""
    if text.startswith("$"):
        return Path(text).get
    compiled, end = _argument(text, 0)
    if end != len(text) or not text.startswith("States."):
        raise ValueError(f"neither a path nor an intrinsic function: {text!r}")
    return compiled


def _argument(text: str, at: int) -> tuple[Expression, int]:
    token = _TOKEN.match(text, at)
    if token is None:
        raise ValueError(f"cannot read an intrinsic function: {text!r}")
    if token["call"]:
        return _call(text, token["call"], token.end())
    if token["path"]:
        return Path(token["path"]).get, token.end()
    if token["string"] is not None:
        value: Any = re.sub(r"\\(?![{}])(.)", r"\1", token["string"])
    else:
        value = json.loads(token["number"] or token["word"])
    return (lambda _data, _context: value), token.end()


def _call(text: str, name: str, at: int) -> tuple[Expression, int]:
    if name not in _FUNCTIONS:
        raise ValueError(f"{name} is not among the intrinsic functions here")
    function = _FUNCTIONS[name]
    arguments: list[Expression] = []
    while text[at : at + 1] != ")":
        argument, at = _argument(text, at)
        arguments.append(argument)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != ")":
            raise ValueError(f"cannot read an intrinsic function: {text!r}")

    def evaluate(data: Any, context: Mapping[str, Any]) -> Any:
        values = [argument(data, context) for argument in arguments]
        try:
            return function(*values)
        except (TypeError, ValueError, LookupError) as error:
            raise TaskFailed("States.Runtime", f"{name}: {error}") from None

    rest = re.match(r"\)\s*", text[at:])
    assert rest
    return evaluate, at + rest.end()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _format(template: str, *values: Any) -> str:
    parts = re.split(r"(?<!\\)\{\}", template)
    if len(parts) != len(values) + 1:
        raise ValueError(f"{len(parts) - 1} places for {len(values)} values")
    filled = parts[0] + "".join(
        _text(value) + part for value, part in zip(values, parts[1:], strict=True)
    )
    return re.sub(r"\\([{}])", r"\1", filled)


def _add(left: float, right: float) -> int:
    return round(left) + round(right)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "States.Format": _format,
    "States.Array": lambda *values: list(values),
    "States.ArrayLength": len,
    "States.ArrayGetItem": lambda array, index: array[index],
    "States.ArrayContains": lambda array, value: value in array,
    "States.JsonToString": _json,
    "States.StringToJson": json.loads,
    "States.MathAdd": _add,
}
