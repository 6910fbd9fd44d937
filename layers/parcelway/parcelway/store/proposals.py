"""OrdersTable, partition PROPOSALS: adjustments that wait for somebody's decision.

PROPOSALS      <time>#<adjustment>      -> order

Written and deleted in the transaction that changes the order, which has the proposal itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from parcelway.domain.adjustment import Adjustment
from parcelway.domain.decision import Decision
from parcelway.domain.order import Order
from parcelway.store.codec import iso
from parcelway.store.commit import Write
from parcelway.store.database import Database
from parcelway.store.orders import get_orders

PK = "PROPOSALS"


def waiting(
    db: Database, limit: int, start: Mapping[str, Any] | None
) -> tuple[list[tuple[Order, Adjustment]], dict[str, Any] | None]:
    """A page of proposals with their drafts, the oldest first, and the key of the last one when
    there are more. Ones that were decided on between the two reads are left out."""
    items, more = db.page(db.orders, PK, limit, start)
    orders = {order.id: order for order in get_orders(db, _unique(items))}
    found = [
        (order, each)
        for item in items
        if (order := orders.get(item["order_id"])) is not None
        for each in order.adjustments
        if item["sk"] == _sk(each) and each.status == "proposed"
    ]
    return found, more


def writes(db: Database, decision: Decision, expires: int) -> Iterable[Write]:
    """What a decision does to the list; a proposal is on it as long as its draft is kept. The
    draft's own condition orders such writes."""
    if decision.proposed:
        key = {"pk": PK, "sk": _sk(decision.proposed)}
        yield Write(db.orders, "", key | {"order_id": decision.order.id, "expires": expires})
    if decision.settled:
        yield Write(db.orders, "", key={"pk": PK, "sk": _sk(decision.settled)})


def _sk(proposal: Adjustment) -> str:
    return f"{iso(proposal.at)}#{proposal.id}"


def _unique(items: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(item["order_id"] for item in items))
