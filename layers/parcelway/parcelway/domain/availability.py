"""What a shopper is told of a product's stock: how much there is, how much comes, and when.

The states are those of product feeds. Google's `availability` has one for each but `low_stock`,
with `available_from` as its `availability_date`, which back-orders and pre-orders must have
(support.google.com/merchants/answer/6324448 and 6324470); schema.org has them all
(schema.org/ItemAvailability), with the date as `Offer.availabilityStarts`:

    in_stock      in_stock      InStock
    low_stock     in_stock      LimitedAvailability
    backorder     backorder     BackOrder
    preorder      preorder      PreOrder
    out_of_stock  out_of_stock  OutOfStock

A list tells of the least that one can order of each product, mostly of one unit, from the counters
alone. The answer about a quantity, a
way and a place (`ask`) is what claiming it for an order would give, so that nothing is called
available that an order would be refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from typing import Literal

from parcelway.domain.audience import Buyer, visible
from parcelway.domain.backorder import Offer, Terms, offers
from parcelway.domain.catalogue import Product, fit, parts_of
from parcelway.domain.channels import left_of, quota_keys, seen_by
from parcelway.domain.facts import Balances
from parcelway.domain.order import DeliveryGroup
from parcelway.domain.parties import Channel
from parcelway.domain.shop import Node, Shop
from parcelway.domain.sourcing import candidates
from parcelway.values import dataclass

LOW = 5  # units that can still be had, from which on we say that few are left

BROWSED: Channel = "online"  # whose nodes lists tell of, and what it sells to everybody
State = Literal["in_stock", "low_stock", "backorder", "preorder", "out_of_stock"]


@dataclass(frozen=True, slots=True)
class Outlets:
    """The nodes that serve a channel: those that send parcels, and stores that hand over; what the
    shop keeps back from channels, and where the quotas are kept that may bound this one."""

    delivery: tuple[Node, ...] = ()
    pickup: tuple[Node, ...] = ()
    channel: str = BROWSED
    buffers: Mapping[str, int] = field(default_factory=dict)
    quotas: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All of them, each once."""
        return tuple({node.id: node for node in (*self.delivery, *self.pickup)}.values())

    def keys(self, skus: Iterable[str]) -> list[tuple[str, str]]:
        """The balances (SKU, node) that the availability of `skus` is told from."""
        places = [*(node.id for node in self.nodes), *self.quotas]
        return [(sku, place) for sku in skus for place in places]


@dataclass(frozen=True, slots=True)
class Availability:
    """Units of one SKU that may be promised at once: `delivery` by all nodes that ship, `pickup` by
    each store that hands over.

    `available_from` is the day for which one that is not there can be promised (None: none can, or
    one is there); `later` counts the units that can be promised for that day or a later one, by the
    way by which most come.
    """

    state: State
    delivery: int
    pickup: Mapping[str, int]
    available_from: date | None
    later: int


def shown(product: Product, buyer: Buyer, shop: Shop) -> bool:
    """Whether a buyer may see a product: it is for sale, and not for others alone."""
    return product.active and visible(product, buyer, shop.assortments)


def outlets(shop: Shop, channel: str) -> Outlets:
    """The nodes of the shop that serve a channel."""

    def serving(group: DeliveryGroup) -> list[Node]:
        return candidates(group, shop.nodes, channel=channel, settings=shop.settings)

    stores = [serving(DeliveryGroup("", "pickup", store=node)) for node in shop.nodes]
    return Outlets(
        tuple(serving(DeliveryGroup("", "delivery"))),
        tuple(store for found in stores for store in found),
        channel,
        shop.settings.channel_buffers,
        tuple(place for _, place in quota_keys([""], channel, shop.settings)),
    )


def availability(
    product: Product,
    balances: Balances,
    among: Outlets,
    now: datetime,
    components: Mapping[str, Product] | None = None,
) -> Availability:
    """The availability of the least that one can order of `product`, from its balances by
    (SKU, node). A node short of what it has promised counts as empty; it takes nothing from the
    others. Of a kit, so many as all its `components` (by SKU) are there for by the same way."""
    components = components or {}
    parts = parts_of(product, components)
    if parts is None:
        return Availability("out_of_stock", 0, {store.id: 0 for store in among.pickup}, None, 0)
    products = {sku: components[sku] if product.components else product for sku in parts}
    stock = {sku: _stock(each, balances, among, now) for sku, each in products.items()}
    ways = {
        way: {sku: each.there(way) for sku, each in stock.items()}
        for way in (_DELIVERY, *(store.id for store in among.pickup))
    }
    made = {way: fit(there, parts) for way, there in ways.items()}
    delivery, pickup = made[_DELIVERY], {way: n for way, n in made.items() if way != _DELIVERY}
    most = max(made.values())
    if most >= product.min_quantity:
        return Availability("low_stock" if most <= LOW else "in_stock", delivery, pickup, None, 0)
    needs = {sku: units * product.min_quantity for sku, units in parts.items()}
    senders = {_DELIVERY: among.delivery} | {store.id: (store,) for store in among.pickup}
    days = (_day_of(needs, stock, ways[way], nodes) for way, nodes in senders.items())
    day = min((day for day in days if day), default=None)
    if day is None:
        return Availability("out_of_stock", delivery, pickup, None, 0)
    state: State = "preorder" if any(each.launch for each in stock.values()) else "backorder"
    later = max(
        fit({sku: each.in_all(way, nodes) for sku, each in stock.items()}, parts) - made[way]
        for way, nodes in senders.items()
    )
    return Availability(state, delivery, pickup, day, later)


_DELIVERY = ""  # the way of all nodes that ship; that of a store has its id


@dataclass(frozen=True, slots=True)
class _Stock:
    """What there is of an article at each node, and comes later. `left` is what its quota leaves;
    `waits` says whether it is sold when it is not there."""

    delivery: int
    pickup: Mapping[str, int]
    offers: Sequence[Offer]
    left: int | None
    waits: bool
    launch: date | None

    def there(self, way: str) -> int:
        """Units that can be had at once by a way."""
        units = self.pickup[way] if way else self.delivery
        return units if self.left is None else min(units, self.left)

    def in_all(self, way: str, nodes: Sequence[Node]) -> int:
        """Units that can be had by a way now, and later from its `nodes`."""
        senders, units = {node.id for node in nodes}, self.there(way)
        if self.waits:
            units += sum(offer.units for offer in self.offers if offer.node in senders)
        return units if self.left is None else min(units, self.left)


def _stock(product: Product, balances: Balances, among: Outlets, now: datetime) -> _Stock:
    sku, products = product.sku, {product.sku: product}
    terms = Terms(products, now, "wait")
    launch = terms.launch(sku)
    own = {key: balances[key] for key in among.keys(products) if key in balances}
    seen = seen_by(among.channel, own, among.buffers, products)
    return _Stock(
        sum(_there(sku, among.delivery, seen, launch).values()),
        _there(sku, among.pickup, seen, launch),
        offers(sku, seen, among.nodes, now.date(), launch),
        left_of(sku, among.channel, seen, early=launch is not None),
        terms.may_wait(sku),
        launch,
    )


def _day_of(
    needs: Mapping[str, int],
    stock: Mapping[str, _Stock],
    there: Mapping[str, int],
    nodes: Sequence[Node],
) -> date | None:
    """The day on which all that is needed is there by a way: units that are `there`, and those that
    its `nodes` send. None when never."""
    days, senders = list[date](), {node.id for node in nodes}
    for sku, units in needs.items():
        each, missing = stock[sku], units - there[sku]
        if missing <= 0:
            continue
        if not each.waits or (each.left is not None and each.left < units):
            return None
        for offer in each.offers:
            missing -= offer.units if offer.node in senders else 0
            if missing <= 0:
                days.append(offer.due)
                break
        else:
            return None
    return max(days)


def _there(
    sku: str, nodes: Sequence[Node], balances: Balances, launch: date | None
) -> dict[str, int]:
    """Units that each node can promise at once: none before the launch."""
    return {
        node.id: max(0, balances[sku, node.id].available)
        if (sku, node.id) in balances and not launch
        else 0
        for node in nodes
    }
