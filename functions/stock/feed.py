"""A stock feed: what another system counts and sells, many balances at a time.

A row is a document of its own. Rows about different balances are booked 20 to a transaction, which
takes three calls; those about one balance one after the other. So 500 rows about as many balances
are 75 calls, and 500 rows in the worst order that `forms.Feed` lets in are 210, where one by one
they were 1,500: API Gateway waits for 29 seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from forms import FeedRow
from parcelway.domain import stock_books
from parcelway.domain.catalogue import Product, require_stock_kept
from parcelway.domain.ids import derived
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document
from parcelway.domain.stock_books import Booking
from parcelway.http.call import Call
from parcelway.store.catalogue import costs_of
from parcelway.store.database import Database
from parcelway.store.stock_books import Booked, Row, book_rows
from views import RowView


def feed_rows(
    db: Database,
    call: Call[Any],
    rows: Sequence[FeedRow],
    products: Mapping[str, Product],
    nodes: Collection[str],
) -> list[RowView]:
    """Book the rows of a feed, but for those that are refused. Raises Busy."""
    refused = {n: why for n, row in enumerate(rows) if (why := _unknown(row, products, nodes))}
    asked = {n: _row(call, n, row) for n, row in enumerate(rows) if n not in refused}
    done = book_rows(db, list(asked.values()), call.now, costs_of(products))
    found: dict[int, Booked | Refusal] = {**refused, **dict(zip(asked, done, strict=True))}
    return [_view(number, found[number], asked.get(number)) for number in range(len(rows))]


def _view(number: int, found: Booked | Refusal, asked: Row | None) -> RowView:
    if isinstance(found, Refusal) or asked is None:
        assert isinstance(found, Refusal)
        return RowView(number, False, None, None, found.reason.value, found.detail)
    available = found.balances[asked.key].available
    return RowView(number, True, asked.reference, available, None, None)


def _unknown(
    row: FeedRow, products: Mapping[str, Product], nodes: Collection[str]
) -> Refusal | None:
    if row.sku not in products:
        return Refusal(Reason.UNKNOWN_SKU, f"There is no product {row.sku}.")
    if row.node not in nodes:
        return Refusal(Reason.UNKNOWN_NODE, f"There is no node {row.node}.")
    try:
        require_stock_kept(products[row.sku])
    except Refusal as refusal:
        return refusal
    return None


def _row(call: Call[Any], number: int, row: FeedRow) -> Row:
    source, key = row.source or "", (row.sku, row.node)
    reference = derived("stk", call.caller.subject, call.command.key, f"{number}")
    if source:
        reference = derived("stk", "source", *key, source)
    fingerprint = f"{row.mode}/{row.quantity}/{row.as_of.isoformat() if row.as_of else ''}"
    document = Document("feed", call.caller.subject, fingerprint, source=source)
    return Row(reference, document, key, lambda balance: _decide(row, balance, call))


def _decide(row: FeedRow, balance: Balance, call: Call[Any]) -> Booking:
    if row.mode == "delta":
        return stock_books.adjust(balance, row.quantity)
    if row.as_of is None or row.quantity < 0:
        raise Refusal(Reason.INVALID, "An absolute row has a quantity of its time `as_of`.")
    return stock_books.count(balance, row.quantity, row.as_of, call.now)
