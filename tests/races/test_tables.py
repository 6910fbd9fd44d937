"""Races on the tables themselves, every transaction occupying its items like on AWS."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.authorization import observe
from parcelway.domain.commands import Command
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.payment import GatewayPayment
from parcelway.ports import clock
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import lapse_order, read_facts, selling
from parcelway.store.stock import read_balances

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import NODE, Shop, place, wrong
from infra.bench.tables import container
from infra.verify import breaks
from tests.functions.calls import Context, failed, load, queue_event
from tests.functions.outside import Provider, told
from tests.orders import at, dossier_of, store
from tests.races.crowd import at_once, patiently

_numbers = count(1)


@pytest.fixture(autouse=True)
def exact(client: Any) -> Iterator[None]:
    """Whatever the race was: the books add up. Nobody sends mails here."""
    yield
    found = breaks(container(client), clock.now() + timedelta(hours=3))
    assert [str(f) for f in found if not f.kind.startswith(("mail.", "order.overdue"))] == []


def a_shop(client: Any, units: int) -> Shop:
    return Shop(container(client), units, f"RACE-{next(_numbers)}")


def test_two_hundred_buyers_for_fifty_units(client: Any) -> None:
    shop = a_shop(client, 50)
    contended = ConflictWindow(client, 0.002)
    here = threading.local()

    def buy(order_id: str) -> str:
        here.db = getattr(here, "db", None) or container(contended)
        return patiently(lambda: place(here.db, order_id, shop.now))

    outcomes = Counter(at_once(buy, shop.carts(200)))
    assert outcomes == {"done": 50, "out-of-stock": 150}
    assert wrong(shop, 50) == []
    assert contended.conflicts > 5  # it was a race


class Keyed(Provider):
    """A provider that keeps its promise: one key, one effect and always the same answer."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._answers: dict[str, GatewayPayment] = {}
        self.saw: list[int] = []

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        with self._lock:
            if key not in self._answers:
                self._answers[key] = super().refund(reference, amount, key=key)
            return self._answers[key]

    def retrieve(self, reference: str) -> GatewayPayment:
        seen = super().retrieve(reference)
        self.saw.append(seen.refunded.minor)
        time.sleep(0.02)  # so that many have seen the money before the first gives it back
        return seen


def test_sixty_four_deliveries_of_late_money_refund_it_once(client: Any) -> None:
    number = next(_numbers)
    story = at("placed", seed=f"{number}").pays("awaiting_customer", authorized=0).expired()
    store(container(client), story)
    provider, gross = Keyed(), totals(story.order).gross
    reference = provider.holds(story, captured=gross, status="captured")
    workers = [load("payment_worker") for _ in range(64)]
    contended = ConflictWindow(client, 0.002)

    def deliver(worker: Any) -> list[str]:
        db = container(contended)
        worker.db, worker.gateway = lambda: db, lambda _: provider
        return failed(worker.handler(queue_event(told(reference, story)), Context()))

    waiting = sum(bool(left) for left in at_once(deliver, workers, 64))
    assert waiting < 64  # those come again, as others were at it
    assert deliver(workers[0]) == []
    assert provider.written == [("refund", reference)]
    assert provider.saw.count(0) > 10  # it was a race: many saw money that was still there
    assert provider.payments[reference].refunded == gross
    dossier = dossier_of(container(client), story.order.id)
    assert (dossier.order.state, dossier.order.refunded) == ("expired", gross.minor)
    assert [event.type for event in dossier.events].count("payment.refunded") == 1


def test_payment_expiry_and_new_buyers_come_at_the_same_time(client: Any) -> None:
    """Every unit is held by an order whose time is over. Each is paid for three times over, swept
    twice, and wanted by somebody else."""
    shop = a_shop(client, 40)
    wanted = shop.carts(20)
    placed = [place(container(client), cart_id, shop.now).id for cart_id in shop.carts(40)]
    later = shop.now + timedelta(hours=1)
    deeds = [
        *(("pay", order_id) for order_id in placed for _ in range(3)),
        *(("sweep", order_id) for order_id in placed for _ in range(2)),
        *(("buy", cart_id) for cart_id in wanted),
    ]
    deeds = [deed for part in range(7) for deed in deeds[part::7]]  # mixed, the same every time
    contended = ConflictWindow(client, 0.002)

    def act(deed: tuple[str, str]) -> tuple[str, str, str]:
        db, (what, order_id) = container(contended), deed
        if what == "pay":
            return (*deed, patiently(lambda: pay(db, order_id, shop)))
        if what == "sweep":
            return (*deed, patiently(lambda: lapse_order(db, order_id, later)))
        return (*deed, patiently(lambda: place(db, order_id, later)))

    done = at_once(act, deeds)
    orders = {order_id: order_of(container(client), order_id) for _, order_id in deeds}
    states = Counter(order.state for order in orders.values())
    sold = sum(outcome == "done" for what, _, outcome in done if what == "buy")
    assert states["confirmed"] + states["expired"] == 40
    assert (states["placed"], states["draft"]) == (sold, 20 - sold)
    held = sum(line.count("reserved") for order in orders.values() for line in order.lines)
    key = shop.sku, NODE
    assert read_balances(container(client), [key], consistent=True)[key].reserved == held <= 40
    assert held == states["confirmed"] + sold
    for what, order_id, outcome in done:
        if what == "pay":
            assert outcome == "done"
            order = orders[order_id]
            assert order.authorized in (0, totals(order).gross.minor)
            if order.state == "confirmed":
                assert order.authorized > 0


def pay(db: Database, order_id: str, shop: Shop) -> None:
    """The provider says that the order's payment is authorised; of one that ended, that it was."""

    def attempt() -> None:
        dossier = dossier_of(db, order_id)
        order = dossier.order
        gross, nothing = totals(order).gross, Money(0, "USD")
        seen = GatewayPayment(
            f"pi_{order_id}", order_id, 1, "authorized", gross, gross, nothing, nothing
        )
        if order.state not in ("placed", "confirmed"):
            seen = replace(seen, status="voided", authorized=nothing)
        facts = read_facts(db, order, shop.now)
        decision = observe(order, dossier.payment(seen.reference), seen, facts)
        if decision is not None:
            save(db, decision, shop.now)

    selling(db, shop.now, attempt)


def order_of(db: Database, order_id: str) -> Order:
    order = get_order(db, order_id)
    assert order is not None
    return order


def test_two_people_edit_one_cart_a_thousand_times(client: Any) -> None:
    """No edit is lost: each adds a unit of an article of his own, 500 times."""
    shops = [a_shop(client, 1_000) for _ in range(2)]
    (cart_id,) = shops[0].carts(1)
    before = order_of(container(client), cart_id)
    facts = read_facts(container(client), before, shops[0].now, *(shop.sku for shop in shops))

    def edit(person: int) -> None:
        db, sku = container(client), shops[person].sku
        for number in range(500):

            def attempt(number: int = number) -> None:
                asked = Command(f"{person}-{number}", "")
                save(db, cart.add(order_of(db, cart_id), sku, 1, facts, asked), facts.now)

            assert patiently(lambda attempt=attempt: until_fresh(attempt)) == "done"

    at_once(edit, [0, 1])
    order = order_of(container(client), cart_id)
    assert order.version == before.version + 1_000
    assert {line.sku: line.quantity for line in order.lines} == {
        shops[0].sku: 501,  # one was in it
        shops[1].sku: 500,
    }
