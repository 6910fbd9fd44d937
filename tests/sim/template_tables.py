"""The tables of template.yaml, with their streams, for the model and for moto."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws
from parcelway.store.database import Database

from infra.local.moto_patches import dynamodb
from infra.local.patching import Patches
from infra.local.template import read

REGION = "eu-central-1"
_TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


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


@contextmanager
def in_moto() -> Iterator[Any]:
    """A client of the tables in moto, patched as infra/local does."""
    patches = Patches()
    with mock_aws():
        dynamodb.install(patches, lambda table: None)
        try:
            client = boto3.client(
                "dynamodb",
                region_name=REGION,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )
            for definition in definitions().values():
                client.create_table(**definition)
            yield client
        finally:
            patches.undo()


def contents(db: Database) -> dict[str, list[Any]]:
    """Every item of every table, in order of keys."""
    found = {}
    for table in (db.customers, db.catalogue, db.stock, db.orders, db.ledger):
        pages = db.client.get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"]]
        found[table] = sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    return found
