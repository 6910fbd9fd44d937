"""The index's fields, its analysis of words, and how a listing becomes a document.

Whoever changes anything here raises SCHEMA_VERSION: indexes of another version are never opened,
the indexer builds a new one beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import tantivy
from tantivy import tantivy as engine

from parcelway.ports.search import Listing

SCHEMA_VERSION = "3-" + engine.__version__.split()[1].rstrip(",")  # such as 3-v0.27.0
CATEGORY_LEVELS = 5  # deeper ones are found and filtered by their words and their fifth level
SEPARATOR = ">"
FOR_ALL = "*"  # in the place of the assortments of a product that is in none; no id of one
_STEMMED, _PLAIN = "stemmed", "plain"
_WRITER_HEAP = 15_000_000  # bytes; tantivy's least, plenty for a batch
_LONGEST_WORD = 40
_PRIOR = 1 / 1024


def schema() -> tantivy.Schema:
    """The fields of the index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("sku", stored=True, tokenizer_name="raw", index_option="basic")
    for words in ("name", "brand_words", "category_words", "attributes", "description"):
        builder.add_text_field(words, tokenizer_name=_STEMMED, index_option="freq")
    builder.add_text_field("code", tokenizer_name="raw", index_option="basic")  # SKU, lower case
    builder.add_text_field("vocabulary", tokenizer_name=_PLAIN, index_option="basic")
    builder.add_text_field("brand", tokenizer_name="raw", fast=True, index_option="basic")
    for level in range(CATEGORY_LEVELS):
        builder.add_text_field(
            category_field(level), tokenizer_name="raw", fast=True, index_option="basic"
        )
    builder.add_integer_field("price", indexed=True, fast=True)
    builder.add_integer_field("added", indexed=True, fast=True)
    builder.add_text_field("by_name", tokenizer_name="raw", fast=True, index_option="basic")
    builder.add_integer_field("tie", fast=True)
    builder.add_float_field("prior", fast=True)
    builder.add_text_field("availability", tokenizer_name="raw", fast=True, index_option="basic")
    builder.add_text_field("assortment", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("digest", fast=True)
    return builder.build()


def category_field(level: int) -> str:
    """The field with the path down to `level` (0: the top category)."""
    return f"category_{level}"


def category_path(names: Iterable[str]) -> str:
    """Category names as one value, cut at the deepest level that is indexed."""
    return SEPARATOR.join(list(names)[:CATEGORY_LEVELS])


def analyzer(stemming: bool) -> tantivy.TextAnalyzer:
    """Lower-cased words without accents, reduced to their English stem if asked for."""
    builder = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(_LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
    )
    return (builder.filter(tantivy.Filter.stemmer("english")) if stemming else builder).build()


def any_of(index: tantivy.Schema, field: str, values: Collection[str]) -> tantivy.Query:
    """Products with one of `values` in a field that is indexed as it is."""
    if len(values) == 1:  # a third of the time, and in the middle of a word's postings a tenth
        (value,) = values
        return tantivy.Query.term_query(index, field, value, "basic")
    return tantivy.Query.term_set_query(index, field, sorted(values))


def open_index(directory: str) -> tantivy.Index:
    """The index in `directory`; a new, empty one where there is none."""
    index = tantivy.Index(schema(), path=directory)
    index.register_tokenizer(_STEMMED, analyzer(stemming=True))
    index.register_tokenizer(_PLAIN, analyzer(stemming=False))
    return index


def write(index: tantivy.Index, upserts: Iterable[Listing], deletes: Iterable[str] = ()) -> bool:
    """Put listings (replacing those of the same SKU), drop SKUs, commit, and finish merging.

    Listings that are indexed as they are, and SKUs that are not, are left alone; False when that is
    all of them, and nothing was committed.
    """
    before = index.searcher()
    known = before.num_docs > 0
    writer = index.writer(_WRITER_HEAP, 1)
    changed = False
    for sku in deletes:
        if known and _digest_of(before, index.schema, sku) is not None:
            writer.delete_documents_by_term("sku", sku)
            changed = True
    for listing in upserts:
        fields = _fields(listing)
        if known and _digest_of(before, index.schema, listing.product.sku) == fields["digest"]:
            continue
        writer.delete_documents_by_term("sku", listing.product.sku)
        writer.add_document(tantivy.Document.from_dict(fields, index.schema))
        changed = True
    if changed or not known:
        writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return changed or not known


def _digest_of(searcher: tantivy.Searcher, schema: tantivy.Schema, sku: str) -> int | None:
    query = tantivy.Query.term_query(schema, "sku", sku, "basic")
    hits = searcher.search(query, 1, False).hits
    if not hits:
        return None
    (digest,) = searcher.fast_field_values("digest", [hits[0][1]])
    return int(digest) if digest is not None else None


def tie_breaker(sku: str) -> int:
    """A number per SKU that orders equals the same way on every machine."""
    return _hash(sku)


def _prior(name: str, tie: int) -> float:
    """Makes short names come first among products that match alike, and nearly all scores differ.

    The engine multiplies scores with log2(2 + prior), which this makes 1 to 1.001: one more word in
    the name weighs more than the tie-breaker, both less than any difference in what matches.
    """
    words = max(1, len(name.split()))
    return float(2 ** (1 + _PRIOR / (words + tie / 2**63)) - 2)


def _fields(listing: Listing) -> dict[str, Any]:
    product = listing.product
    categories = " ".join(product.category)
    path = product.category[:CATEGORY_LEVELS]
    fields = {
        "sku": product.sku,
        "code": product.sku.lower(),
        "name": product.name,
        "brand_words": product.brand,
        "category_words": categories,
        "attributes": " ".join(product.attributes.values()),
        "description": product.description,
        "vocabulary": f"{product.name} {product.brand} {categories}",
        "brand": product.brand,
        "price": product.price.minor,
        "added": int(listing.added_at.timestamp() * 1000),
        "by_name": f"{product.name.casefold()}\x00{product.sku}",
        "tie": tie_breaker(product.sku),
        "prior": _prior(product.name, tie_breaker(product.sku)),
        "availability": listing.availability,
        "assortment": list(product.assortments) or [FOR_ALL],
    } | {category_field(level): category_path(path[: level + 1]) for level in range(len(path))}
    return fields | {"digest": _hash(json.dumps(fields, sort_keys=True))}


def _hash(text: str) -> int:
    """63 bits of SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
