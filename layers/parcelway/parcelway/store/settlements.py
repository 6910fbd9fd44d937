"""LedgerTable: payouts, what they are made of, and the queue of what nothing explains.

    PAYOUT#<id>       PAYOUT                a payout as it is known
    PAYOUT#<id>       TXN#<transaction>     a movement of it, and whether it is matched
    PAYOUTS           <created>#<id>        -> payout; the list of all
    ORD#<order>       SETTLED#<payment>     what of a payment was settled so far
    ORD#<order>       TXN#<transaction>     a movement that is matched with the order
    UNMATCHED         <item>                what waits for a person
    RESOLVED          <item>                what did, and who took it as it is

A movement is written with all it means in one transaction, on the condition that the payout is as
it was read: so an import that was cut off goes on where it was, and one that runs twice books each
movement once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from parcelway.domain.dispute import Dispute
from parcelway.domain.matching import Known, Settled
from parcelway.domain.payment import Payment
from parcelway.domain.payout import BalanceTransaction
from parcelway.domain.settlement import (
    Booking,
    Item,
    Settlement,
    Unmatched,
)
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, put_version
from parcelway.store.database import Database
from parcelway.store.ledger import posting_writes

Start = Mapping[str, Any] | None


def get_settlement(db: Database, payout: str) -> Settlement | None:
    """A payout as the shop knows it; None when it was never heard of."""
    item = db.get(db.ledger, f"PAYOUT#{payout}", "PAYOUT")
    return decode(Settlement, item["settlement"]) if item else None


def payouts(db: Database, limit: int, start: Start) -> tuple[list[Settlement], Start]:
    """A page of payouts, newest first, and the key of the last one when there are more."""
    entries, more = db.page(db.ledger, "PAYOUTS", limit, start, newest_first=True)
    names = [f"PAYOUT#{entry['payout']}" for entry in entries]
    wanted = [(db.ledger, name, "PAYOUT") for name in names]
    found = {item["pk"]: item for _, item in get_many(db.client, wanted)}
    return [decode(Settlement, found[name]["settlement"]) for name in names if name in found], more


def items_of(db: Database, payout: str, limit: int, start: Start) -> tuple[list[Item], Start]:
    """A page of the movements of a payout, by id, and the key of the last one when there are
    more. The payout's own item comes first in its partition, and is passed over."""
    first = {"pk": f"PAYOUT#{payout}", "sk": "PAYOUT"}
    found, more = db.page(db.ledger, f"PAYOUT#{payout}", limit, start or first)
    return [decode(Item, item["item"]) for item in found], more


def of_order(db: Database, order_id: str) -> list[BalanceTransaction]:
    """Every movement that is matched with an order."""
    items = db.query(db.ledger, f"ORD#{order_id}", "TXN#")
    return [decode(BalanceTransaction, item["transaction"]) for item in items]


def unmatched(db: Database, limit: int, start: Start) -> tuple[list[Unmatched], Start]:
    """A page of what waits for a person, oldest first, and the key of the last one when there are
    more."""
    items, more = db.page(db.ledger, "UNMATCHED", limit, start)
    return [decode(Unmatched, item["unmatched"]) for item in items], more


def get_unmatched(db: Database, item_id: str) -> Unmatched | None:
    """An item of the queue, whether it still waits or somebody has resolved it; None for none."""
    for partition in ("UNMATCHED", "RESOLVED"):
        if item := db.get(db.ledger, partition, item_id):
            return decode(Unmatched, item["unmatched"])
    return None


def read_known(db: Database, batch: Sequence[BalanceTransaction]) -> Known:
    """What there is of that which movements are about, in two calls for a batch of them."""
    about = [each for each in batch if each.order_id]
    wanted = [(db.orders, f"ORD#{e.order_id}", f"PAY#{e.attempt:03d}") for e in about]
    wanted += [(db.orders, f"ORD#{e.order_id}", f"DSP#{e.source}") for e in about if e.source]
    wanted += [(db.ledger, f"ORD#{e.order_id}", f"SETTLED#{e.payment}") for e in about]
    failed = {each.source for each in batch if each.kind == "payout_failure"}
    wanted += [(db.ledger, f"PAYOUT#{source}", "PAYOUT") for source in failed]
    found = [item for _, item in get_many(db.client, wanted, consistent=True)]
    payments = [decode(Payment, item["payment"]) for item in found if "payment" in item]
    disputes = [decode(Dispute, item["dispute"]) for item in found if "dispute" in item]
    settled = [decode(Settled, item["settled"]) for item in found if "settled" in item]
    known = [decode(Settlement, item["settlement"]) for item in found if "settlement" in item]
    state = {each.payout.id: each.state for each in known}
    return Known(
        {payment.reference: payment for payment in payments},
        {dispute.reference: dispute for dispute in disputes},
        {each.payment: each for each in settled},
        {each.payout.id: each.net for each in known if each.state == "returned"},
        {source for source in failed if state.get(source) not in ("returned", "resolved")},
        {source for source in failed if state.get(source) == "resolved"},
    )


def save(db: Database, booking: Booking, now: datetime) -> None:
    """Commit a booking whole. Raises Stale when what it was based on has changed, and Busy."""
    writes = list(_payout_writes(db, booking.after)) if booking.after else []
    for item in booking.items:
        writes += _item_writes(db, item)
    writes += [_settled_write(db, each) for each in booking.settled]
    writes += _queue_writes(db, booking)
    for posting in booking.postings:
        writes += posting_writes(db, posting, now)
    commit(db.client, writes)


def _payout_writes(db: Database, after: Settlement) -> Iterable[Write]:
    payout = after.payout
    key = {"pk": f"PAYOUT#{payout.id}", "sk": "PAYOUT"}
    item = {**key, "version": after.version, "settlement": encode(after)}
    yield put_version(db.ledger, item, after.version - 1)
    if after.version == 1:
        place = {"pk": "PAYOUTS", "sk": f"{iso(payout.created_at)}#{payout.id}"}
        yield put_new(db.ledger, place | {"payout": payout.id})


def _item_writes(db: Database, item: Item) -> Iterable[Write]:
    """A movement of a payout; what was unmatched is written again once it is matched."""
    each = item.transaction
    key = {"pk": f"PAYOUT#{item.payout}", "sk": f"TXN#{each.id}"}
    waits = "attribute_not_exists(pk) OR waits = :true"
    yield Write(
        db.ledger,
        waits,
        key | {"waits": bool(item.why), "item": encode(item)},
        values={":true": True},
    )
    if each.order_id and not item.why:
        own = {"pk": f"ORD#{each.order_id}", "sk": f"TXN#{each.id}"}
        yield put_new(db.ledger, own | {"transaction": encode(each)})


def _settled_write(db: Database, each: Settled) -> Write:
    key = {"pk": f"ORD#{each.order_id}", "sk": f"SETTLED#{each.payment}"}
    item = {**key, "version": each.version, "settled": encode(each)}
    return put_version(db.ledger, item, each.version - 1)


def _queue_writes(db: Database, booking: Booking) -> Iterable[Write]:
    """What waits, and what does no more: whatever somebody took as it is, is kept with who did."""
    again = {each.id for each in booking.opened}  # for another reason than before
    for each in booking.closed:
        if each.id not in again:
            key = {"pk": "UNMATCHED", "sk": each.id}
            yield Write(db.ledger, "attribute_exists(pk)", key=key)
        if each.resolution is not None:
            done = {"pk": "RESOLVED", "sk": each.id, "unmatched": encode(each)}
            yield put_new(db.ledger, done)
    there = {each.id for each in booking.closed}
    for each in booking.opened:
        item = {"pk": "UNMATCHED", "sk": each.id, "unmatched": encode(each)}
        condition = "attribute_exists(pk)" if each.id in there else "attribute_not_exists(pk)"
        yield Write(db.ledger, condition, item)
