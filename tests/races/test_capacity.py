"""A crowd for a node that makes few parcels ready in a day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from typing import Any

from parcelway.domain.cancellation import cancel
from parcelway.store import capacity
from parcelway.store.commit import until_fresh
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.shop import load_shop, put_node

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import NODE, Shop, place
from infra.bench.tables import container
from tests.orders import CUSTOMER
from tests.races.crowd import at_once, patiently

_numbers = count(1)


def test_no_day_takes_more_parcels_than_there_is_room_for(client: Any) -> None:
    """Sixty orders at a node of seven a day; every fourth is cancelled at once and makes room."""
    shop = Shop(container(client), 100, f"DAY-{next(_numbers)}")
    put_node(shop.db, replace(load_shop(shop.db).nodes[NODE], capacity=7))
    contended = ConflictWindow(client, 0.002)

    def order(numbered: tuple[int, str]) -> str:
        db, (number, order_id) = container(contended), numbered
        assert patiently(lambda: place(db, order_id, shop.now)) == "done"

        def end() -> None:
            placed = get_order(db, order_id)
            assert placed is not None
            save(db, cancel(placed, [], "test", CUSTOMER, shop.now), shop.now)

        if number % 4 == 0:
            assert patiently(lambda: until_fresh(end)) == "done"
            return ""
        return order_id

    kept = [order_id for order_id in at_once(order, [*enumerate(shop.carts(60))]) if order_id]
    held: Counter[tuple[str, Any]] = Counter()
    for order_id in kept:
        placed = get_order(shop.db, order_id)
        assert placed is not None
        held.update(placed.group.slots)
    assert (len(kept), held.total()) == (45, 45)
    assert max(held.values()) <= 7
    assert capacity.read(shop.db, held, consistent=True) == dict(held)
    assert contended.conflicts > 5  # it was a race
