"""Reading and writing many items in as few calls as DynamoDB allows."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from parcelway.store.commit import ATTEMPTS, Busy
from parcelway.store.items import from_item, to_item

_MOST = 100  # BatchGetItem takes no more keys in one call
_MOST_WRITES = 25  # BatchWriteItem takes no more in one call


def get_many(
    client: Any, keys: Sequence[tuple[str, str, str]], *, consistent: bool = False
) -> list[tuple[str, dict[str, Any]]]:
    """The items that exist among `keys` (table, pk, sk), each with its table, in any order.

    Reads are eventually consistent unless asked: whoever decides on them commits under
    conditions. Raises Busy when DynamoDB keeps leaving keys unprocessed.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    for start in range(0, len(keys), _MOST):
        found += _get(client, list(dict.fromkeys(keys[start : start + _MOST])), consistent)
    return found


def _get(
    client: Any, keys: Sequence[tuple[str, str, str]], consistent: bool
) -> list[tuple[str, dict[str, Any]]]:
    request: dict[str, Any] = {}
    for table, pk, sk in keys:
        wanted = request.setdefault(table, {"Keys": [], "ConsistentRead": consistent})
        wanted["Keys"].append(to_item({"pk": pk, "sk": sk}))
    found = []
    for attempt in range(ATTEMPTS):
        answer = client.batch_get_item(RequestItems=request)
        for table, items in answer["Responses"].items():
            found += [(table, from_item(item)) for item in items]
        request = answer.get("UnprocessedKeys") or {}
        if not request:
            return found
        time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
    raise Busy


def put(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item (plain values) to be put by `write_many`."""
    return {"PutRequest": {"Item": to_item(item)}}


def delete(key: Mapping[str, Any]) -> dict[str, Any]:
    """A primary key to be deleted by `write_many`."""
    return {"DeleteRequest": {"Key": to_item(key)}}


def write_many(client: Any, table: str, changes: Sequence[dict[str, Any]]) -> None:
    """Put and delete whole items, unconditionally: the last word wins and repeating is harmless.

    No two of the changes may be of one key. Raises Busy when DynamoDB keeps refusing.
    """
    for start in range(0, len(changes), _MOST_WRITES):
        request: dict[str, Any] = {table: list(changes[start : start + _MOST_WRITES])}
        for attempt in range(ATTEMPTS):
            answer = client.batch_write_item(RequestItems=request)
            request = answer.get("UnprocessedItems") or {}
            if not request:
                break
            time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
        else:
            raise Busy
