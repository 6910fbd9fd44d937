"""Damage in the queues for units that are not there: named, mended, gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from parcelway.domain.stock import Move, Supply
from parcelway.store.catalogue import upsert
from parcelway.store.commit import commit
from parcelway.store.stock import move_writes

from infra.verify import LIVE, breaks, repair
from tests.functions.damage import Item, Shop, Tables, mail
from tests.orders import PRODUCTS, Story, at, expect, store

SOON, LATER = date(2026, 11, 30), date(2026, 12, 14)
MUG, DC = "MUG-1", "dc-1"
SHORT = {
    "stock": {(MUG, DC): 2, ("TEA-9", DC): 9, ("BOOK-3", DC): 9},
    "supplies": {(MUG, DC): (Supply("po-1", SOON, 5),)},
}


def _waiting() -> Story:
    """Two mugs are at the warehouse, a third is waited for."""
    return at("released", seed="1", series="A", shortage="ship_available", **SHORT)


@pytest.fixture
def shop() -> Shop:
    tables, story = Tables(), _waiting()
    store(tables.db, story)
    mail(tables.db, story)
    return Shop(tables.db, {"waiting": story}, tables.calls)


def _place(shop: Shop) -> Item:
    return shop.item("orders", f"QUEUE#{MUG}#{DC}")


def _receive(shop: Shop, units: int) -> None:
    """Units come in, and nobody hears of it."""
    move = Move(MUG, DC, "receive", units)
    commit(shop.db.client, move_writes(shop.db, "receipt", 1, shop.now, [move]))


def _expect(shop: Shop, due: date) -> None:
    """The supplier names another day, and nobody hears of it."""
    expect(shop.db, MUG, DC, Supply("po-1", due, 5))


def _place_of_nobody(shop: Shop) -> None:
    place = _place(shop)
    shop.put("orders", place | {"sk": place["sk"].replace("2026", "2025")})


DAMAGE: dict[str, tuple[Callable[[Shop], None], set[str]]] = {
    "a place": (lambda s: s.drop("orders", _place(s)), {"lookup.missing"}),
    "a place that nobody has": (_place_of_nobody, {"lookup.stray"}),
    "units of a place": (
        lambda s: s.put("orders", _place(s) | {"units": {"2026-11-30": 2}}),
        {"queue.units"},
    ),
    "units that are none": (
        lambda s: s.put("orders", _place(s) | {"units": "one"}),
        {"queue.units"},
    ),
    "the day of a place": (
        lambda s: s.put("orders", _place(s) | {"units": {"2026-11-29": 1}}),
        {"queue.units", "queue.untold"},
    ),
    "a place taken for one that was left": (
        lambda s: s.put("orders", {k: v for k, v in _place(s).items() if k in ("pk", "sk")}
                        | {"units": {}, "expires": 1}),
        {"queue.units"},
    ),
    "units that came": (lambda s: _receive(s, 1), {"queue.unserved"}),
    "a day that is not kept": (lambda s: _expect(s, LATER), {"queue.untold"}),
    "the units waited for": (
        lambda s: s.put(
            "stock",
            (item := s.item("stock", f"SKU#{MUG}"))
            | {"backordered": 0, "available": item["available"] + 1},
        ),
        {"stock.journal"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_mended_and_gone(shop: Shop, damage: str) -> None:
    assert shop.found() == []
    plant, kinds = DAMAGE[damage]
    plant(shop)
    found = shop.found()
    assert {broken.kind for broken in found} == kinds
    assert all(broken.repair for broken in found)
    told = repair(shop.db, found, shop.now)
    assert not [line for line in told if "not mended" in line]
    assert {broken.kind for broken in shop.found()} <= {"mail.missing"}  # about the new date
    before = shop.dump()
    repair(shop.db, found, shop.now)
    assert shop.dump() == before


def test_before_the_launch_nobody_is_served(shop: Shop) -> None:
    launch = shop.now.date() + timedelta(days=3)
    upsert(shop.db, [replace(PRODUCTS[MUG], launch=launch)], shop.now)
    _receive(shop, 1)
    assert shop.found() == []
    on_the_day = shop.now + timedelta(days=3)
    assert {b.kind for b in breaks(shop.db, on_the_day)} >= {"queue.unserved"}


def test_what_has_just_come_is_still_under_way(shop: Shop) -> None:
    _receive(shop, 1)
    early = shop.now + timedelta(minutes=20)
    assert breaks(shop.db, early, LIVE) == []
    late = [broken.kind for broken in breaks(shop.db, shop.now + timedelta(minutes=40), LIVE)]
    assert late == ["queue.unserved"]


def test_units_that_no_execution_takes_up_are_told_of_again(shop: Shop) -> None:
    story = shop.stories["waiting"].received(MUG, DC, 1)
    made, now = story.decisions[-1]
    assert [move.kind for move in made.moves] == ["fill"]
    _receive(shop, 1)
    repair(shop.db, shop.found(), now)
    mail(shop.db, story)
    assert shop.found() == []
    late = shop.now + timedelta(hours=5)
    found = breaks(shop.db, late)
    assert [(broken.kind, broken.subject) for broken in found] == [
        ("order.unscheduled", story.order.id)
    ]
    repair(shop.db, found, late, bus=shop)
    assert "order.replenished" in {event.type for event in shop.published}
