"""Laws of the DynamoDB model over time: transactions, tokens, streams, snapshots, stale reads,
and what everything costs."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.sim.dynamodb import Consumed, DynamoDB
from infra.sim.dynamodb.model import rows
from tests.sim.dynamodb_operations import MAIN, PLAIN, Draw, definitions

SEEDS = st.integers(0, 10**6)
Item = dict[str, Any]


class Clock:
    now = 1_700_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(clock: Clock) -> DynamoDB:
    return made(clock)


def made(clock: Clock) -> DynamoDB:
    model = DynamoDB(lambda: clock.now)
    for definition in definitions():
        model.create_table(definition)
    return model


def key(sk: str) -> Item:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def put(sk: str, condition: str = "", **attributes: Any) -> Item:
    given: Item = {"TableName": MAIN, "Item": {**key(sk), **attributes}}
    if condition:
        given["ConditionExpression"] = condition
    return {"Put": given}


def add(sk: str, amount: str = "1") -> Item:
    return {
        "Update": {
            "TableName": MAIN,
            "Key": key(sk),
            "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": amount}},
        }
    }


def transact(model: DynamoDB, *entries: Item, token: str = "") -> None:
    more = {"ClientRequestToken": token} if token else {}
    model.call("TransactWriteItems", {"TransactItems": list(entries), **more})


def canceled(model: DynamoDB, *entries: Item, **more: Any) -> list[Any]:
    with pytest.raises(ClientError) as caught:
        transact(model, *entries, **more)
    response: Any = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    reasons: list[Any] = response["CancellationReasons"]
    return reasons


def get(model: DynamoDB, sk: str, **more: Any) -> Item | None:
    found: Item | None = model.call("GetItem", {"TableName": MAIN, "Key": key(sk), **more}).get(
        "Item"
    )
    return found


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
    model = made(Clock())
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
    model, draw = made(Clock()), Draw(random.Random(seed), (MAIN, PLAIN))
    play(model, draw, 30)
    snapshot, state = model.snapshot(), draw.random.getstate()
    tokens = list(draw.tokens)
    first = play(model, draw, 30), model.records(MAIN, 0)
    model.restore(snapshot)
    draw.random.setstate(state)
    draw.tokens = tokens
    assert (play(model, draw, 30), model.records(MAIN, 0)) == first
    other = made(Clock())
    other.restore(snapshot)
    draw.random.setstate(state)
    draw.tokens = tokens[: len(draw.tokens)]
    model.restore(snapshot)
    assert rows(other, MAIN) == rows(model, MAIN)


# ---- stale reads ---------------------------------------------------------------------------


def query(model: DynamoDB, **more: Any) -> list[str]:
    given = {"TableName": MAIN, "KeyConditionExpression": "pk = :p", **more}
    given.setdefault("ExpressionAttributeValues", {":p": {"S": "p"}})
    return [item["sk"]["S"] for item in model.call("Query", given)["Items"]]


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
    transact(model, put("a", "n = n_before OR attribute_exists(pk)", n={"N": "3"}))


def test_what_a_snapshot_holds_is_settled(model: DynamoDB) -> None:
    transact(model, put("a"))
    snapshot = model.snapshot()
    model.stale = lambda table, operation: True
    assert get(model, "a") == key("a")
    transact(model, put("a", n={"N": "1"}))
    model.restore(snapshot)
    assert get(model, "a") == key("a")


# ---- what it costs -------------------------------------------------------------------------


def spent(model: DynamoDB) -> dict[str, tuple[float, float]]:
    return {found.index: (found.read, found.write) for found in model.consumed}


def sized(sk: str, kilobytes: float, **attributes: Any) -> Item:
    """An item of so many kilobytes, all told."""
    item: Item = {**key(sk), **attributes}
    taken = sum(len(name) + len(value["S"]) for name, value in item.items())
    return {**item, "x": {"S": "x" * (int(kilobytes * 1024) - taken - 1)}}


def test_reads_cost_by_four_kilobytes(model: DynamoDB) -> None:
    for kilobytes, units in ((4, 1.0), (4.001, 2.0), (8, 2.0)):
        model.call("PutItem", {"TableName": MAIN, "Item": sized("a", kilobytes)})
        get(model, "a", ConsistentRead=True)
        assert spent(model) == {"": (units, 0.0)}
        get(model, "a")
        assert spent(model) == {"": (units / 2, 0.0)}
        gets = [{"Get": {"TableName": MAIN, "Key": key("a")}}]
        model.call("TransactGetItems", {"TransactItems": gets})
        assert spent(model) == {"": (units * 2, 0.0)}
    get(model, "none", ProjectionExpression="x")
    assert spent(model) == {"": (0.5, 0.0)}


def test_a_query_costs_the_sum_of_what_it_looks_at(model: DynamoDB) -> None:
    for sk in "abc":
        model.call("PutItem", {"TableName": MAIN, "Item": sized(sk, 2)})
    query(model, ConsistentRead=True)
    assert spent(model) == {"": (2.0, 0.0)}
    query(model, Limit=1)
    assert spent(model) == {"": (0.5, 0.0)}
    query(model, ExpressionAttributeValues={":p": {"S": "none"}})
    assert spent(model) == {"": (0.5, 0.0)}


def test_writes_cost_by_the_larger_of_old_and_new(model: DynamoDB) -> None:
    for kilobytes, units in ((3, 3.0), (1, 3.0), (1, 1.0), (1.5, 2.0)):
        model.call("PutItem", {"TableName": MAIN, "Item": sized("a", kilobytes)})
        assert spent(model) == {"": (0.0, units)}
    transact(model, {"Put": {"TableName": MAIN, "Item": sized("a", 3)}}, put("b"))
    assert spent(model) == {"": (0.0, 2 * 3 + 2.0)}
    model.call("DeleteItem", {"TableName": MAIN, "Key": key("a")})
    assert spent(model) == {"": (0.0, 3.0)}
    model.call("DeleteItem", {"TableName": MAIN, "Key": key("a")})
    assert spent(model) == {"": (0.0, 1.0)}


def test_refused_writes_cost_too(model: DynamoDB) -> None:
    model.call("PutItem", {"TableName": MAIN, "Item": sized("a", 2.5)})
    with pytest.raises(ClientError):
        model.call("PutItem", put("a", "attribute_not_exists(pk)")["Put"])
    assert model.consumed == [Consumed(MAIN, "", 0.0, 3.0)]
    with pytest.raises(ClientError):
        model.call("PutItem", put("none", "attribute_exists(pk)")["Put"])
    assert model.consumed == [Consumed(MAIN, "", 0.0, 1.0)]
    canceled(model, put("b"), put("a", "attribute_not_exists(pk)"))
    assert model.consumed == [Consumed(MAIN, "", 0.0, 2.0 + 6.0)]
    with pytest.raises(ClientError):
        model.call("PutItem", {"TableName": MAIN, "Item": {}})
    assert model.consumed == []


def test_indexes_cost_by_what_changes_in_them(model: DynamoDB) -> None:
    """Developer guide, "Provisioned throughput considerations for global secondary indexes"."""

    def units(item: Item) -> dict[str, float]:
        model.call("PutItem", {"TableName": MAIN, "Item": item})
        return {index: write for index, (_, write) in spent(model).items() if index}

    one, other = {"g": {"S": "g1"}, "h": {"S": "h1"}}, {"g": {"S": "g2"}, "h": {"S": "h1"}}
    assert units(sized("a", 1.5)) == {}  # without the keys
    assert units(sized("a", 1.5, **one)) == {"included": 2.0, "everything": 2.0}  # comes in
    assert units(sized("a", 1.5, **one)) == {}  # stays as it is
    assert units(sized("a", 1.5, **one) | {"y": {"S": ""}}) == {"everything": 2.0}  # not projected
    assert units(sized("a", 1.5, **other)) == {"included": 4.0, "everything": 4.0}  # moves
    assert units(sized("a", 0.5, **other)) == {"included": 2.0, "everything": 2.0}  # in place
    assert units(sized("a", 0.5)) == {"included": 1.0, "everything": 1.0}  # goes


def test_a_transaction_doubles_the_table_and_not_its_indexes(model: DynamoDB) -> None:
    item = sized("a", 1.5, g={"S": "g1"}, h={"S": "h1"})
    transact(model, {"Put": {"TableName": MAIN, "Item": item}})
    assert {index: write for index, (_, write) in spent(model).items()} == {
        "": 4.0,
        "included": 2.0,
        "everything": 2.0,
    }


def test_a_repeated_transaction_costs_reads_of_what_the_first_was_billed_by(
    model: DynamoDB,
) -> None:
    model.call("PutItem", {"TableName": MAIN, "Item": sized("a", 9)})
    delete = {"Delete": {"TableName": MAIN, "Key": key("a")}}
    transact(model, delete, token="t")
    assert spent(model) == {"": (0.0, 18.0)}
    transact(model, delete, token="t")
    assert spent(model) == {"": (6.0, 0.0)}


def test_an_answer_tells_what_was_spent_if_asked(model: DynamoDB) -> None:
    item = {**key("a"), "g": {"S": "g1"}}
    given = {"TableName": MAIN, "Item": item}
    assert "ConsumedCapacity" not in model.call("PutItem", given)
    total = model.call("PutItem", {**given, "ReturnConsumedCapacity": "TOTAL"})
    assert total["ConsumedCapacity"] == {"TableName": MAIN, "CapacityUnits": 1.0}
    model.call("DeleteItem", {"TableName": MAIN, "Key": key("a")})
    detailed = model.call("PutItem", {**given, "ReturnConsumedCapacity": "INDEXES"})
    assert detailed["ConsumedCapacity"] == {
        "TableName": MAIN,
        "CapacityUnits": 2.0,
        "Table": {"CapacityUnits": 1.0},
        "GlobalSecondaryIndexes": {"everything": {"CapacityUnits": 1.0}},
    }


@given(SEEDS)
def test_what_is_answered_is_what_was_spent(seed: int) -> None:
    model, draw = made(Clock()), Draw(random.Random(seed), (MAIN, PLAIN))
    for _ in range(40):
        operation, parameters = draw.operation()
        try:
            answer = model.call(operation, {**parameters, "ReturnConsumedCapacity": "TOTAL"})
        except ClientError:
            continue
        told = answer["ConsumedCapacity"]
        entries = told if isinstance(told, list) else [told]
        units = sum(entry["CapacityUnits"] for entry in entries)
        assert units == sum(found.read + found.write for found in model.consumed) > 0
