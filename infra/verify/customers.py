"""What customers are found by: every record has its keys, and nothing else leads to it.

Keys are names and numbers of people: what is told here says of which kind they are, not what.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from parcelway.domain.customer import Customer
from parcelway.store.codec import decode
from parcelway.store.commit import Write, commit
from parcelway.store.database import Database
from parcelway.store.finding import key_items

from infra.verify.case import Key
from infra.verify.finding import Break, found
from infra.verify.statements import Crossed
from infra.verify.tables import Care, partitions

_KEYS, _RECORDS = "FIND#", "CUS#"


def key_breaks(db: Database, now: datetime, care: Care) -> Iterator[Break]:
    """Customers who are not found by all they have, or by something else. Reads the whole table;
    what is not so any more when it is read again is not told."""
    crossed = Crossed()
    for item in _keys(db, now, care):
        crossed.say(_customer_of(item), item["pk"], item["sk"], _digest(item))
    suspects: dict[str, set[Key]] = {}
    for customer_id, (pk, sk, _) in crossed.left():
        suspects.setdefault(customer_id, set()).add((pk, sk))
    if suspects:
        time.sleep(care.pause)
    for customer_id, keys in sorted(suspects.items()):
        if wrong := _wrong(db, customer_id, keys):
            kinds = sorted({pk.split("#")[1] for pk, _ in wrong})
            yield found("customer.keys", customer_id, f"is not found as it says: {kinds}")


def mend_keys(db: Database, customer_id: str) -> str:
    """Write the keys that a record has, and delete those that it has not; what was done.

    Raises Stale when the record changed meanwhile.
    """
    record = db.get(db.customers, _RECORDS + customer_id, "CUSTOMER")
    wanted = _wanted(record) if record else {}
    there = {
        (item["pk"], item["sk"]): item
        for pk, items in partitions(db, db.customers, Care())
        if pk.startswith(_KEYS)
        for item in items
        if _customer_of(item) == customer_id
    }
    expiry = {"expires": record["expires"]} if record and "expires" in record else {}
    writes = [
        Write(db.customers, "", {**item, **expiry})
        for key, item in wanted.items()
        if _digest(item) != _digest(there.get(key, {}))
    ]
    writes += [
        Write(db.customers, "", key={"pk": pk, "sk": sk}) for pk, sk in there.keys() - wanted.keys()
    ]
    if not writes:
        return ""
    commit(db.client, [_unchanged(db, customer_id, record), *writes])
    return f"{len(writes)} keys written or deleted"


def _keys(db: Database, now: datetime, care: Care) -> Iterator[Mapping[str, Any]]:
    """Every key that there is, and every key that a record wants. Of what may be gone at any
    moment, since its time is over, the counterpart may be gone already: it is left out."""
    for pk, items in partitions(db, db.customers, care):
        kept = [item for item in items if item.get("expires", now.timestamp()) >= now.timestamp()]
        if pk.startswith(_KEYS):
            yield from kept
        elif pk.startswith(_RECORDS):
            for record in (item for item in kept if item["sk"] == "CUSTOMER"):
                yield from _wanted(record).values()


def _wrong(db: Database, customer_id: str, keys: set[Key]) -> set[Key]:
    """Which keys are not as the record wants them; none while the record changes."""
    before = db.get(db.customers, _RECORDS + customer_id, "CUSTOMER")
    wanted = _wanted(before) if before else {}
    wrong = {
        key
        for key in keys | wanted.keys()
        if _digest(db.get(db.customers, *key) or {}) != _digest(wanted.get(key, {}))
    }
    return wrong if db.get(db.customers, _RECORDS + customer_id, "CUSTOMER") == before else set()


def _wanted(record: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    return key_items(decode(Customer, record["customer"]), {})


def _customer_of(item: Mapping[str, Any]) -> str:
    return str(item["sk"]).rpartition("#")[2]


def _digest(item: Mapping[str, Any]) -> str:
    """What an item says, but when it goes, in one short word."""
    said = {name: value for name, value in item.items() if name != "expires"}
    return hashlib.blake2b(repr(sorted(said.items())).encode(), digest_size=12).hexdigest()


def _unchanged(db: Database, customer_id: str, record: Mapping[str, Any] | None) -> Write:
    """The record must be as it was read."""
    key = {"pk": _RECORDS + customer_id, "sk": "CUSTOMER"}
    if record is None:
        return Write(db.customers, "attribute_not_exists(pk)", key=key, check=True)
    names, values = {"#version": "version"}, {":version": record["version"]}
    condition = "#version = :version"
    return Write(db.customers, condition, key=key, names=names, values=values, check=True)
