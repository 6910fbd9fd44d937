"""CatalogueTable, partition SHOP: settings, nodes, carrier services, places, and what is offered to
whom: price lists, promotions and assortments (written by store/offers.py).

Places, the coordinates of postal areas, are many and always wanted together: they lie packed,
a few thousand in an item.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

from parcelway.domain.audience import Assortment
from parcelway.domain.prices import PriceList
from parcelway.domain.promotions import Promotion
from parcelway.domain.shop import Node, Service, Settings, Shop
from parcelway.domain.switching import Switches
from parcelway.store.codec import decode, encode
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.packing import Packed

CACHED_SECONDS = 60.0  # how long a container may decide on settings that have changed
PARTITION = "SHOP"
T = TypeVar("T")
_PLACES = "PLACES#"
_NO_SETTINGS = "the shop has no settings; load them first"
_AREAS_PER_ITEM = 8_000  # packed some 80 KB, of the 400 that an item may have


class NotSetUp(Exception):
    """The shop has no settings yet: run the load command."""


def load_shop(db: Database) -> Shop:
    """The shop as it is configured, at most CACHED_SECONDS old. Raises NotSetUp."""
    cached = db.memory.get("shop")
    if cached is None or time.monotonic() - cached[0] > CACHED_SECONDS:
        cached = (time.monotonic(), _read(db))
        db.memory["shop"] = cached
    shop: Shop = cached[1]
    return shop


def get_settings(db: Database) -> Settings:
    """The shop's settings as they are now, for who needs nothing else of it. Raises NotSetUp."""
    item = db.get(db.catalogue, PARTITION, "SETTINGS")
    if item is None:
        raise NotSetUp(_NO_SETTINGS)
    return decode(Settings, item["value"])


def forget_shop(db: Database) -> None:
    """Read the shop anew when it is wanted next: it has changed, or must be as it is now."""
    db.memory.pop("shop", None)


def put_settings(db: Database, settings: Settings) -> None:
    """Replace the shop's settings."""
    _put(db, "SETTINGS", encode(settings))


def put_node(db: Database, node: Node) -> None:
    """Add or replace a node."""
    _put(db, f"NODE#{node.id}", encode(node))


def put_service(db: Database, service: Service) -> None:
    """Add or replace a carrier service."""
    _put(db, f"SERVICE#{service.id}", encode(service))


def put_places(db: Database, places: Mapping[str, tuple[float, float]]) -> None:
    """Replace the coordinates of all postal areas."""
    areas = sorted(places)
    starts = range(0, len(areas), _AREAS_PER_ITEM)
    parts = [areas[start : start + _AREAS_PER_ITEM] for start in starts]
    keys = [f"{_PLACES}{number:03}" for number in range(len(parts))]
    for sk, part in zip(keys, parts, strict=True):
        _put(db, sk, Packed({area: list(places[area]) for area in part}))
    for old in db.query(db.catalogue, PARTITION, _PLACES):
        if old["sk"] not in keys:
            key = to_item({"pk": PARTITION, "sk": old["sk"]})
            db.client.delete_item(TableName=db.catalogue, Key=key)


def _put(db: Database, sk: str, values: dict[str, Any] | Packed) -> None:
    """Configuration has one writer, the operator's load command: the last word wins."""
    item = to_item({"pk": PARTITION, "sk": sk, "value": values})
    db.client.put_item(TableName=db.catalogue, Item=item)
    forget_shop(db)


def _read(db: Database) -> Shop:
    found = db.query(db.catalogue, PARTITION, consistent=False)
    # What is offered no more has no value, only its version (see store/offers.py).
    items = {item["sk"]: item["value"] for item in found if "value" in item}
    if "SETTINGS" not in items:
        raise NotSetUp(_NO_SETTINGS)
    parts = [value for sk, value in items.items() if sk.startswith(_PLACES)]
    return Shop(
        decode(Settings, items["SETTINGS"]),
        _all(items, "NODE#", Node),
        _all(items, "SERVICE#", Service),
        {area: (point[0], point[1]) for part in parts for area, point in part.items()},
        _all(items, "PRICELIST#", PriceList),
        _all(items, "PROMOTION#", Promotion),
        _all(items, "ASSORTMENT#", Assortment),
        _all(items, "CHANNEL#", Switches),
    )


def _all(items: Mapping[str, Any], prefix: str, kind: type[T]) -> dict[str, T]:
    """What is stored under a prefix, by what follows it."""
    return {
        sk.removeprefix(prefix): decode(kind, value)
        for sk, value in items.items()
        if sk.startswith(prefix)
    }
