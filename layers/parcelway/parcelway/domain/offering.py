"""Keeping what is offered: every price list, promotion, assortment and code has a version."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from parcelway.domain.audience import Assortment
from parcelway.domain.coupons import Coupon
from parcelway.domain.prices import PriceList
from parcelway.domain.promotions import Promotion

Offer = PriceList | Promotion | Assortment | Coupon
O = TypeVar("O", PriceList, Promotion, Assortment, Coupon)  # noqa: E741
MOST_PRICES = 99  # that change at once: with their list, what one transaction may hold


def kept(offer: O, held: O | None, version: int, now: datetime) -> O:
    """The offer as it is to be stored in the place of what is `held`, at the next version; `held`
    itself when nothing would change.

    `version` is that of what is there: where nothing is held, of what was deleted (0: nothing ever
    was). So no version stands for two offers that had one id after the other.
    """
    if isinstance(offer, PriceList):
        offer = replace(offer, created_at=held.created_at if held else now)
    same = replace(offer, version=version)
    return held if held is not None and same == held else replace(same, version=version + 1)
