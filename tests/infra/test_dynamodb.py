"""The patched DynamoDB: exact under threads, flat in size, honest streams."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.exceptions
import pytest

from infra.local.moto_patches.streams import Stream
from infra.local.stack import ACCOUNT, Stack
from tests.infra.shop import item


@pytest.fixture
def table(stack: Stack) -> str:
    return stack.resource("OrdersTable")


def key(pk: str, sk: str = "A") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def records(stack: Stack, table: str, since: int) -> list[dict[str, Any]]:
    return Stream(table, ACCOUNT, stack.region).read(since, 100)


def length(stack: Stack, table: str) -> int:
    return Stream(table, ACCOUNT, stack.region).length()


def take(table: str, pk: str, buyer: str) -> list[dict[str, Any]]:
    """Reserve one piece and record who got it, or nothing at all."""
    update = {
        "TableName": table,
        "Key": key(pk),
        "UpdateExpression": "SET available = available - :one",
        "ConditionExpression": "available >= :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    put = {
        "TableName": table,
        "Item": {**key(pk, buyer)},
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    return [{"Update": update}, {"Put": put}]


def test_stock_of_fifty_sells_fifty_times(stack: Stack, table: str, new_id: str) -> None:
    dynamodb = stack.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={**key(new_id), "available": {"N": "50"}})

    def buy(number: int) -> bool:
        try:
            dynamodb.transact_write_items(TransactItems=take(table, new_id, f"buyer-{number:03d}"))
        except dynamodb.exceptions.TransactionCanceledException as cancelled:
            reasons = [r["Code"] for r in cancelled.response["CancellationReasons"]]
            assert reasons == ["ConditionalCheckFailed", "None"]
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        sold = sum(pool.map(buy, range(90)))
    stack.settle()
    assert sold == 50
    assert (item(stack, new_id, "A") or {})["available"] == "0"
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :p AND begins_with(sk, :b)",
        ExpressionAttributeValues={":p": {"S": new_id}, ":b": {"S": "buyer-"}},
    )
    assert found["Count"] == 50


def test_one_winner_per_conditional_put(stack: Stack, table: str, new_id: str) -> None:
    dynamodb = stack.client("dynamodb")

    def put(number: int) -> int:
        try:
            dynamodb.put_item(
                TableName=table,
                Item=key(f"{new_id}-{number // 8}"),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(put, range(160))) == 20


def test_a_cancelled_transaction_leaves_nothing(stack: Stack, table: str, new_id: str) -> None:
    dynamodb, since = stack.client("dynamodb"), length(stack, table)
    dynamodb.put_item(TableName=table, Item={**key(new_id), "word": {"S": "x"}})
    broken = {
        "TableName": table,
        "Key": key(new_id),
        "UpdateExpression": "ADD word :one",  # refused while it is applied
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    first = {"TableName": table, "Item": key(new_id, "B")}
    with pytest.raises(botocore.exceptions.ClientError):
        dynamodb.transact_write_items(TransactItems=[{"Put": first}, {"Update": broken}])
    assert item(stack, new_id, "B") is None
    assert item(stack, new_id, "A") == {"pk": new_id, "sk": "A", "word": "x"}
    assert [r["eventName"] for r in records(stack, table, since)] == ["INSERT"]


def test_all_old_and_reasons(stack: Stack, table: str, new_id: str) -> None:
    dynamodb = stack.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={**key(new_id), "n": {"N": "7"}})
    check = {
        "TableName": table,
        "Key": key(new_id),
        "ConditionExpression": "n = :n",
        "ExpressionAttributeValues": {":n": {"N": "8"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    put = {"TableName": table, "Item": key(new_id, "B")}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    reasons = cancelled.value.response["CancellationReasons"]
    assert [r["Code"] for r in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"]["n"] == {"N": "7"}
    assert item(stack, new_id, "B") is None


def test_two_operations_on_one_item_are_refused(stack: Stack, table: str, new_id: str) -> None:
    put = {"Put": {"TableName": table, "Item": key(new_id)}}
    with pytest.raises(botocore.exceptions.ClientError, match="multiple operations on one item"):
        stack.client("dynamodb").transact_write_items(TransactItems=[put, put])
    assert item(stack, new_id, "A") is None


def test_client_request_token(stack: Stack, table: str, new_id: str) -> None:
    dynamodb = stack.client("dynamodb")

    def add(amount: str) -> None:
        update = {
            "TableName": table,
            "Key": key(new_id),
            "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": amount}},
        }
        dynamodb.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=new_id)

    add("1")
    add("1")
    assert (item(stack, new_id, "A") or {})["n"] == "1"
    with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
        add("2")


def test_stream_records_say_what_happened(stack: Stack, table: str, new_id: str) -> None:
    dynamodb, since = stack.client("dynamodb"), length(stack, table)

    def update(value: str) -> None:
        dynamodb.update_item(
            TableName=table,
            Key=key(new_id),
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": {"S": value}},
        )

    update("1")
    update("1")  # changes nothing: no record
    update("2")
    dynamodb.delete_item(TableName=table, Key=key(new_id))
    found = records(stack, table, since)
    assert [r["eventName"] for r in found] == ["INSERT", "MODIFY", "REMOVE"]
    images = [(r["dynamodb"].get("OldImage"), r["dynamodb"].get("NewImage")) for r in found]
    values = [tuple(i and i["v"]["S"] for i in pair) for pair in images]
    assert values == [(None, "1"), ("1", "2"), ("2", None)]
    numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in found]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert {r["awsRegion"] for r in found} == {"eu-central-1"}


def test_a_refused_upsert_leaves_no_item(stack: Stack, table: str, new_id: str) -> None:
    dynamodb, since = stack.client("dynamodb"), length(stack, table)
    with pytest.raises(botocore.exceptions.ClientError):
        dynamodb.update_item(
            TableName=table,
            Key=key(new_id),
            UpdateExpression="SET v = missing + :v",
            ExpressionAttributeValues={":v": {"N": "1"}},
        )
    assert item(stack, new_id, "A") is None
    assert records(stack, table, since) == []


def query_all(stack: Stack, **arguments: Any) -> list[str]:
    found, start = [], {}
    while True:
        page = stack.client("dynamodb").query(**arguments, **start)
        found += [i["sk"]["S"] for i in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@pytest.mark.parametrize("forward", [True, False])
def test_queries_page_in_order(stack: Stack, table: str, new_id: str, forward: bool) -> None:
    names = [f"{number:02d}" for number in range(23)]
    for name in reversed(names):
        gsi = {"gsi1pk": {"S": f"g-{new_id}"}} if int(name) % 2 else {}
        stack.client("dynamodb").put_item(TableName=table, Item={**key(new_id, name), **gsi})
    common = {"TableName": table, "Limit": 5, "ScanIndexForward": forward}
    main = query_all(
        stack,
        **common,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": new_id}},
    )
    indexed = query_all(
        stack,
        **common,
        IndexName="gsi1",
        KeyConditionExpression="gsi1pk = :p AND sk > :s",
        ExpressionAttributeValues={":p": {"S": f"g-{new_id}"}, ":s": {"S": "05"}},
    )
    order = names if forward else names[::-1]
    assert main == order
    assert indexed == [n for n in order if int(n) % 2 and n > "05"]


def test_every_type_comes_back_as_it_went(stack: Stack, table: str, new_id: str) -> None:
    dynamodb = stack.client("dynamodb")
    written = {
        **key(new_id),
        "s": {"S": "é€😀"},
        "n": {"N": "-12.5"},
        "b": {"B": bytes(range(256))},
        "t": {"BOOL": False},
        "z": {"NULL": True},
        "m": {"M": {"l": {"L": [{"S": ""}, {"N": "0"}, {"B": b"x"}, {"M": {}}]}}},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2"]},
        "bs": {"BS": [b"1", b"2"]},
    }
    dynamodb.put_item(TableName=table, Item=written)
    assert dynamodb.get_item(TableName=table, Key=key(new_id))["Item"] == written
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": new_id}},
    )
    assert found["Items"] == [written]
    batch = dynamodb.batch_get_item(RequestItems={table: {"Keys": [key(new_id)]}})
    assert batch["Responses"] == {table: [written]}
    got = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key(new_id, sk)}} for sk in ("A", "no")]
    )
    assert got["Responses"] == [{"Item": written}, {}]
    old = dynamodb.delete_item(TableName=table, Key=key(new_id), ReturnValues="ALL_OLD")
    assert old["Attributes"] == written
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key(new_id))


def test_cost_does_not_grow_with_the_table(stack: Stack, table: str, new_id: str) -> None:
    dynamodb = stack.client("dynamodb")
    for start in range(0, 2000, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": {**key(f"{new_id}-{n // 10}", f"{n}"), "data": {"S": "x" * 200}}
                }
            }
            for n in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})
    dynamodb.put_item(TableName=table, Item={**key(new_id), "available": {"N": "1000"}})
    stack.settle()
    started = time.monotonic()
    for number in range(10):
        dynamodb.transact_write_items(TransactItems=take(table, new_id, f"b{number}"))
        dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": f"{new_id}-5"}},
        )
    assert time.monotonic() - started < 1.5  # unpatched: about 3 s for each transaction
