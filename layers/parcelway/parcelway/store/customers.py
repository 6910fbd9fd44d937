"""CustomersTable: one partition per customer, and the e-mail address that is theirs alone.

    CUS#<id>             CUSTOMER          the record
    CUS#<id>             HIST#<version>    which fields changed, when, by whom; consents as given
    EMAIL#<normalised>   EMAIL             -> customer; holds each address to one record

A pending record and its address carry `expires`: a sign-up that nobody proves is deleted by TTL.
Should it be proven after all, the record is made again from the login.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from parcelway.domain.customer import Change, Customer, displaced, may_hold
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, put_version
from parcelway.store.database import Database

_PENDING_KEPT = timedelta(days=30)  # from the last change
_REPLACED_KEPT = timedelta(days=2)  # longer than any token or request in flight


def get_customer(db: Database, customer_id: str) -> Customer | None:
    """The record; None when there is none."""
    item = db.get(db.customers, f"CUS#{customer_id}", "CUSTOMER")
    return decode(Customer, item["customer"]) if item else None


def holder_of(db: Database, email_key: str) -> str:
    """The id of the customer whose a normalised address is, '' when it is nobody's."""
    item = db.get(db.customers, f"EMAIL#{email_key}", "EMAIL")
    return item["customer_id"] if item else ""


def save(db: Database, change: Change) -> None:
    """Commit a change that leaves the address alone. Raises Stale when another came first."""
    commit(db.client, list(_record_writes(db, change)))


def save_with_email(db: Database, change: Change, holder: str, other: Customer | None) -> None:
    """Commit a change and, where the record may have it, its address.

    `holder` is whose the address was when the decision was made, `other` that holder's record when
    it is another's; losing the address changes it in the same transaction. Raises Stale.
    """
    writes = list(_record_writes(db, change))
    if may_hold(change.customer, other):
        writes.append(_email_write(db, change, holder))
        lost = displaced(other, change.at) if other is not None else None
        if lost is not None:
            writes += _record_writes(db, lost)
    commit(db.client, writes)


def _record_writes(db: Database, change: Change) -> Iterable[Write]:
    customer = change.customer
    pk = f"CUS#{customer.id}"
    item = {"pk": pk, "sk": "CUSTOMER", "version": customer.version, "customer": encode(customer)}
    yield put_version(db.customers, item | _expiry(change), customer.version - 1)
    entry = {
        "pk": pk,
        "sk": f"HIST#{customer.version:09d}",
        "at": iso(change.at),
        "actor": encode(change.actor),
        "fields": list(change.fields),
    }
    if "consents" in change.fields:
        entry["consents"] = encode(customer.consents)
    # No condition of its own: the record's orders these writes, and after a record that TTL
    # deleted the same version is written a second time.
    yield Write(db.customers, "", entry)


def _email_write(db: Database, change: Change, holder: str) -> Write:
    customer = change.customer
    key = {"pk": f"EMAIL#{customer.email_key}", "sk": "EMAIL"}
    item = key | {"customer_id": customer.id} | _expiry(change)
    if not holder:
        return put_new(db.customers, item)
    return Write(db.customers, "customer_id = :holder", item, values={":holder": holder})


def _expiry(change: Change) -> dict[str, Any]:
    kept = {"pending": _PENDING_KEPT, "replaced": _REPLACED_KEPT}.get(change.customer.state)
    return {"expires": int((change.at + kept).timestamp())} if kept else {}
