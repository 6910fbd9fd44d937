"""Starting many at the same moment, and what each of them came to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from parcelway.domain.refusals import Refusal
from parcelway.store.commit import Busy

from infra.demo.people import Refused

A = TypeVar("A")
B = TypeVar("B")
THREADS = 32
_TRIES = 100


def at_once(work: Callable[[A], B], items: Sequence[A], threads: int = THREADS) -> list[B]:
    """The results of `work` on all items, the first of them started together."""
    threads = min(threads, len(items))
    gate = threading.Barrier(threads)
    waited = threading.local()

    def one(item: A) -> B:
        if not getattr(waited, "here", False):
            waited.here = True
            gate.wait(60)
        return work(item)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, items))


def patiently(work: Callable[[], object]) -> str:
    """ "done", or the code of the refusal; who is told to come again later does."""
    for _ in range(_TRIES):
        try:
            work()
        except Busy:
            continue
        except Refusal as refusal:
            return refusal.reason.value
        except Refused as refused:
            if refused.status == 503:
                continue
            return refused.code
        return "done"
    raise AssertionError("it was always busy")
