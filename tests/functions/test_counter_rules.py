"""What binds at the till as at the checkout, and what is counted of a sale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from parcelway.domain.adjustment import Adjustment
from parcelway.domain.decision import Decision
from parcelway.domain.gift_card import Tender
from parcelway.domain.money import Money
from parcelway.domain.order import Order, advance
from parcelway.domain.parties import Actor
from parcelway.ports import clock
from parcelway.store import catalogue, shards
from parcelway.store.saving import save

from infra.verify import breaks
from tests.functions.tables import aws
from tests.functions.tills import STORE, cart, cash, on_hand, sell, terminal, total
from tests.functions.worlds import World, ok, refused
from tests.orders import PRODUCTS, Story, dossier_of

EXACT = {("MUG-1", STORE): 3, ("TEA-9", STORE): 9, ("BOOK-3", STORE): 9}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "counter")
    clock.reset()


def change(world: World, story: Story, **fields: Any) -> Order:
    """The cart as something else has made it."""
    order = advance(story.order, **fields)
    save(world.db, Decision(order), clock.now())
    return order


def test_the_last_units_are_sold_and_nobody_is_told(world: World) -> None:
    story = cart(world, stock=EXACT)
    ok(sell(world, story, cash(total(world, story))), 201)
    assert on_hand(world) == 0 and world.order(story.order.id).alerts == ()


def test_what_the_store_never_had_is_sold_and_somebody_is_told(world: World) -> None:
    story = cart(world, stock={key: units for key, units in EXACT.items() if key[0] != "MUG-1"})
    ok(sell(world, story, cash(total(world, story))), 201)
    assert on_hand(world) == -3
    assert [each.detail for each in world.order(story.order.id).alerts] == ["MUG-1 at store-1: 3"]


def test_more_than_there_is_of_a_split_balance_is_sold_of_the_whole(world: World) -> None:
    """On one of its items alone it would be missing, and another one would have it still."""
    many = {**EXACT, ("MUG-1", STORE): 40}
    story = cart(world, stock=many, basket={"MUG-1": 42})
    due = total(world, story)
    shards.split(world.db, "MUG-1", STORE, 1, clock.now())
    parts, _ = shards.read(world.db, [("MUG-1", STORE)], consistent=True)
    assert len(parts["MUG-1", STORE]) > 1
    ok(sell(world, story, cash(due)), 201)
    parts, _ = shards.read(world.db, [("MUG-1", STORE)], consistent=True)
    assert [item["on_hand"] for item in parts["MUG-1", STORE]] == [-2]
    found = [each.kind for each in breaks(world.db, clock.now())]
    assert [kind for kind in found if kind.startswith("stock")] == ["stock.negative"]


def test_cash_comes_in_several_hands_and_change_is_counted_of_all_of_it(world: World) -> None:
    story = cart(world)
    due = total(world, story)
    answer = ok(sell(world, story, cash(400), terminal(1000), cash(due)), 201)
    assert answer["change"]["minor"] == 1400
    told = next(e for e in dossier_of(world.db, story.order.id).events if e.type == "order.sold")
    assert told.data["change"] == 1400
    assert world.order(story.order.id).captured == due


def test_what_a_card_paid_too_much_is_not_given_back_in_cash(world: World) -> None:
    story = cart(world)
    due, before = total(world, story), world.dump()
    refused(sell(world, story, terminal(due + 100), cash(50)), 422, "tender-mismatch")
    refused(sell(world, story, terminal(due + 1)), 422, "tender-mismatch")
    assert world.dump() == before


def test_a_sale_of_more_than_one_transaction_holds_is_refused(world: World) -> None:
    names = [f"SKU-{n:02}" for n in range(84)]
    products = {sku: replace(PRODUCTS["MUG-1"], sku=sku) for sku in names}
    catalogue.upsert(world.db, products.values(), clock.now())
    stock = {(sku, STORE): 5 for sku in names}
    story = cart(world, products=products, stock=stock, basket=dict.fromkeys(names, 1))
    before = world.dump()
    refused(sell(world, story, cash(10**7)), 422, "too-many-lines")
    assert world.dump() == before


def test_what_is_not_for_sale_any_more_is_not_sold_at_the_till(world: World) -> None:
    story = cart(world)
    catalogue.upsert(world.db, [replace(PRODUCTS["TEA-9"], active=False)], clock.now())
    before = world.dump()
    refused(sell(world, story, cash(10**6)), 409, "not-sellable")
    assert world.dump() == before


def test_a_reduction_that_nobody_has_agreed_to_is_in_the_way(world: World) -> None:
    story = cart(world)
    clerk, usual = Actor("staff", "clerk"), Money(5000, "USD")
    asked = Adjustment(
        *("adj_1", "amount_off", "", usual, Money(1, "USD"), "goodwill", ""),
        *(clerk, clock.now(), "proposed", 1, ""),
    )
    order = change(world, story, adjustments=(asked,))
    refused(sell(world, story, cash(10**6)), 409, "adjustment-pending")
    agreed = replace(asked, status="rejected", decided_by=Actor("staff", "boss"))
    save(world.db, Decision(advance(order, adjustments=(agreed,))), clock.now())
    ok(sell(world, story, cash(10**6)), 201)


def test_the_till_takes_no_gift_cards(world: World) -> None:
    story, five = cart(world), Money(500, "USD")
    change(world, story, gift_cards=(Tender("gft_1", "gift_card", "AB12", five, five),))
    before = world.dump()
    refused(sell(world, story, cash(10**6)), 422, "payment-method-unavailable")
    assert world.dump() == before


def test_a_code_that_is_over_is_refused_at_the_till(world: World) -> None:
    story = cart(world)
    change(world, story, coupons=("OVER",))
    before = world.dump()
    refused(sell(world, story, cash(10**6)), 422, "coupon-unavailable")
    assert world.dump() == before
