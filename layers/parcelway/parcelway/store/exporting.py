"""All that is kept of a person, as plain values for them to read.

What would let whoever reads it act on an order is left out (tokens, hashes, the provider's
references), and so is what is not about the person (what the goods cost the shop).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from parcelway.domain.finding import Access
from parcelway.domain.order import Order
from parcelway.store.codec import decode, encode
from parcelway.store.database import Database
from parcelway.store.finding import SEEN
from parcelway.store.orders import cart_owner, of_mailbox, orders_of, to_order
from parcelway.values import dataclass

Plain = Mapping[str, Any]
_ORDERS_SECRETS = frozenset(
    {"access_hash", "link_token", "commands", "code_misses", "told_by_source", "card", "told_again"}
)
_PAYMENTS_SECRETS = frozenset({"reference"})
_MAIL_KEPT = ("state", "sent_at", "bounced_at", "complained_at", "suppressed_at")


@dataclass(frozen=True, slots=True)
class OrderExport:
    """An order with all that happened to it. `documents` are numbers of invoices and credit notes,
    `mails` say about which event a mail was sent, and what became of it."""

    order: Plain
    payments: list[Plain]
    shipments: list[Plain]
    documents: list[str]
    disputes: list[Plain]
    events: list[Plain]
    notes: list[Plain]
    mails: list[Plain]


def history_of(db: Database, customer_id: str) -> list[Plain]:
    """What changed about a record, when and by whom, the first thing first."""
    items = db.query(db.customers, f"CUS#{customer_id}", "HIST#")
    return [_without(item, {"pk", "sk", "expires"}) for item in items]


def look_ups_of(db: Database, customer_id: str) -> list[Access]:
    """Who looked at a record, the first one first."""
    items = db.query(db.customers, f"CUS#{customer_id}", SEEN)
    return [decode(Access, item["access"]) for item in items]


def carts_of(db: Database, customer_id: str) -> list[OrderExport]:
    """A customer's carts."""
    found, start = list[str](), None
    while True:
        ids, start = orders_of(db, cart_owner(customer_id), 100, start)
        found += ids
        if start is None:
            return list(orders(db, found))


def guest_orders_of(db: Database, email_key: str) -> list[OrderExport]:
    """What was ordered as a guest for a mailbox and is nobody's yet, and what was imported."""
    return list(orders(db, of_mailbox(db, email_key))) if email_key else []


def orders(db: Database, ids: Sequence[str]) -> Iterator[OrderExport]:
    """Orders by id, those left out that there are not."""
    for order_id in ids:
        items = db.query(db.orders, f"ORD#{order_id}")
        order = next((to_order(item) for item in items if item["sk"] == "ORDER"), None)
        if order is not None:
            yield _export(order, items)


def _export(order: Order, items: Sequence[Plain]) -> OrderExport:
    kinds: dict[str, list[Plain]] = {}
    for item in items:
        kinds.setdefault(item["sk"].partition("#")[0], []).append(item)
    return OrderExport(
        order=_order(order),
        payments=[_without(item["payment"], _PAYMENTS_SECRETS) for item in kinds.get("PAY", ())],
        shipments=[item["shipment"] for item in kinds.get("SHP", ())],
        documents=[
            item["sk"].partition("#")[2] for kind in ("INV", "CRN") for item in kinds.get(kind, ())
        ],
        disputes=[item["dispute"] for item in kinds.get("DSP", ())],
        events=[item["event"] for item in kinds.get("EVT", ())],
        notes=[item["note"] for item in kinds.get("NOTE", ())],
        mails=[_mail(item) for item in kinds.get("MAIL", ())],
    )


def _order(order: Order) -> Plain:
    plain = dict(_without(encode(order), _ORDERS_SECRETS))
    plain["lines"] = [_without(line, {"unit_cost"}) for line in plain.get("lines", ())]
    if "gift_cards" in plain:
        plain["gift_cards"] = [_without(tender, {"card"}) for tender in plain["gift_cards"]]
    return plain


def _mail(item: Plain) -> Plain:
    kept = {name: item[name] for name in _MAIL_KEPT if name in item}
    return {"about": item["sk"].split("#")[2], **kept}


def _without(values: Plain, names: frozenset[str] | set[str]) -> Plain:
    return {name: value for name, value in values.items() if name not in names}
