"""What an order comes to: unit prices, kits, shipping charges, what is taken off them, tax.

Each step is a function of the order as the one before left it, and every cent is in a line or a
charge. A line's discounts are divided over its delivery groups by units. What tax comes to is in
`tax`, who is taxed where in `tax_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from parcelway.domain.adjustments import adjusted, overridden
from parcelway.domain.audience import visible
from parcelway.domain.catalogue import Product
from parcelway.domain.discounts import take_off
from parcelway.domain.facts import Facts
from parcelway.domain.line import Discount, Kit, Line
from parcelway.domain.money import Money
from parcelway.domain.order import DeliveryGroup, Order
from parcelway.domain.prices import PriceList, Quote, lists_for, quote
from parcelway.domain.redemption import offers
from parcelway.domain.shares import amounts_by_group, units_share
from parcelway.domain.shop import Shop
from parcelway.domain.taxing import taxed


def price(order: Order, facts: Facts) -> Order:
    """The draft at today's prices, shipping rates, discounts and tax; its version stays.

    Lines whose product is gone, or without a price in the order's currency now, keep their last
    price (checkout refuses them); a service that can no longer take the weight is dropped from its
    group, to be chosen again.
    """
    agreed = before_tax(order, facts)
    return taxed(agreed, _amounts(agreed), facts)


def before_tax(order: Order, facts: Facts) -> Order:
    """The same without its tax: net and tax of lines and charges are still those of before."""
    priced = overridden(_at_unit_prices(order, facts))
    if priced.kits:
        from parcelway.domain.kits import bundled  # few orders have any

        priced = bundled(priced)
    charged = _with_charges(priced, facts.shop)
    reduced = take_off(charged, offers(charged, facts), facts.products)
    return adjusted(reduced, facts.shop.settings.adjustment_reasons)


def price_part(part: Order, facts: Facts) -> Order:
    """Some of a priced order's lines as an order of their own: with the unit prices and discounts
    that they have, and with new shipping charges, reduced in proportion as the old ones were."""
    charged = _with_charges(part, facts.shop)
    groups = tuple(
        replace(new, charge_discounts=_in_proportion(old, new))
        for old, new in zip(part.groups, charged.groups, strict=True)
    )
    reduced = replace(charged, groups=groups)
    return taxed(reduced, _amounts(reduced), facts)


def offer(order: Order, sku: str, quantity: int, facts: Facts) -> Quote | None:
    """What a unit costs the order's buyer; None when it is not for sale to them, or not in the
    order's currency. What was sold already costs what it was sold for."""
    product = facts.products.get(sku)
    if product is None or not product.active:
        return None
    if not visible(product, order.buyer, facts.shop.assortments):
        return None
    return quoted(order, product, quantity, facts)


def has_price(order: Order, sku: str, quantity: int, facts: Facts) -> bool:
    """Whether a unit has a price in the order's currency, also where it is not sold by itself."""
    product = facts.products.get(sku)
    return product is not None and quoted(order, product, quantity, facts) is not None


def quoted(order: Order, product: Product, quantity: int, facts: Facts) -> Quote | None:
    """What a unit costs in the order, whether or not it is sold by itself; None where it has no
    price in the order's currency. What was sold already costs what it was sold for."""
    there = order.line(product.sku) or order.kit(product.sku)
    if order.as_sold and there:
        return Quote(there.unit_price, there.price_source)
    return quote(product, quantity, order.currency, _lists(order, facts), facts.prices)


def weight(lines: Sequence[Line], group_id: str) -> int:
    """What a group's units weigh, in grams."""
    return sum(line.weight_grams * line.units(group_id) for line in lines)


def _at_unit_prices(order: Order, facts: Facts) -> Order:
    """The lines and kits at the unit prices of today, with nothing taken off yet."""
    lists = _lists(order, facts)

    def found(line: Line, product: Product) -> Quote | None:
        if order.as_sold:
            return Quote(line.unit_price, line.price_source)
        return quote(product, line.quantity, order.currency, lists, facts.prices)

    lines = tuple(_priced(line, facts.products.get(line.sku), found) for line in order.lines)
    kits = tuple(_priced_kit(order, kit, lists, facts) for kit in order.kits)
    return replace(order, lines=lines, kits=kits)


def _lists(order: Order, facts: Facts) -> tuple[PriceList, ...]:
    return lists_for(order.buyer, order.currency, facts.shop.price_lists.values(), facts.now)


def _priced(
    line: Line, product: Product | None, quoted: Callable[[Line, Product], Quote | None]
) -> Line:
    found = product and quoted(line, product)
    if not product or not found:
        return replace(line, discounts=())
    return replace(
        line,
        discounts=(),
        name=product.name,
        unit_price=found.unit_price,
        price_source=found.source,
        tax_category=product.tax_category,
        weight_grams=product.weight_grams,
        unit_cost=product.unit_cost,
    )


def _priced_kit(order: Order, kit: Kit, lists: Sequence[PriceList], facts: Facts) -> Kit:
    product = facts.products.get(kit.sku)
    if product is None or order.as_sold:
        return kit
    found = quote(product, kit.quantity, order.currency, lists, facts.prices)
    if found is None:
        return kit
    of_today = replace(kit, name=product.name, unit_price=found.unit_price)
    return replace(of_today, price_source=found.source)


def _with_charges(order: Order, shop: Shop) -> Order:
    """The groups with what their services charge, nothing taken off yet."""
    return replace(order, groups=tuple(_charged(group, order, shop) for group in order.groups))


def _charged(group: DeliveryGroup, order: Order, shop: Shop) -> DeliveryGroup:
    service = shop.services.get(group.service)
    charge = service.charge(weight(order.lines, group.id), order.currency) if service else None
    if service is None or charge is None:
        return replace(
            group,
            service="",
            service_name={},
            charge_price=None,
            charge_discounts=(),
            charge_net=None,
            charge_tax=None,
        )
    if order.as_sold and group.charge_price is not None:
        charge = group.charge_price
    return replace(group, charge_price=charge, charge_discounts=())


def _in_proportion(old: DeliveryGroup, new: DeliveryGroup) -> tuple[Discount, ...]:
    """What was taken off an old charge as what is taken off a new one."""
    if not old.charge_price or not new.charge_price:
        return ()
    found, before = [], 0
    for discount in old.charge_discounts:
        upto = before + discount.amount.minor
        amount = units_share(new.charge_price, old.charge_price.minor, before, upto)
        found.append(replace(discount, amount=amount))
        before = upto
    return tuple(discount for discount in found if discount.amount)


def _amounts(order: Order) -> dict[int, dict[str, Money]]:
    return {line.number: amounts_by_group(line) for line in order.lines}
