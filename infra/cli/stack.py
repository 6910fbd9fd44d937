"""Which tables a command works on: those of a deployed stack, or those the environment names."""

from __future__ import annotations

import argparse
import os

import boto3
from parcelway.store.database import Database, database

_TABLES = ("Customers", "Catalogue", "Stock", "Orders", "Ledger")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The option that names the stack."""
    parser.add_argument(
        "--stack",
        metavar="NAME",
        help="CloudFormation stack whose tables to use; without it the environment variables "
        "CUSTOMERS_TABLE, CATALOGUE_TABLE, STOCK_TABLE, ORDERS_TABLE and LEDGER_TABLE tell",
    )


def open_database(stack: str | None) -> Database:
    """The tables. Raises SystemExit with the reason when they are not known."""
    if stack:
        return _of_stack(stack)
    missing = [name for name in map(_variable, _TABLES) if name not in os.environ]
    if missing:
        raise SystemExit(f"parcelway: name a --stack, or set {', '.join(missing)}")
    return database()


def resources(stack: str) -> dict[str, str]:
    """A stack's resources: their physical by their logical ids."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources")
    return {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
        for page in pages.paginate(StackName=stack)
        for resource in page["StackResourceSummaries"]
    }


def _of_stack(stack: str) -> Database:
    names = resources(stack)
    missing = [f"{table}Table" for table in _TABLES if not names.get(f"{table}Table")]
    if missing:
        raise SystemExit(f"parcelway: the stack {stack} has no {', '.join(missing)}")
    return Database(boto3.client("dynamodb"), *(names[f"{table}Table"] for table in _TABLES))


def _variable(table: str) -> str:
    return f"{table.upper()}_TABLE"
