"""Faults on order: a slow provider, a failing one, and one whose answer is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from infra.local.stripe.errors import Json, Refusal, invalid


@dataclass(slots=True)
class Faults:
    """What goes wrong next. All of it concerns /v1, none of it webhooks.

    `latency`: seconds each call takes. `statuses`: the HTTP errors the next calls get instead of
    being executed. `lose_answers`: how many of the next POSTs are executed and then cut off.
    """

    latency: float = 0.0
    statuses: list[int] = field(default_factory=list)
    lose_answers: int = 0

    def configure(self, changes: Json) -> None:
        """Take over the fields named in `changes`. Raises Refusal for one that does not exist."""
        kinds: dict[str, type | tuple[type, ...]] = {
            "latency": (int, float),
            "statuses": list,
            "lose_answers": int,
        }
        for name, value in changes.items():
            if name not in kinds or not isinstance(value, kinds[name]):
                raise invalid(f"No such fault: {name}={value!r}", param=name)
            setattr(self, name, value)

    def refuse(self) -> None:
        """Raise the next of `statuses` as a Refusal, if there is one."""
        if self.statuses:
            status = self.statuses.pop(0)
            kind = "rate_limit_error" if status == 429 else "api_error"
            error = {"type": kind, "message": f"Fault on order: {status}"}
            raise Refusal(status, error, executed=False)

    def lose(self) -> bool:
        """Whether this answer is to be lost."""
        lost = self.lose_answers > 0
        self.lose_answers -= lost
        return lost
