"""The warehouse's routes: what is waiting at a node, and what was done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from parcelway.domain import cancellation, fulfilment, pickup
from parcelway.domain.commands import repeated
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.shipment import Shipment
from parcelway.http.access import any_dossier
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.schemas import Input, Text
from parcelway.http.views import OrderView, ShipmentView, order_view, shipment_view
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import get_dossier, queue_of, save
from parcelway.store.shop import load_shop
from parcelway.values import dataclass
from pydantic import StringConstraints, model_validator

api = Api("fulfillment")
handler = api
db = cache(database)

WAREHOUSE = staff("warehouse", "admin")
_SHIPMENT = "/warehouse/orders/{order_id}/shipments/{shipment_id}"


class Nothing(Input):
    """No details needed."""


class Parcel(Input):
    """The parcel a shipment left in."""

    card_exempt: ClassVar[frozenset[str]] = frozenset({"parcel_number"})
    carrier: Text(60)  # type: ignore[valid-type]
    parcel_number: Text(60)  # type: ignore[valid-type]


class HandOver(Input):
    """How somebody proved to be the customer: by the code they were given, or by a document of
    their own that was looked at."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    identity_checked: (
        Literal["identity_card", "passport", "driving_licence", "residence_permit"] | None
    ) = None

    @model_validator(mode="after")
    def _one(self) -> HandOver:
        if (self.code is None) == (self.identity_checked is None):
            raise ValueError("one of code and identity_checked is needed")
        return self


class Shortage(Input):
    """Why the node cannot send it."""

    reason: Text(200) = "out_of_stock"  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class QueueView:
    """A page of what waits at a node, oldest first."""

    shipments: list[ShipmentView]
    next_cursor: str | None


@api.route("GET", "/warehouse/nodes/{node}/shipments", who=WAREHOUSE, query=Page, reply=QueueView)
def queue(call: Call[None]) -> QueueView:
    """The shipments waiting at a node: to pack, to send, to hand over."""
    node = call.path["node"]
    start = from_cursor(call.query.cursor, {"pk", "sk", "queue", "queued_at"}, queue=node)
    ids, more = queue_of(db(), node, call.query.limit, start)
    dossiers = [get_dossier(db(), order_id) for order_id in ids]
    waiting = [
        shipment_view(dossier.order, shipment)
        for dossier in dossiers
        if dossier
        for shipment in dossier.shipments
        if shipment.node == node and shipment.status in ("released", "packed", "ready_for_pickup")
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


@api.route("POST", f"{_SHIPMENT}/reject", who=WAREHOUSE, body=Shortage, reply=OrderView, key=True)
def reject(call: Call[Shortage]) -> OrderView:
    """The goods are not there: the shipment is cancelled, and the order if nothing else is left."""

    def attempt() -> Order:
        dossier = any_dossier(db(), call.path["order_id"])
        shipment = dossier.shipment(call.path["shipment_id"])
        if repeated(dossier.order, call.command):
            return dossier.order
        decision = cancellation.reject(
            dossier.order,
            dossier.shipments,
            shipment,
            call.body.reason,
            Actor("staff", call.caller.subject),
            call.now,
            call.command,
        )
        if decision is None:
            return dossier.order
        save(db(), decision, call.now)
        return decision.order

    return order_view(until_fresh(attempt), staff=True)


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
