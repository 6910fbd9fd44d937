"""A small sample shop for whole applications, and products made for one test."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue, stock_books

from infra.local.application import SAMPLE_FILES, Application

NODE, STORE = "dc-columbus", "store-dayton"
_numbers = count(1)


def few(folder: Path, products: int) -> dict[str, Path]:
    """The sample's files with its first products only, their stock, and the kits of them."""
    chosen = SAMPLE_FILES["catalogue"].read_text().splitlines()[:products]
    skus = {json.loads(line)["sku"] for line in chosen}
    stock = SAMPLE_FILES["stock"].read_text().splitlines()
    kits = SAMPLE_FILES["kits"].read_text().splitlines()
    files = dict(SAMPLE_FILES)
    for name, lines in {
        "catalogue": chosen,
        "stock": [row for row in stock if json.loads(row)["sku"] in skus],
        "kits": [row for row in kits if json.loads(row)["components"].keys() <= skus],
    }.items():
        files[name] = folder / f"{name}.jsonl"
        files[name].write_text("".join(f"{line}\n" for line in lines))
    return files


def maker(app: Application) -> Callable[..., str]:
    """Makes a new product with stock; its SKU. So no two tests share stock."""

    def make(units: int = 100, price: int = 1000, node: str = NODE) -> str:
        sku = f"T-{next(_numbers):05d}"
        cost = Money(price * 6 // 10, "USD")
        product = Product(
            sku, f"Thing {sku}", Money(price, "USD"), tax_category="general", unit_cost=cost
        )
        catalogue.upsert(app.database, [product], clock.now())
        if units:
            stock_books.count(app.database, sku, node, units, clock.now(), "test")
        return sku

    return make


def kit_maker(app: Application) -> Callable[..., str]:
    """Makes a new kit of articles (units by SKU); its SKU."""

    def make(price: int, components: Mapping[str, int]) -> str:
        sku = f"K-{next(_numbers):05d}"
        kit = Product(sku, f"Kit {sku}", Money(price, "USD"), components=dict(components))
        catalogue.upsert(app.database, [kit], clock.now())
        return sku

    return make
