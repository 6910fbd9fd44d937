"""Put, update, delete and condition check of one item: planned, decided, then applied.

Alone or in a transaction a write goes through the same steps, so both mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.sim.dynamodb import updates
from infra.sim.dynamodb.capacity import Meter, write_units
from infra.sim.dynamodb.conditions import Condition
from infra.sim.dynamodb.errors import ConditionFailed, Refused
from infra.sim.dynamodb.requests import Parameters, Placeholders
from infra.sim.dynamodb.tables import Index, Key, Row, Table
from infra.sim.dynamodb.updates import Update
from infra.sim.dynamodb.values import Attribute, Item, size_after, size_of, take_item
from infra.sim.errors import not_simulated

Kind = Literal["Put", "Update", "Delete", "ConditionCheck"]

ITEM_BYTES = 400 * 1024
"""The largest item, names included."""
_CONDITION = "ConditionExpression"


@dataclass(slots=True)
class Write:
    """One write as asked for, everything checked that needs no look at the item.

    `content` tells it from another: what a repeated ClientRequestToken is compared by.
    """

    kind: Kind
    table: Table
    key: Key
    keys: Item
    row: Row | None
    update: Update | None
    condition: Condition | None
    values: dict[str, Attribute]
    content: tuple[Any, ...]
    wants_old: bool

    def decide(self) -> tuple[Row | None, Row | None]:
        """What is there and what will be there. Raises ConditionFailed, Refused."""
        old = self.table.rows.get(self.key)
        if self.condition and not self.condition.test(old.item if old else {}, self.values):
            raise ConditionFailed(old.item if old and self.wants_old else None)
        if self.kind == "Put":
            return old, self.row
        if self.kind == "Delete":
            return old, None
        if self.kind == "ConditionCheck":
            return old, old
        return old, self._updated(old)

    def apply(self, new: Row | None, at: float) -> None:
        """Make it so."""
        if self.kind != "ConditionCheck":
            self.table.write(self.key, self.keys, new, at)

    def _updated(self, old: Row | None) -> Row:
        item = old.item if old else self.keys
        if self.update is not None:
            item = self.update.apply(item, self.values)
        elif old:
            return old
        self.table.check_index_keys(item)
        row = Row(item, size_after(item, old.item, old.size) if old else size_of(item))
        if row.size > ITEM_BYTES:
            raise Refused("Item size to update has exceeded the maximum allowed size")
        return row


def put(table: Table, given: Parameters) -> Write:
    """PutItem, or Put in a transaction. Raises Refused."""
    item, size = take_item(given["Item"])
    key = table.key_of(item)
    if size > ITEM_BYTES:
        raise Refused("Item size has exceeded the maximum allowed size")
    placeholders = Placeholders(given, (_CONDITION,))
    condition = placeholders.condition(given, _CONDITION)
    placeholders.finish()
    keys = {name: item[name] for name in table.keys}
    return _write("Put", table, key, keys, given, condition, placeholders, Row(item, size))


def update(table: Table, given: Parameters) -> Write:
    """UpdateItem, or Update in a transaction. Raises Refused."""
    key, keys = table.key(given["Key"])
    placeholders = Placeholders(given, ("UpdateExpression", _CONDITION))
    change = None
    if (text := given.get("UpdateExpression")) is not None:
        change = updates.compiled(text, placeholders.names)
        placeholders.use(change.names, change.values, "UpdateExpression")
        for check in change.checks:
            check(placeholders.values)
    condition = placeholders.condition(given, _CONDITION)
    placeholders.finish()
    for path in change.written if change else ():
        if path.parts[0] in table.keys:
            raise Refused(
                "One or more parameter values were invalid: Cannot update attribute "
                f"{path.parts[0]}. This attribute is part of the key"
            )
    return _write("Update", table, key, keys, given, condition, placeholders, None, change)


def delete(table: Table, given: Parameters) -> Write:
    """DeleteItem, or Delete in a transaction. Raises Refused."""
    return _conditional("Delete", table, given)


def check(table: Table, given: Parameters) -> Write:
    """ConditionCheck in a transaction. Raises Refused."""
    return _conditional("ConditionCheck", table, given)


def _conditional(kind: Kind, table: Table, given: Parameters) -> Write:
    key, keys = table.key(given["Key"])
    placeholders = Placeholders(given, (_CONDITION,))
    condition = placeholders.condition(given, _CONDITION)
    placeholders.finish()
    return _write(kind, table, key, keys, given, condition, placeholders)


def _write(
    kind: Kind,
    table: Table,
    key: Key,
    keys: Item,
    given: Parameters,
    condition: Condition | None,
    placeholders: Placeholders,
    row: Row | None = None,
    change: Update | None = None,
) -> Write:
    wants_old = given.get("ReturnValuesOnConditionCheckFailure", "NONE")
    if wants_old not in ("NONE", "ALL_OLD"):
        raise Refused("Return values set to invalid value")
    if row:
        table.check_index_keys(row.item)
    content = (
        kind,
        table.name,
        keys,
        row.item if row else None,
        given.get("UpdateExpression"),
        given.get(_CONDITION),
        placeholders.names,
        placeholders.values,
        wants_old,
    )
    return Write(
        kind,
        table,
        key,
        keys,
        row,
        change,
        condition,
        placeholders.values,
        content,
        wants_old == "ALL_OLD",
    )


def returned(write: Write, old: Row | None, new: Row | None, wanted: str) -> Item | None:
    """What ReturnValues asks for; None when there is nothing of it."""
    if wanted == "NONE":
        return None
    if wanted in ("ALL_OLD", "ALL_NEW"):
        row = old if wanted == "ALL_OLD" else new
        return dict(row.item) if row else None
    if write.update is None:
        return None
    if write.update.nested:
        raise not_simulated(f"{wanted} of a part of an attribute")
    names = [str(path.parts[0]) for path in write.update.written]
    row = old if wanted == "UPDATED_OLD" else new
    found = {name: row.item[name] for name in names if name in row.item} if row else {}
    return found or None


def bill(meter: Meter, table: Table, old: Row | None, new: Row | None, times: int = 1) -> None:
    """Count what a write costs: the table, and each index that it changes.

    `times` is 2 in a transaction, for the table alone: an index is brought up to date once the
    transaction is through (developer guide, "Amazon DynamoDB Transactions: How it works") and AWS
    answers the same units for it as outside of one (measured: nubo-db/dynoxide pull request 188).
    """
    size = max(old.size if old else 0, new.size if new else 0)
    meter.write(table.name, times * write_units(size))
    for index in table.indexes.values():
        if units := _index_units(index, old, new):
            meter.write(table.name, units, index.name)


def _index_units(index: Index, old: Row | None, new: Row | None) -> float:
    first = index.keys[0]
    if not ((old and first in old.item) or (new and first in new.item)):
        return 0
    if old and new and not index.differs(old.item, new.item):
        return 0
    was = old if old and first in old.item and index.keys[-1] in old.item else None
    now = new if new and first in new.item and index.keys[-1] in new.item else None
    if was is None and now is None:
        return 0
    before = index.projected(was) if was else None
    after = index.projected(now) if now else None
    if before is None or after is None:
        one = before or after
        assert one
        return write_units(one.size)
    if all(before.item[name] == after.item[name] for name in index.keys):
        return write_units(max(before.size, after.size))
    return write_units(before.size) + write_units(after.size)


PLANS: Mapping[str, Any] = {"Put": put, "Update": update, "Delete": delete, "ConditionCheck": check}
