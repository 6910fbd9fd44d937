"""OrdersTable: one partition per order, and the few look-ups that lead to one.

    ORD#<id>                  ORDER             the aggregate: header and lines
    ORD#<id>                  PAY#<number>      a payment
    ORD#<id>                  SHP#<id>          a shipment
    ORD#<id>                  INV#<number>      an invoice
    ORD#<id>                  EVT#<sequence>    something that happened; the stream sends it out
    ORD#<id>                  WAIT#...          a wait of the state machine (store/waits.py)
    ORD#<id>                  MAIL#...          a mail (store/mails.py)
    TRK#<tracking number>     TRACK             -> order
    PCL#<carrier>#<number>    PARCEL            -> order and shipment
    SERIES#<series>           COUNTER           last invoice number given
    SERIES#<series>           <sequence>        -> order; holds each number to one invoice
    QUEUE#<sku>#<node>        <since>#<order>   -> order that waits there; first come first served

Sparse indexes: by_due (due_shard, due_at) while something must still happen to an order,
by_customer (owner, placed_at) once it is placed, by_node (queue, queued_at) while a node has work
on it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain.attention import due_at
from parcelway.domain.decision import Decision
from parcelway.domain.invoice import Invoice
from parcelway.domain.invoicing import Counter
from parcelway.domain.ledger import Posting
from parcelway.domain.order import Event, Order
from parcelway.domain.payment import Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, put_version
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.store.packing import Packed
from parcelway.store.stock import balance_writes, entry_writes, journal_writes
from parcelway.store.waits import Wait, to_wait
from parcelway.values import dataclass

DUE_SHARDS = 8  # spreads the index of due orders over partitions; a sweep asks for each
_DRAFT_KEPT = timedelta(days=90)  # from its start; TTL then deletes an abandoned draft
_LEFT_KEPT = timedelta(days=1)
_OF_DUE = ("pk", "due_at", "held_skus")  # what by_due has besides the other keys
_PARTS = ("ORD", "PAY", "SHP", "INV", "EVT", "WAI")
_AT_NODE = ("released", "packed", "ready_for_pickup")


@dataclass(frozen=True, slots=True)
class Dossier:
    """An order with everything in its partition. `waits` are those not answered yet."""

    order: Order
    payments: tuple[Payment, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    events: tuple[Event, ...] = ()
    waits: tuple[Wait, ...] = ()

    def payment(self, reference: str) -> Payment | None:
        """The payment with the provider's `reference`."""
        return next((p for p in self.payments if p.reference == reference), None)

    def shipment(self, shipment_id: str) -> Shipment:
        """A shipment by id. Raises Refusal NOT_FOUND."""
        for shipment in self.shipments:
            if shipment.id == shipment_id:
                return shipment
        raise Refusal(Reason.NOT_FOUND, "There is no such shipment.")


def get_order(db: Database, order_id: str) -> Order | None:
    """The aggregate alone; None when there is no such order."""
    item = db.get(db.orders, f"ORD#{order_id}", "ORDER")
    return to_order(item) if item else None


def to_order(item: Mapping[str, Any]) -> Order:
    """The aggregate from its item (plain values). Raises KeyError or TypeError when it is not."""
    told = {"told_again": item["told_again"]} if "told_again" in item else {}
    return decode(Order, item["order"] | told)


def get_orders(db: Database, order_ids: Sequence[str]) -> list[Order]:
    """The aggregates that exist among `order_ids` (at most 100), in that order, in one call."""
    wanted = [(db.orders, f"ORD#{order_id}", "ORDER") for order_id in order_ids]
    found = {item["pk"]: item for _, item in get_many(db.client, wanted, consistent=True)}
    return [to_order(found[pk]) for _, pk, _ in wanted if pk in found]


def get_dossier(db: Database, order_id: str) -> Dossier | None:
    """The order and all its parts in one query; None when there is no such order."""
    parts: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _PARTS}
    for item in db.query(db.orders, f"ORD#{order_id}"):
        if (kind := item["sk"][:3]) in parts:
            parts[kind].append(item)
    if not parts["ORD"]:
        return None
    return Dossier(
        to_order(parts["ORD"][0]),
        tuple(decode(Payment, item["payment"]) for item in parts["PAY"]),
        tuple(decode(Shipment, item["shipment"]) for item in parts["SHP"]),
        tuple(decode(Invoice, item["invoice"]) for item in parts["INV"]),
        tuple(decode(Event, item["event"]) for item in parts["EVT"]),
        tuple(to_wait(order_id, item) for item in parts["WAI"] if "answered" not in item),
    )


def order_of_tracking(db: Database, number: str) -> str | None:
    """The order that a (canonical) tracking number belongs to."""
    item = db.get(db.orders, f"TRK#{number}", "TRACK")
    return item["order_id"] if item else None


def order_of_parcel(db: Database, carrier: str, parcel_number: str) -> tuple[str, str] | None:
    """The order and shipment that a carrier's parcel belongs to."""
    item = db.get(db.orders, _parcel(carrier, parcel_number), "PARCEL")
    return (item["order_id"], item["shipment_id"]) if item else None


def get_counter(db: Database, series: str) -> Counter:
    """The last number given in an invoice series."""
    item = db.get(db.orders, f"SERIES#{series}", "COUNTER")
    return Counter(series, int(item["last"]) if item else 0)


@dataclass(frozen=True, slots=True)
class Due:
    """An order whose time has come: its hold is over, or it was quiet for too long."""

    order_id: str
    due_at: str
    held_skus: tuple[str, ...]


def due_orders(db: Database, now: datetime, limit: int = 100) -> list[Due]:
    """Orders that are due, at most `limit` per shard.

    The index lags and may name orders that are settled by now: decide on the order itself.
    """
    found = []
    first = random.randrange(DUE_SHARDS)  # noqa: S311
    # Begun anywhere, so that a long sweep does not always leave the same shard to the next.
    for shard in ((first + i) % DUE_SHARDS for i in range(DUE_SHARDS)):
        answer = db.client.query(
            TableName=db.orders,
            IndexName="by_due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues=to_item({":shard": str(shard), ":now": iso(now)}),
            Limit=limit,
        )
        for entry in answer["Items"]:
            item = from_item({name: entry[name] for name in _OF_DUE if name in entry})
            order_id = item["pk"].removeprefix("ORD#")
            found.append(Due(order_id, item["due_at"], tuple(item.get("held_skus", ()))))
    return found


def postpone(db: Database, due: Due, until: datetime, told_again: int) -> None:
    """Look after a due order again at `until`; its events up to `told_again` were published twice.

    Raises Stale when it has changed meanwhile. This is no new version: nothing happened to it.
    What is noted beside the order goes into it with its next commit.
    """
    write = Write(
        db.orders,
        "due_at = :seen",
        key={"pk": f"ORD#{due.order_id}", "sk": "ORDER"},
        update="SET due_at = :until, told_again = :told",
        values={":seen": due.due_at, ":until": iso(until), ":told": told_again},
    )
    commit(db.client, [write])


def orders_of(
    db: Database, customer_id: str, limit: int, start: dict[str, Any] | None = None
) -> tuple[list[str], dict[str, Any] | None]:
    """Ids of a customer's placed orders, newest first, and where the next page starts."""
    return _page(db, "by_customer", "owner", customer_id, limit, start, newest_first=True)


def queue_of(
    db: Database, node: str, limit: int, start: dict[str, Any] | None = None
) -> tuple[list[str], dict[str, Any] | None]:
    """Ids of the orders with shipments waiting at a node, oldest first, and the next page."""
    return _page(db, "by_node", "queue", node, limit, start, newest_first=False)


def save(db: Database, decision: Decision, now: datetime) -> None:
    """Commit a decision made at `now`: the order at its next version and all that goes with it.

    Raises Stale when the order, or stock that the decision counted on, has changed since it
    was read; see `commit` for the rest.
    """
    commit(db.client, writes(db, decision, now))


def writes(db: Database, decision: Decision, now: datetime) -> list[Write]:
    """A decision, with the one linked to it, as the writes of one transaction."""
    decisions = [decision, decision.linked] if decision.linked else [decision]
    moves = [move for made in decisions for move in made.moves]
    moves += [move for made in decisions if made.entry for move in made.entry.moves]
    return [
        *(_order_write(db, made.order, now) for made in decisions),
        *balance_writes(db, now, moves),
        *_capacity_writes(db, decisions),
        *(write for made in decisions for write in _other_writes(db, made, now)),
    ]


def _capacity_writes(db: Database, decisions: Sequence[Decision]) -> list[Write]:
    taken = [slot for made in decisions for slot in made.taken]
    given = [slot for made in decisions for slot in made.given]
    if not (taken or given):
        return []
    # Few shops limit a node's day: nobody else pays for this at a start.
    from parcelway.store import capacity
    from parcelway.store.shop import load_shop

    # Who only gives back need not know the limits, and may not be allowed to read them.
    return capacity.writes(db, load_shop(db).nodes if taken else {}, taken, given)


def _order_write(db: Database, order: Order, now: datetime) -> Write:
    return put_version(db.orders, _order_item(order, now), order.version - 1)


def _other_writes(db: Database, decision: Decision, now: datetime) -> list[Write]:
    order = decision.order
    made: list[Write] = []
    made += journal_writes(db, order.id, order.version, now, decision.moves)
    made += entry_writes(db, decision.entry) if decision.entry else []
    made += [_part(db, order, f"SHP#{s.id}", _shipment_item(s)) for s in decision.shipments]
    if decision.payment is not None:
        number = f"PAY#{decision.payment.number:03d}"
        made.append(_part(db, order, number, {"payment": encode(decision.payment)}))
    if decision.invoice is not None:
        made += _invoice_writes(db, decision.invoice)
    made += [_event_write(db, event, order) for event in decision.events]
    made += [_posting_write(db, posting) for posting in decision.postings]
    made += _lookup_writes(db, decision)
    made += _queue_writes(db, decision, now)
    return made


def _order_item(order: Order, now: datetime) -> dict[str, Any]:
    item: dict[str, Any] = {
        "pk": f"ORD#{order.id}",
        "sk": "ORDER",
        "version": order.version,
        "order": Packed(encode(order)),
    }
    if (due := due_at(order, now)) is not None:
        shard = hashlib.sha256(order.id.encode()).digest()[0] % DUE_SHARDS
        item |= {"due_shard": str(shard), "due_at": iso(due)}
        held = [line.sku for line in order.lines if line.count("reserved", "backordered")]
        if held and order.state in ("draft", "placed"):
            item["held_skus"] = held
    if order.state == "draft" and order.hold_until is None:  # what holds stock is not deleted
        item["expires"] = int((order.created_at + _DRAFT_KEPT).timestamp())
    elif order.customer_id and order.placed_at is not None:
        item |= {"owner": order.customer_id, "placed_at": iso(order.placed_at)}
    return item


def _shipment_item(shipment: Shipment) -> dict[str, Any]:
    item: dict[str, Any] = {"shipment": Packed(encode(shipment))}
    if (place := place_of(shipment)) and shipment.released_at is not None:
        item |= {"queue": place, "queued_at": iso(shipment.released_at)}
    return item


def place_of(shipment: Shipment) -> str:
    """The node in whose queue a shipment is: to be sent or handed over there or, on its way from
    another one, received. '' for none."""
    if shipment.status == "shipped" and shipment.elsewhere:
        return shipment.to_store
    return shipment.node if shipment.status in _AT_NODE else ""


def _part(db: Database, order: Order, sk: str, values: dict[str, Any]) -> Write:
    """A part of the order, replaced. The order's own condition already orders such writes; this
    one only makes sure that no part can ever be set back."""
    item = {"pk": f"ORD#{order.id}", "sk": sk, "version": order.version} | values
    return Write(
        db.orders,
        "attribute_not_exists(pk) OR #version < :version",
        item,
        names={"#version": "version"},
        values={":version": order.version},
    )


def _event_write(db: Database, event: Event, order: Order) -> Write:
    """What happened to a draft is forgotten when an abandoned draft is."""
    item: dict[str, Any] = {
        "pk": f"ORD#{event.order_id}",
        "sk": f"EVT#{event.sequence:012d}",
        "event": encode(event),
    }
    if order.state == "draft":
        item["expires"] = int((order.created_at + _DRAFT_KEPT).timestamp())
    return put_new(db.orders, item)


def _posting_write(db: Database, posting: Posting) -> Write:
    keys = {"pk": f"ORD#{posting.order_id}", "sk": f"POST#{posting.reference}"}
    return put_new(db.ledger, keys | {"posting": encode(posting)})


def _invoice_writes(db: Database, invoice: Invoice) -> Iterable[Write]:
    series = f"SERIES#{invoice.series}"
    yield put_new(
        db.orders,
        {
            "pk": f"ORD#{invoice.order_id}",
            "sk": f"INV#{invoice.number}",
            "invoice": Packed(encode(invoice)),
        },
    )
    yield put_new(
        db.orders,
        {"pk": series, "sk": f"{invoice.sequence:012d}", "order_id": invoice.order_id},
    )
    first = invoice.sequence == 1
    yield Write(
        db.orders,
        "attribute_not_exists(pk)" if first else "#last = :before",
        {"pk": series, "sk": "COUNTER", "last": invoice.sequence},
        names={} if first else {"#last": "last"},
        values={} if first else {":before": invoice.sequence - 1},
    )


def _lookup_writes(db: Database, decision: Decision) -> Iterable[Write]:
    order = decision.order
    if any(event.type == "order.placed" for event in decision.events):
        key = {"pk": f"TRK#{order.tracking_number}", "sk": "TRACK"}
        yield put_new(db.orders, key | {"order_id": order.id})
    for event in decision.events:
        if event.type == "shipment.shipped":
            parcel = _parcel(event.data["carrier"], event.data["parcel_number"])
            target = {"order_id": order.id, "shipment_id": event.data["shipment"]}
            yield put_new(db.orders, {"pk": parcel, "sk": "PARCEL"} | target, _parcel_taken)


def _queue_writes(db: Database, decision: Decision, now: datetime) -> Iterable[Write]:
    """The order's places in the queues that this decision changes, as they are after it. The
    order's own condition orders such writes. A place that was left is empty until TTL deletes it:
    so nobody who takes orders needs the right to delete."""
    gone = {"units": {}, "expires": int((now + _LEFT_KEPT).timestamp())}
    left = queue_items(decision.order)
    moved = {(m.sku, m.node, m.since) for m in decision.moves if m.since is not None}
    for place in sorted(moved.union(decision.requeued)):
        key = queue_key(*place, decision.order.id)
        yield Write(db.orders, "", left.get((key["pk"], key["sk"]), key | gone))


def queue_key(sku: str, node: str, since: datetime, order_id: str) -> dict[str, str]:
    """The primary key of an order's place in the queue for a SKU at a node."""
    return {"pk": f"QUEUE#{sku}#{node}", "sk": f"{iso(since)}#{order_id}"}


def queue_items(order: Order) -> dict[tuple[str, str], dict[str, Any]]:
    """The order's places in the queues, as items by key: how many units, and for which dates."""
    items: dict[tuple[str, str], dict[str, Any]] = {}
    for line in order.lines:
        for portion in line.portions:
            if portion.stage != "backordered" or portion.since is None:
                continue
            key = queue_key(line.sku, portion.node, portion.since, order.id)
            item = items.setdefault(
                (key["pk"], key["sk"]), key | {"order_id": order.id, "units": {}}
            )
            due = portion.due.isoformat() if portion.due else ""
            item["units"][due] = item["units"].get(due, 0) + portion.quantity
    return items


def _parcel(carrier: str, parcel_number: str) -> str:
    """A parcel's key: people and machines spell a carrier's name in more than one way."""
    return f"PCL#{carrier.strip().casefold()}#{parcel_number.strip().casefold()}"


def _parcel_taken() -> Refusal:
    return Refusal(Reason.ILLEGAL_STATE, "Another parcel has this number.", "/parcel_number")


def _page(
    db: Database,
    index: str,
    attribute: str,
    value: str,
    limit: int,
    start: dict[str, Any] | None,
    *,
    newest_first: bool,
) -> tuple[list[str], dict[str, Any] | None]:
    more = {"ExclusiveStartKey": to_item(start)} if start else {}
    answer = db.client.query(
        TableName=db.orders,
        IndexName=index,
        KeyConditionExpression="#attribute = :value",
        ExpressionAttributeNames={"#attribute": attribute},
        ExpressionAttributeValues=to_item({":value": value}),
        ScanIndexForward=not newest_first,
        Limit=limit,
        **more,
    )
    ids = [item["pk"]["S"].removeprefix("ORD#") for item in answer["Items"]]
    last = answer.get("LastEvaluatedKey")
    return list(dict.fromkeys(ids)), from_item(last) if last else None
