"""LedgerTable: how far the provider's payments were compared with the orders'.

RECONCILED          <gateway>       the window that was heard of, and where a pass and a review are
LISTED#<gateway>    <page>          what a review's page showed; the next review writes over it
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.reconciling import Progress
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, commit, put_version
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.store.orders import DUE_SHARDS, get_orders

_AT_ONCE = 100


def get_progress(db: Database, gateway: str) -> Progress:
    """How far it has come; from the beginning when it never ran."""
    item = db.get(db.ledger, "RECONCILED", gateway)
    return decode(Progress, item["progress"]) if item else Progress()


def save_progress(
    db: Database, gateway: str, after: Progress, listed: Iterable[str] | None = None
) -> None:
    """Commit how far it has come, and with it what a review's page has `listed`. Raises Stale when
    somebody else is at it, and Busy."""
    item = {"pk": "RECONCILED", "sk": gateway, "version": after.version}
    writes = [put_version(db.ledger, item | {"progress": encode(after)}, after.version - 1)]
    if listed is not None and after.review is not None:
        page = {"pk": f"LISTED#{gateway}", "sk": _page(after.review.pages)}
        writes.append(Write(db.ledger, "", page | {"payments": list(listed)}))
    commit(db.client, writes)


def get_listed(db: Database, gateway: str, pages: int) -> frozenset[str]:
    """What the review that is under way has listed, on `pages` pages so far. What lies behind them
    is an earlier one's."""
    items = db.query(db.ledger, f"LISTED#{gateway}")
    ours = (item["payments"] for item in items if item["sk"] <= _page(pages))
    return frozenset(reference for page in ours for reference in page)


def known_payments(db: Database, seen: Iterable[GatewayPayment]) -> dict[str, Payment]:
    """What orders have on record of payments, by reference, in one call for a hundred of them.
    Eventually consistent: whoever finds a difference reads again."""
    wanted = [(db.orders, f"ORD#{each.order_id}", f"PAY#{each.attempt:03d}") for each in seen]
    found = [decode(Payment, item["payment"]) for _, item in get_many(db.client, wanted)]
    return {payment.reference: payment for payment in found}


def held_payments(db: Database, after: str) -> tuple[list[Payment], str]:
    """The payments with the provider that orders under way count on being held (`Order.lapses`), of
    about a hundred orders after the place `after` ('' for the first), and the place to go on after,
    '' when there are no more. The index lags; whoever is told of one reads again."""
    shard, start = json.loads(after) if after else (0, None)
    names: list[str] = []
    while shard < DUE_SHARDS and len(names) < _AT_ONCE:
        query = {"ExclusiveStartKey": to_item(start)} if start else {}
        answer = db.client.query(
            TableName=db.orders,
            IndexName="by_due",
            KeyConditionExpression="due_shard = :shard",
            ExpressionAttributeValues=to_item({":shard": str(shard)}),
            Limit=_AT_ONCE - len(names),
            **query,
        )
        names += [from_item(item)["pk"].removeprefix("ORD#") for item in answer["Items"]]
        start = from_item(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None
        shard += start is None
    wanted = [
        (db.orders, f"ORD#{order.id}", f"PAY#{int(number):03d}")
        for order in get_orders(db, names)
        for number in order.lapses
    ]
    found = [decode(Payment, item["payment"]) for _, item in get_many(db.client, wanted)]
    return found, json.dumps([shard, start]) if shard < DUE_SHARDS else ""


def _page(number: int) -> str:
    return f"{number:06d}"
