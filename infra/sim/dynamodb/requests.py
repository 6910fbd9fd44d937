"""What all requests share: their parameters, and the placeholders of their expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ParamValidationError

from infra.sim.dynamodb.conditions import Condition, compiled
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.syntax import check_placeholder
from infra.sim.dynamodb.values import Attribute, take
from infra.sim.errors import not_simulated

Parameters = Mapping[str, Any]

_LEGACY_LIST = (
    "AttributeUpdates AttributesToGet ConditionalOperator Expected KeyConditions QueryFilter "
    "ScanFilter"
)
_LEGACY = frozenset(_LEGACY_LIST.split())


def check_parameters(given: Parameters, known: frozenset[str], required: Iterable[str]) -> None:
    """Raises ParamValidationError as botocore does, NotImplementedError for the old parameters
    that came before expressions."""
    if not given.keys() <= known:
        unknown = given.keys() - known
        if unknown & _LEGACY:
            raise not_simulated(f"the legacy {sorted(unknown & _LEGACY)}")
        raise ParamValidationError(report=f"Unknown parameter in input: {sorted(unknown)}")
    for name in required:
        if name not in given:
            raise ParamValidationError(report=f'Missing required parameter in input: "{name}"')


def choice(given: Parameters, name: str, default: str, *others: str) -> str:
    """A parameter with few possible values. Raises Refused for another one."""
    value: str = given.get(name, default)
    if value == default or value in others:
        return value
    parameter = name[0].lower() + name[1:]
    raise Refused(
        f"1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy "
        f"constraint: Member must satisfy enum value set: [{', '.join((default, *others))}]"
    )


class Placeholders:
    """ExpressionAttributeNames and -Values of one request; knows which of them were used."""

    __slots__ = ("_names", "_used_names", "_used_values", "names", "values")

    def __init__(self, given: Parameters, expressions: tuple[str, ...]) -> None:
        names = given.get("ExpressionAttributeNames")
        values = given.get("ExpressionAttributeValues")
        self.names: tuple[tuple[str, str], ...] = ()
        self.values: dict[str, Attribute] = {}
        self._names: Mapping[str, str] = names or {}
        self._used_names: frozenset[str] = frozenset()
        self._used_values: frozenset[str] = frozenset()
        if names is None and values is None:
            return
        self._check_needed(given, expressions, names, values)
        for name in self._names:
            check_placeholder("ExpressionAttributeNames", name, "#")
        self.names = tuple(self._names.items())
        for name, value in (values or {}).items():
            check_placeholder("ExpressionAttributeValues", name, ":")
            self.values[name] = _taken(name, value)

    def use(
        self,
        names: frozenset[str],
        values: frozenset[str],
        label: str,
    ) -> None:
        """Note what an expression uses. Raises Refused when a value is not defined."""
        for name in values:
            if name not in self.values:
                raise Refused(
                    f"Invalid {label}: An expression attribute value used in expression is not "
                    f"defined; attribute value: {name}"
                )
        self._used_names |= names
        self._used_values |= values

    def condition(self, given: Parameters, label: str) -> Condition | None:
        """The compiled condition in the parameter `label`, its values checked."""
        text = given.get(label)
        if text is None:
            return None
        condition = compiled(text, label, self.names)
        self.use(condition.names, condition.values, label)
        for check in condition.checks:
            check(self.values)
        return condition

    def finish(self) -> None:
        """Raises Refused when a placeholder was given and not used."""
        if len(self._used_values) != len(self.values):
            unused = [name for name in self.values if name not in self._used_values]
            raise Refused(_UNUSED.format("Values", ", ".join(unused)))
        if len(self._used_names) != len(self._names):
            unused = [name for name in self._names if name not in self._used_names]
            raise Refused(_UNUSED.format("Names", ", ".join(unused)))

    def _check_needed(
        self, given: Parameters, expressions: tuple[str, ...], names: Any, values: Any
    ) -> None:
        if not any(label in given for label in expressions):
            if values is not None:
                what = f"{expressions[0]} is null"
                raise Refused(_ONLY_WITH.format("Values") + f": {what}")
            raise Refused(_ONLY_WITH.format("Names"))
        for what, placeholders in (("Names", names), ("Values", values)):
            if placeholders is not None and not placeholders:
                raise Refused(f"ExpressionAttribute{what} must not be empty")


_ONLY_WITH = "ExpressionAttribute{} can only be specified when using expressions"
_UNUSED = "Value provided in ExpressionAttribute{} unused in expressions: keys: {{{}}}"


def _taken(name: str, value: Any) -> Attribute:
    try:
        return take(value)[0]
    except Refused as refused:
        raise Refused(
            f"ExpressionAttributeValues contains invalid value: {refused.message} for key {name}"
        ) from None
