"""The challenge of a customer, beside the record, so that nothing that reads the record holds it.

CUS#<id>   CHALLENGE                              question, salted digest, wrong answers
CUS#<id>   HIST#<record version>#C<its version>   that it was set or answered, at whose desk
"""

from __future__ import annotations

from parcelway.domain.challenge import Challenge
from parcelway.domain.customer import Customer
from parcelway.domain.parties import Actor
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, commit, put_version
from parcelway.store.database import Database


def get_challenge(db: Database, customer_id: str) -> Challenge | None:
    """The challenge; None when none was agreed on."""
    item = db.get(db.customers, f"CUS#{customer_id}", "CHALLENGE")
    return decode(Challenge, item["challenge"]) if item else None


def save_challenge(
    db: Database, customer: Customer, challenge: Challenge, what: str, at: str, by: Actor
) -> None:
    """Commit a challenge at its next version, with `what` happened (at an ISO time) in the history.

    Raises Stale when it has changed since it was read.
    """
    pk = f"CUS#{customer.id}"
    item = {"pk": pk, "sk": "CHALLENGE", "version": challenge.version}
    entry = {
        "pk": pk,
        "sk": f"HIST#{customer.version:09d}#C{challenge.version:06d}",
        "at": at,
        "actor": encode(by),
        "fields": [what],
    }
    commit(
        db.client,
        [
            put_version(
                db.customers, item | {"challenge": encode(challenge)}, challenge.version - 1
            ),
            Write(db.customers, "", entry),
        ],
    )
