"""The tables of template.yaml by themselves: in our model, in moto, in AWS's DynamoDB Local.

For races and measurements of what is read and written, without the rest of the application. The
model is the fast one, but takes one call at a time: it is for virtual time, not for threads.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from moto import mock_aws
from parcelway.store.database import Database

from infra.local.moto_patches import dynamodb, locks
from infra.local.patching import Patches
from infra.local.template import read
from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.client import ModelClient

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".local" / "dynamodb-local"  # where `make dynamodb-local` puts it
_OWNERS = ("Customers", "Catalogue", "Stock", "Orders", "Ledger")
FAKE: Any = {
    "region_name": "eu-central-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}
_CONNECTIONS = Config(max_pool_connections=80)
_START_SECONDS = 60


def container(client: Any) -> Database:
    """The tables with a memory of their own, as each Lambda container has it."""
    return Database(client, *(f"{owner}Table" for owner in _OWNERS))


def in_model() -> ModelClient:
    """A client of empty tables in the model."""
    client = ModelClient(DynamoDB(time.time))
    _create(client)
    return client


@contextmanager
def in_moto() -> Iterator[Any]:
    """A client of empty tables in moto, made exact under threads like the embedded stack's."""
    patches = Patches()
    with mock_aws():
        locks.install(patches)
        dynamodb.install(patches, lambda _table: None)
        try:
            client: Any = boto3.client("dynamodb", config=_CONNECTIONS, **FAKE)
            _create(client)
            yield client
        finally:
            patches.undo()


def dynamodb_local() -> Path | None:
    """DynamoDB Local's jar, None where it (or Java) is not installed."""
    if shutil.which("java") is None:
        return None
    return next(iter(sorted(FOLDER.rglob("DynamoDBLocal.jar"))), None)


@contextmanager
def in_dynamodb_local(jar: Path) -> Iterator[Any]:
    """A client of empty tables in a DynamoDB Local of its own."""
    with dynamodb_local_server(jar) as url:
        client: Any = boto3.client("dynamodb", config=_CONNECTIONS, endpoint_url=url, **FAKE)
        _create(client)
        yield client


@contextmanager
def dynamodb_local_server(jar: Path) -> Iterator[str]:
    """The address of a new, empty DynamoDB Local in memory, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    native = jar.parent / "DynamoDBLocal_lib"
    command = ["java", "-Xmx512m", f"-Djava.library.path={native}", "-jar", str(jar)]
    command += ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    server = subprocess.Popen(  # its own switches only: nothing of this process's proxies
        command,
        cwd=jar.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(boto3.client("dynamodb", endpoint_url=url, **FAKE), server)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait(client: Any, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.list_tables()
            return
        except BotoCoreError:
            if server.poll() is not None or time.monotonic() > until:
                raise
        time.sleep(0.2)


def _create(client: Any) -> None:
    for definition in _definitions():
        if isinstance(client, ModelClient):
            client.model.create_table(definition)
        else:
            client.create_table(**definition)


@cache
def _definitions() -> list[dict[str, Any]]:
    """What CreateTable takes of each table in template.yaml."""
    resources: Mapping[str, Any] = read(ROOT / "template.yaml")["Resources"]
    names = ("KeySchema", "AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes")
    tables = {f"{owner}Table": resources[f"{owner}Table"]["Properties"] for owner in _OWNERS}
    return [
        {"TableName": table, **{name: given[name] for name in names if name in given}}
        for table, given in tables.items()
    ]


def scan(client: Any, table: str) -> Iterator[dict[str, Any]]:
    """Every item of a table, as DynamoDB has it."""
    pages = client.get_paginator("scan").paginate(TableName=table)
    return chain.from_iterable(page["Items"] for page in pages)
