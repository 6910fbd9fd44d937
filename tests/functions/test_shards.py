"""Split balances: the sum of their shards is what one counter would be, whatever happens when."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Change, Kind, Move
from parcelway.store import shards
from parcelway.store.commit import Stale, commit
from parcelway.store.stock import move_writes, read_balances
from parcelway.store.stock_books import count

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import NODE, SKU, Shop, place
from infra.bench.tables import container, in_model
from tests.domain.strategies import NOW
from tests.functions.stocks import KEY, Meanwhile, Stock, split_stock


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


MOVES = ("reserve", "reserve", "allocate", "release", "deallocate", "ship", "receive")
STEPS = st.tuples(
    st.sampled_from([*MOVES, "count", "split", "split", "merge"]),
    st.integers(1, 40),
    st.integers(0, 2),
)


@given(start=st.integers(0, 300), steps=st.lists(STEPS, max_size=30), lag=st.randoms())
def test_a_split_balance_is_what_one_counter_would_be(
    start: int, steps: list[tuple[Any, int, int]], lag: Any
) -> None:
    """By three containers with memories of different age, on reads that may lag behind."""
    stock = Stock(start)
    containers = [container(stock.client) for _ in range(3)]
    stock.client.model.stale = lambda table, operation: lag.random() < 0.3
    for what, units, who in steps:
        db, before = containers[who], stock.expected
        if what == "split":
            stock.split(db)
        elif what == "merge":
            shards.merge(db, *KEY)
        elif what == "count":
            stock.count(units * 5)
        else:
            taken = {"release": before.reserved, "receive": units}.get(what, before.allocated)
            take = what in ("reserve", "allocate")
            quantity = units if take else min(units, taken)
            if quantity:
                assert stock.move(db, what, quantity) == (not take or before.available >= quantity)
        stock.check()


def test_units_on_many_shards_are_taken_together() -> None:
    stock = split_stock(100, 2)
    assert stock.move(stock.db, "reserve", 100)
    stock.check()
    assert not stock.move(stock.db, "reserve", 1)
    assert stock.move(stock.db, "release", 100)
    assert stock.move(stock.db, "allocate", 99)
    assert stock.move(stock.db, "ship", 99)
    stock.check()


@given(
    available=st.lists(st.integers(0, 20), min_size=2, max_size=16),
    change=st.builds(
        Change,
        st.just(SKU),
        st.just(NODE),
        st.integers(-30, 30),
        st.integers(-30, 30),
        st.integers(-30, 30),
    ),
)
def test_spreading_a_change_takes_no_more_of_a_shard_than_it_has(
    available: list[int], change: Change
) -> None:
    parts = shards.spread(available, change)
    wanted = -change.available
    assert (parts is None) == (wanted > sum(available) and wanted > 0)
    if parts is None:
        return
    for counter in ("on_hand", "reserved", "allocated", "available"):
        assert sum(getattr(part, counter) for part in parts.values()) == getattr(change, counter)
    if wanted > 0:
        assert all(available[k] + part.available >= 0 for k, part in parts.items())
    largest = sorted(available, reverse=True)
    fewest = next((n for n in range(1, 17) if sum(largest[:n]) >= wanted), 1)
    assert len(parts) == max(1, fewest)


# What containers remember


def test_a_known_split_is_read_in_one_call_an_unknown_one_in_two() -> None:
    stock = split_stock(100)
    counted = ConflictWindow(stock.client)
    db = container(counted)
    for calls in (2, 1, 1):
        counted.calls.clear()
        assert read_balances(db, [KEY])[KEY].on_hand == 100
        assert counted.calls == {"batch_get_item": calls}


def test_a_checkout_takes_three_calls_split_or_not() -> None:
    client = in_model()
    shop = Shop(container(client), 100)
    counted = ConflictWindow(client)
    db = container(counted)
    for split in (False, False, True):
        if split:
            shards.split(container(client), *KEY, 1, shop.now)
        first, second = shop.carts(2)
        place(db, first, shop.now)  # learns of the shop, and of the split
        counted.calls.clear()
        place(db, second, shop.now)
        assert counted.calls == {"get_item": 1, "batch_get_item": 1, "transact_write_items": 1}


@pytest.mark.parametrize("kind", ["reserve", "release", "ship", "receive"])
@pytest.mark.parametrize("known", [0, 1, 4, 16])
@pytest.mark.parametrize("really", [0, 1, 2])
def test_old_memory_is_noticed_and_corrected(kind: Kind, known: int, really: int) -> None:
    stock = Stock(200)
    assert stock.move(stock.db, "reserve", 40)
    assert stock.move(stock.db, "allocate", 40)
    old = container(stock.client)
    for _ in range({0: 0, 1: 0, 4: 1, 16: 2}[known]):
        stock.split()
    if known:
        read_balances(old, [KEY])
    shards.merge(stock.db, *KEY)
    for _ in range(really):
        stock.split()
    assert stock.shards == 4**really
    assert stock.move(old, kind, 40)
    stock.check()


def test_a_shard_that_is_gone_does_not_come_back() -> None:
    stock = split_stock(100)
    assert stock.move(stock.db, "reserve", 50)
    assert len(shards.known(stock.db, *KEY)) == 4
    writes = [
        move_writes(stock.db, "late", number, NOW, [Move(*KEY, "release", 1)])
        for number in range(50)
    ]
    shards.merge(container(stock.client), *KEY)
    of_shards = [made for made in writes if made[0].key != shards.item_key(*KEY)]
    assert of_shards
    for made in of_shards:
        with pytest.raises(Stale):
            commit(stock.client, made)
    stock.check()


def test_memory_is_bounded() -> None:
    db = container(in_model())
    shards._memory(db).update({(f"S-{n}", NODE): (1,) for n in range(5_000)})
    count(db, *KEY, 1, NOW, "count")
    read_balances(db, [KEY])
    assert shards.known(db, *KEY) == (1,)
    assert len(shards._memory(db)) == 1


# Reading while units move


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("merging", [True, False])
@pytest.mark.parametrize("remembered", [True, False])
def test_no_units_are_missed_while_they_move(before: int, merging: bool, remembered: bool) -> None:
    stock = split_stock(200, before)
    change = (lambda: shards.merge(stock.db, *KEY)) if merging else stock.split
    reader = container(stock.client)
    if remembered:
        read_balances(reader, [KEY])
    moving = replace(reader, client=Meanwhile(stock.client, change))
    moving.memory.update(reader.memory)
    assert read_balances(moving, [KEY])[KEY].available == 200


def test_nobody_is_told_sold_out_because_a_read_lags_behind() -> None:
    client = in_model()
    shop = Shop(container(client), 4)
    first, second = shop.carts(2, 4)
    db = container(client)
    place(db, first, shop.now)
    commit(client, move_writes(db, "back", 1, shop.now, [Move(*KEY, "release", 4)]))
    client.model.stale = lambda table, operation: table == db.stock
    assert place(db, second, shop.now).state == "placed"


@pytest.mark.parametrize(("kind", "divisible"), [("reserve", True), ("backorder", False)])
def test_a_crowd_that_waits_in_one_queue_does_not_split_it(kind: Kind, divisible: bool) -> None:
    """Everybody who pre-orders would put together what the last one has just split."""
    stock = Stock(300)
    assert read_balances(stock.db, [KEY])
    write, _ = move_writes(stock.db, "test", 1, NOW, [Move(*KEY, kind, 1, 300)])
    assert (write.crowded is not None) == divisible


def test_what_is_sold_out_is_refused() -> None:
    client = in_model()
    shop = Shop(container(client), 7)
    first, second = shop.carts(2, 4)
    place(container(client), first, shop.now)
    with pytest.raises(Refusal) as refusal:
        place(container(client), second, shop.now)
    assert refusal.value.reason is Reason.OUT_OF_STOCK
