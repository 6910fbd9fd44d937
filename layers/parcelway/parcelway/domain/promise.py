"""When an order will arrive: a window of dates, from the node's calendar and the carrier's days.

What must be there (ATP date) -> the node's cut-off in its time zone -> its working days without
holidays -> processing -> the first day with free capacity -> the carrier's next collection ->
transit in the carrier's working days -> a day on which it delivers. For pick-up: the moment from
which the goods can be collected, within opening hours. Every search ends after a year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from parcelway.domain.order import Promise, Slot
from parcelway.domain.shop import Node, Service
from parcelway.values import dataclass

_DAY, _YEAR = timedelta(days=1), 366
_ALWAYS = (("00:00", "24:00"),)


def promise(
    nodes: Sequence[Node],
    service: Service,
    now: datetime,
    *,
    ready: date | None = None,
    busy: Mapping[Slot, int] | None = None,
    country: str = "",
    store: Node | None = None,
) -> Promise:
    """The window in which everything is there, when it leaves from `nodes` by `service`.

    The slowest node decides. `ready` is the day from which the goods can be promised (ATP), None
    for at once; `busy` how many parcels have been taken by node and day; `country` where it goes,
    by default the node's own. Dates count on from the node's, for pick-up the store's own; what is
    collected at a `store` comes there from other nodes as the service's carrier brings it.
    Raises ValueError without nodes, and for a node or service that has no day within a year.
    """
    if not nodes:
        raise ValueError("no promise without nodes")
    windows = [
        _sent_to(store, node, service, now, ready, busy or {})
        if store and node.id != store.id
        else _window(node, service, now, ready, busy or {}, country)
        for node in nodes
    ]
    collected = [window.ready_by for window in windows if window.ready_by]
    return Promise(
        max(window.earliest for window in windows),
        max(window.latest for window in windows),
        max(collected) if len(collected) == len(windows) else None,
    )


def slots(
    nodes: Sequence[Node],
    service: Service,
    now: datetime,
    *,
    ready: date | None = None,
    busy: Mapping[Slot, int] | None = None,
    store: Node | None = None,
) -> tuple[Slot, ...]:
    """The capacity that the promise for the same arguments counts on: one parcel each, at the nodes
    whose capacity is limited."""
    return tuple(
        (node.id, _prepared(node, _from(node, service, store), now, ready, busy or {}).day)
        for node in nodes
        if node.capacity
    )


def ready_by(
    node: Node,
    service: Service,
    now: datetime,
    ready: date | None = None,
    busy: Mapping[Slot, int] | None = None,
) -> datetime:
    """The UTC moment from which goods can be collected at a store, within its opening hours.

    Raises ValueError for a store that does not open within a year.
    """
    return _prepared(node, service, now, ready, busy or {}).moment


def days_later(node: Node, moment: datetime, days: int) -> datetime:
    """The same local time so many of a node's working days later, in UTC.

    Raises ValueError for a node that has no such day within a year.
    """
    there = local(node, moment)
    day = _next(there.date(), days, lambda day: _works(node, day), f"node {node.id}")
    return _at(day, there.hour * 60 + there.minute, _zone(node))


def end_of_day(node: Node, moment: datetime) -> datetime:
    """The midnight that ends a moment's day at a node, in UTC."""
    return _at(local(node, moment).date(), 24 * 60, _zone(node))


def hours_today(node: Node, now: datetime) -> tuple[tuple[str, str], ...]:
    """Between which local times a node is open on its present day; () when it is closed."""
    today = local(node, now).date()
    if not _works(node, today):
        return ()
    return node.hours.get(str(today.weekday()), ()) if node.hours else _ALWAYS


def local(node: Node, moment: datetime) -> datetime:
    """A moment by the clocks at a node."""
    return moment.astimezone(_zone(node))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """When a node is done with an order: the local day that its capacity is taken on, and for
    pick-up the moment in UTC."""

    day: date
    moment: datetime


def _window(
    node: Node,
    service: Service,
    now: datetime,
    ready: date | None,
    busy: Mapping[Slot, int],
    country: str,
) -> Promise:
    fewest, most = service.transit_days
    done = _prepared(node, service, now, ready, busy)
    if service.method == "pickup":
        earliest = _next(done.day, fewest, lambda day: _works(node, day), f"node {node.id}")
        latest = _next(done.day, most, lambda day: _works(node, day), f"node {node.id}")
        return Promise(earliest, latest, done.moment)
    here, there = node.address.country, country or node.address.country
    left = _first(done.day, lambda day: _collected(node, service, day), f"service {service.id}")

    def carried(day: date) -> bool:
        return day.weekday() in service.working_days and not (
            _closed(service, here, day) or _closed(service, there, day)
        )

    def delivered(day: date) -> bool:
        return day.weekday() in service.delivery_days and not _closed(service, there, day)

    earliest, latest = (
        _first(
            _next(left, days, carried, f"service {service.id}"), delivered, f"service {service.id}"
        )
        for days in (fewest, most)
    )
    return Promise(earliest, latest)


def _sent_to(
    store: Node,
    node: Node,
    service: Service,
    now: datetime,
    ready: date | None,
    busy: Mapping[Slot, int],
) -> Promise:
    """The window for goods that a node sends to a store: the store lays them ready on a working day
    of its own after they have come."""
    carried = _from(node, service, store)
    comes = _window(node, carried, now, ready, busy, store.address.country)
    earliest, latest = (
        _next(day, 1, lambda day: _works(store, day), f"node {store.id}")
        for day in (comes.earliest, comes.latest)
    )
    return Promise(earliest, latest)


def _from(node: Node, service: Service, store: Node | None) -> Service:
    """A service as a node fulfils it: what is collected at another `store` is a parcel to it."""
    sent = store is not None and store.id != node.id
    return replace(service, method="delivery") if sent else service


def _prepared(
    node: Node, service: Service, now: datetime, ready: date | None, busy: Mapping[Slot, int]
) -> _Prepared:
    zone = _zone(node)
    day = _started(node, now, ready, zone)
    if service.method == "pickup" and node.processing_minutes:
        return _picked(node, now, day, zone, busy)

    def free(day: date) -> bool:
        return _works(node, day) and _has_room(node, day, busy)

    def works(day: date) -> bool:
        return _works(node, day)

    day = _first(
        _next(day, node.processing_days, works, f"node {node.id}"), free, f"node {node.id}"
    )
    if service.method != "pickup":
        return _Prepared(day, now)
    while True:  # ends: `free` finds no day for ever
        moment = _open_from(node, _at(day, _minutes(node.cut_off), zone), zone)
        opened = moment.astimezone(zone).date()
        if opened == day or free(opened):
            return _Prepared(opened, moment)
        day = _first(opened, free, f"node {node.id}")


def _started(node: Node, now: datetime, ready: date | None, zone: tzinfo) -> date:
    """The first working day on which a node can begin."""
    day = now.astimezone(zone).date()
    # As moments, not as times of day: on the day a clock is put back, those come twice.
    if now >= _at(day, _minutes(node.cut_off), zone):
        day += _DAY
    if ready is not None:
        day = max(day, ready)
    return _first(day, lambda day: _works(node, day), f"node {node.id}")


def _picked(
    node: Node, now: datetime, day: date, zone: tzinfo, busy: Mapping[Slot, int]
) -> _Prepared:
    """When a store is done picking that begins at `now` or, if later, when it opens on `day`.
    Picking goes on only while it is open, and the goods can be collected when it is done."""
    last = day + _YEAR * _DAY
    while day <= last:
        left = timedelta(minutes=node.processing_minutes)
        for opens, closes in _openings(node, day, zone):
            begins = max(opens, now)
            if begins + left < closes:
                moment = begins + left
                done = moment.astimezone(zone).date()
                if _has_room(node, done, busy):
                    return _Prepared(done, moment)
                day = done + _DAY  # this day is taken: begin on the next one
                break
            left -= max(closes - begins, timedelta(0))
        else:
            break
    raise _never(f"node {node.id}")


def _open_from(node: Node, moment: datetime, zone: tzinfo) -> datetime:
    """The first moment from `moment` on at which a node is open."""
    for opens, closes in _openings(node, moment.astimezone(zone).date(), zone):
        if moment < closes:
            return max(moment, opens)
    raise _never(f"node {node.id}")


def _openings(node: Node, day: date, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """When a node opens and closes from `day` on, for a year, in UTC."""
    always = () if node.hours else _ALWAYS
    for number in range(_YEAR):
        today = day + number * _DAY
        if _works(node, today):
            for opens, closes in node.hours.get(str(today.weekday()), always):
                yield _at(today, _minutes(opens), zone), _at(today, _minutes(closes), zone)


def _works(node: Node, day: date) -> bool:
    return day.weekday() in node.working_days and day not in node.holidays


def _has_room(node: Node, day: date, busy: Mapping[Slot, int]) -> bool:
    return not node.capacity or busy.get((node.id, day), 0) < node.capacity


def _collected(node: Node, service: Service, day: date) -> bool:
    """Whether the carrier comes to a node on a day on which somebody is there."""
    return (
        day.weekday() in service.pickup_days
        and _works(node, day)
        and not _closed(service, node.address.country, day)
    )


def _closed(service: Service, country: str, day: date) -> bool:
    return day in service.holidays.get(country, ())


def _next(day: date, days: int, counts: Callable[[date], bool], whose: str) -> date:
    """The day that is `days` such days after `day`."""
    for _ in range(days):
        day = _first(day + _DAY, counts, whose)
    return day


def _first(day: date, counts: Callable[[date], bool], whose: str) -> date:
    """The first such day from `day` on."""
    for number in range(_YEAR):
        if counts(day + number * _DAY):
            return day + number * _DAY
    raise _never(whose)


def _never(whose: str) -> ValueError:
    return ValueError(f"{whose} never works: no day for it within a year")


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _at(day: date, minutes: int, zone: tzinfo) -> datetime:
    """A local time as a moment in UTC: of a time that comes twice the first, and one that a clock
    put forward leaves out is as far from midnight as the old time says."""
    day, minutes = day + minutes // 1440 * _DAY, minutes % 1440
    local = datetime.combine(day, time(minutes // 60, minutes % 60), zone)
    return local.astimezone(UTC)


def _zone(node: Node) -> tzinfo:
    from zoneinfo import ZoneInfo  # slow to import, and most requests promise nothing

    return ZoneInfo(node.time_zone)
