"""The search engine for somebody who may not see everything: as if the rest were not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcelway.domain.audience import Assortment, Audience, Buyer, assortments_for, visible
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import search_cursor, tantivy_schema
from parcelway.ports.search import InvalidCursor, Listing, SearchQuery, Sort, Stocked
from parcelway.ports.tantivy_index import TantivyIndex

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ("trade", "club", "phone", "nowhere")  # the last one is never defined
WORDS = ("tea", "teapot", "zephyr", "zephir", "zinc", "kettle", "mug")
STATES: tuple[Stocked, ...] = ("in_stock", "backorder", "out_of_stock")
SORTS: tuple[Sort, ...] = ("relevance", "price_asc", "name", "newest")

audiences = st.builds(
    Audience,
    channels=st.sets(st.sampled_from(["online", "phone"])).map(tuple),
    segments=st.sets(st.sampled_from(["b2c", "b2b"])).map(tuple),
    groups=st.sets(st.sampled_from(["g1", "g2"])).map(tuple),
    accounts=st.sets(st.sampled_from(["a1"])).map(tuple),
)
assortments = st.fixed_dictionaries(
    {}, optional={id: st.builds(Assortment, st.just(id), st.just(id), audiences) for id in IDS[:3]}
)
buyers = st.builds(
    Buyer,
    st.sampled_from(["online", "phone"]),
    st.sampled_from(["b2c", "b2b"]),
    st.sets(st.sampled_from(["g1", "g2", "g3"])).map(tuple),
    st.sampled_from(["", "a1"]),
)


@st.composite
def catalogues(draw: st.DrawFn) -> list[Listing]:
    rows = draw(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
                st.sampled_from(["", "Acme", "Zenith"]),
                st.sampled_from([("Food",), ("Home", "Pots"), ("Secret",)]),
                st.sampled_from([99, 100, 5000]),
                st.sampled_from(STATES),
                st.sets(st.sampled_from(IDS), max_size=2).map(tuple),
            ),
            max_size=30,
        )
    )
    return [
        Listing(
            Product(
                f"S{number}",
                " ".join(name),
                Money(price, "USD"),
                brand=brand,
                category=category,
                assortments=among,
            ),
            SINCE,
            state,
        )
        for number, (name, brand, category, price, state, among) in enumerate(rows)
    ]


queries = st.builds(
    SearchQuery,
    text=st.sampled_from(
        ["", "tea", "zephyr", "zephyx tea", "zin", "kettl mug", "s3", "S0", "secret", "pots zinc"]
    ),
    category=st.sampled_from([(), ("Home",), ("Secret",)]),
    brands=st.sampled_from([(), ("Acme",), ("Acme", "Zenith")]),
    min_price=st.sampled_from([None, 100]),
    availability=st.sampled_from([(), ("in_stock",), ("backorder", "in_stock")]),
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 9),
)
typed = st.sampled_from(["t", "te", "z", "zep", "zephyx", "tea z", "zephyr t", "mug zi", "s", "k"])

Build = Callable[..., TantivyIndex]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    def index(listings: Sequence[Listing], gone: Sequence[Listing] = ()) -> TantivyIndex:
        """Several segments, from which `gone` were deleted again."""
        made = tantivy_schema.open_index(str(tmp_path_factory.mktemp("index")))
        every = [*gone, *listings]
        for start in range(0, max(len(every), 1), 11):
            tantivy_schema.write(made, every[start : start + 11])
        if gone:
            tantivy_schema.write(made, (), [listing.product.sku for listing in gone])
        return TantivyIndex(made)

    return index


def hidden_before(catalogue: Sequence[Listing]) -> list[Listing]:
    """Others that nobody may see, with words of their own, which are not sold any more."""
    return [
        replace(
            listing,
            product=replace(
                listing.product,
                sku=f"G{number}",
                name=f"{listing.product.name} zirkon",
                assortments=("nowhere",),
            ),
        )
        for number, listing in enumerate(catalogue[::5])
    ]


@settings(max_examples=60)
@given(catalogues(), assortments, buyers, queries, typed)
def test_a_buyer_finds_what_they_may_see_as_if_there_were_nothing_else(
    build: Build,
    catalogue: list[Listing],
    offered: dict[str, Assortment],
    buyer: Buyer,
    query: SearchQuery,
    text: str,
) -> None:
    """Hits, their order and weights, counts, facets, corrections, suggestions, and the next page:
    all that is answered is equal to what an index of the visible products alone would answer."""
    allowed = assortments_for(buyer, offered.values())
    may = [listing for listing in catalogue if visible(listing.product, buyer, offered)]
    whole = build(catalogue, hidden_before(catalogue))
    own = build(may)
    asked = replace(query, assortments=allowed)
    for _ in range(3):
        page, expected = whole.search(asked), own.search(asked)
        assert page == expected
        assert {hit.sku for hit in page.hits} <= {listing.product.sku for listing in may}
        if not page.more:
            break
        asked = replace(asked, cursor=search_cursor.encode(asked, page.hits[-1].place))
    for words in (text, "zirko", "z"):
        suggested = whole.suggest(words, 8, allowed)
        assert suggested == own.suggest(words, 8, allowed)
    everything = whole.search(SearchQuery(assortments=allowed, limit=50))
    assert sorted(hit.sku for hit in everything.hits) == sorted(each.product.sku for each in may)
    assert everything.total == len(may)


def listed(*products: Product) -> list[Listing]:
    return [Listing(product, SINCE, "in_stock") for product in products]


def product(sku: str, name: str, *among: str) -> Product:
    return Product(sku, name, Money(100, "USD"), assortments=among)


def test_who_may_see_no_product_at_all_is_told_of_none(build: Build) -> None:
    index = build(listed(product("S1", "zephyr", "trade")))
    page = index.search(SearchQuery("zephyr"))
    assert (page.total, page.hits, page.corrected) == (0, (), {})
    assert index.suggest("z") == ()
    assert index.search(SearchQuery("zephyr", assortments=("trade",))).total == 1


def test_a_hidden_sku_or_word_is_answered_like_one_that_is_not_there(build: Build) -> None:
    index = build(listed(product("S1", "zinc mug"), product("TEA-7", "zine lamp", "trade")))
    hidden, missing = (index.search(SearchQuery(sku)) for sku in ("TEA-7", "TEA-8"))
    assert hidden == missing
    assert index.search(SearchQuery("zine")).corrected == {"zine": "zinc"}
    assert index.search(SearchQuery("zine", assortments=("trade",))).corrected == {}


def test_a_cursor_is_good_for_who_may_see_the_same_alone(build: Build) -> None:
    names = (f"tea {number}" for number in range(9))
    index = build(listed(*(product(f"S{n}", name, "a") for n, name in enumerate(names))))
    query = SearchQuery("tea", limit=2, assortments=("a", "b"))
    cursor = search_cursor.encode(query, index.search(query).hits[-1].place)
    same = replace(query, assortments=("b", "a"), cursor=cursor)
    assert index.search(same).hits
    for others in ((), ("a",), ("a", "b", "c")):
        with pytest.raises(InvalidCursor):
            index.search(replace(query, assortments=others, cursor=cursor))
