"""Invoice numbers: none left out, none twice, and a counter that is where they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from parcelway.store.database import Database
from parcelway.store.orders import get_counter

from infra.verify.finding import Break, found

_NAMED = 20  # missing numbers that are told one by one


@dataclass(slots=True)
class Series:
    """What is kept of a series while its items are streamed."""

    count: int = 0
    highest: int = 0
    last: int = 0

    def add(self, item: dict[str, Any]) -> None:
        """One item of the partition: the counter, or a number that was given."""
        if item["sk"] == "COUNTER":
            self.last = int(item["last"])
        else:
            self.count, self.highest = self.count + 1, max(self.highest, int(item["sk"]))

    @property
    def whole(self) -> bool:
        """Whether the numbers are 1 .. counter."""
        return self.count == self.highest == self.last


def series_breaks(db: Database, name: str, also: Iterable[int] = ()) -> Iterator[Break]:
    """A series on its own: first its counter, then its numbers, then the counter once more, so
    that invoices issued meanwhile do no harm. `also` are numbers of invoices that only lack the
    item that holds the number."""
    before = get_counter(db, name).last
    items = db.query(db.orders, f"SERIES#{name}")
    numbers = {int(item["sk"]) for item in items if item["sk"] != "COUNTER"} | set(also)
    after = get_counter(db, name).last
    highest = max(numbers, default=0)
    missing = sorted(set(range(1, max(before, highest) + 1)) - numbers)
    inside = [number for number in missing if number < highest]
    if inside:
        told = ", ".join(map(str, inside[:_NAMED]))
        yield found("invoice.gap", name, f"{len(inside)} numbers were never used: {told}")
    if highest < before or highest > after:
        yield found("invoice.counter", name, f"the counter is at {after}, the last is {highest}")
