"""GET /stores: where orders can be collected, the nearest first, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from parcelway.domain.geo import metres
from parcelway.domain.shop import Node, Service
from parcelway.ports import clock
from parcelway.store.shop import put_node, put_places, put_service, put_settings

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, ok, refused
from tests.orders import SHOP, store_shop

HERE = (39.96, -83.0)
STORE = SHOP.nodes["store-1"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        store_shop(db, SHOP)
        put_places(db, {"US:432": HERE})
        yield World(db, "search")
    clock.reset()


def opens(world: World, name: str, north: float, **changes: Any) -> Node:
    """A store so many degrees north of the customer."""
    made = replace(STORE, id=name, latitude=HERE[0] + north, longitude=HERE[1], **changes)
    put_node(world.db, made)
    world.db.memory.clear()
    return made


def get(world: World, **query: str) -> Answer:
    return world.call("GET", "/stores", query=query)


def ids(answer: Answer) -> list[str]:
    return [store["id"] for store in ok(answer)["stores"]]


def test_a_store_is_told_with_its_place_hours_and_holidays(world: World) -> None:
    clock.use(lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
    hours = {"0": (("09:00", "12:00"), ("13:00", "18:00")), "5": (("10:00", "14:00"),)}
    closed = (date(2026, 12, 25), date(2026, 11, 26), date(2026, 1, 1))
    opens(world, "store-2", 0.5, working_days=(0, 5), hours=hours, holidays=closed)
    near = get(world, country="US", postal_code="43215")
    first, second = ok(near)["stores"]
    assert first["opening_hours"][0] == {"day": "monday", "opens": "00:00", "closes": "24:00"}
    assert second == {
        "id": "store-2",
        "name": STORE.name,
        "address": first["address"],
        "latitude": HERE[0] + 0.5,
        "longitude": HERE[1],
        "time_zone": "America/New_York",
        "opening_hours": [
            {"day": "monday", "opens": "09:00", "closes": "12:00"},
            {"day": "monday", "opens": "13:00", "closes": "18:00"},
            {"day": "saturday", "opens": "10:00", "closes": "14:00"},
        ],
        "holidays": ["2026-11-26", "2026-12-25"],
        "distance_km": round(metres(HERE, (HERE[0] + 0.5, HERE[1])) / 1000, 1),
    }
    assert first["address"]["city"] == STORE.address.city


def test_the_nearest_come_first_page_by_page_whatever_opens_meanwhile(world: World) -> None:
    for name, north in (("far", 3.0), ("near", 1.0), ("twin", 1.0)):
        opens(world, name, north)
    here = {"country": "US", "postal_code": "43215"}
    page = ok(get(world, **here, limit="2"))
    assert [store["id"] for store in page["stores"]] == ["store-1", "near"]
    opens(world, "nearer", 0.5)  # where the first page has been
    opens(world, "farther", 2.0)
    rest = get(world, **here, cursor=page["next_cursor"])
    assert ids(rest) == ["twin", "farther", "far"]
    assert ok(rest)["next_cursor"] is None
    for other in ({}, {"country": "US"}, here | {"channel": "mobile"}):
        refused(get(world, **other, cursor=page["next_cursor"]), 400, "malformed-request")


def test_where_nobody_knows_the_customer_stores_come_by_id(world: World) -> None:
    opens(world, "a-store", 3.0)
    for query in ({}, {"country": "FR", "postal_code": "75001"}):
        (first, second) = ok(get(world, **query))["stores"]
        assert (first["id"], second["id"]) == ("a-store", "store-1")
        assert (first["distance_km"], second["distance_km"]) == (None, None)


def test_a_postal_code_without_a_country_is_refused(world: World) -> None:
    refused(get(world, postal_code="43215"), 422, "invalid-request")


def test_only_stores_where_an_order_of_the_channel_can_be_collected(world: World) -> None:
    opens(world, "other", 1.0)
    put_settings(world.db, replace(SHOP.settings, channel_nodes={"mobile": ("dc-1", "other")}))
    world.db.memory.clear()
    assert ids(get(world, channel="mobile")) == ["other"]
    assert ids(get(world)) == ["other", "store-1"]
    sent: Service = replace(SHOP.services["collect"], id="sent", via="ship_to_store")
    put_service(world.db, sent)
    world.db.memory.clear()
    assert ids(get(world, channel="mobile")) == ["other", "store-1"]
