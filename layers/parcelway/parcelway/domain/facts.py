"""What a decision about an order needs to know besides the order, read before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from parcelway.domain.account import Account
from parcelway.domain.catalogue import Product
from parcelway.domain.coupons import Coupon
from parcelway.domain.credit import CreditAccount
from parcelway.domain.gift_card import GiftCard
from parcelway.domain.order import Slot
from parcelway.domain.prices import Prices
from parcelway.domain.shop import Shop
from parcelway.domain.stock import Balance
from parcelway.domain.tax import Assessed, Inquiry
from parcelway.values import dataclass

Balances = Mapping[tuple[str, str], Balance]


@dataclass(frozen=True, slots=True)
class Facts:
    """The shop, the time, and the products and stock balances (by SKU and node) concerned.

    `busy` is how many parcels are taken of nodes' days, as far as that is known. Of a draft, also
    what it is priced by: `prices` of the lists that hold for it, `coupons` by code, how often
    limited codes and promotions were `used` (by counter), and whether its customer is known and has
    placed no other order, `first_order`; and the gift `cards` that are to pay, by id. `assessed` is
    what a tax engine answered so far; None: the shop's own rules say what tax is. `credit` is that
    of the buyer's account, where that is to pay; `account` is that account, of an order to be
    placed."""

    shop: Shop
    now: datetime
    products: Mapping[str, Product] = field(default_factory=dict)
    balances: Balances = field(default_factory=dict)
    busy: Mapping[Slot, int] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)
    coupons: Mapping[str, Coupon] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    first_order: bool = False
    assessed: Mapping[Inquiry, tuple[Assessed, ...]] | None = None
    cards: Mapping[str, GiftCard] = field(default_factory=dict)
    credit: CreditAccount | None = None
    account: Account | None = None
