"""What a customer can have instead of an article that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from parcelway.domain.backorder import Terms
from parcelway.domain.catalogue import Product
from parcelway.domain.facts import Facts
from parcelway.domain.line import Portion
from parcelway.domain.order import Order
from parcelway.domain.pricing import offer
from parcelway.domain.refusals import Refusal
from parcelway.domain.reservation import take

MOST = 3  # that are told: more is what search is for


def alternatives(
    order: Order, sku: str, candidates: Iterable[Product], facts: Facts
) -> list[Product]:
    """The first MOST of `candidates` of which the order could have at once all units it wants of
    `sku`, by the rule that orders are claimed by: in its channel, from where its deliveries come.

    Each is at the price its buyer pays. What is in the order anyway is no alternative. `facts` must
    hold the balances of the candidates.
    """
    found: list[Product] = []
    for product in candidates:
        known = order.line(product.sku) is not None
        sold = offer(order, product.sku, 1, facts)
        if sold and not known and _is_there(order, sku, product, facts):
            found.append(replace(product, price=sold.unit_price))
            if len(found) == MOST:
                break
    return found


def _is_there(order: Order, sku: str, product: Product, facts: Facts) -> bool:
    """Whether all units of a line could be had as those of another product: of an article, as a kit
    does not take an article's place, nor anything that of a kit's component."""
    line = order.line(sku)
    if line is None or product.components or order.in_kits(sku):
        return False
    if product.fitting(line.quantity) != line.quantity:
        return False
    portions = tuple(Portion(p.group, "open", p.quantity) for p in line.portions)
    other = replace(order, lines=(replace(line, sku=product.sku, portions=portions),))
    terms = Terms({product.sku: product}, facts.now, "refuse")
    try:
        take(other, "reserved", facts.balances, facts.shop, terms)
    except Refusal:
        return False
    return True
