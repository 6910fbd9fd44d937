"""Mergers of customer records whose orders are still looked after.

    MERGES   <id of the duplicate>   -> survivor; looked after until `until`, the next time at `due`

`guests` is the list of guests' orders (see guest_orders) for the mailbox that the duplicate had
proven: they are the survivor's, too. Every sweep asks for entries, and hardly ever finds one: so
this knows nothing of customers.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from parcelway.store.codec import iso
from parcelway.store.commit import Stale, Write, commit, put_new
from parcelway.store.database import Database
from parcelway.values import dataclass

_LOOKED_AFTER = timedelta(hours=1)  # far longer than an index is behind, or a request takes
_LONGEST = timedelta(days=1)  # between looks at one that cannot be finished


@dataclass(frozen=True, slots=True)
class Entry:
    """A duplicate, the record that took it over, the key of the guests' orders that go with it, and
    when nobody need look any more (ISO 8601). `tries` failed in a row."""

    duplicate: str
    survivor: str
    until: str
    guests: str = ""
    tries: int = 0


def entries(db: Database, now: datetime) -> list[Entry]:
    """What is to be looked after: mergers of the last hour, and those not done yet that are due."""
    items = db.query(db.customers, "MERGES", consistent=False)
    return [
        Entry(
            item["sk"],
            item["survivor"],
            item["until"],
            item.get("guests", ""),
            item.get("tries", 0),
        )
        for item in items
        if item.get("due", "") <= iso(now)
    ]


def entry_write(db: Database, entry: Entry) -> Write:
    """The entry of a new merger."""
    return put_new(db.customers, _item(entry))


def entry_of(duplicate: str, survivor: str, guests: str, now: datetime) -> Entry:
    """What is looked after from `now` on."""
    return Entry(duplicate, survivor, iso(now + _LOOKED_AFTER), guests)


def put_off(db: Database, entry: Entry, now: datetime) -> None:
    """Look again after a pause that doubles, up to a day: what cannot be read today may be mended.

    Another sweep may have been first.
    """
    pause = min(timedelta(minutes=2 ** min(entry.tries, 11)), _LONGEST)
    later = _item(replace(entry, tries=entry.tries + 1)) | {"due": iso(now + pause)}
    with suppress(Stale):
        commit(db.client, [Write(db.customers, "attribute_exists(pk)", later)])


def _item(entry: Entry) -> dict[str, Any]:
    item = {"pk": "MERGES", "sk": entry.duplicate, "survivor": entry.survivor}
    return item | {"until": entry.until, "guests": entry.guests, "tries": entry.tries}


def forget(db: Database, entry: Entry) -> None:
    """Look after a merger no more; another sweep may have been first."""
    key = {"pk": "MERGES", "sk": entry.duplicate}
    with suppress(Stale):
        commit(db.client, [Write(db.customers, "attribute_exists(pk)", key=key)])
