"""KeyConditionExpression: a partition, and a range of it in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra.sim.dynamodb.conditions import Condition, compiled
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.tables import Key
from infra.sim.dynamodb.trees import Call, Node, Operation, Path, Value
from infra.sim.dynamodb.values import Attribute, orderable

LABEL = "KeyConditionExpression"
_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Part:
    """A condition on one key attribute: =, <, <=, >, >=, BETWEEN or begins_with."""

    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """A compiled key condition: its parts by attribute."""

    condition: Condition
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class Range:
    """What a query asks of a partition's sort keys; `operator` None for all of them."""

    partition: Any
    operator: str | None = None
    values: tuple[Any, ...] = ()

    def among(self, entries: list[Key], column: int) -> tuple[int, int]:
        """Where the range begins and ends in sorted `entries`; sort values are in `column`."""
        if self.operator is None:
            return 0, len(entries)

        def value(entry: Key) -> Any:
            return entry[column]

        first, last = self.values[0], self.values[-1]
        low, high = 0, len(entries)
        if self.operator == "begins_with":
            length = len(first)
            low = bisect_left(entries, first, key=value)
            high = bisect_right(entries, first, lo=low, key=lambda entry: entry[column][:length])
            return low, high
        if self.operator in ("=", ">=", "BETWEEN"):
            low = bisect_left(entries, first, key=value)
        if self.operator == ">":
            low = bisect_right(entries, first, key=value)
        if self.operator in ("=", "<=", "BETWEEN"):
            high = bisect_right(entries, last, key=value)
        if self.operator == "<":
            high = bisect_left(entries, first, key=value)
        return low, max(low, high)

    def holds(self, value: Any) -> bool:
        """Whether a sort value lies in the range."""
        return self.among([(value,)], 0) == (0, 1)


@lru_cache(maxsize=1024)
def key_condition(text: str, names: tuple[tuple[str, str], ...]) -> KeyCondition:
    """The key condition `text`. Raises Refused."""
    condition = compiled(text, LABEL, names)
    parts: dict[str, Part] = {}
    conditions = _flat(condition.node)
    for node in conditions:
        attribute, part = _part(node)
        if attribute in parts:
            raise Refused(f"{LABEL}s must only contain one condition per key")
        parts[attribute] = part
    if len(conditions) > 2:
        raise Refused("Conditions can be of length 1 or 2 only")
    return KeyCondition(condition, parts)


def range_of(
    condition: KeyCondition,
    keys: tuple[str, ...],
    types: Mapping[str, str],
    values: Mapping[str, Attribute],
) -> Range:
    """What a key condition means for a table or index with these `keys`. Raises Refused."""
    missing = [name for name in keys[: len(condition.parts)] if name not in condition.parts]
    if missing:
        raise Refused(f"Query condition missed key schema element: {missing[0]}")
    if len(condition.parts) > len(keys):
        raise Refused("Query key condition not supported")
    found = {name: _values(name, part, types, values) for name, part in condition.parts.items()}
    partition = condition.parts[keys[0]]
    if partition.operator != "=":
        raise Refused("Query key condition not supported")
    if len(condition.parts) == 1:
        return Range(found[keys[0]][0])
    return Range(found[keys[0]][0], condition.parts[keys[1]].operator, found[keys[1]])


def _values(
    name: str, part: Part, types: Mapping[str, str], values: Mapping[str, Attribute]
) -> tuple[Any, ...]:
    found = []
    for placeholder in part.values:
        attribute = values[placeholder]
        if types[name] not in attribute:
            raise Refused(
                "One or more parameter values were invalid: "
                "Condition parameter type does not match schema type"
            )
        value = orderable(attribute)
        if value in ("", b""):
            kind = "string" if value == "" else "binary"
            raise Refused(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {kind} value. Key: {name}"
            )
        found.append(value)
    return tuple(found)


def _flat(node: Node) -> list[Node]:
    if isinstance(node, Operation) and node.operator == "AND":
        return [part for operand in node.operands for part in _flat(operand)]
    return [node]


def _part(node: Node) -> tuple[str, Part]:
    operator, operands = _operation(node)
    if operator not in (*_FLIPPED, "BETWEEN", "begins_with"):
        raise Refused(f"Invalid operator used in {LABEL}: {operator}")
    if any(isinstance(operand, Call) for operand in operands):
        raise Refused(f"{LABEL}s cannot contain nested operations")
    found = [operand for operand in operands if isinstance(operand, Path)]
    given = tuple(operand.name for operand in operands if isinstance(operand, Value))
    if len(found) > 1:
        raise Refused(
            f"Invalid condition in {LABEL}: Multiple attribute names used in one condition"
        )
    if not found:
        raise Refused(f"Invalid condition in {LABEL}: No key attribute specified")
    path = found[0]
    if len(path.parts) > 1:
        raise Refused(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            f"allowed: Key: {path.parts[0]}"
        )
    if operands[0] is not path:
        if operator not in _FLIPPED:
            raise Refused(f"Invalid condition in {LABEL}: {operator} of a value")
        operator = _FLIPPED[operator]
    return str(path.parts[0]), Part(operator, given)


def _operation(node: Node) -> tuple[str, tuple[Node, ...]]:
    if isinstance(node, Call):
        return node.name, node.arguments
    assert isinstance(node, Operation)
    return node.operator, node.operands
