"""What a sale over the counter is decided on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from parcelway.domain.counter import oversold
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.shop import Node
from parcelway.store import shards
from parcelway.store.commit import Stale
from parcelway.store.database import Database
from parcelway.store.selling import read_facts
from parcelway.store.stock import read_balances


def till_facts(db: Database, order: Order, store: Node, now: datetime) -> Facts:
    """The facts with the store's balances as they are.

    One that is kept on several items is put together where more is sold than is there: on which of
    them would it be missing? Raises Stale then, and Busy.
    """
    facts = read_facts(db, order, now, stock=())
    places = [(line.sku, store.id) for line in order.lines]
    facts = replace(facts, balances=read_balances(db, places, consistent=True))
    if order.account:
        from parcelway.store.accounts import account_of  # few are of one

        facts = replace(facts, account=account_of(db, order.account))
    for sku in oversold(order, store.id, facts.balances):
        if len(shards.known(db, sku, store.id)) > 1:
            shards.merge(db, sku, store.id)
            raise Stale
    return facts
