"""Codes in the cart: entering and taking out."""

from __future__ import annotations

from dataclasses import replace

from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import MAX_MISSES as MAX_MISSES
from parcelway.domain.order import Order, advance, happened, require
from parcelway.domain.parties import Actor
from parcelway.domain.pricing import price
from parcelway.domain.redemption import brought_in
from parcelway.domain.refusals import Reason, Refusal


def enter(order: Order, code: str, facts: Facts, actor: Actor | None = None) -> Decision | None:
    """Put a code (canonical) in the cart; None when it is there.

    A code that cannot be used is not in the decision's order, where it is counted as a miss. One
    that can be used but takes nothing off, because too little is in the cart, stays in it and waits
    for more. `actor` is the employee who enters it, if it is one: they may miss as often as they
    like. Raises Refusal ILLEGAL_STATE, TOO_MANY_COUPONS.
    """
    require(order, "draft")
    if code in order.coupons:
        return None
    most = facts.shop.settings.max_coupons
    if len(order.coupons) >= most:
        raise Refusal(Reason.TOO_MANY_COUPONS, f"At most {most} codes per order.", "/code")
    if actor is None and order.code_misses >= MAX_MISSES:
        raise Refusal(Reason.TOO_MANY_COUPONS, "Too many codes were tried in this cart.", "/code")
    promotion = brought_in(code, order, facts)
    if promotion is None:
        return Decision(advance(order, code_misses=order.code_misses + (actor is None)))
    there = [brought_in(other, order, facts) for other in order.coupons]
    if promotion in there:
        raise Refusal(
            Reason.TOO_MANY_COUPONS, "One code of this promotion is in the cart already.", "/code"
        )
    return _changed(replace(order, coupons=(*order.coupons, code)), "entered", code, facts, actor)


def take_out(order: Order, code: str, facts: Facts, actor: Actor | None = None) -> Decision | None:
    """Take a code out of the cart; None when it is not there. Raises Refusal ILLEGAL_STATE."""
    require(order, "draft")
    if code not in order.coupons:
        return None
    left = tuple(other for other in order.coupons if other != code)
    return _changed(replace(order, coupons=left), "removed", code, facts, actor)


def _changed(order: Order, what: str, code: str, facts: Facts, actor: Actor | None) -> Decision:
    """The priced cart; of what staff did to it the order keeps an event."""
    priced = advance(price(order, facts))
    if actor is None:
        return Decision(priced)
    return Decision(priced, happened(priced, facts.now, f"coupon.{what}", actor, code=code))
