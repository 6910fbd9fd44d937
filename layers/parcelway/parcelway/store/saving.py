"""A decision as one transaction: the order at its next version, with all that goes with it.

What the items look like is told by `orders`, and by the modules of the other tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain.attention import due_at
from parcelway.domain.decision import Decision
from parcelway.domain.invoice import Invoice
from parcelway.domain.ledger import Posting
from parcelway.domain.order import Event, Order
from parcelway.domain.payment import TERMINAL
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.domain.status import needs_attention, nodes_of, standing
from parcelway.store.codec import encode, iso
from parcelway.store.commit import Write, commit, put_new, put_version
from parcelway.store.database import Database
from parcelway.store.orders import (
    DEBT_SHARDS,
    DUE_SHARDS,
    LIST_SHARDS,
    cart_owner,
    guest_key,
    parcel_key,
    place_of,
    queue_items,
    queue_key,
    sold_key,
    till_key,
)
from parcelway.store.packing import Packed
from parcelway.store.stock import balance_writes, entry_writes, journal_writes

_DRAFT_KEPT = timedelta(days=90)  # from its start; TTL then deletes an abandoned draft
_LEFT_KEPT = timedelta(days=1)


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
        *_use_writes(db, decision),
        *_card_writes(db, decision),
        *(write for made in decisions for write in _other_writes(db, made, now)),
        *_number_writes(db, decisions),
        *_buyer_writes(db, decisions),
    ]


def issue_writes(
    db: Database, decisions: Sequence[Decision], read: Mapping[str, int], now: datetime
) -> list[Write]:
    """Decisions that issue an invoice each, of as many orders, as the writes of one transaction.
    The invoices of a series have numbers that follow each other.

    `read` are the versions of the shipments by id: who reads them in one call with their orders
    does not read them at one moment, so that they must still be the ones that were read.
    """
    return [
        *(_order_write(db, made.order, now) for made in decisions),
        *(write for made in decisions for write in _other_writes(db, made, now, read)),
        *_number_writes(db, decisions),
    ]


def _card_writes(db: Database, decision: Decision) -> list[Write]:
    if not decision.cards:
        return []
    from parcelway.store import gift_cards  # nobody else pays for it at a start

    return [write for change in decision.cards for write in gift_cards.writes(db, change)]


def _buyer_writes(db: Database, decisions: Sequence[Decision]) -> list[Write]:
    placed = [made.order for made in decisions if made.order.customer_id and _places(made)]
    if not placed:
        return []
    from parcelway.store.buyers import may_order  # nobody else pays for it at a start

    return may_order(db, placed)


def _places(decision: Decision) -> bool:
    return any(event.type == "order.placed" for event in decision.events)


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


def _use_writes(db: Database, decision: Decision) -> list[Write]:
    if not (decision.uses or decision.unused or decision.unbought):
        return []
    # Few orders use what is limited: nobody else pays for this at a start.
    from parcelway.store import coupons

    return coupons.use_writes(db, decision.uses, decision.unused, decision.unbought)


def _order_write(db: Database, order: Order, now: datetime) -> Write:
    return put_version(db.orders, _order_item(order, now), order.version - 1)


def _other_writes(
    db: Database, decision: Decision, now: datetime, read: Mapping[str, int] | None = None
) -> list[Write]:
    order, versions = decision.order, read or {}
    made: list[Write] = []
    made += journal_writes(db, order.id, order.version, now, decision.moves)
    made += entry_writes(db, decision.entry, decision.changes) if decision.entry else []
    for shipment in decision.shipments:
        item = _shipment_item(shipment)
        made.append(_part(db, order, f"SHP#{shipment.id}", item, versions.get(shipment.id)))
    paid = (decision.payment, *decision.tenders) if decision.payment else decision.tenders
    for payment in paid:
        made.append(_part(db, order, f"PAY#{payment.number:03d}", {"payment": encode(payment)}))
    for dispute in decision.disputes:
        made.append(_part(db, order, f"DSP#{dispute.reference}", {"dispute": encode(dispute)}))
    if decision.invoice is not None:
        made += _document_writes(db, "INV", "invoice", [decision.invoice])
    if decision.credit_notes:
        made += _document_writes(db, "CRN", "credit_note", decision.credit_notes)
    made += [_event_write(db, event, order) for event in decision.events]
    if decision.proposed or decision.settled:
        from parcelway.store import proposals  # nobody else pays for it at a start

        made += proposals.writes(db, decision, forgotten(order))
    if decision.asking or decision.asked:
        from parcelway.store import approvals  # few orders are of such an account

        made += approvals.writes(db, decision, forgotten(order))
    made += _posting_writes(db, decision.postings, now)
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
        item["expires"] = forgotten(order)
    if order.customer_id:
        item |= _owner(order)
    # What an authorization still secures is no debt: it is captured next, in most orders at once.
    if order.owed.minor > order.authorized - order.captured and order.placed_at is not None:
        shard = hashlib.sha256(order.id.encode()).digest()[1] % DEBT_SHARDS
        item |= {"debt_shard": str(shard), "debt": f"{iso(order.placed_at)}#{order.id}"}
    return item | _list_entry(order) | _feed_entry(order, now)


def _feed_entry(order: Order, now: datetime) -> dict[str, str]:
    """Where an imported order is among the changed ones of its source; nowhere for others."""
    if not order.sold_elsewhere:
        return {}
    return {"feed": order.source, "changed_at": f"{iso(now)}#{order.id}"}


def _owner(order: Order) -> dict[str, str]:
    """Where an order is in the index of its customer's; a cart is apart from what was placed, for
    who must find all that there is of them. Until it is placed neither key changes, so that an edit
    of a cart does not write the index."""
    if order.placed_at is None:
        return {"owner": cart_owner(order.customer_id), "placed_at": iso(order.created_at)}
    return {"owner": order.customer_id, "placed_at": iso(order.placed_at)}


def _list_entry(order: Order) -> dict[str, Any]:
    """Where a placed order is in the list of all (store/listing.py); nowhere for a draft."""
    if order.placed_at is None or order.state == "draft":
        return {}
    shard = hashlib.sha256(order.id.encode()).digest()[2] % LIST_SHARDS
    entry: dict[str, Any] = {
        "listed": f"{order.channel}#{shard}",
        "listed_at": f"{iso(order.placed_at)}#{order.id}",
        "standing": f"{standing(order)}#{shard}",
        "nodes": nodes_of(order),
    }
    return entry | {"attention": str(shard)} if needs_attention(order) else entry


def _shipment_item(shipment: Shipment) -> dict[str, Any]:
    item: dict[str, Any] = {"shipment": Packed(encode(shipment))}
    if (place := place_of(shipment)) and shipment.released_at is not None:
        item |= {"queue": place, "queued_at": iso(shipment.released_at)}
    return item


def _part(
    db: Database, order: Order, sk: str, values: dict[str, Any], read: int | None = None
) -> Write:
    """A part of the order, replaced. The order's own condition already orders such writes; this
    one only makes sure that no part can ever be set back, or that it is at the version `read`."""
    item = {"pk": f"ORD#{order.id}", "sk": sk, "version": order.version} | values
    if read is not None:
        return put_version(db.orders, item, read)
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
        item["expires"] = forgotten(order)
    return put_new(db.orders, item)


def forgotten(draft: Order) -> int:
    """When TTL may delete an abandoned draft, and what goes with it."""
    return int((draft.created_at + _DRAFT_KEPT).timestamp())


def _posting_writes(db: Database, postings: Sequence[Posting], now: datetime) -> list[Write]:
    if not postings:
        return []
    # Most functions move no money: they do not pay for the books at a start.
    from parcelway.store.ledger import posting_writes

    return [write for posting in postings for write in posting_writes(db, posting, now)]


def _document_writes(
    db: Database, kind: str, name: str, documents: Sequence[Invoice]
) -> Iterable[Write]:
    for each in documents:
        key = {"pk": f"ORD#{each.order_id}", "sk": f"{kind}#{each.number}"}
        yield put_new(db.orders, key | {name: Packed(encode(each))})


def _number_writes(db: Database, decisions: Sequence[Decision]) -> Iterable[Write]:
    documents = [made.invoice for made in decisions if made.invoice is not None]
    documents += [note for made in decisions for note in made.credit_notes]
    if not documents:
        return []
    # Few functions issue documents: the others do not pay for it at a start.
    from parcelway.store.series import number_writes

    return number_writes(db, documents)


def _lookup_writes(db: Database, decision: Decision) -> Iterable[Write]:
    order = decision.order
    if _places(decision):
        key = {"pk": f"TRK#{order.tracking_number}", "sk": "TRACK"}
        yield put_new(db.orders, key | {"order_id": order.id})
        if not order.customer_id:
            from parcelway.domain.guest_orders import told_by  # only who places orders pays for it

            if address := told_by(order):
                listed = sold_key if order.sold_elsewhere else guest_key
                yield Write(db.orders, "", listed(address, order.id))
    for payment in decision.tenders:
        if payment.method == TERMINAL:  # one slip pays for one sale
            target = {"order_id": order.id}
            yield put_new(db.orders, till_key(payment.reference) | target, _slip_used)
    for event in decision.events:
        if event.type == "shipment.shipped":
            parcel = parcel_key(event.data["carrier"], event.data["parcel_number"])
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


def _slip_used() -> Refusal:
    return Refusal(
        Reason.TENDER_USED,
        "What the terminal took under this reference has paid for another sale.",
        "/tenders",
    )


def _parcel_taken() -> Refusal:
    return Refusal(Reason.ILLEGAL_STATE, "Another parcel has this number.", "/parcel_number")
