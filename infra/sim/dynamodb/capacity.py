"""Capacity units, as AWS bills them (developer guide, "DynamoDB item sizes and formats").

A read is measured in 4 KB, a write in 1 KB, each item rounded up by itself; at least one. An
eventually consistent read costs half, a transaction twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class Consumed:
    """Units that one call spent at a table (`index` is "") or at one of its indexes."""

    table: str
    index: str
    read: float
    write: float


def read_units(size: int, consistent: bool) -> float:
    """Units of reading `size` bytes in one piece (an item, or all items a query looked at)."""
    units = max(1, -(-size // (4 * KILOBYTE)))
    return float(units) if consistent else units / 2


def write_units(size: int) -> float:
    """Units of writing an item; of its two sizes before and after, the larger counts."""
    return float(max(1, -(-size // KILOBYTE)))


class Meter:
    """What one call spends."""

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str], list[float]] = {}

    def read(self, table: str, units: float, index: str = "") -> None:
        """Count read units; also none, so that the table is named."""
        spent = self._spent.setdefault((table, index), [0.0, 0.0])
        spent[0] += units

    def write(self, table: str, units: float, index: str = "") -> None:
        """Count write units."""
        spent = self._spent.setdefault((table, index), [0.0, 0.0])
        spent[1] += units

    def consumed(self) -> list[Consumed]:
        """All of it."""
        return [Consumed(*place, read, write) for place, (read, write) in self._spent.items()]


def answered(consumed: Iterable[Consumed], detail: str) -> list[dict[str, Any]]:
    """ConsumedCapacity per table. `detail` is TOTAL or INDEXES."""
    tables: dict[str, dict[str, Any]] = {}
    for spent in consumed:
        found = tables.setdefault(spent.table, {"TableName": spent.table, "CapacityUnits": 0.0})
        units = spent.read + spent.write
        found["CapacityUnits"] += units
        if detail != "INDEXES":
            continue
        found.setdefault("Table", {"CapacityUnits": 0.0})
        if spent.index:
            indexes = found.setdefault("GlobalSecondaryIndexes", {})
            indexes[spent.index] = {"CapacityUnits": units}
        else:
            found["Table"]["CapacityUnits"] += units
    return list(tables.values())
