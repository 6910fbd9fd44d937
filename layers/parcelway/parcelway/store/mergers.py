"""Mergers of customer records whose orders are still looked after.

    MERGES   <id of the duplicate>   -> survivor; looked after until `until`

Every sweep asks for them, and hardly ever finds one: so this knows nothing of customers.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from parcelway.store.codec import iso
from parcelway.store.commit import Stale, Write, commit, put_new
from parcelway.store.database import Database
from parcelway.values import dataclass

_LOOKED_AFTER = timedelta(hours=1)  # far longer than an index is behind, or a request takes


@dataclass(frozen=True, slots=True)
class Entry:
    """A duplicate, the record that took it over, and when nobody need look any more (ISO 8601)."""

    duplicate: str
    survivor: str
    until: str


def entries(db: Database) -> list[Entry]:
    """What is looked after at present: mergers of the last hour, and those not done yet."""
    items = db.query(db.customers, "MERGES", consistent=False)
    return [Entry(item["sk"], item["survivor"], item["until"]) for item in items]


def entry_write(db: Database, duplicate: str, survivor: str, now: datetime) -> Write:
    """The entry of a new merger."""
    item = {"survivor": survivor, "until": iso(now + _LOOKED_AFTER)}
    return put_new(db.customers, {"pk": "MERGES", "sk": duplicate} | item)


def forget(db: Database, entry: Entry) -> None:
    """Look after a merger no more; another sweep may have been first."""
    key = {"pk": "MERGES", "sk": entry.duplicate}
    with suppress(Stale):
        commit(db.client, [Write(db.customers, "attribute_exists(pk)", key=key)])
