"""DynamoDB in this process: the API's operations over tables in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.sim.dynamodb import queries, reads, streams, transactions, writes
from infra.sim.dynamodb.capacity import Consumed, Meter, answered
from infra.sim.dynamodb.errors import ConditionFailed, Refused
from infra.sim.dynamodb.requests import Parameters, check_parameters, choice
from infra.sim.dynamodb.tables import Row, Table
from infra.sim.dynamodb.transactions import Tokens
from infra.sim.errors import not_simulated

_MOST_BATCH_WRITES = 25
_WRITING = (
    "TableName ConditionExpression ExpressionAttributeNames ExpressionAttributeValues "
    "ReturnConsumedCapacity ReturnItemCollectionMetrics ReturnValues "
    "ReturnValuesOnConditionCheckFailure"
)
_READING = (
    "TableName IndexName ConsistentRead ExclusiveStartKey ExpressionAttributeNames "
    "ExpressionAttributeValues FilterExpression Limit ProjectionExpression "
    "ReturnConsumedCapacity Select"
)
_PARAMETERS = {
    "GetItem": "TableName Key ConsistentRead ProjectionExpression ExpressionAttributeNames "
    "ReturnConsumedCapacity",
    "BatchGetItem": "RequestItems ReturnConsumedCapacity",
    "TransactGetItems": "TransactItems ReturnConsumedCapacity",
    "Query": _READING + " KeyConditionExpression ScanIndexForward",
    "Scan": _READING + " Segment TotalSegments",
    "PutItem": _WRITING + " Item",
    "UpdateItem": _WRITING + " Key UpdateExpression",
    "DeleteItem": _WRITING + " Key",
    "BatchWriteItem": "RequestItems ReturnConsumedCapacity ReturnItemCollectionMetrics",
    "TransactWriteItems": "TransactItems ClientRequestToken ReturnConsumedCapacity "
    "ReturnItemCollectionMetrics",
}
_KNOWN = {operation: frozenset(names.split()) for operation, names in _PARAMETERS.items()}
_REQUIRED = {
    "GetItem": ("TableName", "Key"),
    "BatchGetItem": ("RequestItems",),
    "TransactGetItems": ("TransactItems",),
    "Query": ("TableName",),
    "Scan": ("TableName",),
    "PutItem": ("TableName", "Item"),
    "UpdateItem": ("TableName", "Key"),
    "DeleteItem": ("TableName", "Key"),
    "BatchWriteItem": ("RequestItems",),
    "TransactWriteItems": ("TransactItems",),
}


class DynamoDB:
    """All tables of one account and region. Not for threads: one call at a time.

    `now` gives seconds since the epoch. `stale(table, operation)`, when set, says whether an
    eventually consistent read answers items as they were before their last write; writes before
    the last `snapshot` or `restore` are always seen. `consumed` is what the last call cost, also
    when it failed. Answers share their nested values with the store: do not change those.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.stale: Callable[[str, str], bool] | None = None
        self.consumed: list[Consumed] = []
        self._now = now
        self._tables: dict[str, Table] = {}
        self._tokens: Tokens = {}
        self._requests = 0
        self._operations: dict[str, Callable[[Parameters, Meter], dict[str, Any]]] = {
            "GetItem": self._get_item,
            "BatchGetItem": self._batch_get_item,
            "TransactGetItems": self._transact_get_items,
            "Query": self._query,
            "Scan": self._scan,
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "BatchWriteItem": self._batch_write_item,
            "TransactWriteItems": self._transact_write_items,
        }

    def create_table(self, definition: Mapping[str, Any]) -> None:
        """Add an empty table: what CreateTable takes, or DescribeTable's Table."""
        table = Table(definition)
        if table.name in self._tables:
            raise ValueError(f"there is a table {table.name} already")
        self._tables[table.name] = table

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One API call, as a boto3 client's `_make_api_call`.

        Raises ClientError for what DynamoDB refuses, ParamValidationError for what botocore
        does not send, NotImplementedError for what this model does not know.
        """
        if operation not in self._operations:
            raise not_simulated(f"dynamodb.{operation}")
        check_parameters(parameters, _KNOWN[operation], _REQUIRED[operation])
        self._requests += 1
        meter = Meter()
        try:
            detail = choice(parameters, "ReturnConsumedCapacity", "NONE", "TOTAL", "INDEXES")
            answer = self._operations[operation](parameters, meter)
        except Refused as refused:
            raise self._error(refused, operation) from None
        finally:
            self.consumed = meter.consumed()
        if detail != "NONE":
            capacity = answered(self.consumed, detail)
            single = "TableName" in parameters
            answer["ConsumedCapacity"] = capacity[0] if single else capacity
        answer["ResponseMetadata"] = self._metadata(200)
        return answer

    def records(self, table: str, position: int) -> list[dict[str, Any]]:
        """A table's stream records from `position` on (0 is the first), as Lambda gets them.

        Raises LookupError when there is no such table or it has no stream.
        """
        return streams.records(self._tables[table], position)

    def snapshot(self) -> object:
        """All there is, to `restore` as often as wanted. What was written so far is settled."""
        for table in self._tables.values():
            table.settle()
        states = {name: table.state() for name, table in self._tables.items()}
        return states, dict(self._tokens), self._requests

    def restore(self, snapshot: object) -> None:
        """Be as when the snapshot was taken; of this or of another model with the same tables."""
        assert isinstance(snapshot, tuple)
        states, tokens, self._requests = snapshot
        assert states.keys() == self._tables.keys(), "a table was created since"
        self._tokens = dict(tokens)
        for name, state in states.items():
            self._tables[name].restore(state)
        self.consumed = []

    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise Refused("Requested resource not found", "ResourceNotFoundException")
        return table

    def _metadata(self, status: int) -> dict[str, Any]:
        return {
            "RequestId": f"{self._requests:052d}",
            "HTTPStatusCode": status,
            "HTTPHeaders": {},
            "RetryAttempts": 0,
        }

    def _error(self, refused: Refused, operation: str) -> ClientError:
        response: Any = {
            "Error": {"Message": refused.message, "Code": refused.code},
            "ResponseMetadata": self._metadata(400),
            "message": refused.message,
            **refused.more,
        }
        if isinstance(refused, ConditionFailed) and refused.item is not None:
            response["Item"] = dict(refused.item)
        return ClientError(response, operation)

    def _is_stale(self, table: str, operation: str) -> bool:
        return self.stale is not None and self.stale(table, operation)

    def _get_item(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        table = self._table(given["TableName"])
        stale = not given.get("ConsistentRead") and self._is_stale(table.name, "GetItem")
        return reads.get_item(table, given, meter, stale)

    def _batch_get_item(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        return reads.batch_get_item(given, self._table, meter, self._is_stale)

    def _transact_get_items(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        return reads.transact_get_items(given, self._table, meter)

    def _query(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        table = self._table(given["TableName"])
        stale = not given.get("ConsistentRead") and self._is_stale(table.name, "Query")
        return queries.query(table, given, meter, stale)

    def _scan(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        table = self._table(given["TableName"])
        stale = not given.get("ConsistentRead") and self._is_stale(table.name, "Scan")
        return queries.scan(table, given, meter, stale)

    def _put_item(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        wanted = _return_values(given, ("NONE", "ALL_OLD"))
        return self._write(writes.put(self._table(given["TableName"]), given), wanted, meter)

    def _update_item(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        allowed = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
        wanted = _return_values(given, allowed)
        return self._write(writes.update(self._table(given["TableName"]), given), wanted, meter)

    def _delete_item(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        wanted = _return_values(given, ("NONE", "ALL_OLD"))
        return self._write(writes.delete(self._table(given["TableName"]), given), wanted, meter)

    def _write(self, write: writes.Write, wanted: str, meter: Meter) -> dict[str, Any]:
        try:
            old, new = write.decide()
        except ConditionFailed:
            old = write.table.rows.get(write.key)
            writes.bill(meter, write.table, old, old)
            raise
        writes.bill(meter, write.table, old, new)
        attributes = writes.returned(write, old, new, wanted)
        write.apply(new, self._now())
        return {"Attributes": attributes} if attributes is not None else {}

    def _batch_write_item(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        requests: Mapping[str, Any] = given["RequestItems"]
        if not requests:
            raise Refused("BatchWriteItem cannot have a null or no requests set")
        if sum(len(entries) for entries in requests.values()) > _MOST_BATCH_WRITES:
            raise Refused("Too many items requested for the BatchWriteItem call")
        asked = [self._batched(name, entry) for name in requests for entry in requests[name]]
        for name, entries in requests.items():
            if not entries:
                raise Refused(
                    f"The batch write request list for a table cannot be null or empty: {name}"
                )
        if len({(write.table.name, write.key) for write in asked}) != len(asked):
            raise Refused("Provided list of item keys contains duplicates")
        for write in asked:
            self._write(write, "NONE", meter)
        return {"UnprocessedItems": {}}

    def _batched(self, name: str, entry: Mapping[str, Any]) -> writes.Write:
        table = self._table(name)
        if len(entry) != 1:
            raise Refused(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly "
                "one of the supported datatypes"
            )
        check_parameters(entry, frozenset(("PutRequest", "DeleteRequest")), ())
        if "PutRequest" in entry:
            check_parameters(entry["PutRequest"], frozenset(("Item",)), ("Item",))
            return writes.put(table, entry["PutRequest"])
        check_parameters(entry["DeleteRequest"], frozenset(("Key",)), ("Key",))
        return writes.delete(table, entry["DeleteRequest"])

    def _transact_write_items(self, given: Parameters, meter: Meter) -> dict[str, Any]:
        transactions.write_items(given, self._table, self._tokens, self._now(), meter)
        return {}


def _return_values(given: Parameters, allowed: tuple[str, ...]) -> str:
    wanted: str = given.get("ReturnValues", "NONE")
    if wanted not in allowed:
        raise Refused("Return values set to invalid value")
    return wanted


def table_of(model: DynamoDB, name: str) -> Table:
    """A table itself, for measurements that fill it faster than by writing."""
    return model._tables[name]


def rows(model: DynamoDB, table: str) -> list[Row]:
    """Every item of a table as it is stored, for tests and tools."""
    return list(model._tables[table].rows.values())
