"""Places in an item: reading, writing and removing without changing what is shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.trees import Path
from infra.sim.dynamodb.values import Attribute, Item

Parts = tuple[str | int, ...]


def find(item: Item, parts: Parts) -> Attribute | None:
    """The value at a path; None when there is none."""
    found: Attribute | None = item.get(parts[0])  # type: ignore[arg-type]
    for part in parts[1:]:
        if found is None:
            return None
        if isinstance(part, str):
            found = found["M"].get(part) if "M" in found else None
        else:
            elements = found.get("L", ())
            found = elements[part] if part < len(elements) else None
    return found


def put(item: Item, parts: Parts, value: Attribute) -> Item:
    """`item` with `value` at a path; a list is extended when the position is past its end.

    Raises Refused when the path leads nowhere.
    """
    name = str(parts[0])
    if len(parts) == 1:
        return item | {name: value}
    return item | {name: _put(_existing(item, name), parts[1:], value)}


def remove(item: Item, parts: Parts) -> Item:
    """`item` without what is at a path. Raises Refused when the path leads nowhere."""
    first = str(parts[0])
    if len(parts) == 1:
        return {name: value for name, value in item.items() if name != first}
    return item | {first: _remove(_existing(item, first), parts[1:])}


def project(item: Item, paths: Sequence[Parts]) -> Item:
    """The parts of `item` that `paths` name; elements of a list close up, in order."""
    found: Item = {}
    tree: dict[Any, Any] = {}
    for parts in paths:
        if len(parts) == 1:
            name = str(parts[0])
            if name in item:
                found[name] = item[name]
            continue
        branch = tree
        for part in parts:
            branch = branch.setdefault(part, {})
    for name, branch in tree.items():
        inner = _projected(item[name], branch) if name in item else None
        if inner is not None:
            found[name] = inner
    return found


def check_overlaps(paths: Sequence[Path], label: str) -> None:
    """Raises Refused when one path contains another, or two disagree on what is a list."""
    single = [path for path in paths if len(path.parts) == 1]
    if len(single) == len(paths) == len({path.parts for path in paths}):
        return
    for number, one in enumerate(paths):
        for two in paths[:number]:
            if (word := _clash(two.parts, one.parts)) is not None:
                raise Refused(
                    f"Invalid {label}: Two document paths {word} with each other; must remove or "
                    f"rewrite one of these paths; path one: {two}, path two: {one}"
                )


def _clash(one: Parts, two: Parts) -> str | None:
    for left, right in zip(one, two, strict=False):
        if type(left) is not type(right):
            return "conflict"
        if left != right:
            return None
    return "overlap"


def _invalid() -> Refused:
    return Refused("The document path provided in the update expression is invalid for update")


def _step(holder: Attribute, part: str | int) -> Any:
    """The map or list that `part` is a place of. Raises Refused when `holder` is none such."""
    kind = "M" if isinstance(part, str) else "L"
    if kind not in holder:
        raise _invalid()
    return holder[kind]


def _put(holder: Attribute, parts: Parts, value: Attribute) -> Attribute:
    place, rest = parts[0], parts[1:]
    content = _step(holder, place)
    if rest:
        value = _put(_existing(content, place), rest, value)
    if isinstance(place, str):
        return {"M": content | {place: value}}
    if place >= len(content):
        return {"L": [*content, value]}
    return {"L": [*content[:place], value, *content[place + 1 :]]}


def _remove(holder: Attribute, parts: Parts) -> Attribute:
    place, rest = parts[0], parts[1:]
    content = _step(holder, place)
    if rest:
        return _put(holder, (place,), _remove(_existing(content, place), rest))
    if isinstance(place, str):
        return {"M": {name: value for name, value in content.items() if name != place}}
    return {"L": [*content[:place], *content[place + 1 :]]}


def _existing(content: Any, place: str | int) -> Attribute:
    if isinstance(place, str):
        found: Attribute | None = content.get(place)
    else:
        found = content[place] if place < len(content) else None
    if found is None:
        raise _invalid()
    return found


def _projected(value: Attribute, tree: dict[Any, Any]) -> Attribute | None:
    """The part of `value` that a tree of wanted places names; None when it has none of them."""
    if not tree:
        return value
    if "M" in value:
        inner = value["M"]
        found = {
            name: part
            for name, branch in tree.items()
            if name in inner and (part := _projected(inner[name], branch)) is not None
        }
        return {"M": found} if found else None
    if "L" in value:
        content = value["L"]
        places = sorted(p for p in tree if isinstance(p, int) and p < len(content))
        elements = [_projected(content[place], tree[place]) for place in places]
        kept = [element for element in elements if element is not None]
        return {"L": kept} if kept else None
    return None
