"""CatalogueTable's products: `pk=SKU#<sku> sk=PRODUCT`, the fields of Product, `added_at` and, of
what is in kits, `in_kits`.

`added_at` is when the shop first listed the SKU (ISO 8601 UTC); it orders "newest first" and is no
part of what an order needs to know of a product. `in_kits` are the SKUs of kits that it was made a
component of: what else there is to look at when its stock changes.

Sparse index by_category (shelf, place): what is for sale in a category, by its price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.store import batches, codec
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.values import dataclass

PRODUCT = "PRODUCT"
_BESIDES = (
    "pk",
    "sk",
    "added_at",
    "in_kits",
    "shelf",
    "place",
)  # of an item, beside the product's fields


@dataclass(frozen=True, slots=True)
class Stored:
    """A product as the table has it."""

    product: Product
    added_at: datetime
    in_kits: tuple[str, ...] = ()


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
    fields = {name: value for name, value in values.items() if name not in _BESIDES}
    added_at = datetime.fromisoformat(values["added_at"])
    return Stored(codec.decode(Product, fields), added_at, tuple(values.get("in_kits", ())))


def from_stored(stored: Stored) -> dict[str, Any]:
    """A product as its item (plain values)."""
    product = stored.product
    values: dict[str, Any] = codec.encode(product)
    shelved = _shelved(product) if product.active and product.category else {}
    kits = {"in_kits": [*stored.in_kits]} if stored.in_kits else {}
    return key(product.sku) | values | {"added_at": codec.iso(stored.added_at)} | kits | shelved


def nearest(db: Database, product: Product, each_way: int) -> list[str]:
    """SKUs for sale in the product's category, the nearest in price first: at most `each_way` that
    cost as much or more, and as many that cost less or as much. The index lags a little."""
    if not product.category:
        return []
    own = _shelved(product)
    found: list[tuple[int, str]] = []
    for side, upwards in ((">", True), ("<", False)):
        answer = db.client.query(
            TableName=db.catalogue,
            IndexName="by_category",
            KeyConditionExpression=f"shelf = :shelf AND place {side} :place",
            ExpressionAttributeValues=to_item({f":{name}": own[name] for name in own}),
            ScanIndexForward=upwards,
            Limit=each_way,
        )
        for item in answer["Items"]:
            price, _, sku = item["place"]["S"].partition("#")
            found.append((abs(int(price) - product.price.minor), sku))
    return [sku for _, sku in sorted(found) if sku != product.sku]


def _shelved(product: Product) -> dict[str, str]:
    """Where a product stands in by_category."""
    place = f"{product.price.minor:015d}#{product.sku}"
    return {"shelf": ">".join(product.category), "place": place}


def _place_in(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("shelf"), item.get("place")


def get_many(db: Database, skus: Iterable[str]) -> dict[str, Product]:
    """The products that exist among `skus`, inactive ones too, by SKU. Raises Busy."""
    stored = get_stored(db, skus)
    return {sku: entry.product for sku, entry in stored.items()}


def unit_costs(db: Database, skus: Iterable[str]) -> dict[str, Money]:
    """What a unit costs the shop, without tax, of the SKUs of which that is known. Raises Busy."""
    return costs_of(get_many(db, skus))


def costs_of(products: Mapping[str, Product]) -> dict[str, Money]:
    """The same of products at hand."""
    return {sku: product.unit_cost for sku, product in products.items() if product.unit_cost}


def get_stored(db: Database, skus: Iterable[str], *, consistent: bool = False) -> dict[str, Stored]:
    """Like `get_many`, with what the table knows besides the product."""
    entries = (to_stored(values) for values in _items(db, skus, consistent=consistent))
    return {entry.product.sku: entry for entry in entries}


def _items(db: Database, skus: Iterable[str], *, consistent: bool) -> Iterator[dict[str, Any]]:
    keys = [(db.catalogue, f"SKU#{sku}", PRODUCT) for sku in dict.fromkeys(skus)]
    return (values for _, values in batches.get_many(db.client, keys, consistent=consistent))


def upsert(db: Database, products: Iterable[Product], now: datetime) -> Loaded:
    """Write the products that are new or differ from what is stored, or stand elsewhere in
    by_category, as those do that were stored before there was one; the last of equal SKUs counts.

    Units of a product whose cost changes are revalued. Repeating it changes nothing and writes
    nothing. Raises Busy when DynamoDB keeps refusing.
    """
    wanted = {product.sku: product for product in products}
    before = {sku_of(item): item for item in _items(db, wanted, consistent=True)}
    changes, added, recosted = [], 0, []
    for sku, product in wanted.items():
        item = before.get(sku)
        if item is None:
            added += 1
            changes.append(Stored(product, now))
            continue
        old = to_stored(item)
        new = Stored(product, old.added_at, old.in_kits)
        if old != new or _place_in(item) != _place_in(from_stored(new)):
            changes.append(new)
        if old.product.unit_cost != product.unit_cost:
            recosted.append(sku)
    if recosted:
        from parcelway.store import revaluing  # no function pays for it at a start

        revaluing.note(db, recosted, now)
    put(db, changes)
    _note_kits(db, [product for product in wanted.values() if product.components])
    for sku in recosted:
        revaluing.revalue(db, sku, now)
    return Loaded(added, len(changes) - added, len(wanted) - len(changes))


def _note_kits(db: Database, kits: Sequence[Product]) -> None:
    """Have the components of `kits` know of them. What is no component any more still does: a kit
    is then looked at once too often."""
    wanted: dict[str, list[str]] = {}
    for kit in kits:
        for sku in kit.components:
            wanted.setdefault(sku, []).append(kit.sku)
    if not wanted:
        return
    changes = []
    for sku, entry in get_stored(db, wanted, consistent=True).items():
        known = tuple(dict.fromkeys([*entry.in_kits, *wanted[sku]]))
        if known != entry.in_kits:
            changes.append(replace(entry, in_kits=known))
    put(db, changes)


def put(db: Database, products: Iterable[Stored]) -> None:
    """Write products as they are. The operator's load is their only writer, and replaces whole
    items. Raises Busy."""
    puts = [batches.put(from_stored(product)) for product in products]
    batches.write_many(db.client, db.catalogue, puts)


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
