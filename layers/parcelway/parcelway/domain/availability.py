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
from parcelway.domain.catalogue import Product
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
    one is there); `later` counts the units that can be promised for that day or a later one.
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
    product: Product, balances: Balances, among: Outlets, now: datetime
) -> Availability:
    """The availability of the least that one can order of `product`, from its balances by
    (SKU, node). A node short of what it has promised counts as empty; it takes nothing from the
    others."""
    products = {product.sku: product}
    terms = Terms(products, now, "wait")
    launch = terms.launch(product.sku)
    own = {key: balances[key] for key in among.keys(products) if key in balances}
    balances = seen_by(among.channel, own, among.buffers, products)
    left = left_of(product.sku, among.channel, balances, early=launch is not None)
    delivery = sum(_there(product.sku, among.delivery, balances, launch).values())
    pickup = _there(product.sku, among.pickup, balances, launch)
    if left is not None:
        delivery = min(delivery, left)
        pickup = {store: min(units, left) for store, units in pickup.items()}
    most = max([delivery, *pickup.values()], default=0)
    if most >= product.min_quantity:
        return Availability("low_stock" if most <= LOW else "in_stock", delivery, pickup, None, 0)
    waits = terms.may_wait(product.sku) and (left is None or left >= product.min_quantity)
    found = offers(product.sku, balances, among.nodes, now.date(), launch) if waits else []
    day = found[0].due if found else None
    if found and product.min_quantity > 1:
        ways = [(delivery, among.delivery)]
        ways += [(pickup[store.id], (store,)) for store in among.pickup]
        day = _day_of(product, ways, found)
    if day is None:
        return Availability("out_of_stock", delivery, pickup, None, 0)
    later = sum(offer.units for offer in found)
    later = later if left is None else min(later, left)
    return Availability("preorder" if launch else "backorder", delivery, pickup, day, later)


def _day_of(
    product: Product, ways: Iterable[tuple[int, Sequence[Node]]], found: Sequence[Offer]
) -> date | None:
    """The day on which the least that one can order is there by one of the `ways`: units that are
    there, and the nodes that send more. None when by none."""
    days = []
    for there, nodes in ways:
        missing, senders = product.min_quantity - there, {node.id for node in nodes}
        for offer in found:
            missing -= offer.units if offer.node in senders else 0
            if missing <= 0:
                days.append(offer.due)
                break
    return min(days, default=None)


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
