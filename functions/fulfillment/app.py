"""The warehouse's routes: what is waiting at a node, and what was done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from forms import (
    Astray,
    CameBack,
    Division,
    HandOver,
    Holding,
    Nothing,
    Parcel,
    Picked,
    Queue,
    Rejection,
    Target,
)
from parcelway.domain import astray, fulfilment, fulfilment_orders, pickup
from parcelway.domain.commands import repeated
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.reassigning import Said, unplaced
from parcelway.domain.shipment import Shipment
from parcelway.domain.switches import as_stopped
from parcelway.http.access import any_dossier
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import from_cursor, to_cursor
from parcelway.http.views import OrderView, ShipmentView, order_view, shipment_view
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_dossier, place_of, queue_of
from parcelway.store.saving import save
from parcelway.store.selling import read_facts, reclaim, selling
from parcelway.store.shop import load_shop
from parcelway.values import dataclass

api = Api("fulfillment")
handler = api
db = cache(database)

WAREHOUSE = staff("warehouse", "admin")
_SHIPMENT = "/warehouse/orders/{order_id}/shipments/{shipment_id}"


@dataclass(frozen=True, slots=True)
class QueueView:
    """A page of what waits at a node, oldest first."""

    shipments: list[ShipmentView]
    next_cursor: str | None


@api.route("GET", "/warehouse/nodes/{node}/shipments", who=WAREHOUSE, query=Queue, reply=QueueView)
def queue(call: Call[None]) -> QueueView:
    """The shipments waiting at a node: to pack, to send, to receive, to hand over.

    A page looks at `limit` orders and may show fewer shipments, or more.
    """
    node = call.path["node"]
    start = from_cursor(call.query.cursor, {"pk", "sk", "queue", "queued_at"}, queue=node)
    ids, more = queue_of(db(), node, call.query.limit, start)
    dossiers = [get_dossier(db(), order_id) for order_id in ids]
    shop = load_shop(db())
    waiting = [
        shipment_view(dossier.order, as_stopped(shipment, shop.switched(dossier.order.channel)))
        for dossier in dossiers
        if dossier
        for shipment in dossier.shipments
        if place_of(shipment) == node and _wanted(shipment, call.query)
    ]
    return QueueView(waiting, to_cursor(more))


@api.route("POST", f"{_SHIPMENT}/pack", who=WAREHOUSE, body=Nothing, reply=ShipmentView, key=True)
def pack(call: Call[Nothing]) -> ShipmentView:
    """Everything of the shipment is picked and packed."""
    return _report(call, lambda o, s, who, facts: fulfilment.pack(o, s, who, facts))


@api.route("POST", f"{_SHIPMENT}/ship", who=WAREHOUSE, body=Parcel, reply=ShipmentView, key=True)
def ship(call: Call[Parcel]) -> ShipmentView:
    """The parcel left with a carrier."""
    parcel = call.body
    return _report(
        call,
        lambda o, s, who, facts: fulfilment.ship(
            o, s, parcel.carrier, parcel.parcel_number, who, facts
        ),
    )


@api.route("POST", f"{_SHIPMENT}/ready", who=WAREHOUSE, body=Nothing, reply=ShipmentView, key=True)
def ready(call: Call[Nothing]) -> ShipmentView:
    """The pick-up order lies ready for its customer."""
    return _report(call, lambda o, s, who, facts: pickup.ready(o, s, who, facts))


@api.route(
    "POST", f"{_SHIPMENT}/received", who=WAREHOUSE, body=Nothing, reply=ShipmentView, key=True
)
def received(call: Call[Nothing]) -> ShipmentView:
    """The store got the pick-up order that another node sent it."""
    return _report(call, lambda o, s, who, facts: pickup.received(o, s, who, facts))


@api.route(
    "POST", f"{_SHIPMENT}/came-back", who=WAREHOUSE, body=CameBack, reply=OrderView, key=True
)
def came_back(call: Call[CameBack]) -> OrderView:
    """A parcel that was sent to a store is back at the node that sent it: what is fit to be sent
    stays the customer's, for another parcel; what is not is planned anew over all nodes."""
    told = call.body
    fit = [line.units() for line in told.lines]
    return _anew(
        call,
        lambda d, s, said: astray.came_back(
            d.order, d.shipments, s, fit, told.unfit, told.then, told.note, said
        ),
    )


@api.route("POST", f"{_SHIPMENT}/lost", who=WAREHOUSE, body=Astray, reply=OrderView, key=True)
def lost(call: Call[Astray]) -> OrderView:
    """A parcel that was sent to a store is given up: its units are written off, and planned anew
    over all nodes."""
    told = call.body
    return _anew(
        call,
        lambda d, s, said: astray.lost(d.order, d.shipments, s, told.then, told.note, said),
    )


@api.route(
    "POST", f"{_SHIPMENT}/hand-over", who=WAREHOUSE, body=HandOver, reply=ShipmentView, key=True
)
def hand_over(call: Call[HandOver]) -> ShipmentView:
    """The customer collected the pick-up order, and knew the code or showed a document."""
    proof = call.body.identity_checked or "code"

    def attempt() -> ShipmentView:
        dossier = any_dossier(db(), call.path["order_id"])
        order, shipment = dossier.order, dossier.shipment(call.path["shipment_id"])
        who, facts = Actor("staff", call.caller.subject), Facts(load_shop(db()), call.now)
        if call.body.code:
            wrong = pickup.try_code(order, shipment, call.body.code, call.command, facts)
            if wrong is not None:
                save(db(), wrong, call.now)
                raise pickup.wrong_code(wrong.shipments[0])
        decision = pickup.hand_over(order, shipment, proof, who, facts)
        if decision is None:
            return shipment_view(order, shipment)
        save(db(), decision, call.now)
        return shipment_view(decision.order, decision.shipments[0])

    return until_fresh(attempt)


@api.route(
    "POST", f"{_SHIPMENT}/delivered", who=WAREHOUSE, body=Nothing, reply=ShipmentView, key=True
)
def delivered(call: Call[Nothing]) -> ShipmentView:
    """The parcel arrived, as the shop itself knows: a van of its own, or a carrier that is mute."""
    return _report(call, lambda o, s, who, facts: fulfilment.deliver(o, s, who, facts))


@api.route("POST", f"{_SHIPMENT}/accept", who=WAREHOUSE, body=Nothing, reply=ShipmentView, key=True)
def accept(call: Call[Nothing]) -> ShipmentView:
    """The node will send it; packing it says as much."""
    return _report(call, lambda o, s, who, facts: fulfilment_orders.accept(o, s, Said(who, facts)))


@api.route("POST", f"{_SHIPMENT}/hold", who=WAREHOUSE, body=Holding, reply=ShipmentView, key=True)
def hold(call: Call[Holding]) -> ShipmentView:
    """It must not be packed or sent until it is released."""
    why = call.body
    return _once(call, lambda o, s, said: fulfilment_orders.hold(o, s, why.reason, why.note, said))


@api.route(
    "POST", f"{_SHIPMENT}/release-hold", who=WAREHOUSE, body=Nothing, reply=ShipmentView, key=True
)
def release_hold(call: Call[Nothing]) -> ShipmentView:
    """It may go on."""
    return _once(call, fulfilment_orders.release_hold)


@api.route("POST", f"{_SHIPMENT}/reject", who=WAREHOUSE, body=Rejection, reply=OrderView, key=True)
def reject(call: Call[Rejection]) -> OrderView:
    """The node does not send it: its units are planned anew over the other nodes.

    What none of them has waits for supplies, if the customer chose to wait, or is cancelled; and so
    is the order with nothing else left.
    """
    why = call.body
    return _anew(
        call,
        lambda d, s, said: fulfilment_orders.reject(
            d.order, d.shipments, s, why.reason, why.note, said
        ),
    )


@api.route("POST", f"{_SHIPMENT}/short-pick", who=WAREHOUSE, body=Picked, reply=OrderView, key=True)
def short_pick(call: Call[Picked]) -> OrderView:
    """Fewer units were found than should be there: what is missing is planned anew over the other
    nodes, what was found goes on. Lines that are not named are there in full."""
    lines = [line.units() for line in call.body.lines]
    return _anew(
        call,
        lambda d, s, said: fulfilment_orders.short_pick(
            d.order, d.shipments, s, lines, call.body.reason, said
        ),
    )


@api.route("POST", f"{_SHIPMENT}/move", who=WAREHOUSE, body=Target, reply=OrderView, key=True)
def move(call: Call[Target]) -> OrderView:
    """Another node sends it."""
    told = call.body
    return _anew(
        call,
        lambda d, s, said: fulfilment_orders.move(d.order, s, told.node, told.note, said),
    )


@api.route("POST", f"{_SHIPMENT}/split", who=WAREHOUSE, body=Division, reply=OrderView, key=True)
def split(call: Call[Division]) -> OrderView:
    """Some of its units leave the node in a parcel of their own."""
    lines = [line.units() for line in call.body.lines]
    return _anew(
        call,
        lambda d, s, said: fulfilment_orders.split(d.order, s, lines, call.body.note, said),
    )


def _wanted(shipment: Shipment, query: Queue) -> bool:
    """Whether a shipment that waits somewhere is one of those asked for."""
    return (
        query.status in (None, shipment.status)
        and query.held in (None, "yes" if shipment.held else "no")
        and query.accepted in (None, "yes" if shipment.accepted_at else "no")
    )


def _report(
    call: Call[Any], decide: Callable[[Order, Shipment, Actor, Facts], Decision | None]
) -> ShipmentView:
    """Decide on a report and commit it. The execution that waits for it hears of it from the
    event; a report that changes nothing is answered like the first one."""

    def attempt() -> ShipmentView:
        dossier = any_dossier(db(), call.path["order_id"])
        shipment = dossier.shipment(call.path["shipment_id"])
        facts = Facts(load_shop(db()), call.now)
        decision = decide(dossier.order, shipment, Actor("staff", call.caller.subject), facts)
        if decision is None:
            return shipment_view(dossier.order, shipment)
        save(db(), decision, call.now)
        return shipment_view(decision.order, decision.shipments[0])

    return until_fresh(attempt)


def _once(
    call: Call[Any], decide: Callable[[Order, Shipment, Said], Decision | None]
) -> ShipmentView:
    """Decide on what can be taken back, and commit it: its repeat changes nothing."""

    def attempt(order: Order, shipment: Shipment, actor: Actor, facts: Facts) -> Decision | None:
        if repeated(order, call.command):
            return None
        return decide(order, shipment, Said(actor, facts, call.command))

    return _report(call, attempt)


def _anew(
    call: Call[Any], decide: Callable[[Dossier, Shipment, Said], Decision | None]
) -> OrderView:
    """Decide on units that leave a shipment for another place, and commit it.

    Before any are left without one, holds on them that have lapsed are taken back.
    """
    reclaimed = False

    def attempt() -> Order:
        nonlocal reclaimed
        dossier = any_dossier(db(), call.path["order_id"])
        order, shipment = dossier.order, dossier.shipment(call.path["shipment_id"])
        if repeated(order, call.command):
            return order
        facts = read_facts(db(), order, call.now, exact=True)
        said = Said(Actor("staff", call.caller.subject), facts, call.command)
        decision = decide(dossier, shipment, said)
        if decision is None:
            return order
        missing = unplaced(order, decision.order)
        if missing and not reclaimed:
            reclaimed = True
            if reclaim(db(), call.now, missing):
                return attempt()
        save(db(), decision, call.now)
        return decision.order

    return order_view(selling(db(), call.now, attempt), staff=True)
