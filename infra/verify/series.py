"""Invoice numbers: none left out, none twice, and a counter that is where they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from parcelway.store.database import Database
from parcelway.store.series import get_counter, numbers_given

from infra.verify.finding import Break, found
from infra.verify.tables import Care, partitions

_NAMED = 20  # missing numbers that are told one by one


@dataclass(slots=True)
class Series:
    """What is kept of a series while its items are streamed."""

    count: int = 0
    highest: int = 0
    last: int = 0

    def add(self, item: dict[str, Any]) -> None:
        """One of its items: the counter, or a number that was given."""
        if item["sk"] == "COUNTER":
            self.last = int(item["last"])
        else:
            self.count, self.highest = self.count + 1, max(self.highest, int(item["sk"]))

    @property
    def whole(self) -> bool:
        """Whether the numbers are 1 .. counter."""
        return self.count == self.highest == self.last


def documented(db: Database, series: str, care: Care) -> set[int]:
    """The numbers of a series that documents have, whatever holds these. Reads all orders."""
    documents = (
        item.get("invoice") or item.get("credit_note")
        for _, items in partitions(db, db.orders, care)
        for item in items
        if str(item["sk"]).startswith(("INV#", "CRN#"))
    )
    return {int(each["sequence"]) for each in documents if each and each["series"] == series}


def series_breaks(db: Database, name: str, also: Iterable[int] = ()) -> Iterator[Break]:
    """A series on its own: first its counter, then its numbers, then the counter once more, so
    that invoices issued meanwhile do no harm. `also` are numbers of invoices that only lack the
    item that holds the number."""
    before = get_counter(db, name).last
    numbers = numbers_given(db, name) | set(also)
    after = get_counter(db, name).last
    highest = max(numbers, default=0)
    missing = sorted(set(range(1, max(before, highest) + 1)) - numbers)
    inside = [number for number in missing if number < highest]
    if inside:
        told = ", ".join(map(str, inside[:_NAMED]))
        yield found("invoice.gap", name, f"{len(inside)} numbers were never used: {told}")
    if highest < before or highest > after:
        yield found("invoice.counter", name, f"the counter is at {after}, the last is {highest}")
