"""Orders take of their nodes' days and give back: no day is promised to more than it can make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from parcelway.domain import cancellation, checkout, fulfilment_orders
from parcelway.domain.commands import Command
from parcelway.domain.order import Order, Shortage, Slot
from parcelway.domain.parties import SYSTEM
from parcelway.domain.reassigning import Said
from parcelway.domain.stock import Supply
from parcelway.store import capacity, catalogue
from parcelway.store.commit import commit, put_new, until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts

from infra.verify import breaks
from tests.functions.tables import aws
from tests.orders import PRODUCTS, SHOP, START, STOCK, WAREHOUSE, at, dossier_of, store
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


@pytest.mark.parametrize("shortage", ["ship_available", "separate_order"])
def test_two_parcels_of_one_order_for_one_day_of_a_node_take_one_after_the_other(
    db: Database, shortage: Shortage
) -> None:
    catalogue.upsert(db, PRODUCTS.values(), START)
    small = replace(SHOP, nodes=SHOP.nodes | {"dc-1": replace(SHOP.nodes["dc-1"], capacity=1)})
    mugs = ("MUG-1", "dc-1")
    soon = {mugs: (Supply("po-1", START.date(), 5),)}
    story = at("draft", shop=small, stock=STOCK | {mugs: 2}, supplies=soon, shortage=shortage)
    store(db, story)
    first = place(db, story)
    orders = [first, *filter(None, (get_order(db, other) for other in first.linked))]
    days = [slot for order in orders for slot in order.group.slots]
    assert len(days) == len({*days}) == 2
    assert capacity.read(db, days, consistent=True) == dict.fromkeys(days, 1)


def test_a_shipment_that_is_moved_takes_its_day_with_it_and_a_full_one_is_passed_over(
    db: Database,
) -> None:
    catalogue.upsert(db, PRODUCTS.values(), START)
    small = {id: replace(node, capacity=1) for id, node in SHOP.nodes.items()}
    there = {(sku, node): 9 for sku in PRODUCTS for node in ("dc-1", "dc-2")}
    story = at("released", shop=replace(SHOP, nodes=small), stock=there)
    store(db, story)
    (old,) = story.order.group.slots
    capacity_taken(db, ("dc-2", old[1]))

    def attempt() -> Order:
        dossier = dossier_of(db, story.order.id)
        facts = read_facts(db, dossier.order, story.now, exact=True)
        said = Said(WAREHOUSE, facts)
        made = fulfilment_orders.move(dossier.order, dossier.shipments[0], "dc-2", "", said)
        save(db, made, story.now)
        return made.order

    (new,) = until_fresh(attempt).group.slots
    assert new[0] == "dc-2" and new[1] > old[1]
    assert capacity.read(db, [old, new], consistent=True) == {old: 0, new: 1}
    broken = [found for found in breaks(db, story.now) if found.kind == "capacity.taken"]
    assert [found.subject for found in broken] == [f"dc-2 on {old[1]}"]  # the other order's


def capacity_taken(db: Database, slot: Slot) -> None:
    """An order of which nobody knows has a parcel of a node's day."""
    mark = put_new(db.orders, {"pk": "QUEUE#x#y", "sk": "z"})
    commit(db.client, [mark, *capacity.writes(db, {}, [slot])])
