"""Laws of the DynamoDB model: values, keys, limits, pages. No peer is needed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from infra.sim.dynamodb import DynamoDB, numbers, values
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.model import rows
from tests.sim.dynamodb_items import MAIN, PLAIN, definitions
from tests.sim.dynamodb_model import DECIMALS, KEY, attempt, new, refused
from tests.sim.dynamodb_operations import Draw

SEEDS = st.integers(0, 10**6)


@pytest.fixture
def model() -> DynamoDB:
    return new()


def played(seed: int, count: int = 60) -> DynamoDB:
    """A model after some random operations."""
    model, draw = new(), Draw(random.Random(seed), (MAIN, PLAIN))
    for _ in range(count):
        attempt(model, *draw.operation())
    return model


# ---- numbers and sizes ---------------------------------------------------------------------


@given(DECIMALS, st.integers(0, 5))
def test_a_number_keeps_its_value_and_loses_its_noise(value: Decimal, zeros: int) -> None:
    noisy = f"{value:f}" + ("0" * zeros if "." in f"{value:f}" else "")
    plain, size = numbers.normalised(noisy)
    assert Decimal(plain) == value
    assert numbers.normalised(plain) == (plain, size)
    assert plain == "0" or not plain.lstrip("-").startswith("0") or plain.lstrip("-")[1] == "."
    assert "." not in plain or plain[-1] != "0"


# As DynamoDB Local 3.3.0 counts them in a stream record's SizeBytes.
@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 1),
        ("1", 2),
        ("99", 2),
        ("100", 2),
        ("101", 3),
        ("12345", 4),
        ("-1", 3),
        ("-123", 4),
        ("1.5", 3),
        ("12.5", 3),
        ("0.05", 2),
        ("0.005", 2),
        ("1e10", 2),
        ("1.2e20", 3),
        ("12e20", 2),
        ("1" * 38, 20),
        ("-" + "1" * 38, 21),
    ],
)
def test_sizes_of_numbers(text: str, size: int) -> None:
    assert numbers.normalised(text)[1] == size


@pytest.mark.parametrize(
    "text", ["", "x", "1_000", " 1", "1" * 39, "1e126", "1e-131", "NaN", "Infinity", "١"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(Refused):
        numbers.normalised(text)


def test_the_largest_and_smallest_numbers() -> None:
    assert numbers.normalised("9.9999999999999999999999999999999999999E+125")[0].startswith("99999")
    assert numbers.normalised("-1E-130")[0] == "-0." + "0" * 129 + "1"


@given(DECIMALS, DECIMALS)
def test_sums_are_exact(left: Decimal, right: Decimal) -> None:
    one, two = (numbers.normalised(f"{value:f}")[0] for value in (left, right))
    assert Decimal(numbers.add(one, two)) == left + right
    assert Decimal(numbers.add(one, two, -1)) == left - right


def test_sizes_by_the_developer_guide() -> None:
    item = {
        "é": {"S": "€"},  # 2 + 3
        "b": {"B": b"abc"},  # 1 + 3
        "t": {"BOOL": True},  # 1 + 1
        "m": {"M": {"k": {"L": [{"NULL": True}]}}},  # 1 + 3 + (1 + 1) + 3 + (1 + 1)
        "s": {"SS": ["a", "bb"]},  # 1 + 3
    }
    taken, size = values.take_item(item)
    assert size == 5 + 4 + 2 + 11 + 4
    assert values.size_of(taken) == size


@given(SEEDS)
def test_stored_sizes_are_the_sizes_of_the_items(seed: int) -> None:
    for table in (MAIN, PLAIN):
        for row in rows(played(seed), table):
            assert row.size == values.size_of(row.item)
            assert values.take_item(row.item) == (row.item, row.size)


# ---- keys, limits and what is not known ----------------------------------------------------


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"pk": {"S": "p"}}, "Missing the key sk in the item"),
        ({"pk": {"S": ""}, "sk": {"S": "s"}}, "cannot contain an empty string value. Key: pk"),
        ({"pk": {"N": "1"}, "sk": {"S": "s"}}, "Type mismatch for key pk expected: S actual: N"),
        ({"pk": {"S": "x" * 2049}, "sk": {"S": "s"}}, "maximum size limit of 2048 bytes"),
        ({**KEY, "a": {"S": "x" * 409_600}}, "Item size has exceeded"),
        ({**KEY, "a": {"SS": ["a", "a"]}}, "contains duplicates"),
        ({**KEY, "a": {"NS": []}}, "may not be empty"),
        ({**KEY, "a": {}}, "is empty"),
        ({**KEY, "": {"S": "x"}}, "Empty attribute name"),
        ({**KEY, "n": {"S": "1"}}, "Type mismatch for Index Key n"),
    ],
)
def test_refused_items(model: DynamoDB, item: dict[str, Any], words: str) -> None:
    error = refused(model, "PutItem", TableName=MAIN, Item=item)["Error"]
    assert (error["Code"], words in error["Message"]) == ("ValidationException", True), error


def test_an_item_of_exactly_400_kilobytes_fits(model: DynamoDB) -> None:
    room = 400 * 1024 - len("pkpsks") - len("a")
    model.call("PutItem", {"TableName": MAIN, "Item": {**KEY, "a": {"S": "x" * room}}})
    item = {**KEY, "a": {"S": "x" * (room + 1)}}
    assert "Item size" in refused(model, "PutItem", TableName=MAIN, Item=item)["Error"]["Message"]


def test_number_keys_are_the_same_however_written(model: DynamoDB) -> None:
    model.call("PutItem", {"TableName": PLAIN, "Item": {"id": {"N": "1.0"}}})
    found = model.call("GetItem", {"TableName": PLAIN, "Key": {"id": {"N": "01"}}})
    assert found["Item"] == {"id": {"N": "1"}}


def test_what_the_model_does_not_know_is_loud(model: DynamoDB) -> None:
    with pytest.raises(NotImplementedError):
        model.call("ExecuteStatement", {"Statement": "SELECT * FROM x"})
    with pytest.raises(NotImplementedError):
        model.call("Query", {"TableName": MAIN, "KeyConditions": {}})
    with pytest.raises(ParamValidationError):
        model.call("GetItem", {"TableName": MAIN, "Key": KEY, "Typo": 1})
    with pytest.raises(ParamValidationError):
        model.call("GetItem", {"TableName": MAIN})
    with pytest.raises(ParamValidationError):
        model.call("PutItem", {"TableName": MAIN, "Item": {**KEY, "n": {"N": 1}}})
    with pytest.raises(NotImplementedError):
        new().create_table({**definitions()[0], "TableName": "x", "LocalSecondaryIndexes": [1]})


def test_errors_look_as_botocore_raises_them(model: DynamoDB) -> None:
    response = refused(model, "GetItem", TableName="nowhere", Key=KEY)
    assert response["Error"] == {
        "Message": "Requested resource not found",
        "Code": "ResourceNotFoundException",
    }
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RetryAttempts"] == 0
    answer = model.call("GetItem", {"TableName": MAIN, "Key": KEY})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"] != response["ResponseMetadata"]["RequestId"]


# ---- queries and scans ---------------------------------------------------------------------


def pages(model: DynamoDB, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = model.call(operation, parameters)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


QUERIES: tuple[dict[str, Any], ...] = (
    {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}},
    {
        "KeyConditionExpression": "pk = :p AND sk BETWEEN :a AND :b",
        "ExpressionAttributeValues": {":p": {"S": "q"}, ":a": {"S": "1"}, ":b": {"S": "2"}},
    },
    *(
        {
            "IndexName": index,
            "KeyConditionExpression": "g = :p",
            "ExpressionAttributeValues": {":p": {"S": "g1"}},
        }
        for index in ("included", "keys-only", "everything")
    ),
)


@given(SEEDS, st.integers(1, 4), st.booleans(), st.sampled_from(QUERIES))
def test_pages_are_the_whole_in_order(
    seed: int, limit: int, forward: bool, query: dict[str, Any]
) -> None:
    model = played(seed, 40)
    asked = {"TableName": MAIN, **query}
    (whole,) = pages(model, "Query", **asked)
    paged = list(pages(model, "Query", **asked, Limit=limit, ScanIndexForward=forward))
    items = [item for page in paged for item in page["Items"]]
    assert items == whole["Items"][:: 1 if forward else -1]
    assert all(page["ScannedCount"] == limit for page in paged[:-1])
    assert model.call("Query", {**asked, "Select": "COUNT"})["Count"] == len(items)


@given(SEEDS, st.integers(1, 3), st.integers(1, 3))
def test_segments_of_a_scan_are_the_whole(seed: int, segments: int, limit: int) -> None:
    model = played(seed, 40)
    found: list[Any] = []
    for segment in range(segments):
        asked = {"TableName": MAIN, "Segment": segment, "TotalSegments": segments, "Limit": limit}
        found += [item for page in pages(model, "Scan", **asked) for item in page["Items"]]
    assert sorted(map(repr, found)) == sorted(repr(row.item) for row in rows(model, MAIN))


@given(SEEDS)
def test_an_index_holds_what_has_its_keys(seed: int) -> None:
    """Every item with the keys, in the order of the sort key, reduced to what is projected."""
    model = played(seed)
    kept = {"included": {"pk", "sk", "g", "h", "x"}, "keys-only": {"pk", "sk", "g", "n"}}
    sorted_by = {"included": "h", "keys-only": "n"}
    for index, names in kept.items():
        expected = [
            {name: value for name, value in row.item.items() if name in names}
            for row in rows(model, MAIN)
            if "g" in row.item and sorted_by[index] in row.item
        ]
        found = []
        for group in ("g1", "g2"):
            asked = {
                "IndexName": index,
                "KeyConditionExpression": "g = :p",
                "ExpressionAttributeValues": {":p": {"S": group}},
            }
            items = model.call("Query", {"TableName": MAIN, **asked})["Items"]
            order = [values.orderable(item[sorted_by[index]]) for item in items]
            assert order == sorted(order)
            found += items
        assert sorted(map(str, expected)) == sorted(map(str, found))


def test_a_page_ends_at_one_megabyte(model: DynamoDB) -> None:
    for number in range(5):
        item = {"pk": {"S": "big"}, "sk": {"S": str(number)}, "x": {"S": "x" * 300_000}}
        model.call("PutItem", {"TableName": MAIN, "Item": item})
    asked = {
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "big"}},
    }
    assert [page["Count"] for page in pages(model, "Query", TableName=MAIN, **asked)] == [4, 1]


def test_batches_end_at_their_limits(model: DynamoDB) -> None:
    keys = [{"pk": {"S": "p"}, "sk": {"S": f"{number:03d}"}} for number in range(101)]
    error = refused(model, "BatchGetItem", RequestItems={MAIN: {"Keys": keys}})["Error"]
    assert error["Message"] == "Too many items requested for the BatchGetItem call"
    puts = [{"PutRequest": {"Item": key}} for key in keys]
    error = refused(model, "BatchWriteItem", RequestItems={MAIN: puts[:26]})["Error"]
    assert error["Message"] == "Too many items requested for the BatchWriteItem call"
    for key in keys[:50]:
        item = {**key, "x": {"S": "x" * 400_000}}
        model.call("PutItem", {"TableName": MAIN, "Item": item})
    request: dict[str, Any] = {MAIN: {"Keys": keys[:100], "ConsistentRead": True}}
    found = []
    while request:
        answer = model.call("BatchGetItem", {"RequestItems": request})
        found += [item["sk"]["S"] for item in answer["Responses"].get(MAIN, [])]
        request = answer["UnprocessedKeys"]
        assert not request or request[MAIN]["ConsistentRead"]
    assert found == [f"{number:03d}" for number in range(50)]
