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
from parcelway.domain.availability import BROWSED, Outlets, State, availability, outlets
from parcelway.ports import clock, tantivy_schema
from parcelway.ports.faults import discreet
from parcelway.ports.search import Listing, Stocked
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
    before, now = change.get("OldImage") or {}, change.get("NewImage") or {}
    return pk.removeprefix("SKU#") if _has(before) != _has(now) else None


def _has(image: Mapping[str, Any]) -> tuple[bool, bool, Any]:
    """What must change before it can matter: whether there are units, whether there are or will
    be, and what is expected when."""
    available = int(image.get("available", {}).get("N", 0))
    expected = from_item({"supplies": image.get("supplies", {"L": []})})["supplies"]
    coming = sum(supply["quantity"] for supply in expected)
    return available > 0, available + coming > 0, expected


def _time(record: Mapping[str, Any]) -> datetime:
    """When the change was made, to the second (DynamoDB tells no more)."""
    return datetime.fromtimestamp(float(record["dynamodb"]["ApproximateCreationDateTime"]), UTC)


def _index(skus: Iterable[str], through: datetime) -> Manifest:
    if not writer().published:
        return _rebuild()
    stored = catalogue.get_stored(db(), skus, consistent=True)
    kits = {kit for entry in stored.values() for kit in entry.in_kits} - stored.keys()
    if kits:  # what there is of them follows from what there is of their components
        stored |= catalogue.get_stored(db(), kits, consistent=True)
    selling = [entry for entry in stored.values() if entry.product.active]
    gone = sorted(set(skus) - {entry.product.sku for entry in selling})
    return writer().update(list(_listings(selling)), gone, through)


def _rebuild() -> Manifest:
    now = clock.now()
    manifest = writer().rebuild(lambda: _listings(catalogue.every(db())), now)
    logger.info("rebuilt", **_told(manifest))
    return manifest


def _listings(stored: Iterable[Stored]) -> Iterator[Listing]:
    among, now = _outlets(), clock.now()
    selling = (entry for entry in stored if entry.product.active)
    while chunk := list(islice(selling, _CHUNK)):
        yield from _with_stock(chunk, among, now)


def _with_stock(chunk: Sequence[Stored], among: Outlets, now: datetime) -> Iterator[Listing]:
    products = {entry.product.sku: entry.product for entry in chunk}
    parts = {part for product in products.values() for part in product.components}
    if missing := parts - products.keys():
        products |= catalogue.get_many(db(), missing)
    balances = read_balances(db(), among.keys(products), consistent=True)
    for entry in chunk:
        state = availability(entry.product, balances, among, now, products).state
        yield Listing(entry.product, entry.added_at, _stocked(state))


def _stocked(state: State) -> Stocked:
    return "in_stock" if state == "low_stock" else state


def _outlets() -> Outlets:
    try:
        return outlets(load_shop(db()), BROWSED)
    except (
        NotSetUp
    ):  # nothing can be in stock yet; the stock that comes later is told by its stream
        return Outlets()


def _told(manifest: Manifest) -> dict[str, Any]:
    through = manifest.indexed_through.isoformat()
    return {
        "generation": manifest.generation,
        "products": manifest.products,
        "indexed_through": through,
    }
