"""One row of a stock feed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from forms import FeedRow
from parcelway.domain import stock_books
from parcelway.domain.ids import derived
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document
from parcelway.domain.stock_books import Booking
from parcelway.http.call import Call
from parcelway.store.database import Database
from parcelway.store.stock_books import book
from views import RowView


def feed_row(
    db: Database,
    call: Call[Any],
    number: int,
    row: FeedRow,
    skus: Collection[str],
    nodes: Collection[str],
) -> RowView:
    """Book row `number` of a feed, unless it is refused. Raises Busy."""
    try:
        reference, balance = _book(db, call, number, row, skus, nodes)
    except Refusal as refusal:
        return RowView(number, False, None, None, refusal.reason.value, refusal.detail)
    return RowView(number, True, reference, balance.available, None, None)


def _book(
    db: Database,
    call: Call[Any],
    number: int,
    row: FeedRow,
    skus: Collection[str],
    nodes: Collection[str],
) -> tuple[str, Balance]:
    if row.sku not in skus:
        raise Refusal(Reason.UNKNOWN_SKU, f"There is no product {row.sku}.")
    if row.node not in nodes:
        raise Refusal(Reason.UNKNOWN_NODE, f"There is no node {row.node}.")
    source, key = row.source or "", (row.sku, row.node)
    reference = derived("stk", call.caller.subject, call.command.key, f"{number}")
    if source:
        reference = derived("stk", "source", *key, source)
    fingerprint = f"{row.mode}/{row.quantity}/{row.as_of.isoformat() if row.as_of else ''}"
    document = Document("feed", call.caller.subject, fingerprint, source=source)
    done = book(
        db, reference, document, call.now, [key], lambda all_: _decide(row, all_[key], call)
    )
    return reference, done.balances[key]


def _decide(row: FeedRow, balance: Balance, call: Call[Any]) -> Booking:
    if row.mode == "delta":
        return stock_books.adjust(balance, row.quantity)
    if row.as_of is None or row.quantity < 0:
        raise Refusal(Reason.INVALID, "An absolute row has a quantity of its time `as_of`.")
    return stock_books.count(balance, row.quantity, row.as_of, call.now)
