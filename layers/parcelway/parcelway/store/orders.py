"""OrdersTable: one partition per order, and the few look-ups that lead to one.

    ORD#<id>                  ORDER             the aggregate: header and lines
    ORD#<id>                  PAY#<number>      a payment
    ORD#<id>                  SHP#<id>          a shipment
    ORD#<id>                  INV#<number>      an invoice
    ORD#<id>                  CRN#<number>      a credit note
    ORD#<id>                  DSP#<reference>   a dispute of one of its payments
    ORD#<id>                  EVT#<sequence>    something that happened; the stream sends it out
    ORD#<id>                  WAIT#...          a wait of the state machine (store/waits.py)
    ORD#<id>                  MAIL#...          a mail (store/mails.py)
    ORD#<id>                  GRANT#..., NOTE#...         (store/grants.py, store/timeline.py)
    TRK#<tracking number>     TRACK             -> order
    PCL#<carrier>#<number>    PARCEL            -> order and shipment
    TILL#<store>:<reference>  TILL              -> order that a card terminal took this for
    SERIES#..., NUMBERS#...                     numbers of documents (store/series.py)
    GUEST#<mailbox's digest>  <order>           a guest's order (store/guest_orders.py)
    SOLD#<mailbox's digest>   <order>           an order that was imported; nobody claims those
    APPROVALS#<account>       ...               -> draft to be approved (store/approvals.py)
    PROPOSALS                 ...               -> draft with what is proposed (store/proposals.py)
    QUEUE#<sku>#<node>        <since>#<order>   -> order that waits there; first come first served
    USE#<counter>             USES              orders that count on a limited code or promotion

Sparse indexes: by_due (due_shard, due_at) while something must still happen to an order,
by_customer (owner, placed_at) once it is a customer's, by_node (queue, queued_at) while a node has
work on it, by_debt (debt_shard, debt) while its customer owes more than is authorized; by_channel,
by_standing and by_attention are the list of all orders, and by_source (feed, changed_at) those of a
marketplace by their last change (store/listing.py).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from parcelway.domain.dispute import Dispute
from parcelway.domain.invoice import Invoice
from parcelway.domain.order import Event, Order
from parcelway.domain.payment import Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, iso
from parcelway.store.commit import Write, commit
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.store.waits import Wait, to_wait
from parcelway.values import dataclass

DUE_SHARDS = 8  # spreads the index of due orders over partitions; a sweep asks for each
DEBT_SHARDS = 4
LIST_SHARDS = 4  # of each channel, and of each way an order can stand
_OF_DUE = ("pk", "due_at", "held_skus")  # what by_due has besides the other keys
_PARTS = ("ORD", "PAY", "SHP", "INV", "CRN", "DSP", "EVT", "WAI")
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
    credit_notes: tuple[Invoice, ...] = ()
    disputes: tuple[Dispute, ...] = ()

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
        tuple(decode(Invoice, item["credit_note"]) for item in parts["CRN"]),
        tuple(decode(Dispute, item["dispute"]) for item in parts["DSP"]),
    )


def order_of_tracking(db: Database, number: str) -> str | None:
    """The order that a (canonical) tracking number belongs to."""
    item = db.get(db.orders, f"TRK#{number}", "TRACK")
    return item["order_id"] if item else None


def order_of_parcel(db: Database, carrier: str, parcel_number: str) -> tuple[str, str] | None:
    """The order and shipment that a carrier's parcel belongs to."""
    item = db.get(db.orders, parcel_key(carrier, parcel_number), "PARCEL")
    return (item["order_id"], item["shipment_id"]) if item else None


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


def postpone(db: Database, due: Due, until: datetime, told_again: int | None = None) -> None:
    """Look after a due order again at `until`; its events up to `told_again` were published twice
    (None: as many as before).

    Raises Stale when it has changed meanwhile. This is no new version: nothing happened to it.
    What is noted beside the order goes into it with its next commit.
    """
    told = {} if told_again is None else {":told": told_again}
    write = Write(
        db.orders,
        "due_at = :seen",
        key={"pk": f"ORD#{due.order_id}", "sk": "ORDER"},
        update="SET due_at = :until" + (", told_again = :told" if told else ""),
        values={":seen": due.due_at, ":until": iso(until)} | told,
    )
    commit(db.client, [write])


def orders_of(
    db: Database, customer_id: str, limit: int, start: dict[str, Any] | None = None
) -> tuple[list[str], dict[str, Any] | None]:
    """Ids of a customer's placed orders, newest first, and where the next page starts."""
    return _page(db, "by_customer", "owner", customer_id, limit, start, newest_first=True)


def cart_owner(customer_id: str) -> str:
    """Whose a cart is, in the index where a placed order is `customer_id`'s."""
    return f"CART#{customer_id}"


def indebted(db: Database, limit: int, after: str = "") -> tuple[list[str], str]:
    """Ids of the orders whose customers owe more than is authorized, oldest first, from after the
    place `after` on; and the place of the last one when there may be more, '' when not."""
    # The books alone ask for them: no other function pays for this at a start.
    from parcelway.store.sharded import Sharded

    index = Sharded("by_debt", "debt_shard", "debt", DEBT_SHARDS)
    begin = f"{after}#" if after else "0"
    places = [e["debt"] for e in islice(index.between(db, db.orders, begin, "9", limit), limit)]
    more = places[-1] if len(places) == limit else ""
    return [place.partition("#")[2] for place in places], more


def queue_of(
    db: Database, node: str, limit: int, start: dict[str, Any] | None = None
) -> tuple[list[str], dict[str, Any] | None]:
    """Ids of the orders with shipments waiting at a node, oldest first, and the next page."""
    return _page(db, "by_node", "queue", node, limit, start, newest_first=False)


def place_of(shipment: Shipment) -> str:
    """The node in whose queue a shipment is: to be sent or handed over there or, on its way from
    another one, received; by its sender, where it did not get there. '' for none."""
    if shipment.status == "shipped" and shipment.elsewhere:
        return shipment.node if shipment.tracking == "returned" else shipment.to_store
    return shipment.node if shipment.status in _AT_NODE else ""


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


def guest_key(email_key: str, order_id: str) -> dict[str, str]:
    """The primary key of a guest's order on the list of a mailbox, by its normalised address."""
    return {"pk": f"GUEST#{_digest(email_key)}", "sk": order_id}


def sold_key(email_key: str, order_id: str) -> dict[str, str]:
    """The primary key of an imported order on the list of its buyer's mailbox, likewise."""
    return {"pk": f"SOLD#{_digest(email_key)}", "sk": order_id}


def of_mailbox(db: Database, email_key: str) -> list[str]:
    """Ids of orders for a mailbox that are no customer's, guests' and imported ones."""
    lists = (key(email_key, "")["pk"] for key in (guest_key, sold_key))
    return [item["sk"] for pk in lists for item in db.query(db.orders, pk)]


def _digest(email_key: str) -> str:
    return hashlib.sha256(email_key.encode()).hexdigest()


def till_key(reference: str) -> dict[str, str]:
    """The primary key of what a card terminal took, by the payment's reference."""
    return {"pk": f"TILL#{reference}", "sk": "TILL"}


def parcel_key(carrier: str, parcel_number: str) -> str:
    """A parcel's key: people and machines spell a carrier's name in more than one way."""
    return f"PCL#{carrier.strip().casefold()}#{parcel_number.strip().casefold()}"


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
