"""The challenge of a customer, beside the record, so that nothing that reads the record holds it.

CUS#<id>   CHALLENGE                              question, salted digest, wrong answers
CUS#<id>   HIST#<record version>#C<its version>   that it was set or answered, at whose desk
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from parcelway.domain.challenge import Challenge, agreed, withdrawn
from parcelway.domain.customer import Customer, require_lasting
from parcelway.domain.parties import Actor
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_version, until_fresh
from parcelway.store.customers import record_writes
from parcelway.store.database import Database


def get_challenge(db: Database, customer_id: str) -> Challenge | None:
    """The challenge; None when none was agreed on."""
    item = db.get(db.customers, f"CUS#{customer_id}", "CHALLENGE")
    return decode(Challenge, item["challenge"]) if item else None


def agree(
    db: Database,
    read: Callable[[], Customer],
    question: str,
    answer: str,
    salt: str,
    by: Actor,
    now: datetime,
) -> Challenge:
    """Have a question and its answer in place of those before, for the record that `read` gives.

    Raises Refusal INVALID, ILLEGAL_STATE, Busy, and what `read` raises.
    """

    def attempt() -> Challenge:
        customer = read()
        require_lasting(customer, by)
        made = agreed(question, answer, salt, now, get_challenge(db, customer.id))
        save_challenge(db, customer, made, "challenge", iso(now), by)
        return made

    return until_fresh(attempt)


def withdraw(db: Database, read: Callable[[], Customer], by: Actor, now: datetime) -> None:
    """Have no question any more, for the record that `read` gives; there being none is fine.

    Raises Refusal ILLEGAL_STATE, Busy, and what `read` raises.
    """

    def attempt() -> None:
        customer = read()
        known = get_challenge(db, customer.id)
        if known is None:
            return
        gone = Write(
            db.customers,
            "#version = :version",
            key={"pk": f"CUS#{customer.id}", "sk": "CHALLENGE"},
            names={"#version": "version"},
            values={":version": known.version},
        )
        commit(db.client, [*record_writes(db, withdrawn(customer, now, by)), gone])

    until_fresh(attempt)


def save_challenge(
    db: Database, customer: Customer, challenge: Challenge, what: str, at: str, by: Actor
) -> None:
    """Commit a challenge at its next version, with `what` happened (at an ISO time) in the history.

    Raises Stale when it has changed since it was read, or the record has: what lies beside a record
    that was merged into another or erased meanwhile would stay for good.
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
            Write(
                db.customers,
                "#version = :version",
                key={"pk": pk, "sk": "CUSTOMER"},
                names={"#version": "version"},
                values={":version": customer.version},
                check=True,
            ),
        ],
    )
