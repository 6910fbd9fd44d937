"""The model with the tables of `dynamodb_items`, and the calls that its tests make."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import strategies as st

from infra.sim.dynamodb import DynamoDB
from tests.sim.dynamodb_items import MAIN, definitions

Item = dict[str, Any]
DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=6, min_value=-1e9, max_value=1e9
)
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


class Clock:
    now = 1_700_000_000.0


def new(clock: Clock | None = None) -> DynamoDB:
    """A model with empty tables, on a clock that stands still unless given."""
    told = clock or Clock()
    model = DynamoDB(lambda: told.now)
    for definition in definitions():
        model.create_table(definition)
    return model


def attempt(model: DynamoDB, operation: str, parameters: dict[str, Any]) -> Any:
    """The answer, or the refusal's own fields."""
    try:
        return model.call(operation, parameters)
    except ClientError as error:
        return error.response


def refused(model: DynamoDB, operation: str, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        model.call(operation, parameters)
    response: dict[str, Any] = caught.value.response
    return response


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


def query(model: DynamoDB, **more: Any) -> list[str]:
    given = {"TableName": MAIN, "KeyConditionExpression": "pk = :p", **more}
    given.setdefault("ExpressionAttributeValues", {":p": {"S": "p"}})
    return [item["sk"]["S"] for item in model.call("Query", given)["Items"]]
