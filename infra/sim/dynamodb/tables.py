"""Tables and their indexes in memory: items by key, keys in order, the stream's log.

Nothing here is changed in place once a snapshot may share it: items are replaced, and the sorted
key lists of partitions are copied when a key comes or goes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Any, NamedTuple

from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.values import Attribute, Item, orderable, size_of, take
from infra.sim.errors import not_simulated

Key = tuple[Any, ...]
"""An item's key values, to compare: (partition,) or (partition, sort)."""
HASH_BYTES, RANGE_BYTES = 2048, 1024
_PLURAL = {"S": "string", "B": "binary", "N": "number"}


class Row(NamedTuple):
    """An item as stored, and its size in bytes."""

    item: Item
    size: int


class Change(NamedTuple):
    """One write of the stream: when (epoch seconds), and the item before and after."""

    at: float
    keys: Item
    old: Row | None
    new: Row | None


class Index:
    """A global secondary index: its keys, what it projects, its entries in order.

    An entry is (index sort value, *base key), without the first when it has no sort key.
    `projection` is None for ALL.
    """

    def __init__(self, definition: Mapping[str, Any], base: tuple[str, ...]) -> None:
        self.name: str = definition["IndexName"]
        self.keys = key_names(definition)
        projection = definition.get("Projection", {})
        kind = projection.get("ProjectionType", "ALL")
        if kind not in ("ALL", "KEYS_ONLY", "INCLUDE"):
            raise not_simulated(f"ProjectionType {kind}")
        more = projection.get("NonKeyAttributes", ()) if kind == "INCLUDE" else ()
        self.projection = None if kind == "ALL" else frozenset((*self.keys, *base, *more))
        self.groups: dict[Any, list[Key]] = {}

    def place(self, item: Item, key: Key) -> tuple[Any, Key] | None:
        """The partition and entry of an item; None when it is not in the index."""
        values = []
        for name in self.keys:
            if name not in item:
                return None
            values.append(orderable(item[name]))
        return values[0], (*values[1:], *key)

    def differs(self, old: Item, new: Item) -> bool:
        """Whether the index holds something else of `new` than of `old`."""
        if self.projection is None:
            return old != new
        return any(old.get(name) != new.get(name) for name in self.projection)

    def projected(self, row: Row) -> Row:
        """What the index holds of an item."""
        if self.projection is None:
            return row
        item = {name: value for name, value in row.item.items() if name in self.projection}
        return Row(item, size_of(item))


class Table:
    """One table. `before` holds items as they were before their last write."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.name: str = definition["TableName"]
        if definition.get("LocalSecondaryIndexes"):
            raise not_simulated("a local secondary index")
        self.types: dict[str, str] = {
            entry["AttributeName"]: entry["AttributeType"]
            for entry in definition["AttributeDefinitions"]
        }
        self.keys = key_names(definition)
        self.indexes = {
            entry["IndexName"]: Index(entry, self.keys)
            for entry in definition.get("GlobalSecondaryIndexes") or ()
        }
        self.index_keys = {name for index in self.indexes.values() for name in index.keys} - set(
            self.keys
        )
        stream = definition.get("StreamSpecification") or {}
        enabled = stream.get("StreamEnabled", "StreamViewType" in stream)
        self.stream: str | None = stream["StreamViewType"] if enabled else None
        self.rows: dict[Key, Row] = {}
        self.groups: dict[Any, list[Key]] = {}
        self.before: dict[Key, Row | None] = {}
        self.log: list[Change] = []
        self.records: list[dict[str, Any]] = []  # what was made of the log so far

    def key(self, given: Mapping[str, Any]) -> tuple[Key, Item]:
        """The key of a request's Key, to compare and normalised. Raises Refused when it is not
        exactly a key."""
        if len(given) != len(self.keys):
            raise Refused(_NOT_THE_SCHEMA)
        values = []
        keys: Item = {}
        for name in self.keys:
            attribute = given.get(name)
            if attribute is None:
                raise Refused(_NOT_THE_SCHEMA)
            taken, size = take(attribute)
            if self.types[name] not in taken:
                raise Refused(_NOT_THE_SCHEMA)
            values.append(self._key_value(name, taken, size))
            keys[name] = taken
        return tuple(values), keys

    def key_of(self, item: Item) -> Key:
        """The key of an item to put. Raises Refused when it is missing or of the wrong type."""
        values = []
        for name in self.keys:
            attribute = item.get(name)
            if attribute is None:
                raise Refused(_INVALID + f"Missing the key {name} in the item")
            wanted = self.types[name]
            if wanted not in attribute:
                (actual,) = attribute
                message = f"Type mismatch for key {name} expected: {wanted} actual: {actual}"
                raise Refused(_INVALID + message)
            value = attribute[wanted]
            size = len(value) if wanted == "B" else len(value.encode())
            values.append(self._key_value(name, attribute, size))
        return tuple(values)

    def check_index_keys(self, item: Item) -> None:
        """Raises Refused when an index could not take `item`."""
        for name in self.index_keys:
            if name in item:
                self._check_index_key(name, item[name])

    def write(self, key: Key, keys: Item, new: Row | None, at: float) -> None:
        """Store `new` under `key`, or delete what is there. The one way anything changes."""
        old = self.rows.get(key)
        self.before[key] = old
        if old is None and new is None:
            return
        if new is None:
            del self.rows[key]
            _leave(self.groups, key[0], key)
        else:
            self.rows[key] = new
            if old is None:
                _enter(self.groups, key[0], key)
        for index in self.indexes.values():
            _move(index, key, old, new)
        if self.stream and not (old and new and old.item == new.item):
            self.log.append(Change(at, keys, old, new))

    def state(self) -> tuple[Any, ...]:
        """Everything that changes, to give to `restore`."""
        indexes = {name: dict(index.groups) for name, index in self.indexes.items()}
        return dict(self.rows), dict(self.groups), indexes, list(self.log), list(self.records)

    def restore(self, state: tuple[Any, ...]) -> None:
        """Be as when `state` was taken; all that was written by then counts as settled."""
        rows, groups, indexes, log, records = state
        self.rows, self.groups = dict(rows), dict(groups)
        self.log, self.records = list(log), list(records)
        self.before = {}
        for name, index in self.indexes.items():
            index.groups = dict(indexes[name])

    def settle(self) -> None:
        """Every copy of every item has caught up."""
        self.before = {}

    def _key_value(self, name: str, attribute: Attribute, size: int) -> Any:
        value = orderable(attribute)
        if value == "" or value == b"":
            kind = _PLURAL[self.types[name]]
            raise Refused(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {kind} value. Key: {name}"
            )
        if name == self.keys[0]:
            if size > HASH_BYTES:
                raise Refused(
                    _INVALID + "Size of hashkey has exceeded the maximum size limit of 2048 bytes"
                )
        elif size > RANGE_BYTES:
            raise Refused(
                _INVALID
                + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
            )
        return value

    def _check_index_key(self, name: str, attribute: Attribute) -> None:
        index = min(i.name for i in self.indexes.values() if name in i.keys)
        wanted = self.types[name]
        if wanted not in attribute:
            (actual,) = attribute
            raise Refused(
                _INVALID + f"Type mismatch for Index Key {name} Expected: {wanted} "
                f"Actual: {actual} IndexName: {index}"
            )
        if attribute[wanted] in ("", b""):
            raise Refused(
                "One or more parameter values are not valid. A value specified for a secondary "
                "index key is not supported. The AttributeValue for a key attribute cannot contain "
                f"an empty {_PLURAL[wanted]} value. IndexName: {index}, IndexKey: {name}"
            )


_INVALID = "One or more parameter values were invalid: "
_NOT_THE_SCHEMA = "The provided key element does not match the schema"


def key_names(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Partition key and, where there is one, sort key of a KeySchema."""
    names = {entry["KeyType"]: entry["AttributeName"] for entry in definition["KeySchema"]}
    return (names["HASH"], names["RANGE"]) if "RANGE" in names else (names["HASH"],)


def _move(index: Index, key: Key, old: Row | None, new: Row | None) -> None:
    was = index.place(old.item, key) if old else None
    now = index.place(new.item, key) if new else None
    if was == now:
        return
    if was:
        _leave(index.groups, *was)
    if now:
        _enter(index.groups, *now)


def _enter(groups: dict[Any, list[Key]], partition: Any, entry: Key) -> None:
    entries = groups[partition].copy() if partition in groups else []
    insort(entries, entry)
    groups[partition] = entries


def _leave(groups: dict[Any, list[Key]], partition: Any, entry: Key) -> None:
    entries = groups[partition]
    if len(entries) == 1:
        del groups[partition]
        return
    place = bisect_left(entries, entry)
    groups[partition] = entries[:place] + entries[place + 1 :]
