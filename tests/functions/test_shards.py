"""Split balances: the sum of their shards is what one counter would be, whatever happens when."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Change, Entry, Kind, Move, after, net
from parcelway.store import shards
from parcelway.store.codec import decode
from parcelway.store.commit import CROWDED, Busy, Stale, commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.items import from_item
from parcelway.store.stock import balances_of, move_writes, read_balances, set_on_hand

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import NODE, SKU, Shop, place
from infra.bench.tables import container, in_model, scan
from infra.sim.dynamodb.client import ModelClient
from tests.domain.strategies import NOW
from tests.functions.calls import Context, load

KEY = (SKU, NODE)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


class Stock:
    """One balance in tables of its own, and what it must be."""

    def __init__(self, units: int = 0) -> None:
        self.client = in_model()
        self.db = container(self.client)
        self.now, self.number = NOW, 0
        self.expected = Balance(*KEY)
        if units:
            self.count(units)

    def move(self, db: Database, kind: Kind, quantity: int) -> bool:
        """Make a move as handlers do: read, decide, commit. False when there is not enough."""
        self.number += 1
        moves, number = [Move(*KEY, kind, quantity)], self.number

        def attempt(consistent: bool) -> bool:
            if kind in ("reserve", "allocate"):
                there = read_balances(db, [KEY], consistent=consistent).get(KEY, Balance(*KEY))
                if there.available < quantity:
                    return False
            commit(db.client, move_writes(db, "test", number, self.now, moves))
            return True

        made = until_fresh(lambda: attempt(False)) or until_fresh(lambda: attempt(True))
        if made:
            self.expected = after({KEY: self.expected}, moves)[KEY]
        return made

    def count(self, units: int) -> None:
        self.now += timedelta(seconds=1)
        assert set_on_hand(self.db, *KEY, units, self.now, "count")
        self.expected = replace(self.expected, on_hand=units)

    def split(self, db: Database | None = None) -> None:
        shards.split(db or self.db, *KEY, self.shards, self.now)

    @property
    def shards(self) -> int:
        return len(self.items())

    def items(self) -> list[dict[str, Any]]:
        """The shards as they are, in order."""
        found, _ = shards.read(container(self.client), [KEY], consistent=True)
        return found.get(KEY, [])

    def check(self) -> None:
        """The balance is what one counter would be; nothing is negative, torn or left over."""
        fresh = container(self.client)
        assert read_balances(fresh, [KEY], consistent=True).get(KEY, Balance(*KEY)) == self.expected
        lag, self.client.model.stale = self.client.model.stale, None
        stored = [from_item(item) for item in scan(self.client, fresh.stock)]
        self.client.model.stale = lag
        parts = [item for item in stored if item["pk"].startswith("SKU#")]
        assert len(parts) == self.shards
        for part in parts:
            assert part["available"] == part["on_hand"] - part["reserved"] - part["allocated"]
            assert part["available"] >= 0 or len(parts) == 1
        listed = [item["sk"] for item in stored if item["pk"] == "SPLIT"]
        assert listed == ([f"{SKU}#{NODE}"] if len(parts) > 1 else [])
        entries = [
            decode(Entry, {name: value for name, value in item.items() if name not in ("pk", "sk")})
            for item in stored
            if item["pk"].startswith("JRN#")
        ]
        booked = after({}, (move for entry in entries for move in entry.moves))
        assert booked.get(KEY, Balance(*KEY)) == self.expected


def split_stock(units: int, times: int = 1) -> Stock:
    stock = Stock(units)
    for _ in range(times):
        stock.split()
    assert stock.shards == 4**times
    return stock


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
    for time_of_split in (None, None, 3):
        if time_of_split:
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
    for made in writes:
        if made[0].key == shards.item_key(*KEY):
            continue
        with pytest.raises(Stale):
            commit(stock.client, made)
    stock.check()


def test_memory_is_bounded() -> None:
    db = container(in_model())
    shards._memory(db).update({(f"S-{n}", NODE): (1,) for n in range(5_000)})
    set_on_hand(db, *KEY, 1, NOW, "count")
    read_balances(db, [KEY])
    assert shards.known(db, *KEY) == (1,)
    assert len(shards._memory(db)) == 1


# Reading while units move


class Meanwhile:
    """A client that has something else happen after its first batch read."""

    def __init__(self, client: ModelClient, happens: Callable[[], None]) -> None:
        self._client, self._happens = client, [happens]

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**request: Any) -> Any:
            answer = method(**request)
            if name == "batch_get_item" and self._happens:
                self._happens.pop()()
            return answer

        return call


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


def test_what_is_sold_out_is_refused() -> None:
    client = in_model()
    shop = Shop(container(client), 7)
    first, second = shop.carts(2, 4)
    place(container(client), first, shop.now)
    with pytest.raises(Refusal) as refusal:
        place(container(client), second, shop.now)
    assert refusal.value.reason is Reason.OUT_OF_STOCK


# Splitting and merging


def test_a_split_is_even_and_twice_is_the_most() -> None:
    stock = split_stock(160, 2)
    assert [item["available"] for item in stock.items()] == [10] * 16
    stock.split()
    assert stock.shards == shards.MOST
    shards.merge(stock.db, *KEY)
    assert stock.items()[0]["on_hand"] == 160
    stock.check()


@pytest.mark.parametrize("units, expected", [(0, 4), (1, 1), (15, 1), (16, 4)])
def test_a_few_units_are_not_worth_a_split(units: int, expected: int) -> None:
    stock = Stock(units + 3)
    assert stock.move(stock.db, "reserve", 3)
    stock.split()
    assert stock.shards == expected  # none to sell: there still are payments to book
    stock.check()


def test_a_count_puts_the_shards_together_first() -> None:
    stock = split_stock(100)
    assert stock.move(stock.db, "reserve", 60)
    stock.count(40)
    stock.split()
    assert stock.shards == 1  # 20 short: whatever comes in goes to those who were promised
    stock.check()


def test_only_the_count_that_was_met_is_split() -> None:
    stock = split_stock(200)
    shards.split(container(stock.client), *KEY, 1, NOW)  # somebody else was faster
    assert stock.shards == 4


class Crash(BaseException):
    """The process is gone."""


class Dying:
    """A client that dies before or after its `number`-th call."""

    def __init__(self, client: Any, number: int, done: bool) -> None:
        self._client, self._left, self._done = client, number, done

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**request: Any) -> Any:
            self._left -= 1
            if self._left or self._done:
                answer = method(**request)
            if not self._left:
                raise Crash
            return answer

        return call


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("what", ["split", "split again", "merge"])
def test_a_crash_at_any_call_leaves_a_balance_that_adds_up(what: str, done: bool) -> None:
    crashes = 0
    for number in range(1, 10):
        stock = split_stock(300, 0 if what == "split" else 1)
        assert stock.move(stock.db, "reserve", 30)
        dying = container(Dying(stock.client, number, done))
        make = shards.merge if what == "merge" else shards.split
        arguments: tuple[Any, ...] = () if what == "merge" else (stock.shards, NOW)
        try:
            make(dying, *KEY, *arguments)
        except Crash:
            crashes += 1
            stock.check()
        else:
            break
        make(stock.db, *KEY, *arguments)  # whoever comes next
        stock.check()
        assert stock.shards == {"merge": 1, "split": 4, "split again": 16}[what]
        assert stock.move(stock.db, "allocate", 270)
        stock.check()
    assert crashes == (2 if what == "split" else 3)  # the others have a split to learn of


def test_who_meets_a_crowd_splits_and_still_gets_his_order() -> None:
    client = in_model()
    shop = Shop(container(client), 100)
    for met, expected in ((CROWDED - 1, 1), (CROWDED, 4), (CROWDED, 16)):
        (cart,) = shop.carts(1)
        crowd = _Crowd(client, met)
        assert place(container(crowd), cart, shop.now).state == "placed"
        assert len(_shards(client)) == expected


def test_a_split_that_fails_troubles_nobody() -> None:
    client = in_model()
    shop = Shop(container(client), 100)
    (cart,) = shop.carts(1)
    crowd = _Crowd(client, CROWDED, then=50)
    assert place(container(crowd), cart, shop.now).state == "placed"
    assert len(_shards(client)) == 1


class _Crowd:
    """A client whose transactions conflict on stock: so many first, and `then` many more after the
    first that was made."""

    def __init__(self, client: Any, first: int, then: int = 0) -> None:
        self._client, self._left, self._then = client, first, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._left:
            self._left -= 1
            raise _conflict(request["TransactItems"])
        self._left = self._then
        return self._client.transact_write_items(**request)


def _conflict(actions: list[Mapping[str, Any]]) -> Exception:
    from botocore.exceptions import ClientError

    keys = [next(iter(action.values())).get("Key", {}) for action in actions]
    codes = [
        "TransactionConflict" if "SKU#" in key.get("pk", {}).get("S", "") else "None"
        for key in keys
    ]
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(answer, "TransactWriteItems")


def _shards(client: Any) -> list[dict[str, Any]]:
    found, _ = shards.read(container(client), [KEY], consistent=True)
    return found[KEY]


def test_a_transaction_has_room_for_so_many_shards() -> None:
    stock = split_stock(160, 2)
    read_balances(stock.db, [KEY])
    others = [Move(f"OTHER-{n}", NODE, "receive", 1) for n in range(75)]
    fits = move_writes(stock.db, "r", 1, NOW, [*others, Move(*KEY, "reserve", 90)])
    assert len(fits) == 75 + 9 + 1
    with pytest.raises(Refusal) as refusal:
        move_writes(stock.db, "r", 1, NOW, [*others, Move(*KEY, "reserve", 91)])
    assert refusal.value.reason is Reason.TOO_MANY_LINES


def test_several_skus_and_nodes_are_kept_apart() -> None:
    client = in_model()
    db = container(client)
    places = [(sku, node) for sku in ("A", "A#1") for node in ("n", "n-1", "n-10")]
    for number, (sku, node) in enumerate(places):
        set_on_hand(db, sku, node, 100 + number, NOW, "count")
    for place_ in places[::2]:
        shards.split(db, *place_, 1, NOW)
    balances = read_balances(container(client), [*places, ("B", "n")])
    assert {key: b.available for key, b in balances.items()} == {
        key: 100 + number for number, key in enumerate(places)
    }
    assert [b.on_hand for b in balances_of(db, "A")] == [100, 101, 102]


# The sweeper


def sweep(client: Any, now: datetime) -> dict[str, int]:
    function: Any = load("sweeper")
    function.db = lambda: container(client)
    function.clock = type("Clock", (), {"now": staticmethod(lambda: now)})
    counts: dict[str, int] = function.handler({}, Context())
    return counts


def test_the_sweeper_merges_what_was_calm_for_an_hour() -> None:
    stock = split_stock(100)
    crowded = stock.now
    assert sweep(stock.client, crowded + timedelta(minutes=59))["merged"] == 0
    assert stock.shards == 4
    assert sweep(stock.client, crowded + timedelta(minutes=60))["merged"] == 1
    assert stock.shards == 1
    stock.check()


def test_what_is_still_crowded_stays_split() -> None:
    stock = split_stock(1000, 2)
    stock.now += timedelta(minutes=50)
    stock.split()  # it cannot be split any more, but the crowd is noted
    assert sweep(stock.client, stock.now + timedelta(minutes=59))["merged"] == 0
    assert sweep(stock.client, stock.now + timedelta(minutes=60))["merged"] == 1
    stock.check()


def test_a_crowd_that_comes_between_stops_the_merge() -> None:
    stock = split_stock(1000, 2)
    (listed,) = shards.calm(stock.db, stock.now + shards.CALM)
    stock.now += timedelta(minutes=50)
    stock.split()
    with pytest.raises(Stale):
        shards.merge(stock.db, *KEY, listed.crowded_at)
    assert stock.shards == 16


def test_units_that_move_while_they_are_merged_are_not_lost() -> None:
    stock = split_stock(100)
    seller = container(stock.client)
    merging = container(
        Meanwhile(
            stock.client, lambda: [stock.move(seller, "reserve", 5) for _ in range(8)].clear()
        )
    )
    with suppress(Stale, Busy):
        shards.merge(merging, *KEY)
    stock.check()
    assert stock.expected.reserved == 40
    assert net([Move(*KEY, "reserve", 40)])[0].reserved == stock.expected.reserved
