"""What an order comes to: prices from the catalogue, tax once per rate, every cent in a line.

Rounding rule: tax is computed per rate on the sum of everything taxed at that rate, rounded half
away from zero once (EN 16931, BR-CO-17), and then divided over the lines and charges by largest
remainder. So the lines' parts always add up to the totals, and totals are never off by the cents
that rounding each line would bring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money, allocate, share
from parcelway.domain.order import DeliveryGroup, Line, Order
from parcelway.domain.shop import Service, Settings, Shop
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class _Taxed:
    net: Money
    tax: Money


def price(order: Order, products: Mapping[str, Product], shop: Shop) -> Order:
    """The draft at today's prices, shipping rates and tax; its version stays.

    Lines whose product is gone, or sold in another currency now, keep their last price (checkout
    refuses them); a service that can no longer take the weight is dropped from its group, to be
    chosen again.
    """
    current = {sku: p for sku, p in products.items() if p.price.currency == order.currency}
    lines = tuple(
        _from_catalogue(line, current[line.sku], shop.settings) if line.sku in current else line
        for line in order.lines
    )
    groups = tuple(_charged(group, lines, shop) for group in order.groups)
    return _tax(replace(order, lines=lines, groups=groups), shop.settings.prices_include_tax)


def weight(lines: Sequence[Line], group_id: str) -> int:
    """What a group's units weigh, in grams."""
    return sum(line.weight_grams * line.units(group_id) for line in lines)


def rate(service: Service, grams: int) -> Money | None:
    """What a service charges for a parcel of `grams`; None when it is too heavy for it."""
    return next((step.price for step in service.rates if grams <= step.up_to_grams), None)


def units_share(whole: Money, units: int, before: int, after: int) -> Money:
    """The part of a line's amount that belongs to its units number `before`+1 .. `after`.

    Cumulative, so consecutive parts always add up to the whole, however it is cut.
    """
    return Money(
        share(whole.minor, after, units) - share(whole.minor, before, units), whole.currency
    )


def _from_catalogue(line: Line, product: Product, settings: Settings) -> Line:
    return replace(
        line,
        name=product.name,
        unit_price=product.price,
        price_source="catalogue",
        tax_category=product.tax_category,
        tax_rate=settings.tax_rate(product.tax_category),
        weight_grams=product.weight_grams,
    )


def _charged(group: DeliveryGroup, lines: Sequence[Line], shop: Shop) -> DeliveryGroup:
    service = shop.services.get(group.service)
    charge = rate(service, weight(lines, group.id)) if service else None
    if service is None or charge is None:
        return replace(
            group, service="", service_name={}, charge_price=None, charge_net=None, charge_tax=None
        )
    tax_rate = shop.settings.tax_rate(service.tax_category)
    return replace(group, charge_price=charge, charge_tax_rate=tax_rate)


def _tax(order: Order, inclusive: bool) -> Order:
    """The order with net and tax of every line and charge worked out from their prices."""
    charges = [(g.id, g.charge_price, g.charge_tax_rate) for g in order.groups if g.charge_price]
    amounts = [line.unit_price * line.quantity for line in order.lines]
    amounts += [amount for _, amount, _ in charges]
    rates = [line.tax_rate for line in order.lines] + [rate for _, _, rate in charges]
    parts = _split(amounts, rates, inclusive)
    of_group = dict(zip((id for id, _, _ in charges), parts[len(order.lines) :], strict=True))
    free = _Taxed(Money(0, order.currency), Money(0, order.currency))
    return replace(
        order,
        lines=tuple(
            replace(line, net=part.net, tax=part.tax)
            for line, part in zip(order.lines, parts, strict=False)
        ),
        groups=tuple(
            replace(
                group,
                charge_net=of_group.get(group.id, free).net,
                charge_tax=of_group.get(group.id, free).tax,
            )
            if group.charge_price is not None
            else group
            for group in order.groups
        ),
    )


def _split(amounts: Sequence[Money], rates: Sequence[int], inclusive: bool) -> list[_Taxed]:
    """Net and tax of each amount; `rates` are basis points, one per amount."""
    members: dict[int, list[int]] = defaultdict(list)
    for index, basis_points in enumerate(rates):
        members[basis_points].append(index)
    taxes = [0] * len(amounts)
    for basis_points, indexes in members.items():
        base = sum(amounts[i].minor for i in indexes)
        tax = share(base, basis_points, 10_000 + basis_points if inclusive else 10_000)
        weights = [amounts[i].minor for i in indexes]
        parts = allocate(Money(tax, amounts[indexes[0]].currency), weights)
        for i, part in zip(indexes, parts, strict=True):
            taxes[i] = part.minor
    return [
        _Taxed(
            Money(amount.minor - (tax if inclusive else 0), amount.currency),
            Money(tax, amount.currency),
        )
        for amount, tax in zip(amounts, taxes, strict=True)
    ]
