"""From scheduled to delivered: what the warehouse and the carrier report.

Reports are facts: the same one twice changes nothing (None), one that contradicts what is
already known is refused. Orders and shipments move together, in one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date
from typing import Any

from parcelway.domain.decision import Decision
from parcelway.domain.dues import card_released
from parcelway.domain.facts import Facts
from parcelway.domain.ledger import Posting, goods_sold
from parcelway.domain.line import DONE, Stage, move_all
from parcelway.domain.money import Money, zero
from parcelway.domain.order import DeliveryGroup, Hold, Order, advance, events, require
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import (
    Checkpoint,
    Shipment,
    ShipmentStatus,
    TrackingStatus,
)
from parcelway.domain.stock import Move, posted
from parcelway.domain.switches import require_ships


def release(order: Order, shipment: Shipment, facts: Facts) -> Decision | None:
    """Hand a shipment to its node's queue. None when it has been already."""
    if shipment.status != "scheduled":
        return None
    require(order, "confirmed")
    require_free(order, shipment)
    return step(order, shipment, "released", "released", SYSTEM, facts, released_at=facts.now)


def pack(order: Order, shipment: Shipment, actor: Actor, facts: Facts) -> Decision | None:
    """The warehouse picked and packed everything, which it thereby accepted. None when it has said
    so already."""
    if shipment.status not in ("scheduled", "released"):
        if shipment.status == "cancelled":
            raise illegal(shipment, "there is nothing left to pack")
        return None
    require(order, "confirmed")
    require_free(order, shipment)
    require_ships(facts.shop.switched(order.channel))
    if shipment.status == "scheduled":
        raise illegal(shipment, "it has not been released yet")
    return step(
        order,
        shipment,
        "packed",
        "packed",
        actor,
        facts,
        packed_at=facts.now,
        accepted_at=shipment.accepted_at or facts.now,
    )


def ship(
    order: Order, shipment: Shipment, carrier: str, parcel_number: str, actor: Actor, facts: Facts
) -> Decision | None:
    """The parcel left with a carrier under a parcel number: the units leave the stock books. What
    is sent to a store to be collected there is not the customer's yet (`pickup`).

    None when exactly this was reported before; another number for a parcel that has one is
    refused (ILLEGAL_STATE).
    """
    if shipment.parcel_number:
        if (carrier, parcel_number) == (shipment.carrier, shipment.parcel_number):
            return None
        raise illegal(shipment, "it has another parcel number")
    if shipment.status != "packed" or not (shipment.method == "delivery" or shipment.elsewhere):
        raise illegal(shipment, "only a packed parcel can be shipped")
    require(order, "confirmed")
    require_free(order, shipment)
    require_ships(facts.shop.switched(order.channel))
    return step(
        order,
        shipment,
        "shipped",
        "shipped",
        actor,
        facts,
        {"carrier": carrier, "parcel_number": parcel_number},
        shipped_at=None if shipment.elsewhere else facts.now,
        sent_at=facts.now if shipment.elsewhere else None,
        carrier=carrier,
        parcel_number=parcel_number,
        tracking="label_created",
    )


def deliver(order: Order, shipment: Shipment, actor: Actor, facts: Facts) -> Decision | None:
    """Somebody of the shop knows that the parcel arrived, whatever its carrier says (or does not:
    a van of our own). None when that is known."""
    if shipment.status == "delivered":
        return None
    if shipment.method != "delivery" or shipment.status != "shipped":
        raise illegal(shipment, "only a parcel on its way can arrive")
    return step(
        order,
        shipment,
        "delivered",
        "delivered",
        actor,
        facts,
        delivered_at=facts.now,
        tracking="delivered",
    )


# How far along a parcel is; a later checkpoint never takes it back to an earlier one, unless it was
# interrupted (failed attempt, exception), which may happen at any point before the end.
_PROGRESS = {"label_created": 0, "in_transit": 1, "out_for_delivery": 2, "available_for_pickup": 3}
_FINAL = ("delivered", "returned")
MAX_CHECKPOINTS = 200  # a parcel's history is one item; a carrier that floods it is cut off


def track(
    order: Order, shipment: Shipment, checkpoint: Checkpoint, actor: Actor, facts: Facts
) -> Decision | None:
    """Record what the carrier says of a parcel. None for a repeat.

    Checkpoints may come in any order: the parcel is where its history, read in order of time,
    leads to. Only its end stays: what was delivered (or returned) stays so. Raises Refusal
    ILLEGAL_STATE for a shipment without a parcel.
    """
    if not shipment.parcel_number:
        raise illegal(shipment, "it has no parcel that could be tracked")
    if any(known.event_id == checkpoint.event_id for known in shipment.checkpoints):
        return None
    ended = bool(shipment.tracking in _FINAL or shipment.received_at or shipment.astray)
    if len(shipment.checkpoints) >= MAX_CHECKPOINTS and (ended or checkpoint.status not in _FINAL):
        return None
    history = tuple(sorted([*shipment.checkpoints, checkpoint], key=lambda c: (c.at, c.event_id)))
    present = _present(history)
    if shipment.to_store and present == "delivered":
        present = "in_transit"  # the store itself says that it is there
    if shipment.astray == "lost" and checkpoint.status in _FINAL:
        order = replace(order, alerts=_alerted(order, "lost_parcel_found", shipment, facts))
    interrupted = history[-1] == checkpoint and checkpoint.status not in _PROGRESS
    if ended or not (interrupted or present != shipment.tracking):
        return step(order, shipment, shipment.status, None, actor, facts, checkpoints=history)
    if present == "returned":
        order = replace(order, alerts=_alerted(order, "returned_to_sender", shipment, facts))
    end = present if present == "delivered" or present == "returned" else None
    if shipment.to_store:
        end = None  # a person says where it goes from here
    return step(
        order,
        shipment,
        end or shipment.status,
        end,
        actor,
        facts,
        {"place": checkpoint.place} if checkpoint.place and checkpoint.status == present else {},
        kind=present,
        checkpoints=history,
        tracking=present,
        delivered_at=facts.now if end == "delivered" else shipment.delivered_at,
    )


def close(order: Order, facts: Facts) -> Decision | None:
    """End an order of which every unit arrived (or was cancelled). None when it has ended, or as
    long as other units are under way or wait."""
    if order.state in ("closed", "cancelled"):
        return None
    require(order, "confirmed")
    if not all(line.count(*DONE) == line.quantity for line in order.lines):
        return None
    closed = advance(order, state="closed", ended_at=facts.now)
    told = [("order.closed", {}), *card_released(closed)]
    return Decision(closed, events(closed, facts.now, SYSTEM, *told))


def overdue(order: Order, shipment: Shipment, until: str, facts: Facts) -> Decision | None:
    """Note that a shipment waits for `until` longer than it should: somebody must look.

    None when that was noted for this wait already, and for what lies ready in a store: its customer
    may take the time that was given (`pickup`).
    """
    if shipment.status == "ready_for_pickup":
        return None
    if shipment.status == "shipped" and shipment.elsewhere:
        until = "received"
    alerts = _alerted(order, f"overdue_{until}", shipment, facts)
    if alerts == order.alerts:
        return None
    after = advance(order, alerts=alerts)
    fact = ("shipment.overdue", {"shipment": shipment.id, "until": until})
    return Decision(after, events(after, facts.now, SYSTEM, fact))


def _alerted(order: Order, code: str, shipment: Shipment, facts: Facts) -> tuple[Hold, ...]:
    """The order's alerts with one about a shipment, once."""
    if any((hold.code, hold.detail) == (code, shipment.id) for hold in order.alerts):
        return order.alerts
    return (*order.alerts, Hold(code, shipment.id, facts.now))


def _present(history: Sequence[Checkpoint]) -> TrackingStatus:
    """Where a parcel is after its checkpoints, which are in order of time."""
    present: TrackingStatus = "label_created"
    for status in (checkpoint.status for checkpoint in history):
        if present in _FINAL:
            break
        # An interruption or end may follow anything, and anything but a label an interruption.
        if _PROGRESS.get(status, 3) >= _PROGRESS.get(present, 1):
            present = status
    return present


def step(
    order: Order,
    shipment: Shipment,
    status: ShipmentStatus,
    stage: Stage | None,
    actor: Actor,
    facts: Facts,
    data: Mapping[str, Any] | None = None,
    kind: str = "",
    **changes: Any,
) -> Decision:
    """Bring a shipment to `status` and its units to `stage`, as one event of type `kind`.

    Units that are shipped or picked up leave the stock books.
    """
    before: tuple[Stage, ...] = ("allocated", "released", "packed", "shipped")
    lines = order.lines
    if stage is not None:
        lines = tuple(move_all(line, before, stage, shipment.id) for line in lines)
    after = advance(order, lines=lines, groups=_groups(order, shipment, status, facts))
    changed = replace(shipment, status=status, version=after.version, **changes)
    gone = shipment.shipped_at is None and changed.shipped_at is not None
    moves = _shipped(order, shipment, gone) if stage in ("shipped", "picked_up") else ()
    fact = (f"shipment.{kind or status}", {"shipment": shipment.id, **(data or {})})
    told = (fact,) if kind or status != shipment.status else ()
    postings = _costs(order, changed, facts) if gone else ()
    happened = events(after, facts.now, actor, *told)
    return Decision(after, happened, moves, (changed,), postings=postings)


def _shipped(order: Order, shipment: Shipment, gone: bool) -> tuple[Move, ...]:
    """A shipment's units leave their node; with `gone` they are the customer's now."""
    costs = {line.number: line.unit_cost for line in order.lines}
    moves = [(s.line, Move(s.sku, shipment.node, "ship", s.quantity)) for s in shipment.lines]
    return tuple(posted(m, -m.quantity, costs[line]) if gone else m for line, m in moves)


def _costs(order: Order, shipment: Shipment, facts: Facts) -> tuple[Posting, ...]:
    """What the goods of a shipment that is the customer's now cost the shop, as far as it knows."""
    return tuple(
        goods_sold(order.id, f"{shipment.id}:{cost.currency}", facts.now, cost)
        for cost in shipment_costs(order, shipment)
        if cost
    )


def shipment_costs(order: Order, shipment: Shipment) -> tuple[Money, ...]:
    """What the units of a shipment cost the shop, by currency; nothing where no cost is known."""
    lines = {line.number: line for line in order.lines}
    costs: dict[str, Money] = {}
    for sent in shipment.lines:
        unit = lines[sent.line].unit_cost
        if unit is not None:
            cost = unit * sent.quantity
            costs[unit.currency] = costs.get(unit.currency, zero(unit.currency)) + cost
    return tuple(costs.values())


def _groups(
    order: Order, shipment: Shipment, status: ShipmentStatus, facts: Facts
) -> tuple[DeliveryGroup, ...]:
    """The groups with the day on which a shipment did what its promise was about."""
    fulfilled = "ready_for_pickup" if shipment.method == "pickup" else "delivered"
    if status != fulfilled or status == shipment.status:
        return order.groups
    day = _local_day(shipment.node, facts)
    return tuple(
        replace(group, fulfilled_on=day) if group.id == shipment.group else group
        for group in order.groups
    )


def _local_day(node: str, facts: Facts) -> date:
    """The day it is where a shipment left from."""
    from zoneinfo import ZoneInfo  # slow to import, and few steps need it

    there = facts.shop.nodes.get(node)
    return facts.now.astimezone(ZoneInfo(there.time_zone) if there else UTC).date()


def illegal(shipment: Shipment, why: str) -> Refusal:
    """The refusal of what a shipment's status does not allow."""
    return Refusal(
        Reason.ILLEGAL_STATE,
        f"The shipment is {shipment.status}: {why}.",
        shipment_status=shipment.status,
    )


def require_free(order: Order, shipment: Shipment) -> None:
    """Refuse while the order or the shipment is on hold."""
    if shipment.held:
        raise illegal(shipment, f"it is on hold ({shipment.held})")
    if order.holds:
        codes = [hold.code for hold in order.holds]
        raise Refusal(Reason.ILLEGAL_STATE, f"The order is on hold: {', '.join(codes)}.")
