"""Mergers of customer records, and the orders that follow.

An entry (see `mergers`) is written with the two records. From then on no order can be placed for
the duplicate (see `buyers`); those that were placed before are found by the index of orders by
customer, which may be some moments behind. So every sweep looks again until the entry's time is
over. What was ordered as a guest for a mailbox that the duplicate's owner had proven is claimed on
the way: nobody signs in with that mailbox any more, so nobody else would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from parcelway.domain.guest_orders import mailbox
from parcelway.domain.merging import Merger, claims, follows
from parcelway.store.codec import iso
from parcelway.store.commit import Busy, Write, commit, until_fresh
from parcelway.store.customers import get_customer, record_writes
from parcelway.store.database import Database
from parcelway.store.mergers import Entry, entry_of, entry_write, forget, put_off
from parcelway.store.orders import get_order, guest_key, orders_of
from parcelway.store.saving import save, writes
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


def save_merger(db: Database, merger: Merger, guests: str, now: datetime) -> None:
    """Commit both records and the entry; `guests` is the key of the guests' orders that are the
    duplicate's, '' for none. Raises Stale when one of the records has changed."""
    commit(db.client, merger_writes(db, merger, guests, now))


def merger_writes(db: Database, merger: Merger, guests: str, now: datetime) -> list[Write]:
    """All that a merger writes in its one transaction, which takes 100 writes."""
    duplicate, survivor = merger.duplicate.customer.id, merger.survivor.customer.id
    return [
        *record_writes(db, merger.survivor),
        *record_writes(db, merger.duplicate),
        entry_write(db, entry_of(duplicate, survivor, guests, now)),
    ]


def guests_of(mailbox: str) -> str:
    """The key of the guests' orders for a proven mailbox, '' when there is none."""
    return guest_key(mailbox, "")["pk"] if mailbox else ""


def follow(
    db: Database, duplicate: str, guests: str, survivor: str, now: datetime, most: int
) -> Followed:
    """Move the duplicate's orders, at most so many, and those of its mailbox's `guests`. Repeating
    it moves what is left.

    An order that cannot be read, or moved, is passed over: it is `failed`. Raises Busy.
    """
    moved, failed = 0, dict[str, Exception]()
    own = ((id, partial(_move, db, id, duplicate, survivor, now)) for id in _placed(db, duplicate))
    list_ = db.query(db.orders, guests) if guests else []
    claimed = ((each["sk"], partial(_claim, db, each, survivor, now)) for each in list_)
    for order_id, move in chain(own, claimed):
        if moved >= most:
            return Followed(moved, False, failed)
        try:
            moved += until_fresh(move)
        except Busy:
            raise
        except Exception as error:  # one order must not stop those behind it
            failed[order_id] = error
    return Followed(moved, not failed, failed)


def sweep(db: Database, mergers: Sequence[Entry], now: datetime, most: int) -> Swept:
    """Look after mergers, each by itself; at most `most` orders follow."""
    moved, left, failed = 0, 0, dict[str, Exception]()
    for entry in mergers:
        try:
            survivor = final(db, entry.survivor)
            done = follow(db, entry.duplicate, entry.guests, survivor, now, most - moved)
            moved += done.moved
            failed.update(done.failed)
            if done.failed:
                put_off(db, entry, now)
            elif done.complete and not done.moved and entry.until < iso(now):
                forget(db, entry)
        except Busy:
            left += 1
        except Exception as error:  # one customer must not stop all others
            failed[entry.duplicate] = error
            put_off(db, entry, now)
    return Swept(moved, failed, left)


def final(db: Database, customer_id: str) -> str:
    """The record that a record was merged into, and that one perhaps; itself if none."""
    seen = set[str]()
    while customer_id not in seen:  # there is no circle; if there were, it would end
        seen.add(customer_id)
        known = get_customer(db, customer_id)
        customer_id = (known.merged_into if known else "") or customer_id
    return customer_id


def _placed(db: Database, customer_id: str) -> Iterator[str]:
    start = None
    while True:
        ids, start = orders_of(db, customer_id, _PAGE, start)
        yield from ids
        if start is None:
            return


def _claim(db: Database, listed: Mapping[str, Any], survivor: str, now: datetime) -> int:
    order = get_order(db, listed["sk"])
    mine = order is not None and guests_of(mailbox(order)) == listed["pk"]
    if order is None or not mine:
        return 0  # somebody claimed it meanwhile
    gone = Write(db.orders, "", key={"pk": listed["pk"], "sk": listed["sk"]})
    commit(db.client, [*writes(db, claims(order, survivor, now), now), gone])
    return 1


def _move(db: Database, order_id: str, duplicate: str, survivor: str, now: datetime) -> int:
    order = get_order(db, order_id)
    decision = follows(order, duplicate, survivor, now) if order is not None else None
    if decision is None:
        return 0  # the index is behind
    save(db, decision, now)
    return 1
