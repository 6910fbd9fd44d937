"""The stock books: what the shop's people and tills tell them, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from feed import feed_rows
from forms import (
    Adjustment,
    Count,
    Expectation,
    Feed,
    Kept,
    Nothing,
    Receipt,
    ReorderPoint,
    Return,
    Some,
    Transfer,
)
from parcelway.domain import stock_books
from parcelway.domain.catalogue import Product, require_stock_kept
from parcelway.domain.channels import quota_of
from parcelway.domain.ids import derived
from parcelway.domain.money import Money
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Document, Entry
from parcelway.domain.stock_books import Booking
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.store import alerts, catalogue
from parcelway.store.database import database
from parcelway.store.shop import load_shop
from parcelway.store.stock import balances_of, history, read_balances, read_entry
from parcelway.store.stock_books import Balances, book, set_reorder_point
from views import (
    AlertsView,
    BalanceView,
    BookedView,
    FeedView,
    JournalView,
    QuotaView,
    StockView,
    TransferView,
    balance_view,
    entry_of,
    entry_view,
    quota_view,
    stock_view,
    transfer_view,
)

api = Api("stock")
handler = api
db = cache(database)

WAREHOUSE = staff("warehouse", "admin")
NO_GOODS: dict[str, Money] = {}  # what is booked makes the shop have no more or fewer goods
_PLACE = "/stock/{sku}/nodes/{node}"


@api.route("GET", "/stock/{sku}", who=WAREHOUSE, reply=StockView)
def show(call: Call[None]) -> StockView:
    """A SKU's stock at every node."""
    sku = call.path["sku"]
    _product(sku)
    return stock_view(sku, balances_of(db(), sku))


@api.route("GET", f"{_PLACE}/journal", who=WAREHOUSE, query=Page, reply=JournalView)
def journal(call: Call[None]) -> JournalView:
    """The documents booked on a balance.

    What orders take and give back is told by the orders.
    """
    product, node = _place(call)
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=f"HIS#{product.sku}#{node}")
    entries, more = history(db(), product.sku, node, call.query.limit, start)
    return JournalView([entry_view(entry) for entry in entries], to_cursor(more))


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


@api.route("PUT", f"{_PLACE}/reorder-point", who=WAREHOUSE, body=ReorderPoint, reply=BalanceView)
def reorder_at(call: Call[ReorderPoint]) -> BalanceView:
    """Somebody is told when so few units are available."""
    product, node = _place(call)
    require_stock_kept(product)
    key = (product.sku, node)
    set_reorder_point(db(), *key, call.body.quantity)
    return balance_view(read_balances(db(), [key], consistent=True)[key])


@api.route(
    "PUT", "/stock/{sku}/quotas/{channel}", who=WAREHOUSE, body=Kept, reply=QuotaView, key=True
)
def allot(call: Call[Kept]) -> QuotaView:
    """So many units in all may be sold through a channel."""
    sku, channel = call.path["sku"], call.path["channel"]
    require_stock_kept(_product(sku))
    if channel not in load_shop(db()).settings.quota_channels:
        raise Refusal(Reason.NOT_FOUND, f"Channel {channel} has no quotas.")
    return _quota(call, lambda quota: stock_books.allot(quota, call.body.quantity))


@api.route("DELETE", "/stock/{sku}/quotas/{channel}", who=WAREHOUSE, reply=QuotaView, key=True)
def lift(call: Call[None]) -> QuotaView:
    """A channel is not capped any more."""
    sku, channel = call.path["sku"], call.path["channel"]
    _product(sku)
    key = (sku, quota_of(channel))
    if key not in read_balances(db(), [key], consistent=True):
        raise Refusal(Reason.NOT_FOUND, f"Channel {channel} has no quota of {sku}.")
    return _quota(call, stock_books.lift)


@api.route("POST", "/stock/transfers", who=WAREHOUSE, body=Transfer, reply=TransferView, key=True)
def transfer(call: Call[Transfer]) -> TransferView:
    """Units leave for another node, which expects them under the transfer's id."""
    told = call.body
    here, there = told.from_node, told.to_node
    units = told.units()
    for name, node in (("from_node", here), ("to_node", there)):
        if node in load_shop(db()).nodes:
            continue
        if name == "to_node" or not all(_has_books(sku, node) for sku in units):
            raise Refusal(Reason.UNKNOWN_NODE, f"There is no node {node}.", f"/{name}")
    products = catalogue.get_many(db(), units)
    unknown = units.keys() - products.keys()
    if unknown:
        raise Refusal(Reason.UNKNOWN_SKU, f"There is no product {min(unknown)}.", "/lines")
    for product in products.values():
        require_stock_kept(product, "/lines")
    reference = derived(stock_books.TRANSFER, call.caller.subject, call.command.key)

    def decide(all_: Balances) -> Booking:
        return stock_books.together(
            [
                stock_books.send(
                    all_[sku, here], all_[sku, there], quantity, told.due, reference, call.now
                )
                for sku, quantity in units.items()
            ]
        )

    document = Document("transfer", call.caller.subject, call.command.fingerprint)
    keys = [(sku, node) for sku in units for node in (here, there)]
    done = book(db(), reference, document, call.now, keys, decide, catalogue.costs_of(products))
    return _transfer(done.entry, done.balances)


@api.route("GET", "/stock/transfers/{transfer_id}", who=WAREHOUSE, reply=TransferView)
def under_way(call: Call[None]) -> TransferView:
    """What a transfer took, and what of it has not arrived."""
    entry = _sent(call)
    keys = [(move.sku, node) for move in entry.moves for node in _ends(entry)]
    return _transfer(entry, read_balances(db(), keys, consistent=True))


@api.route(
    "POST",
    "/stock/transfers/{transfer_id}/cancel",
    who=WAREHOUSE,
    body=Nothing,
    reply=TransferView,
    key=True,
)
def recall(call: Call[Nothing]) -> TransferView:
    """What has not arrived is back where it came from."""
    entry = _sent(call)
    here, there = _ends(entry)

    def decide(all_: Balances) -> Booking:
        skus = [move.sku for move in entry.moves]
        found = [
            stock_books.recall(all_[sku, here], all_[sku, there], entry.reference) for sku in skus
        ]
        return stock_books.together([booking for booking in found if booking])

    keys = [(move.sku, node) for move in entry.moves for node in (here, there)]
    document = Document("transfer_cancel", call.caller.subject, "cancel")
    done = book(db(), entry.reference, document, call.now, keys, decide, NO_GOODS, sequence=1)
    return _transfer(entry, done.balances)


@api.route("POST", "/stock/feed", who=WAREHOUSE, body=Feed, reply=FeedView, key=True)
def feed(call: Call[Feed]) -> FeedView:
    """Counts and differences from another system, each row by itself.

    A row that is refused does not stop the others. Repeated with the same key, rows that were
    booked are answered as booked.
    """
    rows = call.body.rows
    known = catalogue.get_many(db(), {row.sku for row in rows})
    nodes = load_shop(db()).nodes
    return FeedView(feed_rows(db(), call, rows, known, nodes))


@api.route("GET", "/stock/alerts", who=WAREHOUSE, query=Page, reply=AlertsView)
def told(call: Call[None]) -> AlertsView:
    """Balances that became low, ran out or were oversold, newest first."""
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=alerts.PK)
    found, more = alerts.listed(db(), call.query.limit, start)
    return AlertsView(found, to_cursor(more))


def _sent(call: Call[Any]) -> Entry:
    entry = read_entry(db(), call.path["transfer_id"], 0)
    if entry is None or entry.document is None or entry.document.kind != "transfer":
        raise Refusal(Reason.NOT_FOUND, "There is no such transfer.")
    return entry


def _ends(entry: Entry) -> tuple[str, str]:
    """The nodes that a transfer is from and to."""
    return entry.moves[0].node, entry.expected[0].node


def _transfer(entry: Entry | None, balances: Balances) -> TransferView:
    assert entry is not None, "a transfer always has something to book"
    return transfer_view(entry, *_ends(entry), balances)


def _quota(call: Call[Any], decide: Callable[[Balance], Booking | None]) -> QuotaView:
    """Book a document about the quota of the path, once for its key."""
    key = (call.path["sku"], quota_of(call.path["channel"]))
    reference = derived("stk", call.caller.subject, call.command.key)
    document = Document("quota", call.caller.subject, call.command.fingerprint)
    done = book(
        db(), reference, document, call.now, [key], lambda all_: decide(all_[key]), NO_GOODS
    )
    return quota_view(done.balances[key])


def _document(
    call: Call[Any],
    kind: str,
    decide: Callable[[Balance], Booking | None],
    reason: str = "",
) -> BookedView:
    """Book a document about one balance, once for its source or else its key."""
    product, node = _place(call)
    require_stock_kept(product)
    key, costs = (product.sku, node), catalogue.costs_of({product.sku: product})
    source = getattr(call.body, "source", None) or ""
    document = Document(
        kind, call.caller.subject, call.command.fingerprint, reason=reason, source=source
    )
    reference = _reference(call, source)
    done = book(db(), reference, document, call.now, [key], lambda all_: decide(all_[key]), costs)
    return BookedView(entry_of(done), balance_view(done.balances[key]))


def _reference(call: Call[Any], source: str) -> str:
    if source:
        return derived("stk", "source", call.path["sku"], call.path["node"], source)
    return derived("stk", call.caller.subject, call.command.key)


def _place(call: Call[Any]) -> tuple[Product, str]:
    """What of and where a call is about. Raises Refusal NOT_FOUND."""
    sku, node = call.path["sku"], call.path["node"]
    if node not in load_shop(db()).nodes and not _has_books(sku, node):
        raise Refusal(Reason.NOT_FOUND, f"There is no node {node}.")
    return _product(sku), node


def _has_books(sku: str, node: str) -> bool:
    """Whether there is a balance; also at a node that the shop has no more, whose units somebody
    must be able to count, send on or scrap."""
    return (sku, node) in read_balances(db(), [(sku, node)], consistent=True)


def _product(sku: str) -> Product:
    products = catalogue.get_many(db(), [sku])
    if sku not in products:
        raise Refusal(Reason.NOT_FOUND, f"There is no product {sku}.")
    return products[sku]
