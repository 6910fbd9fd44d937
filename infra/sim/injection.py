"""Where a history can be hurt, and how: every call of every handler is a point.

A point is named by who calls what for the how-manieth time, so that taking one fault out of a
history leaves the names of the others as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Mode = Literal[
    "before",
    "after",
    "twice",
    "refused",
    "lost",
    "conflict",
    "crowd",
    "partial",
    "throttled",
    "again",
    "parallel",
]
"""What happens at a point.

before: the process dies before the call. after: the call takes effect, the process dies before it
sees the answer. twice: the SDK sends again, the second answer counts. refused: no connection; the
handler gets the SDK's error. lost: it takes effect, the handler gets the SDK's time-out. conflict:
DynamoDB cancels the write because another is at the same item; crowd: and so it does the next
dozen times. partial: EventBridge refuses the last entry, in its answer. throttled: the service is
asked too much and says so; DynamoDB to a conditional write the next dozen times, to a batch read
for its last key only, Lambda for five minutes to whatever would invoke the function. again: a whole
invocation that succeeded is made once more, as every asynchronous source may; parallel: at the same
time. At `http.<method>` lost: the request was handled, the client waits in vain; or throttled.
"""

_WRITE_MODES: tuple[Mode, ...] = ("before", "after", "twice", "refused", "lost")
# A read leaves nothing behind: dying after it is dying before it, and a second one is the first.
_READ_MODES: tuple[Mode, ...] = ("before", "refused")
_READS = ("Get", "BatchGet", "Query", "Describe", "List", "Retrieve", "AdminGet")
CONDITIONAL = ("dynamodb.TransactWriteItems", "dynamodb.PutItem", "dynamodb.UpdateItem")
"""Calls that others may be in the way of."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The `number`-th time that `function` does `what` (`service.Operation`, or `invoke`)."""

    function: str
    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.function}/{self.what}#{self.number}"

    @property
    def reads(self) -> bool:
        """Whether the call changes nothing."""
        operation = self.what.partition(".")[2]
        reads = operation.startswith(_READS) or operation.endswith(("Retrieve", "List"))
        return reads and not self.what.startswith("http.")

    def modes(self) -> tuple[Mode, ...]:
        """What can go wrong here."""
        if self.what == "invoke":
            return ("again", "parallel", "throttled")
        if self.what.startswith("http."):
            return ("lost", "throttled")
        if self.what in CONDITIONAL:
            return (*_WRITE_MODES, "conflict", "crowd", "throttled")
        if self.what == "events.PutEvents":
            return (*_WRITE_MODES, "partial", "throttled")
        return (*(_READ_MODES if self.reads else _WRITE_MODES), "throttled")

    def stands_for(self, mode: Mode) -> bool:
        """Whether `mode` comes here to the same as another: a throttled read to a refused one, but
        for some keys of many; a throttled request to one that comes a second later."""
        alone = self.reads and self.what != "dynamodb.BatchGetItem"
        return mode == "throttled" and (alone or self.what.startswith("http."))


@dataclass
class Injector:
    """Says at each point what goes wrong, and remembers which points there were.

    `plan` names faults; besides, with `random`, one in `every` points gets one (of reads a tenth of
    that), up to `most`.
    Those drawn are added to `drawn`, so that a history can be told, and played, without dice.
    `later` are points that are not the first since something changed: dying before one of them is
    dying before that first one. The first `known` points are those of another history, too, which
    stands for this one as far as it goes.
    """

    plan: Mapping[Point, Mode] = field(default_factory=dict)
    random: Random | None = None
    every: int = 60
    most: int = 5
    points: list[Point] = field(default_factory=list)
    later: set[Point] = field(default_factory=set)
    drawn: dict[Point, Mode] = field(default_factory=dict)
    known: int = 0
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def at(self, function: str, what: str, *, first: bool = True) -> Mode | None:
        """The fault at this point, if there is one. Every call of this is the next point.

        `first`: nothing was read since the invocation began or last changed something.
        """
        self._seen[function, what] += 1
        point = Point(function, what, self._seen[function, what])
        self.points.append(point)
        if not first:
            self.later.add(point)
        if point in self.plan:
            return self.plan[point]
        if self.random is None or len(self.drawn) >= self.most:
            return None
        if self.random.randrange(self.every * (10 if point.reads else 1)):
            return None
        mode = self.random.choice(point.modes())
        self.drawn[point] = mode
        return mode

    def worth_trying(self) -> list[tuple[Point, Mode]]:
        """Every single fault of this history that no other one stands for."""
        return [
            (point, mode)
            for point in self.points[self.known :]
            for mode in point.modes()
            if not (mode == "before" and point in self.later) and not point.stands_for(mode)
        ]
