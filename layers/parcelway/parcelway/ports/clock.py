"""The one clock. Handlers read it once per request and hand `now` to the domain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_shift = timedelta(0)
_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """The current time in UTC, to the millisecond (what the tables keep)."""
    moment = (_source() if _source else datetime.now(UTC)) + _shift
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def travel(by: timedelta) -> None:
    """Move this process's clock by `by`; the embedded stack and tests let holds expire so."""
    global _shift
    _shift += by


def use(source: Callable[[], datetime]) -> None:
    """Take the time (UTC) from `source`: the simulation has a time of its own."""
    global _source
    _source = source


def reset() -> None:
    """Back to the machine's time."""
    global _shift, _source
    _shift, _source = timedelta(0), None
