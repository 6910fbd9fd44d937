"""What the DynamoDB model bills: capacity units of every call, refused ones too."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.sim.dynamodb import Consumed, DynamoDB
from tests.sim.dynamodb_items import MAIN, PLAIN
from tests.sim.dynamodb_model import Clock, Item, canceled, get, key, new, put, query, transact
from tests.sim.dynamodb_operations import Draw

SEEDS = st.integers(0, 10**6)


@pytest.fixture
def model() -> DynamoDB:
    return new()


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
    model, draw = new(Clock()), Draw(random.Random(seed), (MAIN, PLAIN))
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
