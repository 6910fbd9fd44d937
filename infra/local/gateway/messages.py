"""A request and a response, independent of any socket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

Headers = list[tuple[str, str]]


def header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The last value of a header, whatever its case; None without one."""
    found = [value for key, value in headers if key.lower() == name.lower()]
    return found[-1] if found else None


@dataclass(frozen=True)
class Request:
    """`path` is as sent (percent-encoded, without the query); `query` is decoded."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    def header(self, name: str) -> str | None:
        return header(self.headers, name)

    def json(self) -> Any:
        return json.loads(self.body)

    @classmethod
    def build(
        cls,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | Headers | None = None,
        query: Mapping[str, str | list[str]] | None = None,
    ) -> Request:
        """From a path that may carry a query string; a dict or list body is sent as JSON."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
        if isinstance(body, (dict, list)):
            raw = json.dumps(body).encode()
            if header(pairs, "content-type") is None:
                pairs.append(("Content-Type", "application/json"))
        else:
            raw = body.encode() if isinstance(body, str) else (body or b"")
        path, _, text = target.partition("?")
        asked = parse_qsl(text, keep_blank_values=True)
        asked += parse_qsl(urlencode(query or {}, doseq=True), keep_blank_values=True)
        if header(pairs, "host") is None:
            pairs.append(("Host", "127.0.0.1"))
        return cls(method.upper(), path, asked, pairs, raw)


@dataclass(frozen=True)
class Response:
    """`body` is what goes over the wire."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return header(self.headers, name)

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Response:
        """A JSON answer, for pages that serve data."""
        body = json.dumps(value, default=str).encode()
        return cls(status, [("Content-Type", "application/json")], body)
