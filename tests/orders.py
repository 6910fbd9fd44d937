"""Orders at any stage, made by the domain's own decisions and always the same.

`at("shipped", language="de")` is an order whose parcels have left; the story's methods take it
further, each a minute later: `at("shipped").tracked("out_for_delivery").cancelled()` and so on.
`store(db, story)` writes it all as the functions would have, decision by decision.
"""

from __future__ import annotations

import random
from collections import Counter as Bag
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from parcelway.domain import (
    approving,
    authorization,
    cancellation,
    cart,
    checkout,
    delivery,
    dunning,
    fulfilment,
    fulfilment_orders,
    invoicing,
    pickup,
    replenishment,
    scheduling,
    stock_books,
)
from parcelway.domain.account import Account, AccountContact, ApprovalStatus, changed
from parcelway.domain.catalogue import Product
from parcelway.domain.claimants import claimant
from parcelway.domain.commands import Command
from parcelway.domain.credit_notes import Wanted, credit
from parcelway.domain.customer import Customer, created
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.fulfilment_orders import Why
from parcelway.domain.ids import derived
from parcelway.domain.invoice import Invoice
from parcelway.domain.invoicing import Counter
from parcelway.domain.login import customer_id_of
from parcelway.domain.money import Money
from parcelway.domain.order import Event, Order, Shortage, Slot, totals
from parcelway.domain.parties import SYSTEM, Actor, Address, Channel, Contact
from parcelway.domain.pay_links import send_link
from parcelway.domain.payment import GatewayPayment, GatewayStatus, Payment
from parcelway.domain.reassigning import Said
from parcelway.domain.replenishment import Place
from parcelway.domain.shipment import Checkpoint, Shipment, TrackingStatus
from parcelway.domain.shop import LegalEntity, Method, Node, Rate, Seller, Service, Settings, Shop
from parcelway.domain.stock import Balance, Document, Move, Supply, after
from parcelway.domain.tracking import new_number
from parcelway.store import accounts, customers
from parcelway.store import shop as shop_store
from parcelway.store.database import Database
from parcelway.store.opening import open_balances
from parcelway.store.orders import Dossier, get_dossier, queue_items
from parcelway.store.queues import to_place
from parcelway.store.saving import save
from parcelway.store.stock import read_balances
from parcelway.store.stock_books import book

START = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)  # a Monday
CUSTOMER, WAREHOUSE, CARRIER = Actor("guest"), Actor("staff", "w1"), Actor("carrier", "acme")

_WAREHOUSE_ADDRESS = Address("Teapot & Co.", "1 Dock Road", "Columbus", "43217", "US", region="OH")
_STORE_ADDRESS = Address("Teapot Downtown", "5 High Street", "Columbus", "43215", "US", region="OH")
SELLER = Seller("Teapot & Co., Inc.", _WAREHOUSE_ADDRESS, "00-0000000", "hello@teapot.example")
SHOP = Shop(
    Settings(
        name="Teapot & Co.",
        currency="USD",
        seller=SELLER,
        tax_rates={"grocery": 0, "general": 700, "books": 250},
        languages=("en", "de"),
    ),
    {
        node.id: node
        for node in (
            Node("dc-1", "Columbus", "dc", _WAREHOUSE_ADDRESS, 39.8, -82.9, "America/New_York"),
            Node(
                "dc-2",
                "Louisville",
                "dc",
                replace(_WAREHOUSE_ADDRESS, city="Louisville", postal_code="40213", region="KY"),
                38.1,
                -85.7,
                "America/New_York",
            ),
            Node(
                "store-1",
                "Teapot Downtown",
                "store",
                _STORE_ADDRESS,
                39.9,
                -83.0,
                "America/New_York",
                capabilities=("pickup",),
            ),
        )
    },
    {
        service.id: service
        for service in (
            Service(
                "standard",
                {"en": "Standard parcel", "de": "Standardpaket"},
                "delivery",
                "acme",
                (Rate(5_000, Money(599, "USD")), Rate(30_000, Money(1299, "USD"))),
                ("US", "DE"),
                (2, 4),
            ),
            Service(
                "collect",
                {"en": "Collect in store", "de": "Abholung im Laden"},
                "pickup",
                "",
                (Rate(50_000, Money(0, "USD")),),
                transit_days=(0, 0),
            ),
        )
    },
)


def _product(sku: str, name: str, cents: int, tax_category: str, grams: int) -> Product:
    """Nobody knows what groceries cost the shop."""
    price, cost = Money(cents, "USD"), Money(cents * 6 // 10, "USD")
    known = None if tax_category == "grocery" else cost
    return Product(sku, name, price, tax_category=tax_category, weight_grams=grams, unit_cost=known)


PRODUCTS = {
    product.sku: product
    for product in (
        _product("MUG-1", "Stoneware mug, blue", 1295, "general", 400),
        _product("TEA-9", "Assam leaf tea, 250 g", 879, "grocery", 260),
        _product("BOOK-3", "The Book of Tea", 1433, "books", 310),
    )
}
BASKET = {"MUG-1": 3, "TEA-9": 1, "BOOK-3": 2}
STOCK = {(sku, node): 100 for sku in PRODUCTS for node in ("dc-1", "store-1")}
# Takes two parcels: neither warehouse has everything.
SPLIT_STOCK = {("MUG-1", "dc-1"): 2, ("TEA-9", "dc-1"): 5, ("MUG-1", "dc-2"): 5} | {
    ("BOOK-3", "dc-2"): 5
}
CONTACT = Contact("Ada Example", "ada@customer.example", "+16145550123")
HOME = Address("Ada Example", "12 Rose Lane", "Dublin", "43016", "US", line2="Apt 4", region="OH")

AWAY = replace(HOME, name="Bob Example", city="Louisville", postal_code="40202", region="KY")
# The whole basket to two addresses and a store.
THREE_WAYS = (
    delivery.Wanted("standard", HOME, lines=(("MUG-1", 1), ("TEA-9", 1))),
    delivery.Wanted("standard", AWAY, lines=(("MUG-1", 2), ("BOOK-3", 1))),
    delivery.Wanted("collect", store="store-1", lines=(("BOOK-3", 1),)),
)

APPROVER = Customer(
    id=customer_id_of("sub-boss"),
    version=1,
    state="enabled",
    subject="sub-boss",
    email="Grace@acme.example",
    email_key="grace@acme.example",
    name="Grace Approver",
    created_at=START,
    account="acme",
)
BUYER = replace(
    APPROVER,
    id=customer_id_of("sub-buyer"),
    subject="sub-buyer",
    email=CONTACT.email,
    email_key=CONTACT.email,
    name=CONTACT.name,
)
# A company whose orders above 50.00 have to be approved.
ACCOUNT = Account(
    "acme",
    1,
    "Acme, Inc.",
    contacts=(AccountContact(APPROVER.id, ("approver",)),),
    approval_above=Money(5000, "USD"),
)


def buyer_of(account: Account) -> cart.Claimant:
    """The buyer of a company's carts."""
    return claimant(BUYER, CONTACT, account)


Stage = Literal[
    "draft",
    "placed",
    "confirmed",
    "scheduled",
    "released",
    "packed",
    "shipped",
    "invoiced",
    "captured",
    "out_for_delivery",
    "delivered",
    "closed",
]


def new_names(chance: random.Random) -> checkout.Names:
    """What an order is known by outside."""
    return checkout.Names(new_number(chance.choice), f"{chance.getrandbits(128):032x}")


@dataclass
class Story:
    """An order's life so far: the order as it is, and every decision that made it so."""

    seed: str = "1"
    series: str = "INV"  # stories stored side by side number their invoices in series of their own
    language: str = "en"
    method: Method = "delivery"
    basket: Mapping[str, int] = field(default_factory=lambda: BASKET)
    contact: Contact = CONTACT
    address: Address = HOME
    shop: Shop = SHOP
    products: Mapping[str, Product] = field(default_factory=lambda: PRODUCTS)
    stock: Mapping[tuple[str, str], int] = field(default_factory=lambda: STOCK)
    supplies: Mapping[tuple[str, str], tuple[Supply, ...]] = field(default_factory=dict)
    shortage: Shortage = ""
    channel: Channel = "online"
    account: Account | None = None
    due_days: int | None = None  # what it is paid by is due so many days after the invoice
    now: datetime = START
    decisions: list[tuple[Decision, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.balances = {key: Balance(*key, on_hand=units) for key, units in self.stock.items()}
        for key, supplies in self.supplies.items():
            balance = self.balances.get(key, Balance(*key))
            self.balances[key] = replace(balance, supplies=supplies, supplied=1)
        self.by_id: dict[str, Shipment] = {}
        self.payment: Payment | None = None
        self.seen: GatewayPayment | None = None
        self.counter = Counter(self.series)
        order_id = derived("ord", "story", self.seed)
        self.token = f"cart-token-{self.seed}"
        self._apply(
            cart.new_draft(
                order_id,
                self.token,
                self.facts,
                channel=self.channel,
                currency=self.shop.settings.currency,
                language=self.language,
                asked=Command("create", ""),
            )
        )
        if self.account is not None:
            self._apply(cart.claim(self.order, buyer_of(self.account), self.facts))

    @property
    def order(self) -> Order:
        """The order as it is now."""
        return self.decisions[-1][0].order

    @property
    def facts(self) -> Facts:
        """What a decision made now has to go by."""
        facts = Facts(self.shop, self.now, self.products, self.balances, self.busy)
        return replace(facts, account=self.account)

    @property
    def busy(self) -> dict[Slot, int]:
        """What it has taken of nodes' days and not given back."""
        busy: Bag[Slot] = Bag()
        for made, _ in self.decisions:
            busy.update(made.taken)
            busy.subtract(made.given)
        return {slot: parcels for slot, parcels in busy.items() if parcels}

    @property
    def shipments(self) -> list[Shipment]:
        """The shipments as they are now."""
        return list(self.by_id.values())

    @property
    def invoices(self) -> list[Invoice]:
        """The invoices issued so far."""
        return [made.invoice for made, _ in self.decisions if made.invoice]

    @property
    def credit_notes(self) -> list[Invoice]:
        """The credit notes issued so far."""
        return [note for made, _ in self.decisions for note in made.credit_notes]

    @property
    def events(self) -> list[Event]:
        """Everything that happened so far."""
        return [event for made, _ in self.decisions for event in made.events]

    def event(self, kind: str) -> Event:
        """The last event of a type."""
        return next(event for event in reversed(self.events) if event.type == kind)

    def filled(self) -> Story:
        """The cart filled, with everything that checkout wants to know."""
        self.laden()
        self._apply(
            cart.describe(
                self.order,
                self.facts,
                contact=self.contact,
                billing_address=self.address,
                payment_method="card",
                shortage=self.shortage,
            )
        )
        if self.method == "pickup":
            return self._apply(
                delivery.pick_up_at(self.order, "store-1", "collect", "", self.facts)
            )
        return self._apply(
            delivery.deliver_to(self.order, self.address, "standard", "", self.facts)
        )

    def laden(self) -> Story:
        """The basket in the cart, and nothing known of who buys it."""
        for number, (sku, units) in enumerate(self.basket.items()):
            asked = Command(f"add-{number}", sku)
            self._apply(cart.add(self.order, sku, units, self.facts, asked))
        return self

    def divided(self, *deliveries: delivery.Wanted) -> Story:
        """Divided over deliveries."""
        return self._apply(delivery.divide(self.order, deliveries, self.facts))

    def asked(self, key: str = "ask") -> Story:
        """The approvers of its account asked about it."""
        asked = Command(key, "")
        return self._apply(approving.ask(self.order, self.account, self.facts, asked))

    def decided(self, status: ApprovalStatus, reason: str = "") -> Story:
        """An approver's word."""
        assert self.account is not None and self.order.approval is not None
        by = approving.approver(APPROVER, self.account, "sub-boss")
        return self._apply(
            approving.decide(
                self.order,
                self.order.approval.id,
                status,
                by,
                self.facts,
                Command(f"decide-{self.order.version}", ""),
                reason,
            )
        )

    def placed(self) -> Story:
        """Checked out, with a number and a link, awaiting payment."""
        chance = random.Random(self.seed)
        return self._apply(
            checkout.place(
                self.order,
                self.facts,
                Command("place", ""),
                names=(new_names(chance), new_names(chance)),
                expected_total=None,
            )
        )

    def confirmed(self) -> Story:
        """Paid for: the provider holds the whole amount."""
        self.pays("awaiting_customer", authorized=0)
        return self.pays("authorized", authorized=totals(self.order).gross.minor)

    def pays(self, status: GatewayStatus, **amounts: int) -> Story:
        """The provider reports its payment: `authorized`, `captured`, `refunded` as given."""
        gross = totals(self.order).gross
        nothing = Money(0, gross.currency)
        before = self.seen or GatewayPayment(
            f"pi_{self.seed}", self.order.id, 1, status, gross, nothing, nothing, nothing
        )
        if self.due_days is not None:
            before = replace(
                before,
                method="invoice",
                due_days=self.due_days,
                received=before.received or nothing,
                returned=nothing,
            )
        changes: dict[str, Any] = {
            name: Money(minor, gross.currency) for name, minor in amounts.items()
        }
        self.seen = replace(before, status=status, **changes)
        if self.payment is None:
            made = authorization.start(self.order, self.seen, self.now)
        else:
            made = authorization.observe(self.order, self.payment, self.seen, self.facts)
        return self._apply(made)

    def scheduled(self) -> Story:
        """Its nodes chosen, its stock allocated."""
        return self._apply(scheduling.schedule(self.order, self.shipments, 1, self.facts))

    def released(self) -> Story:
        """Every shipment in its node's queue."""
        return self._each(lambda s: fulfilment.release(self.order, s, self.facts))

    def packed(self) -> Story:
        """Every shipment packed."""
        return self._each(lambda s: fulfilment.pack(self.order, s, WAREHOUSE, self.facts))

    def shipped(self) -> Story:
        """Every parcel with its carrier, or the whole order ready to be collected."""
        return self._each(self._leave)

    def invoiced(self) -> Story:
        """An invoice for every shipment: of what left, or was handed over."""
        return self._each(self._collect)._each(self._issue)

    def captured(self) -> Story:
        """Everything that was held is taken."""
        return self.pays("captured", captured=totals(self.order).gross.minor)

    def refunded(self, minor: int) -> Story:
        """The provider gave back `minor` units in all."""
        return self.pays("captured", refunded=minor)

    def tracked(self, status: TrackingStatus, place: str = "Sorting hall 7") -> Story:
        """The carrier reports `status` for every parcel of a delivery."""

        def report(shipment: Shipment) -> Decision | None:
            if shipment.method == "pickup":
                return None
            checkpoint = Checkpoint(f"{shipment.id}-{status}-{self.now}", status, self.now, place)
            return fulfilment.track(self.order, shipment, checkpoint, CARRIER, self.facts)

        return self._each(report)

    def credited(self, wanted: Wanted, reason: str = "Arrived broken") -> Story:
        """A credit note of the last invoice."""
        counter = Counter(f"{self.series}-CRN", len(self.credit_notes))
        made = credit(
            self.order, self.invoices[-1], self.credit_notes, wanted, counter, self.facts, reason
        )
        return self._apply(made)

    def delivered(self) -> Story:
        """Everything at the door, or collected."""
        self.tracked("delivered")
        return self._each(self._collect)

    def closed(self) -> Story:
        """Nothing left to do."""
        return self._apply(fulfilment.close(self.order, self.facts))

    def cancelled(self, reason: str = "customer", actor: Actor = SYSTEM) -> Story:
        """Called off."""
        made = cancellation.cancel(self.order, self.shipments, reason, actor, self.now)
        return self._apply(made)

    def less(self, sku: str, quantity: int) -> Story:
        """Units of it called off."""
        units = [cancellation.Units(sku, quantity)]
        made = cancellation.cancel_units(
            self.order, self.shipments, units, "customer", CUSTOMER, self.now
        )
        return self._apply(made)

    def said(self, actor: Actor = WAREHOUSE) -> Said:
        """Somebody says something now."""
        return Said(actor, self.facts)

    def rejected(self, reason: Why = "out_of_stock") -> Story:
        """The first node does not send its shipment."""
        first, shipments = self.shipments[0], self.shipments
        made = fulfilment_orders.reject(self.order, shipments, first, reason, "", self.said())
        return self._apply(made)

    @property
    def places(self) -> list[Place]:
        """Its places in the queues, as the tables keep them."""
        return [
            to_place(item, *item["pk"].split("#")[1:]) for item in queue_items(self.order).values()
        ]

    def received(self, sku: str, node: str, units: int) -> Story:
        """Units came in, and it is the first in the queue for them."""
        self.balances = after(self.balances, [Move(sku, node, "receive", units)])
        for place in self.places:
            if (place.sku, place.node) == (sku, node):
                balance = self.balances[sku, node]
                units = min(balance.free, place.quantity)
                self._apply(replenishment.fill(self.order, place, units, balance, self.facts))
        return self

    def slipped(self, days: int | None) -> Story:
        """Everything it waits for comes later; None: nobody knows when."""
        for place in self.places:
            later = [
                (units, due + timedelta(days=days) if due and days is not None else None)
                for due, units in place.units.items()
            ]
            self._apply(replenishment.redate(self.order, place, later, self.facts))
        return self

    def linked(self) -> Story:
        """Its customer is sent the link to pay it."""
        clerk, asked = Actor("staff", "clerk"), Command("link", "link")
        return self._apply(
            send_link(self.order, clerk, self.facts, asked, "https://shop.example/pay")
        )

    def expired(self) -> Story:
        """Nobody paid in time."""
        self.now += timedelta(hours=2)
        return self._apply(cart.lapse(self.order, self.now))

    def reminded(self) -> Story:
        """Nobody came for two days of the store's."""
        self.now += timedelta(days=3)
        return self._apply(pickup.see_to(self.order, self.shipments, self.facts))

    def not_collected(self) -> Story:
        """Nobody came in time."""
        self.now += timedelta(days=14)
        return self._apply(pickup.see_to(self.order, self.shipments, self.facts))

    def later(self, **time: float) -> Story:
        """Time passes."""
        self.now += timedelta(**time)
        return self

    def asked_to_pay(self) -> Story:
        """The customer is reminded of the invoices whose time has come."""
        return self._apply(dunning.see_to(self.order, self.now))

    def _leave(self, shipment: Shipment) -> Decision | None:
        if shipment.method == "pickup":
            return pickup.ready(self.order, shipment, WAREHOUSE, self.facts)
        parcel = f"ACME{self.seed.zfill(4)}{len(self.decisions):04d}"
        return fulfilment.ship(self.order, shipment, "acme", parcel, WAREHOUSE, self.facts)

    def _collect(self, shipment: Shipment) -> Decision | None:
        if shipment.method == "delivery":
            return None
        return pickup.hand_over(self.order, shipment, "code", WAREHOUSE, self.facts)

    def _issue(self, shipment: Shipment) -> Decision | None:
        made = invoicing.issue(self.order, shipment, self.shipments, self.counter, self.facts)
        if made and made.invoice:
            self.counter = Counter(made.invoice.series, made.invoice.sequence)
        return made

    def _each(self, step: Callable[[Shipment], Decision | None]) -> Story:
        for shipment in self.shipments:
            if shipment.status != "cancelled":
                self._apply(step(shipment))
        return self

    def _apply(self, made: Decision | None) -> Story:
        """Take a decision in; None (no news) changes nothing. A minute passes."""
        if made is not None:
            self.decisions.append((made, self.now))
            told = made.entry.moves if made.entry else ()
            self.balances = after(self.balances, [*made.moves, *told])
            self.by_id |= {shipment.id: shipment for shipment in made.shipments}
            self.payment = made.payment or self.payment
        self.now += timedelta(minutes=1)
        return self


_PATH: Mapping[Stage, Callable[[Story], Story]] = {
    "draft": Story.filled,
    "placed": Story.placed,
    "confirmed": Story.confirmed,
    "scheduled": Story.scheduled,
    "released": Story.released,
    "packed": Story.packed,
    "shipped": Story.shipped,
    "invoiced": Story.invoiced,
    "captured": Story.captured,
    "out_for_delivery": lambda story: (
        story.tracked("in_transit").tracked("out_for_delivery")
        if story.method == "delivery"
        else story
    ),
    "delivered": Story.delivered,
    "closed": Story.closed,
}


def at(stage: Stage, **options: Any) -> Story:
    """The story of an order that has just come to `stage`; `options` are Story's fields."""
    story = Story(**options)
    for name, step in _PATH.items():
        step(story)
        if name == stage:
            break
    return story


def two_companies() -> Shop:
    """A shop whose node dc-2 is another legal entity's, with series of its own."""
    south = LegalEntity(replace(SELLER, name="Teapot South, Inc."), "SOUTH", "SOUTH-CRN")
    settings = replace(SHOP.settings, legal_entities={"south": south})
    nodes = SHOP.nodes | {"dc-2": replace(SHOP.nodes["dc-2"], legal_entity="south")}
    return replace(SHOP, settings=settings, nodes=nodes)


def store_shop(db: Database, shop: Shop = SHOP) -> None:
    """Write the shop's settings, nodes and services."""
    shop_store.put_settings(db, shop.settings)
    for node in shop.nodes.values():
        shop_store.put_node(db, node)
    for service in shop.services.values():
        shop_store.put_service(db, service)


def store(db: Database, story: Story) -> Order:
    """Write the shop, its stock and the order with all its parts, as the functions would have."""
    store_shop(db, story.shop)
    for place, units in story.stock.items():  # what a story stored before has opened stays
        open_balances(db, {place: units}, START - timedelta(days=1), f"opening {' '.join(place)}")
    for (sku, node), supplies in story.supplies.items():
        expect(db, sku, node, *supplies)
    if story.account is not None:
        store_account(db, story.account)
    for made, now in story.decisions:
        save(db, made, now)
    return story.order


def store_account(db: Database, account: Account) -> None:
    """Write a company, and the records of its approver and its buyer, if they are not there."""
    if accounts.get_account(db, account.id) is None:
        new = replace(account, version=0)
        change = changed(None, new, START, SYSTEM)
        assert change is not None
        accounts.save_account(db, change)
        for customer in (APPROVER, BUYER):
            made = created(replace(customer, version=0), START, SYSTEM)
            customers.save_with_email(db, made, "", None)


def expect(db: Database, sku: str, node: str, *supplies: Supply) -> None:
    """Have exactly these supplies expected."""
    key = (sku, node)
    wanted = {supply.reference: supply for supply in supplies}
    known = read_balances(db, [key], consistent=True).get(key, Balance(*key)).supplies
    ended = [replace(supply, quantity=0) for supply in known if supply.reference not in wanted]
    told = [supply for supply in wanted.values() if supply not in known]  # once is enough
    for supply in (*ended, *told):
        reference = derived("stk", sku, node, *map(str, (supply, len(_journal(db, key)))))
        book(
            db,
            reference,
            Document("supply", "somebody", reference),
            START,
            [key],
            lambda all_, new=supply: stock_books.announce(  # type: ignore[misc]
                all_[key], new.reference, new.due, new.quantity, START
            ),
            {},
        )


def _journal(db: Database, key: tuple[str, str]) -> list[dict[str, Any]]:
    """The documents booked on a balance so far."""
    return db.query(db.stock, f"HIS#{key[0]}#{key[1]}")


def dossier_of(db: Database, order_id: str) -> Dossier:
    """Everything the tables have of an order, which is there."""
    found = get_dossier(db, order_id)
    assert found is not None
    return found
