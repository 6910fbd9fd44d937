"""What an order comes to: prices from the catalogue, tax once per rate, every cent in a line.

Rounding rule: tax is computed per rate on the sum of everything taxed at that rate, rounded half
away from zero once (EN 16931, BR-CO-17), and then divided over the lines and charges by largest
remainder. So the lines' parts always add up to the totals, and totals are never off by the cents
that rounding each line would bring. Which rate it is depends on where the goods go: a line that is
divided over delivery groups is taxed in each of them by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money, allocate, share, total, zero
from parcelway.domain.order import DeliveryGroup, Line, Order, Share
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node, Service, Shop
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
        _from_catalogue(line, current[line.sku]) if line.sku in current else line
        for line in order.lines
    )
    groups = tuple(_charged(group, lines, shop) for group in order.groups)
    return _taxed(replace(order, lines=lines, groups=groups), shop)


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


def tax_place(group: DeliveryGroup, nodes: Mapping[str, Node]) -> Address | None:
    """Where the units of a group are taxed: where they are handed over, if that is known yet."""
    store = nodes.get(group.store)
    return store.address if store else group.address


def _from_catalogue(line: Line, product: Product) -> Line:
    return replace(
        line,
        name=product.name,
        unit_price=product.price,
        price_source="catalogue",
        tax_category=product.tax_category,
        weight_grams=product.weight_grams,
    )


def _charged(group: DeliveryGroup, lines: Sequence[Line], shop: Shop) -> DeliveryGroup:
    service = shop.services.get(group.service)
    charge = rate(service, weight(lines, group.id)) if service else None
    if service is None or charge is None:
        return replace(
            group, service="", service_name={}, charge_price=None, charge_net=None, charge_tax=None
        )
    tax_rate = shop.settings.tax_rate(service.tax_category, tax_place(group, shop.nodes))
    return replace(group, charge_price=charge, charge_tax_rate=tax_rate)


def _taxed(order: Order, shop: Shop) -> Order:
    """The order with net and tax of every line and charge worked out from their prices."""
    settings, places = shop.settings, {g.id: tax_place(g, shop.nodes) for g in order.groups}
    goods = [
        (line, group.id, units)
        for line in order.lines
        for group in order.groups
        if (units := line.units(group.id))
    ]
    charges = [group for group in order.groups if group.charge_price]
    amounts = [line.unit_price * units for line, _, units in goods]
    amounts += [group.charge_price for group in charges if group.charge_price]
    rates = [settings.tax_rate(line.tax_category, places[group]) for line, group, _ in goods]
    rates += [group.charge_tax_rate for group in charges]
    parts = _split(amounts, rates, settings.prices_include_tax)
    shares: dict[int, list[Share]] = defaultdict(list)
    for (line, group_id, _), part, rate_ in zip(goods, parts, rates, strict=False):
        shares[line.number].append(Share(group_id, part.net, part.tax, rate_))
    of_group = dict(zip((g.id for g in charges), parts[len(goods) :], strict=True))
    return replace(
        order,
        lines=tuple(_bearing(line, shares[line.number]) for line in order.lines),
        groups=tuple(_bearing_charge(group, of_group.get(group.id)) for group in order.groups),
    )


def _bearing(line: Line, shares: Sequence[Share]) -> Line:
    currency = line.unit_price.currency
    return replace(
        line,
        net=total((share.net for share in shares), currency),
        tax=total((share.tax for share in shares), currency),
        tax_rate=shares[0].tax_rate,
        shares=tuple(shares) if len(shares) > 1 else (),
    )


def _bearing_charge(group: DeliveryGroup, part: _Taxed | None) -> DeliveryGroup:
    if group.charge_price is None:
        return group
    free = zero(group.charge_price.currency)
    return replace(
        group, charge_net=part.net if part else free, charge_tax=part.tax if part else free
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
