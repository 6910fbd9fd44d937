"""The shop's own configuration: what it sells in, from where, with which carriers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from typing import Literal

from parcelway.domain.adjustment import Cap
from parcelway.domain.audience import Assortment
from parcelway.domain.money import Money
from parcelway.domain.parties import Address, Channel, Segment
from parcelway.domain.prices import PriceList
from parcelway.domain.promotions import Promotion
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.switching import OPEN, Switches
from parcelway.values import dataclass

Method = Literal["delivery", "pickup"]
Via = Literal["", "ship_to_store"]
ReservationPolicy = Literal["none", "on_cart", "on_checkout"]
# How something is taxed, by the categories of EN 16931 (BT-118, of UNTDID 5305): standard rate,
# zero rate, exempt, reverse charge, export, supply within the EU, not subject to tax.
TaxCode = Literal["S", "Z", "E", "AE", "G", "K", "O"]
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Seller:
    """The legal entity on invoices. `iban` is the account for those who pay by transfer."""

    name: str
    address: Address
    tax_id: str
    email: str
    iban: str = ""


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """A company that sells what its nodes send or hand over, with the series of its invoices and
    credit notes: each without a gap by itself."""

    seller: Seller
    invoice_series: str
    credit_note_series: str


@dataclass(frozen=True, slots=True)
class ZeroRated:
    """Why what is of a tax category with the rate 0 bears no tax, as documents say it."""

    code: TaxCode
    reason: str


@dataclass(frozen=True, slots=True)
class SourcingRules:
    """How the nodes of an order are chosen, beside what they have.

    `most_parcels` is how many nodes may send something for one delivery group (None: any number).
    `cost_per_100_km` is what distance adds to the cost of a parcel, in minor units.
    """

    most_parcels: int | None = None
    cost_per_100_km: int = 0


@dataclass(frozen=True, slots=True)
class Datev:
    """How the books are handed over to a German tax adviser: the numbers of the adviser and of the
    client with them, the `chart` ("04" or "03") and the numbers of accounts that are others there
    than `domain.datev` has (all, with another chart than 04)."""

    consultant: int
    client: int
    chart: str = "04"
    accounts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MethodRule:
    """For which orders a payment method is offered: those of one of the `currencies`, billed to one
    of the `countries`, and so on, where any are named. `minimum` and `maximum` are totals in minor
    units by currency, both included."""

    currencies: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    segments: tuple[Segment, ...] = ()
    minimum: Mapping[str, int] = field(default_factory=dict)
    maximum: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A marketplace, or another system, whose orders are imported. `account` is the business
    account that pays for them by invoice, in `currency`. With `own_prices` they were sold at the
    source's prices and delivery charges, else at the shop's own. Where a row does not say it,
    `service` delivers and `language` is spoken ('' for the shop's first). `shortage` is what is
    done about units that are not there: refuse the order, or have it wait."""

    account: str
    currency: str
    service: str
    own_prices: bool = True
    language: str = ""
    shortage: Literal["", "ship_complete", "ship_available"] = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Shop-wide rules.

    `tax_rates` are basis points (700 = 7 %) by tax category; `tax_regions` has others for what
    goes to a country (`US`) or a region of it (`US-OH`), which counts first.
    `services` are the tax categories that are services and not goods, `zero_rated` says of those
    that bear no tax why not (a category that is not named: zero rate). `adjustment_reasons` are why
    staff may change a price, each by language as customers see it, `adjustment_caps` by role how
    much of it they may give away: csr and csr_supervisor nothing unless it is said here.
    `prices_include_tax` tells how every catalogue price and shipping rate is meant.
    `reservation_policy` per channel says when stock is held: never before payment is under way
    ('none' holds at confirmation only), when put in the cart, or at checkout; holds end after
    `hold_minutes` unless the order is paid for, or `payment_link_minutes` after it was placed where
    its customer was sent a link to pay. `max_quantity` bounds one line. `channel_nodes`
    are the nodes that serve a channel; a channel that is not named is served by all. Of every SKU
    at every node `channel_buffers` units are not sold through a channel. `quota_channels` are those
    that may sell no more of a SKU than was allotted to them, where something was. What lies ready
    to be collected is reminded of after `pickup_reminder_days` and taken back after `pickup_days`,
    in days on which the store works. The event `cart.updated` tells of a cart at most
    once in `cart_event_minutes`, beginning with its first item; 0 is never, as long as nobody
    listens: of every cart it would cost a transaction and an invocation. Carts are in `currency`
    or one of the other `currencies`, with `max_coupons` codes at most.
    `seller` issues what the nodes of none of the `legal_entities` send, in `invoice_series` and
    `credit_note_series`; what an order bears in tax is decided as for the seller, before its nodes
    are known, so all are of one country.
    `payment_methods` are offered in this order: `card`, and `invoice` for accounts with terms.
    Without `datev` the books are not exported in its format. `settlement_accounts` are the names of
    the shop's bank accounts by the currency that is paid out to them (`EUR`), or by gateway and
    currency (`stripe:EUR`), which counts first. `books_unassigned` says whether these books have
    what the provider moves for no order (its fees and reserves, charges made by hand): of several
    deployments that share an account with it, one has. `import_sources` are by name.
    """

    name: str
    currency: str
    seller: Seller
    tax_rates: Mapping[str, int]
    prices_include_tax: bool = False
    languages: tuple[str, ...] = ("en", "de")
    reservation_policy: Mapping[str, ReservationPolicy] = field(default_factory=dict)
    hold_minutes: int = 30
    payment_link_minutes: int = 1440
    max_quantity: int = 999
    payment_methods: Mapping[str, MethodRule] = field(
        default_factory=lambda: {"card": MethodRule()}
    )
    invoice_series: str = "INV"
    credit_note_series: str = "CRN"
    channel_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sourcing: SourcingRules = SourcingRules()
    tax_regions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pickup_reminder_days: int = 2
    pickup_days: int = 5
    quota_channels: tuple[str, ...] = ()
    channel_buffers: Mapping[str, int] = field(default_factory=dict)
    cart_event_minutes: int = 0
    services: tuple[str, ...] = ()
    zero_rated: Mapping[str, ZeroRated] = field(default_factory=dict)
    adjustment_reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    adjustment_caps: Mapping[str, Cap] = field(default_factory=dict)
    datev: Datev | None = None
    settlement_accounts: Mapping[str, str] = field(default_factory=dict)
    books_unassigned: bool = True
    currencies: tuple[str, ...] = ()
    max_coupons: int = 3
    legal_entities: Mapping[str, LegalEntity] = field(default_factory=dict)
    import_sources: Mapping[str, ImportSource] = field(default_factory=dict)

    def tax_rate(self, category: str, destination: Address | None = None) -> int:
        """The rate in basis points of a tax category where it goes (None: not known yet).

        Raises KeyError for an unknown category.
        """
        regional = self._regional(category, destination) if destination else None
        return self.tax_rates[category] if regional is None else regional

    def has_rate(self, category: str, destination: Address) -> bool:
        """Whether the shop has a rate of the place's own: it is registered for tax there."""
        return self._regional(category, destination) is not None

    def _regional(self, category: str, destination: Address) -> int | None:
        country = destination.country
        for place in (f"{country}-{destination.region.upper()}", country):
            rate = self.tax_regions.get(place, {}).get(category)
            if rate is not None:
                return rate
        return None

    def settlement_account(self, currency: str, gateway: str) -> str:
        """The account that a gateway pays a currency out to, '' when the shop has none for it."""
        accounts = self.settlement_accounts
        return accounts.get(f"{gateway}:{currency}") or accounts.get(currency, "")

    def credit_notes_for(self, invoice_series: str) -> str:
        """The series of credit notes of whoever issues invoices in a series."""
        for entity in self.legal_entities.values():
            if entity.invoice_series == invoice_series:
                return entity.credit_note_series
        return self.credit_note_series

    def policy(self, channel: str) -> ReservationPolicy:
        """When stock is held for orders of a channel."""
        return self.reservation_policy.get(channel, "on_checkout")

    def require_sold_in(self, currency: str) -> None:
        """Raises Refusal CURRENCY_UNAVAILABLE for a currency that the shop does not sell in."""
        if currency not in (self.currency, *self.currencies):
            told = f"This shop sells in {', '.join((self.currency, *self.currencies))}."
            raise Refusal(Reason.CURRENCY_UNAVAILABLE, told, "/currency")


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
    `legal_entity` sells what it sends, '' for the settings' seller.
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
    legal_entity: str = ""


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
    country. `rates` are sorted by weight, those of each currency; heavier
    than the last one cannot be sent.
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

    def charge(self, grams: int, currency: str) -> Money | None:
        """What it costs to send `grams`; None when that is too heavy for it, or it has no rates in
        this currency."""
        prices = (step.price for step in self.rates if grams <= step.up_to_grams)
        return next((price for price in prices if price.currency == currency), None)


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything decisions need to know of the shop, read once and cached for a minute.

    `places` are the (latitude, longitude) of postal areas, in which `geo.locate` finds addresses.
    `price_lists`, `promotions` and `assortments` are by id, `switches` by channel, of those that
    somebody has set.
    """

    settings: Settings
    nodes: Mapping[str, Node]
    services: Mapping[str, Service]
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    price_lists: Mapping[str, PriceList] = field(default_factory=dict)
    promotions: Mapping[str, Promotion] = field(default_factory=dict)
    assortments: Mapping[str, Assortment] = field(default_factory=dict)
    switches: Mapping[str, Switches] = field(default_factory=dict)

    def switched(self, channel: str) -> Switches:
        """How a channel is set."""
        return self.switches.get(channel, OPEN)

    def issuer(self, node: str) -> LegalEntity:
        """Who issues the invoice of what a node sends. Raises KeyError when nobody knows: the node
        or its legal entity is not there any more."""
        settings = self.settings
        named = self.nodes[node].legal_entity if settings.legal_entities else ""
        if named:
            return settings.legal_entities[named]
        return LegalEntity(settings.seller, settings.invoice_series, settings.credit_note_series)

    def invoice_series(self) -> list[str]:
        """Every series in which invoices are issued."""
        entities = self.settings.legal_entities.values()
        return [self.settings.invoice_series, *(entity.invoice_series for entity in entities)]
