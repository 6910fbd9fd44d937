"""Kits when the order is placed: their limits are counted, and what changed since is noticed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from parcelway.domain import checkout, counter
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor, Channel
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Supply
from parcelway.domain.switching import PurchaseLimit, Switches

from tests.domain.test_kits import PLENTY, described, filled
from tests.orders import CONTACT, PRODUCTS, SHOP, Story, new_names


def limited(facts: Facts, channel: Channel, units: int) -> Facts:
    """So many sets for a buyer in a week."""
    switches = {channel: Switches(purchase_limits={"TEA-SET": PurchaseLimit(units, 7)})}
    return replace(facts, shop=replace(facts.shop, switches=switches))


def ready(facts: Facts, **units: int) -> Order:
    return replace(described(filled(facts, **units), facts, ""), contact=CONTACT)


def place(order: Order, facts: Facts) -> Decision:
    names = new_names(random.Random(1)), new_names(random.Random(2))
    paid = replace(order, payment_method="card", billing_address=order.group.address)
    return checkout.place(paid, facts, Command("place", ""), names=names, expected_total=None)


def test_a_limit_of_kits_is_counted_with_both_of_two_orders_that_have_some() -> None:
    order = ready(PLENTY, TEA_SET=3)
    coming = Balance("TEA-9", "dc-1", 2, supplies=(Supply("po", date(2026, 12, 1), 5),), supplied=1)
    scarce = replace(PLENTY, balances={**PLENTY.balances, ("TEA-9", "dc-1"): coming})
    apart = replace(order, shortage="separate_order")
    placed = place(apart, limited(scarce, "online", 3))
    assert placed.linked is not None
    for part in (placed.order, placed.linked.order):
        assert part.kit("TEA-SET") is not None and set(part.limited) == {"TEA-SET"}
    with pytest.raises(Refusal) as refusal:
        place(apart, limited(scarce, "online", 2))
    assert (refusal.value.reason, refusal.value.pointer) == (Reason.PURCHASE_LIMIT, "/kits/0")


def test_a_limit_of_a_kit_binds_at_the_counter() -> None:
    story = Story(products=PLENTY.products, basket={"TEA-SET": 2}, channel="in_person", stock={})
    order = replace(story.laden().order, contact=CONTACT)
    store = counter.store_of(SHOP, "store-1")
    tenders = (counter.Tender("cash", totals(story.order).gross),)

    def sell(units: int) -> Order:
        of = order, store, tenders, limited(story.facts, "in_person", units)
        asked, names = Command("s", ""), new_names(random.Random(1))
        return counter.sell(*of, asked, Actor("staff"), names=names, expected_total=None).order

    assert sell(2).kit("TEA-SET") is not None
    with pytest.raises(Refusal) as refusal:
        sell(1)
    assert refusal.value.reason is Reason.PURCHASE_LIMIT


@pytest.mark.parametrize(
    ("now", "pointer"),
    [
        (replace(PRODUCTS["MUG-1"], components={"TEA-9": 1}), "/lines/0"),
        (replace(PRODUCTS["MUG-1"], price=Money(1, "EUR")), "/lines/0"),
        (replace(PLENTY.products["TEA-SET"], active=False), "/kits/0"),
    ],
)
def test_what_became_of_a_kit_or_its_component_since_is_noticed(now: Product, pointer: str) -> None:
    order = ready(PLENTY, TEA_SET=1)
    facts = replace(PLENTY, products={**PLENTY.products, now.sku: now})
    with pytest.raises(Refusal) as refusal:
        place(order, facts)
    assert (refusal.value.reason, refusal.value.pointer) == (Reason.NOT_SELLABLE, pointer)
