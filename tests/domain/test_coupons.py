"""Coupons: one answer to every code that cannot be used, and uses that are counted once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cancellation, cart, cart_coupons, checkout, delivery
from parcelway.domain.audience import Audience, Window
from parcelway.domain.commands import Command
from parcelway.domain.coupons import Coupon, Use, canonical
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.domain.pricing import price
from parcelway.domain.promotions import Promotion, Scope, Step
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance

from tests.domain.offers import NAME, percentage, reduced
from tests.domain.strategies import NOW, filled
from tests.orders import HOME, PRODUCTS, SHOP

CSR = Actor("staff", "csr-1")
TENTH = percentage("tenth", 1000, coupon=True)


def facts_of(*coupons: Coupon, promotions: tuple[Promotion, ...] = (TENTH,)) -> Facts:
    """The shop of `tests.orders` with promotions, codes, and stock of everything."""
    shop = replace(SHOP, promotions={promotion.id: promotion for promotion in promotions})
    stock = {(sku, n): Balance(sku, n, on_hand=99) for sku in PRODUCTS for n in SHOP.nodes}
    return Facts(shop, NOW, PRODUCTS, stock, coupons={coupon.code: coupon for coupon in coupons})


def ready(facts: Facts) -> Order:
    """A cart that only has to be placed."""
    return delivery.deliver_to(filled(facts, {"MUG-1": 2}), HOME, "standard", "", facts).order


def place(order: Order, facts: Facts) -> Decision:
    names = (checkout.Names("PW-1", "a"), checkout.Names("PW-2", "b"))
    return checkout.place(order, facts, Command("place", ""), names=names, expected_total=None)


def entered(order: Order, code: str, facts: Facts) -> Order:
    decision = cart_coupons.enter(order, code, facts)
    assert decision is not None
    return decision.order


def reason(order: Order, code: str, facts: Facts, actor: Actor | None = None) -> Reason:
    with pytest.raises(Refusal) as refusal:
        cart_coupons.enter(order, code, facts, actor)
    return refusal.value.reason


@pytest.mark.parametrize("typed", ["save-10", "  Save-10 ", "SAVE-10"])
def test_a_code_is_the_same_however_it_is_typed(typed: str) -> None:
    assert canonical(typed) == "SAVE-10"


@pytest.mark.parametrize("typed", ["", "ab", "a b c", "SAVE\u0130NG", "-ABC", "A" * 41, "ſave10"])
def test_what_cannot_be_a_code_is_refused(typed: str) -> None:
    with pytest.raises(Refusal) as refusal:
        canonical(typed)
    assert refusal.value.reason is Reason.INVALID


def test_a_code_takes_off_what_its_promotion_does_and_is_named() -> None:
    facts = facts_of(Coupon("SAVE10", "tenth"))
    order = entered(ready(facts), "SAVE10", facts)
    (line,) = order.lines
    assert [(d.source, d.id, d.amount.minor) for d in line.discounts] == [("coupon", "SAVE10", 259)]
    assert cart_coupons.enter(order, "SAVE10", facts) is None
    gone = cart_coupons.take_out(order, "SAVE10", facts)
    assert gone is not None
    assert totals(gone.order).discount.minor == 0
    assert cart_coupons.take_out(gone.order, "SAVE10", facts) is None


UNUSABLE = {
    "unknown": ((), {}),
    "over": ((Coupon("CODE", "tenth", window=Window(ends_at=NOW)),), {}),
    "not yet": ((Coupon("CODE", "tenth", window=Window(NOW + timedelta(hours=1))),), {}),
    "somebody else's": ((Coupon("CODE", "tenth", customer_id="cus_2"),), {}),
    "used up": ((Coupon("CODE", "tenth", limit=3),), {"CODE#CODE": 3}),
    "used up by them": (
        (Coupon("CODE", "tenth", per_customer=1),),
        {"CODE#CODE#cus_1": 1},
    ),
    "without promotion": ((Coupon("CODE", "gone"),), {}),
    "of an automatic promotion": ((Coupon("CODE", "all"),), {}),
    "for others": ((Coupon("CODE", "trade"),), {}),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_every_code_that_cannot_be_used_gets_the_same_answer_and_is_counted(case: str) -> None:
    coupons, used = UNUSABLE[case]
    trade = replace(TENTH, id="trade", audience=Audience(groups=("trade",)))
    facts = facts_of(*coupons, promotions=(TENTH, percentage("all", 100), trade))
    order = replace(ready(facts), customer_id="cus_1")
    decision = cart_coupons.enter(order, "CODE", replace(facts, used=used))
    assert decision is not None
    assert decision.order == replace(order, version=order.version + 1, code_misses=1)


def test_a_cart_misses_ten_times_and_staff_as_often_as_they_like() -> None:
    facts = facts_of(Coupon("SAVE10", "tenth"))
    order = ready(facts)
    for n in range(cart_coupons.MAX_MISSES):
        order = entered(order, f"GUESS{n}", facts)
    assert order.code_misses == cart_coupons.MAX_MISSES
    assert reason(order, "SAVE10", facts) is Reason.TOO_MANY_COUPONS
    decision = cart_coupons.enter(order, "GUESS", facts, CSR)
    assert decision is not None
    assert decision.order.code_misses == cart_coupons.MAX_MISSES
    helped = cart_coupons.enter(order, "SAVE10", facts, CSR)
    assert helped is not None
    assert [(e.type, e.actor, e.data) for e in helped.events] == [
        ("coupon.entered", CSR, {"code": "SAVE10"})
    ]


def test_codes_for_customers_are_of_no_use_to_guests() -> None:
    facts = facts_of(Coupon("ONCE", "tenth", per_customer=1))
    order = ready(facts)
    assert entered(order, "ONCE", facts).coupons == ()
    assert entered(replace(order, customer_id="cus_1"), "ONCE", facts).coupons == ("ONCE",)


def test_a_cart_has_so_many_codes_and_one_of_a_promotion() -> None:
    others = [replace(TENTH, id=f"p{n}") for n in range(4)]
    coupons = [Coupon(f"CODE{n}", f"p{n}") for n in range(4)]
    facts = facts_of(*coupons, Coupon("TWIN", "p0"), promotions=tuple(others))
    order = entered(ready(facts), "CODE0", facts)
    assert reason(order, "TWIN", facts) is Reason.TOO_MANY_COUPONS
    order = entered(entered(order, "CODE1", facts), "CODE2", facts)
    assert reason(order, "CODE3", facts) is Reason.TOO_MANY_COUPONS


def test_a_code_that_takes_nothing_off_yet_waits_in_the_cart() -> None:
    big = Promotion("big", NAME, "percentage", (Step({"USD": 10_000}, 1000),), coupon=True)
    facts = facts_of(Coupon("BIG", "big", limit=1), promotions=(big,))
    order = entered(ready(facts), "BIG", facts)
    assert (order.coupons, totals(order).discount.minor) == (("BIG",), 0)
    more = cart.set_quantity(order, "MUG-1", 8, facts).order
    assert totals(more).discount.minor == 1036


def test_a_code_that_ended_meanwhile_is_refused_at_checkout() -> None:
    facts = facts_of(Coupon("SAVE10", "tenth", window=Window(ends_at=NOW + timedelta(hours=1))))
    order = entered(ready(facts), "SAVE10", facts)
    late = replace(facts, now=NOW + timedelta(hours=1))
    with pytest.raises(Refusal) as refusal:
        place(order, late)
    assert (refusal.value.reason, refusal.value.pointer) == (
        Reason.COUPON_UNAVAILABLE,
        "/coupons/0",
    )
    assert totals(price(order, late)).discount.minor == 0


def test_placing_counts_what_is_limited_and_cancelling_gives_it_back() -> None:
    limited = replace(TENTH, limit=100, per_customer=2)
    first = percentage("first", 500, first_order=True)
    coupon = Coupon("SAVE10", "tenth", limit=5, per_customer=1)
    facts = facts_of(coupon, promotions=(limited, first))
    facts = replace(facts, first_order=True)
    order = entered(replace(ready(facts), customer_id="cus_1"), "SAVE10", facts)
    placed = place(order, facts)
    assert placed.uses == (
        Use("CODE#SAVE10", 5),
        Use("CODE#SAVE10#cus_1", 1),
        Use("PROMOTION#first#cus_1", 1),
        Use("PROMOTION#tenth", 100),
        Use("PROMOTION#tenth#cus_1", 2),
    )
    counted = tuple(use.counter for use in placed.uses)
    assert (placed.order.uses, placed.order.coupons) == (counted, ("SAVE10",))
    ended = cancellation.cancel(placed.order, (), "", SYSTEM, NOW)
    assert (ended.unused, ended.order.uses) == (counted, ())
    lapsed = cart.lapse(placed.order, NOW + timedelta(days=1))
    assert lapsed is not None
    assert (lapsed.unused, lapsed.order.uses) == (counted, ())


def test_what_is_not_limited_is_not_counted() -> None:
    facts = facts_of(Coupon("SAVE10", "tenth"))
    assert place(entered(ready(facts), "SAVE10", facts), facts).uses == ()


@given(reduced(), st.sets(st.integers(0, 4)), st.booleans())
def test_placing_and_ending_leaves_every_counter_as_before(
    made: tuple[Order, Facts], limited: set[int], expires: bool
) -> None:
    order, facts = made
    promotions = {
        p.id: replace(p, limit=1) if n in limited else p
        for n, p in enumerate(facts.shop.promotions.values())
    }
    facts = replace(facts, shop=replace(facts.shop, promotions=promotions))
    placed = place(order, facts)
    counters = Counter(use.counter for use in placed.uses)
    assert all(times == 1 for times in counters.values())
    if placed.order.state == "placed" and expires:
        ended = cart.lapse(placed.order, NOW + timedelta(days=1))
    else:
        ended = cancellation.cancel(placed.order, (), "", SYSTEM, NOW)
    assert ended is not None
    counters.subtract(ended.unused)
    assert not any(counters.values())


# What others got wrong


def test_vendure_5278_a_code_that_takes_nothing_off_is_not_used_up() -> None:
    """There the code was counted against its customer's limit all the same."""
    tea = replace(TENTH, scope=Scope(("TEA-9",)))
    facts = facts_of(Coupon("TEA", "tenth", limit=1), promotions=(tea,))
    placed = place(entered(ready(facts), "TEA", facts), facts)
    assert (placed.uses, placed.order.coupons) == ((), ())


def test_vendure_4353_promotions_without_a_code_keep_to_their_limits_too() -> None:
    facts = facts_of(promotions=(percentage("auto", 1000, limit=1),))
    placed = place(ready(facts), facts)
    assert placed.uses == (Use("PROMOTION#auto", 1),)
    after = replace(facts, used={"PROMOTION#auto": 1})
    assert totals(place(ready(after), after).order).discount.minor == 0


def test_vendure_1466_a_cancelled_order_does_not_count_against_its_customer() -> None:
    facts = facts_of(Coupon("ONCE", "tenth", per_customer=1))
    order = entered(replace(ready(facts), customer_id="cus_1"), "ONCE", facts)
    placed = place(order, facts).order
    assert cancellation.cancel(placed, (), "", SYSTEM, NOW).unused == ("CODE#ONCE#cus_1",)
