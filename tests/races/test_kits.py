"""Two kits and a loose article that share components: as many are sold as the components allow, and
nobody gets a part of a kit."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue, stock_books
from parcelway.store.database import Database
from parcelway.store.saving import save
from parcelway.store.selling import read_facts, selling
from parcelway.store.shop import load_shop, put_settings
from parcelway.store.stock import read_balances

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import NODE, Shop, place
from infra.bench.tables import container
from infra.verify import breaks
from tests.races.crowd import at_once, patiently
from tests.races.test_tables import order_of

_numbers = count(1)
BUYERS = 200


@pytest.fixture(autouse=True)
def exact(client: Any) -> Iterator[None]:
    """Whatever the race was: the books add up. Nobody sends mails here."""
    yield
    found = breaks(container(client), clock.now() + timedelta(hours=3))
    assert [str(f) for f in found if not f.kind.startswith(("mail.", "order.overdue"))] == []


class Kits:
    """A shop with an article that two kits have, each together with one of its own."""

    def __init__(self, client: Any) -> None:
        name = f"SHARED-{next(_numbers)}"
        self.shop = Shop(container(client), 120, name)
        self.db, self.now = self.shop.db, self.shop.now
        self.stock = {name: 120, f"{name}-B": 35, f"{name}-C": 50}
        loose, b, c = self.stock
        price = Money(1000, "USD")
        articles = [Product(sku, sku, price, tax_category="general") for sku in (b, c)]
        made = {f"{name}-K1": {loose: 2, b: 1}, f"{name}-K2": {loose: 1, c: 1}}
        kits = [Product(sku, sku, price, components=parts) for sku, parts in made.items()]
        catalogue.upsert(self.db, [*articles, *kits], self.now)
        for sku in (b, c):
            stock_books.count(self.db, sku, NODE, self.stock[sku], self.now, "opening")
        self.needs: Mapping[str, Mapping[str, int]] = {**made, loose: {loose: 1}}

    def wish(self, number: int) -> str:
        """What the buyer of a number wants one of: as many a kit as the other, fewer it alone."""
        first, second, loose = self.needs
        return (first, second, first, second, loose)[number % 5]

    def carts(self, filled: bool) -> list[tuple[str, str]]:
        """A cart for each buyer, ready to be placed, with what they want."""
        found = []
        for number, cart_id in enumerate(self.shop.carts(BUYERS)):
            order, wish = order_of(self.db, cart_id), self.wish(number)
            facts = read_facts(self.db, order, self.now, wish)
            order = cart.set_quantity(order, self.shop.sku, 0, facts).order
            if filled:
                order = cart.set_quantity(order, wish, 1, facts).order
            save(self.db, Decision(replace(order, version=2)), self.now)
            found.append((cart_id, wish))
        return found

    def check(self, carts: list[tuple[str, str]], outcomes: list[str]) -> None:
        """Who got something has all of it, and nobody who did not could have."""
        assert set(outcomes) == {"done", "out-of-stock"}
        held: Counter[str] = Counter()
        for (cart_id, wish), outcome in zip(carts, outcomes, strict=True):
            order = order_of(self.db, cart_id)
            reserved = {line.sku: line.count("reserved") for line in order.lines}
            got = {sku: units for sku, units in reserved.items() if units}
            assert got == (self.needs[wish] if outcome == "done" else {})
            held.update(got)
        found = read_balances(self.db, [(sku, NODE) for sku in self.stock], consistent=True)
        left = {sku: found[sku, NODE].available for sku in self.stock}
        assert {sku: self.stock[sku] - held[sku] for sku in self.stock} == left
        refused = {
            wish for (_, wish), outcome in zip(carts, outcomes, strict=True) if outcome != "done"
        }
        for wish in refused:
            assert any(left[sku] < units for sku, units in self.needs[wish].items()), wish


def raced(client: Any, work: Callable[[Database, str, str], object], carts: Any) -> list[str]:
    contended, here = ConflictWindow(client, 0.002), threading.local()

    def buy(wanted: tuple[str, str]) -> str:
        here.db = getattr(here, "db", None) or container(contended)
        return patiently(lambda: work(here.db, *wanted))

    outcomes = at_once(buy, carts)
    assert contended.conflicts > 5  # it was a race
    return outcomes


def test_two_hundred_buyers_place_kits_that_share_components(client: Any) -> None:
    shop = Kits(client)
    carts = shop.carts(filled=True)
    outcomes = raced(client, lambda db, cart_id, _: place(db, cart_id, shop.now), carts)
    shop.check(carts, outcomes)


def test_two_hundred_buyers_put_kits_that_share_components_in_their_carts(
    client: Any,
) -> None:
    """Held when put in the cart: all of a kit by one transaction."""
    shop = Kits(client)
    carts = shop.carts(filled=False)
    before = load_shop(shop.db).settings
    put_settings(shop.db, replace(before, reservation_policy={"online": "on_cart"}))

    def fill(db: Database, cart_id: str, wish: str) -> None:
        def attempt() -> None:
            order = order_of(db, cart_id)
            facts = read_facts(db, order, shop.now, wish, stock=(wish,))
            save(db, cart.add(order, wish, 1, facts, Command("put", "")), shop.now)

        selling(db, shop.now, attempt)

    try:
        outcomes = raced(client, fill, carts)
    finally:
        put_settings(shop.db, before)
    shop.check(carts, outcomes)
