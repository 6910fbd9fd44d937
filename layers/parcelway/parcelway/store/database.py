"""The tables by owner, and the client they are reached through."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from botocore.config import Config

from parcelway import aws
from parcelway.store.items import Item, from_item, to_item
from parcelway.values import dataclass

_TABLES = ("CUSTOMERS", "CATALOGUE", "STOCK", "ORDERS", "LEDGER")


@dataclass(frozen=True, slots=True)
class Database:
    """A DynamoDB client and the names of the five tables. `memory` caches what rarely changes."""

    client: Any
    customers: str
    catalogue: str
    stock: str
    orders: str
    ledger: str
    memory: dict[str, Any] = field(default_factory=dict, compare=False, kw_only=True)

    def get(self, table: str, pk: str, sk: str) -> dict[str, Any] | None:
        """One item, strongly consistent; None when there is none."""
        answer = self.client.get_item(
            TableName=table, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def query(
        self, table: str, pk: str, prefix: str = "", *, consistent: bool = True
    ) -> list[dict[str, Any]]:
        """Every item of a partition whose sort key starts with `prefix`, in key order."""
        condition, values = _of_partition(pk, prefix)
        pages = self.client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=consistent,
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def page(
        self,
        table: str,
        pk: str,
        limit: int,
        start: Mapping[str, Any] | None = None,
        *,
        prefix: str = "",
        newest_first: bool = False,
        consistent: bool = False,
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """At most `limit` items of a partition whose sort key starts with `prefix`, after the key
        `start`, and the last one's key when there are more."""
        condition, values = _of_partition(pk, prefix)
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
            "Limit": limit,
        }
        if start is not None:
            request["ExclusiveStartKey"] = to_item(start)
        answer = self.client.query(**request)
        more = answer.get("LastEvaluatedKey")
        return [from_item(item) for item in answer["Items"]], from_item(more) if more else None


def _of_partition(pk: str, prefix: str) -> tuple[str, Item]:
    """A key condition and its values."""
    if prefix:
        return "pk = :pk AND begins_with(sk, :sk)", to_item({":pk": pk, ":sk": prefix})
    return "pk = :pk", to_item({":pk": pk})


def database(config: Config | None = None) -> Database:
    """This function's database, from its environment. Keep it: one per container. `config` is its
    client's.

    Raises KeyError when a table's variable is not set.
    """
    tables = [os.environ[f"{name}_TABLE"] for name in _TABLES]
    return Database(aws.client("dynamodb", config), *tables)
