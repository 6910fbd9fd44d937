"""Where the goods of a mail go: one place, or several told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from parcelway.domain.order import DeliveryGroup, Event, Order
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Shop
from parcelway.language.formats import address_lines, window
from parcelway.language.wording import say
from parcelway.values import dataclass
from waiting import Item

ON_THE_WAY = (
    "shipment.shipped",
    "shipment.out_for_delivery",
    "shipment.ready_for_pickup",
    "shipment.pickup_reminder",
    "shipment.delivered",
)
_WITH_PLACE = (
    "order.confirmed",
    "order.approval_asked",
    "payment.link_sent",
    "promise.revised",
    *ON_THE_WAY,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where goods go, under its heading; `expected` and `items` tell several places apart."""

    label: str
    lines: list[str]
    expected: str = ""
    items: Sequence[Item] = ()


def groups_of(order: Order, event: Event, shipment: Shipment | None) -> Sequence[DeliveryGroup]:
    """The deliveries that the mail is about: the shipment's, the event's, or all of the order's."""
    named = shipment.group if shipment else event.data.get("group")
    return (order.group_named(named),) if named else order.groups


def places(
    event: Event, order: Order, shipment: Shipment | None, shop: Shop, language: str
) -> list[Place]:
    """The places that the mail tells of; none where they are not what it is about."""
    if event.type not in _WITH_PLACE:
        return []
    groups = groups_of(order, event, shipment)
    places = [_place(group, shop, language) for group in groups]
    if len(groups) > 1:
        places = [
            _told_apart(place, order, number, language) if place else None
            for number, place in enumerate(places)
        ]
    return [place for place in places if place]


def _told_apart(place: Place, order: Order, index: int, language: str) -> Place:
    """One of the order's places, with its number, what goes there and when."""
    group = order.groups[index]
    counted = say("label.delivery_of", language, number=index + 1, count=len(order.groups))
    return replace(
        place,
        label=f"{counted} – {place.label}",
        expected=window(group.promise, language) if group.promise else "",
        items=[Item(line.name, units) for line in order.lines if (units := line.units(group.id))],
    )


def _place(group: DeliveryGroup, shop: Shop, language: str) -> Place | None:
    store = shop.nodes.get(group.store)
    if store is not None:
        lines = address_lines(store.address, language)
        if store.name not in lines:
            lines.insert(0, store.name)
        return Place(say("label.collect_at", language), lines)
    if group.address is None:
        return None
    return Place(say("label.deliver_to", language), address_lines(group.address, language))
