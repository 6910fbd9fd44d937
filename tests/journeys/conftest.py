"""One application for all journeys: the sample shop with fifty of its products."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.domain.shop import ReservationPolicy
from parcelway.ports import clock
from parcelway.store import catalogue, shop, stock

from infra.demo.people import Carrier, Shopper, Warehouse
from infra.local.application import SAMPLE_FILES, Application, running
from infra.sim.states.replay import same_paths
from infra.verify import breaks

NODE = "dc-columbus"
_numbers = count(1)


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("sample")
    products = SAMPLE_FILES["catalogue"].read_text().splitlines()[:50]
    skus = {json.loads(line)["sku"] for line in products}
    stock_rows = SAMPLE_FILES["stock"].read_text().splitlines()
    files = dict(SAMPLE_FILES)
    files["catalogue"] = _file(folder / "catalogue.jsonl", products)
    files["stock"] = _file(
        folder / "stock.jsonl", [row for row in stock_rows if json.loads(row)["sku"] in skus]
    )
    with running() as application:
        application.load(files)
        yield application


def _file(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def article(app: Application) -> Callable[..., str]:
    """Makes a new product with stock; its SKU. So no two tests share stock."""

    def make(units: int = 100, price: int = 1000, node: str = NODE) -> str:
        sku = f"T-{next(_numbers):05d}"
        product = Product(sku, f"Thing {sku}", Money(price, "USD"), tax_category="general")
        catalogue.upsert(app.database, [product], clock.now())
        if units:
            stock.set_on_hand(app.database, sku, node, units, clock.now(), "test")
        return sku

    return make


@pytest.fixture
def policy(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[ReservationPolicy], None]]:
    """Sets when stock is reserved for online orders, and has every container know at once."""
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)
    settings = shop.load_shop(app.database).settings

    def reserve(when: ReservationPolicy) -> None:
        shop.put_settings(app.database, replace(settings, reservation_policy={"online": when}))

    yield reserve
    app.settle()
    shop.put_settings(app.database, settings)


@pytest.fixture
def shopper(app: Application) -> Shopper:
    return Shopper(app.url, app.stripe)


@pytest.fixture(scope="package")
def warehouse(app: Application) -> Warehouse:
    return Warehouse(app)


@pytest.fixture(scope="package")
def carrier(app: Application) -> Carrier:
    return Carrier(app)


@pytest.fixture(scope="package")
def replayed() -> set[str]:
    """The executions that ended and were replayed."""
    return set()


@pytest.fixture(scope="module", autouse=True)
def books_balance(app: Application, replayed: set[str]) -> Iterator[None]:
    """After the journeys of a file, whatever they were: all is at rest and the books add up, and
    the crash explorer's interpreter takes every execution the same way."""
    yield
    app.settle()
    app.stack.fire("SweeperFunction")  # no schedule runs here, and some tests travel in time
    app.settle()
    assert breaks(app.database, clock.now()) == []
    same_paths(app.stack.client("stepfunctions"), replayed)
