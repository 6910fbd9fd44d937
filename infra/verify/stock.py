"""Each balance against the journal: the counters of a SKU at a node are its moves added up.

What orders hold is held against the journal order by order (`statements`), so the three agree when
both pairs do.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from parcelway.domain.channels import channel_of
from parcelway.domain.stock import Entry, net
from parcelway.store import shards
from parcelway.store.commit import Busy
from parcelway.store.database import Database
from parcelway.store.shards import item_key

from infra.verify.finding import Break, found
from infra.verify.statements import entries_of
from infra.verify.tables import Care, Items, partitions

Place = tuple[str, str]  # (SKU, node)
_ROUNDS = 2  # with sales under way, commits may be ordered otherwise than their times; once


class Counters(NamedTuple):
    """Units of a SKU at a node."""

    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    backordered: int = 0
    damaged: int = 0
    safety: int = 0

    @property
    def left(self) -> int:
        """Whole units that nobody has a claim on: negative when more was promised.

        Those kept back are among them: somebody may keep back more than there is.
        """
        return self.on_hand - self.reserved - self.allocated - self.damaged

    def plus(self, other: Iterable[int]) -> Counters:
        """The sums of both."""
        return Counters(*(mine + its for mine, its in zip(self, other, strict=True)))


NOTHING = Counters()


@dataclass(slots=True)
class Book:
    """What is kept of StockTable while it is streamed: sums by place, whatever its length."""

    balances: dict[Place, Counters] = field(default_factory=dict)
    journal: dict[Place, Counters] = field(default_factory=dict)
    moved: set[Place] = field(default_factory=set)  # lately: that may still be under way

    def waited_for(self) -> list[Place]:
        """Where somebody waits and nothing is under way."""
        return sorted(
            place
            for place, counted in self.balances.items()
            if counted.backordered and place not in self.moved
        )

    def differing(self) -> list[Place]:
        """Where balance and journal are not the same."""
        places = dict.fromkeys([*self.balances, *self.journal])
        return [
            place
            for place in places
            if self.balances.get(place, NOTHING) != self.journal.get(place, NOTHING)
        ]


def name_of(place: Place) -> str:
    """How a break names a place."""
    return f"{place[0]} at {place[1]}"


def place_of(name: str) -> Place:
    """The place that `name_of` named."""
    sku, _, node = name.rpartition(" at ")
    return sku, node


def by_place(items: Items) -> dict[Place, Items]:
    """A SKU's balance items by node: one each, or several where a balance is split over shards."""
    places: dict[Place, Items] = {}
    for item in items:
        if item["sk"].startswith("NODE#"):
            places.setdefault((item["sku"], item["node"]), []).append(item)
    return places


def counters(items: Items) -> Counters:
    """The counters of one place, over all its shards."""
    return Counters(*(sum(item.get(name, 0) for item in items) for name in Counters._fields))


def available(item: Mapping[str, Any]) -> int:
    """What a balance item must say is available."""
    counted = counters([dict(item)])
    return counted.left - counted.safety - counted.backordered


def single_breaks(items: Items) -> Iterator[Break]:
    """What a SKU's balances show by themselves."""
    for place, parts in by_place(items).items():
        for item in parts:
            if item.get("available", 0) != available(item):
                told = f"{item['sk']}: {item.get('available')} available, not {available(item)}"
                yield found("stock.available", name_of(place), told)
        if (count := len(parts)) > 1 or "shards" in parts[0]:
            keys = {item_key(*place, shard)["sk"] for shard in range(count)}
            if {item["sk"] for item in parts} != keys or any(
                item.get("shards") != count for item in parts
            ):
                told = f"{count} shards, and not all say so"
                yield found("stock.shards", name_of(place), told)
        sums = counters(parts)
        if _too_few(place, sums):
            told = f"{_told(sums)}, {sums.left} left: count it, or cancel what cannot be sent"
            yield found("stock.negative", name_of(place), told)


def _too_few(place: Place, sums: Counters) -> bool:
    """Whether there is less than nothing of something. A quota may be cut below what was sold, and
    units may be kept back that are not there: that is nobody's loss."""
    if channel_of(place[1]):
        return min(sums) < 0
    return min(*sums, sums.left) < 0


def add_entries(sums: dict[Place, Counters], entries: Iterable[Entry]) -> None:
    """Add the journal's entries to the sums of their places."""
    for change in net(move for entry in entries for move in entry.moves):
        place = (change.sku, change.node)
        sums[place] = sums.get(place, NOTHING).plus(change.deltas)


@dataclass(frozen=True, slots=True)
class Difference:
    """A place whose balance is not what its journal adds up to."""

    place: Place
    shards: Items
    journal: Counters

    def told(self) -> Break:
        """As a break."""
        book = counters(self.shards)
        told = f"the journal says {_told(self.journal)}; the balance {_told(book)}"
        broken = found("stock.journal", name_of(self.place), told)
        if _too_few(self.place, self.journal):
            return Break(broken.kind, broken.subject, f"{told}; count it first")
        return broken


def differences(
    db: Database, places: Iterable[Place], clock: Clock, care: Care
) -> list[Difference]:
    """Which of `places` really differ: the balances first, then the whole journal of them.

    Entries from the time around the reading of the balances may or may not be in them. A balance
    that is the sum without the last few of these is in order, and anything else is looked at once
    more, unless all is at rest.
    """
    left = list(places)
    result: list[Difference] = []
    for _ in range(_ROUNDS if care.grace else 1):
        if not left:
            return []
        seen = {place: of_place(db, place) for place in left}
        result = _round(db, seen, clock.now(), care)
        left = [difference.place for difference in result]
    return result


class Clock:
    """The time as the caller gave it, going on since: so that tests and simulations have theirs."""

    def __init__(self, now: datetime) -> None:
        self._now, self._since = now, time.monotonic()

    def now(self) -> datetime:
        """The time now."""
        return self._now + timedelta(seconds=time.monotonic() - self._since)


def of_place(db: Database, place: Place) -> Items:
    """The balance items of a place, strongly consistent; all of one moment where it is split."""
    try:
        balances, _ = shards.read(db, [place], consistent=True)
    except Busy:  # its shards do not fit together: `stock.shards` tells
        return by_place(db.query(db.stock, f"SKU#{place[0]}")).get(place, [])
    return balances.get(place, [])


def _round(
    db: Database, seen: Mapping[Place, Items], read_at: datetime, care: Care
) -> list[Difference]:
    sums: dict[Place, Counters] = {}
    recent: dict[Place, list[tuple[datetime, Counters]]] = {place: [] for place in seen}
    for pk, items in partitions(db, db.stock, care):
        if not pk.startswith("JRN#"):
            continue
        for entry in entries_of(items):
            if care.grace and entry.at > read_at + care.grace:
                continue
            moved: dict[Place, Counters] = {}
            add_entries(moved, [entry])
            for place, change in moved.items():
                if place not in seen:
                    continue
                if care.grace and entry.at > read_at - care.grace:
                    recent[place].append((entry.at, change))
                else:
                    sums[place] = sums.get(place, NOTHING).plus(change)
    return [
        Difference(place, items, total)
        for place, items in seen.items()
        if (total := _unexplained(counters(items), sums.get(place, NOTHING), recent[place]))
        is not None
    ]


def _unexplained(
    book: Counters, sure: Counters, recent: list[tuple[datetime, Counters]]
) -> Counters | None:
    """What the journal adds up to; None when the balance is it, but for the last few entries."""
    total = sure
    explained = total == book
    for _, change in sorted(recent, key=lambda pair: pair[0]):
        total = total.plus(change)
        explained = explained or total == book
    return None if explained else total


def _told(sums: Counters) -> str:
    told = {name: value for name, value in sums._asdict().items() if value}
    return ", ".join(f"{value} {name}" for name, value in told.items()) or "nothing"
