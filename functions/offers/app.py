"""What is offered to whom: price lists, promotions, assortments, codes; and how channels are set.

Repeating a request changes nothing; `If-Match` takes the version that it is meant for, and versions
go on counting when something is deleted and made again. A container goes by what it read for a
minute; codes and prices count at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from parcelway.domain.audience import Assortment, Window
from parcelway.domain.coupons import Coupon, canonical, single_use
from parcelway.domain.offering import Offer
from parcelway.domain.parties import CHANNELS, Channel
from parcelway.domain.prices import PriceList
from parcelway.domain.promotions import Promotion
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.switching import Switches
from parcelway.http.api import Api, Reply, staff
from parcelway.http.call import Call, random_key
from parcelway.http.offers import (
    NAME,
    AssortmentInput,
    CodesInput,
    CouponInput,
    PriceListInput,
    PricesInput,
    PromotionInput,
)
from parcelway.http.problems import not_found
from parcelway.store.catalogue import get_many
from parcelway.store.coupons import get_used
from parcelway.store.database import database
from parcelway.store.offers import add_coupons, delete_offer, get_offer, put_offer, put_prices
from parcelway.store.shop import forget_shop, load_shop
from parcelway.store.switches import get_switches, put_switches
from parcelway.values import dataclass
from switches import SwitchesInput, SwitchesView

api = Api("offers")
handler = api
db = cache(database)

ADMIN = staff("admin")
STAFF = staff("csr", "csr_supervisor", "warehouse", "finance", "admin")


@dataclass(frozen=True, slots=True)
class OffersView:
    """All that the shop offers, by id."""

    price_lists: Mapping[str, PriceList]
    promotions: Mapping[str, Promotion]
    assortments: Mapping[str, Assortment]


@dataclass(frozen=True, slots=True)
class PricesView:
    """How many SKUs' prices are as asked in which list, and the list's version."""

    price_list: str
    skus: int
    version: int


@dataclass(frozen=True, slots=True)
class GoneView:
    """What is there no more."""

    id: str


@dataclass(frozen=True, slots=True)
class CodeView:
    """A code, and how many orders count on it; null where nothing is counted, without a limit."""

    code: str
    promotion: str
    limit: int
    per_customer: int
    customer_id: str
    window: Window
    version: int
    used: int | None


@dataclass(frozen=True, slots=True)
class CodesView:
    """The codes that were made up."""

    promotion: str
    codes: list[str]


@api.route("GET", "/offers", who=ADMIN, reply=OffersView)
def show(_: Call[None]) -> OffersView:
    """Everything but prices and codes."""
    forget_shop(db())
    shop = load_shop(db())
    return OffersView(shop.price_lists, shop.promotions, shop.assortments)


@api.route("PUT", "/offers/price-lists/{offer_id}", who=ADMIN, body=PriceListInput, reply=PriceList)
def set_price_list(call: Call[PriceListInput]) -> Reply:
    """Add or replace a price list."""
    price_list = call.body.price_list(_id(call))
    load_shop(db()).settings.require_sold_in(price_list.currency)
    return _kept(call, price_list)


@api.route("DELETE", "/offers/price-lists/{offer_id}", who=ADMIN, reply=GoneView)
def remove_price_list(call: Call[None]) -> GoneView:
    """Delete a price list; its prices count no more."""
    return _deleted(call, PriceList)


@api.route(
    "PUT", "/offers/price-lists/{offer_id}/prices", who=ADMIN, body=PricesInput, reply=PricesView
)
def set_prices(call: Call[PricesInput]) -> Reply:
    """Replace what SKUs cost by a list, all of them or none; other SKUs' prices stay."""
    prices = call.body.by_sku()
    known = get_many(db(), prices)
    for index, sku in enumerate(prices):
        if sku not in known:
            raise Refusal(Reason.UNKNOWN_SKU, f"There is no SKU {sku!r}.", f"/prices/{index}/sku")
    changed = put_prices(db(), _id(call), prices, call.if_match)
    if changed is None:
        raise not_found()
    return _versioned(PricesView(changed.id, len(prices), changed.version), changed.version)


@api.route("PUT", "/offers/promotions/{offer_id}", who=ADMIN, body=PromotionInput, reply=Promotion)
def set_promotion(call: Call[PromotionInput]) -> Reply:
    """Add or replace a promotion; orders that were placed keep what it took off."""
    return _kept(call, call.body.promotion(_id(call)))


@api.route("DELETE", "/offers/promotions/{offer_id}", who=ADMIN, reply=GoneView)
def remove_promotion(call: Call[None]) -> GoneView:
    """Delete a promotion; its codes can be used no more."""
    return _deleted(call, Promotion)


@api.route(
    "PUT", "/offers/assortments/{offer_id}", who=ADMIN, body=AssortmentInput, reply=Assortment
)
def set_assortment(call: Call[AssortmentInput]) -> Reply:
    """Add or replace an assortment; which products are in it, the catalogue says."""
    return _kept(call, call.body.assortment(_id(call)))


@api.route("DELETE", "/offers/assortments/{offer_id}", who=ADMIN, reply=GoneView)
def remove_assortment(call: Call[None]) -> GoneView:
    """Delete an assortment; products that are in no other are for nobody until they leave it."""
    return _deleted(call, Assortment)


@api.route("GET", "/offers/coupons/{code}", who=ADMIN, reply=CodeView)
def show_coupon(call: Call[None]) -> Reply:
    """A code, and how often it was used."""
    coupon = get_offer(db(), Coupon, canonical(call.path["code"]))
    if coupon is None:
        raise not_found()
    return _versioned(_view(coupon), coupon.version)


@api.route("PUT", "/offers/coupons/{code}", who=ADMIN, body=CouponInput, reply=CodeView)
def set_coupon(call: Call[CouponInput]) -> Reply:
    """Add or replace a code; what it was used counts on."""
    _require_promotion(call.body.promotion)
    coupon = call.body.coupon(canonical(call.path["code"]))
    stored = put_offer(db(), coupon, call.now, call.if_match)
    return _versioned(_view(stored), stored.version)


@api.route("DELETE", "/offers/coupons/{code}", who=ADMIN, reply=GoneView)
def remove_coupon(call: Call[None]) -> GoneView:
    """Delete a code; orders that were placed keep what it took off."""
    code = canonical(call.path["code"])
    delete_offer(db(), Coupon, code, call.if_match)
    return GoneView(code)


@api.route(
    "POST",
    "/offers/promotions/{offer_id}/codes",
    who=ADMIN,
    body=CodesInput,
    reply=CodesView,
    status=201,
    key=True,
)
def make_codes(call: Call[CodesInput]) -> CodesView:
    """Make up codes, each for one order. The same request with the same key gives the same ones."""
    key = random_key(call.headers, "nobody may guess the codes")
    promotion, asked = _id(call), call.body
    _require_promotion(promotion, "")
    cause = (call.caller.subject, key, call.command.fingerprint)
    codes = single_use(asked.prefix, asked.count, *cause)
    made = [Coupon(c, promotion, limit=1, window=asked.window()) for c in codes]
    add_coupons(db(), made, call.now)  # some were perhaps made before, and changed or deleted since
    return CodesView(promotion, codes)


def _require_promotion(promotion_id: str, pointer: str = "/promotion") -> None:
    promotion = get_offer(db(), Promotion, promotion_id)
    if promotion is None or not promotion.coupon:
        raise Refusal(Reason.INVALID, "There is no such promotion that takes codes.", pointer)


def _view(coupon: Coupon) -> CodeView:
    used = get_used(db(), coupon.code) if coupon.limit else None
    return CodeView(
        coupon.code,
        coupon.promotion,
        coupon.limit,
        coupon.per_customer,
        coupon.customer_id,
        coupon.window,
        coupon.version,
        used,
    )


def _kept(call: Call[Any], offer: Offer) -> Reply:
    stored = put_offer(db(), offer, call.now, call.if_match)
    return _versioned(stored, stored.version)


def _deleted(call: Call[None], kind: type[Offer]) -> GoneView:
    delete_offer(db(), kind, _id(call), call.if_match)
    return GoneView(_id(call))


def _versioned(body: Any, version: int) -> Reply:
    return Reply(body, headers={"ETag": f'"{version}"'})


@api.route("GET", "/staff/channels/{channel}", who=STAFF, reply=SwitchesView)
def show_channel(call: Call[None]) -> Reply:
    """How a channel is set."""
    channel = _channel(call)
    return _set(channel, get_switches(db(), channel))


@api.route("PUT", "/staff/channels/{channel}", who=ADMIN, body=SwitchesInput, reply=SwitchesView)
def set_channel(call: Call[SwitchesInput]) -> Reply:
    """Set a channel: whether it sells, how fast, how much to one customer, and whether it ships.

    It binds within a minute everywhere, and what it stopped goes on as soon after it is lifted.
    """
    channel = _channel(call)
    return _set(channel, put_switches(db(), channel, call.body.switches(), call.if_match))


def _set(channel: Channel, now: Switches) -> Reply:
    shown = SwitchesView(
        channel,
        now.sellable,
        now.orders_per_minute,
        now.stop_ship,
        now.purchase_limits,
        now.closed_regions,
        now.version,
    )
    return _versioned(shown, now.version)


def _channel(call: Call[SwitchesInput] | Call[None]) -> Channel:
    for channel in CHANNELS:
        if channel == call.path["channel"]:
            return channel
    raise not_found()


def _id(call: Call[Any]) -> str:
    """The id in the path. Raises Refusal INVALID for what cannot be one."""
    offer_id = call.path["offer_id"]
    if not re.fullmatch(NAME, offer_id):
        raise Refusal(Reason.INVALID, "An id is of small letters, digits, - and _.", "/offer_id")
    return offer_id
