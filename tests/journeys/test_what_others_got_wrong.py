"""Flaws of stock that other order systems had, each by the issue that tells of it, tried here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from parcelway.domain.shop import ReservationPolicy
from parcelway.domain.stock import Balance
from parcelway.ports import clock
from parcelway.store import stock, stock_books

from infra.demo.people import HOME, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.orders import dossier_of
from tests.races.crowd import at_once, patiently

Article = Callable[..., str]
Policy = Callable[[ReservationPolicy], None]
HERE, THERE = "dc-columbus", "wh-louisville"


def balances(app: Application, sku: str) -> dict[str, Balance]:
    return {balance.node: balance for balance in stock.balances_of(app.database, sku)}


def held(app: Application, sku: str) -> dict[str, int]:
    """Units promised to somebody, by node."""
    return {node: b.reserved + b.allocated for node, b in balances(app, sku).items()}


def also_at(app: Application, sku: str, node: str, units: int) -> None:
    stock_books.count(app.database, sku, node, units, clock.now(), "test")


def with_cart(app: Application, sku: str, units: int) -> Shopper:
    """Somebody who only has to confirm."""
    shopper = Shopper(app.url, app.stripe)
    shopper.add(sku, units)
    shopper.deliver()
    shopper.describe()
    return shopper


def place_all(shoppers: list[Shopper]) -> Counter[str]:
    """All confirm at the same moment."""
    outcomes = at_once(lambda shopper: patiently(shopper.place), shoppers, 8)
    return Counter(outcomes)


def units_of(app: Application, shopper: Shopper) -> Counter[tuple[str, str]]:
    """Where the order says that units are held for it, by SKU and node."""
    found: Counter[tuple[str, str]] = Counter()
    for line in dossier_of(app.database, shopper.id).order.lines:
        for portion in line.portions:
            if portion.stage in ("reserved", "allocated", "released", "packed"):
                found[line.sku, portion.node] += portion.quantity
    return found


def test_medusa_16502_parts_of_one_order_do_not_count_on_the_same_units(
    app: Application, article: Article, shopper: Shopper
) -> None:
    """There, two lines of one article were checked one by one against the same number: both passed
    and more was reserved than there was."""
    sku = article(units=5)
    shopper.add(sku, 3)
    with pytest.raises(Refused) as refused:
        shopper.add(sku, 3)
    (line,) = refused.value.problem["lines"]
    assert (refused.value.code, line["wanted"], line["available"]) == ("out-of-stock", 6, 5)
    shopper.add(sku, 2)
    parts: list[dict[str, Any]] = [
        {
            "service": "parcel-standard",
            "address": HOME,
            "lines": [{"sku": sku, "quantity": units}],
        }
        for units in (3, 2)
    ]
    shopper.divide(*parts)
    shopper.describe()
    assert place_all([with_cart(app, sku, 1)]) == {"done": 1}
    with pytest.raises(Refused) as refused:  # each part alone would fit into the four left
        shopper.place()
    assert refused.value.code == "out-of-stock"
    assert held(app, sku) == {HERE: 1}


def test_medusa_16569_reservations_made_at_once_neither_oversell_nor_get_lost(
    app: Application, article: Article
) -> None:
    """There, availability was read and the counter of reserved units written back without a lock:
    two could have the last unit, and one of two increments was overwritten."""
    last, plenty = article(units=1), article(units=12)
    assert place_all([with_cart(app, last, 1) for _ in range(8)]) == {"done": 1, "out-of-stock": 7}
    assert held(app, last) == {HERE: 1}
    assert place_all([with_cart(app, plenty, 1) for _ in range(12)]) == {"done": 12}
    assert held(app, plenty) == {HERE: 12}


def test_medusa_14987_what_was_summed_over_nodes_is_also_taken_from_all_of_them(
    app: Application, article: Article
) -> None:
    """There, the check added up all locations, but the reservation tried to take everything from
    the first one and failed."""
    sku = article(units=1)
    also_at(app, sku, THERE, 1)
    assert place_all([with_cart(app, sku, 2)]) == {"done": 1}
    assert held(app, sku) == {HERE: 1, THERE: 1}


def test_medusa_11703_a_parcel_that_is_not_sent_keeps_nothing_and_loses_nothing(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    """There, cancelling a fulfilment did not bring its reservation back, so the units were free
    for others though the order still counted on them."""
    sku = article(units=2)
    also_at(app, sku, THERE, 2)
    shopper.buy((sku, 3))  # takes two parcels, and one unit is left
    app.settle()
    first = next(
        s for n in (HERE, THERE) for s in warehouse.queue(n) if s["order_id"] == shopper.id
    )
    warehouse.report(first, "reject", {"reason": "out_of_stock"})
    app.settle()
    counted = {node: b.reserved + b.allocated for node, b in balances(app, sku).items()}
    assert counted == {node: units_of(app, shopper)[sku, node] for node in counted}
    for other in balances(app, sku).values():
        assert min(other.reserved, other.allocated, other.available) >= 0


def test_vendure_3508_of_two_who_pay_for_the_last_unit_one_gets_it_and_one_the_money_back(
    app: Application, article: Article, policy: Policy
) -> None:
    """There, stock was checked before the payment and taken after it, each by itself: both paid,
    and both orders went through."""
    policy("none")
    sku = article(units=1)
    two = [with_cart(app, sku, 1) for _ in range(2)]
    assert place_all(two) == {"done": 2}
    at_once(lambda shopper: shopper.pay(), two)
    app.settle()
    states = sorted((s.order["state"], s.order["payment_status"]) for s in two)
    assert states == [("cancelled", "voided"), ("confirmed", "authorized")]
    assert held(app, sku) == {HERE: 1}


def test_vendure_4030_a_node_gives_no_unit_that_it_has_promised_already(
    app: Application, article: Article
) -> None:
    """There, units were allocated by what a location had on hand, whatever had been allocated of it
    before: the first location was given out again and again."""
    sku = article(units=10)
    also_at(app, sku, THERE, 15)
    assert place_all([with_cart(app, sku, 13)]) == {"done": 1}
    assert place_all([with_cart(app, sku, 12)]) == {"done": 1}
    assert held(app, sku) == {HERE: 10, THERE: 15}
    with pytest.raises(Refused) as refused:
        with_cart(app, sku, 1)
    assert refused.value.code == "out-of-stock"


def test_saleor_543_two_baskets_that_fit_each_but_not_both(
    app: Application, article: Article
) -> None:
    """There, two checkouts at the same time both went through, and more was allocated than was in
    the inventory."""
    sku = article(units=5)
    assert place_all([with_cart(app, sku, 3), with_cart(app, sku, 3)]) == {
        "done": 1,
        "out-of-stock": 1,
    }
    assert held(app, sku) == {HERE: 3}


def test_saleor_5334_every_order_has_its_units_in_the_books(
    app: Application, article: Article
) -> None:
    """There, one in a hundred orders was placed without its allocation, and nobody knew why."""
    sku = article(units=100)
    buyers = [Shopper(app.url, app.stripe) for _ in range(10)]
    at_once(lambda shopper: shopper.buy((sku, 2)), buyers, 8)
    app.settle()
    assert {shopper.order["state"] for shopper in buyers} == {"confirmed"}
    assert [units_of(app, shopper) for shopper in buyers] == [Counter({(sku, HERE): 2})] * 10
    assert held(app, sku) == {HERE: 20}


def test_sylius_2776_what_happens_in_the_same_second_does_not_overwrite_each_other(
    app: Application, article: Article
) -> None:
    """There, stock was deducted twice by orders of the same second, and an order that was confirmed
    was written back to pending by whoever had read it before."""
    sku = article(units=4)
    buyers = [with_cart(app, sku, 1) for _ in range(4)]
    assert place_all(buyers) == {"done": 4}
    deeds: list[Callable[[], object]] = []
    for shopper in buyers:
        deeds += [shopper.pay, partial(shopper.cancel, "changed my mind")]
    outcomes = at_once(patiently, deeds, 8)
    app.settle()
    assert set(outcomes) <= {"done", "illegal-state", "too-late"}
    for shopper in buyers:
        order = shopper.order
        kept = sum(units_of(app, shopper).values())
        assert (order["state"], order["payment_status"], kept) in (
            ("confirmed", "authorized", 1),
            ("cancelled", "voided", 0),
            ("cancelled", "none", 0),
        )
    assert held(app, sku)[HERE] == sum(sum(units_of(app, each).values()) for each in buyers)
