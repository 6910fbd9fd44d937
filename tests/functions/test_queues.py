"""Serving a queue: whoever waits longest first, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from parcelway.domain import checkout
from parcelway.domain.commands import Command
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Move, Supply
from parcelway.store.catalogue import upsert
from parcelway.store.commit import commit
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.orders import get_order
from parcelway.store.queues import Served, serve
from parcelway.store.saving import save
from parcelway.store.selling import read_facts, selling
from parcelway.store.stock import move_writes

from tests.functions.calls import load
from tests.functions.damage import Tables
from tests.orders import (
    PRODUCTS,
    START,
    Stage,
    Story,
    at,
    dossier_of,
    expect,
    new_names,
    store,
)

MUG, DC = "MUG-1", "dc-1"
DUE, NEXT = date(2026, 11, 30), date(2026, 12, 14)
NOW = START + timedelta(days=1)
_receipts = count(1)


@pytest.fixture
def tables() -> Tables:
    return Tables()


def _at(stage: Stage, seed: str, units: int) -> Story:
    return at(
        stage,
        seed=seed,
        series=seed,
        basket={MUG: units},
        shortage="ship_available",
        stock={(MUG, DC): 0},
        supplies={(MUG, DC): (Supply("po-1", DUE, 6),)},
        now=START + timedelta(hours=int(seed)),
    )


def waits(db: Database, seed: str, units: int) -> Story:
    """Somebody waits for mugs, of which none is there and six are expected."""
    story = _at("confirmed", seed, units)
    store(db, story)
    return story


def joins(db: Database, seed: str, units: int, now: datetime = NOW) -> Story:
    """Somebody else comes, and knows what is expected by then."""
    story = _at("draft", seed, units)
    for made, then in story.decisions:
        save(db, made, then)
    upsert(db, PRODUCTS.values(), NOW)
    names = (new_names(Random(seed)), new_names(Random(seed)))

    def place() -> None:
        facts, asked = read_facts(db, story.order, now), Command("place", "")
        made = checkout.place(story.order, facts, asked, names=names, expected_total=None)
        save(db, made, now)

    selling(db, now, place)
    return story


def receives(db: Database, units: int) -> None:
    move = Move(MUG, DC, "receive", units)
    commit(db.client, move_writes(db, f"receipt {next(_receipts)}", 1, NOW, [move]))


def held(db: Database, story: Story) -> int:
    order: Order | None = get_order(db, story.order.id)
    assert order is not None
    return sum(line.count("reserved") for line in order.lines)


def revised(db: Database, story: Story) -> list[str]:
    """The days that an order was told anew, '' for no known one."""
    events = dossier_of(db, story.order.id).events
    return [event.data["latest"] for event in events if event.type == "promise.revised"]


class Meanwhile:
    """A client with which something happens right before some call, once."""

    def __init__(self, tables: Tables, name: str, number: int, does: Callable[[], object]) -> None:
        self._client, self._left = tables.db.client, number
        self._name, self._does = name, does

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*given: Any, **parameters: Any) -> Any:
            if name == self._name:
                self._left -= 1
                if self._left == 0:
                    self._does()
            return method(*given, **parameters)

        return call


def beside(tables: Tables, name: str, number: int, does: Callable[[], object]) -> Database:
    """The same tables for somebody who is interrupted at his `number`th call of a kind."""
    db = tables.db
    client = Meanwhile(tables, name, number, does)
    return Database(client, db.customers, db.catalogue, db.stock, db.orders, db.ledger)


def test_first_come_first_served_and_each_unit_once(tables: Tables) -> None:
    first, second = waits(tables.db, "1", 2), waits(tables.db, "2", 2)
    receives(tables.db, 3)
    assert serve(tables.db, MUG, DC, NOW) == Served(filled=2)
    assert (held(tables.db, first), held(tables.db, second)) == (2, 1)
    assert serve(tables.db, MUG, DC, NOW) == Served()


def test_what_comes_while_the_first_is_served_in_part_is_still_the_firsts(tables: Tables) -> None:
    """Two receipts and two servers: the first one stops where the units end, and the second begins
    again at the front."""
    first, second = waits(tables.db, "1", 3), waits(tables.db, "2", 2)
    receives(tables.db, 1)
    after_first_fill: list[int] = []

    def another() -> None:
        receives(tables.db, 1)
        after_first_fill.append(held(tables.db, first))

    # What is read after the first fill: whether any is left, and what else there is to tell.
    slow = beside(tables, "batch_get_item", 3, another)
    serve(slow, MUG, DC, NOW)
    assert after_first_fill == [1]
    assert held(tables.db, second) == 0
    serve(tables.db, MUG, DC, NOW)
    assert (held(tables.db, first), held(tables.db, second)) == (2, 0)


@pytest.mark.parametrize("number", range(1, 8))
def test_goods_that_come_while_dates_are_told_are_no_delay(tables: Tables, number: int) -> None:
    """At whatever read they come and are handed out: nobody hears of a delay that is none."""
    first, second = waits(tables.db, "1", 3), waits(tables.db, "2", 3)

    def come() -> None:
        receives(tables.db, 3)
        expect(tables.db, MUG, DC, Supply("po-1", DUE, 3))
        serve(tables.db, MUG, DC, NOW)

    serve(beside(tables, "batch_get_item", number, come), MUG, DC, NOW)
    assert revised(tables.db, first) == revised(tables.db, second) == []


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("call", ["batch_get_item", "get_paginator"])
def test_who_comes_for_a_supply_while_dates_are_told_hears_of_no_delay(
    tables: Tables, call: str, number: int
) -> None:
    first = waits(tables.db, "1", 6)
    newcomers: list[Story] = []

    def come() -> None:
        expect(tables.db, MUG, DC, Supply("po-1", DUE, 12))
        newcomers.append(joins(tables.db, "2", 6))

    serve(beside(tables, call, number, come), MUG, DC, NOW)
    assert [revised(tables.db, story) for story in (first, *newcomers)] == [[]] * (
        1 + len(newcomers)
    )


def test_a_delay_is_told_once_and_never_day_by_day(tables: Tables) -> None:
    story = waits(tables.db, "1", 3)
    expect(tables.db, MUG, DC, Supply("po-1", NEXT, 6))
    for _ in range(2):
        serve(tables.db, MUG, DC, NOW)
    assert len(revised(tables.db, story)) == 1
    midnight = datetime(NEXT.year, NEXT.month, NEXT.day, tzinfo=NOW.tzinfo)
    for day in range(10):  # it does not come; after two days nobody counts on it any more
        serve(tables.db, MUG, DC, midnight + timedelta(days=day))
    assert revised(tables.db, story)[1:] == [""]


def test_who_waits_for_no_known_day_is_told_when_one_is_known(tables: Tables) -> None:
    story = waits(tables.db, "1", 3)
    expect(tables.db, MUG, DC)
    serve(tables.db, MUG, DC, NOW)
    assert revised(tables.db, story) == [""]
    expect(tables.db, MUG, DC, Supply("po-2", NEXT, 6))
    serve(tables.db, MUG, DC, NOW)
    none, known = revised(tables.db, story)
    assert (none, known > NEXT.isoformat()) == ("", True)
    serve(tables.db, MUG, DC, NOW)
    assert len(revised(tables.db, story)) == 2


def test_a_place_that_nobody_paid_for_in_time_is_given_to_who_asks(tables: Tables) -> None:
    """At once: nobody is refused what comes because the sweeper has not been there yet."""
    unpaid = _at("placed", "1", 6)
    store(tables.db, unpaid)
    with pytest.raises(Refusal) as refused:
        joins(tables.db, "2", 6, unpaid.now)
    assert refused.value.reason is Reason.OUT_OF_STOCK
    late = joins(tables.db, "3", 6, unpaid.now + timedelta(hours=2))
    states = [get_order(tables.db, story.order.id) for story in (unpaid, late)]
    assert [order.state for order in states if order] == ["expired", "placed"]


# Who cannot be served


def garble(db: Database, story: Story) -> Callable[[], None]:
    """Makes an order's item unreadable; how to mend it."""
    key = {"pk": f"ORD#{story.order.id}", "sk": "ORDER"}
    whole = db.client.get_item(TableName=db.orders, Key=to_item(key))["Item"]
    garbled = whole | {"order": {"B": b"?"}}
    db.client.put_item(TableName=db.orders, Item=garbled)
    return lambda: db.client.put_item(TableName=db.orders, Item=whole) and None


def test_an_order_that_cannot_be_read_keeps_nobody_behind_it_waiting(tables: Tables) -> None:
    first, second, third = (waits(tables.db, seed, 2) for seed in "123")
    mend = garble(tables.db, first)
    receives(tables.db, 3)
    served = serve(tables.db, MUG, DC, NOW)
    assert served == Served(2, 0)
    assert list(served.failed) == [first.order.id]
    assert (held(tables.db, second), held(tables.db, third)) == (2, 1)
    mend()
    receives(tables.db, 2)
    assert not serve(tables.db, MUG, DC, NOW).failed
    assert (held(tables.db, first), held(tables.db, third)) == (2, 1)


def test_who_waits_behind_an_unreadable_order_is_told_of_a_delay(tables: Tables) -> None:
    first, second = waits(tables.db, "1", 2), waits(tables.db, "2", 2)
    garble(tables.db, first)
    expect(tables.db, MUG, DC, Supply("po-1", NEXT, 6))
    served = serve(tables.db, MUG, DC, NOW)
    assert served == Served(0, 1)
    assert list(served.failed) == [first.order.id]
    assert len(revised(tables.db, second)) == 1


@pytest.mark.parametrize("damage", [{"units": "two"}, {"units": {"soon": 2}}, {"order_id": 7}])
def test_a_place_that_cannot_be_read_is_what_its_order_says(
    tables: Tables, damage: dict[str, object]
) -> None:
    first, second = waits(tables.db, "1", 2), waits(tables.db, "2", 2)
    item = tables.db.query(tables.db.orders, f"QUEUE#{MUG}#{DC}")[0]
    tables.db.client.put_item(TableName=tables.db.orders, Item=to_item(item | damage))
    expect(tables.db, MUG, DC, Supply("po-1", NEXT, 6))
    assert serve(tables.db, MUG, DC, NOW) == Served(0, 2)  # both are told of the delay
    receives(tables.db, 3)
    served = serve(tables.db, MUG, DC, NOW)
    assert (served, served.failed) == (Served(2, 0), {})
    assert (held(tables.db, first), held(tables.db, second)) == (2, 1)


def test_a_place_that_cannot_be_read_of_an_order_that_cannot_be_blocks_nobody(
    tables: Tables,
) -> None:
    first, second = waits(tables.db, "1", 2), waits(tables.db, "2", 2)
    item = tables.db.query(tables.db.orders, f"QUEUE#{MUG}#{DC}")[0]
    nobody = {"pk": item["pk"], "sk": "garbage", "units": 3}
    for put in (item | {"units": 2}, nobody):
        tables.db.client.put_item(TableName=tables.db.orders, Item=to_item(put))
    garble(tables.db, first)
    receives(tables.db, 3)
    served = serve(tables.db, MUG, DC, NOW)
    assert list(served.failed) == [first.order.id]
    assert held(tables.db, second) == 2


def test_what_the_tables_cannot_do_is_no_orders_fault(tables: Tables) -> None:
    waits(tables.db, "1", 2)
    receives(tables.db, 3)

    def down() -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    broken = replace(tables.db, client=Meanwhile(tables, "get_item", 1, down))
    with pytest.raises(ReadTimeoutError):
        serve(broken, MUG, DC, NOW)


def test_somebody_is_called_once_all_others_are_served(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = waits(tables.db, "1", 2), waits(tables.db, "2", 2)
    garble(tables.db, first)
    receives(tables.db, 4)
    item = {"sku": MUG, "node": DC, "backordered": 4}
    record = {"dynamodb": {"NewImage": to_item(item)}}
    backorders = load("backorders")
    backorders.db = lambda: tables.db
    with pytest.raises(backorders.Unserved):
        backorders.handler({"Records": [record]}, None)
    assert held(tables.db, second) == 2
    (line,) = [entry for entry in caplog.records if entry.message == "not served"]
    assert line.__dict__["order"] == first.order.id
