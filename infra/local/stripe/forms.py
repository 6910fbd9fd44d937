"""Stripe's form encoding: `card[number]=..&expand[]=latest_charge` to nested values and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from infra.local.stripe.errors import Json, invalid

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEPTH = 6


def parse(text: str) -> Json:
    """Form-encoded `text` as nested dicts, lists and strings.

    Raises Refusal for names that do not parse, clash or nest deeper than six levels.
    """
    root: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=500):
        found = _NAME.fullmatch(name)
        path = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])] if found else []
        if not 1 <= len(path) <= _DEPTH:
            raise invalid(f"Invalid parameter name {name[:80]!r}", param=name[:80])
        _place(root, path, value)
    return {name: _lists(value) for name, value in root.items()}


def encode(values: Json) -> str:
    """`values` form-encoded as Stripe's own clients do."""
    return urlencode(list(_flatten(values, "")))


def _place(node: Json, path: list[str], value: str) -> None:
    for step in path[:-1]:
        child = node.setdefault(step or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(f"Parameter {path[0]} is both a value and a hash", param=path[0])
        node = child
    last = path[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise invalid(f"Parameter {path[0]} is both a value and a hash", param=path[0])
    node[last] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    items = {name: _lists(item) for name, item in value.items()}
    if items and all(name.isdecimal() for name in items):
        return [items[name] for name in sorted(items, key=int)]
    return items


def _flatten(value: Any, name: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(item, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flatten(item, f"{name}[{index}]")
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
