"""Laws of the DynamoDB model: conditions and updates. No peer is needed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.model import rows
from tests.sim.dynamodb_items import MAIN
from tests.sim.dynamodb_model import DECIMALS, KEY, attempt, new, refused


@pytest.fixture
def model() -> DynamoDB:
    return new()


# ---- conditions ----------------------------------------------------------------------------


def holds(model: DynamoDB, condition: str, **named: Any) -> bool:
    """Whether a condition holds for the item of KEY."""
    check = {"TableName": MAIN, "Key": KEY, "ConditionExpression": condition}
    if named:
        check["ExpressionAttributeValues"] = {f":{name}": value for name, value in named.items()}
    try:
        model.call("TransactWriteItems", {"TransactItems": [{"ConditionCheck": check}]})
    except ClientError as error:
        (reason,) = error.response["CancellationReasons"]  # type: ignore[typeddict-item]
        assert reason["Code"] == "ConditionalCheckFailed"
        return False
    return True


@given(DECIMALS, DECIMALS)
def test_numbers_compare_as_numbers(left: Decimal, right: Decimal) -> None:
    model = new()
    model.call("PutItem", {"TableName": MAIN, "Item": {**KEY, "v": {"N": f"{left:f}"}}})
    other = {"N": f"{right:f}"}
    assert holds(model, "v < :o", o=other) == (left < right)
    assert holds(model, "v <= :o", o=other) == (left <= right)
    assert holds(model, "v = :o", o=other) == (left == right)
    assert holds(model, "v <> :o", o=other) == (left != right)
    assert holds(model, "v > :o", o=other) == (left > right)
    assert holds(model, "v BETWEEN :o AND :o", o=other) == (left == right)


@given(st.booleans(), st.booleans(), st.booleans())
def test_and_binds_tighter_than_or(one: bool, two: bool, three: bool) -> None:
    model = new()
    item = {**KEY, "a": {"BOOL": one}, "b": {"BOOL": two}, "c": {"BOOL": three}}
    model.call("PutItem", {"TableName": MAIN, "Item": item})
    true = {"BOOL": True}
    assert holds(model, "a = :t OR b = :t AND c = :t", t=true) == (one or (two and three))
    assert holds(model, "(a = :t OR b = :t) AND c = :t", t=true) == ((one or two) and three)
    assert holds(model, "NOT a = :t AND b = :t", t=true) == ((not one) and two)


def test_what_is_missing_is_unequal_to_all_and_in_no_order(model: DynamoDB) -> None:
    value = {"N": "1"}
    assert holds(model, "attribute_not_exists(pk)")
    assert holds(model, "v <> :o", o=value)
    for operator in ("=", "<", "<=", ">", ">="):
        assert not holds(model, f"v {operator} :o", o=value)
        assert not holds(model, f"size(v) {operator} :o", o=value)


def test_functions_look_at_types(model: DynamoDB) -> None:
    item = {
        **KEY,
        "s": {"S": "abc"},
        "l": {"L": [{"N": "1"}, {"SS": ["b", "a"]}]},
        "ns": {"NS": ["1.0", "2"]},
        "m": {"M": {"k": {"L": [{"S": "deep"}]}}},
    }
    model.call("PutItem", {"TableName": MAIN, "Item": item})
    assert holds(model, "begins_with(s, :v)", v={"S": "ab"})
    assert holds(model, "contains(s, :v)", v={"S": "bc"})
    assert holds(model, "contains(l, :v)", v={"SS": ["a", "b"]})
    assert holds(model, "contains(ns, :v)", v={"N": "1"})
    assert not holds(model, "contains(ns, :v)", v={"S": "1"})
    assert holds(model, "m.k[0] IN (:w, :v)", w={"S": "no"}, v={"S": "deep"})
    assert not holds(model, "m.k[1] = :v", v={"S": "deep"})
    assert holds(model, "attribute_type(m.k, :v)", v={"S": "L"})
    assert holds(model, "size(s) = :v AND size(l) < :v", v={"N": "3"})


def test_a_compiled_expression_is_compiled_once_for_each_meaning(model: DynamoDB) -> None:
    """The same text with other names is another expression."""
    model.call("PutItem", {"TableName": MAIN, "Item": {**KEY, "x": {"S": "1"}}})
    for name, expected in (("x", True), ("y", False), ("x", True)):
        given = {
            "TableName": MAIN,
            "Key": KEY,
            "UpdateExpression": "SET seen = :v",
            "ConditionExpression": "attribute_exists(#a)",
            "ExpressionAttributeNames": {"#a": name},
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        }
        answer = attempt(model, "UpdateItem", given)
        assert ("Error" not in answer) == expected


# ---- updates -------------------------------------------------------------------------------


def updated(model: DynamoDB, expression: str, **named: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"TableName": MAIN, "Key": KEY, "UpdateExpression": expression}
    if named:
        given["ExpressionAttributeValues"] = {f":{name}": value for name, value in named.items()}
    answer = model.call("UpdateItem", {**given, "ReturnValues": "ALL_NEW"})
    found: dict[str, Any] = answer["Attributes"]
    return {name: value for name, value in found.items() if name not in KEY}


def test_an_update_reads_the_item_as_it_was(model: DynamoDB) -> None:
    updated(model, "SET a = :one, b = :two", one={"N": "1"}, two={"N": "2"})
    assert updated(model, "SET a = b, b = a") == {"a": {"N": "2"}, "b": {"N": "1"}}


def test_lists_grow_at_the_end_and_close_up(model: DynamoDB) -> None:
    letters = [{"S": letter} for letter in "abcde"]
    updated(model, "SET l = :l", l={"L": letters})
    found = updated(
        model, "SET l[9] = :y, l[7] = :x, l[1] = :z REMOVE l[0], l[3]",
        x={"S": "x"}, y={"S": "y"}, z={"S": "z"},
    )  # fmt: skip
    assert [element["S"] for element in found["l"]["L"]] == ["z", "c", "e", "x", "y"]


def test_sets_join_and_vanish(model: DynamoDB) -> None:
    assert updated(model, "ADD s :s", s={"SS": ["b", "a"]}) == {"s": {"SS": ["a", "b"]}}
    assert updated(model, "ADD s :s", s={"SS": ["c"]}) == {"s": {"SS": ["a", "b", "c"]}}
    assert updated(model, "DELETE s :s", s={"SS": ["a", "x"]}) == {"s": {"SS": ["b", "c"]}}
    assert updated(model, "DELETE s :s", s={"SS": ["b", "c"]}) == {}


def test_nothing_is_changed_in_place(model: DynamoDB) -> None:
    """An answer given before an update still says what was."""
    updated(model, "SET m = :m, l = :l", m={"M": {"a": {"N": "1"}}}, l={"L": [{"N": "1"}]})
    before = model.call("GetItem", {"TableName": MAIN, "Key": KEY})["Item"]
    copied = {name: repr(value) for name, value in before.items()}
    updated(model, "SET m.a = :v, l[0] = :v, m.b = :v, l[1] = :v", v={"N": "2"})
    assert {name: repr(value) for name, value in before.items()} == copied
    before["m"] = {"S": "the caller's own"}
    assert model.call("GetItem", {"TableName": MAIN, "Key": KEY})["Item"]["m"]["M"]["b"]


@pytest.mark.parametrize(
    ("expression", "named", "words"),
    [
        ("SET pk = :v", {"v": {"S": "q"}}, "Cannot update attribute pk"),
        ("SET a = b", {}, "refers to an attribute that does not exist"),
        ("SET a.b = :v", {"v": {"S": "q"}}, "document path provided in the update expression"),
        ("SET a = :v, a = :v", {"v": {"S": "q"}}, "Two document paths overlap"),
        ("SET status = :v", {"v": {"S": "q"}}, "reserved keyword: status"),
        ("SET a = :v", {}, "attribute value: :v"),
        ("SET a = :v", {"v": {"N": "1"}, "w": {"N": "1"}}, "unused in expressions: keys: {:w}"),
        ("SET a = :v + :v", {"v": {"S": "1"}}, "Incorrect operand type"),
        ("SET g = :v", {"v": {"N": "1"}}, "Type mismatch for Index Key g Expected: S Actual: N"),
        ("SET g = :v", {"v": {"S": ""}}, "secondary index key is not supported"),
        ("ADD a :v", {"v": {"S": "1"}}, "operator: ADD, operand type: STRING"),
        ("SET a = :v SET b = :v", {"v": {"S": "1"}}, 'The "SET" section can only be used once'),
        ("a = :v", {"v": {"S": "1"}}, "Syntax error"),
        ("", {}, "The expression can not be empty"),
        ("SET a = :v", {"v": {"S": "x" * 409_600}}, "exceeded the maximum allowed size"),
    ],
)
def test_refused_updates(
    model: DynamoDB, expression: str, named: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {"TableName": MAIN, "Key": KEY, "UpdateExpression": expression}
    if named:
        given["ExpressionAttributeValues"] = {f":{name}": value for name, value in named.items()}
    error = refused(model, "UpdateItem", **given)["Error"]
    assert error["Code"] == "ValidationException"
    assert words in error["Message"]
    assert rows(model, MAIN) == []
