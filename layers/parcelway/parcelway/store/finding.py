"""CustomersTable: what customers are found by, and who looked at whom.

    FIND#<kind>#<shelf>   <text>#<customer>   a key of a record (domain/finding.py), with the
                                              record in short
    CUS#<customer>        SEEN#<time>#<id>    whoever opened the record, or had it in a list
    LOOKUPS#<day>         <time>#<id>         every look-up of a day (UTC)

A record's keys are written with it, so one Query in the order of its sort key answers a question,
whatever the number of customers. Each has the record in short, so that nothing else is read.
Where a customer has several keys that begin alike, the first one stands for them: the others say
which come before them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from parcelway.domain.customer import Customer
from parcelway.domain.finding import (
    Access,
    Key,
    Question,
    Summary,
    keys_of,
    summary_of,
)
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new
from parcelway.store.database import Database

Start = Mapping[str, Any] | None
SEEN = "SEEN#"
_KEPT = timedelta(days=730)  # who looked at whom


def place_of(asked: Question) -> tuple[str, str]:
    """The partition whose keys answer a question, and how their sort keys begin."""
    return f"FIND#{asked.kind}#{asked.shelf}", asked.text + ("#" if asked.whole else "")


def find(db: Database, asked: Question, limit: int, start: Start) -> tuple[list[Summary], Start]:
    """At most `limit` of the customers whom a question leads to, in the order of what they are
    found by, and where the next page starts. A page is one Query, and may have fewer."""
    pk, begin = place_of(asked)
    items, more = db.page(db.customers, pk, limit, start, prefix=begin, consistent=True)
    first = [
        item for item in items if not any(map(asked.leads_to, item.get("before", ())))
    ]  # of the keys of one customer
    return [decode(Summary, item["customer"]) for item in first], more


def key_writes(
    db: Database, before: Customer | None, after: Customer, expiry: Mapping[str, Any]
) -> Iterator[Write]:
    """What makes a record found by what it has now, and by nothing that it had `before`.

    `expiry` is when the record goes by itself, if it does.
    """
    old = key_items(before, {}) if before is not None else {}
    new = key_items(after, expiry)
    for key, item in new.items():
        if item != old.get(key):
            # No condition of its own, here and below: the record's orders these writes.
            yield Write(db.customers, "", item)
    for pk, sk in old.keys() - new.keys():
        yield Write(db.customers, "", key={"pk": pk, "sk": sk})


def key_items(
    customer: Customer, expiry: Mapping[str, Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The items of a record's keys by primary key."""
    short = encode(summary_of(customer))
    keys = keys_of(customer)
    items = {}
    for key in keys:
        pk, sk = f"FIND#{key.kind}#{key.shelf}", f"{key.text}#{customer.id}"
        before = _before(key, keys)
        item = {"pk": pk, "sk": sk, "customer": short, **expiry}
        items[pk, sk] = item | ({"before": before} if before else {})
    return items


def note(db: Database, access: Access, customers: Sequence[str], *, opened: bool = False) -> None:
    """Put on record that somebody looked something up, and that these `customers` were shown, or
    that they `opened` the record of one. What they were told must wait until this has returned."""
    entry = {"access": encode(access), "expires": int((access.at + _KEPT).timestamp())}
    sk = f"{iso(access.at)}#{os.urandom(4).hex()}"
    writes = [
        put_new(db.customers, {"pk": f"CUS#{each}", "sk": SEEN + sk} | entry) for each in customers
    ]
    if not opened:
        writes.append(put_new(db.customers, {"pk": lookups_of(access.at), "sk": sk} | entry))
    commit(db.client, writes)


def seen(db: Database, customer_id: str, limit: int, start: Start) -> tuple[list[Access], Start]:
    """A page of who looked at a customer, latest first."""
    return _accesses(db, f"CUS#{customer_id}", SEEN, limit, start)


def lookups(db: Database, day: date, limit: int, start: Start) -> tuple[list[Access], Start]:
    """A page of the look-ups of a day (UTC), latest first."""
    return _accesses(db, lookups_of(day), "", limit, start)


def lookups_of(day: date) -> str:
    """The partition of a day's look-ups."""
    return f"LOOKUPS#{day:%Y-%m-%d}"


def _accesses(
    db: Database, pk: str, prefix: str, limit: int, start: Start
) -> tuple[list[Access], Start]:
    items, more = db.page(db.customers, pk, limit, start, prefix=prefix, newest_first=True)
    return [decode(Access, item["access"]) for item in items], more


def _before(key: Key, keys: Sequence[Key]) -> list[str]:
    """The texts of the same customer that a question could lead to as well, and comes to first."""
    return sorted(
        each.text
        for each in keys
        if (each.kind, each.shelf) == (key.kind, key.shelf) and each.text < key.text
    )
