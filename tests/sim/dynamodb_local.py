"""AWS's DynamoDB Local as a peer for the model: started, and asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal
from typing import Any

import boto3
from botocore.config import Config

from infra.bench.tables import dynamodb_local as find_jar
from infra.bench.tables import dynamodb_local_server


def why_absent() -> str | None:
    """Why DynamoDB Local cannot run here; None when it can."""
    if find_jar() is None:
        return "no DynamoDB Local here: `make dynamodb-local` downloads it, it needs Java"
    return None


@contextmanager
def running() -> Iterator[Any]:
    """A boto3 client of a fresh DynamoDB Local in memory."""
    jar = find_jar()
    assert jar
    with dynamodb_local_server(jar) as url:
        yield client("dynamodb", url)


def client(service: str, url: str) -> Any:
    """A client that sends what it is given once, and lets the server judge it."""
    return boto3.client(
        service,
        endpoint_url=url,
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
    return client("dynamodbstreams", dynamodb.meta.endpoint_url)


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
