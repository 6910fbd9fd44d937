"""Opaque cursors: where the next page of an index starts, bound to whose list it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from parcelway.http.problems import bad_request
from parcelway.http.schemas import Input, Text


class Page(Input):
    """Which part of a list: `cursor` is `next_cursor` of the page before."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: Text(1000) | None = None  # type: ignore[valid-type]


def to_cursor(start: Mapping[str, Any] | None) -> str | None:
    """The cursor of a page that starts after index keys `start`; None at the end."""
    return base64.urlsafe_b64encode(json.dumps(start).encode()).decode() if start else None


def from_cursor(cursor: str | None, names: set[str], **fixed: str) -> dict[str, Any] | None:
    """The index keys `names` that a cursor holds, of which `fixed` must be as given.

    Raises Problem 400 for one that was made up or is of another list.
    """
    if cursor is None:
        return None
    try:
        start = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if set(start) == names and all(start[name] == value for name, value in fixed.items()):
            return {name: str(value) for name, value in start.items()}
    except (ValueError, TypeError):
        raise bad_request("This cursor is not one of ours.") from None
    raise bad_request("This cursor is not one of ours.")
