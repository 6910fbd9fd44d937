"""More phones and e-mail addresses of a customer, as they or the desk tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from parcelway.domain.contacts import (
    MAX_CONTACTS,
    WEEKDAYS,
    BestTime,
    ContactPoint,
    Weekday,
)
from parcelway.domain.login import normalise_email
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.schemas import CountryCode, Input, Text
from parcelway.ports.phones import e164

_TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone that is known here")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=40), AfterValidator(_known_zone)]


def mailable(text: str, pointer: str) -> str:
    """An e-mail address in its one spelling. Raises Refusal INVALID."""
    try:
        return normalise_email(text)
    except ValueError:
        raise Refusal(Reason.INVALID, "Mail cannot be sent to this address.", pointer) from None


class BestTimeInput(Input):
    """When to call: on `days`, from `start` to before `end` (HH:MM) of a time zone (IANA)."""

    days: list[Weekday] = Field(min_length=1, max_length=7)
    start: _TimeOfDay
    end: _TimeOfDay
    time_zone: TimeZone

    def best_time(self, pointer: str) -> BestTime:
        """As the record keeps it, the days in their order. Raises Refusal INVALID at `pointer`."""
        if self.end <= self.start:
            raise Refusal(Reason.INVALID, "It ends after it starts.", f"{pointer}/end")
        days = tuple(day for day in WEEKDAYS if day in self.days)
        return BestTime(days, self.start, self.end, self.time_zone)


class ContactPointInput(Input):
    """One more phone or e-mail address. A number without `+` is one of `country`."""

    kind: Literal["phone", "email"]
    value: Text(254)  # type: ignore[valid-type]
    country: CountryCode | None = None
    label: Text(40, 0) = ""  # type: ignore[valid-type]
    best_time: BestTimeInput | None = None

    def point(self, pointer: str) -> ContactPoint:
        """As the record keeps it. Raises Refusal INVALID at `pointer`."""
        if self.kind == "phone":
            value = e164(self.value, self.country or "", f"{pointer}/value")
        else:
            value = mailable(self.value, f"{pointer}/value")
        best = self.best_time
        when = best.best_time(f"{pointer}/best_time") if best else None
        return ContactPoint(self.kind, value, self.label, when)


ContactPoints = Annotated[list[ContactPointInput], Field(max_length=MAX_CONTACTS)]


def points(said: Sequence[ContactPointInput]) -> tuple[ContactPoint, ...]:
    """A body's `contacts` as the record keeps them. Raises Refusal INVALID."""
    return tuple(each.point(f"/contacts/{at}") for at, each in enumerate(said))
