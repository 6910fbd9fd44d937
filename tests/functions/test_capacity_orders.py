"""Orders take of their nodes' days and give back: no day is promised to more than it can make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from parcelway.domain import cancellation, checkout
from parcelway.domain.commands import Command
from parcelway.domain.order import Order
from parcelway.domain.parties import SYSTEM
from parcelway.store import capacity, catalogue
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order, save
from parcelway.store.selling import read_facts

from tests.functions.tables import aws
from tests.orders import PRODUCTS, SHOP, START, at, store
from tests.orders import Story as Tale

LIMITED = replace(SHOP, nodes=SHOP.nodes | {"dc-1": replace(SHOP.nodes["dc-1"], capacity=2)})


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with aws(monkeypatch) as database:
        yield database


def place(db: Database, story: Tale) -> Order:
    def attempt() -> Order:
        order = get_order(db, story.order.id)
        assert order is not None
        decision = checkout.place(
            order,
            read_facts(db, order, START),
            Command(order.id, ""),
            names=(checkout.Names(f"PW-{order.id}", "a"), checkout.Names(f"PX-{order.id}", "b")),
            expected_total=None,
        )
        save(db, decision, START)
        return decision.order

    return until_fresh(attempt)


def test_a_full_day_sends_the_next_order_to_the_day_after_and_a_cancelled_one_frees_it(
    db: Database,
) -> None:
    catalogue.upsert(db, PRODUCTS.values(), START)
    stories = [at("draft", seed=str(n), shop=LIMITED) for n in range(5)]
    for story in stories:
        store(db, story)
    placed = [place(db, story) for story in stories]
    days = [slot for order in placed for slot in order.group.slots]
    assert [days.count(day) for day in dict.fromkeys(days)] == [2, 2, 1]
    promises = [order.group.promise.latest for order in placed if order.group.promise]
    assert promises == sorted(promises)

    save(db, cancellation.cancel(placed[0], (), "customer", SYSTEM, START), START)
    first = days[0]
    assert capacity.read(db, [first], consistent=True) == {first: 1}
    db.memory.clear()  # a container that knows of no full day
    another = at("draft", seed="late", shop=LIMITED)
    store(db, another)
    assert place(db, another).group.slots == (first,)
