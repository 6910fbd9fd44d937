"""The one list of all placed orders: nothing is left out, nothing twice, and a page costs the same
in a large shop as in a small one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.decision import Decision
from parcelway.domain.listing import Wanted
from parcelway.domain.order import Hold, Order
from parcelway.domain.parties import CHANNELS, Channel
from parcelway.domain.status import standing
from parcelway.store import listing
from parcelway.store.database import Database
from parcelway.store.listing import listed
from parcelway.store.saving import writes

from infra.bench.tables import container, in_model
from tests.functions.tables import aws
from tests.functions.worlds import World, ok, refused
from tests.orders import START, Story, at

CSR = {"sub": "sub-csr", "email": "csr@shop.example", "cognito:groups": "[csr]"}
STAGES: tuple[Any, ...] = ("placed", "confirmed", "scheduled", "delivered", "closed")


@pytest.fixture
def db() -> Database:
    """The tables of template.yaml in our model of DynamoDB."""
    return container(in_model())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        yield World(db, "orders")


def some_orders(count: int, channel: Channel | None = None) -> list[Order]:
    """Placed orders at every stage, in every channel, some at the same moment."""
    chance = random.Random(count)
    stories: list[Story] = [at(stage) for stage in STAGES]
    stories.append(at("placed").cancelled())
    found = []
    for number in range(count):
        order = chance.choice(stories).order
        hold = Hold("address", "", START)
        found.append(
            replace(
                order,
                id=f"ord_{number:022d}",
                version=1,
                channel=channel or chance.choice(CHANNELS),
                customer_id=chance.choice(["", "cus_1", "cus_2"]),
                placed_at=START + timedelta(hours=chance.randrange(24 * 5)),
                alerts=(hold,) if chance.random() < 0.1 else (),
            )
        )
    return found


def put(db: Database, orders: list[Order]) -> None:
    for order in orders:
        (write,) = writes(db, Decision(order), START)
        db.client.put_item(TableName=write.table, Item=write.request()["Item"])


def everything(db: Database, wanted: Wanted, limit: int = 7) -> list[Order]:
    found, before = [], ""
    for _ in range(1000):
        page, before = listed(db, wanted, limit, before)
        assert len(page) <= limit
        found += page
        if not before:
            return found
    raise AssertionError("it has no end")


DAY = START.date()
ASKED = [
    Wanted(),
    Wanted(channel="phone"),
    Wanted(standing="delivered"),
    Wanted(standing="cancelled", channel="mobile"),
    Wanted(placed_from=DAY + timedelta(days=1), placed_to=DAY + timedelta(days=2)),
    Wanted(placed_from=DAY + timedelta(days=2), placed_to=DAY),
    Wanted(customer_id="cus_1"),
    Wanted(customer_id="cus_1", standing="placed", placed_to=DAY),
    Wanted(node="dc-1"),
    Wanted(node="nowhere"),
    Wanted(attention=True),
    Wanted(attention=True, standing="placed", channel="online"),
]


@pytest.mark.parametrize("wanted", ASKED, ids=str)
def test_every_order_that_is_wanted_is_listed_once_newest_first(
    db: Database, wanted: Wanted
) -> None:
    orders = some_orders(300)
    put(db, orders)
    found = everything(db, wanted)
    expected = [order.id for order in orders if wanted.matches(order)]
    assert sorted(order.id for order in found) == sorted(expected)
    places = [(order.placed_at, order.id) for order in found]
    assert places == sorted(places, reverse=True)


def test_what_is_rare_is_found_in_several_requests(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little one request may look through, nothing is left out."""
    monkeypatch.setattr(listing, "MOST_QUERIES", 5)
    monkeypatch.setattr(listing, "_READ_FILTERED", 2)
    orders = some_orders(120, "online")
    put(db, orders)
    wanted = Wanted(attention=True, standing="placed")
    found, before = listed(db, wanted, 20)
    assert len(found) < 20 and before
    while before:
        page, before = listed(db, wanted, 20, before)
        found += page
    assert sorted(o.id for o in found) == sorted(o.id for o in orders if wanted.matches(o))


def test_an_order_that_moved_on_is_not_listed_where_it_was(db: Database) -> None:
    story = at("placed")
    put(db, [replace(story.order, version=1)])
    assert len(everything(db, Wanted(standing="placed"))) == 1
    put(db, [replace(story.cancelled().order, version=1)])
    assert not everything(db, Wanted(standing="placed"))
    assert len(everything(db, Wanted(standing="cancelled"))) == 1


def test_a_draft_is_in_no_list(db: Database) -> None:
    put(db, [replace(at("draft").order, version=1)])
    assert not everything(db, Wanted())


def test_the_api_pages_by_cursor_and_says_who_and_what(world: World) -> None:
    orders = some_orders(30)
    put(world.db, orders)
    query = {"limit": "8", "channel": "online"}
    first = ok(world.call("GET", "/staff/orders", query=query, claims=CSR))
    (newest, *_) = sorted(
        (o for o in orders if o.channel == "online"),
        key=lambda o: (o.placed_at, o.id),
        reverse=True,
    )
    told = first["orders"][0]
    assert (told["id"], told["channel"]) == (newest.id, "online")
    assert told["status"] == standing(newest)
    assert told["alerts"] == [alert.code for alert in newest.alerts]
    cursor = first["next_cursor"]
    if cursor:
        other = {"limit": "8", "channel": "phone", "cursor": cursor}
        answer = world.call("GET", "/staff/orders", query=other, claims=CSR)
        assert refused(answer, 400, "malformed-request")


@pytest.mark.parametrize(
    "query",
    [
        {"status": "draft"},
        {"channel": "telepathy"},
        {"placed_from": "yesterday"},
        {"placed_to": "9999-12-31"},
        {"attention": "perhaps"},
        {"limit": "101"},
        {"who": "me"},
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_told(world: World, query: dict[str, str]) -> None:
    answer = world.call("GET", "/staff/orders", query=query, claims=CSR)
    assert refused(answer, 422, "invalid-request")


def test_customers_do_not_see_it(world: World) -> None:
    claims = {"sub": "sub-ada", "email": "ada@customer.example"}
    assert refused(world.call("GET", "/staff/orders", claims=claims), 403, "forbidden")
