"""Payload templates (Parameters, ItemSelector, ResultSelector), compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.sim.states.intrinsics import Expression, expression


def template(value: Any) -> Expression:
    """A function (data, context) -> `value` with every field named `x.$` replaced by `x`.

    Raises ValueError where a `.$` field is not a path or an intrinsic function, or occurs twice.
    """
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        parts = [template(each) for each in value]
        return lambda data, context: [part(data, context) for part in parts]
    return lambda _data, _context: value


def _object(fields: Mapping[str, Any]) -> Expression:
    plain: dict[str, Any] = {}
    computed: list[tuple[str, Expression]] = []
    for name, value in fields.items():
        if name.endswith(".$"):
            if not isinstance(value, str) or name[:-2] in fields:
                raise ValueError(f"{name!r} must be one path or intrinsic function")
            computed.append((name[:-2], expression(value)))
        elif isinstance(value, dict | list):
            computed.append((name, template(value)))
        else:
            plain[name] = value

    def evaluate(data: Any, context: Mapping[str, Any]) -> dict[str, Any]:
        filled = dict(plain)
        for name, part in computed:
            filled[name] = part(data, context)
        return filled

    return evaluate
