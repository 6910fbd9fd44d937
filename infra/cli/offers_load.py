"""Loading what is offered: price lists with their prices, promotions, assortments and codes."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.coupons import canonical
from parcelway.domain.offering import MOST_PRICES
from parcelway.http.offers import OffersDocument
from parcelway.store.database import Database
from parcelway.store.offers import put_coupons, put_offer, put_prices


def put(db: Database, offers: OffersDocument, now: datetime) -> dict[str, int]:
    """Add or replace all that a file offers; how many of each there were.

    What is not in the file stays. Raises Refusal INVALID for what is no code.
    """
    for id, listed in offers.price_lists.items():
        put_offer(db, listed.price_list(id), now)
        prices = list(listed.by_sku().items())
        for start in range(0, len(prices), MOST_PRICES):
            put_prices(db, id, dict(prices[start : start + MOST_PRICES]))
    for id, promotion in offers.promotions.items():
        put_offer(db, promotion.promotion(id), now)
    for id, assortment in offers.assortments.items():
        put_offer(db, assortment.assortment(id), now)
    put_coupons(db, [c.coupon(canonical(code)) for code, c in offers.coupons.items()], now)
    return {
        "price lists": len(offers.price_lists),
        "promotions": len(offers.promotions),
        "assortments": len(offers.assortments),
        "coupons": len(offers.coupons),
    }
