"""The sample network: 43 nodes of two countries that load, work and have something to sell."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from parcelway.domain.geo import locate, metres
from parcelway.domain.promise import promise, ready_by
from parcelway.domain.shop import Shop
from parcelway.ports import clock
from parcelway.store.shop import load_shop

from infra.bench.tables import container, in_model
from infra.cli import load
from infra.sample import network
from infra.sample.network import make
from infra.sample.network.__main__ import main as write_stock

NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)  # the morning before Christmas


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    clock.travel(NOW - clock.now())
    db = container(in_model())
    files = {kind: path for kind, path in network.FILES.items() if kind != "catalogue"}
    problems = io.StringIO()
    load.load(db, files, problems)
    assert problems.getvalue() == ""
    yield load_shop(db)
    clock.reset()


def test_it_is_a_dc_two_warehouses_and_forty_stores_in_two_countries(shop: Shop) -> None:
    kinds = Counter((node.kind, node.address.country) for node in shop.nodes.values())
    assert kinds == {
        ("dc", "US"): 1,
        ("warehouse", "US"): 1,
        ("warehouse", "CA"): 1,
        ("store", "US"): 29,
        ("store", "CA"): 11,
    }
    assert len({(node.latitude, node.longitude) for node in shop.nodes.values()}) == 43
    assert len(shop.places) > 1_000


def test_every_node_is_where_its_postal_code_is(shop: Shop) -> None:
    for node in shop.nodes.values():
        area = locate(node.address, shop.places)
        assert area is not None
        assert metres(area, (node.latitude, node.longitude)) < 60_000, node.id


def test_christmas_is_a_holiday_everywhere_and_every_store_has_its_hours(shop: Shop) -> None:
    christmas = date(2026, 12, 25)
    for node in shop.nodes.values():
        assert christmas in node.holidays, node.id
        leaves = promise([node], shop.services["parcel-standard"], NOW)
        assert christmas < leaves.earliest < NOW.date() + timedelta(days=14)
    stores = [node for node in shop.nodes.values() if node.kind == "store"]
    for store in stores:
        at = ready_by(store, shop.services["store-pickup"], NOW)
        local = at.astimezone(ZoneInfo(store.time_zone))
        opens, closes = store.hours[str(local.weekday())][0]
        assert opens <= f"{local:%H:%M}" < closes
        assert local.date() == NOW.date()
        late = ready_by(store, shop.services["store-pickup"], NOW + timedelta(hours=15))
        assert late.astimezone(ZoneInfo(store.time_zone)).date() == date(2026, 12, 26)
    thanks = {"US": date(2026, 11, 26), "CA": date(2026, 7, 1)}
    assert all(thanks[store.address.country] in store.holidays for store in stores)


def test_its_files_are_what_their_generator_makes(tmp_path: Path) -> None:
    make.main(tmp_path)
    assert (tmp_path / "nodes.json").read_text() == network.FILES["nodes"].read_text()
    write_stock(tmp_path / "stock.jsonl")
    rows = (tmp_path / "stock.jsonl").read_text().splitlines()
    by_node = Counter(row.split('"')[7] for row in rows)
    assert set(by_node) == {node["id"] for node in network.nodes()}
    assert by_node["dc-columbus"] > 1_900
    stores = [number for node, number in by_node.items() if node.startswith("store-")]
    assert all(200 < number < 900 for number in stores)
