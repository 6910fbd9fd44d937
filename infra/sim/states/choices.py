"""Choice rules: the comparison operators, And, Or, Not."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from infra.sim.states.fields import check, one_of
from infra.sim.states.paths import Path

Rule = Callable[[Any, Mapping[str, Any]], bool]
"""(data, context object) -> whether it applies."""
Test = Callable[[Any, Any], bool]
"""(the variable's value, what it is compared with) -> whether it holds; other types never do."""

_ORDER = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def rule(declared: Mapping[str, Any], top: bool = True) -> Rule:
    """Compile one rule; a `top` one also has a Next, others must not. ValueError if malformed."""
    extra = {"Next"} if top else set[str]()
    kind = one_of("a choice rule", declared, {"And", "Or", "Not", "Variable"})
    if kind == "Variable":
        return _comparison(declared, extra)
    check("a choice rule", declared, {kind} | extra, {kind, "Comment"} | extra)
    if kind == "Not":
        inner = rule(declared["Not"], top=False)
        return lambda data, context: not inner(data, context)
    rules = [rule(each, top=False) for each in declared[kind]]
    if not rules:
        raise ValueError(f"{kind} of nothing")
    combine = all if kind == "And" else any
    return lambda data, context: combine(each(data, context) for each in rules)


def timestamp(value: Any) -> datetime | None:
    """RFC 3339 as Step Functions reads it (capital T and Z); None for anything else."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _comparison(declared: Mapping[str, Any], extra: set[str]) -> Rule:
    name = one_of("a choice rule", declared, set(_TESTS) | set(_PATH_TESTS) | set(_KINDS))
    known = {"Variable", name} | extra
    check("a choice rule", declared, known, known | {"Comment"})
    variable, expected = Path(declared["Variable"]), declared[name]
    if name in _KINDS:
        return _is(name, variable, expected)
    if name in _PATH_TESTS:
        test, other = _PATH_TESTS[name], Path(expected)
        return lambda data, context: test(variable.get(data, context), other.get(data, context))
    test = _TESTS[name]
    _check_constant(name, expected)
    return lambda data, context: test(variable.get(data, context), expected)


def _check_constant(name: str, expected: Any) -> None:
    family = next(each for each in _FAMILIES if name.startswith(each))
    if not _FAMILIES[family](expected):
        raise ValueError(f"{name} cannot compare with {expected!r}")


def _is(name: str, variable: Path, expected: Any) -> Rule:
    if not isinstance(expected, bool):
        raise ValueError(f"{name} is true or false: {expected!r}")
    if name == "IsPresent":
        return lambda data, context: variable.found(data, context) is expected
    kind = _KINDS[name]
    return lambda data, context: kind(variable.get(data, context)) is expected


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_timestamp(value: Any) -> bool:
    return timestamp(value) is not None


def _matches(value: Any, pattern: Any) -> bool:
    """`*` stands for any characters, `\\*` for an asterisk."""
    if not _is_string(value):
        return False
    parts = re.split(r"(\\.|\*)", pattern)
    regex = "".join(
        ".*" if part == "*" else re.escape(part[1:] if part[:1] == "\\" else part) for part in parts
    )
    return re.fullmatch(regex, value, re.DOTALL) is not None


def _typed(family: Callable[[Any], bool], compare: Callable[[Any, Any], Any]) -> Test:
    return lambda value, other: family(value) and family(other) and bool(compare(value, other))


def _in_time(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, other: compare(timestamp(value), timestamp(other))


_FAMILIES: Mapping[str, Callable[[Any], bool]] = {
    "String": _is_string,
    "Numeric": _is_number,
    "Boolean": _is_boolean,
    "Timestamp": _is_timestamp,
}
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "IsPresent": lambda _value: True,
    "IsNull": lambda value: value is None,
    "IsString": _is_string,
    "IsNumeric": _is_number,
    "IsBoolean": _is_boolean,
    "IsTimestamp": _is_timestamp,
}
_ORDERED: Mapping[str, Test] = {
    **{f"String{name}": _typed(_is_string, compare) for name, compare in _ORDER.items()},
    **{f"Numeric{name}": _typed(_is_number, compare) for name, compare in _ORDER.items()},
    **{
        f"Timestamp{name}": _typed(_is_timestamp, _in_time(compare))
        for name, compare in _ORDER.items()
    },
    "BooleanEquals": _typed(_is_boolean, operator.eq),
}
_TESTS: Mapping[str, Test] = {**_ORDERED, "StringMatches": _matches}
_PATH_TESTS: Mapping[str, Test] = {f"{name}Path": test for name, test in _ORDERED.items()}
