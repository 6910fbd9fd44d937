"""Who is at work right now: what `Stack.settle` asks, without gaps between two hops."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

log = logging.getLogger("infra.local")

HORIZON = 1.0
"""Seconds: work due within this is waited for, later work (a long wait) counts as idle."""


class Activity:
    """Counts units of work that run.

    `epoch` moves whenever one starts or ends. A scan that finds nothing pending, with the
    same epoch before and after it, therefore saw one consistent idle state.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._running: dict[int, str] = {}
        self._ids = itertools.count()
        self._lock = threading.Lock()

    @contextmanager
    def work(self, what: str) -> Iterator[None]:
        """Counts the block as running work named `what`."""
        with self._lock:
            self.epoch += 1
            number = next(self._ids)
            self._running[number] = what
        try:
            yield
        finally:
            with self._lock:
                self.epoch += 1
                del self._running[number]

    def tick(self) -> None:
        """Something moved that is no unit of work of its own (a state transition)."""
        with self._lock:
            self.epoch += 1

    def running(self) -> list[str]:
        with self._lock:
            return [f"running: {what}" for what in self._running.values()]


@dataclass(order=True)
class _Job:
    due: float
    number: int
    what: str = field(compare=False)
    run: Callable[[], None] = field(compare=False)


class Work:
    """Jobs run by a few threads, now or after a delay; a crash of a job is logged, not lost."""

    def __init__(self, activity: Activity, workers: int = 8) -> None:
        self._activity = activity
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._condition = threading.Condition()
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._loop, name=f"work-{n}", daemon=True)
            for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, what: str, run: Callable[[], None], delay: float = 0.0) -> None:
        """Run `run` after `delay` seconds. Raises RuntimeError once stopped."""
        with self._condition:
            if self._stopped:
                raise RuntimeError(f"the stack is closed: {what} was not started")
            heapq.heappush(
                self._jobs, _Job(time.monotonic() + delay, next(self._numbers), what, run)
            )
            self._condition.notify()

    def pending(self) -> list[str]:
        """Jobs due within the horizon (running ones are the activity's)."""
        limit = time.monotonic() + HORIZON
        with self._condition:
            return [f"waiting to run: {job.what}" for job in self._jobs if job.due <= limit]

    def stop(self) -> None:
        """End the threads; jobs not yet started are dropped."""
        with self._condition:
            self._stopped = True
            self._jobs.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(timeout=5)

    def _loop(self) -> None:
        while True:
            with self._condition:
                while not self._stopped and not self._is_due():
                    self._condition.wait(self._wait_time())
                if self._stopped:
                    return
                job = heapq.heappop(self._jobs)
                work = self._activity.work(job.what)
                work.__enter__()
            try:
                job.run()
            except Exception:
                log.exception("job failed: %s", job.what)
            finally:
                work.__exit__(None, None, None)

    def _is_due(self) -> bool:
        return bool(self._jobs) and self._jobs[0].due <= time.monotonic()

    def _wait_time(self) -> float | None:
        return max(0.0, self._jobs[0].due - time.monotonic()) if self._jobs else None
