"""The sample shop in our model of DynamoDB, and copies of it in any number."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

from parcelway.ports import secret_values
from parcelway.store.database import Database

from infra.bench.journey import CUSTOMER, LINES
from infra.bench.start import environment
from infra.bench.tables import container, in_model
from infra.bench.wire import dumps, loads
from infra.cli.load import load
from infra.local.application import SAMPLE_FILES
from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.client import ModelClient

_PAGE = 30  # orders, more than the 20 that a list shows at once
_KINDS = ("ORDER", "SHP#")  # of an order's items: those that indexes lead to


# What the template gives a shop that has answered nothing else: no tax engine is asked.
_OF_THE_STACK = {"STOREFRONT_ORIGIN": "*", "TAX_ENGINE": ""}


@contextmanager
def shop() -> Iterator[Database]:
    """The tables with the sample data, and the environment that handlers look at."""
    before = dict(os.environ)
    os.environ.update(environment() | {"PATH": before.get("PATH", ""), **_OF_THE_STACK})
    secret_values.forget()
    try:
        db = container(in_model())
        load(db, SAMPLE_FILES, io.StringIO())
        yield db
    finally:
        secret_values.forget()
        os.environ.clear()
        os.environ.update(before)


def model_of(db: Database) -> DynamoDB:
    """The model behind a database of `shop`."""
    client = db.client
    assert isinstance(client, ModelClient)
    return client.model


def populate(db: Database, order_id: str, wanted: int) -> None:
    """Add `wanted` orders like one there is, each of a customer of its own, as many customers and
    as many products with stock like the first of the sample's. Every tenth order is the benchmark
    customer's, and so many more that each list has a full page."""
    model = model_of(db)
    orders = [
        item for item in db.query(db.orders, f"ORD#{order_id}") if item["sk"].startswith(_KINDS)
    ]
    texts = [dumps(each) for each in _stored(model, db.orders, orders)]
    (owner,) = {item["owner"] for item in orders if "owner" in item}
    sku = LINES[0][0]
    product = dumps(_get(model, db.catalogue, f"SKU#{sku}", "PRODUCT"))
    balances = [
        dumps(each) for each in _stored(model, db.stock, db.query(db.stock, f"SKU#{sku}")[:2])
    ]
    for number in range(wanted):
        other = owner if number % 10 == 0 or number < _PAGE else f"cus_{number:022d}"
        for text in texts:
            copy = text.replace(order_id, f"ord_copy{number:018d}").replace(owner, other)
            _put(model, db.orders, copy)
        _put(model, db.catalogue, product.replace(sku, f"CP-{number}"))
        for balance in balances:
            _put(model, db.stock, balance.replace(sku, f"CP-{number}"))
        customer = {"pk": {"S": f"CUS#{number}"}, "sk": {"S": "CUSTOMER"}, "of": {"S": CUSTOMER}}
        model.call("PutItem", {"TableName": db.customers, "Item": customer})


def _stored(
    model: DynamoDB, table: str, items: list[dict[str, str]]
) -> Iterator[dict[str, object]]:
    return (_get(model, table, item["pk"], item["sk"]) for item in items)


def _get(model: DynamoDB, table: str, pk: str, sk: str) -> dict[str, object]:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    item: dict[str, object] = model.call("GetItem", {"TableName": table, "Key": key})["Item"]
    return item


def _put(model: DynamoDB, table: str, item: str) -> None:
    model.call("PutItem", {"TableName": table, "Item": loads(item)})
