"""Indexer and search function together: streams in, live prices and availability out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from parcelway.domain.audience import Audience
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.domain.parties import Address
from parcelway.domain.prices import PriceList, Tier
from parcelway.domain.shop import Node, Rate, Seller, Service, Settings
from parcelway.domain.stock import Move, Supply
from parcelway.ports import clock
from parcelway.ports.search_files import CorruptIndex
from parcelway.store import catalogue, shop, stock
from parcelway.store.commit import commit
from parcelway.store.database import Database
from parcelway.store.offers import put_offer, put_prices
from parcelway.store.opening import open_balances

from infra.local.moto_patches.streams import Stream
from tests.functions import tables
from tests.functions.calls import load
from tests.orders import expect

ADDRESS = Address("Shop", "1 Road", "Columbus", "43217", "US", region="OH")
NODES = [
    Node("dc", "DC", "dc", ADDRESS, 40, -83, "America/New_York"),
    Node("store", "Store", "store", ADDRESS, 40, -83, "America/New_York", capabilities=("pickup",)),
]


class World:
    """A shop in moto with both functions, fed by hand."""

    def __init__(self, db: Database) -> None:
        self.db = db
        boto3.client("s3", "us-east-1").create_bucket(Bucket="search")
        for table in (db.catalogue, db.stock):
            db.client.update_table(
                TableName=table,
                StreamSpecification={
                    "StreamEnabled": True,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            )
        self.read: dict[str, int] = {}
        self.headers: dict[str, str] = {}  # of every request
        settings = Settings("Shop", "USD", Seller("Shop", ADDRESS, "0", "s@shop.example"), {"g": 0})
        shop.put_settings(db, settings)
        for node in NODES:
            shop.put_node(db, node)
        self.indexer, self.search = load("search_indexer"), load("search")

    def put(self, *products: Product) -> None:
        catalogue.upsert(self.db, products, clock.now())

    def receive(self, units: int, *skus: str, node: str = "dc") -> None:
        counts = {(sku, node): units for sku in skus}
        assert open_balances(self.db, counts, clock.now(), f"delivery-{skus}-{node}")

    def move(self, kind: Any, sku: str, units: int) -> None:
        moves = [Move(sku, "dc", kind, units)]
        reference = f"{kind}-{sku}-{len(self.records(self.db.stock))}"
        commit(self.db.client, stock.move_writes(self.db, reference, 0, clock.now(), moves))

    def records(self, table: str) -> list[dict[str, Any]]:
        """All records of a table's stream, as a function gets them."""
        return Stream(table, "123456789012", "us-east-1").read(0, 10**6)

    def index(self) -> None:
        """Let the indexer have what is new in both streams."""
        for table in (self.db.catalogue, self.db.stock):
            records = self.records(table)
            new = records[self.read.get(table, 0) :]
            self.read[table] = len(records)
            if new:
                assert self.indexer.handler({"Records": new}, None) == {"batchItemFailures": []}
        self.search.reader()._look_again = 0  # as 15 seconds later

    def get(self, path: str, **query: Any) -> tuple[int, dict[str, Any]]:
        parts = path.split("/")[2:]
        resource, names = path, None
        if parts and parts != ["suggest"]:
            resource = "/".join(["/products/{sku}", *parts[1:]])
            names = {"sku": parts[0]}
        texts = {name: str(value) for name, value in query.items()} or None
        event = {
            "httpMethod": "GET",
            "path": path,
            "resource": resource,
            "headers": self.headers,
            "multiValueHeaders": {},
            "queryStringParameters": texts,
            "multiValueQueryStringParameters": texts and {n: [t] for n, t in texts.items()},
            "pathParameters": names,
            "stageVariables": None,
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {
                "resourcePath": resource,
                "httpMethod": "GET",
                "path": path,
                "identity": {"sourceIp": "127.0.0.1"},
            },
        }
        answer = self.search.handler(event, None)
        return answer["statusCode"], json.loads(answer["body"])

    def found(self, **query: Any) -> list[str]:
        status, body = self.get("/products", **query)
        assert status == 200, body
        return [product["sku"] for product in body["products"]]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch, SEARCH_BUCKET="search", AWS_DEFAULT_REGION="us-east-1") as db:
        yield World(db)
    clock.reset()


def product(number: int, name: str = "Green Tea", price: int = 500, **more: Any) -> Product:
    more = {"brand": "Acme", "category": ("Food", "Tea")} | more
    return Product(f"S{number}", name, Money(price, "USD"), **more)


def test_before_anything_is_indexed_the_answer_is_try_later(world: World) -> None:
    status, body = world.get("/products", q="tea")
    assert (status, body["type"]) == (503, "urn:parcelway:problem:search-unavailable")


def test_products_come_and_go_with_the_stream(world: World) -> None:
    world.put(product(1), product(2, "Black Tea"), product(3, "Tea Pot", category=("Home",)))
    world.receive(10, "S1", "S2")
    world.index()
    assert sorted(world.found(q="tea")) == ["S1", "S2", "S3"]
    world.put(product(2, "Oolong"), product(4, "White Tea"), product(1, active=False))
    world.index()
    assert sorted(world.found(q="white")) == ["S4"]
    assert world.found(q="green") == world.found(q="black") == []
    world.db.client.delete_item(
        TableName=world.db.catalogue, Key={"pk": {"S": "SKU#S4"}, "sk": {"S": "PRODUCT"}}
    )
    world.index()
    assert world.found(q="white") == []
    assert world.get("/products/S4")[0] == world.get("/products/S1")[0] == 404


def test_replayed_and_reordered_records_leave_the_same_index(world: World) -> None:
    for price in (100, 200, 300):
        world.put(*(product(number, price=price + number) for number in range(5)))
    world.receive(3, "S0", "S1")
    world.move("reserve", "S1", 3)
    world.index()
    before = world.get("/products", limit=100)[1]
    generation = world.search.reader().current().manifest.generation
    records = world.records(world.db.catalogue) + world.records(world.db.stock)
    for batch in (records, records[::-1], records[:3], records[-1:]):
        assert world.indexer.handler({"Records": batch}, None) == {"batchItemFailures": []}
    world.search.reader()._look_again = 0
    assert world.get("/products", limit=100)[1] == before
    assert before["total"] == 5
    assert world.search.reader().current().manifest.generation == generation  # not even a commit


def test_prices_are_those_of_the_lists_that_hold_for_everybody(world: World) -> None:
    """A sale shows before anything is in a cart, and a price limit goes by it; what only members
    pay does not, nor what is sold by the dozen."""
    world.put(product(1), product(2, price=700))
    world.index()
    sale, members = PriceList("sale", "Sale", "USD"), Audience(groups=("members",))
    put_offer(world.db, sale, clock.now())
    put_offer(world.db, PriceList("members", "Members", "USD", members), clock.now())
    put_prices(world.db, "sale", {"S1": [Tier(1, 450), Tier(12, 300)]})
    put_prices(world.db, "members", {"S1": [Tier(1, 100)], "S2": [Tier(1, 100)]})
    status, body = world.get("/products", sort="price_asc")
    assert status == 200
    seen = [(each["price"]["minor"], each["price_source"]) for each in body["products"]]
    assert seen == [(450, "list:sale:1"), (700, "catalogue")]
    assert world.get("/products/S1")[1]["price"] == {"minor": 450, "currency": "USD"}
    assert world.found(min_price=460) == ["S2"]


def test_products_are_shown_in_another_currency_where_they_have_a_price_in_it(
    world: World,
) -> None:
    world.put(product(1), product(2))
    world.index()
    known = shop.load_shop(world.db).settings
    shop.put_settings(world.db, replace(known, currencies=("EUR",)))
    put_offer(world.db, PriceList("euro", "Euro", "EUR"), clock.now())
    put_prices(world.db, "euro", {"S1": [Tier(1, 480)]})
    status, body = world.get("/products", currency="EUR")
    assert [each["price"] for each in body["products"]] == [{"minor": 480, "currency": "EUR"}]
    assert world.get("/products/S2", currency="EUR")[0] == 404
    assert sorted(world.found()) == ["S1", "S2"]
    for query in ({"currency": "CHF"}, {"currency": "EUR", "max_price": 500}):
        status, body = world.get("/products", **query)
        assert (status, body["type"]) == (422, "urn:parcelway:problem:currency-unavailable")


def test_price_and_availability_are_live(world: World) -> None:
    world.put(product(1), product(2, price=700))
    world.receive(10, "S1")
    world.receive(2, "S1", node="store")
    world.index()
    world.put(product(1, price=450), product(2, price=701, active=False))
    world.move("reserve", "S1", 7)
    status, body = world.get("/products", q="tea")  # the indexer has not seen any of this
    assert status == 200
    (shown,) = body["products"]
    assert shown["price"] == {"minor": 450, "currency": "USD"}
    assert shown["availability"] == {
        "state": "low_stock",
        "delivery": 3,
        "pickup": {"store": 2},
        "available_from": None,
        "later": 0,
    }
    assert world.get("/products/S1") == (200, shown)
    assert world.found(q="tea", max_price=449) == []  # 500 in the index, 450 now
    assert world.found(q="tea", min_price=460) == []


def test_in_stock_follows_the_stock_stream_and_is_checked_live(world: World) -> None:
    world.put(*(product(number) for number in range(6)))
    world.receive(2, "S0", "S1", "S2")
    world.index()
    assert sorted(world.found(in_stock=True)) == ["S0", "S1", "S2"]
    world.move("reserve", "S0", 2)
    assert sorted(world.found(in_stock=True)) == ["S1", "S2"]  # live, before the index knows
    assert world.get("/products", in_stock=True)[1]["total"] == 3
    world.index()
    assert world.get("/products", in_stock=True)[1]["total"] == 2
    world.move("release", "S0", 1)
    world.index()
    assert sorted(world.found(in_stock=True)) == ["S0", "S1", "S2"]
    assert len(world.found()) == 6


def test_what_comes_later_is_shown_with_its_date_and_can_be_looked_for(world: World) -> None:
    today = clock.now().date()
    soon, launch = today + timedelta(days=9), today + timedelta(days=30)
    world.put(
        product(0),
        product(1),
        product(2),
        product(3, launch=launch),
        product(4, launch=launch),
        product(5, backorders=False),
    )
    world.receive(9, "S0", "S3")
    world.receive(0, "S1", "S2", "S4", "S5")
    for sku in ("S1", "S5"):
        expect(world.db, sku, "dc", Supply("po-1", soon, 7))
    world.index()
    states = {
        "in_stock": ["S0"],
        "backorder": ["S1"],
        "preorder": ["S3"],
        "out_of_stock": ["S2", "S4", "S5"],
    }
    for state, skus in states.items():
        assert sorted(world.found(availability=state)) == skus
    assert sorted(world.found(availability="backorder|preorder")) == ["S1", "S3"]
    assert world.found(in_stock=True) == ["S0"]
    assert {
        bucket["value"]: bucket["count"]
        for bucket in world.get("/products", availability="backorder")[1]["facets"]["availability"]
    } == {state: len(skus) for state, skus in states.items()}
    shown = {sku: world.get(f"/products/{sku}")[1]["availability"] for sku in ("S1", "S3")}
    assert shown["S1"] == {
        "state": "backorder",
        "delivery": 0,
        "pickup": {"store": 0},
        "available_from": soon.isoformat(),
        "later": 7,
    }
    assert (shown["S3"]["state"], shown["S3"]["available_from"], shown["S3"]["later"]) == (
        "preorder",
        launch.isoformat(),
        9,
    )


def test_a_quantity_a_way_and_a_place_get_an_answer_of_their_own(world: World) -> None:
    shop.put_service(
        world.db,
        Service(
            "parcel", {"en": "Parcel"}, "delivery", "acme", (Rate(900, Money(1, "USD")),), ("US",)
        ),
    )
    today = clock.now().date()
    soon = today + timedelta(days=9)
    world.put(product(1, weight_grams=100), product(2, active=False))
    world.receive(3, "S1")
    world.receive(1, "S1", node="store")
    expect(world.db, "S1", "dc", Supply("po-1", soon, 2))
    path = "/products/S1/availability"
    status, body = world.get(path, quantity=4, country="US", postal_code="43215")
    window = body.pop("from_date"), body.pop("to_date")
    assert (status, body) == (
        200,
        {
            "sku": "S1",
            "quantity": 4,
            "channel": "online",
            "method": "delivery",
            "state": "backorder",
            "now": 3,
            "later": [{"quantity": 1, "due": soon.isoformat()}],
            "available_from": soon.isoformat(),
            "most": 5,
            "service": "parcel",
            "ready_by": None,
        },
    )
    assert soon.isoformat() < window[0] <= window[1]
    assert world.get(path)[1]["state"] == "low_stock"
    assert world.get(path, quantity=6)[1]["state"] == "out_of_stock"
    assert world.get("/products/S2/availability")[0] == 404
    assert world.get("/products/S9/availability")[0] == 404
    shop.put_service(
        world.db,
        Service("collect", {"en": "Collect"}, "pickup", "", (Rate(900, Money(0, "USD")),)),
    )
    world.search.db().memory.clear()  # as a minute later
    collected = world.get(path, store="store")[1]
    assert (collected["method"], collected["state"], collected["most"]) == (
        "pickup",
        "low_stock",
        1,
    )
    assert collected["ready_by"] > clock.now().isoformat()[:10]


def test_what_a_channel_may_not_sell_is_not_shown_to_it(world: World) -> None:
    settings = shop.load_shop(world.db).settings
    shop.put_settings(
        world.db, replace(settings, quota_channels=("online",), channel_buffers={"online": 4})
    )
    world.put(product(1), product(2))
    world.receive(9, "S1", "S2")
    world.receive(3, "S1", node="quota:online")
    world.receive(0, "S2", node="quota:online")
    world.search.db().memory.clear()  # as a minute later
    world.index()
    assert world.get("/products/S1")[1]["availability"]["delivery"] == 3
    path = "/products/S1/availability"
    assert world.get(path, channel="online")[1]["most"] == 3
    assert world.get(path, channel="phone")[1]["most"] == 9
    assert world.get(path, quantity=4)[1]["state"] == "out_of_stock"
    assert world.found(in_stock=True) == ["S1"]
    assert world.found(availability="out_of_stock") == ["S2"]


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ({"quantity": 0}, "invalid-request", "/quantity"),
        ({"quantity": -1}, "invalid-request", "/quantity"),
        ({"quantity": "many"}, "invalid-request", "/quantity"),
        ({"quantity": 1000}, "quantity-limit", "/quantity"),
        ({"channel": "telepathy"}, "invalid-request", "/channel"),
        ({"method": "drone"}, "invalid-request", "/method"),
        ({"country": "us"}, "invalid-request", "/country"),
        ({"country": "DE"}, "delivery-unavailable", "/country"),
        ({"store": "nowhere"}, "delivery-unavailable", "/store"),
        ({"store": "dc"}, "delivery-unavailable", "/store"),
        ({"store": "store", "method": "delivery"}, "invalid-request", "/store"),
        ({"method": "pickup"}, "invalid-request", "/store"),
    ],
)
def test_what_cannot_be_asked_of_a_product(
    world: World, query: dict[str, Any], code: str, pointer: str
) -> None:
    world.put(product(1))
    status, body = world.get("/products/S1/availability", **query)
    assert (status, body["type"].rpartition(":")[2]) == (422, code)
    assert body["pointer"] == pointer


def test_the_index_follows_supplies_and_the_queue_that_takes_them(world: World) -> None:
    world.put(product(1))
    world.receive(0, "S1")
    world.index()
    assert world.found(availability="backorder") == []
    soon = clock.now().date() + timedelta(days=9)
    expect(world.db, "S1", "dc", Supply("po-1", soon, 2))
    world.index()
    assert world.found(availability="backorder") == ["S1"]
    moves = [Move("S1", "dc", "backorder", 2, counting_on=2, supplied=1)]
    commit(world.db.client, stock.move_writes(world.db, "ord_1", 0, clock.now(), moves))
    assert world.found(availability="backorder") == []  # live, before the index knows
    world.index()
    assert world.get("/products", availability="backorder")[1]["total"] == 0
    assert world.found(availability="out_of_stock") == ["S1"]


def test_stock_that_does_not_cross_zero_costs_no_commit(world: World) -> None:
    world.put(product(1))
    world.receive(10, "S1")
    world.index()
    generation = world.search.reader().current().manifest.generation
    for _ in range(3):
        world.move("reserve", "S1", 1)
    world.index()
    assert world.search.reader().current().manifest.generation == generation


def test_pages_stay_full_and_complete_when_live_data_drops_hits(world: World) -> None:
    names = [product(number, f"Tea {number:02}") for number in range(60)]
    world.put(*names)
    world.receive(1, *(entry.sku for entry in names))
    world.index()
    for number in range(0, 60, 3):  # every third is sold since
        world.move("reserve", f"S{number}", 1)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        status, body = world.get("/products", in_stock=True, sort="name", limit=7, **cursor)
        assert status == 200
        seen += [entry["sku"] for entry in body["products"]]
        if body["next_cursor"] is None:
            break
        assert len(body["products"]) == 7
        cursor = {"cursor": body["next_cursor"]}
    assert seen == [f"S{number}" for number in range(60) if number % 3]


def test_filters_facets_and_freshness(world: World) -> None:
    world.put(
        product(1),
        product(2, brand="Brew & Co", price=1500),
        product(3, "Tea Pot", category=("Home", "Pots"), price=3000),
    )
    world.index()
    status, body = world.get("/products", category="Food > Tea")
    assert status == 200
    assert sorted(entry["sku"] for entry in body["products"]) == ["S1", "S2"]
    assert world.found(brand="Acme|Brew & Co", min_price=501) != world.found(brand="Acme")
    body = world.get("/products")[1]
    assert body["facets"]["categories"] == [
        {"value": "Food", "count": 2},
        {"value": "Home", "count": 1},
    ]
    assert body["facets"]["prices"] == [
        {"low": 500, "high": 1000, "count": 1},
        {"low": 1000, "high": 2000, "count": 1},
        {"low": 2000, "high": 5000, "count": 1},
    ]
    age = clock.now() - clock.datetime.fromisoformat(body["indexed_through"])
    assert timedelta(seconds=-2) < age < timedelta(minutes=1)
    assert world.get("/products", facets=False)[1]["facets"] is None


def test_suggestions(world: World) -> None:
    world.put(product(1), product(2, "Teapot"))
    world.index()
    status, body = world.get("/products/suggest", q="te")
    assert status == 200
    assert {entry["value"] for entry in body["suggestions"]} == {"tea", "teapot"}
    assert world.get("/products/suggest")[1] == {"suggestions": []}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"cursor": "made-up"}, 400),
        ({"cursor": "x" * 5000}, 422),
        ({"limit": "0"}, 422),
        ({"limit": "101"}, 422),
        ({"limit": "many"}, 422),
        ({"sort": "best"}, 422),
        ({"min_price": "-1"}, 422),
        ({"max_price": str(10**30)}, 422),
        ({"in_stock": "perhaps"}, 422),
        ({"availability": "perhaps"}, 422),
        ({"availability": "in_stock|"}, 422),
        ({"q": "a" * 201}, 422),
        ({"q": "tea\x00"}, 422),
        ({"colour": "red"}, 422),
    ],
)
def test_bad_input_is_refused(world: World, query: dict[str, str], status: int) -> None:
    world.put(product(1))
    world.index()
    code, body = world.get("/products", **query)
    assert code == status
    assert body["type"].startswith("urn:parcelway:problem:")


def test_a_rebuild_heals_what_a_stream_lost(world: World) -> None:
    world.put(*(product(number) for number in range(120)))
    world.receive(1, *(f"S{number}" for number in range(80)))
    world.index()
    world.put(product(0, active=False), product(500, "Lost Tea"))
    world.read = {table: len(world.records(table)) for table in world.read}  # lost
    told = world.indexer.handler({"action": "rebuild"}, None)
    assert told["products"] == 120
    world.search.reader()._look_again = 0
    assert world.found(q="lost") == ["S500"]
    assert world.get("/products", in_stock=True)[1]["total"] == 79


def test_a_batch_that_fails_is_an_error_and_its_repeat_succeeds(world: World) -> None:
    world.put(product(1))
    world.index()
    world.put(product(2))
    new = world.records(world.db.catalogue)[world.read[world.db.catalogue] :]
    s3 = boto3.client("s3", "us-east-1")
    (manifest,) = [
        entry["Key"]
        for entry in s3.list_objects_v2(Bucket="search")["Contents"]
        if entry["Key"].endswith("manifest.json")
    ]
    good = s3.get_object(Bucket="search", Key=manifest)["Body"].read()
    s3.put_object(Bucket="search", Key=manifest, Body=b"broken")
    with pytest.raises(CorruptIndex):
        world.indexer.handler({"Records": new}, None)
    s3.put_object(Bucket="search", Key=manifest, Body=good)
    assert world.indexer.handler({"Records": new}, None) == {"batchItemFailures": []}
    world.search.reader()._look_again = 0
    assert sorted(world.found()) == ["S1", "S2"]


def test_upsert_keeps_when_a_product_was_first_listed(world: World) -> None:
    world.put(product(1))
    first = catalogue.get_stored(world.db, ["S1"])["S1"].added_at
    clock.travel(timedelta(days=1))
    again = [product(1, price=9), product(2)]
    told = catalogue.upsert(world.db, [*again, replace(again[1])], clock.now())
    assert (told.added, told.changed, told.unchanged) == (1, 1, 0)
    assert catalogue.get_stored(world.db, ["S1"])["S1"].added_at == first
    assert catalogue.upsert(world.db, again, clock.now()).unchanged == 2
    world.index()
    assert world.found(sort="newest") == ["S2", "S1"]


def test_kits_that_hold_each_other_are_read_one_level_deep(world: World) -> None:
    """No load makes any; should there be some all the same, nobody is kept busy by them."""
    world.put(product(1, "A", components={"S2": 1}), product(2, "B", components={"S1": 1}))
    calls: list[str] = []
    events = world.search.db().client.meta.events
    events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    status, body = world.get("/products/S1/availability", quantity=1)
    assert (status, body["state"]) == (200, "out_of_stock")
    assert len(calls) < 10
