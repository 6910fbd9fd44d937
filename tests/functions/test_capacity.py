"""Capacity by node and day: what is read, what a promise takes, and that it comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.cancellation import cancel
from parcelway.domain.order import Order, Slot
from parcelway.domain.promise import slots
from parcelway.store import capacity
from parcelway.store.commit import Stale, commit, put_new
from parcelway.store.database import Database
from parcelway.store.saving import save
from parcelway.store.selling import lapse_order
from parcelway.store.shop import load_shop, put_node

from infra.bench.hot_sku import NODE, Shop, place
from infra.bench.tables import container, in_model
from infra.verify import breaks
from tests.functions import tables
from tests.orders import CUSTOMER, SHOP, START

SERVICE = SHOP.services["standard"]
NODES = SHOP.nodes | {"dc-1": replace(SHOP.nodes["dc-1"], capacity=3)}
MONDAY = date(2026, 11, 16)
DAYS = [MONDAY + timedelta(days=n) for n in range(3)]


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as database:
        yield database


def book(
    db: Database, order: str, take: list[Slot] | None = None, give: list[Slot] | None = None
) -> None:
    """As an order's change does: its own item, and the capacity."""
    mark = put_new(db.orders, {"pk": f"ORD#{order}", "sk": "ORDER"})
    commit(db.client, [mark, *capacity.writes(db, NODES, take or [], give or [])])


def test_a_day_takes_no_more_than_the_node_makes_ready(db: Database) -> None:
    today, tomorrow = ("dc-1", MONDAY), ("dc-1", DAYS[1])
    assert capacity.read(db, [today, tomorrow]) == {today: 0, tomorrow: 0}
    book(db, "a", [today, today])
    book(db, "b", [today])
    with pytest.raises(Stale):
        book(db, "c", [tomorrow, today])
    assert capacity.read(db, [today, tomorrow], consistent=True) == {today: 3, tomorrow: 0}
    book(db, "d", [tomorrow], [today])
    assert capacity.read(db, [today, tomorrow]) == {today: 2, tomorrow: 1}
    assert capacity.read(db, []) == {}


def test_nothing_is_given_back_that_was_not_taken(db: Database) -> None:
    today = ("dc-1", MONDAY)
    with pytest.raises(Stale):
        book(db, "a", give=[today])
    book(db, "b", [today])
    with pytest.raises(Stale):
        book(db, "c", give=[today, today])
    book(db, "d", give=[today])
    assert capacity.read(db, [today]) == {today: 0}


def test_more_parcels_than_a_day_ever_has_are_not_taken_at_once(db: Database) -> None:
    with pytest.raises(Stale):
        capacity.writes(db, NODES, [("dc-1", MONDAY)] * 4)
    assert capacity.read(db, [("dc-1", MONDAY)]) == {("dc-1", MONDAY): 0}


def test_a_slot_that_is_kept_costs_no_write_and_one_of_a_node_without_limit_counts(
    db: Database,
) -> None:
    kept, unlimited, gone = ("dc-1", MONDAY), ("dc-2", MONDAY), ("dc-9", MONDAY)
    assert capacity.writes(db, NODES, [kept], [kept]) == []
    book(db, "a", [unlimited, unlimited, gone])
    assert capacity.read(db, [unlimited, gone]) == {unlimited: 2, gone: 1}
    mark = put_new(db.orders, {"pk": "ORD#b", "sk": "ORDER"})
    commit(db.client, [mark, *capacity.writes(db, {}, [], [unlimited, gone])])
    assert capacity.read(db, [unlimited, gone]) == {unlimited: 1, gone: 0}


def test_what_was_taken_is_given_back_by_who_knows_no_limits(db: Database) -> None:
    today = ("dc-1", MONDAY)
    book(db, "a", [today])
    mark = put_new(db.orders, {"pk": "ORD#b", "sk": "ORDER"})
    commit(db.client, [mark, *capacity.writes(db, {}, [], [today])])
    assert capacity.read(db, [today]) == {today: 0}


def test_a_full_day_is_learned_and_passed_over_for_a_minute(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def promised() -> list[Slot]:
        nodes = [NODES["dc-1"], NODES["dc-2"]]
        return [*slots(nodes, SERVICE, START, busy=capacity.known(db))]

    tomorrow, friday = ("dc-1", DAYS[1]), ("dc-1", DAYS[1] + timedelta(days=3))
    for number in range(3):
        book(db, f"{number}", [("dc-1", DAYS[1] + timedelta(days=number))] * 3)
    assert (capacity.known(db), promised()) == ({}, [tomorrow])  # as long as nobody has tried
    with pytest.raises(Stale):
        book(db, "a", promised())
    assert [taken for _, taken in sorted(capacity.known(db).items())] == [3, 3, 3, 0, 0, 0, 0]
    assert promised() == [friday]
    book(db, "b", promised())
    later = time.monotonic() + capacity.KNOWN_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert promised() == [tomorrow]


def at_a_small_node(client: Any, capacity: int) -> Shop:
    """A shop whose only node with stock makes `capacity` parcels ready in a day."""
    shop = Shop(container(client), 1000)
    put_node(shop.db, replace(load_shop(shop.db).nodes[NODE], capacity=capacity))
    shop.db.memory.clear()
    return shop


def held(orders: list[Order]) -> dict[Slot, int]:
    return dict(Counter(slot for order in orders for slot in order.group.slots))


def taken(shop: Shop) -> dict[Slot, int]:
    days = [(NODE, shop.now.date() + timedelta(days=n)) for n in range(30)]
    return {slot: number for slot, number in capacity.read(shop.db, days).items() if number}


def test_placing_takes_a_slot_and_an_order_that_ends_unsent_gives_it_back() -> None:
    shop = at_a_small_node(in_model(), 2)
    first, second, third = [place(shop.db, cart, shop.now) for cart in shop.carts(3)]
    assert first.group.slots == second.group.slots != third.group.slots
    assert first.group.promise and third.group.promise
    assert first.group.promise.earliest < third.group.promise.earliest
    assert taken(shop) == held([first, second, third])
    lapse_order(shop.db, first.id, shop.now + timedelta(hours=1))
    cancelled = cancel(second, [], "test", CUSTOMER, shop.now)
    save(shop.db, cancelled, shop.now)
    assert taken(shop) == held([third])
    shop.db.memory.clear()  # or a minute later
    (cart,) = shop.carts(1)
    assert place(shop.db, cart, shop.now).group.slots == first.group.slots
    assert not [found for found in breaks(shop.db, shop.now) if found.kind == "capacity.taken"]


def test_a_node_without_a_limit_takes_no_slot() -> None:
    shop = Shop(container(in_model()), 10)
    (cart,) = shop.carts(1)
    assert place(shop.db, cart, shop.now).group.slots == ()
    assert taken(shop) == {}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "give", "move"]), st.sampled_from(DAYS), st.sampled_from(DAYS)
    ),
    max_size=40,
)


@given(STEPS)
def test_what_is_taken_is_what_orders_hold(steps: list[tuple[str, date, date]]) -> None:
    db = container(in_model())
    held: Counter[Slot] = Counter()
    for number, (what, first, second) in enumerate(steps):
        here, there = ("dc-1", first), ("dc-1", second)
        take = [here] if what == "take" else [there] if what == "move" else []
        give = [here] if what in ("give", "move") else []
        after = held + Counter(take)
        after.subtract(give)
        possible = all(0 <= after[slot] <= 3 for slot in take + give) or take == give
        try:
            book(db, f"{number}", take, give)
        except Stale:
            assert not possible
        else:
            assert possible
            held = after
    assert capacity.read(db, [("dc-1", day) for day in DAYS]) == {
        ("dc-1", day): held["dc-1", day] for day in DAYS
    }
