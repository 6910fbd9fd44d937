"""What carriers say of parcels, signed as Standard Webhooks."""

from __future__ import annotations

import os
from datetime import UTC, timedelta
from functools import cache
from typing import ClassVar

from parcelway.domain.facts import Facts
from parcelway.domain.fulfilment import track
from parcelway.domain.parties import Actor
from parcelway.domain.shipment import Checkpoint, TrackingStatus
from parcelway.http.access import any_dossier
from parcelway.http.api import SIGNED, Api, Reply
from parcelway.http.call import Call, read_json
from parcelway.http.problems import Problem, not_found
from parcelway.http.schemas import Input, Text
from parcelway.ports.secret_values import secrets_of
from parcelway.ports.webhooks import WebhookRefused, verify_standard
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import order_of_parcel
from parcelway.store.saving import save
from parcelway.store.shop import load_shop
from pydantic import AwareDatetime

api = Api("carrier_webhook")
handler = api
db = cache(database)

_OLDEST, _AHEAD = timedelta(days=365), timedelta(days=1)  # of a believable event


class CarrierEvent(Input):
    """One tracking event, in the tracking vocabulary; `at` with its offset from UTC."""

    card_exempt: ClassVar[frozenset[str]] = frozenset({"parcel_number", "event_id"})
    event_id: Text(100)  # type: ignore[valid-type]
    carrier: Text(60)  # type: ignore[valid-type]
    parcel_number: Text(60)  # type: ignore[valid-type]
    status: TrackingStatus
    at: AwareDatetime
    place: Text(100, 0) = ""  # type: ignore[valid-type]


@api.route("POST", "/webhooks/carrier", who=SIGNED, status=200)
def receive(call: Call[None]) -> Reply:
    """Record where a parcel is. Repeats and stragglers are fine."""
    _verify(call)
    event = read_json(call.raw, CarrierEvent)
    assert isinstance(event, CarrierEvent)
    if not call.now - _OLDEST < event.at < call.now + _AHEAD:
        raise Problem(422, "invalid-request", "Invalid request", "No such time.", pointer="/at")
    found = order_of_parcel(db(), event.carrier, event.parcel_number)
    if found is None:
        raise not_found()

    def attempt() -> None:
        dossier = any_dossier(db(), found[0])
        checkpoint = Checkpoint(event.event_id, event.status, event.at.astimezone(UTC), event.place)
        facts = Facts(load_shop(db()), call.now)
        carrier = Actor("carrier", event.carrier)
        decision = track(dossier.order, dossier.shipment(found[1]), checkpoint, carrier, facts)
        if decision is not None:
            save(db(), decision, call.now)

    until_fresh(attempt)
    return Reply({"received": True})


def _verify(call: Call[None]) -> None:
    """Raises Problem 400 unless the raw bytes carry a live secret's signature of just now."""
    secrets = secrets_of(os.environ["CARRIER_WEBHOOK_SECRET_PARAMETER"])
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, timestamp, signature = (call.headers.get(name, "") for name in names)
    try:
        verify_standard(call.raw, message_id, timestamp, signature, secrets, call.now)
    except WebhookRefused as refused:
        raise Problem(400, "signature-refused", "Signature refused", str(refused)) from None
