"""CustomersTable: one partition per customer, and the e-mail address that is theirs alone.

    CUS#<id>             CUSTOMER          the record
    CUS#<id>             HIST#<version>    which fields changed, when, by whom, why; consents
    ERASURES             <id>              people who are being forgotten (store/erasing.py)
    MERGES               <id>              duplicates whose orders follow (store/merging.py)
    EMAIL#<normalised>   EMAIL             -> customer; holds each address to one record
    ACC#...                                business accounts (store/accounts.py)
    FIND#...                               what a record is found by (store/finding.py)

A pending record and its address carry `expires`: a sign-up that nobody proves is deleted by TTL.
Should it be proven after all, the record is made again from the login. What the service desk made
is kept, and so is what took another record over: orders may refer to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from parcelway.domain.customer import Change, Customer, agrees, displaced, is_kept, may_hold
from parcelway.domain.finding import is_gone
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, put_version
from parcelway.store.database import Database
from parcelway.store.finding import key_writes

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
    commit(db.client, list(record_writes(db, change)))


def save_with_email(db: Database, change: Change, holder: str, other: Customer | None) -> None:
    """Commit a change and, where the record may have it, its address.

    `holder` is whose the address was when the decision was made, `other` that holder's record when
    it is another's; losing the address changes it in the same transaction. Raises Stale.
    """
    writes = list(record_writes(db, change))
    if may_hold(change.customer, other):
        writes.append(_email_write(db, change, holder))
        lost = displaced(other, change.at) if other is not None else None
        if lost is not None:
            writes += record_writes(db, lost)
    commit(db.client, writes)


def save_in_use(db: Database, change: Change) -> None:
    """Commit a change after which the record is in use, so that its address must be its own or
    nobody's. Raises Stale, also when another record has the address.
    """
    own = Write(
        db.customers,
        "attribute_not_exists(pk) OR customer_id = :own",
        _email_item(change),
        values={":own": change.customer.id},
    )
    commit(db.client, [*record_writes(db, change), own])


def record_item(customer: Customer) -> dict[str, Any]:
    """The item of a record that stays."""
    key = {"pk": f"CUS#{customer.id}", "sk": "CUSTOMER"}
    return key | {"version": customer.version, "customer": encode(customer)}


def record_writes(db: Database, change: Change) -> Iterable[Write]:
    """The record, the entry of its history, and what goes from beside it, as writes of one
    transaction."""
    customer = change.customer
    item, expiry = record_item(customer), _expiry(change)
    yield put_version(db.customers, item | expiry, customer.version - 1)
    yield from key_writes(db, change.before, customer, expiry)
    yield from _gone_with(db, change)
    entry = {
        "pk": item["pk"],
        "sk": f"HIST#{customer.version:09d}",
        "at": iso(change.at),
        "actor": encode(change.actor),
        "fields": list(change.fields),
    }
    if change.reason:
        entry["reason"] = change.reason
    if "consents" in change.fields:
        entry["consents"] = encode(customer.consents)
    # No condition of its own: the record's orders these writes, and after a record that TTL
    # deleted the same version is written a second time.
    yield Write(db.customers, "", entry)


def _gone_with(db: Database, change: Change) -> Iterable[Write]:
    """Deletions of what lies beside a record: demographics go with their consent, and all of it
    goes when nobody is left whom it is about."""
    before, after = change.before, change.customer
    if before is None:
        return
    gone = is_gone(after) and not is_gone(before)
    spoken = agrees(before, "demographics") or "demographics" in change.fields
    if gone or (spoken and not agrees(after, "demographics")):
        yield Write(db.customers, "", key={"pk": f"CUS#{after.id}", "sk": "DEMOGRAPHICS"})
    if gone:
        yield Write(db.customers, "", key={"pk": f"CUS#{after.id}", "sk": "CHALLENGE"})


def _email_write(db: Database, change: Change, holder: str) -> Write:
    item = _email_item(change)
    if not holder:
        return put_new(db.customers, item)
    return Write(db.customers, "customer_id = :holder", item, values={":holder": holder})


def _email_item(change: Change) -> dict[str, Any]:
    customer = change.customer
    key = {"pk": f"EMAIL#{customer.email_key}", "sk": "EMAIL"}
    return key | {"customer_id": customer.id} | _expiry(change)


def _expiry(change: Change) -> dict[str, Any]:
    """When TTL deletes the record: an emptied one, or a sign-up that nobody proves."""
    customer = change.customer
    if customer.state == "replaced":
        kept = _REPLACED_KEPT
    elif customer.state == "pending" and customer.sign_up and not is_kept(customer):
        kept = _PENDING_KEPT
    else:
        return {}
    return {"expires": int((change.at + kept).timestamp())}
