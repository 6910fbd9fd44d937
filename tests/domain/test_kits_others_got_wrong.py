"""Flaws of bundles and kits that other shop systems had, each by the issue that tells of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.catalogue import Product
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.promotions import Promotion, Scope
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.switches import given_back
from parcelway.domain.switching import PurchaseLimit, Switches

from tests.domain.offers import amount, percentage
from tests.orders import PRODUCTS, SHOP, Story, at

# Alone 2 x 12.95 + 8.79 = 34.69.
SET = Product("SET", "Tea for two", Money(2500, "USD"), components={"MUG-1": 2, "TEA-9": 1})
DUO = Product("DUO", "Tea and book", Money(2000, "USD"), components={"TEA-9": 1, "BOOK-3": 1})
CATALOGUE = PRODUCTS | {SET.sku: SET, DUO.sku: DUO}


def story(stage: Any, *promotions: Promotion, **basket: int) -> Story:
    shop = replace(SHOP, promotions={each.id: each for each in promotions})
    named = {sku.replace("_", "-"): units for sku, units in basket.items()}
    return at(stage, products=CATALOGUE, basket=named, shop=shop)


def off(order: Order, source: str) -> dict[str, int]:
    """What was taken off each line by a source."""
    return {
        line.sku: sum(each.amount.minor for each in line.discounts if each.source == source)
        for line in order.lines
    }


def test_medusa_16502_what_two_bundles_share_is_counted_once() -> None:
    """There, each line was checked against the whole stock: both passed, their sum did not fit."""
    stock = {(sku, "dc-1"): 50 for sku in PRODUCTS} | {("TEA-9", "dc-1"): 3}
    made = Story(products=CATALOGUE, basket={"SET": 2, "DUO": 1}, stock=stock).filled()
    with pytest.raises(Refusal) as refusal:
        cart.set_quantity(made.order, "DUO", 2, made.facts)
    assert refusal.value.reason is Reason.OUT_OF_STOCK
    (line,) = refusal.value.facts["lines"]
    assert (line["sku"], line["wanted"], line["available"]) == ("TEA-9", 4, 3)


def test_erpnext_49021_what_bundles_hold_is_held_once_and_gone_for_what_is_sold_alone() -> None:
    """There, at the till, components of bundles were not held at all; the mend held them twice."""
    made = story("placed", SET=2, MUG_1=1)
    taken = {change.sku: change.reserved for change in _held(made)}
    assert taken == {"MUG-1": 5, "TEA-9": 2}


def _held(made: Story) -> Any:
    from parcelway.domain.stock import net

    return net([move for decision, _ in made.decisions for move in decision.moves])


def test_magento_35665_the_pieces_of_a_kit_come_to_its_price_and_not_to_rounded_pieces() -> None:
    """There, 18 pieces at 95 % of 6.75 came to 115.38: each piece was rounded, then counted."""
    pack = Product("PACK", "Eighteen", Money(11543, "USD"), components={"MUG-1": 18})
    cheap = replace(PRODUCTS["MUG-1"], price=Money(675, "USD"))
    products = CATALOGUE | {"PACK": pack, "MUG-1": cheap}
    order = at("draft", products=products, basket={"PACK": 3}).order
    assert totals(order).goods == Money(3 * 11543, "USD")


def test_magento_27351_and_30952_an_amount_off_the_order_is_taken_off_a_kit_as_well() -> None:
    """There, of one dollar half was taken off, of 50 dollars 18.85: what the first component bore
    was thought to be all."""
    order = story("draft", amount("dollar", 100, "USD"), SET=1).order
    assert sum(off(order, "promotion").values()) == 100
    assert totals(order).goods == Money(2400, "USD")
    order = story("draft", amount("fifty", 5000, "USD"), SET=3).order
    assert totals(order).goods == Money(2500, "USD")


def test_magento_10407_a_promotion_of_one_component_takes_nothing_off_the_others() -> None:
    """There, ten per cent off an article in a bundle were taken off the bundle too."""
    tenth = percentage("tea", 1000, scope=Scope(("TEA-9",)))
    order = story("draft", tenth, SET=1).order
    tea = order.line("TEA-9")
    assert tea is not None
    left = tea.unit_price.minor - off(order, "kit")["TEA-9"]  # what of the kit's price it bears
    assert off(order, "promotion") == {"MUG-1": 0, "TEA-9": (left + 5) // 10}


def test_a_threshold_counts_a_kit_at_its_price() -> None:
    """What a kit saves is no money that anybody spends."""
    above = percentage("thirty", 1000)
    above = replace(above, steps=(replace(above.steps[0], minimum={"USD": 3000}),))
    assert totals(story("draft", above, SET=1).order).goods == Money(2500, "USD")
    assert totals(story("draft", above, SET=1, TEA_9=1).order).goods < Money(3379, "USD")


def test_shopware_13165_no_component_is_taken_out_from_under_its_kit() -> None:
    """There, the rest kept the discount of a bundle that was none any more."""
    made = story("draft", SET=1)
    with pytest.raises(Refusal) as refusal:
        cart.set_quantity(made.order, "TEA-9", 0, made.facts)
    assert refusal.value.reason is Reason.IN_KIT


def test_bagisto_1779_a_kit_that_is_put_in_twice_costs_twice_as_much() -> None:
    made = story("draft", SET=1)
    for quantity in (2, 5, 3):
        order = cart.set_quantity(made.order, "SET", quantity, made.facts).order
        assert totals(order).goods == Money(quantity * 2500, "USD")


@pytest.mark.parametrize("sku", ["MUG-1", "TEA-9"])
def test_magento_39060_and_taxjar_119_of_a_part_of_a_kit_its_own_share_goes_back(sku: str) -> None:
    """There, whoever gave back one component had the whole bundle marked as given back, or was
    credited for it; the other way round nothing was left to give back."""
    made = story("closed", SET=2)
    (invoice,) = made.invoices
    line = next(each for each in invoice.lines if each.sku == sku)
    made.credited(Wanted({line.line: 1}))
    (first,) = made.credit_notes
    assert 0 < first.gross.minor < invoice.gross.minor // 2
    assert [(each.sku, each.quantity) for each in first.lines] == [(sku, 1)]
    left = {each.line: each.quantity - (each.sku == sku) for each in invoice.lines if each.line}
    made.credited(Wanted(left, shipping=True))
    assert sum(note.gross.minor for note in made.credit_notes) == invoice.gross.minor
    assert sum(note.tax.minor for note in made.credit_notes) == invoice.tax.minor


def test_units_of_a_kit_called_off_one_by_one_come_to_what_the_kits_were_placed_for() -> None:
    made = story("confirmed", SET=3, MUG_1=1)
    gross = totals(made.order).gross.minor
    for sku, units in (("MUG-1", 7), ("TEA-9", 2)):
        for _ in range(units):
            before = made.order.cancelled_gross
            made.less(sku, 1)
            assert before < made.order.cancelled_gross < gross
    made.less("TEA-9", 1)
    assert made.order.state == "cancelled"
    assert {kit.sku: kit.quantity for kit in made.order.kits} == {"SET": 3}  # what was ordered


def test_gumroad_7072_a_components_own_limit_binds_what_kits_have_of_it() -> None:
    """There, a bundle went past the limit of an article in it."""
    limits = {"TEA-9": PurchaseLimit(2, 7), "SET": PurchaseLimit(2, 7)}
    switches = {"online": Switches(purchase_limits=limits)}
    shop = replace(SHOP, switches=switches)
    placed = Story(products=CATALOGUE, basket={"SET": 2}, shop=shop).filled().placed()
    assert set(placed.order.limited) == {"SET", "TEA-9"}
    for basket, sku in (({"SET": 2, "TEA-9": 1}, "TEA-9"), ({"DUO": 1, "SET": 2}, "TEA-9")):
        with pytest.raises(Refusal) as refusal:
            Story(products=CATALOGUE, basket=basket, shop=shop).filled().placed()
        assert refusal.value.reason is Reason.PURCHASE_LIMIT
        assert refusal.value.facts["sku"] == sku
    more = switches["online"].purchase_limits | {"TEA-9": PurchaseLimit(9, 7)}
    shop = replace(SHOP, switches={"online": Switches(purchase_limits=more)})
    with pytest.raises(Refusal) as refusal:
        Story(products=CATALOGUE, basket={"SET": 3}, shop=shop).filled().placed()
    assert (refusal.value.reason, refusal.value.pointer) == (Reason.PURCHASE_LIMIT, "/kits/0")
    confirmed = placed.confirmed()
    before = confirmed.order
    back = given_back(before, confirmed.less("MUG-1", 1).order, confirmed.now)
    assert [(counter.split("#")[2], units) for counter, units in back] == [("SET", 1)] * len(back)
    assert back
