"""Reading what products are shown by, of all the products of a page at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from parcelway.domain.availability import Outlets
from parcelway.domain.catalogue import Product
from parcelway.domain.facts import Balances
from parcelway.domain.prices import PriceList, Prices
from parcelway.store import shards
from parcelway.store.catalogue import PRODUCT, to_stored
from parcelway.store.database import Database
from parcelway.store.prices import is_price, keys, to_price
from parcelway.store.stock import total
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Shelf:
    """`articles`, by SKU: the products themselves and what the kits among them are made of, as far
    as there is such a product. Of all of these the prices by some lists, and the balances."""

    articles: Mapping[str, Product]
    prices: Prices
    balances: Balances


def read_shelf(
    db: Database,
    products: Iterable[Product],
    known: Mapping[str, Product],
    lists: Sequence[PriceList],
    among: Outlets,
) -> Shelf:
    """What `products` are shown by. Kits cost no call more than articles: what they are made of is
    read with the balances, but for what is `known`. Raises Busy."""
    parts = {each.sku: tuple(each.components) or (each.sku,) for each in products}
    articles = dict.fromkeys(sku for skus in parts.values() for sku in skus)
    stock, found = shards.read(
        db,
        among.keys(articles),
        [
            *((db.catalogue, f"SKU#{sku}", PRODUCT) for sku in articles if sku not in known),
            *((db.catalogue, *key) for key in keys(lists, articles | dict.fromkeys(parts))),
        ],
    )
    items = [item for _, item in found]
    read = [to_stored(item).product for item in items if not is_price(item)]
    return Shelf(
        {**known, **{each.sku: each for each in read}},
        dict(to_price(item) for item in items if is_price(item)),
        {key: total(shards_of) for key, shards_of in stock.items()},
    )
