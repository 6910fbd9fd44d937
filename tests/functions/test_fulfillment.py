"""The warehouse's routes: what waits, what was done with it, and who may say so."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from parcelway.domain import collecting
from parcelway.domain.shipment import Shipment
from parcelway.store.database import Database
from parcelway.store.orders import Dossier, order_of_parcel
from parcelway.store.stock import balances_of

from tests.functions import tables
from tests.functions.calls import Context, get_event, load
from tests.orders import SPLIT_STOCK, START, Story, at, dossier_of, store

QUEUE = "/warehouse/nodes/{node}/shipments"
REPORT = "/warehouse/orders/{order_id}/shipments/{shipment_id}/"
DOCUMENT = {"identity_checked": "passport"}
PARCEL = {"carrier": "acme", "parcel_number": "ACME0001"}


@dataclass
class Answer:
    status: int
    body: dict[str, Any]


@dataclass
class World:
    db: Database
    function: ModuleType

    def report(
        self,
        shipment: Shipment,
        what: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str = "k1",
        group: str = "warehouse",
    ) -> Answer:
        """POST what was done with a shipment."""
        path = {"order_id": shipment.order_id, "shipment_id": shipment.id}
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        event = get_event(REPORT + what, path, headers=headers)
        event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
        event["body"] = json.dumps(body or {})
        return self.call(event, group)

    def queue(self, node: str, group: str = "warehouse", **query: str) -> Answer:
        """GET what waits at a node."""
        return self.call(get_event(QUEUE, {"node": node}, query), group)

    def call(self, event: dict[str, Any], group: str) -> Answer:
        claims = {"sub": "w1", "email": "w1@shop.example", "cognito:groups": group}
        if group != "nobody":
            event["requestContext"]["authorizer"] = {"claims": claims}
        answer = self.function.handler(event, Context())
        return Answer(answer["statusCode"], json.loads(answer["body"]))

    def dossier(self, story: Story) -> Dossier:
        return dossier_of(self.db, story.order.id)

    def types(self, story: Story) -> list[str]:
        return [event.type for event in self.dossier(story).events]

    def stock(self, sku: str) -> dict[str, tuple[int, int]]:
        """On hand and allocated, by node."""
        return {b.node: (b.on_hand, b.allocated) for b in balances_of(self.db, sku)}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch) as db:
        yield World(db, load("fulfillment"))


def test_a_parcel_from_the_shelf_to_the_door(world: World) -> None:
    story = at("released")
    store(world.db, story)
    (shipment,) = story.shipments
    before = world.stock("MUG-1")[shipment.node]
    packed = world.report(shipment, "pack")
    assert (packed.status, packed.body["status"]) == (200, "packed")
    sent = world.report(shipment, "ship", PARCEL)
    assert (sent.status, sent.body["status"]) == (200, "shipped")
    assert {name: sent.body[name] for name in PARCEL} == PARCEL
    after = world.stock("MUG-1")[shipment.node]
    assert after == (before[0] - 3, before[1] - 3)
    assert order_of_parcel(world.db, "acme", "ACME0001") == (story.order.id, shipment.id)
    arrived = world.report(shipment, "delivered")
    assert (arrived.status, arrived.body["status"]) == (200, "delivered")
    events = world.dossier(story).events[-3:]
    assert [event.type for event in events] == [
        "shipment.packed",
        "shipment.shipped",
        "shipment.delivered",
    ]
    assert {(event.actor.kind, event.actor.id) for event in events} == {("staff", "w1")}


def test_a_pick_up_from_the_shelf_to_the_counter(world: World) -> None:
    story = at("released", method="pickup")
    store(world.db, story)
    (shipment,) = story.shipments
    steps = {"pack": "packed", "ready": "ready_for_pickup", "hand-over": "delivered"}
    for what, status in steps.items():
        answer = world.report(shipment, what, DOCUMENT if what == "hand-over" else None)
        assert (answer.status, answer.body["status"]) == (200, status)
    assert world.types(story)[-3:] == [f"shipment.{status}" for status in steps.values()]


def ready(world: World, **options: Any) -> tuple[Story, Shipment, str]:
    """A pick-up that lies ready, and the code for it."""
    story = at("shipped", method="pickup", **options)
    store(world.db, story)
    (shipment,) = story.shipments
    return story, shipment, collecting.code(story.order, shipment)


def test_the_code_opens_it_and_nothing_before_left_the_stock(world: World) -> None:
    _story, shipment, code = ready(world)
    assert world.stock("MUG-1")["store-1"] == (100, 3)
    answer = world.report(shipment, "hand-over", {"code": code})
    assert (answer.status, answer.body["status"]) == (200, "delivered")
    assert world.stock("MUG-1")["store-1"] == (97, 0)
    assert world.report(shipment, "hand-over", {"code": code}) == answer


def test_wrong_codes_are_counted_and_then_only_a_document_will_do(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    story, shipment, code = ready(world)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for number in range(1, 6):
        for _ in range(2):  # the answer got lost, and the request is repeated
            answer = world.report(shipment, "hand-over", {"code": wrong}, key=f"k{number}")
            assert (answer.status, answer.body["type"]) == (
                422,
                "urn:parcelway:problem:wrong-pickup-code",
            )
            assert answer.body["attempts_left"] == 5 - number
    locked = world.report(shipment, "hand-over", {"code": code}, key="k6")
    assert (locked.status, locked.body["type"]) == (
        409,
        "urn:parcelway:problem:pickup-code-locked",
    )
    (waiting,) = world.queue("store-1").body["shipments"]
    assert waiting["wrong_codes"] == 5
    assert [alert.code for alert in world.dossier(story).order.alerts] == ["pickup_code_locked"]
    assert world.report(shipment, "hand-over", DOCUMENT, key="k7").status == 200
    handed = world.dossier(story).events[-1]
    assert handed.data == {"shipment": shipment.id, "proof": "passport"}
    out = capfd.readouterr()
    seen = repr((world.dossier(story).events, waiting, answer, locked, out))
    assert code not in seen.replace(shipment.id, "")
    assert wrong not in seen.replace(shipment.id, "")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "12345"},
        {"code": "1234567"},
        {"code": "12345\n"},
        {"code": "\u0661\u0662\u0663\u0664\u0665\u0666"},
        {"code": 123456},
        {"code": None},
        {"identity_checked": "he looked honest"},
        {"code": "123456", "identity_checked": "passport"},
    ],
)
def test_a_hand_over_says_one_sound_thing(world: World, body: dict[str, Any]) -> None:
    story, shipment, _ = ready(world)
    before = world.dossier(story)
    assert world.report(shipment, "hand-over", body).status == 422
    assert world.dossier(story) == before


def test_what_is_ready_can_be_missing_after_all(world: World) -> None:
    story, shipment, _ = ready(world)
    answer = world.report(shipment, "reject")
    assert (answer.status, answer.body["state"]) == (200, "cancelled")
    assert world.stock("MUG-1")["store-1"] == (97, 0)  # the books are told
    assert world.dossier(story).order.uncollected == {}


def test_the_warehouse_is_not_given_the_link_that_shows_the_code(world: World) -> None:
    story, shipment, _ = ready(world)
    answer = world.report(shipment, "reject")
    assert answer.body["tracking_path"] == f"/track/{story.order.tracking_number}"
    assert story.order.link_token not in json.dumps(answer.body)


def test_a_report_that_is_repeated_changes_nothing(world: World) -> None:
    story = at("released")
    store(world.db, story)
    (shipment,) = story.shipments
    for what, body in (("pack", None), ("ship", PARCEL), ("delivered", None)):
        first = world.report(shipment, what, body)
        once = world.dossier(story)
        assert world.report(shipment, what, body, key="k2") == first
        assert world.dossier(story) == once


def test_what_comes_out_of_turn_is_refused(world: World) -> None:
    story = at("released")
    store(world.db, story)
    (shipment,) = story.shipments
    before = world.dossier(story)
    too_early = (("ship", PARCEL), ("ready", None), ("hand-over", DOCUMENT), ("delivered", None))
    for what, body in too_early:
        assert world.report(shipment, what, body).status == 409
    assert world.dossier(story) == before
    world.report(shipment, "pack")
    world.report(shipment, "ship", PARCEL)
    other = PARCEL | {"parcel_number": "ACME0002"}
    assert world.report(shipment, "ship", other, key="k2").status == 409
    assert world.report(shipment, "reject").status == 409


def test_two_parcels_cannot_have_one_number(world: World) -> None:
    stories = [at("packed", seed=str(number)) for number in range(2)]
    for story in stories:
        store(world.db, story)
    first, second = (story.shipments[0] for story in stories)
    assert world.report(first, "ship", PARCEL).status == 200
    refused = world.report(second, "ship", PARCEL)
    assert (refused.status, refused.body["pointer"]) == (409, "/parcel_number")
    assert world.dossier(stories[1]).shipments[0].status == "packed"


def test_what_is_not_there_cancels_the_order_when_it_was_all_of_it(world: World) -> None:
    story = at("released")
    store(world.db, story)
    (shipment,) = story.shipments
    answer = world.report(shipment, "reject", {"reason": "damaged"})
    assert (answer.status, answer.body["state"]) == (200, "cancelled")
    assert answer.body["cancel_reason"] == "damaged"
    assert world.stock("MUG-1")[shipment.node] == (100, 0)
    once = world.dossier(story)
    assert world.report(shipment, "reject", {"reason": "damaged"}) == answer
    assert world.report(shipment, "reject", key="k2").status == 200
    assert world.dossier(story) == once


def test_what_is_not_there_leaves_the_other_parcel_alone(world: World) -> None:
    story = at("released", stock=SPLIT_STOCK)
    store(world.db, story)
    first, second = story.shipments
    answer = world.report(first, "reject")
    assert (answer.status, answer.body["state"]) == (200, "confirmed")
    assert {s.id: s.status for s in world.dossier(story).shipments} == {
        first.id: "cancelled",
        second.id: "released",
    }
    assert world.report(first, "pack", key="k2").status == 409
    assert world.report(second, "pack", key="k3").status == 200


def test_a_key_that_was_used_for_another_rejection_is_refused(world: World) -> None:
    story = at("released", stock=SPLIT_STOCK)
    store(world.db, story)
    first, second = story.shipments
    world.report(first, "reject")
    assert world.report(second, "reject").status == 422
    assert world.dossier(story).shipment(second.id).status == "released"


@pytest.mark.parametrize(
    ("group", "status"),
    [
        ("nobody", 401),
        ("", 403),
        ("support", 403),
        ("warehouses", 403),
        ("warehouse", 200),
        ("admin", 200),
        ("[support warehouse]", 200),
    ],
)
def test_only_the_warehouse_sees_and_says_it(world: World, group: str, status: int) -> None:
    story = at("released")
    store(world.db, story)
    before = world.dossier(story)
    assert world.queue("dc-1", group).status == status
    assert world.report(story.shipments[0], "pack", group=group).status == status
    assert (world.dossier(story) == before) == (status != 200)


def test_a_report_needs_a_key_a_shipment_and_an_order(world: World) -> None:
    story, other = at("released", seed="1"), at("released", seed="2")
    store(world.db, story)
    (shipment,) = story.shipments
    assert world.report(shipment, "pack", key="").status == 400
    assert world.report(other.shipments[0], "pack").status == 404
    store(world.db, other)
    mixed = dict(order_id=story.order.id, shipment_id=other.shipments[0].id)
    event = get_event(REPORT + "pack", mixed, headers={"Idempotency-Key": "k"})
    event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
    event["headers"]["Content-Type"] = "application/json"
    event["body"] = "{}"
    assert world.call(event, "warehouse").status == 404
    assert world.report(shipment, "ship", {"carrier": "acme"}).status == 422


def test_the_queue_is_read_page_by_page_oldest_first(world: World) -> None:
    hours = [3, 0, 4, 1, 2]
    stories = [at("released", seed=str(h), now=START + timedelta(hours=h)) for h in hours]
    for story in stories:
        store(world.db, story)
    seen: list[str] = []
    sizes: list[int] = []
    query = {"limit": "2"}
    while True:
        page = world.queue("dc-1", **query)
        assert page.status == 200
        waiting = page.body["shipments"]
        seen += [shipment["id"] for shipment in waiting]
        sizes.append(len(waiting))
        if page.body["next_cursor"] is None:
            break
        query["cursor"] = page.body["next_cursor"]
    assert sizes == [2, 2, 1]
    oldest_first = sorted(stories, key=lambda story: story.now)
    assert seen == [story.shipments[0].id for story in oldest_first]
    assert world.queue("store-1").body == {"shipments": [], "next_cursor": None}


def test_the_queue_holds_what_still_is_to_do(world: World) -> None:
    story = at("released")
    store(world.db, story)
    (shipment,) = story.shipments
    for what, body in (("pack", None), ("ship", PARCEL)):
        (waiting,) = world.queue("dc-1").body["shipments"]
        assert waiting["id"] == shipment.id
        world.report(shipment, what, body)
    assert world.queue("dc-1").body["shipments"] == []


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_a_cursor_of_another_queue_is_refused(world: World) -> None:
    for number in range(2):
        store(world.db, at("released", seed=str(number)))
    own = world.queue("dc-1", limit="1").body["next_cursor"]
    assert world.queue("dc-1", cursor=own).status == 200
    assert world.queue("dc-2", cursor=own).status == 400


@pytest.mark.parametrize(
    "made_up",
    [
        "x",
        "////",
        cursor(5),
        base64.urlsafe_b64encode(b"[" * 740).decode(),
        cursor([]),
        cursor(["pk", "sk", "queue", "queued_at"]),
        cursor({"pk": "ORD#1", "sk": "ORDER"}),
        cursor({"owner": "dc-1", "pk": "ORD#1", "sk": "ORDER", "placed_at": ""}),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(world: World, made_up: str) -> None:
    assert world.queue("dc-1", cursor=made_up).status == 400


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_page_is_of_sensible_size(world: World, limit: str) -> None:
    assert world.queue("dc-1", limit=limit).status == 422
