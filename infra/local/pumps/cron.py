"""Schedule expressions of EventBridge: `rate(5 minutes)` and `cron(0 3 * * ? *)`, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.+)\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_MONTHS = {
    name: n
    for n, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
    )
}
_DAYS = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}


def is_due(expression: str, minute: datetime) -> bool:
    """Whether a schedule fires in `minute` (UTC). Raises ValueError for another syntax."""
    if rate := _RATE.fullmatch(expression):
        count = int(rate.group(1)) * _MINUTES[rate.group(2)]
        return int(minute.astimezone(UTC).timestamp() // 60) % count == 0
    cron = _CRON.fullmatch(expression)
    fields = cron.group(1).split() if cron else []
    if len(fields) != 6:
        raise ValueError(f"no schedule: {expression}")
    values = [
        (minute.minute, 0, {}),
        (minute.hour, 0, {}),
        (minute.day, 1, {}),
        (minute.month, 1, _MONTHS),
        (minute.isoweekday() % 7 + 1, 1, _DAYS),
        (minute.year, 1970, {}),
    ]
    return all(
        _matches(field, value, start, names)
        for field, (value, start, names) in zip(fields, values, strict=True)
    )


def _matches(field: str, value: int, start: int, names: dict[str, int]) -> bool:
    return any(_matches_one(part, value, start, names) for part in field.split(","))


def _matches_one(part: str, value: int, start: int, names: dict[str, int]) -> bool:
    if part in ("*", "?"):
        return True
    base, _, step = part.partition("/")
    low, _, high = base.partition("-")
    first = start if low == "*" else _number(low, names)
    last = _number(high, names) if high else (10**6 if step else first)
    return first <= value <= last and (value - first) % int(step or 1) == 0


def _number(text: str, names: dict[str, int]) -> int:
    return names[text.upper()] if text.upper() in names else int(text)
