"""AWS's DynamoDB Local as a peer for the model: found, started on a free port, asked."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

FOLDER = Path(__file__).resolve().parents[2] / ".local" / "dynamodb-local"
_START_SECONDS = 60


def why_absent() -> str | None:
    """Why DynamoDB Local cannot run here; None when it can."""
    if jar() is None:
        return "DynamoDB Local is not here: `make dynamodb-local` downloads it"
    if shutil.which("java") is None:
        return "DynamoDB Local needs Java 17 or later"
    return None


def jar() -> Path | None:
    """Its jar below `.local/dynamodb-local`."""
    return next(iter(sorted(FOLDER.rglob("DynamoDBLocal.jar"))), None)


@contextmanager
def running() -> Iterator[Any]:
    """A boto3 client of a fresh DynamoDB Local in memory."""
    found = jar()
    assert found
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            "java",
            "-Xmx512m",
            f"-Djava.library.path={found.parent / 'DynamoDBLocal_lib'}",
            *("-jar", str(found)),
            *("-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)),
        ],
        cwd=found.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _reached(client("dynamodb", port))
    finally:
        process.terminate()
        process.wait(timeout=20)


def client(service: str, port: int) -> Any:
    """A client that sends what it is given once, and lets the server judge it."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(
            parameter_validation=False,
            account_id_endpoint_mode="disabled",
            retries={"total_max_attempts": 1},
        ),
    )


def streams(dynamodb: Any) -> Any:
    """The client of the same server's streams."""
    return client("dynamodbstreams", int(dynamodb.meta.endpoint_url.rsplit(":", 1)[1]))


def stream_records(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    """All stream records of a table."""
    source = streams(dynamodb)
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    found = []
    for shard in source.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = source.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = source.get_records(ShardIterator=iterator)
            if not page["Records"]:
                break
            found += page["Records"]
            iterator = page.get("NextShardIterator")
    return found


def _reached(dynamodb: Any) -> Any:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            dynamodb.list_tables()
        except EndpointConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return dynamodb


_DIGITS = Context(prec=40)


def tidied(value: Any) -> Any:
    """A peer's answer with its numbers as AWS gives them: DynamoDB Local keeps the zeros of sums
    (2.5 + 2.5 = 5.0) and of numbers in maps and lists, as moto keeps all; AWS trims them (developer
    guide, "DynamoDB item sizes and formats")."""
    if isinstance(value, list):
        return [tidied(element) for element in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"N"} and isinstance(value["N"], str):
        return {"N": format(Decimal(value["N"]).normalize(_DIGITS), "f")}
    return {name: tidied(inner) for name, inner in value.items()}
