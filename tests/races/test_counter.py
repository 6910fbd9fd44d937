"""Two tills of a store sell its last unit while an online order wants it too."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from parcelway.domain import counter, delivery
from parcelway.domain.commands import Command
from parcelway.domain.counter import OVERSOLD, Tender
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import advance
from parcelway.domain.parties import Actor
from parcelway.ports import clock
from parcelway.store.commit import until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from parcelway.store.stock import read_balances
from parcelway.store.stock_books import count
from parcelway.store.till import till_facts

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import Shop, new_names, place
from infra.bench.tables import container
from infra.verify import breaks
from tests.races.crowd import at_once, patiently

STORE = "store-dayton"


def sell(db: Database, order_id: str) -> None:
    """Sell a cart at the till, as the counter function does."""

    def attempt() -> None:
        order, now = get_order(db, order_id), clock.now()
        assert order is not None
        store = load_shop(db).nodes[STORE]
        facts = till_facts(db, order, store, now)
        decision = counter.sell(
            order,
            store,
            [Tender("cash", Money(1_000_000, order.currency))],
            facts,
            Command("sell", ""),
            Actor("staff", "till"),
            names=new_names(),
            expected_total=None,
        )
        save(db, decision, now)

    until_fresh(attempt)


@pytest.mark.parametrize("number", range(6))
def test_whoever_has_it_in_hand_has_it_and_every_other_claim_is_told_of(
    client: Any, number: int
) -> None:
    """The tills sell in any case. One claim at most counts on the unit that there is; each that
    goes beyond is flagged, and the order online has it or is told that there is none."""
    shop = Shop(container(client), 0, f"COUNTER-{number}")
    count(shop.db, shop.sku, STORE, 9, shop.now, "opening")
    tills, online = shop.carts(2), shop.carts(1)
    facts = read_facts(shop.db, get_order(shop.db, online[0]) or pytest.fail(), shop.now)
    for cart in (*tills, *online):
        order = get_order(shop.db, cart)
        assert order is not None
        if cart in tills:
            save(shop.db, Decision(advance(order, channel="in_person")), shop.now)
        else:
            save(shop.db, delivery.pick_up_at(order, STORE, "store-pickup", "", facts), shop.now)
    count(shop.db, shop.sku, STORE, 1, clock.now(), "the last one")
    contended, here = ConflictWindow(client, 0.002), threading.local()

    def claim(cart: str) -> str:
        here.db = getattr(here, "db", None) or container(contended)
        if cart in tills:
            return patiently(lambda: sell(here.db, cart))
        return patiently(lambda: place(here.db, cart, clock.now()))

    first, second, third = at_once(claim, [*tills, *online])
    assert (first, second) == ("done", "done")
    assert third in ("done", "out-of-stock")
    sold = [order for order in map(lambda id: get_order(shop.db, id), tills) if order]
    flagged = sum(alert.code == OVERSOLD for order in sold for alert in order.alerts)
    balance = read_balances(shop.db, [(shop.sku, STORE)], consistent=True)[shop.sku, STORE]
    assert (balance.on_hand, balance.reserved) == (-1, int(third == "done"))
    assert flagged + (third == "out-of-stock") == 2, (flagged, third)
    found = breaks(shop.db, clock.now())
    mine = {*tills, *online}
    wrong = [each for each in found if each.subject in mine and each.kind != "invoice.missing"]
    assert [str(each) for each in wrong] == []  # nobody numbers invoices here
