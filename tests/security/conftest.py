"""One application for all of it: the sample shop with a few of its products."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue, stock

from infra.local.application import SAMPLE_FILES, Application, running

NODE = "dc-columbus"
PRODUCTS = 12
_numbers = count(1)


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("sample")
    products = SAMPLE_FILES["catalogue"].read_text().splitlines()[:PRODUCTS]
    skus = {json.loads(line)["sku"] for line in products}
    rows = SAMPLE_FILES["stock"].read_text().splitlines()
    few = {"catalogue": products, "stock": [row for row in rows if json.loads(row)["sku"] in skus]}
    for name, lines in few.items():
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    with running() as application:
        application.load(dict(SAMPLE_FILES) | {name: folder / f"{name}.jsonl" for name in few})
        yield application


@pytest.fixture(scope="package")
def article(app: Application) -> Callable[..., str]:
    """Makes a new product with stock; its SKU."""

    def make(units: int = 100, price: int = 1000, node: str = NODE) -> str:
        sku = f"SEC-{next(_numbers):05d}"
        product = Product(sku, f"Thing {sku}", Money(price, "USD"), tax_category="general")
        catalogue.upsert(app.database, [product], clock.now())
        if units:
            stock.set_on_hand(app.database, sku, node, units, clock.now(), "test")
        return sku

    return make


@pytest.fixture(scope="module", autouse=True)
def all_is_granted(app: Application) -> Iterator[None]:
    """Nothing any test makes the application do is refused by its own roles."""
    yield
    app.settle()
    assert app.stack.permissions.denied() == []
