"""Product search: found in the index, shown as the tables have it now."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any

from parcelway import aws
from parcelway.domain import atp
from parcelway.domain.audience import assortments_for
from parcelway.domain.availability import BROWSED, State, shown
from parcelway.domain.order import Order
from parcelway.domain.parties import Channel
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Method, Shop
from parcelway.domain.stores import pickup_stores
from parcelway.http.access import cart_of_query
from parcelway.http.api import ANYONE, Api
from parcelway.http.call import Call
from parcelway.http.problems import Problem, bad_request, not_found
from parcelway.http.schemas import CountryCode, Input, Text
from parcelway.ports import search_cursor, tantivy_schema
from parcelway.ports.search import (
    Bucket,
    Facets,
    InvalidCursor,
    Place,
    SearchHit,
    SearchPage,
    SearchQuery,
    SearchUnavailable,
    Sort,
    Stocked,
)
from parcelway.ports.search_files import IndexFiles
from parcelway.ports.search_reader import Opened, SearchReader
from parcelway.store.database import database
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from parcelway.values import dataclass
from products import Audience, ProductView, audience_of, buyer_of, views_of
from pydantic import Field, StringConstraints
from stores import Near, StoresView, stores_view

api = Api("search")
handler = api
db = cache(database)

_MOST_PER_PAGE = 100
_STATE = "(in_stock|backorder|preorder|out_of_stock)"
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^([A-Z]{3})?$")]
Stock = Annotated[str, StringConstraints(pattern=rf"^({_STATE}(\|{_STATE}){{0,3}})?$")]
_ROUNDS = 3  # how often more is fetched when live data drops hits from a page
_MOST_MINOR = 10**12
_MOST_UNITS = 1_000_000  # refused by shape; the shop's own limit is far below


@cache
def reader() -> SearchReader:
    """This container's copy of the index."""
    bucket = os.environ["SEARCH_BUCKET"]
    return SearchReader(IndexFiles(aws.client("s3"), bucket, tantivy_schema.SCHEMA_VERSION))


class ForCart(Input):
    """The cart that is shopped with, '' for none: who holds its `Cart-Token` is shown what its
    buyer may see and buy, at the buyer's prices. Without one, what everybody may."""

    cart: Text(128, 0) = ""  # type: ignore[valid-type]


class Listing(ForCart):
    """What to find. Prices in minor units of the shop's currency, inclusive; products are shown at
    prices in `currency`, '' for the cart's or else the shop's own. `category` is a path
    (`Grocery>Yogurt`), `brand` one or more names separated by `|`. `availability` is one or more
    states separated by `|`, as a product is `in_stock` when few are left; `in_stock` true asks for
    that one alone."""

    q: Text(200, 0) = ""  # type: ignore[valid-type]
    category: Text(300, 0) = ""  # type: ignore[valid-type]
    brand: Text(500, 0) = ""  # type: ignore[valid-type]
    min_price: int | None = Field(None, ge=0, le=_MOST_MINOR)
    max_price: int | None = Field(None, ge=0, le=_MOST_MINOR)
    availability: Stock = ""
    in_stock: bool = False
    sort: Sort = "relevance"
    currency: CurrencyCode = ""
    cursor: Text(1000, 0) = ""  # type: ignore[valid-type]
    limit: int = Field(24, ge=1, le=_MOST_PER_PAGE)
    facets: bool = True

    def search(self, assortments: tuple[str, ...]) -> SearchQuery:
        """The query for the index, of who may see `assortments`."""
        return SearchQuery(
            text=self.q,
            category=tuple(_parts(self.category, tantivy_schema.SEPARATOR)),
            brands=tuple(_parts(self.brand, "|")),
            min_price=self.min_price,
            max_price=self.max_price,
            availability=("in_stock",) if self.in_stock else self._availability(),
            assortments=assortments,
            sort=self.sort,
            limit=self.limit,
            cursor=self.cursor,
        )

    def _availability(self) -> tuple[Stocked, ...]:
        states: Any = _parts(self.availability, "|")
        return tuple(states)


class Shown(ForCart):
    """In which currency prices are shown, '' for the cart's or else the shop's own."""

    currency: CurrencyCode = ""


class Wanted(ForCart):
    """How many units are wanted (not said: the least that one can order), through which channel
    (the cart's, or else online), and how: to a country (`postal_code` makes it exact), or collected
    at a `store`, which says that it is `pickup`."""

    quantity: int | None = Field(None, ge=1, le=_MOST_UNITS)
    channel: Channel | None = None
    method: Method | None = None
    country: CountryCode | None = None
    postal_code: Text(16, 0) = ""  # type: ignore[valid-type]
    store: Text(40, 0) = ""  # type: ignore[valid-type]

    def wish(self, cart: Order | None) -> atp.Wish:
        """What is asked for. Raises Refusal INVALID for another channel than the cart's."""
        if cart and self.channel not in (None, cart.channel):
            detail = f"This cart is of the channel {cart.channel}."
            raise Refusal(Reason.INVALID, detail, "/channel")
        return atp.Wish(
            self.quantity or 1,
            cart.channel if cart else self.channel or BROWSED,
            self.method or ("pickup" if self.store else "delivery"),
            self.country or "",
            self.postal_code,
            self.store,
        )


class Typed(ForCart):
    """What a shopper has typed so far."""

    q: Text(200, 0) = ""  # type: ignore[valid-type]
    limit: int = Field(8, ge=1, le=20)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of products. `total` and `facets` count as of `indexed_through`, the time of the
    newest change in the index; prices and availability are live. `relaxed`: too few products have
    all the words, those with some of them follow. `corrected`: words taken for misspelt."""

    products: tuple[ProductView, ...]
    total: int
    next_cursor: str | None
    relaxed: bool
    corrected: Mapping[str, str]
    facets: Facets | None
    indexed_through: datetime


@dataclass(frozen=True, slots=True)
class PromiseView:
    """What can be had of what was asked for: `now` units at once, the others `later`, and all of
    them on the day `available_from` (null: now, or never). `most` units could be ordered now and
    later together. From `from_date` to `to_date` all would be there by the cheapest `service`, for
    pick-up from `ready_by` on; empty and null where that cannot be told."""

    sku: str
    quantity: int
    channel: Channel
    method: Method
    state: State
    now: int
    later: tuple[atp.Coming, ...]
    available_from: date | None
    most: int
    service: str
    from_date: date | None
    to_date: date | None
    ready_by: datetime | None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Completions of what was typed, each with how many products it would find."""

    suggestions: tuple[Bucket, ...]


@api.route("GET", "/products", who=ANYONE, query=Listing, reply=Found)
def find(call: Call[None]) -> Found:
    """Search and browse the catalogue."""
    cart, shop = cart_of_query(db(), call), load_shop(db())
    audience = audience_of(cart, call.query.currency, shop)
    query = call.query.search(assortments_for(audience.buyer, shop.assortments.values()))
    if audience.currency != shop.settings.currency and (query.min_price, query.max_price) != (
        None,
        None,
    ):
        detail = f"Prices are limited in {shop.settings.currency}."
        raise Refusal(Reason.CURRENCY_UNAVAILABLE, detail, "/currency")
    opened = _opened()
    products, page, place = _page(opened, query, shop, audience, call.query.facets)
    return Found(
        products=tuple(products),
        total=page.total,
        next_cursor=search_cursor.encode(query, place) if place else None,
        relaxed=page.relaxed,
        corrected=page.corrected,
        facets=page.facets,
        indexed_through=opened.manifest.indexed_through,
    )


@api.route("GET", "/products/suggest", who=ANYONE, query=Typed, reply=Suggestions)
def suggest(call: Call[None]) -> Suggestions:
    """Complete the word being typed."""
    buyer, shop = buyer_of(cart_of_query(db(), call)), load_shop(db())
    seen = assortments_for(buyer, shop.assortments.values())
    return Suggestions(tuple(_opened().index.suggest(call.query.q, call.query.limit, seen)))


@api.route("GET", "/products/{sku}", who=ANYONE, query=Shown, reply=ProductView)
def show(call: Call[None]) -> ProductView:
    """One product, at its price and availability of this moment."""
    cart, shop = cart_of_query(db(), call), load_shop(db())
    audience = audience_of(cart, call.query.currency, shop)
    views = views_of(db(), [call.path["sku"]], shop, audience)
    if not views:
        raise not_found()
    return views[call.path["sku"]]


@api.route("GET", "/products/{sku}/availability", who=ANYONE, query=Wanted, reply=PromiseView)
def promise(call: Call[None]) -> PromiseView:
    """How much of a product can be had, and when.

    It is what the cart and the checkout would say to one product alone at this moment; nothing is
    held for the caller."""
    cart = cart_of_query(db(), call)
    sku, wish = call.path["sku"], call.query.wish(cart)
    draft = atp.draft_of(wish, load_shop(db()), call.now)
    facts = read_facts(db(), draft, call.now, sku, priced=False)
    product = facts.products.get(sku)
    if product is None or not shown(product, buyer_of(cart), facts.shop):
        raise not_found()
    wish = wish if call.query.quantity else replace(wish, quantity=product.min_quantity)
    answer = atp.ask(draft, product, wish, facts)
    window = answer.window
    return PromiseView(
        sku,
        wish.quantity,
        wish.channel,
        wish.method,
        answer.state,
        answer.now,
        answer.later,
        answer.available_from,
        answer.most,
        answer.service.id if answer.service else "",
        window.earliest if window else None,
        window.latest if window else None,
        window.ready_by if window else None,
    )


@api.route("GET", "/stores", who=ANYONE, query=Near, reply=StoresView)
def stores(call: Call[None]) -> StoresView:
    """The stores at which orders can be collected."""
    near = call.query
    found = pickup_stores(load_shop(db()), near.channel, near.address())
    return stores_view(found, near, call.now)


def _page(
    opened: Opened, query: SearchQuery, shop: Shop, audience: Audience, facets: bool
) -> tuple[list[ProductView], SearchPage, Place | None]:
    """The products of a page, what the index said of the whole, and the place to go on from.

    What the index holds is up to a minute old: a product that has changed so that it no longer
    fits is dropped, and more is fetched. For what is in stock, the likeliest to have changed, twice
    as many are fetched from the start.
    """
    views: list[ProductView] = []
    first: SearchPage | None = None
    place: Place | None = None
    for _ in range(_ROUNDS):
        wanted = (query.limit - len(views)) * (2 if query.availability else 1)
        page = _search(opened, replace(query, limit=wanted), facets and first is None)
        first = first or page
        live = views_of(db(), [hit.sku for hit in page.hits], shop, audience)
        taken = _take(page.hits, live, query, query.limit - len(views))
        views += [live[hit.sku] for hit in taken if _fits(live.get(hit.sku), query)]
        more = page.more or len(taken) < len(page.hits)
        place = taken[-1].place if more and taken else None
        if place is None or len(views) >= query.limit:
            break
        query = replace(query, cursor=search_cursor.encode(query, place))
    assert first is not None
    return views, first, place


def _take(
    hits: Sequence[SearchHit], live: Mapping[str, ProductView], query: SearchQuery, room: int
) -> Sequence[SearchHit]:
    """The hits up to and with the one that fills the page."""
    fitting = 0
    for number, hit in enumerate(hits, start=1):
        fitting += _fits(live.get(hit.sku), query)
        if fitting == room:
            return hits[:number]
    return hits


def _fits(view: ProductView | None, query: SearchQuery) -> bool:
    """Whether a product still is what was asked for, by live price and stock."""
    if view is None:
        return False
    state = view.availability.state
    stocked: Stocked = "in_stock" if state == "low_stock" else state
    if query.availability and stocked not in query.availability:
        return False
    low = query.min_price if query.min_price is not None else 0
    high = query.max_price if query.max_price is not None else _MOST_MINOR
    return low <= view.price.minor <= high


def _opened() -> Opened:
    try:
        return reader().current()
    except SearchUnavailable:
        raise Problem(
            503,
            "search-unavailable",
            "Search is not available",
            "The index is being built; try again shortly.",
            headers={"Retry-After": "5"},
        ) from None


def _search(opened: Opened, query: SearchQuery, facets: bool) -> SearchPage:
    try:
        return opened.index.search(query, facets)
    except InvalidCursor as error:
        raise bad_request(f"cursor: {error}.") from None


def _parts(text: str, separator: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(separator)) if part]
