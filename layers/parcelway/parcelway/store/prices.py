"""CatalogueTable: price lists and their prices.

    SHOP         PRICELIST#<id>               for whom, in which currency, when (store/offers.py)
    SKU#<sku>    PRICE#<id>#<created at>      what a SKU costs by it, by quantity

Lists are read with the shop's configuration; prices with the products, those of the lists that hold
for the buyer alone. A list that is made again under an old id does not wake the old one's prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parcelway.domain.prices import PriceList, Tier
from parcelway.store import batches
from parcelway.store.commit import Write
from parcelway.store.database import Database

_PREFIX = "PRICE#"


def keys(lists: Iterable[PriceList], skus: Iterable[str]) -> list[tuple[str, str]]:
    """The primary keys of SKUs' prices by these lists."""
    skus = list(skus)
    return [(f"SKU#{sku}", _sort_key(each)) for each in lists for sku in skus]


def is_price(item: Mapping[str, Any]) -> bool:
    """Whether an item of the table is a price."""
    return str(item["sk"]).startswith(_PREFIX)


def to_price(item: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[Tier, ...]]:
    """List and SKU of an item, and the prices by quantity."""
    list_id, sku = item["sk"].split("#")[1], item["pk"].removeprefix("SKU#")
    return (list_id, sku), tuple(Tier(int(q), int(minor)) for q, minor in item["tiers"])


def get_prices(
    db: Database, lists: Iterable[PriceList], skus: Iterable[str], *, consistent: bool = False
) -> dict[tuple[str, str], tuple[Tier, ...]]:
    """What lists have of some SKUs, by list and SKU. Raises Busy."""
    wanted = [(db.catalogue, *key) for key in keys(lists, skus)]
    found = batches.get_many(db.client, wanted, consistent=consistent)
    return dict(to_price(item) for _, item in found)


def price_write(db: Database, price_list: PriceList, sku: str, tiers: Sequence[Tier]) -> Write:
    """A SKU's price by a list replaced, or deleted; goes along with a write of the list."""
    ((pk, sk),) = keys([price_list], [sku])
    key = {"pk": pk, "sk": sk}
    if not tiers:
        return Write(db.catalogue, "", key=key)
    return Write(db.catalogue, "", key | {"tiers": [[t.quantity, t.minor] for t in tiers]})


def by_quantity(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    """Prices in the order in which they are stored."""
    return tuple(sorted(tiers, key=lambda tier: tier.quantity))


def _sort_key(price_list: PriceList) -> str:
    made = price_list.created_at
    return f"{_PREFIX}{price_list.id}#{made.isoformat() if made else ''}"
