"""The five tables, empty, in moto: what template.yaml declares, as far as the code relies on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws
from parcelway.store.database import Database, database

REGION: Final = "eu-central-1"
TABLES = ("CUSTOMERS", "CATALOGUE", "STOCK", "ORDERS", "LEDGER")
# The indexes of tables: partition and sort key (see store/orders.py, store/catalogue.py and
# store/ledger.py).
INDEXES = {
    "ORDERS": {
        "by_due": ("due_shard", "due_at"),
        "by_customer": ("owner", "placed_at"),
        "by_node": ("queue", "queued_at"),
        "by_debt": ("debt_shard", "debt"),
        "by_channel": ("listed", "listed_at"),
        "by_standing": ("standing", "listed_at"),
        "by_attention": ("attention", "listed_at"),
        "by_source": ("feed", "changed_at"),
    },
    "LEDGER": {"by_period": ("book_shard", "booked")},
    "CATALOGUE": {"by_category": ("shelf", "place")},
}


def table_name(name: str) -> str:
    """The name of a table here, by the stem of its variable."""
    return f"test-{name.lower()}"


@contextmanager
def aws(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Iterator[Database]:
    """Mocked AWS with the tables in it, and the environment that every function has."""
    fixed = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_METRICS_NAMESPACE": "parcelway",
    }
    fixed |= {f"{name}_TABLE": table_name(name) for name in TABLES}
    for name, value in (fixed | environment).items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("dynamodb")
        for name in TABLES:
            create_table(client, name)
        yield database()


def create_table(client: Any, name: str) -> None:
    """One table with pk and sk, and its indexes."""
    indexes = INDEXES.get(name, {})
    attributes = {"pk", "sk", *(key for pair in indexes.values() for key in pair)}
    more: dict[str, Any] = {}
    if indexes:
        more["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _keys(*pair),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, pair in indexes.items()
        ]
    client.create_table(
        TableName=table_name(name),
        KeySchema=_keys("pk", "sk"),
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in sorted(attributes)
        ],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
