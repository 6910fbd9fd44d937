"""Product search as the shop sees it: what may be asked, what comes back.

The index knows words, categories, brands, an indexed price and whether there is stock, or some to
come. It is never the truth about a price or a quantity: callers read those live for the hits they
show.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from parcelway.domain.catalogue import Product
from parcelway.values import dataclass

Sort = Literal["relevance", "price_asc", "price_desc", "name", "newest"]
Stocked = Literal["in_stock", "backorder", "preorder", "out_of_stock"]


class InvalidCursor(ValueError):
    """A cursor that was not made by this search for this very query."""


class SearchUnavailable(Exception):
    """There is no usable index yet: nothing was indexed, or it could not be fetched."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for. Filters of different kinds are combined by "and", `brands` and
    `availability` by "or".

    `category` is a path, coarse first; a product in any category below it matches. `min_price`
    and `max_price` are inclusive, in minor units of the shop's currency. `availability` is as of
    when the products were indexed. `assortments` are those that whoever asks may see: of any other
    product nothing is told, neither by counts nor by words that it alone has. `cursor` is the
    cursor of a hit of an earlier page of the same query. Without `text`, relevance means by name.
    """

    text: str = ""
    category: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    min_price: int | None = None
    max_price: int | None = None
    availability: tuple[Stocked, ...] = ()
    assortments: tuple[str, ...] = ()
    sort: Sort = "relevance"
    limit: int = 24
    cursor: str = ""


class Place(NamedTuple):
    """Where a hit stands in its list, and what the list is, so that it goes on the same way however
    the index changes meanwhile. `search_cursor` makes a cursor of it.

    `value` is what was sorted by (negated where more comes first), `tie` orders equals, `position`
    counts from 1. `need` is how many of the query's words a product of the list has at least,
    `weights` is how much each word counts.
    """

    value: float | str
    tie: int
    position: int
    need: int
    weights: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One product found, and where it stands."""

    sku: str
    place: Place


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many of the products found have this facet value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class PriceBand:
    """How many of the products found cost at least `low` and less than `high` (None: no bound)."""

    low: int
    high: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over all products found, as of the index.

    `categories` are the children of the category asked for (the top ones without). `brands`,
    `prices` and `availability` are counted as if their own filter were not set, so that a shopper
    sees what another choice would give. Each list holds at most 50 values, the most frequent
    first (prices: by price).
    """

    categories: tuple[Bucket, ...]
    brands: tuple[Bucket, ...]
    prices: tuple[PriceBand, ...]
    availability: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of products found.

    `more` tells whether anything follows the last hit. `relaxed` is set when too few products have
    all the words, so that those with some of them follow. `corrected` maps words nobody sells by to
    the ones searched for instead.
    """

    hits: tuple[SearchHit, ...]
    total: int
    more: bool
    relaxed: bool = False
    corrected: Mapping[str, str] = field(default_factory=dict)
    facets: Facets | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A product as it is to be indexed. `added_at` is when the shop first listed it."""

    product: Product
    added_at: datetime
    availability: Stocked


class SearchIndex(Protocol):
    """An index that answers; making and publishing it is another matter (`search_files`)."""

    def search(self, query: SearchQuery, facets: bool = True) -> SearchPage:
        """One page. Raises InvalidCursor."""

    def suggest(
        self, text: str, limit: int = 8, assortments: Collection[str] = ()
    ) -> Sequence[Bucket]:
        """Completions of the last word of `text`, each with the words before it, most products
        first; of products in no assortment or in one of `assortments`. Empty when there is no
        word."""
