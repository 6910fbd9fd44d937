"""The carriers' webhook: believed when signed, recorded once, in whatever order it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from parcelway.ports import clock, secret_values
from parcelway.ports.webhooks import TOLERANCE, sign_standard
from parcelway.store.database import Database
from parcelway.store.orders import Dossier

from tests.functions import tables
from tests.functions.calls import Context, get_event, load
from tests.orders import Story, at, dossier_of, store

PARAMETER = "/test/carrier-webhook-secrets"
NEW, OLD = "whsec_bmV3IHNlY3JldA==", "whsec_b2xkIHNlY3JldA=="


@dataclass
class World:
    """The function, its tables, and an order on its way."""

    db: Database
    function: ModuleType
    story: Story

    def deliver(self, raw: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """POST `raw` as API Gateway hands it over."""
        event = get_event(
            "/webhooks/carrier", headers={"Content-Type": "application/json"} | headers
        )
        event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
        event["body"] = raw.decode()
        answer: dict[str, Any] = self.function.handler(event, Context())
        return answer

    def status(self, raw: bytes, headers: dict[str, str]) -> int:
        return int(self.deliver(raw, headers)["statusCode"])

    def body(self, **changes: Any) -> bytes:
        """What the carrier says of the parcel: on its way, now."""
        shipment = self.story.shipments[0]
        known = {
            "event_id": "e1",
            "carrier": shipment.carrier,
            "parcel_number": shipment.parcel_number,
            "status": "in_transit",
            "at": clock.now().isoformat(),
            "place": "Sorting hall 7",
        }
        return json.dumps(known | changes).encode()

    def dossier(self) -> Dossier:
        return dossier_of(self.db, self.story.order.id)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch, CARRIER_WEBHOOK_SECRET_PARAMETER=PARAMETER) as db:
        secret_values.forget()  # its client may be of an earlier test's AWS
        boto3.client("ssm").put_parameter(Name=PARAMETER, Value=f"{NEW},{OLD}", Type="SecureString")
        story = at("shipped")
        store(db, story)
        yield World(db, load("carrier_webhook"), story)
        secret_values.forget()


def signed(raw: bytes, secret: str = NEW, when: datetime | None = None) -> dict[str, str]:
    return sign_standard(raw, "msg_1", secret, when or clock.now())


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_what_a_carrier_says_is_recorded(world: World, secret: str) -> None:
    raw = world.body()
    assert world.status(raw, signed(raw, secret)) == 200
    dossier = world.dossier()
    (shipment,) = dossier.shipments
    assert [(c.event_id, c.place) for c in shipment.checkpoints] == [("e1", "Sorting hall 7")]
    assert (shipment.tracking, dossier.events[-1].type) == ("in_transit", "shipment.in_transit")
    assert dossier.events[-1].actor.kind == "carrier"


def test_a_repeat_makes_no_new_event(world: World) -> None:
    raw = world.body()
    world.deliver(raw, signed(raw))
    once = world.dossier()
    assert world.status(raw, signed(raw)) == 200
    again = world.body(status="delivered")  # the same event_id: already heard
    assert world.status(again, signed(again)) == 200
    assert world.dossier() == once


def test_a_straggler_is_kept_and_changes_nothing(world: World) -> None:
    late = world.body(event_id="e0", at=(clock.now() - timedelta(hours=5)).isoformat())
    raw = world.body(event_id="e2", status="delivered")
    for body in (raw, late):
        assert world.status(body, signed(body)) == 200
    dossier = world.dossier()
    (shipment,) = dossier.shipments
    assert [c.event_id for c in shipment.checkpoints] == ["e0", "e2"]
    assert (shipment.status, shipment.tracking) == ("delivered", "delivered")
    assert [e.type for e in dossier.events].count("shipment.delivered") == 1
    assert "shipment.in_transit" not in [e.type for e in dossier.events]


def test_times_are_kept_in_utc(world: World) -> None:
    moment = clock.now().replace(microsecond=0)
    offset = (moment + timedelta(hours=5)).replace(tzinfo=None).isoformat() + "+05:00"
    raw = world.body(at=offset)
    assert world.status(raw, signed(raw)) == 200
    assert world.dossier().shipments[0].checkpoints[0].at == moment


@pytest.mark.parametrize("changes", [{"parcel_number": "UNKNOWN"}, {"carrier": "other"}])
def test_an_unknown_parcel_is_not_found(world: World, changes: dict[str, str]) -> None:
    before = world.dossier()
    raw = world.body(**changes)
    assert world.status(raw, signed(raw)) == 404
    assert world.dossier() == before


@pytest.mark.parametrize(
    "when",
    [
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-11-16T10:00:00",  # of which zone?
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "",
        None,
    ],
)
def test_a_time_that_cannot_be_is_refused(world: World, when: str | None) -> None:
    before = world.dossier()
    raw = world.body(at=when)
    answer = world.deliver(raw, signed(raw))
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["pointer"] == "/at"
    assert world.dossier() == before


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"status": "lost"}, "/status"), ({"event_id": ""}, "/event_id"), ({"more": 1}, "/more")],
)
def test_what_is_not_in_the_vocabulary_is_refused(
    world: World, changes: dict[str, Any], pointer: str
) -> None:
    raw = world.body(**changes)
    answer = world.deliver(raw, signed(raw))
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["pointer"] == pointer


def test_what_is_not_signed_is_refused(world: World) -> None:
    before = world.dossier()
    raw = world.body()
    good = signed(raw)
    beyond = TOLERANCE + timedelta(seconds=30)
    for headers in (
        {},
        good | {"webhook-id": "msg_2"},
        good | {"webhook-signature": "v1,AAAA"},
        good | {"webhook-timestamp": "now"},
        {name: value for name, value in good.items() if name != "webhook-id"},
        signed(raw, "whsec_Z29uZQ=="),
        signed(raw, when=clock.now() - beyond),
        signed(raw, when=clock.now() + beyond),
        signed(raw + b" "),
    ):
        assert world.status(raw, headers) == 400
    assert world.dossier() == before
