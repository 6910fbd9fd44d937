"""`SearchIndex` on tantivy: the plan of a query, pages by cursor, facet counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import tantivy
from tantivy import Occur, Order, Query

from parcelway.ports import search_cursor, tantivy_schema
from parcelway.ports.search import (
    Bucket,
    Facets,
    Place,
    PriceBand,
    SearchHit,
    SearchPage,
    SearchQuery,
)
from parcelway.ports.tantivy_words import MOST_STEMS, Word, Words, count, filtered

# A word counts in its best field, and an eighth in the others: a name says what it is. How often a
# word occurs and how long the text is do not count (in so short texts they say little). So a
# product's score depends on nothing but itself and the words' weights, which travel in the cursor:
# that is what keeps pages in step while the index changes.
_FIELDS = {"name": 6, "brand_words": 4, "category_words": 4, "attributes": 2, "description": 1}
_OTHER_FIELDS = 0.125
_EXACT = 8  # all scores are multiples of the eighth, and sums of theirs exact in a 32 bit float
_FILL_BELOW = 24  # fewer products than a page have all words: those with some follow
_TIES = 32  # fetched beyond the page so that products equal in rank are complete
_MOST_VALUES = 50
_EXACT_UP_TO = 5000  # values of a facet in one segment; beyond that, rare ones may be undercounted
_AUDIENCES = 8  # whose vocabularies are kept; one of 100,000 products has some 2 MB
_BANDS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)  # minor units
_ORDERS: dict[str, tuple[str | None, Order]] = {
    "relevance": (None, Order.Desc),
    "price_asc": ("price", Order.Asc),
    "price_desc": ("price", Order.Desc),
    "name": ("by_name", Order.Asc),
    "newest": ("added", Order.Desc),
}


class _Ranked(NamedTuple):
    """A document's place: its sort value (negated where more comes first), then the tie-breaker."""

    value: float | str
    tie: int
    address: tantivy.DocAddress


class TantivyIndex:
    """One opened state of an index. Later commits are not seen; open again for those."""

    def __init__(self, index: tantivy.Index) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        labels = self._searcher.terms_with_prefix("assortment", "")  # also of what was deleted
        self._labels = frozenset(label for label, _ in labels)
        self._words = lru_cache(_AUDIENCES)(partial(_words, self._schema, self._searcher))

    @property
    def products(self) -> int:
        """How many products the index holds."""
        return int(self._searcher.num_docs)

    def search(self, query: SearchQuery, facets: bool = True) -> SearchPage:
        """See `SearchIndex`. Facets cost about as much as the hits."""
        seen = self._seen(query.assortments)
        words = self._words(seen).understand(query.text)
        sort = "name" if query.sort == "relevance" and not words else query.sort
        cursor = search_cursor.decode(query, sort, len(words))
        query = replace(query, sort=sort)
        if cursor:
            weighted = zip(words, cursor.weights, strict=True)
            words = [replace(word, weight=weight) for word, weight in weighted]
        filters = self._filters(query, seen)
        need = cursor.need if cursor else self._need(query, words, filters)
        matching = self._matching(words, need)
        found = filtered(matching, filters.values())
        ranked, more = self._page(query, found, cursor)
        before = cursor.position if cursor else 0
        weights = tuple(word.weight for word in words)
        return SearchPage(
            hits=tuple(self._hits(ranked, before, need, weights)),
            total=self._count(found),
            more=more,
            relaxed=need < len(words),
            corrected={word.typed: word.corrected for word in words if word.corrected},
            facets=self._facets(query, matching, filters) if facets else None,
        )

    def suggest(
        self, text: str, limit: int = 8, assortments: Collection[str] = ()
    ) -> Sequence[Bucket]:
        """See `SearchIndex`."""
        known = self._words(self._seen(assortments))
        typed = known.split(text)
        if not typed:
            return ()
        before, last = typed[:-1], typed[-1]
        context = known.understand(" ".join(before))
        among = self._matching(context, len(context)) if context else None
        words = known.completions(last, limit, among) or known.corrections(last)
        stem = " ".join([*(word.corrected or word.typed for word in context), ""])
        counts = [(word, self._count_word(word, known.seen(among))) for word in words]
        return tuple(Bucket(stem + word, count) for word, count in counts if count)[:limit]

    # --- the plan -----------------------------------------------------------------------------

    def _matching(self, words: Sequence[Word], need: int) -> Query:
        """At least `need` of the words, products with all of them first."""
        if not words:
            return Query.all_query()
        each = [self._word(word) for word in words]
        every = Query.boolean_query([(Occur.Must, query) for query in each])
        if need >= len(words):
            return every
        some = Query.boolean_query([(Occur.Should, query) for query in each], max(need, 1))
        first = Query.const_score_query(every, float(_more_than_any(words)))
        return Query.boolean_query([(Occur.Must, some), (Occur.Should, first)])

    def _need(self, query: SearchQuery, words: Sequence[Word], filters: dict[str, Query]) -> int:
        """How many of the words a product must have: all, unless fewer than a page do; then half,
        then one. In an order other than relevance the poorest matches would come first, so there
        the words are only given up when nothing has them."""
        enough = _FILL_BELOW if query.sort == "relevance" else 1
        for need in sorted({len(words), math.ceil(len(words) / 2)}, reverse=True):
            if need <= 1:
                break
            found = filtered(self._matching(words, need), filters.values())
            if self._count(found) >= enough:
                return need
        return min(len(words), 1)

    def _word(self, word: Word) -> Query:
        if word.code:
            code = Query.term_query(self._schema, "code", word.code, "basic")
            return Query.const_score_query(code, 1.0)
        alternatives = [
            Query.const_score_query(
                Query.term_query(self._schema, field, stem, "freq"),
                float(_EXACT * word.weight * worth),
            )
            for stem in word.stems
            for field, worth in _FIELDS.items()
        ]
        if not alternatives:
            return Query.empty_query()
        return Query.disjunction_max_query(alternatives, _OTHER_FIELDS)

    def _seen(self, assortments: Collection[str]) -> frozenset[str] | None:
        """The labels of the products that a buyer may see who may see `assortments`; None where no
        product ever indexed here is hidden from them: then nothing has to be filtered."""
        seen = self._labels & {tantivy_schema.FOR_ALL, *assortments}
        return None if seen == self._labels else seen

    def _filters(self, query: SearchQuery, seen: frozenset[str] | None) -> dict[str, Query]:
        filters: dict[str, Query] = {}
        if seen is not None:
            filters["assortment"] = tantivy_schema.any_of(self._schema, "assortment", seen)
        if query.category:
            path = query.category[: tantivy_schema.CATEGORY_LEVELS]
            field = tantivy_schema.category_field(len(path) - 1)
            filters["category"] = Query.term_query(
                self._schema, field, tantivy_schema.category_path(path), "basic"
            )
        if query.brands:
            filters["brand"] = tantivy_schema.any_of(self._schema, "brand", query.brands)
        if query.min_price is not None or query.max_price is not None:
            filters["price"] = self._between("price", query.min_price, query.max_price)
        if query.availability:
            wanted = query.availability
            filters["availability"] = tantivy_schema.any_of(self._schema, "availability", wanted)
        return filters

    def _between(self, field: str, low: int | None, high: int | None) -> Query:
        return Query.range_query(self._schema, field, tantivy.FieldType.Integer, low, high)

    def _count_word(self, word: str, among: Query | None) -> int:
        query = Query.term_query(self._schema, "vocabulary", word, "basic")
        if among is not None:
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, among)])
        return self._count(query)

    def _count(self, query: Query) -> int:
        return count(self._searcher, query)

    # --- pages --------------------------------------------------------------------------------

    def _page(
        self, query: SearchQuery, found: Query, cursor: Place | None
    ) -> tuple[list[_Ranked], bool]:
        """The documents of the page, and whether more follow.

        The engine orders by one value and leaves equals in storage order, which merges change. So
        more than a page is fetched, equals are ordered by the tie-breaker, and a run of equals that
        was cut off is only used once it is complete.
        """
        start = self._start(query, found, cursor)
        skip = cursor.position if cursor and query.sort in ("relevance", "name") else 0
        wanted = skip + query.limit + 1 + _TIES
        while True:
            ranked = self._ranked(query, start, wanted)
            complete = ranked
            if len(ranked) == wanted:
                complete = [place for place in ranked if place.value != ranked[-1].value]
            rest = self._after(complete, cursor)
            if len(rest) > query.limit or len(ranked) < wanted:
                break
            wanted *= 4
        return rest[: query.limit], len(rest) > query.limit

    def _start(self, query: SearchQuery, found: Query, cursor: Place | None) -> Query:
        """For orders by a number, skip what comes before the cursor inside the engine."""
        if cursor is None or query.sort in ("relevance", "name"):
            return found
        field, order = _ORDERS[query.sort]
        value = int(cursor.value)
        bounds = (value, None) if order == Order.Asc else (None, -value)
        return filtered(found, [self._between(str(field), *bounds)])

    def _ranked(self, query: SearchQuery, found: Query, wanted: int) -> list[_Ranked]:
        field, order = _ORDERS[query.sort]
        prior = "prior" if field is None else None
        hits = self._searcher.search(found, wanted, False, field, 0, order, prior).hits
        ties = self._searcher.fast_field_values("tie", [address for _, address in hits])
        return sorted(
            _Ranked(value if order == Order.Asc else -value, int(tie or 0), address)
            for (value, address), tie in zip(hits, ties, strict=True)
        )

    @staticmethod
    def _after(places: list[_Ranked], cursor: Place | None) -> list[_Ranked]:
        if cursor is None:
            return places
        last = (cursor.value, cursor.tie)
        return [place for place in places if (place.value, place.tie) > last]

    def _hits(
        self, ranked: list[_Ranked], before: int, need: int, weights: tuple[int, ...]
    ) -> Iterable[SearchHit]:
        for position, (value, tie, address) in enumerate(ranked, start=before + 1):
            (sku,) = self._searcher.doc(address)["sku"]
            yield SearchHit(sku, Place(value, tie, position, need, weights))

    # --- facets -------------------------------------------------------------------------------

    def _facets(self, query: SearchQuery, matching: Query, filters: dict[str, Query]) -> Facets:
        """Facets whose own filter is not set share one pass over the products found."""
        level = min(len(query.category), tantivy_schema.CATEGORY_LEVELS - 1)
        requests: dict[str, Any] = {
            "category": _terms(tantivy_schema.category_field(level)),
            "brand": _terms("brand"),
            "price": {"range": {"field": "price", "ranges": _ranges()}},
            "availability": _terms("availability"),
        }
        shared = {name: ask for name, ask in requests.items() if name not in filters}
        shared["category"] = requests["category"]
        passes = [(shared, list(filters.values()))]
        for own in ("brand", "price", "availability"):
            if own in filters:
                others = [query for name, query in filters.items() if name != own]
                passes.append(({own: requests[own]}, others))
        counted: dict[str, Any] = {}
        for ask, kept in passes:
            counted |= self._searcher.aggregate(filtered(matching, kept), ask)
        return Facets(
            categories=_buckets(counted["category"], after=tantivy_schema.SEPARATOR),
            brands=_buckets(counted["brand"]),
            prices=tuple(_bands(counted["price"])),
            availability=_buckets(counted["availability"]),
        )


def _words(
    schema: tantivy.Schema, searcher: tantivy.Searcher, seen: frozenset[str] | None
) -> Words:
    among = None if seen is None else tantivy_schema.any_of(schema, "assortment", seen)
    return Words(schema, searcher, among)


def _more_than_any(words: Sequence[Word]) -> int:
    """A bonus above the score of any product that has not all of the words."""
    most = max(_FIELDS.values()) + _OTHER_FIELDS * sum(_FIELDS.values()) * MOST_STEMS
    return math.ceil(sum(_EXACT * word.weight * most for word in words))


def _terms(field: str) -> dict[str, Any]:
    return {"terms": {"field": field, "size": _MOST_VALUES, "segment_size": _EXACT_UP_TO}}


def _ranges() -> list[dict[str, int]]:
    between = ({"from": a, "to": b} for a, b in itertools.pairwise(_BANDS))
    return [{"to": _BANDS[0]}, *between, {"from": _BANDS[-1]}]


def _buckets(counted: dict[str, Any], after: str = "") -> tuple[Bucket, ...]:
    """The values counted, most frequent first; of a path, what comes after the last `after`."""
    found = [
        Bucket(bucket["key"].rsplit(after, 1)[-1] if after else bucket["key"], bucket["doc_count"])
        for bucket in counted["buckets"]
        if bucket["key"]
    ]
    return tuple(sorted(found, key=lambda bucket: (-bucket.count, bucket.value)))


def _bands(counted: dict[str, Any]) -> Iterable[PriceBand]:
    for bucket in counted["buckets"]:
        if bucket["doc_count"]:
            high = int(bucket["to"]) if "to" in bucket else None
            yield PriceBand(int(bucket.get("from", 0)), high, bucket["doc_count"])
