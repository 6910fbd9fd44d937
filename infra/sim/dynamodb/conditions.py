"""Conditions and filters: an expression becomes one Python function of an item, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra.sim.dynamodb import paths
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.syntax import Parser, same_operands
from infra.sim.dynamodb.trees import Call, Node, Operation, Path, Value
from infra.sim.dynamodb.values import KINDS, Attribute, Item, orderable

Values = Mapping[str, Attribute]
Test = Callable[[Item, Values], bool]
Get = Callable[[Item, Values], Attribute | None]
Check = Callable[[Values], None]

_SIZED = ("S", "B", "SS", "NS", "BS", "L", "M")
_ORDERED = ("S", "N", "B")
_ALL_KINDS = "{DECIMAL,FLOAT,B,L,INTSET,FS,DOUBLESET,NULL,SS,HDS,DECIMALSET,M,DICT,INT,HD,BOOL,N}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `names`, `values`: the placeholders it uses; `roots`: the attributes
    it looks at; `checks` refuse values of types that its operators do not take."""

    test: Test
    node: Node
    names: frozenset[str]
    values: frozenset[str]
    roots: frozenset[str]
    checks: tuple[Check, ...]


@lru_cache(maxsize=4096)
def compiled(text: str, label: str, names: tuple[tuple[str, str], ...]) -> Condition:
    """The condition `text` of the parameter `label`. Raises Refused."""
    parser = Parser(text, label, dict(names))
    node = parser.condition()
    parser.finish()
    roots = frozenset(str(path.parts[0]) for path in paths_of(node))
    checks = tuple(Checks(label).of(node))
    return Condition(
        _test(node), node, frozenset(parser.names), frozenset(parser.values), roots, checks
    )


def paths_of(node: Node) -> list[Path]:
    """Every path of a tree."""
    if isinstance(node, Path):
        return [node]
    if isinstance(node, Value):
        return []
    operands = node.arguments if isinstance(node, Call) else node.operands
    return [path for operand in operands for path in paths_of(operand)]


def getter(node: Node) -> Get:
    """The value of an operand for an item; None when there is none."""
    if isinstance(node, Value):
        placeholder = node.name
        return lambda _, values: values[placeholder]
    if isinstance(node, Path):
        parts = node.parts
        if len(parts) == 1:
            name = str(parts[0])
            return lambda item, _: item.get(name)
        return lambda item, _: paths.find(item, parts)
    assert isinstance(node, Call) and node.name == "size", node
    inner = getter(node.arguments[0])
    return lambda item, values: _size(inner(item, values))


def _size(value: Attribute | None) -> Attribute | None:
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind == "S":
        return {"N": str(len(content.encode()))}
    return {"N": str(len(content))} if kind in _SIZED else None


def _test(node: Node) -> Test:
    if isinstance(node, Call):
        return _function(node)
    assert isinstance(node, Operation), node
    if node.operator in ("AND", "OR", "NOT"):
        return _logic(node)
    if node.operator == "IN":
        first, *others = [getter(operand) for operand in node.operands]

        def among(item: Item, values: Values) -> bool:
            wanted = first(item, values)
            return wanted is not None and any(o(item, values) == wanted for o in others)

        return among
    if node.operator == "BETWEEN":
        value, low, high = [getter(operand) for operand in node.operands]
        return lambda item, values: (
            _ordered(low(item, values), value(item, values)) in (-1, 0)
            and _ordered(value(item, values), high(item, values)) in (-1, 0)
        )
    left, right = [getter(operand) for operand in node.operands]
    return _comparison(node.operator, left, right)


def _logic(node: Operation) -> Test:
    tests = [_test(operand) for operand in node.operands]
    if node.operator == "NOT":
        (only,) = tests
        return lambda item, values: not only(item, values)
    left, right = tests
    if node.operator == "AND":
        return lambda item, values: left(item, values) and right(item, values)
    return lambda item, values: left(item, values) or right(item, values)


_ORDERS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}


def _comparison(operator: str, left: Get, right: Get) -> Test:
    if operator == "=":

        def equal(item: Item, values: Values) -> bool:
            value = left(item, values)
            return value is not None and value == right(item, values)

        return equal
    if operator == "<>":
        return lambda item, values: (
            not ((value := left(item, values)) is not None and value == right(item, values))
        )
    wanted = _ORDERS[operator]
    return lambda item, values: _ordered(left(item, values), right(item, values)) in wanted


def _ordered(left: Attribute | None, right: Attribute | None) -> int | None:
    """-1, 0 or 1; None for values that have no order between them."""
    if left is None or right is None or left.keys() != right.keys():
        return None
    one, two = orderable(left), orderable(right)
    if one is None:
        return None
    return int(one > two) - int(one < two)


def _function(node: Call) -> Test:
    name = node.name
    get = getter(node.arguments[0])
    if name == "attribute_exists":
        return lambda item, values: get(item, values) is not None
    if name == "attribute_not_exists":
        return lambda item, values: get(item, values) is None
    other = getter(node.arguments[1])
    if name == "attribute_type":
        return lambda item, values: (
            (value := get(item, values)) is not None and _content(other(item, values)) in value
        )
    if name == "begins_with":
        return lambda item, values: _begins(get(item, values), other(item, values))
    assert name == "contains", name
    return lambda item, values: _contains(get(item, values), other(item, values))


def _content(value: Attribute | None) -> Any:
    if value is None:
        return None
    ((_, content),) = value.items()
    return content


def _begins(value: Attribute | None, start: Attribute | None) -> bool:
    if value is None or start is None or value.keys() != start.keys():
        return False
    ((kind, content),) = value.items()
    return kind in ("S", "B") and content.startswith(_content(start))


def _contains(value: Attribute | None, part: Attribute | None) -> bool:
    if value is None or part is None:
        return False
    ((kind, content),) = value.items()
    ((part_kind, part_content),) = part.items()
    if kind == "L":
        return part in content
    if kind in ("SS", "NS", "BS"):
        return part_kind == kind[0] and part_content in content
    return kind == part_kind and kind in ("S", "B") and part_content in content


class Checks:
    """What can be said of an expression's values without an item."""

    def __init__(self, label: str) -> None:
        self._label = label

    def of(self, node: Node) -> list[Check]:
        """The checks of a tree."""
        if isinstance(node, Call):
            return self._of_call(node) + [c for a in node.arguments for c in self.of(a)]
        if not isinstance(node, Operation):
            return []
        checks = [check for operand in node.operands for check in self.of(operand)]
        if node.operator in _ORDERS or node.operator == "BETWEEN":
            checks += [self._kind(node.operator, o, _ORDERED) for o in node.operands]
        if node.operator == "BETWEEN":
            checks.append(self._bounds(node.operands[1], node.operands[2]))
        return checks

    def _refusal(self, message: str) -> Refused:
        return Refused(f"Invalid {self._label}: {message}")

    def _of_call(self, node: Call) -> list[Check]:
        if node.name == "size":
            return [self._kind("size", node.arguments[0], _SIZED)]
        if node.name == "begins_with":
            return [self._kind("begins_with", operand, ("S", "B")) for operand in node.arguments]
        if node.name == "attribute_type":
            return [self._type_name(node.arguments[1])]
        if node.name == "contains" and node.arguments[0] == node.arguments[1]:
            first = node.arguments[0]
            if isinstance(first, Path):
                raise self._refusal(same_operands("contains", first))
        return []

    def _kind(self, operator: str, operand: Node, allowed: tuple[str, ...]) -> Check:
        if isinstance(operand, Call) and "N" not in allowed:  # size gives a number
            raise self._refusal(_wrong_kind(operator, "N"))

        def check(values: Values) -> None:
            if isinstance(operand, Value):
                (kind,) = values[operand.name]
                if kind not in allowed:
                    raise self._refusal(_wrong_kind(operator, kind))

        return check

    def _type_name(self, operand: Node) -> Check:
        if not isinstance(operand, Value):
            raise self._refusal(_wrong_kind("attribute_type", _ALL_KINDS))
        placeholder = operand.name

        def check(values: Values) -> None:
            ((kind, name),) = values[placeholder].items()
            if kind != "S":
                raise self._refusal(_wrong_kind("attribute_type", kind))
            if name not in KINDS:
                known = ",".join(KINDS)
                raise self._refusal(
                    f"Invalid attribute type name found; type: {name}, valid types: {{{known}}}"
                )

        return check

    def _bounds(self, low: Node, high: Node) -> Check:
        def check(values: Values) -> None:
            if not (isinstance(low, Value) and isinstance(high, Value)):
                return
            one, two = values[low.name], values[high.name]
            order = _ordered(one, two)
            if order is None or order > 0:
                wanted = (
                    "same data type for lower and upper bounds"
                    if order is None
                    else "upper bound to be greater than or equal to lower bound"
                )
                raise self._refusal(
                    f"The BETWEEN operator requires {wanted}; lower bound operand: "
                    f"AttributeValue: {_shown(one)}, upper bound operand: "
                    f"AttributeValue: {_shown(two)}"
                )

        return check


def _shown(value: Attribute) -> str:
    ((kind, content),) = value.items()
    return f"{{{kind}:{content}}}"


def _wrong_kind(operator: str, kind: str) -> str:
    return (
        "Incorrect operand type for operator or function; operator or function: "
        f"{operator}, operand type: {kind}"
    )
