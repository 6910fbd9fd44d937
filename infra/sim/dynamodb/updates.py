"""Update expressions: SET, REMOVE, ADD, DELETE, all read from the item as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from infra.sim.dynamodb import numbers, paths
from infra.sim.dynamodb.conditions import Check, Values, paths_of
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.syntax import SECTIONS, Parser
from infra.sim.dynamodb.trees import Call, Node, Operation, Path, Value
from infra.sim.dynamodb.values import Attribute, Item, set_of

_LABEL = "UpdateExpression"
_SETS = ("SS", "NS", "BS")
_LONG = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}
Compute = Callable[[Item, Values], Attribute]


@dataclass(frozen=True, slots=True)
class Update:
    """A compiled update. `names`, `values`: the placeholders it uses; `written`: the paths it
    changes; `removed`: those of them that REMOVE names; `nested`: those inside an attribute."""

    sets: tuple[tuple[Path, Compute], ...]
    adds: tuple[tuple[Path, str], ...]
    deletes: tuple[tuple[Path, str], ...]
    removed: tuple[Path, ...]
    written: tuple[Path, ...]
    nested: tuple[Path, ...]
    names: frozenset[str]
    values: frozenset[str]
    checks: tuple[Check, ...]

    def apply(self, item: Item, values: Values) -> Item:
        """`item` after the update; it is not changed itself. Raises Refused."""
        news = [(path.parts, compute(item, values)) for path, compute in self.sets]
        for path, placeholder in self.adds:
            news.append((path.parts, _added(paths.find(item, path.parts), values[placeholder])))
        gone = [path.parts for path in self.removed]
        for path, placeholder in self.deletes:
            rest = _without(paths.find(item, path.parts), values[placeholder])
            if rest is None:
                gone.append(path.parts)
            elif rest:
                news.append((path.parts, rest))
        result = item
        for parts, value in sorted(news, key=_place):
            result = paths.put(result, parts, value)
        for parts in sorted(gone, key=lambda parts: _place((parts, None)), reverse=True):
            result = paths.remove(result, parts)
        return result


def _place(entry: tuple[paths.Parts, object]) -> list[tuple[int, str]]:
    """Sorts paths so that the positions of one list come in order."""
    return [(part, "") if isinstance(part, int) else (-1, part) for part in entry[0]]


@lru_cache(maxsize=4096)
def compiled(text: str, names: tuple[tuple[str, str], ...]) -> Update:
    """The update `text`. Raises Refused."""
    parser = Parser(text, _LABEL, dict(names))
    found: dict[str, list[tuple[Path, Node | None]]] = {}
    while section := parser.keyword(*SECTIONS):
        if section in found:
            parser.problem(
                f'The "{section}" section can only be used once in an update expression;'
            )
        found[section] = parser.several(_ACTIONS[section](parser))
    if not found:
        raise parser.syntax_error()
    parser.finish()
    written = tuple(path for actions in found.values() for path, _ in actions)
    paths.check_overlaps(written, _LABEL)
    return _compiled(found, written, parser)


def _compiled(
    found: dict[str, list[tuple[Path, Node | None]]], written: tuple[Path, ...], parser: Parser
) -> Update:
    sets = [(path, node) for path, node in found.get("SET", []) if node is not None]
    checks: list[Check] = [check for _, node in sets for check in _checks(node)]
    for section in ("ADD", "DELETE"):
        for _, node in found.get(section, []):
            assert isinstance(node, Value)
            checks.append(_counted(section, node.name))
    return Update(
        tuple((path, _compute(node)) for path, node in sets),
        _counting(found.get("ADD", [])),
        _counting(found.get("DELETE", [])),
        tuple(path for path, _ in found.get("REMOVE", [])),
        written,
        tuple(path for path in written if len(path.parts) > 1),
        frozenset(parser.names),
        frozenset(parser.values),
        tuple(checks),
    )


def _counting(actions: list[tuple[Path, Node | None]]) -> tuple[tuple[Path, str], ...]:
    return tuple((path, node.name) for path, node in actions if isinstance(node, Value))


Action = Callable[[], tuple[Path, Node | None]]


def _set(parser: Parser) -> Action:
    def action() -> tuple[Path, Node | None]:
        path = parser.path()
        parser.expect("=")
        return path, parser.assigned()

    return action


def _remove(parser: Parser) -> Action:
    return lambda: (parser.path(), None)


def _count(parser: Parser) -> Action:
    return lambda: (parser.path(), parser.value())


_ACTIONS: dict[str, Callable[[Parser], Action]] = {
    "SET": _set,
    "REMOVE": _remove,
    "ADD": _count,
    "DELETE": _count,
}


def _compute(node: Node) -> Compute:
    if isinstance(node, Value):
        placeholder = node.name
        return lambda _, values: values[placeholder]
    if isinstance(node, Path):
        parts = node.parts

        def get(item: Item, _: Values) -> Attribute:
            found = paths.find(item, parts)
            if found is None:
                raise Refused(
                    "The provided expression refers to an attribute that does not exist in the item"
                )
            return found

        return get
    if isinstance(node, Call):
        return _function(node)
    left, right = (_compute(operand) for operand in node.operands)
    sign = 1 if node.operator == "+" else -1
    return lambda item, values: _sum(left(item, values), right(item, values), sign)


def _function(node: Call) -> Compute:
    second = _compute(node.arguments[1])
    if node.name == "if_not_exists":
        (path,) = paths_of(node.arguments[0])
        parts = path.parts
        return lambda item, values: paths.find(item, parts) or second(item, values)
    assert node.name == "list_append", node.name
    first = _compute(node.arguments[0])

    def append(item: Item, values: Values) -> Attribute:
        one, two = first(item, values), second(item, values)
        if "L" not in one or "L" not in two:
            raise _wrong_type()
        return {"L": [*one["L"], *two["L"]]}

    return append


def _sum(left: Attribute, right: Attribute, sign: int) -> Attribute:
    if "N" not in left or "N" not in right:
        raise _wrong_type()
    return {"N": numbers.add(left["N"], right["N"], sign)}


def _added(before: Attribute | None, value: Attribute) -> Attribute:
    if before is None:
        return value
    ((kind, content),) = value.items()
    if kind not in before:
        raise _wrong_type()
    if kind == "N":
        return {"N": numbers.add(before["N"], content)}
    return set_of(kind, {*before[kind], *content})


def _without(before: Attribute | None, value: Attribute) -> Attribute | None:
    """What is left of a set: None when nothing is, {} when there was none to begin with."""
    if before is None:
        return {}
    ((kind, content),) = value.items()
    if kind not in before:
        raise _wrong_type()
    rest = set(before[kind]) - set(content)
    return set_of(kind, rest) if rest else None


def _wrong_type() -> Refused:
    return Refused("An operand in the update expression has an incorrect data type")


def _checks(node: Node) -> list[Check]:
    if isinstance(node, Path | Value):
        return []
    operands = node.arguments if isinstance(node, Call) else node.operands
    checks = [check for operand in operands for check in _checks(operand)]
    if isinstance(node, Call) and node.name == "list_append":
        checks += [_kind("list_append", operand, "L") for operand in operands]
    if isinstance(node, Operation):
        checks += [_kind(node.operator, operand, "N") for operand in operands]
    return checks


def _kind(operator: str, operand: Node, wanted: str) -> Check:
    def check(values: Values) -> None:
        if isinstance(operand, Value) and wanted not in values[operand.name]:
            (kind,) = values[operand.name]
            raise Refused(
                f"Invalid {_LABEL}: Incorrect operand type for operator or function; "
                f"operator or function: {operator}, operand type: {kind}"
            )

    return check


def _counted(section: str, placeholder: str) -> Check:
    allowed = _SETS if section == "DELETE" else ("N", *_SETS)

    def check(values: Values) -> None:
        (kind,) = values[placeholder]
        if kind not in allowed:
            raise Refused(
                f"Invalid {_LABEL}: Incorrect operand type for operator or function; operator: "
                f"{section}, operand type: {_LONG[kind]}, typeSet: ALLOWED_FOR_{section}_OPERAND"
            )

    return check
