"""DynamoDB in moto: transactions that cost what they touch, and queries that read one key.

moto copies whole tables (stream included) for every transaction, and after a rollback puts a
copy in place of the table, so stream readers miss everything later. It sorts the whole table
for every query, writes two INSERT records for an upsert, and ignores ClientRequestToken.
"""

from __future__ import annotations

import base64
import copy
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    DynamodbException,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamShard, Table
from moto.dynamodb.responses import DynamoHandler

from infra.local.patching import Patches

TOKEN_SECONDS = 600
"""How long DynamoDB remembers a ClientRequestToken."""

_OPERATIONS = {"ConditionCheck", "Put", "Delete", "Update"}
_ITEM_ACTIONS = {
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
}


def install(patches: Patches, on_record: Callable[[str], None]) -> None:
    """`on_record` gets the table's name whenever its stream has a new record."""
    patches.replace(DynamoDBBackend, "transact_write_items", _transact_write_items)
    patches.replace(
        DynamoHandler,
        "transact_write_items",
        _remember_tokens(DynamoHandler.transact_write_items),
    )
    patches.replace(Table, "query", _narrowed(Table.query))
    patches.replace(DynamoDBBackend, "update_item", _one_record(DynamoDBBackend.update_item))
    patches.replace(StreamShard, "add", _announced(StreamShard.add, on_record))
    patches.replace(DynamoHandler, "serialized", _serialized(DynamoHandler.serialized))


def _serialized(general: Callable[..., Any]) -> Callable[..., Any]:
    """moto looks every value up in the service model: 15 us each, most of a query's time."""

    def serialized(self: DynamoHandler, action_result: ActionResult) -> Any:
        result = action_result.result
        if not isinstance(result, dict) or self._get_action() not in _ITEM_ACTIONS:
            return general(self, action_result)
        given = {name: value for name, value in result.items() if value is not None}
        headers = {"Content-Type": "application/x-amz-json-1.0", **self.response_headers}
        return 200, headers, json.dumps(given, default=_base64)

    return serialized


def _base64(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"cannot send a {type(value).__name__}")


def _announced(add: Callable[..., Any], on_record: Callable[[str], None]) -> Callable[..., Any]:
    def announced(self: StreamShard, old: Item | None, new: Item | None) -> None:
        if old is not None and new is not None and old == new:
            return  # a write that changes nothing leaves no record
        add(self, old, new)
        on_record(self.table.name)

    return announced


def _one_record(update_item: Callable[..., Any]) -> Callable[..., Any]:
    def update(self: DynamoDBBackend, table_name: str, key: Any, *args: Any, **kwargs: Any) -> Any:
        table = self.get_table(table_name)
        hash_key, range_key = self.get_keys_value(table, key)
        shard = table.stream_shard
        existed = table.get_item(hash_key, range_key) is not None
        length = len(shard.items) if shard else 0
        try:
            item = update_item(self, table_name, key, *args, **kwargs)
        except Exception:
            if not existed:  # moto leaves the keys-only item it started from
                _restore(table, hash_key, range_key, None)
                if shard:
                    del shard.items[length:]
            raise
        if not existed and shard and len(shard.items) == length + 2:
            # the first record announces an item of keys only, which nobody wrote
            kept = shard.items.pop()
            kept.record["dynamodb"]["SequenceNumber"] = str(length + shard.starting_sequence_number)
            shard.items[length] = kept
        return item

    return update


def _restore(
    table: Table, hash_key: DynamoType, range_key: DynamoType | None, item: Item | None
) -> None:
    if range_key is not None:
        if item is None:
            table.items[hash_key].pop(range_key, None)
        else:
            table.items[hash_key][range_key] = item
    elif item is None:
        table.items.pop(hash_key, None)
    else:
        table.items[hash_key] = item  # type: ignore[assignment]


def _transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """All or nothing: conditions first, then the writes, undone one by one if one is refused."""
    if len(transact_items) > 100:
        raise TooManyTransactionsException()
    planned = _planned(self, transact_items)
    reasons = [_condition_failure(self, op, key) for _, op, key, _ in planned]
    if any(reason[0] for reason in reasons):
        raise TransactionCanceledException(reasons)
    before = []
    shards: dict[str, tuple[StreamShard, int]] = {}
    for _, op, key, table in planned:
        hash_key, range_key = self.get_keys_value(table, key)
        current = self.get_item(op["TableName"], key)
        before.append((table, hash_key, range_key, copy.deepcopy(current)))
        if table.stream_shard:
            shards.setdefault(table.name, (table.stream_shard, len(table.stream_shard.items)))
    for index, (kind, op, key, _) in enumerate(planned):
        try:
            _write(self, kind, op, key)
        except Exception as error:
            for saved in before:
                _restore(*saved)
            for shard, length in shards.values():
                del shard.items[length:]
            if isinstance(error, MockValidationException):
                raise
            reasons[index] = (type(error).__name__, str(error), None)
            raise TransactionCanceledException(reasons) from error


def _planned(
    backend: DynamoDBBackend, transact_items: list[dict[str, Any]]
) -> list[tuple[str, dict[str, Any], dict[str, Any], Table]]:
    seen = set()
    planned = []
    for entry in transact_items:
        if len(entry) > 1:
            raise TransactWriteSingleOpException
        kind, op = next(iter(entry.items()))
        if kind not in _OPERATIONS:
            raise ValueError("Unsupported transaction operation")
        table = backend.get_table(op["TableName"])
        key = {name: op["Item"][name] for name in table.table_key_attrs} if kind == "Put" else None
        key = op["Key"] if key is None else key
        target = (table.name, json.dumps(key, sort_keys=True, default=str))
        if target in seen:
            raise MultipleTransactionsException()
        seen.add(target)
        planned.append((kind, op, key, table))
    return planned


def _condition_failure(
    backend: DynamoDBBackend, op: dict[str, Any], key: dict[str, Any]
) -> tuple[str, str, Any] | tuple[None, None, None]:
    expression = op.get("ConditionExpression")
    if expression is None:
        return (None, None, None)
    current = backend.get_item(op["TableName"], key)
    condition = get_filter_expression(
        expression, op.get("ExpressionAttributeNames"), op.get("ExpressionAttributeValues")
    )
    if condition.expr(current):
        return (None, None, None)
    wanted = op.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    old = current.to_json()["Attributes"] if wanted and current else None
    return ("ConditionalCheckFailed", str(ConditionalCheckFailed().message), old)


def _write(backend: DynamoDBBackend, kind: str, op: dict[str, Any], key: dict[str, Any]) -> None:
    names, values = op.get("ExpressionAttributeNames"), op.get("ExpressionAttributeValues")
    if kind == "Put":
        backend.put_item(op["TableName"], op["Item"])
    elif kind == "Delete":
        backend.delete_item(op["TableName"], key)
    elif kind == "Update":
        backend.update_item(
            op["TableName"],
            key,
            update_expression=op["UpdateExpression"],
            expression_attribute_names=names,  # type: ignore[arg-type]
            expression_attribute_values=values,  # type: ignore[arg-type]
        )


def _remember_tokens(handle: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
    tokens: dict[str, tuple[float, str]] = {}

    def transact_write_items(self: DynamoHandler) -> ActionResult:
        token = self._get_param("ClientRequestToken")
        asked = json.dumps(self._get_param("TransactItems"), sort_keys=True, default=str)
        now = time.monotonic()
        if token in tokens and now - tokens[token][0] < TOKEN_SECONDS:
            if tokens[token][1] != asked:
                raise _IdempotentParameterMismatch()
            return EmptyResult()
        answer = handle(self)
        if token:
            tokens[token] = (now, asked)
        return answer

    return transact_write_items


class _IdempotentParameterMismatch(DynamodbException):
    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "The ClientRequestToken was used before with other parameters",
        )


def _narrowed(query: Callable[..., Any]) -> Callable[..., Any]:
    """Hands moto's query a view of the table that holds only the wanted partition."""

    def narrowed(self: Table, hash_key: DynamoType | None, *args: Any, **kwargs: Any) -> Any:
        view = copy.copy(self)
        index_name = kwargs.get("index_name", args[6] if len(args) > 6 else None)
        if index_name is None:
            view.items = defaultdict(dict)
            if hash_key in self.items:
                view.items[hash_key] = self.items[hash_key]
        elif conditions := kwargs.get("hash_key_conditions"):
            view.items = _matching(self, conditions)
        return query(view, hash_key, *args, **kwargs)

    return narrowed


def _matching(table: Table, conditions: list[tuple[str, DynamoType]]) -> Any:
    found: Any = defaultdict(dict)
    for hash_key, group in table.items.items():
        if not table.range_key_attr:
            if _has(group, conditions):  # type: ignore[arg-type]
                found[hash_key] = group
            continue
        for range_key, item in group.items():
            if _has(item, conditions):
                found[hash_key][range_key] = item
    return found


def _has(item: Item, conditions: list[tuple[str, DynamoType]]) -> bool:
    for name, wanted in conditions:
        value = item.attrs.get(name)
        if value is None or value.value != wanted.value or value.type != wanted.type:
            return False
    return True
