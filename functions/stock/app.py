"""The stock books: what the shop's people and tills tell them, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from forms import Adjustment, Count, Expectation, Kept, Papers, Receipt, Return, Some
from parcelway.domain import stock_books
from parcelway.domain.ids import derived
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document, Entry, Expected, Move, Supply
from parcelway.domain.stock_books import Booking
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.store import catalogue
from parcelway.store.database import database
from parcelway.store.shop import load_shop
from parcelway.store.stock import balances_of, history
from parcelway.store.stock_books import Booked, book
from parcelway.values import dataclass

api = Api("stock")
handler = api
db = cache(database)

WAREHOUSE = staff("warehouse", "admin")
_PLACE = "/stock/{sku}/nodes/{node}"
B = TypeVar("B", bound=Papers)


@dataclass(frozen=True, slots=True)
class BalanceView:
    """The counters of a SKU at a node. `available` may be promised to a newcomer; it is negative
    when more was promised than is there and expected. `short` tells that units are missing which
    the books have promised or sold."""

    node: str
    on_hand: int
    reserved: int
    allocated: int
    backordered: int
    damaged: int
    safety: int
    available: int
    short: bool
    supplies: list[Supply]
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class StockView:
    """A SKU at all nodes that have, expect or owe it."""

    sku: str
    balances: list[BalanceView]


@dataclass(frozen=True, slots=True)
class EntryView:
    """A document in the journal: units moved and supplies announced.

    `oversold` are units that were sold and, by the books, not there.
    """

    reference: str
    kind: str
    at: datetime
    by: str
    reason: str
    source: str
    moves: list[Move]
    expected: list[Expected]
    oversold: int


@dataclass(frozen=True, slots=True)
class BookedView:
    """The document as it was booked (none when there was nothing to book), and the balance now."""

    entry: EntryView | None
    balance: BalanceView


@dataclass(frozen=True, slots=True)
class JournalView:
    """A page of documents, newest first."""

    entries: list[EntryView]
    next_cursor: str | None


@api.route("GET", "/stock/{sku}", who=WAREHOUSE, reply=StockView)
def show(call: Call[None]) -> StockView:
    """A SKU's stock at every node."""
    sku = call.path["sku"]
    _require_sku(sku)
    balances = sorted(balances_of(db(), sku), key=lambda balance: balance.node)
    return StockView(sku, [_balance_view(balance) for balance in balances])


@api.route("GET", f"{_PLACE}/journal", who=WAREHOUSE, query=Page, reply=JournalView)
def journal(call: Call[None]) -> JournalView:
    """The documents booked on a balance.

    What orders take and give back is told by the orders.
    """
    sku, node = _place(call)
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=f"HIS#{sku}#{node}")
    entries, more = history(db(), sku, node, call.query.limit, start)
    return JournalView([_entry_view(entry) for entry in entries], to_cursor(more))


@api.route("POST", f"{_PLACE}/receipts", who=WAREHOUSE, body=Receipt, reply=BookedView, key=True)
def receive(call: Call[Receipt]) -> BookedView:
    """Units came in."""
    told = call.body
    return _document(
        call, "receipt", lambda b: stock_books.receive(b, told.quantity, told.supply or "")
    )


@api.route("POST", f"{_PLACE}/returns", who=WAREHOUSE, body=Return, reply=BookedView, key=True)
def take_back(call: Call[Return]) -> BookedView:
    """Units came back from a customer."""
    told = call.body
    return _document(
        call, "return", lambda b: stock_books.take_back(b, told.quantity, damaged=told.damaged)
    )


@api.route(
    "POST", f"{_PLACE}/adjustments", who=WAREHOUSE, body=Adjustment, reply=BookedView, key=True
)
def adjust(call: Call[Adjustment]) -> BookedView:
    """The books are corrected."""
    told = call.body
    return _document(
        call, "adjustment", lambda b: stock_books.adjust(b, told.quantity), told.reason
    )


@api.route("POST", f"{_PLACE}/counts", who=WAREHOUSE, body=Count, reply=BookedView, key=True)
def count(call: Call[Count]) -> BookedView:
    """Units were counted; what is held for orders stays held."""
    told = call.body
    return _document(
        call, "count", lambda b: stock_books.count(b, told.quantity, told.counted_at, call.now)
    )


@api.route("POST", f"{_PLACE}/sales", who=WAREHOUSE, body=Some, reply=BookedView, key=True)
def sell(call: Call[Some]) -> BookedView:
    """Units were sold over the counter; it is booked even when the books do not have them."""
    return _document(call, "sale", lambda b: stock_books.sell(b, call.body.quantity))


@api.route("POST", f"{_PLACE}/damage", who=WAREHOUSE, body=Some, reply=BookedView, key=True)
def damage(call: Call[Some]) -> BookedView:
    """Units broke; they stay, and are not sold."""
    return _document(call, "damage", lambda b: stock_books.damage(b, call.body.quantity))


@api.route("POST", f"{_PLACE}/repairs", who=WAREHOUSE, body=Some, reply=BookedView, key=True)
def repair(call: Call[Some]) -> BookedView:
    """Damaged units are whole again."""
    return _document(call, "repair", lambda b: stock_books.repair(b, call.body.quantity))


@api.route("POST", f"{_PLACE}/scrap", who=WAREHOUSE, body=Some, reply=BookedView, key=True)
def scrap(call: Call[Some]) -> BookedView:
    """Damaged units were thrown away."""
    return _document(call, "scrap", lambda b: stock_books.scrap(b, call.body.quantity))


@api.route("PUT", f"{_PLACE}/safety", who=WAREHOUSE, body=Kept, reply=BookedView, key=True)
def keep_back(call: Call[Kept]) -> BookedView:
    """So many units are kept back as safety stock."""
    return _document(call, "safety", lambda b: stock_books.keep_back(b, call.body.quantity))


@api.route(
    "PUT",
    f"{_PLACE}/supplies/{{reference}}",
    who=WAREHOUSE,
    body=Expectation,
    reply=BookedView,
    key=True,
)
def expect(call: Call[Expectation]) -> BookedView:
    """A supply is announced, changed or ended."""
    told, reference = call.body, call.path["reference"]
    return _document(
        call,
        "supply",
        lambda b: stock_books.announce(b, reference, told.due, told.quantity, call.now),
    )


def _document(
    call: Call[Any],
    kind: str,
    decide: Callable[[Balance], Booking | None],
    reason: str = "",
) -> BookedView:
    """Book a document about one balance, once for its source or else its key."""
    key = _place(call)
    source = getattr(call.body, "source", None) or ""
    document = Document(
        kind, call.caller.subject, call.command.fingerprint, reason=reason, source=source
    )
    done = book(
        db(), _reference(call, source), document, call.now, [key], lambda all_: decide(all_[key])
    )
    return BookedView(_entry_of(done), _balance_view(done.balances[key]))


def _reference(call: Call[Any], source: str) -> str:
    if source:
        return derived("stk", "source", *_place(call), source)
    return derived("stk", call.caller.subject, call.command.key)


def _place(call: Call[Any]) -> tuple[str, str]:
    """The balance that a call is about. Raises Refusal NOT_FOUND."""
    sku, node = call.path["sku"], call.path["node"]
    if node not in load_shop(db()).nodes:
        raise Refusal(Reason.NOT_FOUND, f"There is no node {node}.")
    _require_sku(sku)
    return sku, node


def _require_sku(sku: str) -> None:
    if not catalogue.get_many(db(), [sku]):
        raise Refusal(Reason.NOT_FOUND, f"There is no product {sku}.")


def _entry_of(done: Booked) -> EntryView | None:
    return _entry_view(done.entry) if done.entry else None


def _entry_view(entry: Entry) -> EntryView:
    said = entry.document
    assert said is not None, "only documents have a history"
    return EntryView(
        reference=entry.reference,
        kind=said.kind,
        at=entry.at,
        by=said.by,
        reason=said.reason,
        source=said.source,
        moves=list(entry.moves),
        expected=list(entry.expected),
        oversold=said.oversold,
    )


def _balance_view(balance: Balance) -> BalanceView:
    return BalanceView(
        node=balance.node,
        on_hand=balance.on_hand,
        reserved=balance.reserved,
        allocated=balance.allocated,
        backordered=balance.backordered,
        damaged=balance.damaged,
        safety=balance.safety,
        available=balance.available,
        short=balance.short,
        supplies=list(balance.supplies),
        counted_at=balance.counted_at,
    )
