"""The model against moto as infra/local patches it: what a store does all day, where moto is right.

Random orders and stock in the manner of `parcelway.store`: conditional puts by version, counters in
transactions with tokens, sparse indexes, pages. What moto has wrong is left to test_dynamodb_local.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID

from infra.local.moto_patches.streams import Stream
from infra.sim.dynamodb import DynamoDB
from tests.sim.template_tables import REGION, definitions, in_moto

ORDERS, STOCK = "OrdersTable", "StockTable"
Operation = tuple[str, dict[str, Any]]


@pytest.fixture
def moto() -> Iterator[Any]:
    with in_moto() as client:
        yield client


class Shop:
    """Draws what a shop's store asks of its tables."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sent: list[dict[str, Any]] = []

    def operation(self) -> Operation:
        name = self.random.choice(
            ("put", "put", "count", "count", "place", "place", "again", "get", "query", "due")
        )
        found: Operation = getattr(self, f"_{name}")()
        return found

    def order_key(self) -> dict[str, Any]:
        number = self.random.randrange(4)
        part = self.random.choice(("ORDER", "EVT#000000000001", "SHP#1"))
        return {"pk": {"S": f"ORD#{number}"}, "sk": {"S": part}}

    def stock_key(self) -> dict[str, Any]:
        return {"pk": {"S": f"SKU#{self.random.randrange(3)}"}, "sk": {"S": "dc-1"}}

    def _order(self) -> dict[str, Any]:
        key, version = self.order_key(), self.random.randrange(1, 4)
        item = {**key, "version": {"N": str(version)}, "order": {"M": {"lines": {"L": []}}}}
        if self.random.random() < 0.6:
            unique = key["pk"]["S"] + key["sk"]["S"]
            item |= {"due_shard": {"S": "1"}, "due_at": {"S": f"2026-0{version}-{unique}"}}
            item["held_skus"] = {"L": [{"S": "a"}]}
        given: dict[str, Any] = {"TableName": ORDERS, "Item": item}
        given["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if version == 1:
            return given | {"ConditionExpression": "attribute_not_exists(pk)"}
        return given | {
            "ConditionExpression": "attribute_not_exists(pk) OR #version < :version",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":version": {"N": str(version)}},
        }

    def _counted(self) -> dict[str, Any]:
        given: dict[str, Any] = {"TableName": STOCK, "Key": self.stock_key()}
        units = {"N": str(self.random.randrange(1, 4))}
        if self.random.random() < 0.4:
            return given | {
                "UpdateExpression": "SET on_hand = if_not_exists(on_hand, :zero) + :units",
                "ExpressionAttributeValues": {":units": units, ":zero": {"N": "0"}},
            }
        return given | {
            "UpdateExpression": "SET on_hand = on_hand - :units, seen = :seen REMOVE vacant",
            "ConditionExpression": "on_hand >= :units",
            "ExpressionAttributeValues": {":units": units, ":seen": {"S": "y"}},
        }

    def _put(self) -> Operation:
        return "PutItem", self._order()

    def _count(self) -> Operation:
        return "UpdateItem", {**self._counted(), "ReturnValues": "ALL_NEW"}

    def _place(self) -> Operation:
        """An order with its stock; SKUs are merged before they get here."""
        counted = {str(entry["Key"]): entry for entry in (self._counted() for _ in range(2))}
        entries: list[dict[str, Any]] = [{"Put": self._order()}]
        for entry in counted.values():
            entries.append({"Update": entry})
        given = {"TransactItems": entries, "ClientRequestToken": f"token-{len(self.sent)}"}
        self.sent.append(given)
        return "TransactWriteItems", given

    def _again(self) -> Operation:
        """The SDK sends once more."""
        return "TransactWriteItems", self.random.choice(self.sent) if self.sent else self._place()[
            1
        ]

    def _get(self) -> Operation:
        return "GetItem", {"TableName": ORDERS, "Key": self.order_key(), "ConsistentRead": True}

    def _query(self) -> Operation:
        return "Query", {
            "TableName": ORDERS,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {
                ":pk": self.order_key()["pk"],
                ":sk": {"S": self.random.choice(("ORD", "EVT#", "S"))},
            },
        }

    def _due(self) -> Operation:
        return "Query", {
            "TableName": ORDERS,
            "IndexName": "by_due",
            "KeyConditionExpression": "due_shard = :shard AND due_at <= :now",
            "ExpressionAttributeValues": {":shard": {"S": "1"}, ":now": {"S": "2026-03"}},
            "Limit": self.random.randrange(1, 4),
            "ScanIndexForward": self.random.random() < 0.5,
        }


def outcome(call: Any, operation: str, parameters: dict[str, Any]) -> Any:
    try:
        answer = call(operation, parameters)
    except ClientError as error:
        response: Any = error.response
        reasons = response.get("CancellationReasons", ())
        return (
            response["Error"]["Code"],
            response.get("Item"),
            [(reason["Code"], reason.get("Item")) for reason in reasons],
        )
    kept = ("Item", "Items", "Count", "Attributes", "LastEvaluatedKey")
    return {name: answer[name] for name in kept if name in answer}


@pytest.mark.parametrize("seed", range(8))
def test_a_shop_has_the_same_outcomes(moto: Any, seed: int) -> None:
    model, shop = DynamoDB(lambda: 1_700_000_000.0), Shop(seed)
    for definition in definitions().values():
        model.create_table(definition)
    for number in range(120):
        operation, parameters = shop.operation()
        ours = outcome(model.call, operation, parameters)
        theirs = outcome(moto._make_api_call, operation, parameters)
        if "LastEvaluatedKey" in ours and "LastEvaluatedKey" not in theirs:
            # moto looks one item ahead; DynamoDB need not (API reference, Query).
            start = {"ExclusiveStartKey": ours.pop("LastEvaluatedKey")}
            assert model.call(operation, {**parameters, **start})["Count"] == 0
        assert ours == theirs, f"seed {seed}, operation {number}: {operation} {parameters}"
    for table in (ORDERS, STOCK):
        found = [
            sorted(map(in_words, call("Scan", {"TableName": table})["Items"]))
            for call in (model.call, moto._make_api_call)
        ]
        assert found[0] == found[1]
        theirs = Stream(table, DEFAULT_ACCOUNT_ID, REGION).read(0, 10_000)
        assert list(map(told, model.records(table, 0))) == list(map(told, theirs))


def told(record: dict[str, Any]) -> Any:
    body = record["dynamodb"]
    return record["eventName"], [body.get(part) for part in ("Keys", "NewImage", "OldImage")]


def in_words(item: Any) -> str:
    return json.dumps(item, sort_keys=True)
