"""CloudFormation's functions (Ref, Fn::Sub, ...) and conditions, evaluated over known resources."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.template import TemplateError

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
_ABSENT = object()


@dataclass(frozen=True)
class Resource:
    """What a created resource answers: `Ref` gives the id, `Fn::GetAtt` an attribute."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


def references(node: Any) -> Iterator[str]:
    """Logical ids (and parameter or pseudo names) that `node` mentions, repeats included."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        key = next(iter(node)) if len(node) == 1 else None
        if key == "Ref":
            yield str(node[key])
        elif key == "Fn::GetAtt":
            value = node[key]
            yield value[0] if isinstance(value, list) else value.split(".", 1)[0]
        elif key == "Fn::Sub":
            yield from _references_of_sub(node[key])
        else:
            yield from references(list(node.values()))


def _references_of_sub(value: Any) -> Iterator[str]:
    text, own = value if isinstance(value, list) else (value, {})
    yield from references(list(own.values()))
    for escaped, name in _VARIABLE.findall(text):
        if not escaped and name not in own:
            yield name.split(".", 1)[0]


class Resolver:
    """Evaluates intrinsic functions.

    `names` holds parameters and pseudo parameters, `resources` grows while the stack is created.
    Every unknown name or function raises TemplateError.
    """

    def __init__(self, document: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        self.names = dict(names)
        self.resources: dict[str, Resource] = {}
        self._mappings = document.get("Mappings", {})
        self._conditions = document.get("Conditions", {})
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": lambda v: str(v[0]).join(str(part) for part in self.resolve(v[1])),
            "Fn::Select": lambda v: self.resolve(v[1])[int(self.resolve(v[0]))],
            "Fn::Split": lambda v: str(self.resolve(v[1])).split(v[0]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": lambda v: self._resolve(v[1] if self.condition(v[0]) else v[2]),
            "Fn::Equals": lambda v: self.resolve(v[0]) == self.resolve(v[1]),
            "Fn::And": lambda v: all(self.resolve(part) for part in v),
            "Fn::Or": lambda v: any(self.resolve(part) for part in v),
            "Fn::Not": lambda v: not self.resolve(v[0]),
            "Fn::Base64": lambda v: base64.b64encode(str(self.resolve(v)).encode()).decode(),
            "Fn::ToJsonString": lambda v: json.dumps(self.resolve(v)),
        }

    def resolve(self, node: Any) -> Any:
        """`node` with every function evaluated; a value that is AWS::NoValue disappears."""
        value = self._resolve(node)
        return None if value is _ABSENT else value

    def condition(self, name: str) -> bool:
        """The value of a declared condition."""
        if name not in self._conditions:
            raise TemplateError(f"unknown condition {name}")
        return bool(self.resolve(self._conditions[name]))

    def _resolve(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for item in node if (value := self._resolve(item)) is not _ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (key, value), *_ = node.items()
            if key in self._functions:
                return self._functions[key](value)
            if key.startswith("Fn::"):
                raise TemplateError(f"{key} is not supported")
        resolved = ((key, self._resolve(value)) for key, value in node.items())
        return {key: value for key, value in resolved if value is not _ABSENT}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in self.names:
            return self.names[name]
        if name in self.resources:
            return self.resources[name].physical_id
        raise TemplateError(f"Ref to unknown {name}")

    def _get_att(self, value: Any) -> Any:
        name, attribute = value if isinstance(value, list) else value.split(".", 1)
        if name not in self.resources:
            raise TemplateError(f"GetAtt of unknown resource {name}")
        attributes = self.resources[name].attributes
        if attribute not in attributes:
            raise TemplateError(f"{name} has no attribute {attribute}; it has {sorted(attributes)}")
        return attributes[attribute]

    def _sub(self, value: Any) -> str:
        text, own = value if isinstance(value, list) else (value, {})
        values = {name: self.resolve(item) for name, item in own.items()}

        def replace(match: re.Match[str]) -> str:
            escaped, name = match.groups()
            if escaped:
                return "${" + name + "}"
            if name in values:
                return str(values[name])
            return str(self._get_att(name) if self._is_attribute(name) else self._ref(name))

        return _VARIABLE.sub(replace, text)

    def _is_attribute(self, name: str) -> bool:
        return "." in name and name not in self.names

    def _find_in_map(self, value: list[Any]) -> Any:
        level: Any = self._mappings
        for key in (self.resolve(part) for part in value):
            if not isinstance(level, dict) or key not in level:
                raise TemplateError(f"no {key} in mapping {value}")
            level = level[key]
        return level
