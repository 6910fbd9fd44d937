"""LedgerTable: the postings of the books, and up to where they are locked.

    ORD#<order id>    POST#<reference>    a posting about an order
    SUB#<subject>     POST#<reference>    one about something else: a payout, a gift card, goods
    SUB#<gift card>   CARD, HIST#...      its balance, and how that came about (store/gift_cards.py)
    PERIODS           LOCK                through: the last locked period
    PERIODS           <period>            who locked through this one, and when
    TURNOVER          <period>            what the period's postings up to a moment come to

A reference is written once for its subject, in the transaction of what it tells of. The index
by_period (book_shard, booked) lists them by period and time of writing; `booked` is unique and says
`<period>#<time>#<number>`. It follows the table in milliseconds and is trusted after an hour
(books.SETTLED). What a month's older postings come to is kept in TURNOVER by `fold`, once a day: a
saving of reads and no more, since a trial balance reads the rest itself.

The present month cannot be locked, so postings into it need no guard and cost no read. Those of an
earlier month read the lock, and are written on the condition that it has not gone past them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from itertools import islice
from typing import Any

from parcelway.domain import books
from parcelway.domain.books import SETTLED, Booked, Turnover, period_of
from parcelway.domain.ledger import Posting
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, until_fresh
from parcelway.store.database import Database
from parcelway.store.sharded import Sharded
from parcelway.values import dataclass

SHARDS = 8  # each takes a thousand postings a second; spreads the index's writes
_BY_PERIOD = Sharded("by_period", "book_shard", "booked", SHARDS)
_LOCK = {"pk": "PERIODS", "sk": "LOCK"}


@dataclass(frozen=True, slots=True)
class Locked:
    """That all periods through one were locked."""

    period: str
    at: datetime
    by: str


def posting_writes(db: Database, posting: Posting, now: datetime) -> list[Write]:
    """What writes a posting at `now`: into the period of its event, or the present one when that
    is locked. A lock that comes between makes the commit Stale: make the writes again."""
    own = period_of(posting.at)
    if own >= period_of(now):
        return [_put(db, posting, period_of(now), now)]
    through = locked_through(db)
    period = books.booked_in(posting.at, now, through)
    guard = [_unlocked(db, period)] if period == own else []
    return [_put(db, posting, period, now), *guard]


def postings_of(db: Database, subject: str) -> list[Booked]:
    """What was posted about an order, a payout, a gift card or goods, in the order of writing."""
    found = [to_booked(item) for item in db.query(db.ledger, partition(subject), "POST#")]
    return sorted(found, key=lambda booked: (booked.booked_at, booked.number))


def partition(subject: str) -> str:
    """The partition key of what is posted about a subject."""
    return f"ORD#{subject}" if subject.startswith("ord_") else f"SUB#{subject}"


def to_booked(item: dict[str, Any]) -> Booked:
    """A posting from its item. Raises KeyError or TypeError when it is none."""
    period, booked_at, number = item["booked"].split("#")
    at = datetime.fromisoformat(booked_at)
    return Booked(period, at, number, decode(Posting, item["posting"]))


def journal(
    db: Database, period: str, limit: int | None = None, after: str = ""
) -> tuple[list[Booked], str]:
    """Postings of a period in the order of writing, from after the place `after` on: at most
    `limit`, and the place of the last one when there may be more ('' when there are none)."""
    begin = f"{after}#" if after else f"{period}#"
    items = list(islice(_listed(db, begin, f"{period}$", (limit or 8000) // SHARDS + 1), limit))
    more = items[-1]["booked"] if limit is not None and len(items) == limit else ""
    return [to_booked(item) for item in items], more


def first_period(db: Database, now: datetime) -> str:
    """The period of the first posting there is; the present one when there is none."""
    first = next(_listed(db, "0", "9", 1), None)
    return first["booked"].partition("#")[0] if first else period_of(now)


def turnover(db: Database, period: str) -> Turnover:
    """What all postings of a period come to, as far as the index has them."""
    kept = _kept(db, period)
    return books.together([kept.turnover, _written(db, period, kept.through)])


def opening(db: Database, period: str, now: datetime) -> Turnover:
    """What all postings of earlier periods come to."""
    known = books.periods(first_period(db, now), period)
    return books.together(turnover(db, earlier) for earlier in known if earlier < period)


def fold(db: Database, period: str, now: datetime) -> bool:
    """Keep what the period's postings come to that were written an hour ago or earlier, so that
    nobody need read them again. Returns whether there were any that had not been kept yet."""
    kept, through = _kept(db, period), iso(now - SETTLED)
    fresh = _written(db, period, kept.through, through)
    if fresh:
        _keep(db, period, kept, Kept(through, books.together([kept.turnover, fresh])))
    return bool(fresh)


def fold_again(db: Database, period: str) -> bool:
    """Count anew what was kept of a period. Returns whether it was anything else."""
    kept = _kept(db, period)
    again = Kept(kept.through, _written(db, period, "", kept.through))
    if again != kept:
        _keep(db, period, kept, again)
    return again != kept


def locked_through(db: Database) -> str:
    """The last locked period, '' for none."""
    item = db.get(db.ledger, **_LOCK)
    return item["through"] if item else ""


def lock(db: Database, period: str, now: datetime, by: str) -> Locked:
    """Lock all periods through one; who did it first. Raises Refusal TOO_EARLY, INVALID."""
    books.require_lockable(period, now)

    def attempt() -> Locked:
        through = locked_through(db)
        if period <= through:
            return next(locked for locked in locks(db) if locked.period >= period)
        made = Locked(period, now, by)
        record = {"pk": "PERIODS", "sk": period, "locked": encode(made)}
        lock_item = {**_LOCK, "through": period}
        commit(db.client, [_replaced(db, lock_item, through), put_new(db.ledger, record)])
        return made

    return until_fresh(attempt)


def locks(db: Database) -> list[Locked]:
    """Everything that was locked, the earliest period first."""
    items = db.query(db.ledger, "PERIODS")
    return [decode(Locked, item["locked"]) for item in items if "locked" in item]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a period's postings come to that were written by `through` ('' for none of them)."""

    through: str = ""
    turnover: Turnover = field(default_factory=dict)


def kept_turnovers(db: Database) -> dict[str, Kept]:
    """What `fold` kept, by period."""
    return {item["sk"]: _to_kept(item) for item in db.query(db.ledger, "TURNOVER")}


def _kept(db: Database, period: str) -> Kept:
    item = db.get(db.ledger, "TURNOVER", period)
    return _to_kept(item) if item else Kept()


def _to_kept(item: Mapping[str, Any]) -> Kept:
    sums = {
        (currency, account): (debit, credit)
        for currency, accounts in item["turnover"].items()
        for account, (debit, credit) in accounts.items()
    }
    return Kept(item["through"], sums)


def _keep(db: Database, period: str, before: Kept, after: Kept) -> None:
    sums: dict[str, dict[str, list[int]]] = {}
    for (currency, account), amounts in after.turnover.items():
        sums.setdefault(currency, {})[account] = list(amounts)
    item = {"pk": "TURNOVER", "sk": period, "through": after.through, "turnover": sums}
    commit(db.client, [_replaced(db, item, before.through)])


def turnover_of(items: Iterable[Mapping[str, Any]]) -> Turnover:
    """What posting items come to, without making postings of them: a month may have millions."""
    return books.together(
        {
            (item["posting"]["currency"], entry["account"]): (
                max(0, entry["debit"]),
                max(0, -entry["debit"]),
            )
            for entry in item["posting"]["entries"]
        }
        for item in items
    )


def _written(db: Database, period: str, since: str, by: str = "~") -> Turnover:
    """What the postings of a period come to that were written later than `since`, up to `by`."""
    begin = f"{period}#{since}$" if since else f"{period}#"
    return turnover_of(_listed(db, begin, f"{period}#{by}$", 1000))


def _listed(db: Database, begin: str, end: str, page: int) -> Iterator[dict[str, Any]]:
    return _BY_PERIOD.between(db, db.ledger, begin, end, page)


def _put(db: Database, posting: Posting, period: str, now: datetime) -> Write:
    name = f"{posting.subject}#{posting.reference}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return put_new(
        db.ledger,
        {
            "pk": partition(posting.subject),
            "sk": f"POST#{posting.reference}",
            "book_shard": str(int(digest[:2], 16) % SHARDS),
            "booked": f"{period}#{iso(now)}#{digest[2:18]}",
            "posting": encode(posting),
        },
    )


def _unlocked(db: Database, period: str) -> Write:
    """That a period is not locked by the time of the commit; nothing is written."""
    return Write(
        db.ledger,
        "attribute_not_exists(pk) OR through < :period",
        key=_LOCK,
        values={":period": period},
        check=True,
    )


def _replaced(db: Database, item: Mapping[str, Any], before: str) -> Write:
    """An item in place of the one whose `through` was `before`, '' for none."""
    if not before:
        return put_new(db.ledger, item)
    return Write(db.ledger, "through = :before", item, values={":before": before})
