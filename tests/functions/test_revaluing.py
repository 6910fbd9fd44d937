"""Goods whose standard cost changes: the books follow it, exactly and once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from parcelway.domain import stock_books
from parcelway.domain.ledger import balances
from parcelway.domain.money import Money
from parcelway.domain.stock import Document, Move
from parcelway.ports import clock
from parcelway.store import catalogue, revaluing, shards
from parcelway.store.commit import commit
from parcelway.store.database import Database
from parcelway.store.ledger import journal
from parcelway.store.saving import save
from parcelway.store.stock import move_writes, read_balances
from parcelway.store.stock_books import book

from infra.verify import breaks
from tests.functions.calls import Context, load
from tests.functions.tables import aws
from tests.functions.worlds import new_key
from tests.orders import PRODUCTS, Story, at, store, store_shop

SKU, HERE, THERE = "MUG-1", "dc-1", "dc-2"
OLD = PRODUCTS[SKU].unit_cost
NEW = Money(999, "USD")
ORDERED = 2  # mugs of the order


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with aws(monkeypatch) as db:
        store_shop(db)
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield db
    clock.reset()


def recost(db: Database, cost: Money | None, now: datetime | None = None) -> None:
    """The operator loads the product with another cost."""
    catalogue.upsert(db, [replace(PRODUCTS[SKU], unit_cost=cost)], now or clock.now())


def receive(db: Database, quantity: int, node: str = HERE) -> None:
    tell(db, node, lambda all_: stock_books.receive(all_[SKU, node], quantity))


def sell(db: Database, quantity: int, cost: Money) -> None:
    """At the till, by a handler that knows this cost."""
    tell(db, HERE, lambda all_: stock_books.sell(all_[SKU, HERE], quantity), cost)


def tell(db: Database, node: str, decide: Any, cost: Money | None = None) -> None:
    key, costs = new_key(), {SKU: cost} if cost else catalogue.unit_costs(db, [SKU])
    book(db, key, Document("test", "w1", key), clock.now(), [(SKU, node)], decide, costs)


def accounts(db: Database, currency: str = "USD") -> dict[str, int]:
    """What the books have, of goods."""
    found = [b.posting for b in journal(db, f"{clock.now():%Y-%m}")[0]]
    sums = balances(p for p in found if p.currency == currency)
    return {name: minor for name, minor in sums.items() if minor and name.startswith("inventory")}


def sound(db: Database) -> bool:
    return not [b for b in breaks(db, clock.now()) if b.kind in ("goods.worth", "stock.posted")]


def keep_books(db: Database) -> list[str]:
    """The daily run; the SKUs that it revalued."""
    keeper = load("bookkeeping")
    keeper.db = lambda: db
    revalued: list[str] = keeper.handler({}, Context())["revalued"]
    return revalued


@pytest.mark.parametrize("new", [NEW, Money(1, "USD"), Money(0, "USD"), None])
def test_what_is_there_stands_at_the_new_cost_wherever_it_is(
    db: Database, new: Money | None
) -> None:
    assert OLD
    receive(db, 10)
    receive(db, 5, THERE)
    for _ in range(2):
        recost(db, new)
    worth = 15 * new.minor if new else 0
    gain = worth - 15 * OLD.minor
    assert accounts(db) == {
        name: minor
        for name, minor in {"inventory": worth, "inventory_revaluations": -gain}.items()
        if minor
    }
    assert keep_books(db) == []
    assert sound(db)


def test_a_cost_that_becomes_known_counts_for_what_was_there_before(db: Database) -> None:
    recost(db, None)
    receive(db, 10)
    assert accounts(db) == {}
    recost(db, NEW)
    assert accounts(db) == {
        "inventory": 10 * NEW.minor,
        "inventory_revaluations": -10 * NEW.minor,
    }
    assert sound(db)


def test_a_cost_in_another_currency_moves_the_goods_to_it(db: Database) -> None:
    receive(db, 10)
    recost(db, Money(500, "EUR"))
    assert accounts(db).keys() == {"inventory_revaluations"}
    assert accounts(db, "EUR")["inventory"] == 5000
    assert sound(db)


def test_units_that_move_meanwhile_are_revalued_as_they_are_then(db: Database) -> None:
    """The till had read the old cost."""
    receive(db, 10)

    def between(**_: Any) -> None:
        db.client.meta.events.unregister(written, between)
        assert OLD
        sell(db, 3, OLD)

    written = "before-call.dynamodb.TransactWriteItems"
    db.client.meta.events.register(written, between)
    recost(db, NEW)
    assert accounts(db)["inventory"] == 7 * NEW.minor
    assert sound(db)


def test_as_many_units_as_came_and_went_meanwhile_are_not_mistaken_for_the_same(
    db: Database,
) -> None:
    """The balance has ten when the revaluation is committed, as when it was read; by then three of
    them stand at the new cost."""
    receive(db, 10)

    def between(**_: Any) -> None:
        db.client.meta.events.unregister(written, between)
        assert OLD
        sell(db, 3, OLD)
        receive(db, 3)

    written = "before-call.dynamodb.TransactWriteItems"
    db.client.meta.events.register(written, between)
    recost(db, NEW)
    assert accounts(db)["inventory"] == 10 * NEW.minor
    assert sound(db)


@pytest.mark.parametrize("call", ["BatchWriteItem", "Query", "TransactWriteItems"])
def test_what_broke_off_is_made_good_by_the_next_days_run(db: Database, call: str) -> None:
    receive(db, 10)

    def dies(**_: Any) -> None:
        raise RuntimeError("the laptop is shut")

    operation = f"before-call.dynamodb.{call}"
    db.client.meta.events.register(operation, dies)
    with suppress(RuntimeError):
        recost(db, NEW)
    db.client.meta.events.unregister(operation, dies)
    cost = catalogue.unit_costs(db, [SKU])[SKU]
    assert cost == (OLD if call == "BatchWriteItem" else NEW)
    assert keep_books(db) == ([] if cost == OLD else [SKU])
    assert accounts(db)["inventory"] == 10 * cost.minor
    assert keep_books(db) == []
    assert sound(db)


@pytest.fixture
def story(db: Database) -> Story:
    """An order that was placed at the old cost, and its goods."""
    story = at("packed")
    store(db, story)
    clock.travel(story.now - clock.now())
    return story


def test_an_order_leaves_at_what_it_was_placed_at_and_the_rest_is_revalued(
    db: Database, story: Story
) -> None:
    before = {item["sk"]: item for item in db.query(db.stock, f"SKU#{SKU}", "NODE#")}
    recost(db, NEW)
    known = len(story.decisions)
    story.shipped()
    for made, now in story.decisions[known:]:
        save(db, made, now)
    after = {item["sk"]: item for item in db.query(db.stock, f"SKU#{SKU}", "NODE#")}
    gone = sum(before[sk]["owned"] - after[sk]["owned"] for sk in after)
    assert gone > 0
    assert any(revaluing.worth_of(i)["USD"] != i["owned"] * NEW.minor for i in after.values())
    assert sound(db)
    assert keep_books(db) == [SKU]
    for item in db.query(db.stock, f"SKU#{SKU}", "NODE#"):
        assert revaluing.worth_of(item) == {"USD": item["owned"] * NEW.minor}
    assert sound(db)
    assert keep_books(db) == []


def test_a_sku_is_watched_until_no_order_can_leave_at_an_older_cost(
    db: Database, story: Story
) -> None:
    now = clock.now()
    recost(db, NEW, now)
    clock.travel(revaluing.WATCHED - timedelta(seconds=1))
    keep_books(db)
    assert [each.sku for each in revaluing.noted(db)] == [SKU]
    clock.travel(timedelta(seconds=2))
    keep_books(db)
    assert [each.sku for each in revaluing.noted(db)] == [SKU]  # the order is still there
    story.shipped()
    for made, at_ in story.decisions[-1:]:
        save(db, made, at_)
    _let_go(db)
    keep_books(db)
    assert revaluing.noted(db) == []


def _let_go(db: Database) -> None:
    for item in db.query(db.stock, f"SKU#{SKU}", "NODE#"):
        kinds = {"reserved": "release", "allocated": "deallocate"}
        moves = [Move(SKU, item["node"], k, item[n]) for n, k in kinds.items() if item.get(n)]  # type: ignore[arg-type]
        if moves:
            commit(db.client, move_writes(db, new_key(), 1, clock.now(), moves))


def test_a_split_balance_is_revalued_and_keeps_its_worth_when_it_is_merged(db: Database) -> None:
    receive(db, 100)
    shards.split(db, SKU, HERE, 1, clock.now())
    assert len(db.query(db.stock, f"SKU#{SKU}", "NODE#")) > 1
    for _ in range(8):
        shards.forget(db, SKU, HERE)
        read_balances(db, [(SKU, HERE)], consistent=True)  # a receipt goes to any shard it knows
        receive(db, 2)
    recost(db, NEW)
    assert accounts(db)["inventory"] == 116 * NEW.minor
    assert sound(db)
    shards.merge(db, SKU, HERE)
    (item,) = db.query(db.stock, f"SKU#{SKU}", "NODE#")
    assert (item["owned"], revaluing.worth_of(item)) == (116, {"USD": 116 * NEW.minor})
    assert sound(db)
