"""An order against itself: where its units are, its timer and indexes, its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain.attention import PATIENCE
from parcelway.domain.dunning import next_look
from parcelway.domain.line import DONE, Stage
from parcelway.domain.order import EVENTS_PER_COMMIT, Order
from parcelway.domain.payment import AT_TILL
from parcelway.domain.shipment import Shipment, ShipmentStatus
from parcelway.domain.status import ready
from parcelway.domain.waves import has_wave
from parcelway.store.codec import iso

from infra.verify.case import Case
from infra.verify.finding import Break, found

_LATE = timedelta(days=1)  # the sweeper comes every minute
_SCHEDULED = timedelta(hours=4)  # it tells of an order after half an hour, one, two
_TIMER = ("due_shard", "due_at")
_INDEXES = ("owner", "placed_at", "held_skus", "expires", "debt_shard", "debt")
_QUEUE = ("queue", "queued_at")
# Where the units of an order may be, by its state; anywhere while it is confirmed.
_STAGES: Mapping[str, tuple[Stage, ...]] = {
    "draft": ("open", "reserved"),
    "placed": ("open", "reserved", "backordered"),
    "closed": DONE,
    "cancelled": ("cancelled",),
    "expired": ("cancelled",),
}
# Where the units of a shipment must be, by its status.
_SHIPPED: Mapping[ShipmentStatus, tuple[Stage, ...]] = {
    "scheduled": ("allocated",),
    "released": ("released",),
    "packed": ("packed",),
    "shipped": ("shipped",),
    "ready_for_pickup": ("packed",),
    "delivered": ("delivered", "picked_up"),
    "returned": ("returned",),
    "cancelled": (),
}


def order_breaks(case: Case, now: datetime) -> Iterator[Break]:
    """Everything about the order alone."""
    yield from _identity_breaks(case)
    yield from _unit_breaks(case)
    yield from _kit_breaks(case.order)
    yield from _uncollected_breaks(case)
    yield from _timer_breaks(case, now)
    yield from _index_breaks(case)
    yield from _schedule_breaks(case, now)
    yield from _sequence_breaks(case)
    yield from _milestone_breaks(case)


def differing(
    item: Mapping[str, Any], wanted: Mapping[str, Any], names: tuple[str, ...]
) -> list[str]:
    """The attributes among `names` that `item` lacks, has too many, or has other than wanted.

    A due time may be any: it is put off while an order stays quiet.
    """
    return [
        name
        for name in names
        if (name in item) != (name in wanted)
        or (name != "due_at" and item.get(name) != wanted.get(name))
    ]


def wrong_attributes(case: Case) -> dict[str, list[str]]:
    """By sort key, the index attributes that are not as store.saving writes them."""
    wrong = {}
    for sk, item in case.items.items():
        wanted = case.wanted.get((case.pk, sk))
        if wanted is not None and (sk == "ORDER" or sk.startswith("SHP#")):
            wrong[sk] = differing(item, wanted, (*_TIMER, *_INDEXES, *_QUEUE))
    return {sk: names for sk, names in wrong.items() if names}


def too_far(case: Case, now: datetime) -> bool:
    """Whether the order would not be looked after for longer than anybody ever puts it off."""
    due = case.items["ORDER"].get("due_at", "")
    reminder = next_look(case.order)
    if reminder is not None and case.order.state == "closed":
        return bool(due > iso(max(reminder, now) + _LATE))
    return bool(due > iso(max(case.order.hold_until or now, now) + PATIENCE + _LATE))


def _identity_breaks(case: Case) -> Iterator[Break]:
    item, order = case.items["ORDER"], case.order
    if item["pk"] != case.pk or item["version"] != order.version:
        told = f"{item['pk']} at version {item['version']} holds {order.id} at {order.version}"
        yield found("order.identity", order.id, told)
    newest = max((s.version for s in case.dossier.shipments), default=0)
    if newest > order.version:
        told = f"a shipment is at version {newest}, the order at {order.version}"
        yield found("order.identity", order.id, told)


def _unit_breaks(case: Case) -> Iterator[Break]:
    order, shipments = case.order, {s.id: s for s in case.dossier.shipments}
    allowed = _STAGES.get(order.state)
    stages = {portion.stage for line in order.lines for portion in line.portions}
    if allowed is not None and not stages <= set(allowed):
        yield found("order.units", order.id, f"{order.state} with {', '.join(sorted(stages))}")
    for shipment_id, there in _units(order).items():
        if shipment_id not in shipments and there:
            yield found("order.units", order.id, f"units in {shipment_id}, which there is not")
    for shipment in shipments.values():
        there = _units(order).get(shipment.id, Counter())
        if there != _contents(shipment) or not _stage_fits(order, shipment):
            told = f"{shipment.id} is {shipment.status}; its units are elsewhere"
            yield found("order.units", order.id, told)


def _kit_breaks(order: Order) -> Iterator[Break]:
    """The lines have the units of the order's kits, and what those save to the cent."""
    lines = {line.sku: line for line in order.lines}
    off: Counter[str] = Counter()
    for line in order.lines:
        if order.loose(line) < 0:
            told = f"kits have {order.in_kits(line.sku)} of {line.sku}, the line {line.quantity}"
            yield found("order.kits", order.id, told)
        for discount in line.discounts:
            off[discount.id] += discount.amount.minor if discount.source == "kit" else 0
    for kit in order.kits:
        if not kit.components.keys() <= lines.keys():
            yield found("order.kits", order.id, f"{kit.sku} has components that no line has")
            continue
        alone = sum(lines[sku].unit_price.minor * n for sku, n in kit.components.items())
        saved = (alone - kit.unit_price.minor) * kit.quantity
        if off.pop(kit.sku, 0) != saved:
            yield found("order.kits", order.id, f"{kit.sku} takes off other than {saved}")
    if any(off.values()):
        yield found("order.kits", order.id, f"off for kits that there are not: {dict(off)}")


def _uncollected_breaks(case: Case) -> Iterator[Break]:
    """What lies ready in a store, and nothing else, has a time at which it is seen to."""
    order = case.order
    ready = {s.id for s in case.dossier.shipments if s.status == "ready_for_pickup"}
    if order.uncollected.keys() != ready:
        told = f"{len(ready)} lie ready, {len(order.uncollected)} are seen to"
        yield found("order.uncollected", order.id, told)


def _units(order: Order) -> dict[str, Counter[tuple[int, str]]]:
    """Units by shipment, and in it by line and node."""
    units: dict[str, Counter[tuple[int, str]]] = {}
    for line in order.lines:
        for portion in line.portions:
            if portion.shipment:
                counts = units.setdefault(portion.shipment, Counter())
                counts[line.number, portion.node] += portion.quantity
    return units


def _contents(shipment: Shipment) -> Counter[tuple[int, str]]:
    if shipment.status == "cancelled":
        return Counter()
    return Counter({(line.line, shipment.node): line.quantity for line in shipment.lines})


def _stage_fits(order: Order, shipment: Shipment) -> bool:
    return all(
        portion.stage in _SHIPPED[shipment.status]
        for line in order.lines
        for portion in line.portions
        if portion.shipment == shipment.id
    )


def _timer_breaks(case: Case, now: datetime) -> Iterator[Break]:
    """What must still happen has a time at which somebody looks; what is over has none."""
    order, item = case.order, case.items["ORDER"]
    wanted = case.wanted[case.pk, "ORDER"]
    if differing(item, wanted, _TIMER):
        if "due_at" in wanted:
            told = f"{order.state}, and nothing looks after it when it goes quiet"
            yield found("order.stuck", order.id, told)
        else:
            yield found("order.timer", order.id, f"{order.state}, but due at {item.get('due_at')}")
        return
    due = item.get("due_at")
    if due is None:
        return
    if due < iso(now - _LATE):
        yield found("order.overdue", order.id, f"due since {due}: the sweeper does not get to it")
    if too_far(case, now):
        yield found("order.stuck", order.id, f"{order.state}, and not looked after before {due}")


def _index_breaks(case: Case) -> Iterator[Break]:
    for sk, names in wrong_attributes(case).items():
        others = [name for name in names if name not in _TIMER]
        if others:
            kind = "shipment.queue" if sk != "ORDER" else "order.index"
            yield found(kind, case.order.id, f"{sk}: {', '.join(others)} not as it should be")


def _schedule_breaks(case: Case, now: datetime) -> Iterator[Break]:
    """What can go has its wave; at the latest when the sweeper has told of it again and again."""
    newest = max((event.at for event in case.dossier.events), default=now)
    under_way = any(p.shipment for line in case.order.lines for p in line.portions)
    if (has_wave(case.order) or (ready(case.order) and not under_way)) and (
        newest < now - _SCHEDULED
    ):
        told = "units could go, and no execution takes them up"
        yield found("order.unscheduled", case.order.id, told)


def _sequence_breaks(case: Case) -> Iterator[Break]:
    """Events of a commit are numbered through from the order's version at it."""
    order = case.order
    counts: Counter[int] = Counter()
    for event in sorted(case.dossier.events, key=lambda event: event.sequence):
        version, index = divmod(event.sequence, EVENTS_PER_COMMIT)
        stored = f"EVT#{event.sequence:012d}" in case.items and event.order_id == order.id
        if version > order.version or index != counts[version] or not stored:
            told = f"event {event.sequence} ({event.type}) is out of sequence"
            yield found("event.sequence", order.id, told)
        counts[version] += 1


def _milestone_breaks(case: Case) -> Iterator[Break]:
    """What the order came to was told exactly once."""
    order, there = case.order, Counter(event.type for event in case.dossier.events)
    shipments = case.dossier.shipments
    wanted = {
        "order.placed": int(order.placed_at is not None),
        # Over the counter an order is sold as soon as it is placed, and told of as that.
        _confirmed(order): int(order.confirmed_at is not None),
        "order.closed": int(order.state == "closed"),
        "order.cancelled": int(order.state == "cancelled"),
        "order.expired": int(order.state == "expired"),
        "invoice.issued": len(case.dossier.invoices),
        "credit_note.issued": len(case.dossier.credit_notes),
        "shipment.shipped": sum(bool(s.parcel_number) for s in shipments),
        "shipment.ready_for_pickup": sum(s.ready_at is not None for s in shipments),
    }
    for kind, count in wanted.items():
        if there[kind] != count:
            yield found("event.missing", order.id, f"{there[kind]} {kind}, not {count}")


def _confirmed(order: Order) -> str:
    """The event by which an order was told to be paid for."""
    at_till = order.payment_method in AT_TILL and not order.waves
    return "order.sold" if at_till else "order.confirmed"
