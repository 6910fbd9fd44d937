"""Search for who buys from a cart: what its buyer may see, at the buyer's prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from parcelway.domain import cart
from parcelway.domain.audience import Assortment, Audience
from parcelway.domain.commands import Command
from parcelway.domain.facts import Facts
from parcelway.domain.prices import PriceList, Tier
from parcelway.ports import clock, tantivy_schema
from parcelway.store import shop
from parcelway.store.offers import put_offer, put_prices
from parcelway.store.saving import save

from tests.functions.test_search_functions import World, product, world

__all__ = ["world"]
TOKEN = "only the holder knows"
TRADE = Audience(groups=("trade",))


def cart_of(world: World, order_id: str, currency: str = "USD", **buyer: Any) -> dict[str, str]:
    """A query that names a new cart of a buyer, whose token is sent from now on."""
    facts = Facts(shop.load_shop(world.db), clock.now())
    drafted = cart.new_draft(
        order_id,
        TOKEN,
        facts,
        channel="online",
        currency=currency,
        language="en",
        asked=Command("key", "print"),
    )
    theirs = replace(drafted, order=replace(drafted.order, **buyer))
    save(world.db, theirs, clock.now())
    world.headers = {"Cart-Token": TOKEN}
    return {"cart": order_id}


def offer(world: World, id: str, audience: Audience) -> None:
    put_offer(world.db, Assortment(id, id, audience), clock.now())
    world.search.db().memory.clear()  # as a minute later


@pytest.fixture
def trading(world: World) -> World:
    """S1 is for all, S2 for trade, S3 for who buys by phone, and S4 in what is not defined."""
    offer(world, "trade", TRADE)
    offer(world, "phone", Audience(channels=("phone",)))
    among = {2: ("trade",), 3: ("phone", "trade"), 4: ("gone",)}
    world.put(*(product(n, f"Tea {n}", assortments=among.get(n, ())) for n in range(1, 5)))
    world.receive(9, "S1", "S2", "S3", "S4")
    world.index()
    return world


def test_every_audience_finds_its_own(trading: World) -> None:
    carts = {
        "ord_trade": ({"customer_groups": ("trade",)}, ["S1", "S2", "S3"]),
        "ord_phone": ({"channel": "phone"}, ["S1", "S3"]),
        "ord_guest": ({}, ["S1"]),
    }
    for order_id, (buyer, skus) in carts.items():
        named = cart_of(trading, order_id, **buyer)
        status, body = trading.get("/products", q="tea", **named)
        assert (status, sorted(each["sku"] for each in body["products"])) == (200, skus)
        assert body["total"] == len(skus)
        assert body["facets"]["brands"] == [{"value": "Acme", "count": len(skus)}]
        suggested = trading.get("/products/suggest", q="te", **named)[1]["suggestions"]
        assert suggested == [{"value": "tea", "count": len(skus)}]
        for sku in ("S1", "S2", "S3", "S4"):
            expected = 200 if sku in skus else 404
            assert trading.get(f"/products/{sku}", **named)[0] == expected
            assert trading.get(f"/products/{sku}/availability", **named)[0] == expected
        assert trading.found(q="tea") == ["S1"]  # the token alone says nothing


def test_who_an_assortment_is_for_counts_without_indexing_anew(trading: World) -> None:
    named = cart_of(trading, "ord_trade", customer_groups=("trade",))
    offer(trading, "gone", TRADE)
    assert trading.get("/products", **named)[1]["total"] == 4
    offer(trading, "trade", Audience(groups=("others",)))
    assert sorted(trading.found(**named)) == ["S1", "S4"]
    offer(trading, "trade", Audience())
    assert sorted(trading.found()) == ["S1", "S2", "S3"]


def test_what_was_put_in_an_assortment_is_shown_to_others_no_more(trading: World) -> None:
    trading.put(product(1, "Tea 1", assortments=("trade",)))
    assert trading.found() == []  # live, before the index knows
    trading.index()
    assert trading.get("/products")[1]["total"] == 0
    assert trading.get("/products/suggest", q="te")[1] == {"suggestions": []}


def test_prices_and_currency_are_those_of_the_carts_buyer(world: World) -> None:
    known = shop.load_shop(world.db).settings
    shop.put_settings(world.db, replace(known, currencies=("EUR",)))
    world.put(product(1), product(2))
    world.index()
    for id, currency, minor in (("members", "USD", 410), ("euro", "EUR", 390)):
        put_offer(world.db, PriceList(id, id, currency, TRADE), clock.now())
        put_prices(world.db, id, {"S1": [Tier(1, minor)]})
    world.search.db().memory.clear()
    dollars = cart_of(world, "ord_usd", customer_groups=("trade",))
    assert world.get("/products/S1", **dollars)[1]["price"] == {"minor": 410, "currency": "USD"}
    assert world.get("/products/S1")[1]["price"] == {"minor": 500, "currency": "USD"}
    euros = cart_of(world, "ord_eur", "EUR", customer_groups=("trade",))
    status, body = world.get("/products", **euros)
    assert [each["price"] for each in body["products"]] == [{"minor": 390, "currency": "EUR"}]
    assert world.found(currency="EUR", **euros) == ["S1"]
    for query in ({"currency": "USD"}, {"max_price": 1000}):
        status, body = world.get("/products", **euros, **query)
        assert (status, body["pointer"]) == (422, "/currency")


def test_availability_is_that_of_the_carts_channel(trading: World) -> None:
    settings = shop.load_shop(trading.db).settings
    shop.put_settings(trading.db, replace(settings, channel_buffers={"phone": 4}))
    trading.search.db().memory.clear()
    named = cart_of(trading, "ord_phone", channel="phone")
    assert trading.get("/products/S1", **named)[1]["availability"]["delivery"] == 5
    assert trading.get("/products/S1")[1]["availability"]["delivery"] == 9
    path = "/products/S1/availability"
    answer = trading.get(path, **named)[1]
    assert (answer["channel"], answer["most"]) == ("phone", 5)
    assert trading.get(path, channel="phone", **named)[0] == 200
    status, body = trading.get(path, channel="online", **named)
    assert (status, body["pointer"]) == (422, "/channel")


def test_a_cart_that_is_not_held_is_one_that_there_is_not(trading: World) -> None:
    named = cart_of(trading, "ord_trade", customer_groups=("trade",))
    paths = ("/products", "/products/suggest", "/products/S1", "/products/S1/availability")
    for path in paths:
        assert trading.get(path, **named)[0] == 200
        unknown = trading.get(path, cart="ord_none")
        assert unknown[0] == 404
        for headers in ({}, {"Cart-Token": "another"}, {"Cart-Token": "é"}):
            trading.headers = headers
            assert trading.get(path, **named) == unknown
        trading.headers = {"Cart-Token": TOKEN}


def test_a_cursor_of_another_audience_is_refused(trading: World) -> None:
    named = cart_of(trading, "ord_trade", customer_groups=("trade",))
    cursor = trading.get("/products", limit=1, **named)[1]["next_cursor"]
    assert trading.get("/products", cursor=cursor, **named)[0] == 200
    assert trading.get("/products", cursor=cursor)[0] == 400


def test_a_cart_costs_one_read_more(trading: World) -> None:
    named = cart_of(trading, "ord_trade", customer_groups=("trade",))
    trading.get("/products")  # and with it the shop and the index, which are kept
    calls: list[str] = []
    client = trading.search.db().client
    client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )
    paths = ("/products", "/products/suggest", "/products/S1", "/products/S1/availability")
    for path in paths:
        trading.get(path, **named)
        with_cart, calls[:] = sorted(calls), []
        trading.get(path)
        assert with_cart == sorted(["GetItem", *calls])
        calls.clear()


def test_an_index_of_an_older_version_is_replaced_and_never_opened(
    trading: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of before there were assortments would show what it holds to everybody."""
    s3 = boto3.client("s3", "us-east-1")
    objects = s3.list_objects_v2(Bucket="search")["Contents"]
    now = f"index/{tantivy_schema.SCHEMA_VERSION}/"
    before = now.replace("/3-", "/2-")
    assert before != now
    for key in (found["Key"] for found in objects):
        assert key.startswith(now)
        source = {"Bucket": "search", "Key": key}
        s3.copy_object(Bucket="search", Key=before + key.removeprefix(now), CopySource=source)
        s3.delete_object(Bucket="search", Key=key)
    for function in (trading.search.reader, trading.indexer.writer):
        function.cache_clear()  # as in new containers
    assert trading.get("/products")[0] == 503
    trading.put(product(1, "Tea anew"))
    trading.index()
    assert (
        trading.get("/products", **cart_of(trading, "ord_t", customer_groups=("trade",)))[1][
            "total"
        ]
        == 3
    )
