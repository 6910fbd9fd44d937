"""The tables of template.yaml in the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parcelway.store.database import Database

from infra.local.template import read

_TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
OWNERS = ("Customers", "Catalogue", "Stock", "Orders", "Ledger")


def definitions() -> dict[str, dict[str, Any]]:
    """The tables that template.yaml declares, by logical id, as CreateTable takes them."""
    found = {}
    for name, resource in read(_TEMPLATE)["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            given: Mapping[str, Any] = resource["Properties"]
            kept = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
            found[name] = {"TableName": name} | {key: given[key] for key in kept if key in given}
            if "StreamSpecification" in given:
                view = given["StreamSpecification"]["StreamViewType"]
                stream = {"StreamEnabled": True, "StreamViewType": view}
                found[name]["StreamSpecification"] = stream
    return found


def database(client: Any) -> Database:
    """The five tables, reached through `client`."""
    return Database(client, *(f"{owner}Table" for owner in OWNERS))


def contents(db: Database) -> dict[str, list[Any]]:
    """Every item of every table, in order of keys."""
    found = {}
    for table in (db.customers, db.catalogue, db.stock, db.orders, db.ledger):
        pages = db.client.get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"]]
        found[table] = sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    return found
