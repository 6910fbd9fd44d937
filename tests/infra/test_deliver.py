"""What targets receive, and when schedules are due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.pumps.cron import is_due
from infra.local.pumps.deliver import shape

EVENT: dict[str, Any] = {
    "id": "1",
    "time": "2026-01-01T00:00:00Z",
    "detail": {"order": 'a"b', "n": 3, "tags": ["x", "y"]},
}


@pytest.mark.parametrize(
    ("target", "payload"),
    [
        ({}, EVENT),
        ({"Input": '{"a": 1}'}, {"a": 1}),
        ({"InputPath": "$.detail.tags[1]"}, "y"),
        ({"InputPath": "$.detail.missing"}, None),
    ],
)
def test_shapes(target: dict[str, Any], payload: Any) -> None:
    assert shape(target, EVENT) == payload


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ('{"o": <o>, "n": <n>, "t": <t>}', {"o": 'a"b', "n": 3, "t": ["x", "y"]}),
        ('"order <o> of <n>"', 'order a"b of 3'),
        ('{"all": <aws.events.event.json>}', {"all": EVENT}),
    ],
)
def test_transformers(template: str, payload: Any) -> None:
    paths = {"o": "$.detail.order", "n": "$.detail.n", "t": "$.detail.tags"}
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    assert shape({"InputTransformer": transformer}, EVENT) == payload


@pytest.mark.parametrize(
    ("expression", "moment", "due"),
    [
        ("rate(5 minutes)", "2026-01-01T00:05", True),
        ("rate(5 minutes)", "2026-01-01T00:06", False),
        ("rate(1 day)", "2026-01-01T00:00", True),
        ("cron(0 3 * * ? *)", "2026-05-05T03:00", True),
        ("cron(0 3 * * ? *)", "2026-05-05T04:00", False),
        ("cron(0/15 8-17 ? * MON-FRI *)", "2026-11-20T17:45", True),  # a Friday
        ("cron(0/15 8-17 ? * MON-FRI *)", "2026-11-21T17:45", False),  # a Saturday
        ("cron(0 0 1 JAN,JUL ? 2026)", "2026-07-01T00:00", True),
        ("cron(0 0 1 JAN,JUL ? 2026)", "2027-07-01T00:00", False),
    ],
)
def test_schedules(expression: str, moment: str, due: bool) -> None:
    assert is_due(expression, datetime.fromisoformat(moment).replace(tzinfo=UTC)) is due


@pytest.mark.parametrize("expression", ["rate(5 weeks)", "cron(* * *)", "at(2026-01-01T00:00:00)"])
def test_other_expressions_raise(expression: str) -> None:
    with pytest.raises(ValueError, match="no schedule"):
        is_due(expression, datetime.now(UTC))
