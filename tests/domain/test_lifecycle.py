"""Two orders over one stock, driven through any life: the books are looked at after every step.

The stock book applies each decision's net moves under the conditions that DynamoDB would check,
the provider is a simulation that voids, refunds and captures, the worker is `_report`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from parcelway.domain import (
    authorization,
    cancellation,
    cart,
    checkout,
    delivery,
    fulfilment,
    invoicing,
    pickup,
    scheduling,
)
from parcelway.domain import ledger as money_books
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice
from parcelway.domain.money import Money
from parcelway.domain.order import Event, Order, totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Checkpoint, Shipment, TrackingStatus
from parcelway.domain.shop import Shop
from parcelway.domain.stock import Balance, Move, after, allowed, net

from tests.domain.strategies import NOW, SKUS, baskets, catalogues, shops
from tests.orders import CARRIER, CONTACT, HOME, WAREHOUSE

Decide = Callable[[Facts], "Decision | None"]
which = st.sampled_from([0, 1])
STATES = {
    "draft": {"draft", "placed", "confirmed"},  # what costs nothing is confirmed at once
    "placed": {"placed", "confirmed", "cancelled", "expired"},
    "confirmed": {"confirmed", "cancelled", "closed"},
}


@dataclass
class Life:
    """One order with all its parts."""

    order: Order
    shipments: dict[str, Shipment] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)
    provider: dict[int, GatewayPayment] = field(default_factory=dict)
    invoices: list[Invoice] = field(default_factory=list)
    postings: list[money_books.Posting] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    frozen: Order | None = None


class Shopping(RuleBasedStateMachine):
    """Random commands to two orders that compete for the same few units."""

    @initialize(shop=shops(), data=st.data())
    def opens(self, shop: Shop, data: st.DataObject) -> None:
        self.now, self.keys = NOW, 0
        self.shop, self.products = shop, data.draw(catalogues(shop.settings.currency))
        self.books = {
            (sku, node): Balance(sku, node, on_hand=data.draw(st.integers(0, 7)))
            for sku in SKUS
            for node in shop.nodes
        }
        self.opening = sum(balance.on_hand for balance in self.books.values())
        self.journal: list[Move] = []
        self.counter = invoicing.Counter("INV")
        self.lives = [Life(self._new_draft(name)) for name in ("ord_a", "ord_b")]
        for n in (0, 1):
            self._begins(n, data.draw(st.integers(0, 4)), data.draw(baskets), data)

    def _begins(self, n: int, far: int, basket: dict[str, int], data: st.DataObject) -> None:
        """Bring an order some way, so that the search gets to the end of things often enough."""
        if far >= 1:
            for sku, units in basket.items():
                self.edits_the_cart(n, sku, units)
        if far >= 2:
            self.says_who_and_where(n, data.draw(st.integers(0, 3)) == 0)
            self.places(n)
        if far >= 3:
            self.pays(n)
        if far >= 4:
            self.a_parcel_goes_on(n, data.draw(st.integers(1, 6)), 0)

    def _new_draft(self, name: str) -> Order:
        currency = self.shop.settings.currency
        facts = Facts(self.shop, self.now)
        return cart.new_draft(
            name, "t", facts, channel="online", currency=currency, language="en", asked=self._key()
        ).order

    def _key(self) -> Command:
        self.keys += 1
        return Command(f"key-{self.keys}", "")

    def _commit(self, life: Life, decide: Decide) -> Decision | None:
        """Read, decide, commit: nothing of a refused decision, all of an accepted one."""
        self.now += timedelta(seconds=30)
        try:
            made = decide(Facts(self.shop, self.now, self.products, dict(self.books)))
        except Refusal as refusal:
            assert refusal.reason in Reason
            return None
        if made is None:
            return None
        for change in net(made.moves):
            assert allowed(self.books[change.sku, change.node], change), (made.moves, change)
        before = life.order
        assert made.order.version == before.version + 1
        assert made.order.state in STATES.get(before.state, {before.state})
        assert all(e.sequence // 100 == made.order.version for e in made.events)
        self.books = after(self.books, made.moves)
        self.journal += made.moves
        life.order = made.order
        life.shipments |= {shipment.id: shipment for shipment in made.shipments}
        life.postings += made.postings
        life.events += made.events
        if made.payment is not None:
            life.payments[made.payment.number] = made.payment
        if made.invoice is not None:
            life.invoices.append(made.invoice)
            self.counter = invoicing.Counter("INV", made.invoice.sequence)
        if before.state == "draft" and made.order.state != "draft":
            life.frozen = made.order
        return made

    # The customer

    @rule(n=which, sku=st.sampled_from(SKUS), units=st.integers(0, 4))
    def edits_the_cart(self, n: int, sku: str, units: int) -> None:
        life = self.lives[n]
        self._commit(life, lambda f: cart.set_quantity(life.order, sku, units, f, self._key()))

    @rule(n=which, pickup=st.booleans())
    def says_who_and_where(self, n: int, pickup: bool) -> None:
        life = self.lives[n]
        self._commit(
            life,
            lambda f: cart.describe(
                life.order, f, contact=CONTACT, billing_address=HOME, payment_method="card"
            ),
        )
        if pickup:
            self._commit(life, lambda f: delivery.pick_up_at(life.order, "store", "collect", "", f))
        else:
            self._commit(life, lambda f: delivery.deliver_to(life.order, HOME, "parcel", "", f))

    @rule(n=which)
    def places(self, n: int) -> None:
        life = self.lives[n]
        self._commit(
            life,
            lambda f: checkout.place(
                life.order,
                f,
                self._key(),
                names=(checkout.Names("PW", ""),) * 2,
                expected_total=None,
            ),
        )

    @rule(n=which)
    def begins_to_pay(self, n: int) -> None:
        life = self.lives[n]
        try:
            last = life.payments[max(life.payments)] if life.payments else None
            attempt = authorization.next_attempt(life.order, last, self.now)
        except Refusal:
            return
        gross = totals(life.order).gross
        nothing = Money(0, gross.currency)
        seen = life.provider.setdefault(
            attempt,
            GatewayPayment(
                f"pi_{life.order.id}_{attempt}",
                life.order.id,
                attempt,
                "awaiting_customer",
                gross,
                nothing,
                nothing,
                nothing,
            ),
        )
        self._commit(life, lambda _: authorization.start(life.order, seen, self.now))

    @rule(n=which, how=st.sampled_from(["declined", "authorized", "captured", "voided"]))
    def the_bank_decides(self, n: int, how: str) -> None:
        """On the newest attempt; nobody has told us yet."""
        life = self.lives[n]
        if not life.provider:
            return
        seen = life.provider[max(life.provider)]
        if seen.status != "awaiting_customer":
            return
        if how == "declined":
            changed = replace(seen, failure_code="card_declined")
        elif how == "authorized":
            changed = replace(seen, status="authorized", authorized=seen.amount, failure_code="")
        elif how == "captured":
            changed = replace(seen, status="captured", authorized=seen.amount, captured=seen.amount)
        else:
            changed = replace(seen, status="voided")
        life.provider[seen.attempt] = changed

    @rule(n=which)
    def pays(self, n: int) -> None:
        self.begins_to_pay(n)
        self.the_bank_decides(n, "authorized")
        self.the_worker_runs(n)

    @rule(n=which)
    def cancels(self, n: int) -> None:
        life = self.lives[n]
        self._commit(
            life,
            lambda f: cancellation.cancel(
                life.order, list(life.shipments.values()), "", SYSTEM, f.now, self._key()
            ),
        )

    # The machinery

    @rule(n=which)
    def the_worker_runs(self, n: int) -> None:
        life = self.lives[n]
        for attempt in list(life.provider):
            self._report(life, attempt)

    def _report(self, life: Life, attempt: int) -> None:
        seen, payment = life.provider[attempt], life.payments.get(attempt)
        undo = authorization.undo_first(life.order, payment, seen)
        if undo is not None and undo.action == "void":
            seen = replace(seen, status="voided", authorized=Money(0, seen.amount.currency))
        elif undo is not None:
            seen = replace(seen, refunded=seen.refunded + undo.amount)
        life.provider[attempt] = seen

        def decide(facts: Facts) -> Decision | None:
            try:
                return authorization.observe(life.order, payment, seen, facts)
            except Refusal as refusal:
                assert refusal.reason is Reason.OUT_OF_STOCK
                return cancellation.cancel(life.order, (), "out_of_stock", SYSTEM, facts.now)

        self._commit(life, decide)

    @rule(n=which, minutes=st.integers(0, 90))
    def time_passes_and_the_sweeper_runs(self, n: int, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        life = self.lives[n]
        self._commit(life, lambda f: cart.lapse(life.order, f.now))

    @rule(n=which, days=st.integers(1, 9))
    def days_pass_and_pickups_are_seen_to(self, n: int, days: int) -> None:
        life = self.lives[n]
        if life.order.uncollected:
            self.now += timedelta(days=days)
        shipments = list(life.shipments.values())
        self._commit(life, lambda f: pickup.see_to(life.order, shipments, f))

    @rule(n=which)
    def schedules(self, n: int) -> None:
        life = self.lives[n]
        self._commit(
            life, lambda f: scheduling.schedule(life.order, list(life.shipments.values()), 1, f)
        )

    @rule(n=which)
    def closes(self, n: int) -> None:
        life = self.lives[n]
        self._commit(life, lambda f: fulfilment.close(life.order, f))

    @rule(n=which, far=st.integers(1, 6), parcel=st.integers(0, 2))
    def a_parcel_goes_on(self, n: int, far: int, parcel: int) -> None:
        """Released, packed, sent, invoiced, captured, arrived: the first `far` steps of it."""
        life = self.lives[n]
        self.schedules(n)
        if parcel >= len(life.shipments):
            return
        steps = [self._release, self._pack, self._leave, self._invoice, self._capture, self._arrive]
        for step in steps[:far]:
            step(life, list(life.shipments.values())[parcel])

    def _release(self, life: Life, shipment: Shipment) -> None:
        self._commit(life, lambda f: fulfilment.release(life.order, shipment, f))

    def _pack(self, life: Life, shipment: Shipment) -> None:
        self._commit(life, lambda f: fulfilment.pack(life.order, shipment, WAREHOUSE, f))

    def _leave(self, life: Life, shipment: Shipment) -> None:
        if shipment.method == "pickup":
            self._commit(life, lambda f: pickup.ready(life.order, shipment, WAREHOUSE, f))
        else:
            self._commit(
                life,
                lambda f: fulfilment.ship(life.order, shipment, "acme", shipment.id, WAREHOUSE, f),
            )

    def _invoice(self, life: Life, shipment: Shipment) -> None:
        siblings = list(life.shipments.values())
        self._commit(
            life, lambda f: invoicing.issue(life.order, shipment, siblings, self.counter, f)
        )

    def _capture(self, life: Life, shipment: Shipment) -> None:
        """Take what has been invoiced; then the worker hears of it."""
        for attempt, seen in life.provider.items():
            if seen.status == "authorized":
                invoiced = sum(invoice.gross.minor for invoice in life.invoices)
                life.provider[attempt] = replace(
                    seen,
                    captured=Money(invoiced, seen.amount.currency),
                    status="captured" if invoiced == seen.authorized.minor else "authorized",
                )
                self._report(life, attempt)

    def _arrive(self, life: Life, shipment: Shipment) -> None:
        if shipment.method == "pickup":
            self._commit(
                life, lambda f: pickup.hand_over(life.order, shipment, "code", WAREHOUSE, f)
            )
            self._invoice(life, life.shipments[shipment.id])
            self._capture(life, shipment)
        else:
            self._track(life, shipment, "delivered")

    @rule(n=which, parcel=st.integers(0, 2), status=st.sampled_from(["in_transit", "exception"]))
    def the_carrier_reports(self, n: int, parcel: int, status: TrackingStatus) -> None:
        life = self.lives[n]
        if parcel < len(life.shipments):
            self._track(life, list(life.shipments.values())[parcel], status)

    def _track(self, life: Life, shipment: Shipment, status: TrackingStatus) -> None:
        said = Checkpoint(f"e-{self.keys}-{status}", status, self.now)
        self._commit(life, lambda f: fulfilment.track(life.order, shipment, said, CARRIER, f))

    @rule(units=st.integers(1, 4), sku=st.sampled_from(SKUS), data=st.data())
    def goods_come_in(self, units: int, sku: str, data: st.DataObject) -> None:
        move = Move(sku, data.draw(st.sampled_from(sorted(self.shop.nodes))), "receive", units)
        self.books = after(self.books, [move])
        self.journal.append(move)
        self.opening += units

    # What holds after every step

    @invariant()
    def the_books_are_the_sum_of_the_portions_of_all_orders(self) -> None:
        reserved: Counter[tuple[str, str]] = Counter()
        allocated: Counter[tuple[str, str]] = Counter()
        gone = 0
        for life in self.lives:
            for line in life.order.lines:
                gone += line.count("shipped", "delivered", "picked_up")
                for portion in line.portions:
                    if portion.stage == "reserved":
                        reserved[line.sku, portion.node] += portion.quantity
                    if portion.stage in ("allocated", "released", "packed"):
                        allocated[line.sku, portion.node] += portion.quantity
        for key, balance in self.books.items():
            assert (balance.reserved, balance.allocated) == (reserved[key], allocated[key])
            assert min(balance.on_hand, balance.available) >= 0
        assert sum(balance.on_hand for balance in self.books.values()) == self.opening - gone

    @invariant()
    def the_money_is_the_providers_and_the_ledgers(self) -> None:
        for life in self.lives:
            order, payments = life.order, life.payments.values()
            for name in ("authorized", "captured", "refunded"):
                assert getattr(order, name) == sum(getattr(p, name) for p in payments)
            assert order.authorized >= order.captured >= order.refunded >= 0
            accounts = money_books.balances(life.postings)
            invoiced = sum(invoice.gross.minor for invoice in life.invoices)
            assert sum(accounts.values()) == 0
            assert accounts.get("gateway_clearing", 0) == order.captured - order.refunded
            owed = invoiced - order.captured + order.refunded
            assert order.owed.minor == owed
            assert accounts.get("receivables", 0) == max(0, owed)
            assert accounts.get("customer_deposits", 0) == min(0, owed)
            assert len({posting.reference for posting in life.postings}) == len(life.postings)
            if order.state in ("confirmed", "closed"):
                assert order.authorized >= totals(order).gross.minor
            sequences = [event.sequence for event in life.events]
            assert sequences == sorted(set(sequences))

    @invariant()
    def what_was_placed_is_frozen(self) -> None:
        for life in self.lives:
            if life.frozen is None:
                continue
            assert totals(life.order) == totals(life.frozen)
            for line, then in zip(life.order.lines, life.frozen.lines, strict=True):
                assert (line.sku, line.quantity, line.unit_price) == (
                    then.sku,
                    then.quantity,
                    then.unit_price,
                )
                ended = life.order.state in ("cancelled", "expired")
                assert (line.count("cancelled") == line.quantity) == ended
            assert all(
                shipment.status == "cancelled"
                for shipment in life.shipments.values()
                if life.order.state == "cancelled"
            )

    @invariant()
    def invoices_have_no_gap_and_never_exceed_the_order(self) -> None:
        numbers = sorted(i.sequence for life in self.lives for i in life.invoices)
        assert numbers == list(range(1, len(numbers) + 1))
        for life in self.lives:
            invoiced = sum(invoice.gross.minor for invoice in life.invoices)
            left = [s for s in life.shipments.values() if s.shipped_at and s.invoice_number]
            assert len(left) == len(life.invoices)
            if life.shipments and all(s.invoice_number for s in life.shipments.values()):
                assert invoiced == totals(life.order).gross.minor
            elif life.order.lines:
                assert invoiced <= totals(life.order).gross.minor

    def teardown(self) -> None:
        """Every order can be brought to an end, and then holds nothing and keeps no odd money."""
        if not hasattr(self, "lives"):
            return
        for n, life in enumerate(self.lives):
            if life.order.state == "placed":
                self.pays(n)
            if life.order.state == "confirmed":
                for parcel in range(3):
                    self.a_parcel_goes_on(n, 6, parcel)
                self.closes(n)
                self.cancels(n)
            self.time_passes_and_the_sweeper_runs(n, 24 * 60)
            self.the_worker_runs(n)
            assert life.order.state in ("draft", "closed", "cancelled", "expired")
            assert not any(
                line.count("reserved", "allocated", "released", "packed")
                for line in life.order.lines
            )
            if life.order.state in ("cancelled", "expired"):
                assert life.order.captured == life.order.refunded
                assert life.order.authorized == life.order.captured
            if life.order.state == "closed":
                assert life.order.captured - life.order.refunded == totals(life.order).gross.minor
        self.the_books_are_the_sum_of_the_portions_of_all_orders()
        self.the_money_is_the_providers_and_the_ledgers()
        self.invoices_have_no_gap_and_never_exceed_the_order()
        assert after({}, self.journal).keys() <= self.books.keys()


TestShopping = Shopping.TestCase
TestShopping.settings = settings(max_examples=50, stateful_step_count=25)
