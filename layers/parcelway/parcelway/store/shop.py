"""CatalogueTable, partition SHOP: settings, nodes and carrier services."""

from __future__ import annotations

import time
from typing import Any

from parcelway.domain.shop import Node, Service, Settings, Shop
from parcelway.store.codec import decode, encode
from parcelway.store.database import Database
from parcelway.store.items import to_item

CACHED_SECONDS = 60.0  # how long a container may decide on settings that have changed
_PK = "SHOP"


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


def put_settings(db: Database, settings: Settings) -> None:
    """Replace the shop's settings."""
    _put(db, "SETTINGS", encode(settings))


def put_node(db: Database, node: Node) -> None:
    """Add or replace a node."""
    _put(db, f"NODE#{node.id}", encode(node))


def put_service(db: Database, service: Service) -> None:
    """Add or replace a carrier service."""
    _put(db, f"SERVICE#{service.id}", encode(service))


def _put(db: Database, sk: str, values: dict[str, Any]) -> None:
    """Configuration has one writer, the operator's load command: the last word wins."""
    item = to_item({"pk": _PK, "sk": sk, "value": values})
    db.client.put_item(TableName=db.catalogue, Item=item)


def _read(db: Database) -> Shop:
    items = {item["sk"]: item["value"] for item in db.query(db.catalogue, _PK, consistent=False)}
    if "SETTINGS" not in items:
        raise NotSetUp("the shop has no settings; load them first")
    nodes = [decode(Node, value) for sk, value in items.items() if sk.startswith("NODE#")]
    services = [decode(Service, value) for sk, value in items.items() if sk.startswith("SERVICE#")]
    return Shop(
        decode(Settings, items["SETTINGS"]),
        {node.id: node for node in nodes},
        {service.id: service for service in services},
    )
