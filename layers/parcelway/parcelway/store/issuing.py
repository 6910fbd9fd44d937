"""Issuing the invoices of many shipments: numbered one after the other, so many in a transaction.

The counter of a series lets one transaction through at a time; so one writer that puts MOST_WRITTEN
invoices into each gives more numbers than many writers that put one into each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoicing import Counter, issue
from parcelway.domain.order import Order
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Shop
from parcelway.store.batches import get_many
from parcelway.store.codec import decode
from parcelway.store.commit import ATTEMPTS, Busy, Contended, commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.orders import get_dossier, to_order
from parcelway.store.saving import issue_writes
from parcelway.store.series import counter_key, to_counter
from parcelway.store.shop import load_shop

MOST_WRITTEN = 16  # a transaction takes 100 items: the counter, and six of each invoice
MOST_READ = 3 * MOST_WRITTEN  # BatchGetItem takes 100 keys: the counter, order and shipment of each
_TRIES = 4  # for many at once, before it is taken that one of them is at fault


class Asked(NamedTuple):
    """The shipment whose invoice is asked for."""

    order_id: str
    shipment_id: str


class _Parcel(NamedTuple):
    order: Order
    shipment: Shipment
    siblings: Sequence[Shipment]


def issue_invoices(
    db: Database, asked: Iterable[Asked], now: Callable[[], datetime]
) -> dict[Asked, Exception]:
    """Issue the invoices that are asked for and are not there yet; why not, by shipment, where that
    was not possible: such a shipment takes no number and is in nobody's way.

    Order, shipment, invoice, posting, number and counter change in one transaction, so a number is
    used exactly when its invoice exists, and whatever was done may be asked for again.
    """
    failed: dict[Asked, Exception] = {}
    wanted = list(dict.fromkeys(asked))
    for start in range(0, len(wanted), MOST_READ):
        failed |= _issue(db, wanted[start : start + MOST_READ], now)
    return failed


def _issue(
    db: Database, asked: Sequence[Asked], now: Callable[[], datetime]
) -> dict[Asked, Exception]:
    """What cannot be written together is tried in halves, until what is at fault is alone."""
    tries = ATTEMPTS if len(asked) == 1 else _TRIES
    try:
        return until_fresh(lambda: _attempt(db, asked, now()), tries)
    except Exception as error:
        if len(asked) == 1 or (isinstance(error, Busy) and not isinstance(error, Contended)):
            return dict.fromkeys(asked, error)
    half = len(asked) // 2
    return _issue(db, asked[:half], now) | _issue(db, asked[half:], now)


def _attempt(db: Database, asked: Sequence[Asked], now: datetime) -> dict[Asked, Exception]:
    """Issue what is not issued yet. Raises Stale when something changed since it was read."""
    facts = Facts(load_shop(db), now)
    first: dict[str, Asked] = {}  # an order can be in a transaction once
    for each in asked:
        first.setdefault(each.order_id, each)
    parcels, counters, failed = _read(db, list(first.values()), facts.shop)
    for counter in counters:
        failed |= _number(db, parcels.get(counter.series, []), counter, facts)
    later = [each for each in asked if first[each.order_id] != each]
    return failed | (_attempt(db, later, now) if later else {})


def _number(
    db: Database, parcels: Sequence[_Parcel], counter: Counter, facts: Facts
) -> dict[Asked, Exception]:
    """Issue the invoices of one series."""
    failed: dict[Asked, Exception] = {}
    for start in range(0, len(parcels), MOST_WRITTEN):
        some = parcels[start : start + MOST_WRITTEN]
        made, refused = _decide(some, counter, facts)
        failed |= refused
        if made:
            read = {parcel.shipment.id: parcel.shipment.version for parcel in some}
            commit(db.client, issue_writes(db, made, read, facts.now))
            counter = replace(counter, last=counter.last + len(made))
    return failed


def _decide(
    parcels: Sequence[_Parcel], counter: Counter, facts: Facts
) -> tuple[list[Decision], dict[Asked, Exception]]:
    """Invoices with the numbers after `counter`. A shipment that cannot have one takes none."""
    made: list[Decision] = []
    refused: dict[Asked, Exception] = {}
    for order, shipment, siblings in parcels:
        last = replace(counter, last=counter.last + len(made))
        try:
            decision = issue(order, shipment, siblings, last, facts)
        except Exception as error:
            refused[Asked(order.id, shipment.id)] = error
        else:
            made += [decision] if decision else []
    return made, refused


def _read(
    db: Database, asked: Sequence[Asked], shop: Shop
) -> tuple[dict[str, list[_Parcel]], list[Counter], dict[Asked, Exception]]:
    """What is asked for by series, and the series' counters: in one call as long as orders leave
    in one parcel, and legal entities are few."""
    series = shop.invoice_series()
    orders = [(db.orders, f"ORD#{each.order_id}", "ORDER") for each in asked]
    shipments = [(db.orders, f"ORD#{each.order_id}", f"SHP#{each.shipment_id}") for each in asked]
    counters = [(db.orders, *counter_key(each)) for each in series]
    found = get_many(db.client, [*counters, *orders, *shipments], consistent=True)
    items = {(item["pk"], item["sk"]): item for _, item in found}
    parcels: dict[str, list[_Parcel]] = {}
    failed: dict[Asked, Exception] = {}
    for each in asked:
        try:
            parcel = _parcel(db, each, items)
            issuer = shop.issuer(parcel.shipment.node)
        except Exception as error:
            failed[each] = error
        else:
            parcels.setdefault(issuer.invoice_series, []).append(parcel)
    return parcels, [to_counter(each, items.get(counter_key(each))) for each in series], failed


def _parcel(db: Database, asked: Asked, items: Mapping[tuple[str, str], Any]) -> _Parcel:
    """A shipment with its order and, where there are any, its siblings. Raises LookupError."""
    pk = f"ORD#{asked.order_id}"
    order = to_order(items[pk, "ORDER"])
    shipment = decode(Shipment, items[pk, f"SHP#{asked.shipment_id}"]["shipment"])
    portions = [portion for line in order.lines for portion in line.portions]
    if all(portion.shipment == shipment.id for portion in portions):
        return _Parcel(order, shipment, (shipment,))  # no unit ever left in another one
    dossier = get_dossier(db, asked.order_id)
    if dossier is None:
        raise LookupError(f"no order {asked.order_id}")
    return _Parcel(dossier.order, dossier.shipment(asked.shipment_id), dossier.shipments)
