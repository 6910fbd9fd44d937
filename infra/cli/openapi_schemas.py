"""JSON Schemas of what goes in and out of the API, under names of their own in the document."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Literal

from pydantic import TypeAdapter

Json = dict[str, Any]
_PREFIX = "#/components/schemas/"


class Schemas:
    """Collects the schemas of types.

    Two functions may use one name for different things (`Confirmation`): such names get their
    function's in front, `CheckoutConfirmation`. Until `named` is called every name has it.
    """

    def __init__(self) -> None:
        self._found: dict[str, Json] = {}

    def add(self, function: str, kind: Any, mode: Literal["validation", "serialization"]) -> Json:
        """The schema of `kind`, its parts filed: `validation` for what is read, `serialization`
        for what `codec.encode` writes (which leaves out members that equal their default)."""
        template = f"{_PREFIX}{function}.{{model}}"
        schema = TypeAdapter(kind).json_schema(mode=mode, ref_template=template)
        parts = schema.pop("$defs", {})
        if "title" in schema and "properties" in schema:
            parts[schema["title"]] = schema
            schema = {"$ref": f"{_PREFIX}{function}.{schema['title']}"}
        for name, part in parts.items():
            self._file(f"{function}.{name}", _tidy(part))
        return schema

    def named(self, document: Json) -> Json:
        """`document` with the collected schemas in it, and all names as short as they can be."""
        names = self._short_names()
        components = document["components"]
        found = {names[long]: schema for long, schema in self._found.items()}
        schemas = dict(sorted((components["schemas"] | found).items()))
        text = json.dumps({**document, "components": {**components, "schemas": schemas}})
        for long, short in names.items():
            text = text.replace(f'"{_PREFIX}{long}"', f'"{_PREFIX}{short}"')
        named: Json = json.loads(text)
        return named

    def _file(self, name: str, schema: Json) -> None:
        if self._found.setdefault(name, schema) != schema:
            raise ValueError(f"{name} names two different schemas")

    def _short_names(self) -> dict[str, str]:
        by_short: dict[str, list[str]] = defaultdict(list)
        for long in self._found:
            by_short[long.split(".")[1]].append(long)
        differing: set[str] = set()
        while True:
            # Equal but for their functions' names, and all that they refer to is, too.
            more = {
                short
                for short, longs in by_short.items()
                if short not in differing
                and len({self._content(long, differing) for long in longs}) > 1
            }
            if not more:
                break
            differing |= more
        return {
            long: _joined(long) if short in differing else short
            for short, longs in by_short.items()
            for long in longs
        }

    def _content(self, long: str, differing: set[str]) -> str:
        function = long.split(".")[0]
        text = json.dumps(self._found[long], sort_keys=True)
        for short in {name.split(".")[1] for name in self._found} - differing:
            text = text.replace(f'"{_PREFIX}{function}.{short}"', f'"{_PREFIX}{short}"')
        return text


def _joined(long: str) -> str:
    function, name = long.split(".")
    return "".join(part.capitalize() for part in function.split("_")) + name


def _tidy(schema: Any) -> Any:
    """Without what pydantic says too much: a member's title is its name again, and '' as a default
    that the member's own rules refuse means that it was not sent."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    unsent = schema.get("default") == "" and ("minLength" in schema or "pattern" in schema)
    return {
        key: {name: _tidy(part) for name, part in value.items()}
        if key == "properties"
        else _tidy(value)
        for key, value in schema.items()
        if key != "title" and not (key == "default" and unsent)
    }
