"""From what a shopper typed to terms of the index: stems, completions, corrected typos.

A word somebody sells by is taken as it is. An unknown one is completed if it begins known words,
else replaced by the known words one slip away (optimal string alignment: one letter wrong, missing,
too many, or two swapped; two slips from eight letters on). Correcting only unknown words and
ranking by how many products use a word measured far better than fuzzy matching in the engine.

Nothing here tells of a product that whoever asks may not see: a word that only such products have
is an unknown one, and how rare a word is counts among the others alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

import tantivy
from tantivy import Occur, Query

from parcelway.ports import tantivy_schema
from parcelway.ports.search_cursor import HEAVIEST
from parcelway.values import dataclass

_WEIGHT = 8.0  # of one unit of inverse document frequency
_FIELDS = ("name", "brand_words", "category_words", "attributes", "description")
_SHORTEST_CORRECTED = 3
_TWO_SLIPS_FROM = 8
_ALTERNATIVES = 3
MOST_STEMS = 10  # that stand for one word
_MOST_WORDS = 16


def count(searcher: tantivy.Searcher, query: Query) -> int:
    """How many products match."""
    return int(searcher.search(query, 1).count)  # type: ignore[attr-defined]


def filtered(query: Query, filters: Iterable[Query]) -> Query:
    """Products that match all, scored by `query` alone."""
    unscored = [(Occur.Must, Query.const_score_query(each, 0.0)) for each in filters]
    return Query.boolean_query([(Occur.Must, query), *unscored]) if unscored else query


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query as the stems that stand for it; none when nothing comes close, or when
    it is a SKU (`code`). `weight` is how much it tells: the rarer, the more."""

    typed: str
    stems: tuple[str, ...]
    corrected: str = ""
    code: str = ""
    weight: int = 1


class Words:
    """The vocabulary of one searcher (one state of the index): that of the products which match
    `seen`, or of all (None)."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, seen: Query | None
    ) -> None:
        self._schema, self._searcher, self._seen = schema, searcher, seen
        self._every = int(searcher.num_docs) if seen is None else count(searcher, seen)
        self._counts: dict[tuple[str, str], int] = {}  # of products that are seen
        self._stemmer = tantivy_schema.analyzer(stemming=True)
        self._plain = tantivy_schema.analyzer(stemming=False)
        self._by_length: dict[int, list[str]] | None = None
        self._frequency: dict[str, int] = {}

    def split(self, text: str) -> list[str]:
        """The words of `text`, folded, at most 16 of them."""
        return list(self._plain.analyze(text))[:_MOST_WORDS]

    def stem(self, word: str) -> str:
        """The index's stem of a folded word."""
        stems = self._stemmer.analyze(word)
        return stems[0] if stems else word

    def understand(self, text: str) -> list[Word]:
        """Each word of `text` as terms of the index; a text that is a SKU is one word."""
        code = text.strip().lower()
        if self._having("code", code):
            return [Word(code, (), code=code)]
        words = [self._understand(word) for word in self.split(text)]
        return [replace(word, weight=self._weight(word)) for word in words]

    def completions(self, prefix: str, limit: int, among: Query | None = None) -> list[str]:
        """Known words that begin with `prefix`, those of most products first; optionally only
        words of products that match `among`."""
        found = self._searcher.terms_with_prefix("vocabulary", prefix, self.seen(among), limit)
        return [word for word, _ in found]

    def seen(self, query: Query | None) -> Query | None:
        """Those of the products of a query (None: of all products) that are seen."""
        if query is None or self._seen is None:
            return query or self._seen
        return filtered(query, [self._seen])

    def corrections(self, word: str) -> list[str]:
        """Known words close to an unknown one, the closest and then most used first."""
        if len(word) < _SHORTEST_CORRECTED or re.fullmatch(r"\d+", word):
            return []
        from rapidfuzz import process  # a third of this function's start, needed for typos only
        from rapidfuzz.distance import OSA

        slips = 2 if len(word) >= _TWO_SLIPS_FROM else 1
        near = self._near(len(word), slips)
        found = process.extract(word, near, scorer=OSA.distance, score_cutoff=slips, limit=50)
        ranked = sorted(found, key=lambda hit: (hit[1], -self._frequency[hit[0]], hit[0]))
        closest = [hit[0] for hit in ranked if hit[1] == ranked[0][1]]
        return closest[:_ALTERNATIVES]

    def _understand(self, word: str) -> Word:
        stem = self.stem(word)
        if any(self._having(field, stem) for field in _FIELDS):
            return Word(word, (stem,))
        if len(word) >= _SHORTEST_CORRECTED and (longer := self.completions(word, MOST_STEMS)):
            return Word(word, self._stems(longer))
        if near := self.corrections(word):
            return Word(word, self._stems(near), near[0])
        return Word(word, ())

    def _weight(self, word: Word) -> int:
        """BM25's inverse document frequency in eighths, by the field that has the word most."""
        counts = (self._having(field, stem) for stem in word.stems for field in _FIELDS)
        with_word = max(counts, default=0)
        rarity = math.log1p((max(self._every - with_word, 0) + 0.5) / (with_word + 0.5))
        return min(max(1, round(_WEIGHT * rarity)), HEAVIEST)

    def _having(self, field: str, term: str) -> int:
        """How many of the products that are seen have a term. Where all are, those replaced since
        they were indexed may count too."""
        most = int(self._searcher.doc_freq(field, term))
        if self._seen is None or not most:
            return most
        if (field, term) not in self._counts:
            with_term = Query.term_query(self._schema, field, term, "basic")
            self._counts[field, term] = count(self._searcher, filtered(with_term, [self._seen]))
        return self._counts[field, term]

    def _stems(self, words: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.stem(word) for word in words))

    def _near(self, length: int, slips: int) -> list[str]:
        if self._by_length is None:
            self._by_length = {}
            found = self._searcher.terms_with_prefix("vocabulary", "", self._seen)
            for word, products in found:
                self._frequency[word] = products
                self._by_length.setdefault(len(word), []).append(word)
        lengths = range(length - slips, length + slips + 1)
        return [word for size in lengths for word in self._by_length.get(size, [])]
