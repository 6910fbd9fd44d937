"""A few callers on our model of DynamoDB, in every way in which they can come between each other.

Threads meet as the machine has it; here each call to a table is a point at which another caller may
go on, and all orders of such points are played, one after the other, of those in which the running
caller gives way at most `switches` times of itself. Most races need one such point, some two.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parcelway.ports import clock
from parcelway.store.database import Database

from infra.bench.hot_sku import sleeping_in
from infra.sim.dynamodb.client import ModelClient
from infra.sim.kernel import Kernel

Caller = Callable[[Database], object]

_WRITES = {"put_item", "update_item", "delete_item", "transact_write_items"}


class Script:
    """A schedule that does as it is told as far as it is told, then the first thing there is; it
    notes what it did and out of how many."""

    def __init__(self, told: Sequence[int], switches: int) -> None:
        self._told, self._left, self._gave_way = told, switches, False
        self.done: list[tuple[int, int]] = []

    def preempts(self) -> bool:
        """Whether the running caller gives way here, as long as it still may."""
        self._gave_way = self._left > 0 and self._choose(2) == 1
        self._left -= self._gave_way
        return self._gave_way

    def pick(self, ready: int) -> int:
        """Who goes on: not the one who has just given way, who is the last in the queue."""
        others, self._gave_way = ready - self._gave_way, False
        return self._choose(others)

    def next(self) -> list[int] | None:
        """What to do in the next history; None when this was the last one."""
        done = self.done
        while done and done[-1][0] + 1 == done[-1][1]:
            done = done[:-1]
        return [*(choice for choice, _ in done[:-1]), done[-1][0] + 1] if done else None

    def _choose(self, options: int) -> int:
        at = len(self.done)
        choice = self._told[at] if at < len(self._told) else 0
        assert choice < options, "the same history went another way"
        self.done.append((choice, options))
        return choice


@dataclass(frozen=True)
class GivingWay:
    """A client that lets others go first before each call; after each write `watch` looks, and
    what it says is kept: to the caller it would be one more failed call."""

    client: Any
    kernel: Kernel
    watch: Callable[[], None]
    alarms: list[AssertionError]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)

        def call(**request: Any) -> Any:
            self.kernel.pause()
            try:
                return method(**request)
            finally:
                if name in _WRITES:
                    self._look()

        return call

    def _look(self) -> None:
        try:
            self.watch()
        except AssertionError as alarm:
            self.alarms.append(alarm)

    def get_paginator(self, name: str) -> GivingWayByPage:
        """Pages, each of them a call."""
        return GivingWayByPage(self.client.get_paginator(name), self.kernel)


@dataclass(frozen=True)
class GivingWayByPage:
    """Pages before each of which others may go first."""

    paginator: Any
    kernel: Kernel

    def paginate(self, **request: Any) -> Iterator[Any]:
        """Every page."""
        self.kernel.pause()
        for page in self.paginator.paginate(**request):
            yield page
            self.kernel.pause()


def in_every_order(
    db: Database,
    callers: Sequence[Caller],
    check: Callable[[Sequence[Any]], None],
    *,
    switches: int = 2,
    watch: Callable[[], None] = lambda: None,
    begin: Callable[[], None] = lambda: None,
) -> Counter[tuple[Any, ...]]:
    """Play the callers on the tables of `db` (as they are now, in each history) in every order, and
    `check` what each of them came to; in how many histories they came to what.

    Each caller has a container of its own. `begin` comes before each history, for what is outside
    of the tables.
    """
    assert isinstance(db.client, ModelClient)
    start, played = db.client.model.snapshot(), Counter[tuple[Any, ...]]()
    script: list[int] | None = []
    while script is not None:
        db.client.model.restore(start)
        begin()
        schedule = Script(script, switches)
        outcomes = _play(db, callers, schedule, watch)
        check(outcomes)
        played[tuple(outcomes)] += 1
        script = schedule.next()
    db.client.model.restore(start)
    return played


def _play(
    db: Database, callers: Sequence[Caller], schedule: Script, watch: Callable[[], None]
) -> list[Any]:
    """One history; what each caller came to."""
    kernel = Kernel(clock.now(), schedule)
    giving_way = GivingWay(db.client, kernel, watch, [])
    random.seed(1)  # how long somebody waits decides who comes first

    def played(caller: Caller) -> Callable[[], object]:
        return lambda: caller(replace(db, client=giving_way, memory={}))

    with sleeping_in(kernel):
        tasks = [kernel.spawn("a caller", played(caller)) for caller in callers]
        kernel.run()
    for failure in (*giving_way.alarms, *(failure for _, failure in kernel.failures)):
        raise failure
    return [task.result for task in tasks]
