"""Taking off what promotions and coupons take off an order's lines and charges.

What kits save is off already. Promotions are tried from the highest priority down, ties by id;
coupons bring in theirs. Each takes from what the ones before left, so nothing falls below zero. An
exclusive one holds alone: it is passed over once another has taken something, and ends the search
when it takes something itself.
An amount for the whole order is rounded once, half away from zero, and divided over the lines it
is for by largest remainder. Nothing depends on the order in which anything is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from parcelway.domain.catalogue import Product
from parcelway.domain.line import Discount, Line, Source
from parcelway.domain.money import Money, allocate_minor, share
from parcelway.domain.order import Order
from parcelway.domain.promotions import ALL, WHOLE, Promotion, Scope, Step
from parcelway.values import dataclass

_Place = int | str  # a line by its number, a charge by its group


def take_off(
    order: Order, offers: Iterable[tuple[Promotion, str]], products: Mapping[str, Product]
) -> Order:
    """The order with what promotions take off its lines and charges. `offers` are those that hold,
    each with the code that brought it in, '' for none; of several codes of one the first counts."""
    basket = _basket(order)
    taken: dict[_Place, list[Discount]] = {}
    unique = {promotion.id: (promotion, code) for promotion, code in reversed(list(offers))}
    for promotion, code in sorted(unique.values(), key=lambda o: (-o[0].priority, o[0].id)):
        if promotion.exclusive and taken:
            continue
        source: Source = "coupon" if code else "promotion"
        name, id = promotion.label(order.language), code or promotion.id
        for place, minor in _amounts(promotion, basket, products).items():
            basket.left[place] -= minor
            discount = Discount(source, id, name, Money(minor, order.currency))
            taken.setdefault(place, []).append(discount)
        if promotion.exclusive and taken:
            break
    if not taken:
        return order
    return replace(
        order,
        lines=tuple(_reduced(line, taken.get(line.number, ())) for line in order.lines),
        groups=tuple(
            replace(group, charge_discounts=(*group.charge_discounts, *taken.get(group.id, ())))
            for group in order.groups
        ),
    )


@dataclass(frozen=True, slots=True)
class _Item:
    """A line as promotions look at it: `worth` is what it comes to before any of them, its kits at
    their price."""

    number: int
    sku: str
    quantity: int
    price: int
    worth: int


@dataclass(frozen=True, slots=True)
class _Basket:
    """Lines and charges, and what is `left` of each to take from, in minor units."""

    currency: str
    items: tuple[_Item, ...]
    charges: tuple[str, ...]
    left: dict[_Place, int]


def _basket(order: Order) -> _Basket:
    items = tuple(
        _Item(line.number, line.sku, line.quantity, line.unit_price.minor, line.amount.minor)
        for line in order.lines
    )
    charges = {group.id: group.charge for group in order.groups if group.charge_price}
    left: dict[_Place, int] = {item.number: item.worth for item in items}
    left |= {group: charge.minor for group, charge in charges.items() if charge}
    return _Basket(order.currency, items, tuple(group for group in charges if group in left), left)


def _reduced(line: Line, discounts: Sequence[Discount]) -> Line:
    return replace(line, discounts=(*line.discounts, *discounts)) if discounts else line


def _amounts(
    promotion: Promotion, basket: _Basket, products: Mapping[str, Product]
) -> dict[_Place, int]:
    """What a promotion takes off each line (by number) and charge (by group), where anything."""
    items = _in_scope(promotion.scope, basket, products)
    step = promotion.step(sum([item.worth for item in items]), basket.currency)
    if step is None or not items:
        return {}
    amount, off = step.amounts.get(basket.currency, 0), dict[_Place, int]()
    if promotion.action == "free_shipping":
        whole = sum(basket.left[group] for group in basket.charges)
        off = _divided(min(whole, amount) if step.amounts else whole, basket.charges, basket)
    elif promotion.action == "buy_x_get_y":
        reward = promotion.reward
        rewards = items if reward is None else _in_scope(reward, basket, products)
        off = _units_got(promotion, step, items, rewards, basket)
    elif promotion.action == "amount_per_unit":
        off = {i.number: min(basket.left[i.number], amount * i.quantity) for i in items}
    else:
        whole = sum([basket.left[item.number] for item in items])
        if promotion.action == "percentage":
            amount = share(whole, step.basis_points, WHOLE)
        off = _divided(min(whole, amount), [item.number for item in items], basket)
    return {place: minor for place, minor in off.items() if minor}


def _in_scope(scope: Scope, basket: _Basket, products: Mapping[str, Product]) -> Sequence[_Item]:
    if scope == ALL:
        return basket.items
    if not scope.categories:  # the usual one, without a call for each line
        named = frozenset(scope.skus)
        return [item for item in basket.items if item.sku in named]
    return [item for item in basket.items if scope.has(item.sku, products.get(item.sku))]


def _divided(minor: int, places: Sequence[_Place], basket: _Basket) -> dict[_Place, int]:
    if not minor:
        return {}
    parts = allocate_minor(minor, [basket.left[place] for place in places])
    return dict(zip(places, parts, strict=True))


def _units_got(
    promotion: Promotion,
    step: Step,
    items: Sequence[_Item],
    rewards: Sequence[_Item],
    basket: _Basket,
) -> dict[_Place, int]:
    """Off the cheapest units, as many as the bought ones bring."""
    bought = sum(item.quantity for item in items)
    together = promotion.buy + (promotion.get if promotion.reward is None else 0)
    units, off = bought // together * promotion.get, dict[_Place, int]()
    for item in sorted(rewards, key=lambda each: (each.price, each.sku)):
        got = min(units, item.quantity)
        worth = share(basket.left[item.number], got, item.quantity)
        off[item.number] = share(worth, step.basis_points, WHOLE)
        units -= got
    return off
