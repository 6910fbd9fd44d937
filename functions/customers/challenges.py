"""Recognising a caller: the question agreed on, and answers to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from parcelway.domain.challenge import Challenge, attempt
from parcelway.domain.customer import Customer
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.challenges import get_challenge, save_challenge
from parcelway.store.codec import iso
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """The question to ask; `attempts_left` is 0 until `locked_until`."""

    question: str
    set_at: datetime
    attempts_left: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class VerifiedView:
    """Whether the answer was right. It tells who calls, and opens nothing by itself."""

    verified: bool
    attempts_left: int
    locked_until: datetime | None


def verify(
    db: Database, read: Callable[[], Customer], answer: str, key: str, by: Actor, now: datetime
) -> VerifiedView:
    """Look whether an answer is right; each one counts, a repeat by the same `key` does not. Raises
    Refusal NOT_FOUND, CHALLENGE_LOCKED, KEY_REUSED, and what `read` does, which gives the record.
    """

    def attempt_once() -> VerifiedView:
        customer = read()
        before = known(db, customer)
        after, right = attempt(before, answer, now, key)
        if after is not before:
            what = "challenge.answered" if right else "challenge.failed"
            save_challenge(db, customer, after, what, iso(now), by)
        return VerifiedView(right, after.left(now), after.locked_until)

    return until_fresh(attempt_once)


def known(db: Database, customer: Customer) -> Challenge:
    """The challenge agreed on. Raises Refusal NOT_FOUND."""
    challenge = get_challenge(db, customer.id)
    if challenge is None:
        raise Refusal(Reason.NOT_FOUND, "No question was agreed on.")
    return challenge


def view(challenge: Challenge, now: datetime) -> ChallengeView:
    """The challenge without what gives its answer away."""
    left = challenge.left(now)
    return ChallengeView(
        challenge.question, challenge.set_at, left, None if left else challenge.locked_until
    )
