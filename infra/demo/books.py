"""The balance check: what must be true of the tables whenever nothing is under way.

Reads everything by scan: for an operator, the demo and the tests, never for a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from parcelway.domain.ledger import Posting, balances
from parcelway.domain.mailing import mailed
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
    entries = [decode(Entry, _fields(item)) for item in items if item["pk"].startswith("JRN#")]
    replayed = {
        (change.sku, change.node): change
        for change in net(move for entry in entries for move in entry.moves)
    }
    held = _held(orders)
    for item in items:
        if not item["pk"].startswith("SKU#"):
            continue
        balance = to_balance(item)
        name, key = f"{balance.sku} at {balance.node}", (balance.sku, balance.node)
        book = (balance.on_hand, balance.reserved, balance.allocated)
        entry = replayed.pop(key, None)
        journal = (entry.on_hand, entry.reserved, entry.allocated) if entry else (0, 0, 0)
        if journal != book:
            yield f"{name}: the journal says {journal}, the balance {book}"
        if (held[(*key, "reserved")], held[(*key, "allocated")]) != book[1:]:
            yield f"{name}: orders do not hold what is reserved and allocated: {balance}"
        if min(*book, balance.available) < 0 or item["available"] != balance.available:
            yield f"{name}: negative, or available not kept right: {item}"
    yield from (f"{sku} at {node}: moves without a balance" for sku, node in replayed)


def _held(orders: list[Order]) -> Counter[tuple[str, str, str]]:
    """Units that orders hold by SKU, node, and whether they are reserved or allocated."""
    held: Counter[tuple[str, str, str]] = Counter()
    for portion, sku in ((p, line.sku) for o in orders for line in o.lines for p in line.portions):
        kind = "allocated" if portion.stage in _ALLOCATED else portion.stage
        held[sku, portion.node, kind] += portion.quantity
    return held


def _money_breaks(db: Database, dossiers: list[Dossier]) -> Iterator[str]:
    """Order = payments = ledger to the cent; nothing is kept for an order that ended."""
    for dossier in dossiers:
        order, name = dossier.order, dossier.order.id
        for field in ("authorized", "captured", "refunded"):
            paid = sum(getattr(payment, field) for payment in dossier.payments)
            if paid != getattr(order, field):
                yield f"{name}: {field} {getattr(order, field)}, payments say {paid}"
        if not order.refunded <= order.captured <= order.authorized:
            yield f"{name}: {order.refunded} of {order.captured} of {order.authorized}"
        accounts = balances(postings_of(db, name))
        if sum(accounts.values()):
            yield f"{name}: debits and credits differ: {dict(accounts)}"
        if accounts.get("gateway_clearing", 0) != order.captured - order.refunded:
            yield f"{name}: captured {order.captured}, the ledger says {dict(accounts)}"
        yield from _end_breaks(dossier, accounts)


def _end_breaks(dossier: Dossier, accounts: Mapping[str, int]) -> Iterator[str]:
    """What an order that ended must have come to."""
    order = dossier.order
    if order.state in ("cancelled", "expired"):
        held, kept = order.authorized - order.captured, order.captured - order.refunded
        if held or kept:
            yield f"{order.id}: {order.state}, but {held} authorized and {kept} captured are kept"
    if order.state == "closed":
        invoiced = sum(invoice.gross.minor for invoice in dossier.invoices)
        whole = totals(order).gross.minor
        complete = invoiced == whole or any(line.count("cancelled") for line in order.lines)
        if invoiced != order.captured or not complete:
            yield f"{order.id}: closed, invoiced {invoiced}, captured {order.captured}"
        if accounts.get("receivables", 0):
            yield f"{order.id}: closed with {accounts['receivables']} receivable"


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


def _mail_breaks(db: Database, dossiers: list[Dossier]) -> Iterator[str]:
    """One mail, sent or suppressed, per event that deserves one."""
    for dossier in dossiers:
        order_id = dossier.order.id
        mails = db.query(db.orders, f"ORD#{order_id}", "MAIL#")
        sent = Counter(int(mail["sk"].split("#")[1]) for mail in mails)
        for event in dossier.events:
            wanted = 1 if mailed(event, dossier.order) else 0
            if sent[event.sequence] != wanted:
                yield f"{order_id}: {sent[event.sequence]} mails for {event.type}"
        unfinished = [mail["sk"] for mail in mails if mail["state"] == "claimed"]
        yield from (f"{order_id}: mail {sk} was claimed and never sent" for sk in unfinished)


def _fields(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in ("pk", "sk")}


def _scan(db: Database, table: str) -> Iterator[dict[str, Any]]:
    for page in db.client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            yield from_item(item)


def postings_of(db: Database, order_id: str) -> list[Posting]:
    """An order's postings in the money books."""
    items = db.query(db.ledger, f"ORD#{order_id}")
    return [decode(Posting, item["posting"]) for item in items]
