"""Available to promise: how much of a SKU can be had now and later, in which way and where.

The answer is what claiming the units for an order of that channel would give, so it is the same as
the cart's and the checkout's: there is no second rule that could say otherwise. It holds nothing;
somebody may be faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from parcelway.domain.availability import LOW, State
from parcelway.domain.backorder import Terms, offers
from parcelway.domain.catalogue import Product, fit, parts_of, require_quantity, require_units
from parcelway.domain.channels import left_of
from parcelway.domain.facts import Facts
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import zero
from parcelway.domain.order import DeliveryGroup, Order, Promise
from parcelway.domain.parties import Address, Channel
from parcelway.domain.pricing import weight
from parcelway.domain.promising import promised
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import take
from parcelway.domain.shop import Method, Service, Shop
from parcelway.domain.sourcing import serving
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """`quantity` units by `method`: to a `country` (and `postal_code`) where that is known yet, or
    for collection at `store`."""

    quantity: int
    channel: Channel = "online"
    method: Method = "delivery"
    country: str = ""
    postal_code: str = ""
    store: str = ""


@dataclass(frozen=True, slots=True)
class Coming:
    """Units that can be promised for a day."""

    quantity: int
    due: date


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be had of what was asked for: `now` units at once, the others `later`.

    `available_from` is the day for which all of them can be promised (None: now, or never).
    `most` is how many units could be ordered at present, now and later together. `window` is when
    all would be there by `service`, the cheapest that takes them; None when it is not known where
    they go, or when they cannot be had.
    """

    state: State
    now: int
    later: tuple[Coming, ...]
    available_from: date | None
    most: int
    service: Service | None
    window: Promise | None


def draft_of(wish: Wish, shop: Shop, now: datetime) -> Order:
    """The order that would be placed, without its line yet; it is sent when all of it is there.

    Raises Refusal QUANTITY_LIMIT for more than an order may have of one SKU, INVALID for a store
    without pick-up or a pick-up without store, DELIVERY_UNAVAILABLE for a store that there is not
    or that does not hand out.
    """
    maximum = shop.settings.max_quantity
    if wish.quantity > maximum:
        raise Refusal(
            Reason.QUANTITY_LIMIT,
            f"At most {maximum} units of one SKU per order.",
            "/quantity",
            maximum=maximum,
        )
    return Order(
        id="",
        version=0,
        state="draft",
        currency=shop.settings.currency,
        language="",
        created_at=now,
        access_hash="",
        channel=wish.channel,
        groups=(_group(wish, shop),),
        shortage="ship_complete",
    )


def _group(wish: Wish, shop: Shop) -> DeliveryGroup:
    if wish.method == "delivery":
        if wish.store:
            raise Refusal(Reason.INVALID, "A store is for pick-up.", "/store")
        address = Address("", "", "", wish.postal_code, wish.country) if wish.country else None
        return DeliveryGroup("g1", "delivery", address)
    if not wish.store:
        raise Refusal(Reason.INVALID, "Say which store to pick up at.", "/store")
    store = shop.nodes.get(wish.store)
    if store is None:
        raise Refusal(Reason.DELIVERY_UNAVAILABLE, "There is no such store.", "/store")
    if "pickup" not in store.capabilities:
        raise Refusal(
            Reason.DELIVERY_UNAVAILABLE, "This is not a store that hands out orders.", "/store"
        )
    return DeliveryGroup("g1", "pickup", store=wish.store)


def ask(draft: Order, product: Product, wish: Wish, facts: Facts) -> Answer:
    """What can be had of a product, or of a kit: of that so many as all its components are there
    for. `draft` is the wish's, `facts` are those of a decision about it and the product.

    Raises Refusal QUANTITY_LIMIT for a quantity that nobody may ask for, of it or of a component,
    DELIVERY_UNAVAILABLE when no service takes so many there.
    """
    shop, facts = facts.shop, replace(facts, products={**facts.products, product.sku: product})
    maximum = shop.settings.max_quantity
    require_quantity(product, wish.quantity, maximum)
    each = parts_of(product, facts.products)
    if each is None:
        return Answer("out_of_stock", 0, (), None, 0, None, None)
    require_units({sku: units * wish.quantity for sku, units in each.items()}, maximum)
    lines = _lines(draft.group.id, each, wish, facts)
    service = _cheapest(weight(lines, draft.group.id), wish, shop)
    group = replace(draft.group, service=service.id if service else "")
    order = replace(draft, lines=lines, groups=(group,))
    terms = Terms(facts.products, facts.now, "wait")
    there, most = _most(order, each, terms, facts)
    most = product.fitting(most)
    try:
        claim = take(order, "reserved", facts.balances, shop, terms)
    except Refusal as refusal:
        if refusal.reason is not Reason.OUT_OF_STOCK:
            raise
        now, later = together(each, _alone(order, terms, facts))
        return Answer("out_of_stock", now, later, None, most, service, None)
    now, later = together(each, {line.sku: _had(line) for line in claim.lines})
    state: State = "low_stock" if there <= LOW else "in_stock"
    if later:
        state = "preorder" if any(terms.launch(sku) for sku in each) else "backorder"
    last = later[-1].due if later else None
    window = promised(order, group, claim.lines, facts) if service else None
    return Answer(state, now, later, last, most, service, window)


Had = tuple[int, tuple[Coming, ...]]  # units of an article now, and later


def together(each: Mapping[str, int], had: Mapping[str, Had]) -> Had:
    """What can be had of a kit with so many units of `each` component, of which so many can be had:
    on a day as many more as all components are there for by then."""
    days = sorted({coming.due for _, later in had.values() for coming in later})

    def until(day: date | None) -> int:
        return fit(
            {
                sku: now + sum(c.quantity for c in later if day is not None and c.due <= day)
                for sku, (now, later) in had.items()
            },
            each,
        )

    found, before = list[Coming](), until(None)
    for day in days:
        if more := until(day) - until(None) - sum(coming.quantity for coming in found):
            found.append(Coming(more, day))
    return before, tuple(found)


def _lines(group: str, each: Mapping[str, int], wish: Wish, facts: Facts) -> tuple[Line, ...]:
    """What an order of it has in its lines."""
    found = list[Line]()
    for number, (sku, units) in enumerate(each.items(), start=1):
        product = facts.products[sku]
        portions = (Portion(group, "open", units * wish.quantity),)
        nothing = zero(product.price.currency)
        line = Line(number, sku, product.name, product.price, portions, nothing, nothing)
        found.append(replace(line, weight_grams=product.weight_grams))
    return tuple(found)


def _had(line: Line) -> Had:
    """What a claim gives of a line."""
    waiting = (
        Coming(p.quantity, p.due) for p in line.portions if p.stage == "backordered" and p.due
    )
    return line.count("reserved"), _added(tuple(waiting))


def _alone(order: Order, terms: Terms, facts: Facts) -> dict[str, Had]:
    """What can be had of each line by itself, where they cannot all be had."""
    found = dict[str, Had]()
    for line in order.lines:
        try:
            alone = replace(order, lines=(line,))
            claim = take(alone, "reserved", facts.balances, facts.shop, terms)
            found[line.sku] = _had(claim.lines[0])
        except Refusal as refusal:
            if refusal.reason is not Reason.OUT_OF_STOCK:
                raise
            found[line.sku] = _missing(refusal.facts["lines"])
    return found


def _cheapest(grams: int, wish: Wish, shop: Shop) -> Service | None:
    """The cheapest service that takes the units where they go, None when nobody knows where.

    Raises Refusal DELIVERY_UNAVAILABLE when none does.
    """
    if wish.method == "delivery" and not wish.country:
        return None
    found = [
        (price.minor, service.id, service)
        for service in shop.services.values()
        if service.method == wish.method
        and (wish.method == "pickup" or wish.country in service.countries)
        and (price := service.charge(grams, shop.settings.currency)) is not None
    ]
    if not found:
        raise Refusal(
            Reason.DELIVERY_UNAVAILABLE,
            "No service takes so much there.",
            "/country" if wish.method == "delivery" else "/quantity",
        )
    return min(found, key=lambda each: each[:2])[2]


def _missing(lines: Sequence[Mapping[str, Any]]) -> tuple[int, tuple[Coming, ...]]:
    """What a refusal for want of stock says of the one line there is."""
    (line,) = lines
    later = [
        Coming(each["quantity"], date.fromisoformat(each["date"])) for each in line.get("later", ())
    ]
    return line["available"], _added(later)


def _added(later: Sequence[Coming]) -> tuple[Coming, ...]:
    """Units by day, earliest first, whichever nodes they come from."""
    units: dict[date, int] = {}
    for each in later:
        units[each.due] = units.get(each.due, 0) + each.quantity
    return tuple(Coming(units[due], due) for due in sorted(units))


def _most(order: Order, each: Mapping[str, int], terms: Terms, facts: Facts) -> tuple[int, int]:
    """Kits (or units) there for this order now, and how many it could have at most, later ones
    included: no more than an order may have of each article."""
    maximum = facts.shop.settings.max_quantity
    units = {line.sku: _most_units(order, line, terms, facts) for line in order.lines}
    there = {sku: now for sku, (now, _) in units.items()}
    most = {sku: min(most, maximum) for sku, (_, most) in units.items()}
    return fit(there, each), fit(most, each)


def _most_units(order: Order, line: Line, terms: Terms, facts: Facts) -> tuple[int, int]:
    nodes = serving(order.group, facts.shop, order.channel)
    launch = terms.launch(line.sku)
    balances = [facts.balances.get((line.sku, node.id)) for node in nodes]
    there = 0 if launch else sum(max(0, b.available) for b in balances if b)
    most = there
    if terms.may_wait(line.sku):
        found = offers(line.sku, facts.balances, nodes, facts.now.date(), launch)
        most += sum(offer.units for offer in found)
    left = left_of(line.sku, order.channel, facts.balances, early=launch is not None)
    return (there, most) if left is None else (min(there, left), min(most, left))
