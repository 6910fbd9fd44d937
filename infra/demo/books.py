"""The balance check: what must be true of the tables whenever nothing is under way.

Reads everything by scan: for an operator, the demo and the tests, never for a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from parcelway.domain.ledger import Posting, balances
from parcelway.domain.order import Order, totals
from parcelway.domain.stock import Entry, net
from parcelway.store.codec import decode
from parcelway.store.database import Database
from parcelway.store.items import from_item
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.stock import to_balance

_ALLOCATED = ("allocated", "released", "packed")


def breaks(db: Database) -> list[str]:
    """Every way in which the books do not add up, in words; empty when they do."""
    orders = [
        decode(Order, item["order"]) for item in _scan(db, db.orders) if item["sk"] == "ORDER"
    ]
    dossiers = [found for order in orders if (found := get_dossier(db, order.id))]
    return [
        *_stock_breaks(db, orders),
        *_money_breaks(db, dossiers),
        *_invoice_breaks(db, dossiers),
        *_mail_breaks(db, dossiers),
    ]


def _stock_breaks(db: Database, orders: list[Order]) -> Iterator[str]:
    """Balances are their journal replayed, hold what live orders hold, and are never negative."""
    items = list(_scan(db, db.stock))
    held: Counter[tuple[str, str, str]] = Counter()
    for order in orders:
        for line in order.lines:
            for portion in line.portions:
                stage = "allocated" if portion.stage in _ALLOCATED else portion.stage
                held[line.sku, portion.node, stage] += portion.quantity
    moves = [
        move
        for item in items
        if item["pk"].startswith("JRN#")
        for move in decode(Entry, {k: v for k, v in item.items() if k not in ("pk", "sk")}).moves
    ]
    replayed = {(change.sku, change.node): change for change in net(moves)}
    for item in items:
        if not item["pk"].startswith("SKU#"):
            continue
        balance = to_balance(item)
        name = f"{balance.sku} at {balance.node}"
        journal = replayed.pop((balance.sku, balance.node), None)
        sums = (journal.on_hand, journal.reserved, journal.allocated) if journal else (0, 0, 0)
        if sums != (balance.on_hand, balance.reserved, balance.allocated):
            yield f"{name}: the journal says {sums}, the balance {balance}"
        for counter, units in (("reserved", balance.reserved), ("allocated", balance.allocated)):
            if held[balance.sku, balance.node, counter] != units:
                orders_hold = held[balance.sku, balance.node, counter]
                yield f"{name}: {units} {counter}, orders hold {orders_hold}"
        if min(balance.on_hand, balance.reserved, balance.allocated, balance.available) < 0:
            yield f"{name}: negative: {balance}"
        if item["available"] != balance.available:
            yield f"{name}: available is kept as {item['available']}: {balance}"
    yield from (f"{sku} at {node}: moves without a balance" for sku, node in replayed)


def _money_breaks(db: Database, dossiers: list[Dossier]) -> Iterator[str]:
    """Order = payments = ledger to the cent; nothing is kept for an order that ended."""
    postings: dict[str, list[Posting]] = {}
    for item in _scan(db, db.ledger):
        posting = decode(Posting, item["posting"])
        postings.setdefault(posting.order_id, []).append(posting)
    for dossier in dossiers:
        order, name = dossier.order, dossier.order.id
        for field in ("authorized", "captured", "refunded"):
            paid = sum(getattr(payment, field) for payment in dossier.payments)
            if paid != getattr(order, field):
                yield f"{name}: {field} {getattr(order, field)}, payments say {paid}"
        if not order.refunded <= order.captured <= max(order.authorized, order.captured):
            yield f"{name}: refunded {order.refunded} of captured {order.captured}"
        accounts = balances(postings.get(name, []))
        if sum(accounts.values()):
            yield f"{name}: debits and credits differ: {dict(accounts)}"
        if accounts.get("gateway_clearing", 0) != order.captured - order.refunded:
            yield f"{name}: ledger clearing {dict(accounts)}, captured {order.captured}"
        if order.state in ("cancelled", "expired") and order.authorized > order.captured:
            yield f"{name}: {order.state} and still holds {order.authorized} authorized"
        if order.state in ("cancelled", "expired") and order.captured != order.refunded:
            yield f"{name}: {order.state} and keeps captured money"
        invoiced = sum(invoice.gross.minor for invoice in dossier.invoices)
        if order.state == "closed" and not invoiced == order.captured == totals(order).gross.minor:
            yield f"{name}: closed, invoiced {invoiced}, captured {order.captured}"
        if order.state == "closed" and accounts.get("receivables", 0):
            yield f"{name}: closed with receivables {accounts['receivables']}"


def _invoice_breaks(db: Database, dossiers: list[Dossier]) -> Iterator[str]:
    """Numbers without a gap, each used once, one invoice per shipment that left."""
    numbers: dict[str, list[int]] = {}
    for dossier in dossiers:
        for invoice in dossier.invoices:
            numbers.setdefault(invoice.series, []).append(invoice.sequence)
        per_shipment = Counter(invoice.shipment_id for invoice in dossier.invoices)
        for shipment in dossier.shipments:
            wanted = 1 if shipment.invoice_number else 0
            if per_shipment[shipment.id] != wanted:
                yield f"{shipment.id}: {per_shipment[shipment.id]} invoices, {wanted} expected"
    for series, used in numbers.items():
        if sorted(used) != list(range(1, len(used) + 1)):
            yield f"series {series}: gap or double in {sorted(used)}"
        item = db.get(db.orders, f"SERIES#{series}", "COUNTER") or {}
        if item.get("last") != len(used):
            yield f"series {series}: counter {item.get('last')}, {len(used)} invoices"


# Which events the customer is written to about.
MAILED = (
    "order.confirmed",
    "order.cancelled",
    "payment.refunded",
    "shipment.shipped",
    "shipment.out_for_delivery",
    "shipment.ready_for_pickup",
    "shipment.delivered",
)


def _mail_breaks(db: Database, dossiers: list[Dossier]) -> Iterator[str]:
    """One mail, sent or suppressed, per event that deserves one."""
    for dossier in dossiers:
        order_id = dossier.order.id
        mails = db.query(db.orders, f"ORD#{order_id}", "MAIL#")
        sent = Counter(int(mail["sk"].split("#")[1]) for mail in mails)
        for event in dossier.events:
            wanted = 1 if event.type in MAILED else 0
            if sent[event.sequence] != wanted:
                yield f"{order_id}: {sent[event.sequence]} mails for {event.type}"
        unfinished = [mail["sk"] for mail in mails if mail["state"] == "claimed"]
        yield from (f"{order_id}: mail {sk} was claimed and never sent" for sk in unfinished)


def _scan(db: Database, table: str) -> Iterator[dict[str, Any]]:
    for page in db.client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            yield from_item(item)


def postings_of(db: Database, order_id: str) -> list[Posting]:
    """An order's postings in the money books."""
    items = db.query(db.ledger, f"ORD#{order_id}")
    return [decode(Posting, item["posting"]) for item in items]
