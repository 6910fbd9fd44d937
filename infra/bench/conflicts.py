"""DynamoDB as contended as AWS's: emulators never report a conflict, so this client does.

The published rule: while a transaction is on an item, another one that touches the item is
cancelled with the reason TransactionConflict, and a single write of it is refused with
TransactionConflictException. Reads are not in the way and pass.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

_READS = {"get_item", "batch_get_item", "query"}
_UNIT = 1024  # bytes that one write unit writes
_ItemKey = tuple[str, str, str]


class ConflictWindow:
    """A DynamoDB client whose transactions occupy their items for `seconds`, and are made then: how
    slow the emulator is on this machine is not part of it.

    Reads take `read_seconds`. Made for tables with the keys pk and sk. `calls` by operation,
    `conflicts` (transactions and writes that met one) and `write_units` are counted; the units
    without those of indexes.
    """

    def __init__(self, client: Any, seconds: float = 0.01, read_seconds: float = 0.0) -> None:
        self._client = client
        self._seconds = seconds
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._occupied: set[_ItemKey] = set()
        self.calls: Counter[str] = Counter()
        self.conflicts = 0
        self.write_units = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in _READS:
            return method

        def counted(**request: Any) -> Any:
            self._count(name)
            time.sleep(self._read_seconds)
            return method(**request)

        return counted

    def transact_write_items(self, **request: Any) -> Any:
        """All writes, unless another transaction is on one of the items."""
        writes = [next(iter(action.values())) for action in request["TransactItems"]]
        self._count("transact_write_items", 2 * sum(map(_units, writes)))
        keys = [_key(write) for write in writes]
        with self._occupying(keys) as taken:
            if any(taken):
                raise _cancelled(taken)
            time.sleep(self._seconds)
        return self._client.transact_write_items(**request)

    def put_item(self, **request: Any) -> Any:
        """One write, unless a transaction is on the item."""
        return self._single("put_item", request)

    def update_item(self, **request: Any) -> Any:
        """One write, unless a transaction is on the item."""
        return self._single("update_item", request)

    def delete_item(self, **request: Any) -> Any:
        """One write, unless a transaction is on the item."""
        return self._single("delete_item", request)

    def _single(self, operation: str, request: dict[str, Any]) -> Any:
        self._count(operation, _units(request))
        with self._lock:
            taken = _key(request) in self._occupied
            self.conflicts += taken
        if taken:
            code, message = "TransactionConflictException", "a transaction is on it"
            raise ClientError({"Error": {"Code": code, "Message": message}}, operation)
        return getattr(self._client, operation)(**request)

    @contextmanager
    def _occupying(self, keys: Sequence[_ItemKey]) -> Iterator[list[bool]]:
        """Which of the keys are taken by others; when none is, they are ours for the block."""
        with self._lock:
            taken = [key in self._occupied for key in keys]
            free = not any(taken)
            if free:
                self._occupied.update(keys)
            else:
                self.conflicts += 1
        try:
            yield taken
        finally:
            if free:
                with self._lock:
                    self._occupied.difference_update(keys)

    def _count(self, operation: str, write_units: int = 0) -> None:
        with self._lock:
            self.calls[operation] += 1
            self.write_units += write_units


def _cancelled(taken: Sequence[bool]) -> ClientError:
    reasons = [{"Code": "TransactionConflict" if there else "None"} for there in taken]
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "a transaction is on it"},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, "TransactWriteItems")


def _key(write: dict[str, Any]) -> _ItemKey:
    key = write.get("Item") or write["Key"]
    return write["TableName"], key["pk"]["S"], key["sk"]["S"]


def _units(write: dict[str, Any]) -> int:
    """Write units of one item outside a transaction; what our updates change is below 1 KB."""
    return -(-_size(write.get("Item", {})) // _UNIT) or 1


def _size(item: dict[str, Any]) -> int:
    """An item's size by DynamoDB's rules, to the byte for strings, a little over for the rest."""
    return sum(len(name.encode()) + _attribute_size(value) for name, value in item.items())


def _attribute_size(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "M":
        return 3 + _size(value) + len(value)
    if kind == "L":
        return 3 + sum(1 + _attribute_size(element) for element in value)
    return 1
