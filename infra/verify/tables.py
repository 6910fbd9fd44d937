"""Reading whole tables without eating their capacity, and how careful to be while they change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from parcelway.store.database import Database
from parcelway.store.items import from_item

Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Care:
    """How to look at tables that are in use.

    What was changed less than `grace` ago may still be under way and is not judged. What looks
    broken is looked at again after `pause` seconds. `rate` limits the pages (of up to 1 MB, 256
    read units each) that are read per second; 0 does not.
    """

    grace: timedelta = timedelta()
    pause: float = 0.0
    rate: float = 0.0


AT_REST = Care()  # nothing is under way: everything must be true now
LIVE = Care(timedelta(minutes=30), 5.0, 10.0)


def partitions(db: Database, table: str, care: Care) -> Iterator[tuple[str, Items]]:
    """Every partition with its items in key order, strongly consistent, page by page.

    One that is written while it is read may come in two pieces: what is missing in one makes it
    suspect, and it is then read on its own.
    """
    for pk, group in groupby(_scan(db, table, care), key=lambda item: str(item["pk"])):
        yield pk, list(group)


def _scan(db: Database, table: str, care: Care) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    while True:
        answer = db.client.scan(**request)
        yield from map(from_item, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        if care.rate:
            time.sleep(1 / care.rate)
