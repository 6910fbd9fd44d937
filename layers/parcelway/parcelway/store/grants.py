"""OrdersTable: what lets staff act on an order for its customer.

    ORD#<id>      GRANT#<grant id>      the grant, with a hash of its token's secret

Written in the transaction that changes the order. TTL deletes it with the drafts of its day, and
the event that tells of one on a draft too: who acted and why is kept in the order (`causes`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from parcelway.domain.decision import Decision
from parcelway.domain.grant import Grant
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, commit, put_new
from parcelway.store.database import Database
from parcelway.store.saving import writes

_KEPT = timedelta(days=90)


def get_grant(db: Database, order_id: str, grant_id: str) -> Grant | None:
    """A grant of an order's; None when there is none."""
    item = db.get(db.orders, f"ORD#{order_id}", f"GRANT#{grant_id}")
    return decode(Grant, item["grant"]) if item else None


def save_grant(db: Database, decision: Decision, grant: Grant, now: datetime) -> None:
    """Commit a decision made at `now` with the grant that it opens or ends. Raises Stale, and
    Refusal KEY_REUSED when it would open a grant that there has been: none comes back, though the
    order has forgotten the command that opened it."""
    item = {
        "pk": f"ORD#{grant.order_id}",
        "sk": f"GRANT#{grant.id}",
        "grant": encode(grant),
        "expires": int((grant.expires_at + _KEPT).timestamp()),
    }
    if grant.ended_at is None:
        write = put_new(db.orders, item, _opened_before)
    else:
        write = Write(db.orders, "attribute_exists(pk)", item)
    commit(db.client, [*writes(db, decision, now), write])


def _opened_before() -> Refusal:
    return Refusal(
        Reason.KEY_REUSED,
        "This Idempotency-Key has opened a grant before: send a new one for another grant.",
        "/headers/Idempotency-Key",
    )
