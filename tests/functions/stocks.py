"""One balance in tables of its own, moved as handlers do and held to what one counter would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from parcelway.domain.stock import Balance, Entry, Kind, Move, after
from parcelway.store import shards
from parcelway.store.codec import decode
from parcelway.store.commit import commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.items import from_item
from parcelway.store.stock import move_writes, read_balances
from parcelway.store.stock_books import count

from infra.bench.hot_sku import NODE, SKU
from infra.bench.tables import container, in_model, scan
from infra.sim.dynamodb.client import ModelClient
from tests.domain.strategies import NOW

KEY = (SKU, NODE)


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
        assert count(self.db, *KEY, units, self.now, "count")
        self.expected = replace(self.expected, on_hand=units, counted_at=self.now)

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
        assert booked.get(KEY, Balance(*KEY)) == replace(self.expected, counted_at=None)


def split_stock(units: int, times: int = 1) -> Stock:
    stock = Stock(units)
    for _ in range(times):
        stock.split()
    assert stock.shards == 4**times
    return stock


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
