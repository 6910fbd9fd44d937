"""OrdersTable: series of documents, numbered without a gap.

    SERIES#<series>              COUNTER      last number given
    NUMBERS#<shard>#<series>     <sequence>   -> order; holds each number to one document

A partition takes a thousand write units a second, and a transaction uses two for an item: numbers
that follow each other lie in SHARDS partitions, so that these do not limit how many are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from parcelway.domain.invoice import Invoice
from parcelway.domain.invoicing import Counter
from parcelway.store.commit import Write, put_new
from parcelway.store.database import Database

SHARDS = 8
NUMBERS = "NUMBERS#"


def get_counter(db: Database, series: str) -> Counter:
    """The last number given in a series of documents."""
    item = db.get(db.orders, *counter_key(series))
    return to_counter(series, item)


def counter_key(series: str) -> tuple[str, str]:
    """The primary key of a series' counter."""
    return f"SERIES#{series}", "COUNTER"


def to_counter(series: str, item: dict[str, Any] | None) -> Counter:
    """A series' counter from its item; None before the first number."""
    return Counter(series, int(item["last"]) if item else 0)


def counter_write(db: Database, before: Counter, last: int) -> Write:
    """Set a counter that is still where it was read."""
    pk, sk = counter_key(before.series)
    return Write(
        db.orders,
        "#last = :before" if before.last else "attribute_not_exists(pk)",
        {"pk": pk, "sk": sk, "last": last},
        names={"#last": "last"} if before.last else {},
        values={":before": before.last} if before.last else {},
    )


def number_writes(db: Database, documents: Sequence[Invoice]) -> Iterator[Write]:
    """What gives new documents their numbers. Those of one series follow each other."""
    for each in documents:
        pk, sk = _number_key(each.series, each.sequence)
        yield put_new(db.orders, {"pk": pk, "sk": sk, "order_id": each.order_id})
    for series in dict.fromkeys(each.series for each in documents):
        given = [each.sequence for each in documents if each.series == series]
        if given != list(range(given[0], given[0] + len(given))):
            raise ValueError(f"numbers of {series} that do not follow each other")
        yield counter_write(db, Counter(series, given[0] - 1), given[-1])


def numbers_given(db: Database, series: str) -> set[int]:
    """Every number of a series that was given."""
    pks = (_partition(series, shard) for shard in range(SHARDS))
    return {int(item["sk"]) for pk in pks for item in db.query(db.orders, pk)}


def order_of_document(db: Database, number: str) -> str | None:
    """The order whose document has a number, as it is printed on it; None for none."""
    series, dash, sequence = number.strip().rpartition("-")
    if not dash or not (sequence.isascii() and sequence.isdecimal() and len(sequence) <= 12):
        return None
    item = db.get(db.orders, *_number_key(series, int(sequence)))
    return item["order_id"] if item else None


def series_numbered(pk: str) -> str:
    """The series whose numbers lie in a partition."""
    return pk.removeprefix(NUMBERS).partition("#")[2]


def partitions_of(series: str) -> Iterable[str]:
    """The partitions in which the numbers of a series lie."""
    return [_partition(series, shard) for shard in range(SHARDS)]


def _number_key(series: str, sequence: int) -> tuple[str, str]:
    return _partition(series, sequence % SHARDS), f"{sequence:012d}"


def _partition(series: str, shard: int) -> str:
    return f"{NUMBERS}{shard}#{series}"
