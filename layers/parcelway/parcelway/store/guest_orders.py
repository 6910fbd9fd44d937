"""OrdersTable: placed orders of guests, by the mailbox they are for.

    GUEST#<digest of the normalised address>    <order id>

Written with the order, and deleted in the transaction that makes it its customer's: what is there
is still to be claimed, whatever broke off before. The address itself is not in the key.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from parcelway.domain.customer import Customer
from parcelway.domain.guest_orders import claimed
from parcelway.store.commit import Write, commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_order, guest_key
from parcelway.store.saving import writes

_AT_ONCE = 20  # orders; a request has no time for more, and the next one goes on


def unclaimed(db: Database, email_key: str) -> list[str]:
    """Ids of guests' orders for a mailbox that are nobody's yet, some when there are many."""
    items, _ = db.page(db.orders, guest_key(email_key, "")["pk"], _AT_ONCE)
    return [item["sk"] for item in items]


def claim(db: Database, customer: Customer, order_ids: list[str], now: datetime) -> None:
    """Make guests' orders those of the customer whose mailbox they are for. Raises Busy.

    It may break off anywhere and be done again, also twice at the same time.
    """
    for order_id in order_ids:
        until_fresh(partial(_claim, db, customer, order_id, now))


def _claim(db: Database, customer: Customer, order_id: str, now: datetime) -> None:
    order = get_order(db, order_id)
    decision = claimed(order, customer, now) if order else None
    if decision is not None:
        gone = Write(db.orders, "", key=guest_key(customer.email_key, order_id))
        commit(db.client, [*writes(db, decision, now), gone])
