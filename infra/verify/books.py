"""The books as a whole: what was counted once for all, and periods that were locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from parcelway.domain import books
from parcelway.domain.books import SETTLED, Turnover
from parcelway.store.codec import iso
from parcelway.store.database import Database
from parcelway.store.ledger import Kept, kept_turnovers, locks, turnover_of

from infra.verify.finding import Break, found
from infra.verify.tables import Items


@dataclass(slots=True)
class Counted:
    """What is counted of the postings while LedgerTable is streamed: as far as each period's
    turnover was kept, since later ones go on coming."""

    kept: Mapping[str, Kept]
    locked: Mapping[str, str]  # by period that was locked, when nothing more can come into it
    sums: dict[str, Turnover] = field(default_factory=dict)
    late: list[Break] = field(default_factory=list)

    def add(self, items: Items) -> None:
        """Count the postings of a partition."""
        for item in items:
            period, booked_at, _ = item["booked"].split("#")
            locked_at = next((at for p, at in self.locked.items() if p >= period), None)
            if locked_at is not None and booked_at > locked_at:
                reference, subject = item["posting"]["reference"], item["posting"]["subject"]
                told = f"{reference} was posted into {period} after it was locked"
                self.late.append(found("books.locked", subject, told))
            if booked_at <= self.kept.get(period, Kept()).through:
                both = [self.sums.get(period, {}), turnover_of([item])]
                self.sums[period] = books.together(both)


def counted(db: Database) -> Counted:
    """What to hold the postings against; read it before them.

    Who posts and who locks at once may each have read the clock before the other: it is the
    condition that keeps them apart. But nobody acts on a time that is an hour old.
    """
    locked = {lock.period: iso(lock.at + SETTLED) for lock in locks(db)}
    return Counted(kept_turnovers(db), locked)


def books_breaks(counts: Counted) -> Iterator[Break]:
    """Kept turnovers that are not what their postings come to, and postings that came too late."""
    yield from counts.late
    for period, kept in sorted(counts.kept.items()):
        if dict(kept.turnover) != dict(counts.sums.get(period, {})):
            yield found("books.turnover", period, f"not what was posted until {kept.through}")
