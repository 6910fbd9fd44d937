"""Laws of the DynamoDB model over time: transactions, tokens, streams, snapshots, stale reads."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.model import rows
from tests.sim.dynamodb_items import MAIN, PLAIN, definitions
from tests.sim.dynamodb_model import Clock, Item, add, canceled, get, key, new, put, query, transact
from tests.sim.dynamodb_operations import Draw

SEEDS = st.integers(0, 10**6)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(clock: Clock) -> DynamoDB:
    return new(clock)


def play(model: DynamoDB, draw: Draw, count: int) -> list[Any]:
    """What each of the next operations answers or is refused with."""
    found = []
    for _ in range(count):
        operation, parameters = draw.operation()
        try:
            found.append(model.call(operation, parameters))
        except ClientError as error:
            found.append(error.response)
    return found


# ---- transactions --------------------------------------------------------------------------


def test_all_or_nothing_with_reasons_in_order(model: DynamoDB) -> None:
    transact(model, put("old", n={"N": "7"}))
    check = put("old", "attribute_not_exists(pk)")
    check["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    missing = put("none", "attribute_exists(pk)")
    missing["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    wrong = add("text")
    wrong["Update"]["UpdateExpression"] = "SET a = nothing + :n"
    reasons = canceled(model, put("new"), check, missing, wrong)
    assert reasons == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**key("old"), "n": {"N": "7"}},
        },
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
        {
            "Code": "ValidationError",
            "Message": "The provided expression refers to an attribute that does not exist in the "
            "item",
        },
    ]
    assert get(model, "new") is None
    assert len(model.records(MAIN, 0)) == 1


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "length greater than or equal to 1"),
        ([put(str(number)) for number in range(101)], "length less than or equal to 100"),
        ([put("a"), add("a")], "multiple operations on one item"),
        ([{**put("a"), **add("b")}], "can only contain one of"),
    ],
)
def test_refused_transactions(model: DynamoDB, entries: list[Item], words: str) -> None:
    with pytest.raises(ClientError) as caught:
        transact(model, *entries)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert words in caught.value.response["Error"]["Message"]
    assert rows(model, MAIN) == []


def test_a_hundred_items_are_one_transaction(model: DynamoDB) -> None:
    transact(model, *(put(f"{number:03d}") for number in range(100)))
    assert len(rows(model, MAIN)) == 100


def test_a_token_makes_a_transaction_happen_once(model: DynamoDB, clock: Clock) -> None:
    for _ in range(3):
        transact(model, add("a"), token="t")
    assert (get(model, "a") or {})["n"] == {"N": "1"}
    assert model.call("GetItem", {"TableName": MAIN, "Key": key("a")})
    transact(model, add("a"), token="t")
    assert [(spent.read, spent.write) for spent in model.consumed] == [(2.0, 0.0)]
    clock.now += 599
    transact(model, add("a"), token="t")
    assert (get(model, "a") or {})["n"] == {"N": "1"}
    clock.now += 1
    transact(model, add("a"), token="t")
    assert (get(model, "a") or {})["n"] == {"N": "2"}


def test_a_token_is_for_one_transaction_only(model: DynamoDB) -> None:
    transact(model, add("a"), token="t")
    with pytest.raises(ClientError) as caught:
        transact(model, add("a", "2"), token="t")
    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_a_canceled_transaction_leaves_its_token_free(model: DynamoDB) -> None:
    canceled(model, put("a", "attribute_exists(pk)"), token="t")
    transact(model, put("a"))
    transact(model, put("a", "attribute_exists(pk)", x={"S": "new"}), token="t")
    assert (get(model, "a") or {})["x"] == {"S": "new"}


def test_a_caller_may_change_what_it_sent(model: DynamoDB) -> None:
    entry = add("a")
    transact(model, entry, token="t")
    entry["Update"]["ExpressionAttributeValues"][":n"] = {"N": "5"}
    with pytest.raises(ClientError):
        transact(model, entry, token="t")
    item: Item = {**key("b"), "l": {"L": [{"S": "x"}]}}
    model.call("PutItem", {"TableName": MAIN, "Item": item})
    item["l"]["L"].append({"S": "y"})
    assert (get(model, "b") or {})["l"] == {"L": [{"S": "x"}]}


# ---- streams -------------------------------------------------------------------------------


def test_records_as_lambda_gets_them(model: DynamoDB, clock: Clock) -> None:
    model.call("PutItem", {"TableName": MAIN, "Item": {**key("a"), "b": {"B": b"\x00\xff"}}})
    (record,) = model.records(MAIN, 0)
    body = record.pop("dynamodb")
    assert record["eventName"] == "INSERT"
    assert record["eventSource"] == "aws:dynamodb"
    assert f"table/{MAIN}/stream/" in record["eventSourceARN"]
    assert json.loads(json.dumps(body)) == body
    assert body.pop("SequenceNumber").isdigit()
    assert body == {
        "ApproximateCreationDateTime": int(clock.now),
        "Keys": key("a"),
        "NewImage": {**key("a"), "b": {"B": "AP8="}},
        "SizeBytes": 6 + 9,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_a_write_that_changes_nothing_leaves_no_record(model: DynamoDB) -> None:
    item = {**key("a"), "n": {"N": "1"}, "s": {"SS": ["b", "a"]}}
    same = {**key("a"), "n": {"N": "1.0"}, "s": {"SS": ["a", "b"]}}
    model.call("PutItem", {"TableName": MAIN, "Item": item})
    model.call("PutItem", {"TableName": MAIN, "Item": same})
    model.call("DeleteItem", {"TableName": MAIN, "Key": key("none")})
    transact(model, put("b"), add("c"))
    model.call("DeleteItem", {"TableName": MAIN, "Key": key("a")})
    names = [record["eventName"] for record in model.records(MAIN, 0)]
    assert names == ["INSERT", "INSERT", "INSERT", "REMOVE"]
    assert len(model.records(MAIN, 3)) == 1


def test_a_table_without_a_stream_has_no_records() -> None:
    model = DynamoDB(lambda: 0.0)
    model.create_table({**definitions()[1], "StreamSpecification": {"StreamEnabled": False}})
    with pytest.raises(LookupError):
        model.records(PLAIN, 0)


@given(SEEDS)
def test_the_stream_retells_the_table(seed: int) -> None:
    """Its images one after another end in what the table holds."""
    model = new(Clock())
    play(model, Draw(random.Random(seed), (MAIN, PLAIN)), 60)
    retold: dict[str, Any] = {}
    for record in model.records(MAIN, 0):
        body = record["dynamodb"]
        name = json.dumps(body["Keys"])
        assert retold.get(name) == body.get("OldImage")
        retold[name] = body.get("NewImage")
    found = [json.dumps(image, sort_keys=True) for image in retold.values() if image]
    stored = model.call("Scan", {"TableName": MAIN})["Items"]
    texts = json.dumps(stored, default=lambda raw: base64.b64encode(raw).decode())
    assert sorted(found) == sorted(json.dumps(item, sort_keys=True) for item in json.loads(texts))


# ---- snapshots -----------------------------------------------------------------------------


@given(SEEDS)
def test_a_restored_model_is_as_it_was(seed: int) -> None:
    """The same operations after `restore` have the same answers, ids and records included."""
    model, draw = new(Clock()), Draw(random.Random(seed), (MAIN, PLAIN))
    play(model, draw, 30)
    snapshot, state = model.snapshot(), draw.random.getstate()
    tokens = list(draw.tokens)
    first = play(model, draw, 30), model.records(MAIN, 0)
    model.restore(snapshot)
    draw.random.setstate(state)
    draw.tokens = tokens
    assert (play(model, draw, 30), model.records(MAIN, 0)) == first
    other = new(Clock())
    other.restore(snapshot)
    model.restore(snapshot)
    assert rows(other, MAIN) == rows(model, MAIN)


# ---- stale reads ---------------------------------------------------------------------------


def by_index(model: DynamoDB, group: str) -> list[str]:
    return query(
        model,
        IndexName="everything",
        KeyConditionExpression="g = :p",
        ExpressionAttributeValues={":p": {"S": group}},
    )


def test_eventually_consistent_reads_may_be_one_write_behind(model: DynamoDB) -> None:
    asked: list[tuple[str, str]] = []
    transact(model, put("a", n={"N": "1"}, g={"S": "g1"}), put("gone"))
    model.snapshot()

    def stale(table: str, operation: str) -> bool:
        asked.append((table, operation))
        return True

    model.stale = stale
    transact(model, put("a", n={"N": "2"}, g={"S": "g2"}), put("new"))
    model.call("DeleteItem", {"TableName": MAIN, "Key": key("gone")})
    assert (get(model, "a") or {})["n"] == {"N": "1"}
    assert get(model, "new") is None
    assert get(model, "gone") == key("gone")
    assert query(model) == ["a", "gone"]
    assert (by_index(model, "g1"), by_index(model, "g2")) == (["a"], [])
    batch = {"RequestItems": {MAIN: {"Keys": [key("a"), key("new")]}}}
    assert model.call("BatchGetItem", batch)["Responses"][MAIN][0]["n"] == {"N": "1"}
    assert set(asked) == {(MAIN, name) for name in ("GetItem", "Query", "BatchGetItem")}


def test_consistent_reads_and_transactions_are_never_behind(model: DynamoDB) -> None:
    model.stale = lambda table, operation: True
    transact(model, put("a", n={"N": "1"}))
    transact(model, put("a", n={"N": "2"}))
    assert (get(model, "a", ConsistentRead=True) or {})["n"] == {"N": "2"}
    assert query(model, ConsistentRead=True) == ["a"]
    gets = [{"Get": {"TableName": MAIN, "Key": key("a")}}]
    found = model.call("TransactGetItems", {"TransactItems": gets})["Responses"]
    assert found[0]["Item"]["n"] == {"N": "2"}
    entry = put("a", "n = :latest", n={"N": "3"})
    entry["Put"]["ExpressionAttributeValues"] = {":latest": {"N": "2"}}
    transact(model, entry)


def test_what_a_snapshot_holds_is_settled(model: DynamoDB) -> None:
    transact(model, put("a"))
    snapshot = model.snapshot()
    model.stale = lambda table, operation: True
    assert get(model, "a") == key("a")
    transact(model, put("a", n={"N": "1"}))
    model.restore(snapshot)
    assert get(model, "a") == key("a")
