"""Virtual time and tasks that take turns: what runs next is decided here, never by the machine.

A task is a greenlet. It runs until it sleeps, waits, ends, or comes to a `pause`, where the
schedule may let another go on. Time stands still while tasks run and jumps to the next timer when
none can, so a history of days takes milliseconds and is the same every time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Protocol

from greenlet import getcurrent, greenlet

LONGEST = timedelta(days=2 * 366)  # no promise takes longer


class Stopped(BaseException):
    """The history is over, or nobody wants this task's result any more."""


class Endless(Exception):
    """Something waits for what never comes."""


class Schedule(Protocol):
    """Who goes on when several can."""

    def preempts(self) -> bool:
        """Whether the running task gives way at a pause."""
        ...

    def pick(self, ready: int) -> int:
        """Which of so many ready tasks goes on."""
        ...


class InOrder:
    """First come, first served; nobody is interrupted."""

    def preempts(self) -> bool:
        """Never."""
        return False

    def pick(self, ready: int) -> int:  # noqa: ARG002
        """The one that waits longest."""
        return 0


class Shuffled:
    """Drawn from a seed; a task gives way at one in `every` pauses."""

    def __init__(self, seed: int, every: int = 3) -> None:
        self._random = Random(seed)
        self._every = every

    def preempts(self) -> bool:
        """Now and then."""
        return self._random.randrange(self._every) == 0

    def pick(self, ready: int) -> int:
        """Any of them."""
        return self._random.randrange(ready)


class Task(greenlet):
    """One line of execution; `failure` is what ended it, if something did."""

    def __init__(self, kernel: Kernel, name: str, body: Callable[[], Any]) -> None:
        super().__init__(parent=kernel.hub)
        self.name = name
        self.result: Any = None
        self.failure: BaseException | None = None
        self.finished = False
        self.turn = 0  # which wait a timer or signal belongs to; older ones are stale
        self.unwanted = False
        self._kernel = kernel
        self._body = body

    def run(self) -> None:
        """The greenlet's life."""
        try:
            self.result = self._body()
        except BaseException as error:
            self.failure = error
        self.finished = True
        self._kernel.ended(self)


class Signal:
    """Something tasks wait for; set once, remembered."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._waiting: list[tuple[Task, int]] = []
        self.is_set = False
        self.value: Any = None

    def set(self, value: Any = None) -> None:
        """Wake everybody who waits; later ones do not wait at all."""
        self.is_set, self.value = True, value
        for task, turn in self._waiting:
            self._kernel.wake(task, turn)
        self._waiting.clear()

    def add(self, task: Task) -> None:
        """Have `task` woken from its present wait."""
        self._waiting.append((task, task.turn))


class Kernel:
    """The scheduler and the clock of one history. `now` is in seconds since the epoch."""

    def __init__(self, start: datetime, schedule: Schedule) -> None:
        self.hub = getcurrent()
        self.now = start.timestamp()
        self._end = self.now + LONGEST.total_seconds()
        self.closing = False
        self.failures: list[tuple[str, BaseException]] = []
        self._schedule = schedule
        self._ready: list[Task] = []
        self._timers: list[tuple[float, int, Task, int]] = []
        self._numbers = count()
        self._ends: dict[Task, Signal] = {}
        self._live: dict[Task, None] = {}

    @property
    def moment(self) -> datetime:
        """The virtual time."""
        return datetime.fromtimestamp(self.now, UTC)

    def spawn(self, name: str, body: Callable[[], Any], delay: float = 0.0) -> Task:
        """Start a task after `delay` seconds."""
        task = Task(self, name, body)
        self._live[task] = None
        if delay > 0:
            self._timer(task, delay)
        else:
            self._ready.append(task)
        return task

    def pause(self) -> None:
        """A point where others may run first."""
        task = self.current()
        if self._ready and self._schedule.preempts():
            self._ready.append(task)
            self._leave(task)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass for the running task."""
        task = self.current()
        self._timer(task, max(0.0, seconds))
        self._leave(task)

    def wait(self, signal: Signal, timeout: float | None = None) -> bool:
        """Wait for `signal`; False when `timeout` seconds passed without it."""
        if signal.is_set:
            return True
        task = self.current()
        signal.add(task)
        if timeout is not None:
            self._timer(task, timeout)
        self._leave(task)
        return signal.is_set

    def join(self, task: Task) -> Any:
        """Wait for a task's end; its result, or raises what ended it."""
        if not task.finished:
            self.wait(self._ends.setdefault(task, Signal(self)))
        if task.failure is not None:
            raise task.failure
        return task.result

    def first_end(self, tasks: Sequence[Task]) -> None:
        """Wait until one of the unfinished `tasks` ends."""
        me = self.current()
        for task in tasks:
            self._ends.setdefault(task, Signal(self)).add(me)
        self._leave(me)

    def stop(self, task: Task) -> None:
        """End a task at the point where it is; nothing when it is over."""
        if not task.finished:
            task.unwanted = True
            self.wake(task, task.turn)

    def wake(self, task: Task, turn: int) -> None:
        """Make a waiting task ready, unless it has gone on since."""
        if task.turn == turn and not task.finished and task not in self._ready:
            self._ready.append(task)

    def run(self, until: float | None = None) -> None:
        """From outside of tasks: let everything happen that can up to `until`. What goes on for
        longer than anything may is broken off, as a failure of whoever is not done."""
        while True:
            while self._ready:
                self._go_on(self._ready.pop(self._schedule.pick(len(self._ready))))
            if not self._timers or (until is not None and self._timers[0][0] > until):
                break
            due, _, task, turn = heapq.heappop(self._timers)
            if due > self._end:
                left = sorted({each.name for each in self._live if not each.finished})
                self.failures.append((", ".join(left), Endless(f"after {LONGEST}")))
                break
            if task.turn == turn and not task.finished:
                self.now = max(self.now, due)
                self._ready.append(task)
        if until is not None:
            self.now = max(self.now, until)

    def close(self) -> None:
        """Stop every task that is left."""
        self.closing = True
        for task in list(self._live):
            if not task.finished:
                task.throw(Stopped)
        self._live.clear()

    def ended(self, task: Task) -> None:
        """A task is over; what it raised is kept unless somebody waits for it."""
        self._live.pop(task, None)
        watched = self._ends.get(task)
        if watched is not None:
            watched.set()
        elif task.failure is not None and not isinstance(task.failure, Stopped):
            self.failures.append((task.name, task.failure))

    def current(self) -> Task:
        """The running task. Raises Stopped once the history is over."""
        task = getcurrent()
        assert isinstance(task, Task), "only tasks wait"
        if self.closing or task.unwanted:
            raise Stopped
        return task

    def _timer(self, task: Task, seconds: float) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), task, task.turn))

    def _leave(self, task: Task) -> None:
        self.hub.switch()
        if self.closing or task.unwanted:
            raise Stopped

    def _go_on(self, task: Task) -> None:
        if task.finished:
            return
        task.turn += 1
        task.switch()
