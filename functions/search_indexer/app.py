"""Keeps the search index in line with the tables: streams of catalogue and stock in, segments out.

A record only says which SKU to look at: what is indexed is read from the tables now. So records may
come twice, late or out of order, and batches may be repeated. Invoked with {"action": "rebuild"} it
builds a new index from a scan; so it does by itself when there is none.

Only one may run at a time (reserved concurrency 1); were there two, one would lose the race for the
manifest and start over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain.availability import availability
from parcelway.domain.shop import Node
from parcelway.ports import clock, tantivy_schema
from parcelway.ports.faults import discreet
from parcelway.ports.search import Listing
from parcelway.ports.search_files import IndexFiles, Manifest
from parcelway.ports.search_writer import SearchWriter
from parcelway.store import catalogue
from parcelway.store.catalogue import Stored
from parcelway.store.database import database
from parcelway.store.items import from_item
from parcelway.store.shop import NotSetUp, load_shop
from parcelway.store.stock import read_balances

logger = Logger(service="search_indexer")
db = cache(database)
_CHUNK = 100  # products whose stock is read together


@cache
def writer() -> SearchWriter:
    """This container's copy of the index."""
    bucket = os.environ["SEARCH_BUCKET"]
    return SearchWriter(IndexFiles(aws.client("s3"), bucket, tantivy_schema.SCHEMA_VERSION))


@discreet(logger)
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Index one batch of stream records, or rebuild.

    What fails leaves as an exception: so Lambda halves the batch until the record that cannot be
    indexed is alone. Naming the first record as failed would have the whole batch given up with it.
    """
    if event.get("action") == "rebuild":
        return _told(_rebuild())
    records = event["Records"]
    skus = {sku for record in records if (sku := _affected(record))}
    if not skus:
        return {"batchItemFailures": []}
    manifest = _index(skus, max(_time(record) for record in records))
    logger.info("indexed", skus=len(skus), **_told(manifest))
    return {"batchItemFailures": []}


def _affected(record: Mapping[str, Any]) -> str | None:
    """The SKU whose document a record makes stale, if any."""
    change = record["dynamodb"]
    keys = from_item(change["Keys"])
    if sku := catalogue.sku_of(keys):
        return sku
    pk, sk = str(keys["pk"]), str(keys["sk"])
    if not (pk.startswith("SKU#") and sk.startswith("NODE#")):
        return None
    crossed = _has_stock(change.get("OldImage")) != _has_stock(change.get("NewImage"))
    return pk.removeprefix("SKU#") if crossed else None


def _has_stock(image: Mapping[str, Any] | None) -> bool:
    available = int(((image or {}).get("available") or {}).get("N", 0))
    return available > 0


def _time(record: Mapping[str, Any]) -> datetime:
    """When the change was made, to the second (DynamoDB tells no more)."""
    return datetime.fromtimestamp(float(record["dynamodb"]["ApproximateCreationDateTime"]), UTC)


def _index(skus: Iterable[str], through: datetime) -> Manifest:
    if not writer().published:
        return _rebuild()
    stored = catalogue.get_stored(db(), skus, consistent=True)
    selling = [entry for entry in stored.values() if entry.product.active]
    gone = sorted(set(skus) - {entry.product.sku for entry in selling})
    return writer().update(list(_listings(selling)), gone, through)


def _rebuild() -> Manifest:
    now = clock.now()
    manifest = writer().rebuild(lambda: _listings(catalogue.every(db())), now)
    logger.info("rebuilt", **_told(manifest))
    return manifest


def _listings(stored: Iterable[Stored]) -> Iterator[Listing]:
    nodes = _nodes()
    selling = (entry for entry in stored if entry.product.active)
    while chunk := list(islice(selling, _CHUNK)):
        yield from _with_stock(chunk, nodes)


def _with_stock(chunk: Sequence[Stored], nodes: Mapping[str, Node]) -> Iterator[Listing]:
    keys = [(entry.product.sku, node) for entry in chunk for node in nodes]
    balances = read_balances(db(), keys, consistent=True)
    for entry in chunk:
        state = availability(entry.product.sku, balances, nodes).state
        yield Listing(entry.product, entry.added_at, state != "out_of_stock")


def _nodes() -> Mapping[str, Node]:
    try:
        return load_shop(db()).nodes
    except (
        NotSetUp
    ):  # nothing can be in stock yet; the stock that comes later is told by its stream
        return {}


def _told(manifest: Manifest) -> dict[str, Any]:
    through = manifest.indexed_through.isoformat()
    return {
        "generation": manifest.generation,
        "products": manifest.products,
        "indexed_through": through,
    }
