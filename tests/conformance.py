"""Holds real answers to the OpenAPI document, more strictly than clients should: a member that the
document does not know is an error, too."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from infra.cli.openapi import document

_OPEN = {"Problem"}  # some types have members of their own


@dataclass
class Conformance:
    """Checks answers and remembers which (operation, status) it has seen."""

    seen: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._document = copy.deepcopy(document())
        for name, schema in self._document["components"]["schemas"].items():
            if "properties" in schema and name not in _OPEN:
                schema.setdefault("additionalProperties", False)

    def hook(self, response: Any, **_: Any) -> None:
        """The same as a response hook of a `requests` session."""
        kind = response.headers.get("Content-Type", "")
        url = response.request.url
        self.check(response.request.method, url, response.status_code, kind, response.content)

    def check(self, method: str, url: str, status: int, content_type: str, body: bytes) -> None:
        """Raises AssertionError or jsonschema's ValidationError when an answer is not as said."""
        operation = self._operation(method.lower(), urlsplit(url).path)
        name = operation["operationId"]
        assert str(status) in operation["responses"], (name, status, body[:300])
        content = operation["responses"][str(status)].get("content", {})
        self.seen.add((name, status))
        if not content:
            assert body == b"", (name, status)
            return
        kind = content_type.split(";")[0]
        assert kind in content, (name, status, content_type)
        if kind.endswith("json"):
            self._validate(content[kind]["schema"], json.loads(body))

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        """The one with the fewest parameters that fits, as API Gateway chooses."""
        fitting = [
            (template.count("{"), template)
            for template, methods in self._document["paths"].items()
            if method in methods and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        ]
        assert fitting, (method, path)
        found: dict[str, Any] = self._document["paths"][min(fitting)[1]][method]
        return found

    def _validate(self, schema: dict[str, Any], value: Any) -> None:
        whole = schema | {"components": self._document["components"]}
        Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
            value
        )
