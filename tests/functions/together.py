"""Several containers at the same table at once."""

from __future__ import annotations

import threading
from typing import Any


class Together:
    """A DynamoDB client for threads: each call is whole, as a table's are and moto's are not, and
    every thread's first transaction waits until all have come that far."""

    def __init__(self, client: Any, threads: int) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._ready = threading.Barrier(threads, timeout=30)
        self._seen = threading.local()
        self.refused = 0

    def get_paginator(self, name: str) -> Any:
        return _Whole(self._client.get_paginator(name), self._lock)

    def get_item(self, **request: Any) -> Any:
        with self._lock:
            return self._client.get_item(**request)

    def batch_get_item(self, **request: Any) -> Any:
        with self._lock:
            return self._client.batch_get_item(**request)

    def transact_write_items(self, **request: Any) -> Any:
        if not hasattr(self._seen, "ready"):
            self._seen.ready = True
            self._ready.wait()
        with self._lock:
            try:
                return self._client.transact_write_items(**request)
            except self._client.exceptions.TransactionCanceledException:
                self.refused += 1
                raise


class _Whole:
    def __init__(self, paginator: Any, lock: threading.Lock) -> None:
        self._paginator, self._lock = paginator, lock

    def paginate(self, **request: Any) -> list[Any]:
        with self._lock:
            return list(self._paginator.paginate(**request))
