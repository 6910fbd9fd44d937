"""What was bought once is put in a cart again, or one thing in the place of another.

Kits are put in again as kits. Everything is at today's prices, and as far as it is to be had today.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parcelway.domain.cart import add, claim_units, hold_for
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.filling import require_kits_whole, require_sellable
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import zero
from parcelway.domain.order import Order, advance, happened, require
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import OutOfStock, give_back, require_one_transaction
from parcelway.domain.stock import Move, after


def refill(order: Order, bought: Order, facts: Facts, asked: Command) -> Decision:
    """Put what an order had into the draft as well: of each kit and each article as much as may be
    had.

    Raises Refusal ILLEGAL_STATE, NOT_SELLABLE when nothing of it may be had, TOO_MANY_LINES when
    all that is taken together is more than one transaction has room for.
    """
    require(order, "draft")
    last: Decision | None = None
    moves: tuple[Move, ...] = ()
    for sku, units in _bought(bought):
        # Each is decided on what the ones before it left; told and counted is all of it, once.
        filled = order
        if last is not None:
            told_at = order.cart_told_at
            filled = replace(last.order, version=order.version, cart_told_at=told_at)
        made = _as_many_as_there_are(filled, sku, units, facts, asked)
        if made is not None:
            last, moves = made, moves + made.moves
            facts = replace(facts, balances=after(facts.balances, made.moves))
    if last is None:
        raise Refusal(Reason.NOT_SELLABLE, "Nothing of that order can be had at present.")
    require_one_transaction(moves)  # each line had room alone
    return replace(last, moves=moves)


def left_out(order: Order, bought: Order) -> list[tuple[str, int]]:
    """What an order had and the cart has not: units by SKU, of kits and of what was beside them."""
    there = dict(_bought(order))
    missing = [(sku, units - there.get(sku, 0)) for sku, units in _bought(bought)]
    return [(sku, units) for sku, units in missing if units > 0]


def _bought(order: Order) -> list[tuple[str, int]]:
    """Units by SKU of an order's kits, and of what is ordered beside them."""
    kits = [(kit.sku, kit.quantity) for kit in order.kits]
    alone = ((line.sku, order.loose(line)) for line in order.lines)
    return kits + [(sku, units) for sku, units in alone if units]


def substitute(order: Order, sku: str, other: str, facts: Facts, asked: Command) -> Decision:
    """Have another article in the place of one, in the same quantity and going to the same places.

    Raises Refusal ILLEGAL_STATE, NOT_FOUND when the one is not in the cart, INVALID when the other
    is, IN_KIT where kits have units of it, and those of `cart.set_quantity`; a kit is not put in
    the place of an article.
    """
    require(order, "draft")
    old = order.line(sku)
    if old is None:
        raise Refusal(Reason.NOT_FOUND, "This SKU is not in the cart.")
    if order.line(other) is not None:
        raise Refusal(Reason.INVALID, f"{other} is in the cart already.", "/sku")
    require_kits_whole(order, sku, 0)
    rest = tuple(line for line in order.lines if line.sku != sku)
    require_sellable(replace(order, lines=rest), other, old.quantity, facts)
    freed = give_back(replace(order, lines=(old,)), "open", "reserved")
    new = _in_its_place(old, other, facts, order.currency)
    lines = tuple(new if line.sku == sku else line for line in order.lines)
    claim = claim_units(replace(order, lines=lines), (other,), freed, facts)
    priced = price(replace(order, lines=claim.lines), facts)
    held = any(line.count("reserved") for line in priced.lines)
    after_all = advance(
        priced,
        hold_until=hold_for(facts.shop, facts.now) if held else None,
        commands=remember(order, asked),
    )
    told = {"from": sku, "to": other, "units": old.quantity}
    events = happened(after_all, facts.now, "cart.substituted", order.actor, **told)
    return Decision(after_all, events, claim.moves)


def _as_many_as_there_are(
    order: Order, sku: str, units: int, facts: Facts, asked: Command
) -> Decision | None:
    """Units of a SKU put in the cart, as many as may be ordered; None when none may be had."""
    product = facts.products.get(sku)
    if product is None:
        return None
    there = dict(_bought(order)).get(sku, 0)
    try:
        wanted = product.fitting(there + units) - there
        return add(order, sku, wanted, facts, asked) if wanted > 0 else None
    except OutOfStock as short:
        free = product.fitting(there + wanted - _missing(product, short)) - there
    except Refusal:
        return None
    try:
        return add(order, sku, free, facts, asked) if free > 0 else None
    except Refusal:
        return None


def _missing(product: Product, short: OutOfStock) -> int:
    """How many units, or kits, less would have been there."""
    each = product.components or {product.sku: 1}
    lines: list[dict[str, Any]] = short.facts["lines"]
    units = {str(line["sku"]): int(line["wanted"] - line["available"]) for line in lines}
    return max(-(-missing // each.get(sku, 1)) for sku, missing in units.items())


def _in_its_place(old: Line, sku: str, facts: Facts, currency: str) -> Line:
    """A line of another article with the units of one, none of them held yet."""
    nothing = zero(currency)
    portions = tuple(Portion(p.group, "open", p.quantity) for p in old.portions)
    return Line(old.number, sku, facts.products[sku].name, nothing, portions, nothing, nothing)
