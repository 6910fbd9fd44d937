"""Demographics, beside the record, so that nothing that reads the record holds them.

CUS#<id>   DEMOGRAPHICS   written with the consent that the record has, and deleted with it or with
                          the record, whatever changes those (store/customers.py)
"""

from __future__ import annotations

from parcelway.domain.customer import Change
from parcelway.domain.demographics import Demographics
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, commit
from parcelway.store.customers import record_writes
from parcelway.store.database import Database


def get_demographics(db: Database, customer_id: str) -> Demographics | None:
    """What a customer told; None when there is nothing."""
    item = db.get(db.customers, f"CUS#{customer_id}", "DEMOGRAPHICS")
    return decode(Demographics, item["demographics"]) if item else None


def save_demographics(db: Database, change: Change, told: Demographics | None) -> None:
    """Commit a record with what its customer tells, or with nothing any more: without the consent
    the record's own writes delete it. Raises Stale."""
    writes = list(record_writes(db, change))
    if told is not None:
        key = {"pk": f"CUS#{change.customer.id}", "sk": "DEMOGRAPHICS"}
        # No condition of its own: the record's orders these writes.
        writes.append(Write(db.customers, "", key | {"demographics": encode(told)}))
    commit(db.client, writes)
