"""Balances are split for a crowd and merged when it is calm; a crash leaves what adds up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Move
from parcelway.store import shards
from parcelway.store.commit import CROWDED, Busy, Stale
from parcelway.store.stock import balances_of, move_writes, read_balances
from parcelway.store.stock_books import count

from infra.bench.hot_sku import NODE, Shop, place
from infra.bench.tables import container, in_model
from tests.domain.strategies import NOW
from tests.functions.calls import Context, load
from tests.functions.stocks import KEY, Meanwhile, Stock, split_stock


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


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
        count(db, sku, node, 100 + number, NOW, "count")
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

    def sell() -> None:
        for _ in range(8):
            assert stock.move(seller, "reserve", 5)

    with suppress(Stale, Busy):
        shards.merge(container(Meanwhile(stock.client, sell)), *KEY)
    stock.check()
    assert stock.expected.reserved == 40
