"""A network of 43 nodes in two countries: a DC, two warehouses and 40 stores, to plan orders over.

    python -m infra.sample.network stock.jsonl     writes its stock of the sample's products

For measurements; the shop of `make run` and the tests keeps its five nodes, because a request reads
the stock of every SKU at every node. Settings, catalogue and places are those of `infra/sample`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SAMPLE = HERE.parent
FILES = {
    "shop": SAMPLE / "shop.json",
    "nodes": HERE / "nodes.json",
    "places": SAMPLE / "places.json",
    "services": HERE / "services.json",
    "catalogue": SAMPLE / "catalogue.jsonl",
}
_DC_WEEKS = 8  # the cover of the DC in `infra.sample.extract`


@dataclass(frozen=True, slots=True)
class Article:
    """What a network's stock of a SKU is worked out from: what all of it sells in a week, and
    whether it keeps (the warehouses hold nothing that does not)."""

    sku: str
    units_a_week: float
    keeps: bool = True


def nodes() -> list[dict[str, Any]]:
    """The network's nodes, as the load command takes them."""
    found: list[dict[str, Any]] = json.loads(FILES["nodes"].read_text(encoding="utf-8"))
    return found


def sample_articles() -> Iterator[Article]:
    """The sample's products with what its own stock says of their sales."""
    held: dict[str, dict[str, int]] = {}
    for line in (SAMPLE / "stock.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        held.setdefault(row["sku"], {})[row["node"]] = row["quantity"]
    for sku, at in held.items():
        yield Article(sku, at["dc-columbus"] / _DC_WEEKS, "wh-louisville" in at)


def stock(articles: Iterable[Article]) -> Iterator[dict[str, Any]]:
    """Rows of `sku, node, quantity`: the DC has eight weeks of everything, a warehouse four of its
    country's share of what keeps, a store three of its own share, if it has the article at all.

    Which those are is drawn by a hash: the same articles give the same stock.
    """
    places = nodes()
    for article in articles:
        for node in places:
            if quantity := _quantity(article, node):
                yield {"sku": article.sku, "node": node["id"], "quantity": quantity}


def _quantity(article: Article, node: dict[str, Any]) -> int:
    weekly = article.units_a_week
    if node["kind"] == "dc":
        return math.ceil(weekly * _DC_WEEKS)
    if node["kind"] == "warehouse":
        share = 0.7 if node["address"]["country"] == "US" else 0.3
        return math.ceil(weekly * share * 4) if article.keeps else 0
    # The more parcels a store makes ready, the larger it is: of 60 a day every third article.
    drawn = hashlib.sha256(f"{article.sku}@{node['id']}".encode()).digest()
    carried = int.from_bytes(drawn[:4], "big") / 2**32 < node["capacity"] / 180
    return math.ceil(weekly / 40 * 3) if carried and weekly else 0
