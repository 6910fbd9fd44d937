"""The list of pick-up stores as the public sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Self

from parcelway.domain.availability import BROWSED
from parcelway.domain.parties import Address, Channel
from parcelway.domain.shop import Node
from parcelway.domain.stores import Nearby
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.schemas import CountryCode, Text
from parcelway.values import dataclass
from pydantic import model_validator

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEST = timedelta(hours=12)  # of UTC, where a day ends last
_ALL_DAY = (("00:00", "24:00"),)


class Near(Page):
    """Where the customer is: the nearest stores come first. A country alone is its middle."""

    country: CountryCode | None = None
    postal_code: Text(16) | None = None  # type: ignore[valid-type]
    channel: Channel = BROWSED

    @model_validator(mode="after")
    def _in_a_country(self) -> Self:
        if self.postal_code and not self.country:
            raise ValueError("a postal code needs its country")
        return self

    def address(self) -> Address | None:
        """As much of an address as is known."""
        if self.country is None:
            return None
        return Address("", "", "", self.postal_code or "", self.country)


@dataclass(frozen=True, slots=True)
class OpeningView:
    """A time between which a store is open on a day of the week, in its own time zone."""

    day: str
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class StoreView:
    """A store that hands out orders. It is closed on its `holidays`, of which those to come are
    listed. `distance_km` is null when it is not known where the customer is."""

    id: str
    name: str
    address: Address
    latitude: float
    longitude: float
    time_zone: str
    opening_hours: list[OpeningView]
    holidays: list[date]
    distance_km: float | None


@dataclass(frozen=True, slots=True)
class StoresView:
    """One page of the stores."""

    stores: list[StoreView]
    next_cursor: str | None


def stores_view(found: Sequence[Nearby], near: Near, now: datetime) -> StoresView:
    """The page of `found` that is asked for. It begins after the store with which the last one
    ended, also when stores came or went. Raises Problem 400 for a cursor of another list."""
    asked = f"{near.channel} {near.country} {near.postal_code}"
    start = from_cursor(near.cursor, {"after", "near"}, near=asked)
    after = start["after"] if start else ""
    left = [nearby for nearby in found if _place(nearby) > after]
    page = left[: near.limit]
    more = {"after": _place(page[-1]), "near": asked} if len(left) > near.limit else None
    return StoresView([_store(nearby, (now - _WEST).date()) for nearby in page], to_cursor(more))


def _place(nearby: Nearby) -> str:
    """Where a store is in the list; compares as the list is sorted."""
    return f"{nearby.metres or 0:09d} {nearby.store.id}"


def _store(nearby: Nearby, today: date) -> StoreView:
    store, away = nearby.store, nearby.metres
    return StoreView(
        store.id,
        store.name,
        store.address,
        store.latitude,
        store.longitude,
        store.time_zone,
        _hours(store),
        [day for day in sorted(store.holidays) if day >= today],
        None if away is None else round(away / 1000, 1),
    )


def _hours(store: Node) -> list[OpeningView]:
    """A store without hours is open all day on its working days."""
    return [
        OpeningView(_DAYS[day], opens, closes)
        for day in sorted(store.working_days)
        for opens, closes in (store.hours.get(str(day), ()) if store.hours else _ALL_DAY)
    ]
