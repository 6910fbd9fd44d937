"""Several orders at once want what is on one gift card."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

from parcelway.domain import checkout
from parcelway.domain.commands import Command
from parcelway.domain.gift_cards import put_on
from parcelway.ports import clock
from parcelway.store.commit import commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.gift_cards import cards_of, get_card, issue_writes
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import Shop
from infra.bench.tables import container
from infra.verify import breaks
from tests.domain.paying import issued
from tests.races.crowd import at_once, patiently


def pay_by_card(db: Database, order_id: str) -> None:
    """Place a cart whose gift card is to pay for it."""

    def attempt() -> None:
        order, now = get_order(db, order_id), clock.now()
        assert order is not None
        facts = replace(read_facts(db, order, now), cards=cards_of(db, order))
        names = (checkout.Names(f"PW-{order_id}", "link"), checkout.Names("PW-2", "link"))
        asked = Command("place", "")
        save(db, checkout.place(order, facts, asked, names=names, expected_total=None), now)

    until_fresh(attempt)


def test_one_order_gets_what_is_on_the_card(client: Any) -> None:
    """The others are told that it has less by now: they are asked for no more than was shown."""
    shop = Shop(container(client), 50, "RACE-GIFT")
    change, posting = issued(50, "race", shop.now)
    commit(shop.db.client, issue_writes(shop.db, change, posting))
    carts = shop.carts(12)
    for cart in carts:
        order = get_order(shop.db, cart)
        assert order is not None
        made = put_on(order, change.card, shop.now)
        assert made is not None
        save(shop.db, made, shop.now)
    contended = ConflictWindow(client, 0.002)
    here = threading.local()

    def pay(cart: str) -> str:
        here.db = getattr(here, "db", None) or container(contended)
        return patiently(lambda: pay_by_card(here.db, cart))

    assert Counter(at_once(pay, carts)) == {"done": 1, "gift-card-unusable": 11}
    card = get_card(shop.db, change.card.id)
    assert card is not None
    assert (card.balance, card.version) == (0, 2)
    orders = [get_order(shop.db, cart) for cart in carts]
    assert sorted(order.secured for order in orders if order) == [0] * 11 + [50]
    found = breaks(shop.db, clock.now())
    assert [str(each) for each in found if each.kind.startswith(("money", "gift"))] == []
