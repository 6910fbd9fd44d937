"""Whoever is outside: shoppers, the shop's staff, carriers, the payment provider's webhooks.

They repeat what got no answer, as browsers, scanners and providers do, and with the same key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from parcelway.ports.webhooks import sign_standard
from parcelway.store.codec import iso

from infra.demo.people import Json, Refused
from infra.local.functions import Result
from infra.local.gateway.messages import Request, Response
from infra.sim.limits import is_throttled
from infra.sim.stripe.views import Event
from infra.sim.tokens import staff_token
from infra.sim.world import World

_TRIES = 8
_LONGEST_PAUSE = 300.0
# Seconds between attempts of a webhook; Stripe gives up after three days, so do these.
_WEBHOOK_RETRIES = (60, 300, 1800, 7200, 18000, 36000, 43200, 43200, 43200, 43200)
# A carrier's, for a week. Nobody asks it, as the payment provider is asked, for what was not heard:
# an answer that a container with a wrong clock gives to each try must come often to be believed.
_CARRIER_RETRIES = (60, 300, 1800, *[3600] * 168)
SUBSCRIBED = frozenset(
    {
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.refunded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payout.failed",
        "payout.paid",
        "payout.reconciliation_completed",
    }
)
"""The webhooks that the README has the owner register; the provider sends no others."""
# Seconds between looks at a node's queue; some more, as any look may see the tables as they were.
_LOOKS = (60, 120, 300, 600, 1800, 3600, 7200, 14400, 14400, 14400)


class GaveUp(Exception):
    """No usable answer after many tries."""


@dataclass
class Client:
    """Requests of one person to the API. See infra.demo.people.Api."""

    world: World
    headers: dict[str, str] = field(default_factory=dict)
    tries: int = _TRIES

    def call(
        self, method: str, path: str, body: Json | None = None, key: str | None = None, **query: str
    ) -> Json:
        """One request, repeated with growing pauses while the server fails. Raises Refused."""
        headers = dict(self.headers)
        if method == "POST" or key:
            headers["Idempotency-Key"] = key or self.world.new_id()
        return self._answered(Request.build(method, path, body, headers, query or None))

    def send(self, path: str, text: str, media: str) -> Json:
        """The same for a POST whose body is of another media type than JSON."""
        headers = self.headers | {"Content-Type": media}
        return self._answered(Request.build("POST", path, text, headers))

    def _answered(self, request: Request) -> Json:
        for attempt in range(self.tries):
            self.world.kernel.pause()
            response = self.world.request(request)
            if response.status < 500 and response.status != 429:
                return _answer(response)
            self.world.kernel.sleep(min(2.0**attempt, _LONGEST_PAUSE))
        raise GaveUp(f"{request.method} {request.path}: {response.status}")


def _answer(response: Response) -> Json:
    if response.status >= 400:
        raise Refused(response.status, response.json())
    parsed: Json = response.json() if response.body else {}
    return parsed


def staff(world: World, *groups: str) -> Client:
    """Somebody of the shop, signed in."""
    return Client(world, {"Authorization": f"Bearer {staff_token(*groups)}"})


@dataclass
class Webhooks:
    """The provider's webhooks: each event some times, late, shuffled, again after a failure; or,
    when they are `lost`, none at all.

    `slowest` is the longest from an event to an attempt to tell it, in seconds.
    """

    world: World
    slowest: float = 0.0
    lost: bool = False
    _told: int = 0

    def tell(self) -> None:
        """Send what happened since the last call."""
        events = self.world.provider.events
        wanted = frozenset[str]() if self.lost else SUBSCRIBED
        for event in (new for new in events[self._told :] if new.type in wanted):
            for _ in range(self.world.conditions.repeats):
                delay = self.world.random.uniform(0, self.world.conditions.shuffle)
                self.world.kernel.spawn(f"webhook {event.type}", partial(self._send, event), delay)
        self._told = len(events)

    def _send(self, event: Event) -> None:
        for pause in (*_WEBHOOK_RETRIES, 0):
            headers, body = self.world.provider.signed(event, self.world.kernel.moment)
            request = Request.build("POST", "/webhooks/stripe", body, headers)
            accepted = self.world.request(request).status < 300
            self.slowest = max(self.slowest, self.world.kernel.now - event.created)
            if accepted:
                return
            self.world.kernel.sleep(pause)


@dataclass
class Warehouse:
    """The staff of one node: packs and ships whatever comes into its queue.

    `react(shipment)` says what to do with one; the default packs and ships, or hands over.
    """

    world: World
    node: str
    react: Callable[[Warehouse, Json], None] | None = None
    late: float = 0.0

    def work(self) -> None:
        """Look into the queue now and then, more rarely as time goes by."""
        self.world.kernel.sleep(self.late)
        for pause in _LOOKS:
            self.world.kernel.sleep(pause)
            api = staff(self.world, "warehouse")
            found = api.call("GET", f"/warehouse/nodes/{self.node}/shipments")
            for shipment in found["shipments"]:
                with suppress(Refused):  # it was cancelled meanwhile; back onto the shelf
                    (self.react or Warehouse.ship)(self, shipment)

    def report(self, shipment: Json, what: str, body: Json | None = None) -> Json:
        """Tell what was done; the same scan gives the same key."""
        path = f"/warehouse/orders/{shipment['order_id']}/shipments/{shipment['id']}/{what}"
        api = staff(self.world, "warehouse")
        return api.call("POST", path, body or {}, f"{what}-{shipment['id']}-{self.world.new_id()}")

    def ship(self, shipment: Json, journey: tuple[str, ...] = ("in_transit", "delivered")) -> None:
        """Pack it and hand it to the carrier, who tells of its journey."""
        if shipment["status"] == "released":
            self.report(shipment, "pack")
        number = f"1Z{shipment['id'][-12:].upper()}"
        parcel = {"carrier": "Sample Parcel", "parcel_number": number}
        self.report(shipment, "ship", parcel)
        carrier = Carrier(self.world)
        self.world.kernel.spawn("carrier", lambda: carrier.take(parcel, journey))

    def hand_over(self, shipment: Json) -> None:
        """Pack it, lay it ready, and give it to the customer."""
        if shipment["status"] == "released":
            self.report(shipment, "pack")
        if shipment["status"] in ("released", "packed"):
            self.report(shipment, "ready")
        self.report(shipment, "hand-over", {"identity_checked": "passport"})


@dataclass
class Carrier:
    """A carrier's systems, which tell each event until they are heard.

    Each try is signed at its own time (Standard Webhooks: `webhook-timestamp` is the attempt's).
    """

    world: World

    def take(self, parcel: Mapping[str, str], journey: tuple[str, ...]) -> None:
        """A parcel's journey, five hours from one place to the next."""
        for status in journey:
            self.world.kernel.sleep(18000)
            self.tell(parcel, status)

    def tell(self, parcel: Mapping[str, str], status: str) -> None:
        """Post one tracking event."""
        event_id = self.world.new_id()
        at = self.world.kernel.moment
        body = json.dumps({"event_id": event_id, **parcel, "status": status, "at": at.isoformat()})
        for pause in (*_CARRIER_RETRIES, 0):
            secret, now = self.world.parameters.carrier_secret, self.world.kernel.moment
            headers: dict[str, Any] = sign_standard(body.encode(), event_id, secret, now)
            headers["Content-Type"] = "application/json"
            request = Request.build("POST", "/webhooks/carrier", body, headers)
            if self.world.request(request).status < 300:
                return
            self.world.kernel.sleep(pause)


@dataclass
class Timer:
    """The stack's schedule: the sweeper runs every minute while there may be something to do."""

    world: World
    over: Callable[[], bool]
    days: float = 24.0

    def run(self) -> None:
        """Sweep until all is done, or for so many days."""
        end = self.world.kernel.moment + timedelta(days=self.days)
        minutes = 0
        (arn,) = [arn for arn in self.world.wiring.schedules.values() if "Sweeper" in arn]
        function = self.world.lambdas.find(arn)
        while self.world.kernel.moment < end and not self.over():
            # after three hours nothing is left that a minute's delay would change
            self.world.kernel.sleep(60 if minutes < 180 else 900)
            minutes += 1
            due = self.world.next_due()
            if due is not None and due <= iso(self.world.kernel.moment):
                self.world.handle(function, {})


@dataclass
class Scheduled:
    """A function that runs at a rate, so many times.

    As Lambda does for a schedule, a run that fails is made twice more, and one that the function
    has no room for again and again until it has (Lambda developer guide, "Error handling for
    asynchronous invocation").
    """

    world: World
    function: str
    minutes: int
    times: int

    def run(self) -> None:
        """Run it as often as that."""
        for _ in range(self.times):
            self.world.kernel.sleep(60 * self.minutes)
            for pause in (60, 120, 0):
                if not self._once().is_error:
                    break
                self.world.kernel.sleep(pause)

    def _once(self) -> Result:
        function, pause = self.world.lambdas.find(self.function), 1.0
        result = self.world.handle(function, {})
        while is_throttled(result):
            self.world.kernel.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            result = self.world.handle(function, {})
        return result
