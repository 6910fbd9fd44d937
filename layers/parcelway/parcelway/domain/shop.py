"""The shop's own configuration: what it sells in, from where, with which carriers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from typing import Literal

from parcelway.domain.money import Money
from parcelway.domain.parties import Address
from parcelway.values import dataclass

Method = Literal["delivery", "pickup"]
Via = Literal["", "ship_to_store"]
ReservationPolicy = Literal["none", "on_cart", "on_checkout"]
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Seller:
    """The legal entity on invoices."""

    name: str
    address: Address
    tax_id: str
    email: str


@dataclass(frozen=True, slots=True)
class SourcingRules:
    """How the nodes of an order are chosen, beside what they have.

    `most_parcels` is how many nodes may send something for one delivery group (None: any number).
    `cost_per_100_km` is what distance adds to the cost of a parcel, in minor units.
    """

    most_parcels: int | None = None
    cost_per_100_km: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Shop-wide rules.

    `tax_rates` are basis points (700 = 7 %) by tax category; `tax_regions` has others for what
    goes to a country (`US`) or a region of it (`US-OH`), which counts first.
    `prices_include_tax` tells how every catalogue price and shipping rate is meant.
    `reservation_policy` per channel says when stock is held: never before payment is under way
    ('none' holds at confirmation only), when put in the cart, or at checkout; holds end after
    `hold_minutes` unless the order is paid for. `max_quantity` bounds one line. `channel_nodes`
    are the nodes that serve a channel; a channel that is not named is served by all. Of every SKU
    at every node `channel_buffers` units are not sold through a channel. `quota_channels` are those
    that may sell no more of a SKU than was allotted to them, where something was. What lies ready
    to be collected is reminded of after `pickup_reminder_days` and taken back after `pickup_days`,
    in days on which the store works. The event `cart.updated` tells of a cart at most
    once in `cart_event_minutes`, beginning with its first item; 0 is never, as long as nobody
    listens: of every cart it would cost a transaction and an invocation.
    """

    name: str
    currency: str
    seller: Seller
    tax_rates: Mapping[str, int]
    prices_include_tax: bool = False
    languages: tuple[str, ...] = ("en", "de")
    reservation_policy: Mapping[str, ReservationPolicy] = field(default_factory=dict)
    hold_minutes: int = 30
    max_quantity: int = 999
    payment_methods: tuple[str, ...] = ("card",)
    invoice_series: str = "INV"
    channel_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sourcing: SourcingRules = SourcingRules()
    tax_regions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pickup_reminder_days: int = 2
    pickup_days: int = 5
    quota_channels: tuple[str, ...] = ()
    channel_buffers: Mapping[str, int] = field(default_factory=dict)
    cart_event_minutes: int = 0

    def tax_rate(self, category: str, destination: Address | None = None) -> int:
        """The rate in basis points of a tax category where it goes (None: not known yet).

        Raises KeyError for an unknown category.
        """
        if destination is not None:
            country = destination.country
            for place in (f"{country}-{destination.region.upper()}", country):
                rate = self.tax_regions.get(place, {}).get(category)
                if rate is not None:
                    return rate
        return self.tax_rates[category]

    def policy(self, channel: str) -> ReservationPolicy:
        """When stock is held for orders of a channel."""
        return self.reservation_policy.get(channel, "on_checkout")


@dataclass(frozen=True, slots=True)
class Node:
    """A place that holds stock: distribution centre, warehouse or store.

    `cut_off` is local time: orders after it start the next working day. `working_days` are
    weekday numbers, Monday 0, `holidays` dates on which nobody works all the same.
    `processing_days` are working days from order to hand-over. For pick-up `processing_minutes` of
    opening time count instead, unless 0; `hours` are the local times between which a store is
    open, by weekday number (none at all: open all day), in order and without overlap.
    `capacity` is how many parcels it makes ready in a day, 0 for no limit.
    `parcel_cost` is what a parcel costs the shop when this node sends it, in minor units.
    `keep_back` units of every SKU are better left there while another node can give them.
    """

    id: str
    name: str
    kind: Literal["dc", "warehouse", "store"]
    address: Address
    latitude: float
    longitude: float
    time_zone: str
    capabilities: tuple[str, ...] = ("ship",)
    priority: int = 100
    processing_days: int = 1
    cut_off: str = "15:00"
    working_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    holidays: tuple[date, ...] = ()
    hours: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    processing_minutes: int = 0
    capacity: int = 0
    parcel_cost: int = 0
    keep_back: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of a parcel of at most `up_to_grams`."""

    up_to_grams: int
    price: Money


@dataclass(frozen=True, slots=True)
class Service:
    """A carrier service, or pick-up, that a customer can choose.

    `name` is by language. `transit_days` are the fewest and most of the carrier's working days from
    hand-over to door. It collects on `pickup_days`, carries on `working_days` and delivers on
    `delivery_days` (weekday numbers, Monday 0), and does none of it on its `holidays`, which are by
    country. `rates` are sorted by weight; heavier than the last one cannot be sent.
    With `via` a pick-up is served by other nodes too, which send it to the store by the carrier.
    """

    id: str
    name: Mapping[str, str]
    method: Method
    carrier: str
    rates: tuple[Rate, ...]
    countries: tuple[str, ...] = ()
    transit_days: tuple[int, int] = (1, 3)
    tax_category: str = "general"
    pickup_days: tuple[int, ...] = EVERY_DAY
    working_days: tuple[int, ...] = EVERY_DAY
    delivery_days: tuple[int, ...] = EVERY_DAY
    holidays: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    via: Via = ""


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything decisions need to know of the shop, read once and cached for a minute.

    `places` are the (latitude, longitude) of postal areas, in which `geo.locate` finds addresses.
    """

    settings: Settings
    nodes: Mapping[str, Node]
    services: Mapping[str, Service]
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict)
