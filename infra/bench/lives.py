"""The lives of drawn orders, each with its number as the seed.

Currency of 0, 2 or 3 decimals, prices with or without tax, two rates at home and others abroad,
promotions and codes, one or two deliveries over two warehouses, units cancelled at any moment,
parcels that leave one after the other, a hold for one capture or for several that may lapse with
part of it taken and is then paid anew, credit notes for units, shipping and goodwill. Money is
moved by the steps that `domain.capturing` asks for, at a provider that refuses what a provider
refuses.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from parcelway.domain import authorization, cart, checkout, credit_notes, fulfilment, invoicing
from parcelway.domain.cancellation import Units, cancel_units
from parcelway.domain.capturing import Step as MoneyStep
from parcelway.domain.capturing import next_step
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.coupons import Coupon
from parcelway.domain.decision import Decision
from parcelway.domain.dues import to_pay
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import Money, zero
from parcelway.domain.order import DeliveryGroup, Order
from parcelway.domain.parties import SYSTEM, Address, Contact
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.promotions import Promotion, Scope, Step
from parcelway.domain.refusals import Refusal
from parcelway.domain.scheduling import schedule
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Node, Rate, Seller, Service, Settings, Shop
from parcelway.domain.stock import Balance, after

START = datetime(2026, 11, 30, 9, tzinfo=UTC)
CURRENCIES = ("EUR", "USD", "JPY", "KWD")
_HOMES = tuple(
    Address("A Buyer", "1 Main Street", city, code, country)
    for city, code, country in (
        ("Hamburg", "20457", "DE"),
        ("Wien", "1010", "AT"),
        ("Columbus", "43215", "US"),
    )
)
_NODES = {
    node: Node(node, node, "warehouse", _HOMES[0], 53.5, lon, "Europe/Berlin")
    for node, lon in (("north", 10.0), ("south", 11.5))
}


@dataclass(slots=True)
class Life:
    """One order with its money: what the shop knows, what the provider holds, what is booked."""

    facts: Facts
    order: Order
    chance: random.Random
    shipments: dict[str, Shipment] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    held: dict[str, GatewayPayment] = field(default_factory=dict)
    invoices: list[Invoice] = field(default_factory=list)
    notes: list[Invoice] = field(default_factory=list)
    accounts: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def take(self, made: Decision | None, what: str = "") -> None:
        """A decision becomes true; None is no news."""
        if made is None:
            return
        self.order = made.order
        self.facts = replace(
            self.facts,
            now=self.facts.now + timedelta(minutes=1),
            balances=after(self.facts.balances, made.moves),
        )
        self.shipments |= {shipment.id: shipment for shipment in made.shipments}
        self.invoices += [made.invoice] if made.invoice else []
        self.notes += made.credit_notes
        if made.payment is not None:
            self.payments[made.payment.reference] = made.payment
        for posting in made.postings:
            for entry in posting.entries:
                self.accounts[entry.account] += entry.debit
        if what:
            self.told.append(what)


def lived(seed: int) -> Life:
    """The life of the order with this number."""
    chance = random.Random(seed)
    life = _drawn(chance)
    names = checkout.Names("PW-1", "token"), checkout.Names("PW-2", "token")
    asked = Command("place", "")
    life.take(checkout.place(life.order, life.facts, asked, names=names, expected_total=None))
    if life.order.state == "placed":
        _pay(life)
    _perhaps_cancel(life)
    if life.order.state == "confirmed":
        life.take(schedule(life.order, (), 1, life.facts), "scheduled")
    for shipment_id in list(life.shipments):
        _perhaps_cancel(life)
        _send(life, shipment_id)
        _perhaps_lapse(life)
        if chance.random() < 0.3 and life.invoices:
            _credit(life)
    for _ in range(chance.choice((0, 0, 1, 2))):
        if life.invoices:
            _credit(life)
    _settle(life)
    return life


def _drawn(chance: random.Random) -> Life:
    currency = chance.choice(CURRENCIES)
    skus = [f"S{n}" for n in range(1, chance.randint(1, 4) + 1)]
    products = {
        sku: Product(
            sku,
            sku,
            Money(chance.randint(1, 9_999), currency),
            tax_category=chance.choice(("goods", "books")),
        )
        for sku in skus
    }
    wanted = {sku: chance.randint(1, 5) for sku in skus}
    promotions, coupons = _offers(chance, currency, skus)
    shop = Shop(
        _settings(chance, currency),
        _NODES,
        {"van": _service(chance, currency)},
        promotions={promotion.id: promotion for promotion in promotions},
    )
    balances = {}
    for sku, units in wanted.items():
        north = chance.randint(0, units)
        balances[sku, "north"] = Balance(sku, "north", on_hand=north)
        balances[sku, "south"] = Balance(sku, "south", on_hand=units - north)
    facts = Facts(shop, START, products, balances, coupons=coupons)
    draft = cart.new_draft(
        "ord_1",
        "token",
        facts,
        channel="online",
        currency=currency,
        language="en",
        asked=Command("create", ""),
    )
    return Life(facts, _filled(draft.order, wanted, facts, chance), chance)


def _settings(chance: random.Random, currency: str) -> Settings:
    return Settings(
        name="Shop",
        currency=currency,
        seller=Seller("Shop GmbH", _HOMES[0], "DE123456789", "shop@example.com"),
        tax_rates={"goods": chance.choice((1900, 2100, 770)), "books": 700, "general": 1900},
        tax_regions={"AT": {"goods": 2000, "books": 1000, "general": 2000}},
        prices_include_tax=chance.random() < 0.5,
    )


def _service(chance: random.Random, currency: str) -> Service:
    charge = Money(chance.choice((0, 1, 499, 1234)), currency)
    countries = ("DE", "AT", "US")
    return Service("van", {"en": "Van"}, "delivery", "van", (Rate(10**9, charge),), countries)


def _offers(
    chance: random.Random, currency: str, skus: Sequence[str]
) -> tuple[list[Promotion], dict[str, Coupon]]:
    found = []
    if chance.random() < 0.4:
        steps = (Step(basis_points=chance.choice((333, 1000, 1250))),)
        found.append(Promotion("P1", {"en": "Percent"}, "percentage", steps))
    if chance.random() < 0.3:
        scope = Scope((chance.choice(skus),))
        steps = (Step(basis_points=10_000),)
        two = Promotion("P2", {"en": "3 for 2"}, "buy_x_get_y", steps, scope, buy=2, get=1)
        found.append(two)
    if chance.random() < 0.2:
        found.append(Promotion("P3", {"en": "Free shipping"}, "free_shipping", (Step(),)))
    if chance.random() < 0.4:
        steps = (Step(amounts={currency: chance.randint(1, 3000)}),)
        found.append(Promotion("P4", {"en": "Voucher"}, "amount", steps, coupon=True))
        return found, {"SAVE": Coupon("SAVE", "P4")}
    return found, {}


def _filled(order: Order, wanted: dict[str, int], facts: Facts, chance: random.Random) -> Order:
    nothing, many = zero(order.currency), chance.random() < 0.4
    homes = [chance.choice(_HOMES), chance.choice(_HOMES)]
    lines = []
    for number, (sku, units) in enumerate(wanted.items(), start=1):
        there = chance.randint(0, units) if many else 0
        parts = (Portion("g1", "open", units - there), Portion("g2", "open", there))
        portions = tuple(part for part in parts if part.quantity)
        price = facts.products[sku].price
        lines.append(Line(number, sku, sku, price, portions, nothing, nothing))
    used = {portion.group for line in lines for portion in line.portions}
    groups = tuple(
        DeliveryGroup(name, "delivery", home, service="van", service_name={"en": "Van"})
        for name, home in zip(("g1", "g2"), homes, strict=True)
        if name in used
    )
    return replace(
        order,
        lines=tuple(lines),
        groups=groups,
        contact=Contact("A Buyer", "buyer@example.com", ""),
        billing_address=homes[0],
        payment_method="card",
        coupons=tuple(facts.coupons),
    )


# --- what happens to it


def _pay(life: Life) -> None:
    """Pay what is open, at a provider whose hold is for one capture or for several."""
    amount, nothing = to_pay(life.order), zero(life.order.currency)
    number = life.order.payment_attempts + 1
    multicapture = life.chance.random() < 0.5
    asked = GatewayPayment(
        f"pi_{number}",
        life.order.id,
        number,
        "awaiting_customer",
        amount,
        nothing,
        nothing,
        nothing,
        multicapture=multicapture,
    )
    life.take(authorization.start(life.order, asked, life.facts.now))
    _hear(life, replace(asked, status="authorized", authorized=amount))
    life.told.append(f"paid {amount}")


def _hear(life: Life, seen: GatewayPayment) -> None:
    life.held[seen.reference] = seen
    known = life.payments[seen.reference]
    assert authorization.undo_first(life.order, known, seen) is None
    life.take(authorization.observe(life.order, known, seen, life.facts))


def _settle(life: Life) -> None:
    """Every step that is to be done with the payments; what nothing pays for is paid anew."""
    for _ in range(20):
        if life.order.state not in ("confirmed", "closed"):
            return
        seen = [life.held[p.reference] for p in life.payments.values() if p.counts]
        shipments = list(life.shipments.values())
        step = next_step(life.order, shipments, life.invoices, seen, life.facts.now)
        if step is not None:
            life.told.append(f"{step.action} {step.amount}")
            _hear(life, _done(life.held[step.reference], step))
        elif to_pay(life.order) and life.order.state == "confirmed":
            _pay(life)
        else:
            return
    raise AssertionError("there is no end to the steps")


def _done(payment: GatewayPayment, step: MoneyStep) -> GatewayPayment:
    """The payment after a step, refused where a provider refuses it."""
    if step.action == "void":
        assert not payment.captured
        return replace(payment, status="voided", authorized=zero(step.amount.currency))
    if step.action == "refund":
        assert payment.refunded + step.amount <= payment.captured
        return replace(payment, refunded=payment.refunded + step.amount)
    taken = payment.captured + step.amount
    assert payment.status == "authorized" and taken <= payment.authorized
    if step.final or taken == payment.authorized:
        return replace(payment, status="captured", authorized=taken, captured=taken)
    assert payment.multicapture
    return replace(payment, captured=taken)


def _perhaps_lapse(life: Life) -> None:
    """What is still held is held no longer."""
    for seen in list(life.held.values()):
        if seen.status == "authorized" and life.chance.random() < 0.15:
            status = "captured" if seen.captured else "voided"
            _hear(life, replace(seen, status=status, authorized=seen.captured))  # type: ignore[arg-type]
            life.told.append("the hold lapsed")
            _settle(life)


def _perhaps_cancel(life: Life) -> None:
    if life.order.state != "confirmed" or life.chance.random() > 0.25:
        return
    line = life.chance.choice(life.order.lines)
    units = [Units(line.sku, life.chance.randint(1, line.quantity))]
    shipments = list(life.shipments.values())
    try:
        made = cancel_units(life.order, shipments, units, "drawn", SYSTEM, life.facts.now)
    except Refusal:
        return
    life.take(made, f"{units[0].quantity} of {line.sku} cancelled")
    _settle(life)


def _send(life: Life, shipment_id: str) -> None:
    steps: tuple[Callable[[Shipment], Decision | None], ...] = (
        lambda s: fulfilment.release(life.order, s, life.facts),
        lambda s: fulfilment.pack(life.order, s, SYSTEM, life.facts),
        lambda s: fulfilment.ship(life.order, s, "van", s.id, SYSTEM, life.facts),
        lambda s: invoicing.issue(
            life.order, s, list(life.shipments.values()), _counter("INV", life.invoices), life.facts
        ),
    )
    for step in steps:
        shipment = life.shipments[shipment_id]
        if shipment.status == "cancelled" or life.order.state != "confirmed":
            return
        life.take(step(shipment))
    life.told.append(f"invoiced {life.invoices[-1].gross}")
    _settle(life)


def _credit(life: Life) -> None:
    """Some of an invoice: units, the charge, an amount."""
    invoice = life.chance.choice(life.invoices)
    lines = [line for line in invoice.lines if line.line]
    kind = life.chance.choice(("units", "shipping", "amount"))
    if kind == "units":
        line = life.chance.choice(lines)
        wanted = credit_notes.Wanted({line.line: life.chance.randint(1, line.quantity)})
    elif kind == "shipping":
        wanted = credit_notes.Wanted(shipping=True)
    else:
        most = max(1, invoice.gross.minor)
        wanted = credit_notes.Wanted(amount=Money(life.chance.randint(1, most), invoice.currency))
    counter = _counter("CRN", life.notes)
    try:
        made = credit_notes.credit(
            life.order, invoice, life.notes, wanted, counter, life.facts, "drawn"
        )
    except Refusal:
        return
    life.take(made, f"credited {life.notes[-1].gross if life.notes else ''}")
    _settle(life)


def _counter(series: str, issued: Sequence[Invoice]) -> invoicing.Counter:
    return invoicing.Counter(series, len(issued))
