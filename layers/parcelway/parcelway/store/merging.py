"""Mergers of customer records, and the orders that follow.

An entry (see `mergers`) is written with the two records. From then on no order can be placed for
the duplicate (see `buyers`); those that were placed before are found by the index of orders by
customer, which may be some moments behind. So every sweep looks again until the entry's time is
over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from functools import partial

from parcelway.domain.merging import Merger, follows
from parcelway.store.codec import iso
from parcelway.store.commit import Busy, Write, commit, until_fresh
from parcelway.store.customers import get_customer, record_writes
from parcelway.store.database import Database
from parcelway.store.mergers import Entry, entry_write, forget
from parcelway.store.orders import get_order, orders_of
from parcelway.store.saving import save
from parcelway.values import dataclass

_PAGE = 25


@dataclass(frozen=True, slots=True)
class Followed:
    """How many orders were moved, and whether those that the index shows are all moved; `failed`
    are those that could not be, by id."""

    moved: int
    complete: bool
    failed: Mapping[str, Exception] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many orders followed; what `failed`, by the id of the order or the duplicate; how many
    duplicates were `left` because somebody else was at them."""

    moved: int
    failed: Mapping[str, Exception] = field(default_factory=dict, compare=False)
    left: int = 0


def save_merger(db: Database, merger: Merger, now: datetime) -> None:
    """Commit both records and the entry. Raises Stale when one of them has changed."""
    commit(db.client, merger_writes(db, merger, now))


def merger_writes(db: Database, merger: Merger, now: datetime) -> list[Write]:
    """All that a merger writes in its one transaction, which takes 100 writes."""
    duplicate, survivor = merger.duplicate.customer.id, merger.survivor.customer.id
    return [
        *record_writes(db, merger.survivor),
        *record_writes(db, merger.duplicate),
        entry_write(db, duplicate, survivor, now),
    ]


def follow(db: Database, duplicate: str, survivor: str, now: datetime, most: int) -> Followed:
    """Move the duplicate's orders, at most so many. Repeating it moves what is left.

    An order that cannot be read, or moved, is passed over: it is `failed`. Raises Busy.
    """
    moved, start = 0, None
    failed = dict[str, Exception]()
    while True:
        ids, start = orders_of(db, duplicate, _PAGE, start)
        for order_id in ids:
            if moved >= most:
                return Followed(moved, False, failed)
            try:
                moved += until_fresh(partial(_move, db, order_id, duplicate, survivor, now))
            except Busy:
                raise
            except Exception as error:  # one order must not stop those behind it
                failed[order_id] = error
        if start is None:
            return Followed(moved, not failed, failed)


def sweep(db: Database, mergers: Sequence[Entry], now: datetime, most: int) -> Swept:
    """Look after mergers, each by itself; at most `most` orders follow."""
    moved, left, failed = 0, 0, dict[str, Exception]()
    for entry in mergers:
        try:
            done = follow(db, entry.duplicate, final(db, entry.survivor), now, most - moved)
            moved += done.moved
            failed.update(done.failed)
            if done.complete and not done.moved and entry.until < iso(now):
                forget(db, entry)
        except Busy:
            left += 1
        except Exception as error:  # one customer must not stop all others
            failed[entry.duplicate] = error
    return Swept(moved, failed, left)


def final(db: Database, customer_id: str) -> str:
    """The record that a record was merged into, and that one perhaps; itself if none."""
    seen = set[str]()
    while customer_id not in seen:  # there is no circle; if there were, it would end
        seen.add(customer_id)
        known = get_customer(db, customer_id)
        customer_id = (known.merged_into if known else "") or customer_id
    return customer_id


def _move(db: Database, order_id: str, duplicate: str, survivor: str, now: datetime) -> int:
    order = get_order(db, order_id)
    decision = follows(order, duplicate, survivor, now) if order is not None else None
    if decision is None:
        return 0  # the index is behind
    save(db, decision, now)
    return 1
