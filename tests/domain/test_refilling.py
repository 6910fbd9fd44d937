"""A cart filled with what was bought before, and one article in the place of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart, delivery
from parcelway.domain.commands import command
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.refilling import left_out, refill, substitute
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, after, net

from tests.orders import AWAY, BASKET, HOME, PRODUCTS, SHOP, START, at

ASKED = command("a-key", "request")
HELD = replace(SHOP, settings=replace(SHOP.settings, reservation_policy={"online": "on_cart"}))
SKUS = sorted(BASKET)


def facts(stock: dict[str, int], *, held: bool = True, told: int = 0) -> Facts:
    """The shop with so many units of each SKU at the first warehouse, and none anywhere else."""
    shop = HELD if held else SHOP
    shop = replace(shop, settings=replace(shop.settings, cart_event_minutes=told))
    balances = {
        (sku, node): Balance(sku, node, stock.get(sku, 0) if node == "dc-1" else 0)
        for sku in PRODUCTS
        for node in SHOP.nodes
    }
    return Facts(shop, START, PRODUCTS, balances)


def empty(known: Facts) -> Order:
    return cart.new_draft(
        "ord_1", "t", known, channel="online", currency="USD", language="en", asked=ASKED
    ).order


bought = at("closed").order


@given(st.fixed_dictionaries({sku: st.integers(0, 5) for sku in SKUS}), st.booleans())
def test_of_everything_there_is_as_much_as_may_be_had(stock: dict[str, int], held: bool) -> None:
    known = facts(stock, held=held)
    expected = {sku: min(BASKET[sku], stock[sku]) for sku in SKUS if stock[sku]}
    draft = empty(known)
    if not expected:
        with pytest.raises(Refusal) as refused:
            refill(draft, bought, known, ASKED)
        assert refused.value.reason is Reason.NOT_SELLABLE
        return
    made = refill(draft, bought, known, ASKED)
    assert {line.sku: line.quantity for line in made.order.lines} == expected
    missing = {sku: BASKET[sku] - expected.get(sku, 0) for sku in SKUS}
    assert dict(left_out(made.order, bought)) == {sku: n for sku, n in missing.items() if n}
    assert made.order.version == draft.version + 1
    # What the order says is held is what the books are told.
    left = after(known.balances, made.moves)
    for sku in SKUS:
        line = made.order.line(sku)
        reserved = line.count("reserved") if line else 0
        assert left[sku, "dc-1"].reserved == reserved == (expected.get(sku, 0) if held else 0)


def test_it_is_told_once_with_all_that_is_in_the_cart() -> None:
    known = facts(dict.fromkeys(SKUS, 9), told=5)
    (told,) = refill(empty(known), bought, known, ASKED).events
    assert (told.type, told.data["lines"]) == ("cart.updated", len(BASKET))


@pytest.mark.parametrize(("articles", "fits"), [(42, True), (43, False)])
def test_all_that_is_taken_and_given_back_has_room_in_one_transaction(
    articles: int, fits: bool
) -> None:
    """Of each a unit is held where no other is: with more of it all comes from elsewhere."""
    skus = [f"MUG-{n}" for n in range(articles)]
    known = replace(facts({}), products={s: replace(PRODUCTS["MUG-1"], sku=s) for s in skus})
    known = replace(known, balances={(sku, "dc-1"): Balance(sku, "dc-1", 1) for sku in skus})
    draft = empty(known)
    for sku in skus:
        draft = cart.add(draft, sku, 1, known, ASKED).order
    balances = {(sku, "dc-1"): Balance(sku, "dc-1", 1, reserved=1) for sku in skus}
    balances |= {(sku, "dc-2"): Balance(sku, "dc-2", 9) for sku in skus}
    known = replace(known, balances=balances)
    lines = tuple(replace(bought.lines[0], number=n, sku=sku) for n, sku in enumerate(skus, 1))
    try:
        made = refill(draft, replace(bought, lines=lines), known, command("b", "r"))
    except Refusal as refused:
        assert refused.reason is Reason.TOO_MANY_LINES
        assert not fits
    else:
        assert fits and len(net(made.moves)) == 2 * articles


def test_it_joins_what_is_in_the_cart() -> None:
    known = facts(dict.fromkeys(SKUS, 9))
    first = cart.add(empty(known), SKUS[0], 1, known, ASKED)
    later = replace(known, balances=after(known.balances, first.moves))
    made = refill(first.order, bought, later, command("b", "r"))
    line = made.order.line(SKUS[0])
    assert line is not None
    assert line.quantity == BASKET[SKUS[0]] + 1


def test_of_what_is_sold_in_steps_there_are_as_many_as_may_be_ordered() -> None:
    sku, had = SKUS[0], BASKET[SKUS[0]]
    for step, there, expected in ((had + 1, 99, 0), (had, 99, had), (1, had - 1, had - 1)):
        known = facts(dict.fromkeys(SKUS, 99) | {sku: there})
        product = replace(known.products[sku], min_quantity=step, quantity_step=step)
        known = replace(known, products={**known.products, sku: product})
        line = refill(empty(known), bought, known, command("b", "r")).order.line(sku)
        assert (line.quantity if line else 0) == expected


def test_what_replaces_an_article_goes_where_it_went() -> None:
    known = facts({"MUG-1": 5, "TEA-9": 5})
    first = cart.add(empty(known), "MUG-1", 3, known, ASKED)
    known = replace(known, balances=after(known.balances, first.moves))
    wanted = [
        delivery.Wanted("standard", HOME, lines=(("MUG-1", 1),)),
        delivery.Wanted("standard", AWAY, lines=(("MUG-1", 2),)),
    ]
    divided = delivery.divide(first.order, wanted, known).order
    made = substitute(divided, "MUG-1", "TEA-9", known, command("b", "r"))
    assert made.order.line("MUG-1") is None
    line = made.order.line("TEA-9")
    assert line is not None
    assert [line.units(group.id) for group in made.order.groups] == [1, 2]
    assert line.net.minor == 3 * 879
    left = after(known.balances, made.moves)
    assert (left["MUG-1", "dc-1"].reserved, left["TEA-9", "dc-1"].reserved) == (0, 3)
    (told,) = made.events
    assert told.data == {"from": "MUG-1", "to": "TEA-9", "units": 3}


@pytest.mark.parametrize(
    ("sku", "other", "reason"),
    [
        ("BOOK-3", "TEA-9", Reason.NOT_FOUND),
        ("MUG-1", "NONE", Reason.UNKNOWN_SKU),
        ("MUG-1", "MUG-1", Reason.INVALID),
        ("MUG-1", "BOOK-3", Reason.OUT_OF_STOCK),
    ],
)
def test_what_cannot_take_the_place_leaves_it(sku: str, other: str, reason: Reason) -> None:
    known = facts({"MUG-1": 5, "TEA-9": 5})
    first = cart.add(empty(known), "MUG-1", 3, known, ASKED).order
    with pytest.raises(Refusal) as refused:
        substitute(first, sku, other, known, command("b", "r"))
    assert refused.value.reason is reason
