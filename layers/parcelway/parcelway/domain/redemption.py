"""Which promotions hold for an order and what their use counts; codes in the cart.

What is limited is counted in the transaction that places the order, and given back in the one that
ends it by cancelling or expiry.
"""

from __future__ import annotations

from collections.abc import Sequence

from parcelway.domain.coupons import Coupon, Use, uses_of_code, uses_of_promotion
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.promotions import Promotion
from parcelway.domain.refusals import Reason, Refusal


def offers(order: Order, facts: Facts) -> list[tuple[Promotion, str]]:
    """The promotions that hold for an order, each with the code that brings it in, '' for none.
    What was sold already has no others than those it was sold with."""
    if order.as_sold:
        return []
    promotions = facts.shop.promotions.values()
    found = [(p, "") for p in promotions if not p.coupon and _holds(p, order, facts)]
    for code in order.coupons:
        if promotion := brought_in(code, order, facts):
            found.append((promotion, code))
    return found


def brought_in(code: str, order: Order, facts: Facts) -> Promotion | None:
    """The promotion that a code brings into an order; None for a code that cannot be used: that is
    not known, somebody else's, used up, or not of the time."""
    coupon = facts.coupons.get(code)
    promotion = facts.shop.promotions.get(coupon.promotion) if coupon else None
    if coupon is None or promotion is None or not promotion.coupon:
        return None
    mine = order.is_for(coupon.customer_id)
    known = bool(order.customer_id) or not coupon.per_customer
    usable = mine and known and coupon.window.open(facts.now)
    left = _left(uses_of_code(coupon, order.customer_id), facts)
    return promotion if usable and left and _holds(promotion, order, facts) else None


def require_usable(order: Order, facts: Facts) -> None:
    """Refuse with COUPON_UNAVAILABLE a cart with a code that cannot be used any more."""
    for index, code in enumerate(order.coupons):
        if brought_in(code, order, facts) is None:
            raise unavailable(f"/coupons/{index}")


def unavailable(pointer: str) -> Refusal:
    """The one answer to every code that cannot be used: it tells nobody which codes there are."""
    return Refusal(
        Reason.COUPON_UNAVAILABLE,
        "This code cannot be used: it may be mistyped, used up, over, or for others. Some are for "
        "customers who are signed in.",
        pointer,
    )


def applied(*orders: Order) -> set[tuple[str, str]]:
    """The source and id of everything that took something off these orders."""
    lines = [line.discounts for order in orders for line in order.lines]
    charges = [group.charge_discounts for order in orders for group in order.groups]
    return {(d.source, d.id) for discounts in (*lines, *charges) for d in discounts}


def codes_applied(order: Order) -> tuple[str, ...]:
    """The codes of a priced order that took something off."""
    taken = applied(order)
    return tuple(code for code in order.coupons if ("coupon", code) in taken)


def uses(orders: Sequence[Order], facts: Facts) -> tuple[Use, ...]:
    """What placing these priced orders together counts: each promotion and code once."""
    taken, customer_id = applied(*orders), orders[0].customer_id
    coupons: list[Coupon] = [facts.coupons[id] for source, id in taken if source == "coupon"]
    promotions = {id for source, id in taken if source == "promotion"}
    promotions |= {coupon.promotion for coupon in coupons}
    found = [use for coupon in coupons for use in uses_of_code(coupon, customer_id)]
    for id in promotions:
        found += uses_of_promotion(facts.shop.promotions[id], customer_id)
    return tuple(sorted(found, key=lambda use: use.counter))


def _holds(promotion: Promotion, order: Order, facts: Facts) -> bool:
    if promotion.first_order and not facts.first_order:
        return False
    if not promotion.holds(order.buyer, bool(order.customer_id), facts.now):
        return False
    return _left(uses_of_promotion(promotion, order.customer_id), facts)


def _left(wanted: Sequence[Use], facts: Facts) -> bool:
    return all(facts.used.get(use.counter, 0) < use.limit for use in wanted)
