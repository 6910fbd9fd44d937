"""The model against AWS's DynamoDB Local: the same random operations, the same answers.

`make dynamodb-local` downloads it; without it these tests are skipped. What is known to be wrong
in DynamoDB Local 3.3.0 is listed in `excused` and `capacity_is_comparable`, with the reason.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.reserved import WORDS
from tests.sim import dynamodb_local
from tests.sim.dynamodb_items import MAIN, PLAIN, definitions
from tests.sim.dynamodb_local import tidied
from tests.sim.dynamodb_operations import Draw

absent = dynamodb_local.why_absent()
pytestmark = pytest.mark.skipif(absent is not None, reason=str(absent))

SEEDS = int(os.environ.get("DYNAMODB_SEEDS", "10"))
FIRST_SEED = int(os.environ.get("DYNAMODB_FIRST_SEED", "0"))
OPERATIONS = 80
Outcome = tuple[str, dict[str, Any]]
NOTHING: Outcome = ("answered", {})

# One refusal in the words of AWS and in those of DynamoDB Local: first words of each.
SAME_REFUSALS = (
    (
        "The provided key element does not match the schema",
        "One or more parameter values were invalid: Missing the key",
        "One or more parameter values were invalid: Type mismatch for key",
        "One of the required keys was not given a value",
        "The number of conditions on the keys is invalid",
    ),
    (
        "One or more parameter values were invalid: Type mismatch for Index Key",
        "Invalid attribute value type",
    ),
    (
        "The parameter cannot be converted to a numeric value",
        "A value provided cannot be converted into a number",
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted",
        "ExpressionAttributeValues contains invalid value: A value provided cannot be converted",
    ),
    (
        "The provided starting key is outside query boundaries",
        "The provided starting key does not match the range key predicate",
    ),
    # Which of several faults of one update is told is left open.
    (
        "The document path provided in the update expression is invalid",
        "The provided expression refers to an attribute that does not exist",
        "An operand in the update expression has an incorrect data type",
        "Attempting to store more than 38 significant digits",
        "DynamoDB only supports precision up to 38 digits",
    ),
)


@pytest.fixture(scope="module")
def peer() -> Iterator[Any]:
    with dynamodb_local.running() as client:
        yield client


_numbers = itertools.count()


class Pair:
    """The model and DynamoDB Local with the same tables, asked the same."""

    def __init__(self, peer: Any) -> None:
        suffix = f"-{next(_numbers)}"
        self.peer = peer
        self.model = DynamoDB(lambda: 1_700_000_000.0)
        self.tables = MAIN + suffix, PLAIN + suffix
        for definition in definitions(suffix):
            peer.create_table(**definition)
            self.model.create_table(definition)

    def ask(self, operation: str, parameters: dict[str, Any]) -> tuple[Outcome, Outcome]:
        """The outcome of the model, then that of the peer."""
        kind, answer = outcome(
            lambda: self.peer._make_api_call(operation, copy.deepcopy(parameters))
        )
        return outcome(lambda: self.model.call(operation, parameters)), (kind, tidied(answer))

    def agree(self, operation: str, parameters: dict[str, Any]) -> Outcome:
        """Both answer the same; the model's answer."""
        emptied = self.deletes_nothing(operation, parameters)
        ours, theirs = self.ask(operation, parameters)
        shown = f"{operation} {parameters}\nmodel: {ours}\npeer:  {theirs}"
        if self.ends_later(operation, parameters, ours, theirs):
            ours[1].pop("LastEvaluatedKey")
        if not excused(operation, parameters, ours, theirs):
            unordered = operation == "Scan" or parameters.get("IndexName") == "everything"
            assert comparable(ours, unordered) == comparable(theirs, unordered), shown
        if not emptied and capacity_is_comparable(operation, parameters, ours):
            assert by_table(operation, ours) == by_table(operation, theirs), shown
        return ours

    def ends_later(self, operation: str, parameters: Any, ours: Outcome, theirs: Outcome) -> bool:
        """Whether only the model gives a LastEvaluatedKey, and nothing follows it: both may say so
        (API reference, Query)."""
        if operation != "Query" or "LastEvaluatedKey" not in ours[1].keys() - theirs[1].keys():
            return False
        start = {"ExclusiveStartKey": ours[1]["LastEvaluatedKey"]}
        return not self.model.call("Query", {**parameters, **start})["ScannedCount"]

    def deletes_nothing(self, operation: str, parameters: dict[str, Any]) -> bool:
        """Whether a transaction is to delete an item that is not there. DynamoDB Local then counts
        one unit, AWS two: every item of a transaction costs twice (developer guide)."""
        if operation != "TransactWriteItems":
            return False
        deletes = [entry["Delete"] for entry in parameters["TransactItems"] if "Delete" in entry]
        keys = [{name: entry[name] for name in ("TableName", "Key")} for entry in deletes]
        return any(outcome(lambda k=key: self.model.call("GetItem", k)) == NOTHING for key in keys)

    def close(self) -> None:
        for table in self.tables:
            self.peer.delete_table(TableName=table)


@pytest.fixture
def pair(peer: Any) -> Iterator[Pair]:
    made = Pair(peer)
    yield made
    made.close()


def outcome(call: Callable[[], dict[str, Any]]) -> Outcome:
    try:
        answer = dict(call())
    except ClientError as error:
        response: Any = error.response
        kept = {
            name: response[name] for name in ("CancellationReasons", "Item") if name in response
        }
        return "refused", {**response["Error"], **kept}
    answer.pop("ResponseMetadata")
    return "answered", answer


def comparable(found: Outcome, unordered: bool) -> Any:
    """An outcome without what may differ: orders that DynamoDB does not promise, wordings."""
    kind, answer = found
    answer = dict(answer)
    answer.pop("ConsumedCapacity", None)
    if kind == "refused":
        answer["Message"] = words(answer["Message"])
        for reason in answer.get("CancellationReasons", ()):
            if "Message" in reason:
                reason["Message"] = words(reason["Message"])
        if answer["Code"] == "IdempotentParameterMismatchException":
            answer["Message"] = ""  # DynamoDB Local sends none
    if unordered and "Items" in answer:
        answer["Items"] = sorted(answer["Items"], key=in_words)
    if isinstance(answer.get("Responses"), dict):
        answer["Responses"] = {
            table: sorted(items, key=in_words) for table, items in answer["Responses"].items()
        }
    return kind, sets_sorted(answer)


def words(message: str) -> str:
    """The first words of a message, the same for one refusal in several wordings."""
    for wordings in SAME_REFUSALS:
        if message.startswith(wordings):
            return wordings[0]
    return " ".join(message.rstrip(".").split()[:5])


def in_words(item: Any) -> str:
    return json.dumps(sets_sorted(item), sort_keys=True, default=repr)


def sets_sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [sets_sorted(element) for element in value]
    if isinstance(value, dict):
        return {
            name: sorted(inner) if name in ("SS", "NS", "BS") else sets_sorted(inner)
            for name, inner in value.items()
        }
    return value


def excused(operation: str, parameters: Any, ours: Outcome, theirs: Outcome) -> bool:
    """Whether they differ because DynamoDB Local is wrong.

    Two operations on one item are refused for themselves (API reference, TransactWriteItems);
    DynamoDB Local tries the conditions and the updates first.

    An update that fails on what the item holds cancels a transaction with the reason
    ValidationError (what the service answers is quoted in github.com/aws/aws-sdk-net/issues/1292);
    DynamoDB Local answers a plain ValidationException, whatever the other items' reasons are.
    """
    if "multiple operations on one item" in ours[1].get("Message", ""):
        return theirs[0] == "refused"
    reasons = ours[1].get("CancellationReasons", ())
    failed = [words(reason["Message"]) for reason in reasons if reason["Code"] == "ValidationError"]
    if operation == "TransactWriteItems" and failed:
        told = theirs[1].get("CancellationReasons", ())
        said = [words(reason["Message"]) for reason in told if "Message" in reason]
        return said == failed or words(theirs[1].get("Message", "")) in failed
    return False


def capacity_is_comparable(operation: str, parameters: Any, ours: Outcome) -> bool:
    """Whether DynamoDB Local counts what the call costs as AWS does.

    It answers the capacity of a DeleteItem even if not asked. It counts reads that find nothing
    as free; AWS counts at least one unit (API reference of Query and GetItem). In a transaction it
    counts only one item of each table, and its indexes twice; in a batch it counts deleting nothing
    as two units. AWS counts each item by itself (developer guide, "DynamoDB item sizes and
    formats"), and indexes as outside of a transaction.
    """
    if "ReturnConsumedCapacity" not in parameters or ours[0] == "refused":
        return False
    if operation in ("Query", "Scan"):
        return ours[1]["ScannedCount"] > 0
    if operation == "BatchGetItem":
        asked = {table: len(r["Keys"]) for table, r in parameters["RequestItems"].items()}
        found = {table: len(items) for table, items in ours[1]["Responses"].items()}
        return asked == found
    if operation == "BatchWriteItem":
        (requests,) = parameters["RequestItems"].values()
        return not any("DeleteRequest" in request for request in requests)
    if operation in ("TransactWriteItems", "TransactGetItems"):
        tables = [next(iter(e.values()))["TableName"] for e in parameters["TransactItems"]]
        detailed = parameters["ReturnConsumedCapacity"] == "INDEXES"  # so that by_table can tell
        return detailed and len(tables) == len(set(tables))
    return True


def by_table(operation: str, found: Outcome) -> Any:
    """The capacity answered; of a transaction only what the tables cost, without their indexes."""
    capacity = found[1].get("ConsumedCapacity")
    if not isinstance(capacity, list):
        return capacity
    if operation.startswith("Transact"):
        capacity = [{name: entry[name] for name in ("TableName", "Table")} for entry in capacity]
    return sorted(capacity, key=lambda entry: str(entry["TableName"]))


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_random_operations_have_the_same_outcome(pair: Pair, seed: int) -> None:
    draw = Draw(random.Random(seed), pair.tables)
    for number in range(OPERATIONS):
        operation, parameters = draw.operation()
        try:
            _, answer = pair.agree(operation, parameters)
        except AssertionError as error:
            pytest.fail(f"seed {seed}, operation {number}: {error}", pytrace=False)
        if "LastEvaluatedKey" in answer and operation == "Query":
            pair.agree(operation, {**parameters, "ExclusiveStartKey": answer["LastEvaluatedKey"]})
    for table in pair.tables:
        pair.agree("Scan", {"TableName": table})
        ours = in_items(pair.model.records(table, 0))
        theirs = in_items(tidied(dynamodb_local.stream_records(pair.peer, table)))
        assert ours.keys() == theirs.keys(), f"seed {seed}"
        for key, records in ours.items():
            for number, record in enumerate(records):
                assert record == theirs[key][number], f"seed {seed}, record {number} of {key}"
            assert len(records) == len(theirs[key]), f"seed {seed}, records of {key}"


def record_of(record: dict[str, Any]) -> Any:
    """What a stream record says, in a form that both have; botocore reads `{"M": {}}` as `{}`."""
    body = {
        name: record["dynamodb"].get(name)
        for name in ("Keys", "NewImage", "OldImage", "SizeBytes", "StreamViewType")
    }
    return record["eventName"], sets_sorted(binary_as_text(body))


def binary_as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [binary_as_text(element) for element in value]
    if value == {"M": {}}:
        return {}
    if isinstance(value, dict):
        return {name: binary_as_text(inner) for name, inner in value.items()}
    return value


def in_items(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Records by item, in order."""
    found: dict[str, list[Any]] = {}
    for record in records:
        key = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
        found.setdefault(key, []).append(record_of(record))
    return found


def test_reserved_words(pair: Pair) -> None:
    documented = {"CONVERT", "SIZE"}  # in the guide's list, let through by DynamoDB Local
    near = {word + "X" for word in WORDS} | {"SKU", "PK", "SK", "VERSION", "RESERVED", "OWNER"}
    for word in sorted((WORDS | near) - documented):
        for text in (word, word.lower()):
            pair.agree(
                "GetItem",
                {
                    "TableName": pair.tables[1],
                    "Key": {"id": {"N": "1"}},
                    "ProjectionExpression": text,
                },
            )
