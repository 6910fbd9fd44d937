"""Pick-up in a store: laid ready, collected by who proves to be the customer, or taken back.

What lies ready is still the shop's: its units stay packed and allocated until they are handed over,
and are invoiced and paid only then. So what nobody collects has cost the customer nothing and there
is nothing to refund: its units are given back, and the hold on the money is released or, where
other parts of the order were sent, left out of the last capture.

What another node sends to the store leaves that node's books with its parcel and enters the store's
when it is received there; from then on it is a pick-up like any other, and stays in the store when
nobody collects it.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from parcelway.domain.cancellation import cancel_shipment
from parcelway.domain.collecting import code
from parcelway.domain.commands import Command, remember, repeated
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.fulfilment import illegal, require_free, step
from parcelway.domain.line import Line, merge
from parcelway.domain.mailing import NOT_COLLECTED
from parcelway.domain.order import PAYMENT_LOST, Hold, Order, advance, events, require
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.domain.promise import days_later, end_of_day
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.domain.stock import Document, Entry, Kind, Move
from parcelway.domain.switches import require_ships

_DAY = timedelta(days=1)
MOST_MISTAKES = 5  # wrong codes for one pick-up, of a million: then only a document opens it


def received(order: Order, shipment: Shipment, actor: Actor, facts: Facts) -> Decision | None:
    """The store got what another node sent it for this order: its units are the store's now, and
    assigned to the order there, as if they had been packed there. None when it has said so.

    For the books it is a transfer from node to node: the order has taken nothing from the first.
    """
    if not shipment.to_store:
        raise illegal(shipment, "it is not sent from one node to another")
    if shipment.received_at is not None:
        return None
    if shipment.astray:
        raise illegal(shipment, "it was given up, so its goods are booked in as found")
    if shipment.status != "shipped":
        raise illegal(shipment, "it has not been sent yet")
    require(order, "confirmed")
    store = shipment.to_store
    arrived = step(
        replace(order, lines=tuple(_arrived(line, shipment) for line in order.lines)),
        replace(shipment, node=store),
        "packed",
        None,
        actor,
        facts,
        kind="received",
        received_at=facts.now,
    )
    document = Document("ship_to_store", actor.id, "", source=order.id)
    transfer = _moves(shipment, shipment.node, "send") + _moves(shipment, store, "receive")
    return replace(
        arrived,
        moves=_moves(shipment, shipment.node, "return") + _moves(shipment, store, "allocate"),
        entry=Entry(shipment.id, arrived.order.version, facts.now, transfer, (), document),
    )


def _moves(shipment: Shipment, node: str, kind: Kind) -> tuple[Move, ...]:
    return tuple(Move(line.sku, node, kind, line.quantity) for line in shipment.lines)


def _arrived(line: Line, shipment: Shipment) -> Line:
    there = (
        replace(portion, stage="packed", node=shipment.to_store)
        if portion.shipment == shipment.id
        else portion
        for portion in line.portions
    )
    return replace(line, portions=merge(there))


def ready(order: Order, shipment: Shipment, actor: Actor, facts: Facts) -> Decision | None:
    """The store has it ready for the customer, who is given until `collect_by`. None when it has
    said so already."""
    if shipment.method != "pickup" or shipment.status not in (
        "packed",
        "ready_for_pickup",
        "delivered",
    ):
        raise illegal(shipment, "only a packed pick-up order can be made ready")
    if shipment.status != "packed":
        return None
    if shipment.elsewhere:
        raise illegal(shipment, "it has to be sent to the store first")
    require(order, "confirmed")
    require_free(order, shipment)
    require_ships(facts.shop.switched(order.channel))
    store, settings = facts.shop.nodes.get(shipment.node), facts.shop.settings
    if store is None:  # nobody can say when it is open
        raise illegal(shipment, f"the shop has no store {shipment.node} any more")
    remind_at = days_later(store, facts.now, settings.pickup_reminder_days)
    collect_by = end_of_day(store, days_later(store, facts.now, settings.pickup_days))
    return step(
        replace(order, uncollected={**order.uncollected, shipment.id: min(remind_at, collect_by)}),
        shipment,
        "ready_for_pickup",
        None,
        actor,
        facts,
        ready_at=facts.now,
        collect_by=collect_by,
        tracking="available_for_pickup",
    )


def try_code(
    order: Order, shipment: Shipment, said: str, asked: Command, facts: Facts
) -> Decision | None:
    """None when `said` is the code; else a mistake, to be kept and then told (`wrong_code`).

    Raises Refusal ILLEGAL_STATE unless it lies ready, CODE_LOCKED after too many mistakes whatever
    is said, WRONG_CODE for a mistake that is kept already.
    """
    if shipment.status == "delivered":
        return None
    _require_ready(shipment)
    if repeated(order, asked):
        raise wrong_code(shipment)
    if shipment.mistakes >= MOST_MISTAKES:
        raise Refusal(
            Reason.CODE_LOCKED,
            "Too many wrong codes were given: check a document instead.",
            "/code",
        )
    if order.link_token and hmac.compare_digest(code(order, shipment).encode(), said.encode()):
        return None
    mistakes = shipment.mistakes + 1
    locked = Hold("pickup_code_locked", shipment.id, facts.now)
    after = advance(
        order,
        alerts=(*order.alerts, locked) if mistakes == MOST_MISTAKES else order.alerts,
        commands=remember(order, asked),
    )
    changed = replace(shipment, mistakes=mistakes, version=after.version)
    return Decision(after, shipments=(changed,))


def wrong_code(shipment: Shipment) -> Refusal:
    """What is said to whoever gave a wrong code for a shipment that counted it."""
    left = MOST_MISTAKES - shipment.mistakes
    return Refusal(Reason.WRONG_CODE, "This is not the code.", "/code", attempts_left=left)


def hand_over(
    order: Order, shipment: Shipment, proof: str, actor: Actor, facts: Facts
) -> Decision | None:
    """The customer collected it: the units leave the stock books. None when that is known.

    `proof` is what showed that it was the customer: `code`, or a kind of document.
    """
    if shipment.method == "pickup" and shipment.status == "delivered":
        return None
    _require_ready(shipment)
    require(order, "confirmed")
    require_free(order, shipment)
    require_ships(facts.shop.switched(order.channel))
    return step(
        replace(order, uncollected=_without(order, shipment)),
        shipment,
        "delivered",
        "picked_up",
        actor,
        facts,
        {"proof": proof},
        shipped_at=facts.now,
        delivered_at=facts.now,
        tracking="delivered",
    )


def see_to(order: Order, shipments: Sequence[Shipment], facts: Facts) -> Decision | None:
    """What time has come for: to remind of a pick-up, or to take it back and give its units to
    others. None when there is nothing (more) of that to do.

    What may not be handed over is kept for longer: its channel has stopped all that leaves, or the
    order is on hold for a reason of ours. But what is not paid for any more does not lie there for
    ever.
    """
    if order.state != "confirmed":
        return None
    unpaid = bool(order.holds)
    ours = any(hold.code != PAYMENT_LOST for hold in order.holds)
    for shipment in shipments:
        due = order.uncollected.get(shipment.id)
        if due is None or due > facts.now or shipment.collect_by is None:
            continue
        if ours or facts.shop.switched(order.channel).stop_ship:
            return _keep(order, shipment, shipment.collect_by, facts)
        if shipment.collect_by <= facts.now:
            return _expire(order, shipments, shipment, facts)
        if not unpaid:
            return _remind(order, shipment, shipment.collect_by, facts)
    return None


def _remind(order: Order, shipment: Shipment, collect_by: datetime, facts: Facts) -> Decision:
    return step(
        replace(order, uncollected={**order.uncollected, shipment.id: collect_by}),
        shipment,
        shipment.status,
        None,
        SYSTEM,
        facts,
        kind="pickup_reminder",
        reminded_at=facts.now,
    )


def _keep(order: Order, shipment: Shipment, collect_by: datetime, facts: Facts) -> Decision:
    """Look again a day later, and give the customer for each day another one of the store's.

    Of who has been reminded, one more: so that they are told again before time is up.
    """
    due, store = order.uncollected[shipment.id], facts.shop.nodes.get(shipment.node)
    days = (facts.now - due) // _DAY + 1
    more = days if due < collect_by else days + 1
    last = collect_by - timedelta(seconds=1)  # within the last day, whatever the clocks do
    until = end_of_day(store, days_later(store, last, more)) if store else collect_by + more * _DAY
    return step(
        replace(order, uncollected={**order.uncollected, shipment.id: due + days * _DAY}),
        shipment,
        shipment.status,
        None,
        SYSTEM,
        facts,
        collect_by=until,
    )


def _expire(
    order: Order, shipments: Sequence[Shipment], shipment: Shipment, facts: Facts
) -> Decision | None:
    back = cancel_shipment(order, shipments, shipment, NOT_COLLECTED, SYSTEM, facts.now)
    if back is None:
        return None
    known = [(event.type, event.data) for event in back.events]
    told = ("shipment.pickup_expired", {"shipment": shipment.id})
    return replace(back, events=events(back.order, facts.now, SYSTEM, *known, told))


def _require_ready(shipment: Shipment) -> None:
    if shipment.method != "pickup" or shipment.status != "ready_for_pickup":
        raise illegal(shipment, "only an order that is ready can be handed over")


def _without(order: Order, shipment: Shipment) -> dict[str, datetime]:
    return {id: at for id, at in order.uncollected.items() if id != shipment.id}
