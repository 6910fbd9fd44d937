"""A crowd for a node that makes few parcels ready in a day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from typing import Any

from parcelway.domain.order import Slot
from parcelway.domain.promise import slots
from parcelway.store import capacity
from parcelway.store.commit import commit, put_new, until_fresh

from infra.bench.conflicts import ConflictWindow
from infra.bench.tables import container
from tests.orders import SHOP, START
from tests.races.crowd import at_once, patiently

_numbers = count(1)


def test_no_day_takes_more_parcels_than_there_is_room_for(client: Any) -> None:
    """Sixty orders at a node of seven a day; every fourth is cancelled at once and makes room."""
    node = replace(SHOP.nodes["dc-1"], id=f"dc-{next(_numbers)}", capacity=7)
    service = SHOP.services["standard"]
    contended = ConflictWindow(client, 0.002)

    def order(number: int) -> tuple[Slot, ...]:
        db = container(contended)
        taken: list[Slot] = []

        def place() -> None:
            taken[:] = slots([node], service, START, busy=capacity.known(db))
            mark = put_new(db.orders, {"pk": f"ORD#{node.id}-{number}", "sk": "ORDER"})
            commit(db.client, [mark, *capacity.writes(db, {node.id: node}, taken)])

        def cancel() -> None:
            mark = put_new(db.orders, {"pk": f"ORD#{node.id}-{number}", "sk": "CANCELLED"})
            commit(db.client, [mark, *capacity.writes(db, {node.id: node}, [], taken)])

        assert patiently(lambda: until_fresh(place)) == "done"
        if number % 4 == 0:
            assert patiently(lambda: until_fresh(cancel)) == "done"
            taken.clear()
        return tuple(taken)

    held = Counter(slot for kept in at_once(order, range(60)) for slot in kept)
    assert held.total() == 45
    assert max(held.values()) <= 7
    taken = capacity.read(container(client), held, consistent=True)
    assert taken == dict(held)
    assert contended.conflicts > 5  # it was a race
