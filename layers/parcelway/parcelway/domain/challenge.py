"""A question that only a customer can answer, by which the service desk recognises a caller.

It authenticates nobody: what a caller may do does not depend on it alone (NIST SP 800-63B takes no
such question for an authenticator). Of the answer only a salted digest is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta

from parcelway.domain.customer import Change, Customer, changed, require_editable
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

MAX_WRONG = 5
LOCKED_FOR = timedelta(minutes=15)
_REMEMBERED = 2 * MAX_WRONG  # answers
_SHORTEST = 2  # letters and digits


@dataclass(frozen=True, slots=True)
class Challenge:
    """`digest` is the answer's, by scrypt with `salt` (both hexadecimal). `wrong` answers came in a
    row; with MAX_WRONG of them none is looked at until `locked_until`. `answers` are digests like
    `digest` by what the request was named by (its Idempotency-Key), the last ones only."""

    version: int
    question: str
    salt: str
    digest: str
    set_at: datetime
    wrong: int = 0
    locked_until: datetime | None = None
    answers: Mapping[str, str] = field(default_factory=dict)

    def left(self, now: datetime) -> int:
        """How many more answers are looked at."""
        if self.locked_until is None:
            return MAX_WRONG - self.wrong
        return 0 if now < self.locked_until else MAX_WRONG


def agreed(
    question: str, answer: str, salt: str, now: datetime, last: Challenge | None
) -> Challenge:
    """A question and its answer, in place of the `last` one. Raises Refusal INVALID for an answer
    of less than two letters or digits."""
    if len(_normal(answer)) < _SHORTEST:
        raise Refusal(Reason.INVALID, "An answer has at least two letters or digits.", "/answer")
    version = last.version + 1 if last else 1
    return Challenge(version, question, salt, _digest(answer, salt), now)


def withdrawn(customer: Customer, now: datetime, by: Actor) -> Change:
    """The record whose question is withdrawn, at a next version of its own: what is agreed on later
    counts anew. Raises Refusal ILLEGAL_STATE for a record that `by` may not change at present."""
    require_editable(customer, by)
    return replace(changed(customer, customer, now, by), fields=("challenge.withdrawn",))


def attempt(challenge: Challenge, answer: str, now: datetime, key: str) -> tuple[Challenge, bool]:
    """The challenge after an answer, and whether that was right. Nobody may be told before this is
    written, or answers given at the same time would be looked at for nothing. An answer that came
    by the same `key` before is not counted again: the challenge is the same.

    Raises Refusal CHALLENGE_LOCKED after too many wrong ones, KEY_REUSED for another answer.
    """
    given = _digest(answer, challenge.salt)
    if key in challenge.answers:
        if not hmac.compare_digest(given, challenge.answers[key]):
            raise Refusal(
                Reason.KEY_REUSED,
                "This Idempotency-Key was used for a different request.",
                "/headers/Idempotency-Key",
            )
        return challenge, hmac.compare_digest(given, challenge.digest)
    if not challenge.left(now):
        raise Refusal(Reason.CHALLENGE_LOCKED, "Too many answers were wrong; try again later.")
    right = hmac.compare_digest(given, challenge.digest)
    before = 0 if challenge.locked_until is not None else challenge.wrong
    wrong = 0 if right else before + 1
    until = now + LOCKED_FOR if wrong == MAX_WRONG else None
    kept = [*challenge.answers.items(), (key, given)][-_REMEMBERED:]
    after = replace(
        challenge,
        version=challenge.version + 1,
        wrong=wrong,
        locked_until=until,
        answers=dict(kept),
    )
    return after, right


def _normal(answer: str) -> str:
    """What is the same in every way to say it: letters without accents and case, and digits."""
    plain = unicodedata.normalize("NFKD", answer).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def _digest(answer: str, salt: str) -> str:
    """16 MiB and some 50 ms for each guess (OWASP, Password Storage: scrypt)."""
    salted = bytes.fromhex(salt)
    return hashlib.scrypt(_normal(answer).encode(), salt=salted, n=2**14, r=8, p=1).hex()
