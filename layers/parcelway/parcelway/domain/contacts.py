"""How a customer can be reached besides their first phone and e-mail address, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from parcelway.values import dataclass

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_CONTACTS = 10


@dataclass(frozen=True, slots=True)
class BestTime:
    """When somebody wants to be called: from `start` to before `end` (HH:MM, local time of
    `time_zone`, an IANA name) on `days`."""

    days: tuple[Weekday, ...]
    start: str
    end: str
    time_zone: str

    def holds(self, now: datetime) -> bool:
        """Whether `now` is such a time."""
        local = now.astimezone(ZoneInfo(self.time_zone))
        return WEEKDAYS[local.weekday()] in self.days and (
            self.start <= f"{local:%H:%M}" < self.end
        )


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One more phone (E.164) or e-mail address. `label` says whose or what it is."""

    kind: Literal["phone", "email"]
    value: str
    label: str = ""
    best_time: BestTime | None = None
