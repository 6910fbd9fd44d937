"""Price lists, promotions and coupons in great variety, for carts of the shops in `strategies`."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from parcelway.domain import delivery
from parcelway.domain.coupons import Coupon
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.promotions import ALL, Promotion, Scope, Step

from tests.domain.strategies import SKUS, baskets, divisions, facts_with_plenty, filled
from tests.orders import HOME

NAME = {"en": "Sale", "de": "Aktion"}


def percentage(id: str, basis_points: int, **more: object) -> Promotion:
    """So much off everything, unless `more` says otherwise."""
    made = Promotion(id, NAME, "percentage", (Step(basis_points=basis_points),))
    return replace(made, **more)


def amount(id: str, minor: int, currency: str, **more: object) -> Promotion:
    """An amount off the order, unless `more` says otherwise."""
    return replace(Promotion(id, NAME, "amount", (Step(amounts={currency: minor}),)), **more)


@st.composite
def steps(draw: st.DrawFn, currency: str) -> Step:
    """What is taken off from some subtotal on."""
    minimum = draw(st.integers(0, 200_000))
    return Step(
        minimum={currency: minimum} if minimum else {},
        basis_points=draw(st.integers(0, 10_000)),
        amounts={currency: draw(st.integers(0, 100_000))} if draw(st.booleans()) else {},
    )


scopes = st.just(ALL) | st.lists(st.sampled_from(SKUS), min_size=1, max_size=3).map(
    lambda skus: Scope(tuple(skus))
)


@st.composite
def promotions(draw: st.DrawFn, id: str, currency: str) -> Promotion:
    """Any promotion that holds for everybody."""
    return Promotion(
        id,
        NAME,
        draw(
            st.sampled_from(
                ["percentage", "amount", "amount_per_unit", "buy_x_get_y", "free_shipping"]
            )
        ),
        tuple(draw(st.lists(steps(currency), min_size=1, max_size=3))),
        draw(scopes),
        draw(st.none() | scopes),
        buy=draw(st.integers(1, 3)),
        get=draw(st.integers(1, 3)),
        coupon=draw(st.booleans()),
        exclusive=draw(st.integers(0, 5)) == 0,
        priority=draw(st.integers(0, 2)),
    )


@st.composite
def reduced(draw: st.DrawFn) -> tuple[Order, Facts]:
    """A cart in any shop with up to five promotions, those with a code by one that was entered;
    delivered to one place or divided over several."""
    facts = draw(facts_with_plenty("on_checkout"))
    currency = facts.shop.settings.currency
    found = [draw(promotions(f"p{n}", currency)) for n in range(draw(st.integers(1, 5)))]
    coupons = {f"CODE-{p.id}": Coupon(f"CODE-{p.id}", p.id) for p in found if p.coupon}
    shop = replace(facts.shop, promotions={p.id: p for p in found})
    facts = replace(facts, shop=shop, coupons=coupons)
    order = replace(filled(facts, draw(baskets)), coupons=tuple(coupons))
    if draw(st.booleans()):
        return delivery.divide(order, draw(divisions(order)), facts).order, facts
    return delivery.deliver_to(order, HOME, "parcel", "", facts).order, facts
