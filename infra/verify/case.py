"""One order as the tables tell of it: its partition, and what other partitions say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from parcelway.domain.decision import Decision
from parcelway.domain.dispute import Dispute
from parcelway.domain.invoice import Invoice
from parcelway.domain.order import Event, Order, events
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import Payment
from parcelway.domain.shipment import Shipment
from parcelway.store.batches import get_many
from parcelway.store.codec import decode
from parcelway.store.database import Database
from parcelway.store.orders import Dossier, queue_items
from parcelway.store.saving import writes

from infra.verify.tables import Items

Key = tuple[str, str]  # (pk, sk)


class Unreadable(Exception):
    """An item is not what the domain can be made of; the message names its keys."""


@dataclass(frozen=True, slots=True)
class Case:
    """An order's partition: its items by sort key, and what they mean.

    `wanted` are the items that store.saving writes of this order today, by key: they say which
    index attributes it must have and which look-up items must lead to it.
    """

    dossier: Dossier
    items: Mapping[str, dict[str, Any]]
    wanted: Mapping[Key, Mapping[str, Any]]

    @property
    def order(self) -> Order:
        """The aggregate."""
        return self.dossier.order

    @property
    def pk(self) -> str:
        """The partition key."""
        return f"ORD#{self.order.id}"

    @property
    def billed(self) -> int:
        """What its documents say it costs: invoices less credit notes, in minor units."""
        invoiced = sum(invoice.gross.minor for invoice in self.dossier.invoices)
        return invoiced - sum(note.gross.minor for note in self.dossier.credit_notes)

    def lookups(self) -> dict[Key, Mapping[str, Any]]:
        """The items of other partitions that must lead to this order."""
        return {key: item for key, item in self.wanted.items() if key[0] != self.pk}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A case with everything that other partitions say about the same order, of one moment."""

    case: Case | None
    partition: Items
    postings: Items = field(default_factory=list)
    journal: Items = field(default_factory=list)
    pointers: Mapping[Key, dict[str, Any]] = field(default_factory=dict)


def to_case(db: Database, items: Items, now: datetime) -> Case | None:
    """What the items of an order's partition mean; None without the order itself.

    Raises Unreadable.
    """
    by_key = {str(item["sk"]): item for item in items}
    if "ORDER" not in by_key:
        return None
    dossier = Dossier(
        _read(Order, by_key["ORDER"], "order"),
        tuple(_read(Payment, i, "payment") for sk, i in by_key.items() if sk[:4] == "PAY#"),
        tuple(_read(Shipment, i, "shipment") for sk, i in by_key.items() if sk[:4] == "SHP#"),
        tuple(_read(Invoice, i, "invoice") for sk, i in by_key.items() if sk[:4] == "INV#"),
        tuple(_read(Event, i, "event") for sk, i in by_key.items() if sk[:4] == "EVT#"),
        credit_notes=tuple(
            _read(Invoice, i, "credit_note") for sk, i in by_key.items() if sk[:4] == "CRN#"
        ),
        disputes=tuple(
            _read(Dispute, i, "dispute") for sk, i in by_key.items() if sk[:4] == "DSP#"
        ),
    )
    try:
        return Case(dossier, by_key, _wanted(db, dossier, now))
    except (KeyError, TypeError, ValueError):
        raise Unreadable(f"ORD#{dossier.order.id}") from None


def gather(db: Database, order_id: str, also: set[Key], now: datetime) -> Evidence | None:
    """Everything about one order, strongly consistent; None while it keeps changing.

    Every change of an order comes with a new version, so what was read between two looks at the
    same version is of one moment. `also` are look-up items that may name the order without reason.
    """
    for _ in range(5):
        partition = db.query(db.orders, f"ORD#{order_id}")
        case = to_case(db, partition, now)
        keys = also | set(case.lookups() if case else ())
        pointers = get_many(db.client, [(db.orders, *key) for key in keys], consistent=True)
        evidence = Evidence(
            case,
            partition,
            db.query(db.ledger, f"ORD#{order_id}", "POST#"),
            db.query(db.stock, f"JRN#{order_id}"),
            {(item["pk"], item["sk"]): item for _, item in pointers},
        )
        again = db.get(db.orders, f"ORD#{order_id}", "ORDER")
        if (again or {}).get("version") == (case and case.items["ORDER"]["version"]):
            return evidence
    return None


def _wanted(db: Database, dossier: Dossier, now: datetime) -> dict[Key, Mapping[str, Any]]:
    order = dossier.order
    # Not its own events: what leads to an order must lead there also when an event is lost.
    facts: list[tuple[str, Mapping[str, Any]]] = [("order.placed", {})] if order.placed_at else []
    facts += [
        (
            "shipment.shipped",
            {"shipment": s.id, "carrier": s.carrier, "parcel_number": s.parcel_number},
        )
        for s in dossier.shipments
        if s.parcel_number
    ]
    told = events(order, now, SYSTEM, *facts)
    made = Decision(order, told, shipments=dossier.shipments, tenders=dossier.payments)
    decisions = [
        made,
        *(Decision(order, invoice=invoice) for invoice in dossier.invoices),
        *(Decision(order, credit_notes=(note,)) for note in dossier.credit_notes),
    ]
    items = [write.item for decision in decisions for write in writes(db, decision, now)]
    found = {(item["pk"], item["sk"]): item for item in items if item and item["sk"] != "COUNTER"}
    return {**found, **queue_items(order)}


def _read(kind: type[Any], item: Mapping[str, Any], name: str) -> Any:
    try:
        return decode(kind, item[name])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreadable(f"{item['pk']} {item['sk']}") from None
