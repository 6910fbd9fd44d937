"""Idempotency-Key as Stripe does it: docs.stripe.com/api/idempotent_requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.local.stripe.errors import Json, Refusal

_LIFE = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it was given."""

    status: int
    body: Json
    executed: bool = True


@dataclass(slots=True)
class Keys:
    """The keys of the last 24 hours with the request each was used for and its answer."""

    now: Callable[[], float]
    seen: dict[str, tuple[str, float, Answer | None]] = field(default_factory=dict)

    def begin(self, key: str, request: str) -> Answer | None:
        """The answer already given to `request` under `key`, or None: go on and `end` it.

        Raises Refusal 400 when the key was used for another request, 409 while it is in flight.
        """
        used = self.seen.get(key)
        if used is None or used[1] + _LIFE < self.now():
            self.seen[key] = (request, self.now(), None)
            return None
        if used[0] != request:
            message = "Keys for idempotent requests can only be used for the same request again."
            error = {"type": "idempotency_error", "message": message}
            raise Refusal(400, error, executed=False)
        if used[2] is None:
            message = "A request with this idempotency key is still in progress."
            error = {"type": "idempotency_error", "code": "idempotency_key_in_use"}
            raise Refusal(409, {**error, "message": message}, executed=False)
        return used[2]

    def end(self, key: str, answer: Answer | None) -> None:
        """Remember `answer` under `key`; one that was refused unexecuted frees the key again."""
        request, at, _ = self.seen[key]
        if answer is not None and answer.executed:
            self.seen[key] = (request, at, answer)
        else:
            del self.seen[key]
