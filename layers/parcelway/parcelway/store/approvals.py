"""OrdersTable, a partition per business account: the drafts that its approvers are asked about.

APPROVALS#<account>      <time>#<approval>      -> order

Written in the transaction that changes the draft, which has the approval itself, and deleted when
it is decided on or asked anew. Those that came to nothing, because the cart changed or was placed
without, are left out by whoever reads, and go with their drafts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from parcelway.domain.account import Approval
from parcelway.domain.account_rules import standing
from parcelway.domain.decision import Decision
from parcelway.domain.order import Order
from parcelway.store.codec import iso
from parcelway.store.commit import Write
from parcelway.store.database import Database
from parcelway.store.orders import get_orders


def partition(account_id: str) -> str:
    """The partition of an account."""
    return f"APPROVALS#{account_id}"


def waiting(
    db: Database, account_id: str, limit: int, start: Mapping[str, Any] | None
) -> tuple[list[Order], dict[str, Any] | None]:
    """A page of drafts that wait for an approver's word, the oldest question first, and the key of
    the last one when there are more."""
    items, more = db.page(db.orders, partition(account_id), limit, start)
    orders = {order.id: order for order in get_orders(db, [item["order_id"] for item in items])}
    found = [
        order
        for item in items
        if (order := orders.get(item["order_id"])) is not None
        and order.approval is not None
        and item["sk"] == _sk(order.approval)
        and order.state == "draft"
        and order.account == account_id
        and standing(order) == "asked"
    ]
    return found, more


def writes(db: Database, decision: Decision, expires: int) -> Iterable[Write]:
    """What a decision does to the list. The draft's own condition orders such writes."""
    order = decision.order
    if decision.asking:
        key = {"pk": partition(order.account), "sk": _sk(decision.asking)}
        yield Write(db.orders, "", key | {"order_id": order.id, "expires": expires})
    if decision.asked:
        yield Write(db.orders, "", key={"pk": partition(order.account), "sk": _sk(decision.asked)})


def _sk(approval: Approval) -> str:
    return f"{iso(approval.asked_at)}#{approval.id}"
