"""The one list of placed orders, newest first, read from sparse indexes of OrdersTable.

by_channel    listed, listed_at      every placed order, by its channel
by_standing   standing, listed_at    every placed order, by how far it is
by_attention  attention, listed_at   those that somebody has to look at
by_customer   owner, placed_at       those of customers who are known
by_source     feed, changed_at       imported ones by their source, last changed last

The first three are spread over LIST_SHARDS partitions each, so that the newest orders of a sale do
not all go to one. Their attributes ride on the order's own item (store/saving.py): an order and its
place in the list change in one write, and the indexes follow in a moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain.listing import SETTLED, Wanted
from parcelway.domain.order import Order
from parcelway.domain.parties import CHANNELS
from parcelway.store.codec import iso
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.orders import LIST_SHARDS, get_orders, orders_of

MOST_QUERIES = 60  # for one page: what is rare among what it is not is looked for in several
_READ = 25  # entries of one query: 4 KB of them are half a read unit
_READ_FILTERED = 200  # where an index has more than is wanted
_END = "~"  # after every time


def listed(db: Database, wanted: Wanted, limit: int, before: str = "") -> tuple[list[Order], str]:
    """At most `limit` (100) of the orders that are `wanted`, newest first, of those before the
    place `before`, and the place before which to go on; '' when there are no more.

    There may be fewer than `limit`, even none, while there are more to come: nobody looks through
    more than MOST_QUERIES at once. Orders are read as they are now, and left out where an index has
    not heard yet that they are not wanted any more.
    """
    if wanted.customer_id:
        ids, more = _of_customer(db, wanted.customer_id, limit, before)
    else:
        places, more = _newest(_partitions(db, wanted, before), limit)
        ids = [place.partition("#")[2] for place in places]
    orders = get_orders(db, ids) if ids else []
    return [order for order in orders if wanted.matches(order)], more


def _of_customer(db: Database, customer_id: str, limit: int, before: str) -> tuple[list[str], str]:
    """Ids of a customer's orders. Their index is by time alone, so that where it goes on is told by
    the whole key of an entry."""
    at, _, last = before.partition("#")
    key = {"pk": f"ORD#{last}", "sk": "ORDER", "owner": customer_id, "placed_at": at}
    ids, more = orders_of(db, customer_id, limit, key if before else None)
    return ids, f"{more['placed_at']}#{more['pk'].removeprefix('ORD#')}" if more else ""


def changed(
    db: Database, source: str, limit: int, after: str, now: datetime
) -> tuple[list[tuple[str, Order]], str]:
    """At most `limit` (100) of the orders imported from `source` that changed since the place
    `after`, each as it is now and with when it changed last, and the place to go on from.

    Told once they are SETTLED, so that no change which was decided earlier and written later can
    come to stand behind a place from which somebody went on.
    """
    begin = f"{after} "  # the least string behind a place
    values = {":source": source, ":begin": begin, ":end": max(begin, iso(now - SETTLED))}
    answer = db.client.query(
        TableName=db.orders,
        IndexName="by_source",
        KeyConditionExpression="feed = :source AND changed_at BETWEEN :begin AND :end",
        ExpressionAttributeValues=to_item(values),
        Limit=limit,
    )
    places = [item["changed_at"]["S"] for item in answer["Items"]]
    ids = {place.partition("#")[2]: place.partition("#")[0] for place in places}
    orders = get_orders(db, list(ids)) if ids else []
    return [(ids[order.id], order) for order in orders], places[-1] if places else after


class _Partition:
    """One partition of an index, read backwards: every place down to `frontier` was looked at, and
    those that are wanted and not taken yet are `seen`."""

    def __init__(self, db: Database, request: dict[str, Any], below: str) -> None:
        self.seen: deque[str] = deque()
        self.done = False
        self.frontier = below
        self._db, self._request, self._below = db, request, below

    def read(self) -> None:
        """Look at the next entries."""
        answer = self._db.client.query(**self._request)
        places = [item["listed_at"]["S"] for item in answer["Items"]]
        self.seen.extend(place for place in places if place < self._below)
        last = answer.get("LastEvaluatedKey")
        self.done = last is None
        if last is not None:
            self._request["ExclusiveStartKey"] = last
            self.frontier = min(self.frontier, last["listed_at"]["S"])


def _newest(partitions: Sequence[_Partition], limit: int) -> tuple[list[str], str]:
    """The `limit` last places of all partitions together, and the place that all of it is before
    what comes next, '' for nothing."""
    found: list[str] = []
    queries = 0
    while len(found) < limit:
        unread = [each for each in partitions if not each.seen and not each.done]
        front = max((each.frontier for each in unread), default="")
        ahead = max(
            (each for each in partitions if each.seen), key=lambda p: p.seen[0], default=None
        )
        if ahead is not None and ahead.seen[0] >= front:
            found.append(ahead.seen.popleft())
        elif not unread:
            return found, ""
        elif queries == MOST_QUERIES:
            return found, front
        else:
            queries += 1
            next(each for each in unread if each.frontier == front).read()
    more = any(each.seen or not each.done for each in partitions)
    return found, found[-1] if more else ""


def _partitions(db: Database, wanted: Wanted, before: str) -> list[_Partition]:
    """The partitions of the index that has least besides what is wanted."""
    filters: dict[str, tuple[str, str]] = {}
    if wanted.node:
        filters["contains(nodes, :node)"] = (":node", wanted.node)
    if wanted.channel and (wanted.attention or wanted.standing):
        filters["begins_with(listed, :channel)"] = (":channel", f"{wanted.channel}#")
    if wanted.attention and wanted.standing:
        filters["begins_with(standing, :standing)"] = (":standing", f"{wanted.standing}#")
    shards = range(LIST_SHARDS)
    if wanted.attention:
        index, key, names = "by_attention", "attention", [str(n) for n in shards]
    elif wanted.standing:
        index, key, names = "by_standing", "standing", [f"{wanted.standing}#{n}" for n in shards]
    else:
        channels = [wanted.channel] if wanted.channel else CHANNELS
        index, key = "by_channel", "listed"
        names = [f"{channel}#{n}" for channel in channels for n in shards]
    request = _request(db, index, key, filters)
    return [_partition(db, request, name, wanted, before) for name in names]


def _request(
    db: Database, index: str, key: str, filters: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "TableName": db.orders,
        "IndexName": index,
        "ExpressionAttributeNames": {"#partition": key},
        "ExpressionAttributeValues": dict(filters.values()),
        "ScanIndexForward": False,
        "Limit": _READ_FILTERED if filters else _READ,
    }
    return request | {"FilterExpression": " AND ".join(filters)} if filters else request


def _partition(
    db: Database, request: dict[str, Any], name: str, wanted: Wanted, before: str
) -> _Partition:
    below = before or _END
    if wanted.placed_to is not None:
        below = min(below, (wanted.placed_to + timedelta(days=1)).isoformat())
    begin = wanted.placed_from.isoformat() if wanted.placed_from else "0"
    values = {":partition": name, ":begin": begin, ":end": max(begin, below)}
    more = {
        "KeyConditionExpression": "#partition = :partition AND listed_at BETWEEN :begin AND :end",
        "ExpressionAttributeValues": to_item(request["ExpressionAttributeValues"] | values),
    }
    return _Partition(db, request | more, below)
