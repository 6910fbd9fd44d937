"""Reading a table's stream straight from moto, under its lock."""

from __future__ import annotations

import json
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.utilities import dynamo_json_dump

from infra.local.moto_patches import locks


class Stream:
    """One table's stream: a single shard whose records are numbered from 0."""

    def __init__(self, table: str, account: str, region: str) -> None:
        self._table = dynamodb_backends[account][region].get_table(table)
        self.table = table
        self.region = region
        self.arn = f"{self._table.table_arn}/stream/{self._table.latest_stream_label}"
        assert self._table.stream_shard is not None
        self._shard = self._table.stream_shard
        self.shard_id = self._shard.id

    def length(self) -> int:
        with locks.dynamodb:
            return len(self._shard.items)

    def read(self, start: int, count: int) -> list[dict[str, Any]]:
        """Records as a Lambda event holds them (DynamoDB JSON, times in seconds)."""
        with locks.dynamodb:
            records = self._shard.items[start : start + count]
            texts = [dynamo_json_dump(record.to_json()) for record in records]
        found = [json.loads(text) for text in texts]
        for record in found:
            record["awsRegion"] = self.region
            record["eventSourceARN"] = self.arn
        return found
