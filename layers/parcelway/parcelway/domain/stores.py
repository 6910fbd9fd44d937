"""The stores at which customers can collect their orders, and how far away they are."""

from __future__ import annotations

from parcelway.domain.geo import locate, metres
from parcelway.domain.order import DeliveryGroup
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node, Shop
from parcelway.domain.sourcing import candidates, serving
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Nearby:
    """A store and how many metres it is from where the customer is; None when that is not known."""

    store: Node
    metres: int | None


def pickup_stores(shop: Shop, channel: str, customer: Address | None) -> list[Nearby]:
    """The stores where orders of a channel can be collected: the nearest first, as far as it is
    known where the `customer` is, then by id."""
    services = [service for service in shop.services.values() if service.method == "pickup"]
    direct = any(not service.via for service in services)
    # Which store it is does not matter to those that send to it.
    sent = any(
        serving(DeliveryGroup("", "pickup", via=service.via), shop, channel)
        for service in services
        if service.via
    )
    found = [
        _nearby(node, customer, shop)
        for node in shop.nodes.values()
        if "pickup" in node.capabilities and (sent or (direct and _serves(node, shop, channel)))
    ]
    return sorted(found, key=lambda nearby: (nearby.metres or 0, nearby.store.id))


def _serves(node: Node, shop: Shop, channel: str) -> bool:
    here = DeliveryGroup("", "pickup", store=node.id)
    return bool(candidates(here, {node.id: node}, channel=channel, settings=shop.settings))


def _nearby(node: Node, customer: Address | None, shop: Shop) -> Nearby:
    where = locate(customer, shop.places)
    away = None if where is None else metres(where, (node.latitude, node.longitude))
    return Nearby(node, away)
