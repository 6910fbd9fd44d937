"""CustomersTable: business accounts, and what changed of them.

ACC#<id>    ACCOUNT           the record
ACC#<id>    HIST#<version>    which fields changed, when and by whom
"""

from __future__ import annotations

from parcelway.domain.account import Account, AccountChange
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_version
from parcelway.store.database import Database


def get_account(db: Database, account_id: str) -> Account | None:
    """The record; None where there is none."""
    item = db.get(db.customers, f"ACC#{account_id}", "ACCOUNT")
    return decode(Account, item["account"]) if item else None


def account_of(db: Database, account_id: str) -> Account | None:
    """The record of the account that somebody buys for, without a read for who buys for none."""
    return get_account(db, account_id) if account_id else None


def save_account(db: Database, change: AccountChange) -> None:
    """Commit a change. Raises Stale when another came first."""
    account, pk = change.account, f"ACC#{change.account.id}"
    item = {"pk": pk, "sk": "ACCOUNT", "version": account.version, "account": encode(account)}
    entry = {
        "pk": pk,
        "sk": f"HIST#{account.version:09d}",
        "at": iso(change.at),
        "actor": encode(change.actor),
        "fields": list(change.fields),
    }
    # The entry has no condition of its own: the record's orders these writes.
    commit(
        db.client,
        [put_version(db.customers, item, account.version - 1), Write(db.customers, "", entry)],
    )
