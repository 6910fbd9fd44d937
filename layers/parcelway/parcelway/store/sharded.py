"""Reading an index whose entries are spread over shards as the one list that it is."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Sharded:
    """An index by `shard` (0 to `shards` - 1, as text) and `place`, which is unique over all."""

    name: str
    shard: str
    place: str
    shards: int

    def between(
        self, db: Database, table: str, begin: str, end: str, page: int
    ) -> Iterator[dict[str, Any]]:
        """Entries from place `begin` to `end`, in order, read `page` at a time of each shard; none
        when `begin` comes after `end`, which DynamoDB would not take."""
        if begin > end:
            return iter(())
        shards = (self._one(db, table, str(n), begin, end, page) for n in range(self.shards))
        return heapq.merge(*shards, key=lambda item: item[self.place])

    def _one(
        self, db: Database, table: str, shard: str, begin: str, end: str, page: int
    ) -> Iterator[dict[str, Any]]:
        pages = db.client.get_paginator("query").paginate(
            TableName=table,
            IndexName=self.name,
            KeyConditionExpression="#shard = :shard AND #place BETWEEN :begin AND :end",
            ExpressionAttributeNames={"#shard": self.shard, "#place": self.place},
            ExpressionAttributeValues=to_item({":shard": shard, ":begin": begin, ":end": end}),
            PaginationConfig={"PageSize": page},
        )
        return (from_item(item) for found in pages for item in found["Items"])
