"""Forgetting people, step by step, across all that is kept of them.

The entry (see `erasures`) is written in the transaction that empties the record. Every sweep then
does again what is not done yet: it looks at what there is, not at what it remembers of having done.
So it may break off after any call, and two may be at it at once. When all that it found is erased
it looks once more, after `LOOK_AGAIN`, and only then forgets the entry, and with it the addresses
that are in it. An order that is not over by then is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from parcelway.domain.customer import Change, Customer
from parcelway.domain.dispute import Dispute
from parcelway.domain.erasing import (
    LOOK_AGAIN,
    Erasure,
    Login,
    document_without_excess,
    erase,
    event_without_person,
    forgotten,
    in_the_way,
    is_meant,
    shipment_without_person,
)
from parcelway.domain.invoice import Invoice
from parcelway.domain.order import Event, Order
from parcelway.domain.shipment import Shipment
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Stale, Write, commit, put_new, until_fresh
from parcelway.store.customers import get_customer, holder_of, record_writes
from parcelway.store.database import Database
from parcelway.store.erasures import PK
from parcelway.store.finding import SEEN, lookups_of
from parcelway.store.gift_cards import cards_of_customer, untold
from parcelway.store.orders import (
    cart_owner,
    get_orders,
    guest_key,
    of_mailbox,
    orders_of,
    sold_key,
    to_order,
)
from parcelway.store.packing import Packed
from parcelway.store.saving import save
from parcelway.values import dataclass

DeleteLogin = Callable[[Login], bool]  # whether there was one

_PAGE = 25
_AT_ONCE = 100  # orders
_WAIT = timedelta(hours=1)  # between looks at an order that is not over
_GONE = ("MAIL#", "NOTE#", "GRANT#")  # of an order's partition


@dataclass(frozen=True, slots=True)
class Progress:
    """What came of one look: how much was erased, whether there is more at hand, and whether
    something is in the way."""

    erased: int = 0
    more: bool = False
    waits: bool = False


def get_erasure(db: Database, erasure_id: str) -> Erasure | None:
    """An erasure that is not over; None when there is none."""
    item = db.get(db.customers, PK, erasure_id)
    return decode(Erasure, item["erasure"]) if item else None


def orders_in_question(db: Database, planned: Erasure) -> list[tuple[Order, list[Dispute]]]:
    """The orders that are meant, carts among them, with the disputes of those that were paid."""
    found = []
    ids = list(dict.fromkeys(_ids(db, planned)))
    for first in range(0, len(ids), _AT_ONCE):
        for order in get_orders(db, ids[first : first + _AT_ONCE]):
            if is_meant(order, planned):
                items = db.query(db.orders, f"ORD#{order.id}", "DSP#") if order.captured else []
                found.append((order, [decode(Dispute, item["dispute"]) for item in items]))
    return found


def begin(db: Database, planned: Erasure, change: Change | None) -> None:
    """Commit an erasure and what becomes of the record, if there is one. From then on nobody is
    found, signs in or orders by it. Raises Stale."""
    writes = [] if change is None else _record_writes(db, change)
    commit(db.client, [*writes, put_new(db.customers, _item(planned, planned.asked_at))])


def proceed(
    db: Database, delete: DeleteLogin, item: Mapping[str, Any], now: datetime, most: int
) -> int:
    """Look after an erasure; how many records, logins and orders were erased, `most` at most.

    Raises what `delete` raises, Busy and Stale: the next sweep goes on.
    """
    planned = decode(Erasure, item["erasure"])
    done = sum(map(delete, planned.logins)) + _records(db, planned, now)
    orders = _orders(db, planned, now, most - done)
    for record in planned.records:
        for card in cards_of_customer(db, record):
            untold(db, card.id)
    _settle(db, planned, item["next_look"], orders, now)
    return done + orders.erased


def _settle(
    db: Database, planned: Erasure, looked: str, came_of_it: Progress, now: datetime
) -> None:
    """Note when to look again, or that all is over. Another sweep may have been first."""
    if came_of_it.more:
        return
    condition, values = "next_look = :looked", {":looked": looked}
    last = planned.seen and now >= planned.asked_at + LOOK_AGAIN
    if last and not came_of_it.waits and not came_of_it.erased:
        key = {"pk": PK, "sk": planned.id}
        write = Write(db.customers, condition, key=key, values=values)
    else:
        next_look = now + _WAIT if came_of_it.waits else max(planned.asked_at + LOOK_AGAIN, now)
        item = _item(replace(planned, seen=not came_of_it.waits), next_look)
        write = Write(db.customers, condition, item, values=values)
    with suppress(Stale):
        commit(db.client, [write])


def _item(planned: Erasure, next_look: datetime) -> dict[str, Any]:
    return {
        "pk": PK,
        "sk": planned.id,
        "erasure": encode(planned),
        "next_look": iso(next_look),
    }


# ---- records ---------------------------------------------------------------------------------


def _records(db: Database, planned: Erasure, now: datetime) -> int:
    """Empty what is left of the records, and all that lies beside them."""
    gone = 0
    for customer_id in planned.records:
        gone += until_fresh(partial(_empty, db, planned, customer_id, now))
        record = get_customer(db, customer_id)
        _clear(db, customer_id, record.version if record is not None else 0)
    return gone


def _empty(db: Database, planned: Erasure, customer_id: str, now: datetime) -> int:
    record = get_customer(db, customer_id)
    if record is None or record.state == "erased":
        return 0
    commit(db.client, _record_writes(db, forgotten(record, planned.grounds, now, planned.by)))
    return 1


def _record_writes(db: Database, change: Change) -> list[Write]:
    """A record as a tombstone; its address is anybody's again."""
    before: Customer | None = change.before
    writes = list(record_writes(db, change))
    if before is not None and before.email_key and holder_of(db, before.email_key) == before.id:
        key = {"pk": f"EMAIL#{before.email_key}", "sk": "EMAIL"}
        writes.append(Write(db.customers, "customer_id = :id", key=key, values={":id": before.id}))
    return writes


def _clear(db: Database, customer_id: str, version: int) -> None:
    """Delete what lies beside a tombstone but the entry of its making, whatever it is; of who
    looked at the record only stays that they did."""
    stays = {"CUSTOMER", f"HIST#{version:09d}"}
    writes = []
    for item in db.query(db.customers, f"CUS#{customer_id}"):
        key = {"pk": item["pk"], "sk": item["sk"]}
        if item["sk"].startswith(SEEN):
            if item["access"]["reason"]:
                time = item["sk"].removeprefix(SEEN)
                day = datetime.fromisoformat(item["access"]["at"])
                writes.append(_without_reason(db, {"pk": lookups_of(day), "sk": time}))
                writes.append(_without_reason(db, key))
        elif item["sk"] not in stays:
            writes.append(Write(db.customers, "attribute_exists(pk)", key=key))
    _one_by_one(db, writes)


def _without_reason(db: Database, key: Mapping[str, str]) -> Write:
    return Write(
        db.customers,
        "attribute_exists(pk)",
        key=key,
        update="SET #access.#reason = :none",
        names={"#access": "access", "#reason": "reason"},
        values={":none": ""},
    )


# ---- orders --------------------------------------------------------------------------------------


def _orders(db: Database, planned: Erasure, now: datetime, most: int) -> Progress:
    """Erase the person's orders that are over, carts and orders as a guest among them."""
    erased, waits = 0, False
    for order_id in _ids(db, planned):
        if erased >= most:
            return Progress(erased, more=True, waits=waits)
        done = until_fresh(partial(_order, db, planned, order_id, now))
        erased, waits = erased + done.erased, waits or done.waits
    return Progress(erased, waits=waits)


def _ids(db: Database, planned: Erasure) -> Iterator[str]:
    """Orders that may be the person's. Those of no customer come last: the list of a mailbox is
    what they are found by, and gets shorter."""
    owners = [each for record in planned.records for each in (record, cart_owner(record))]
    for owner in owners:
        start = None
        while True:
            ids, start = orders_of(db, owner, _PAGE, start)
            yield from ids
            if start is None:
                break
    for address in planned.mailboxes:
        yield from of_mailbox(db, address)


def _order(db: Database, planned: Erasure, order_id: str, now: datetime) -> Progress:
    items = db.query(db.orders, f"ORD#{order_id}")
    order = next((to_order(item) for item in items if item["sk"] == "ORDER"), None)
    known = order is not None and (is_meant(order, planned) or _is_empty(order))
    if order is None or not known:
        return Progress()
    disputes = [decode(Dispute, item["dispute"]) for item in items if item["sk"][:4] == "DSP#"]
    if in_the_way(order, disputes, now):
        return Progress(waits=True)
    decision = erase(order, now)
    if decision is not None:
        save(db, decision, now)
    parts = [write for item in items for write in _part(db, item)]
    _one_by_one(db, parts)
    for tender in order.gift_cards:
        untold(db, tender.card)
    _unlist(db, planned, order)
    return Progress(int(decision is not None or bool(parts)))


def _is_empty(order: Order) -> bool:
    """Whether an order is a guest's that was begun with: only its list still says whose it was."""
    return not order.customer_id and order.contact is None and order.placed_at is not None


def _unlist(db: Database, planned: Erasure, order: Order) -> None:
    """Take an order off the list of the mailbox, last of all."""
    if order.customer_id:
        return
    listed = sold_key if order.sold_elsewhere else guest_key
    keys = [listed(address, order.id) for address in planned.mailboxes]
    _one_by_one(db, [Write(db.orders, "attribute_exists(pk)", key=key) for key in keys])


def _part(db: Database, item: Mapping[str, Any]) -> Iterator[Write]:
    """What becomes of an item beside the order, if anything does."""
    key = {"pk": item["pk"], "sk": item["sk"]}
    if item["sk"].startswith(_GONE):
        yield Write(db.orders, "attribute_exists(pk)", key=key)
        return
    after = {**item, **_values(item)}
    if after == item:
        return
    if "version" in item:
        names, values = {"#version": "version"}, {":version": item["version"]}
        yield Write(db.orders, "#version = :version", after, names=names, values=values)
    else:
        yield Write(db.orders, "attribute_exists(pk)", after)


def _values(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of an item that are others without the person."""
    if "event" in item:
        event = decode(Event, item["event"])
        told = event_without_person(event)
        return {} if told == event else {"event": encode(told)}
    if "shipment" in item:
        shipment = decode(Shipment, item["shipment"])
        bare = shipment_without_person(shipment)
        return {} if bare == shipment else {"shipment": Packed(encode(bare))}
    for name in ("invoice", "credit_note"):
        if name in item:
            document = decode(Invoice, item[name])
            less = document_without_excess(document)
            return {} if less == document else {name: Packed(encode(less))}
    return {}


def _one_by_one(db: Database, writes: Iterable[Write]) -> None:
    """Make writes that do not depend on each other. What another sweep was first with, or what has
    changed meanwhile, the next look finds as it is then."""
    for write in writes:
        with suppress(Stale):
            commit(db.client, [write])
