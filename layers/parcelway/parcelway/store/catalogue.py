"""CatalogueTable's products: `pk=SKU#<sku> sk=PRODUCT`, the fields of Product and `added_at`.

`added_at` is when the shop first listed the SKU (ISO 8601 UTC); it orders "newest first" and is no
part of what an order needs to know of a product.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from parcelway.domain.catalogue import Product
from parcelway.store import batches, codec
from parcelway.store.commit import ATTEMPTS, Busy
from parcelway.store.database import Database
from parcelway.store.items import Item, from_item, to_item
from parcelway.values import dataclass

PRODUCT = "PRODUCT"
_MOST_WRITES = 25  # BatchWriteItem takes no more in one call


@dataclass(frozen=True, slots=True)
class Stored:
    """A product as the table has it."""

    product: Product
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an upsert did, in numbers of products."""

    added: int
    changed: int
    unchanged: int


def key(sku: str) -> dict[str, str]:
    """The primary key of a product."""
    return {"pk": f"SKU#{sku}", "sk": PRODUCT}


def sku_of(keys: Mapping[str, Any]) -> str | None:
    """The SKU of a primary key (plain values), None when it is not a product's."""
    pk = str(keys.get("pk", ""))
    return pk.removeprefix("SKU#") if keys.get("sk") == PRODUCT and pk[:4] == "SKU#" else None


def to_stored(values: Mapping[str, Any]) -> Stored:
    """A product from its item (plain values). Raises KeyError or TypeError when it is not one."""
    fields = {name: value for name, value in values.items() if name not in ("pk", "sk", "added_at")}
    return Stored(codec.decode(Product, fields), datetime.fromisoformat(values["added_at"]))


def from_stored(stored: Stored) -> dict[str, Any]:
    """A product as its item (plain values)."""
    values: dict[str, Any] = codec.encode(stored.product)
    return key(stored.product.sku) | values | {"added_at": codec.iso(stored.added_at)}


def get_many(db: Database, skus: Iterable[str]) -> dict[str, Product]:
    """The products that exist among `skus`, inactive ones too, by SKU. Raises Busy."""
    stored = get_stored(db, skus)
    return {sku: entry.product for sku, entry in stored.items()}


def get_stored(db: Database, skus: Iterable[str], *, consistent: bool = False) -> dict[str, Stored]:
    """Like `get_many`, with what the table knows besides the product."""
    keys = [(db.catalogue, f"SKU#{sku}", PRODUCT) for sku in dict.fromkeys(skus)]
    found = batches.get_many(db.client, keys, consistent=consistent)
    entries = (to_stored(values) for _, values in found)
    return {entry.product.sku: entry for entry in entries}


def upsert(db: Database, products: Iterable[Product], now: datetime) -> Loaded:
    """Write the products that are new or differ from what is stored; the last of equal SKUs counts.

    Repeating it changes nothing and writes nothing. Raises Busy when DynamoDB keeps refusing.
    """
    wanted = {product.sku: product for product in products}
    before = get_stored(db, wanted, consistent=True)
    changes, added = [], 0
    for sku, product in wanted.items():
        old = before.get(sku)
        if old is None:
            added += 1
        if old is None or old.product != product:
            changes.append(Stored(product, old.added_at if old else now))
    _put_all(db, [to_item(from_stored(change)) for change in changes])
    return Loaded(added, len(changes) - added, len(wanted) - len(changes))


def every(db: Database) -> Iterator[Stored]:
    """All products of the table, by a scan: for building a search index, never for a request."""
    pages = db.client.get_paginator("scan").paginate(
        TableName=db.catalogue,
        FilterExpression="sk = :sk",
        ExpressionAttributeValues=to_item({":sk": PRODUCT}),
    )
    for page in pages:
        for item in page["Items"]:
            yield to_stored(from_item(item))


def _put_all(db: Database, items: Sequence[Item]) -> None:
    """Unconditional, in batches: the operator's load is the only writer of products and replaces
    whole items, so its last word wins and repeating it is harmless."""
    for start in range(0, len(items), _MOST_WRITES):
        batch = [{"PutRequest": {"Item": item}} for item in items[start : start + _MOST_WRITES]]
        request: dict[str, Any] = {db.catalogue: batch}
        for attempt in range(ATTEMPTS):
            answer = db.client.batch_write_item(RequestItems=request)
            request = answer.get("UnprocessedItems") or {}
            if not request:
                break
            time.sleep(random.uniform(0, min(0.5, 0.02 * 2**attempt)))  # noqa: S311
        else:
            raise Busy
