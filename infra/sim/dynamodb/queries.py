"""Query and Scan: pages of items in order, at most 1 MB each."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra.sim.dynamodb import paths, reads
from infra.sim.dynamodb.capacity import Meter, read_units
from infra.sim.dynamodb.conditions import Condition
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.keyconditions import LABEL, Range, key_condition, range_of
from infra.sim.dynamodb.requests import Parameters, Placeholders
from infra.sim.dynamodb.tables import Index, Key, Row, Table
from infra.sim.dynamodb.values import Item, orderable, take

PAGE_BYTES = 1024 * 1024
_FILTER, _PROJECTION = "FilterExpression", "ProjectionExpression"
_NO_START = "The provided starting key is invalid"
_OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"


@dataclass(slots=True)
class Source:
    """The table or index that is read, as it is or as it was."""

    table: Table
    index: Index | None
    rows: Mapping[Key, Row]
    groups: Mapping[Any, list[Key]]

    @property
    def keys(self) -> tuple[str, ...]:
        """Partition key and sort key of what is read."""
        return self.index.keys if self.index else self.table.keys

    @property
    def start_keys(self) -> tuple[str, ...]:
        """The attributes of ExclusiveStartKey and LastEvaluatedKey."""
        return tuple(dict.fromkeys((*self.keys, *self.table.keys)))

    @property
    def column(self) -> int:
        """Where an entry has its sort value."""
        return 0 if self.index else 1

    def row(self, entry: Key) -> Row:
        """The item of an entry, as the table or index holds it."""
        if self.index is None:
            return self.rows[entry]
        return self.index.projected(self.rows[entry[-len(self.table.keys) :]])


def query(table: Table, given: Parameters, meter: Meter, stale: bool) -> dict[str, Any]:
    """Query. `stale`: every item as it was before its last write."""
    index = _index(table, given)
    placeholders = Placeholders(given, (LABEL, _FILTER, _PROJECTION))
    if LABEL not in given:
        raise Refused(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified "
            "in the request."
        )
    condition = key_condition(given[LABEL], placeholders.names)
    placeholders.use(condition.condition.names, condition.condition.values, LABEL)
    for check in condition.condition.checks:
        check(placeholders.values)
    page = _page(index, given, placeholders)
    keys = index.keys if index else table.keys
    wanted = range_of(condition, keys, table.types, placeholders.values)
    if page.filter and (shared := page.filter.roots & set(keys)):
        raise Refused(
            "Filter Expression can only contain non-primary key attributes: "
            f"Primary key attribute: {min(shared)}"
        )
    source = _stale(table, index) if stale else _current(table, index)
    entries = source.groups.get(wanted.partition, [])
    low, high = wanted.among(entries, source.column) if len(keys) > 1 else (0, len(entries))
    forward = given.get("ScanIndexForward", True)
    if (start := given.get("ExclusiveStartKey")) is not None:
        partition, entry = _start(source, start)
        _check_start(source, wanted, partition, start)
        if forward:
            low = max(low, bisect_right(entries, entry))
        else:
            high = min(high, bisect_left(entries, entry))
    chosen = entries[low:high]
    return page.read(source, iter(chosen if forward else chosen[::-1]), meter)


def scan(table: Table, given: Parameters, meter: Meter, stale: bool) -> dict[str, Any]:
    """Scan, or one segment of it; partitions come in an order of their own."""
    index = _index(table, given)
    placeholders = Placeholders(given, (_FILTER, _PROJECTION))
    page = _page(index, given, placeholders)
    source = _stale(table, index) if stale else _current(table, index)
    segment, segments = _segment(given)
    begun: tuple[str, Key] | None = None
    if (start := given.get("ExclusiveStartKey")) is not None:
        partition, entry = _start(source, start)
        begun = _spread(partition), entry

    def entries() -> Iterator[Key]:
        for place, partition in sorted((_spread(value), value) for value in source.groups):
            if int(place, 16) % segments != segment or (begun and place < begun[0]):
                continue
            group = source.groups[partition]
            first = bisect_right(group, begun[1]) if begun and place == begun[0] else 0
            yield from group[first:]

    return page.read(source, entries(), meter)


@dataclass(slots=True)
class _Page:
    """How a page is read."""

    filter: Condition | None
    values: dict[str, Any]
    wanted: tuple[paths.Parts, ...] | None
    count_only: bool
    limit: int | None
    consistent: bool

    def read(self, source: Source, entries: Iterator[Key], meter: Meter) -> dict[str, Any]:
        """The answer: items until the limit or 1 MB is reached."""
        items: list[Item] = []
        scanned = size = 0
        last: Row | None = None
        for entry in entries:
            row = source.row(entry)
            scanned += 1
            size += row.size
            if self.filter is None or self.filter.test(row.item, self.values):
                items.append(row.item if self.count_only else reads.shown(row.item, self.wanted))
            if scanned == self.limit or size >= PAGE_BYTES:
                last = row
                break
        units = read_units(size, self.consistent)
        if source.index:
            meter.read(source.table.name, 0)
            meter.read(source.table.name, units, source.index.name)
        else:
            meter.read(source.table.name, units)
        answer: dict[str, Any] = {} if self.count_only else {"Items": items}
        answer |= {"Count": len(items), "ScannedCount": scanned}
        if last:
            answer["LastEvaluatedKey"] = {name: last.item[name] for name in source.start_keys}
        return answer


def _page(index: Index | None, given: Parameters, placeholders: Placeholders) -> _Page:
    found = placeholders.condition(given, _FILTER)
    wanted = reads.projected(given, placeholders)
    placeholders.finish()
    count_only = _select(given, index)
    limit = given.get("Limit")
    if limit is not None and limit < 1:
        raise Refused(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )
    consistent = given.get("ConsistentRead", False)
    if index and consistent:
        raise Refused("Consistent reads are not supported on global secondary indexes")
    if index and index.projection is not None:
        _check_projected(index, index.projection, found, wanted)
    return _Page(found, placeholders.values, wanted, count_only, limit, consistent)


def _check_projected(
    index: Index,
    projection: frozenset[str],
    found: Condition | None,
    wanted: tuple[paths.Parts, ...] | None,
) -> None:
    invalid = "One or more parameter values were invalid: "
    missing = sorted({str(parts[0]) for parts in wanted or ()} - projection)
    if missing:
        names = ", ".join(missing)
        raise Refused(f"{invalid}Global secondary index {index.name} does not project [{names}]")
    missing = sorted((found.roots if found else frozenset()) - projection)
    if missing:
        raise Refused(
            f"{invalid}Secondary index {index.name} does not project one or more filter "
            f"attributes: [{', '.join(missing)}]"
        )


def _select(given: Parameters, index: Index | None) -> bool:
    """Whether only a count is wanted. Raises Refused for what does not fit together."""
    select = given.get("Select")
    projects = _PROJECTION in given
    if select == "COUNT" and projects:
        raise Refused("Cannot specify the ProjectionExpression when choosing to get only the Count")
    if select == "SPECIFIC_ATTRIBUTES" and not projects:
        raise Refused(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
            "SPECIFIC_ATTRIBUTES"
        )
    if select in ("ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES") and projects:
        raise Refused(f"Cannot specify the ProjectionExpression when choosing to get {select}")
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise Refused("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index and index.projection is not None:
        raise Refused(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not "
            f"supported for global secondary index {index.name} because its projection type is "
            "not ALL"
        )
    known = ("COUNT", "SPECIFIC_ATTRIBUTES", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", None)
    if select not in known:
        raise Refused(f"1 validation error detected: Value '{select}' at 'select' failed")
    return select == "COUNT"


def _index(table: Table, given: Parameters) -> Index | None:
    name = given.get("IndexName")
    if name is None:
        return None
    if name not in table.indexes:
        raise Refused(f"The table does not have the specified index: {name}")
    return table.indexes[name]


def _current(table: Table, index: Index | None) -> Source:
    return Source(table, index, table.rows, index.groups if index else table.groups)


def _stale(table: Table, index: Index | None) -> Source:
    """The items as they were before their last writes, put in order again."""
    rows = {key: row for key, row in {**table.rows, **table.before}.items() if row}
    groups: dict[Any, list[Key]] = {}
    for key, row in rows.items():
        place = index.place(row.item, key) if index else (key[0], key)
        if place:
            groups.setdefault(place[0], []).append(place[1])
    for entries in groups.values():
        entries.sort()
    return Source(table, index, rows, groups)


def _start(source: Source, given: Mapping[str, Any]) -> tuple[Any, Key]:
    """The partition and entry of an ExclusiveStartKey. Raises Refused."""
    if set(given) != set(source.start_keys):
        raise Refused(_NO_START)
    item = {name: take(value)[0] for name, value in given.items()}
    if any(source.table.types[name] not in value for name, value in item.items()):
        raise Refused(_NO_START)
    key = source.table.key_of({name: item[name] for name in source.table.keys})
    place = source.index.place(item, key) if source.index else (key[0], key)
    assert place
    return place


def _check_start(source: Source, wanted: Range, partition: Any, start: Mapping[str, Any]) -> None:
    if partition != wanted.partition:
        raise Refused(_OUTSIDE)
    if len(source.keys) > 1 and wanted.operator is not None:
        value = orderable(take(start[source.keys[1]])[0])
        if not wanted.holds(value):
            raise Refused("The provided starting key does not match the range key predicate")


def _segment(given: Parameters) -> tuple[int, int]:
    segment, segments = given.get("Segment"), given.get("TotalSegments")
    if segment is None and segments is None:
        return 0, 1
    if segments is None:
        raise Refused(
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present"
        )
    if segment is None:
        raise Refused(
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present"
        )
    if segment >= segments:
        raise Refused(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )
    return segment, segments


@lru_cache(maxsize=1 << 16)
def _spread(partition: Any) -> str:
    return hashlib.md5(repr(partition).encode(), usedforsecurity=False).hexdigest()
