"""Crowds for units that are not there: who is promised what, who is served, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from parcelway.domain import cancellation, cart, delivery, stock_books
from parcelway.domain.authorization import observe
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document
from parcelway.domain.stock_books import Booking
from parcelway.ports import clock
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database
from parcelway.store.queues import serve
from parcelway.store.saving import save
from parcelway.store.selling import lapse_order, read_facts, selling
from parcelway.store.stock import read_balances
from parcelway.store.stock_books import book

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import NODE, Shop, place
from infra.bench.tables import container
from infra.verify import breaks
from tests.orders import dossier_of
from tests.races.crowd import at_once, patiently

_numbers, _papers = count(1), count(1)
_HOURS = timedelta(hours=1)


@pytest.fixture(autouse=True)
def exact(client: Any) -> Iterator[None]:
    """Whatever the race was: the books and the queues add up. Nobody sends mails here."""
    yield
    found = breaks(container(client), clock.now() + timedelta(hours=3))
    told = [str(f) for f in found if not f.kind.startswith(("mail.", "order.overdue"))]
    assert told == []


def a_shop(client: Any, units: int, **expected: tuple[int, int]) -> Shop:
    """With one article; `expected` by reference: in how many days, and how many."""
    shop = Shop(container(client), units, f"LATE-{next(_numbers)}")
    for reference, (days, quantity) in expected.items():
        due = day(shop, days)
        books(
            shop,
            lambda b, r=reference, d=due, n=quantity: stock_books.announce(b, r, d, n, shop.now),
        )
    return shop


def day(shop: Shop, days: int) -> date:
    return shop.now.date() + timedelta(days=days)


def books(
    shop: Shop, decide: Callable[[Balance], Booking | None], db: Database | None = None
) -> None:
    """Book a document about the shop's article."""
    reference, key = f"stk_{next(_papers)}", (shop.sku, NODE)
    said = Document("supply", "somebody", reference)
    book(db or shop.db, reference, said, shop.now, [key], lambda all_: decide(all_[key]), {})


def receives(shop: Shop, db: Database, quantity: int, supply: str) -> None:
    """Units come in, and StockTable's stream tells."""
    books(shop, lambda b: stock_books.receive(b, quantity, supply), db)
    serve(db, shop.sku, NODE, shop.now)


def carts(shop: Shop, number: int, *wanted: Mapping[str, int]) -> list[str]:
    """Ids of so many carts whose customers wait, ready to be placed: what is in them in turn."""
    ids = shop.carts(number)
    for index, cart_id in enumerate(ids):
        order = order_of(shop.db, cart_id)
        goods = wanted[index % len(wanted)]
        facts = read_facts(shop.db, order, shop.now, *goods)
        for sku, units in goods.items():
            order = cart.set_quantity(order, sku, units, facts).order
        if shop.sku not in goods:
            order = cart.set_quantity(order, shop.sku, 0, facts).order
        order = cart.describe(order, facts, shortage="ship_available").order
        save(shop.db, Decision(replace(order, version=2)), shop.now)
    return ids


def order_of(db: Database, order_id: str) -> Order:
    return dossier_of(db, order_id).order


def pay(db: Database, order_id: str, now: datetime) -> None:
    """The provider holds the money; of an order that ended, it held it."""

    def attempt() -> None:
        dossier = dossier_of(db, order_id)
        gross, nothing = totals(dossier.order).gross, Money(0, "USD")
        seen = GatewayPayment(
            f"pi_{order_id}", order_id, 1, "authorized", gross, gross, nothing, nothing
        )
        if dossier.order.state not in ("placed", "confirmed"):
            seen = replace(seen, status="voided", authorized=nothing)
        facts = read_facts(db, dossier.order, now)
        decision = observe(dossier.order, dossier.payment(seen.reference), seen, facts)
        if decision is not None:
            save(db, decision, now)

    selling(db, now, attempt)


def cancel(db: Database, order_id: str, now: datetime) -> None:
    def attempt() -> None:
        dossier = dossier_of(db, order_id)
        made = cancellation.cancel(dossier.order, dossier.shipments, "changed", SYSTEM, now)
        save(db, made, now)

    until_fresh(attempt)


def mixed(deeds: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """In a random order, the same every time."""
    deeds = list(deeds)
    Random(seed).shuffle(deeds)
    return deeds


def units(orders: Sequence[Order], sku: str, stage: str) -> Counter[date | None]:
    """Units of a SKU in a stage, by the day they are promised for."""
    counts: Counter[date | None] = Counter()
    for order in orders:
        line = order.line(sku)
        for portion in line.portions if line else ():
            if portion.stage == stage:
                counts[portion.due] += portion.quantity
    return counts


def test_two_hundred_buyers_are_promised_what_is_there_and_what_comes(client: Any) -> None:
    """Two articles, alone and together: exactly those units, and of each day no more than comes."""
    one = a_shop(client, 20, first=(3, 15), second=(7, 10))
    two = a_shop(client, 30, only=(5, 12))
    ids = carts(one, 200, {one.sku: 1}, {two.sku: 1}, {one.sku: 1, two.sku: 1})
    contended = ConflictWindow(client, 0.002)

    def buy(order_id: str) -> str:
        return patiently(lambda: place(container(contended), order_id, one.now))

    outcomes = Counter(at_once(buy, ids))
    orders = [order_of(one.db, order_id) for order_id in ids]
    assert set(outcomes) == {"done", "out-of-stock"}
    assert units(orders, one.sku, "reserved").total() == 20
    assert units(orders, one.sku, "backordered") == {day(one, 3): 15, day(one, 7): 10}
    assert units(orders, two.sku, "reserved").total() == 30
    assert units(orders, two.sku, "backordered") == {day(two, 5): 12}
    assert contended.conflicts > 5  # it was a race


def queued(
    client: Any, number: int, quantity: int = 1, **expected: tuple[int, int]
) -> tuple[Shop, list[str]]:
    """A shop in which so many wait, a minute after each other; nothing is there."""
    shop = a_shop(client, 0, **expected)
    ids = carts(shop, number, {shop.sku: quantity})
    for index, order_id in enumerate(ids):
        place(shop.db, order_id, shop.now + timedelta(minutes=index))
    return shop, ids


def test_many_servers_of_one_queue_keep_its_order_and_fill_each_unit_once(client: Any) -> None:
    """Thirty-one units come one by one, each told three times over: fifteen orders of two are
    served, the sixteenth in part, and nobody behind it."""
    shop, ids = queued(client, 24, 2, only=(3, 60))
    contended = ConflictWindow(client, 0.001)

    def act(what: str) -> str:
        db = container(contended)
        if what == "receive":
            return patiently(lambda: books(shop, lambda b: stock_books.receive(b, 1, "only"), db))
        return patiently(lambda: serve(db, shop.sku, NODE, shop.now))

    deeds = mixed([("receive", "")] * 31 + [("serve", "")] * 62, 1)
    assert set(at_once(lambda deed: act(deed[0]), deeds, 12)) == {"done"}
    assert patiently(lambda: serve(shop.db, shop.sku, NODE, shop.now)) == "done"
    orders = [order_of(shop.db, order_id) for order_id in ids]
    held = [sum(line.count("reserved") for line in order.lines) for order in orders]
    assert held == [2] * 15 + [1] + [0] * 8
    assert contended.conflicts > 5


def test_receipts_race_cancellations(client: Any) -> None:
    """Every second one of twenty calls it off while the goods come: the others are served."""
    shop, ids = queued(client, 20, only=(3, 20))
    for order_id in ids:
        pay(shop.db, order_id, shop.now)
    contended = ConflictWindow(client, 0.002)

    def act(deed: tuple[str, str]) -> str:
        db, (what, order_id) = container(contended), deed
        if what == "cancel":
            return patiently(lambda: cancel(db, order_id, shop.now))
        return patiently(lambda: receives(shop, db, 2, "only"))

    deeds = [("cancel", order_id) for order_id in ids[::2]] + [("receive", "")] * 5
    assert set(at_once(act, mixed(deeds, 2), 15)) == {"done"}
    assert patiently(lambda: serve(shop.db, shop.sku, NODE, shop.now)) == "done"
    for order_id in ids:
        pay(shop.db, order_id, shop.now)  # what was held for those who do not want it is let go
    orders = [order_of(shop.db, order_id) for order_id in ids]
    assert [order.state for order in orders] == ["cancelled", "confirmed"] * 10
    assert units(orders, shop.sku, "reserved").total() == 10
    (balance,) = read_balances(shop.db, [(shop.sku, NODE)], consistent=True).values()
    assert (balance.on_hand, balance.reserved, balance.backordered) == (10, 10, 0)


def test_expiry_races_receipts_payments_and_newcomers(client: Any) -> None:
    """Twenty-four wait unpaid and their time is over: each is paid, swept and served at once, and
    somebody else wants the units. Whatever is given back goes to who waits, or is sold anew."""
    shop, ids = queued(client, 24, only=(3, 30))
    later = shop.now + 2 * _HOURS
    wanted = carts(shop, 12, {shop.sku: 1})
    contended = ConflictWindow(client, 0.002)

    def act(deed: tuple[str, str]) -> str:
        db, (what, order_id) = container(contended), deed
        if what == "pay":
            return patiently(lambda: pay(db, order_id, later))
        if what == "sweep":
            return patiently(lambda: lapse_order(db, order_id, later))
        if what == "buy":
            return patiently(lambda: place(db, order_id, later))
        return patiently(lambda: receives(shop, db, 3, "only"))

    deeds = [(what, order_id) for what in ("pay", "sweep") for order_id in ids]
    deeds += [("buy", order_id) for order_id in wanted] + [("receive", "")] * 6
    assert set(at_once(act, mixed(deeds, 3), 24)) <= {"done", "out-of-stock"}
    assert patiently(lambda: serve(shop.db, shop.sku, NODE, later)) == "done"
    orders = [order_of(shop.db, order_id) for order_id in (*ids, *wanted)]
    states = Counter(order.state for order in orders)
    assert states["confirmed"] + states["expired"] == 24
    live = states["confirmed"] + states["placed"]
    held = units(orders, shop.sku, "reserved").total()
    waiting = units(orders, shop.sku, "backordered").total()
    assert held + waiting == live <= 30
    assert held == min(18, live)


def test_a_cart_in_two_tabs_cannot_count_on_the_same_units_twice(client: Any) -> None:
    """Lines of one SKU are one line, and its deliveries draw from one stock."""
    shop = a_shop(client, 3)
    (cart_id,) = shop.carts(1)

    def add(tab: int) -> str:
        db = container(client)

        def attempt() -> None:
            order = order_of(db, cart_id)
            facts = read_facts(db, order, shop.now, shop.sku)
            save(db, cart.add(order, shop.sku, 2, facts, Command(f"tab {tab}", "")), shop.now)

        return patiently(lambda: selling(db, shop.now, attempt))

    assert sorted(at_once(add, [0, 1])) == ["done", "out-of-stock"]
    order = order_of(shop.db, cart_id)
    assert [(line.sku, line.quantity) for line in order.lines] == [(shop.sku, 3)]
    facts = read_facts(shop.db, order, shop.now)
    address = order.group.address
    assert address is not None
    there = replace(address, city="Louisville", region="KY", postal_code="40202")
    wanted = [
        delivery.Wanted("parcel-standard", where, lines=((shop.sku, quantity),))
        for where, quantity in ((address, 2), (there, 1))
    ]
    divided = delivery.divide(order, wanted, facts).order
    save(shop.db, Decision(divided), shop.now)
    (other,) = shop.carts(1)
    assert place(shop.db, other, shop.now).state == "placed"  # one of the three is gone
    with pytest.raises(Refusal) as refused:
        place(shop.db, cart_id, shop.now)
    assert refused.value.reason is Reason.OUT_OF_STOCK
    assert refused.value.facts["lines"] == [
        {"line": 1, "sku": shop.sku, "wanted": 3, "available": 2}
    ]
