"""Placed orders by themselves: whose they are, and how each caller cancels them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.ids import derived
from parcelway.ports import clock

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import BASKET, CONTACT, Story, dossier_of, store

ADA = {"sub": "sub-ada", "email": "ada@customer.example", "name": "Ada Example"}
EVE = {"sub": "sub-eve", "email": "eve@customer.example", "name": "Eve Other"}
CSR = {"sub": "sub-csr", "email": "csr@shop.example", "cognito:groups": "[csr]"}
PACKER = {"sub": "sub-packer", "email": "packer@shop.example", "cognito:groups": "warehouse"}
MISSING = derived("ord", "nobody's")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        yield World(db, "orders")


def placed_by(world: World, claims: Mapping[str, str] | None, seed: str = "1") -> Story:
    """A placed order of a customer (None: a guest), an hour younger than the one of seed - 1."""
    story = Story(seed=seed, now=clock.now() - timedelta(hours=20 - int(seed)))
    story.filled()
    if claims:
        story._apply(
            cart.claim(
                story.order, cart.Claimant(derived("cus", claims["sub"]), CONTACT), story.facts
            )
        )
    story.placed()
    store(world.db, story)
    return story


def history(world: World, claims: Mapping[str, str], **query: str) -> Any:
    return ok(world.call("GET", "/orders", query=query, claims=claims))


def show(world: World, order_id: str, claims: Mapping[str, str]) -> Answer:
    return world.call("GET", "/orders/{order_id}", {"order_id": order_id}, claims=claims)


# Each way to cancel: (world, story, key, reason) -> answer


def cancel_own(world: World, story: Story, key: str, reason: str = "changed my mind") -> Answer:
    path, body = {"order_id": story.order.id}, {"reason": reason}
    resource = "/orders/{order_id}/cancel"
    return world.call("POST", resource, path, body, claims=ADA, idempotency_key=key)


def cancel_held(world: World, story: Story, key: str, reason: str = "changed my mind") -> Answer:
    path, body = {"cart_id": story.order.id}, {"reason": reason}
    resource, token = "/carts/{cart_id}/cancel", story.token
    return world.call("POST", resource, path, body, cart_token=token, idempotency_key=key)


def cancel_any(world: World, story: Story, key: str, reason: str = "changed my mind") -> Answer:
    path, body = {"order_id": story.order.id}, {"reason": reason}
    resource = "/staff/orders/{order_id}/cancel"
    return world.call("POST", resource, path, body, claims=CSR, idempotency_key=key)


Cancel = Callable[..., Answer]
WAYS = [
    pytest.param(cancel_own, ADA, "customer", derived("cus", "sub-ada"), id="own"),
    pytest.param(cancel_held, None, "guest", "", id="held"),
    pytest.param(cancel_any, ADA, "staff", "sub-csr", id="staff"),
]


# History


def test_the_history_comes_in_pages_newest_first_and_is_ones_own(world: World) -> None:
    mine = [placed_by(world, ADA, str(seed)).order.id for seed in range(1, 6)]
    theirs = placed_by(world, EVE, "6").order.id
    placed_by(world, None, "7")
    seen: list[str] = []
    sizes: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = history(world, ADA, limit="2", **cursor)
        sizes.append(len(page["orders"]))
        seen += [order["id"] for order in page["orders"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == mine[::-1]
    assert sizes == [2, 2, 1]
    assert [order["id"] for order in history(world, EVE)["orders"]] == [theirs]


def test_a_page_of_the_history_is_three_calls_however_long_it_is(world: World) -> None:
    for seed in range(1, 8):
        placed_by(world, ADA, str(seed))
    answer, calls = world.counting(lambda: world.call("GET", "/orders", claims=ADA))
    assert len(ok(answer)["orders"]) == 7
    # The first looks for what was ordered as a guest before the mailbox was proven.
    assert calls == ["Query", "Query", "BatchGetItem"]


def test_a_cart_is_not_in_the_history_before_it_is_placed(world: World) -> None:
    story = Story(now=clock.now()).filled()
    story._apply(
        cart.claim(story.order, cart.Claimant(derived("cus", ADA["sub"]), CONTACT), story.facts)
    )
    store(world.db, story)
    assert history(world, ADA) == {"orders": [], "next_cursor": None}


@pytest.mark.parametrize("cursor", ["nonsense", "e30=", "bnVsbA=="])
def test_a_made_up_cursor_is_refused(world: World, cursor: str) -> None:
    answer = world.call("GET", "/orders", query={"cursor": cursor}, claims=ADA)
    refused(answer, 400, "malformed-request")


def test_somebody_elses_cursor_is_refused(world: World) -> None:
    for seed in ("1", "2"):
        placed_by(world, ADA, seed)
    cursor = history(world, ADA, limit="1")["next_cursor"]
    answer = world.call("GET", "/orders", query={"cursor": cursor}, claims=EVE)
    refused(answer, 400, "malformed-request")


def test_nobody_has_no_history(world: World) -> None:
    refused(world.call("GET", "/orders"), 401, "unauthenticated")


# Whose


def test_a_foreign_order_is_answered_like_one_that_does_not_exist(world: World) -> None:
    story = placed_by(world, ADA)
    guests = placed_by(world, None, "2")
    before = world.dump()
    assert ok(show(world, story.order.id, ADA))["id"] == story.order.id
    answers = [show(world, order, EVE) for order in (story.order.id, guests.order.id, MISSING)]
    refused(answers[0], 404, "not-found")
    assert answers[0] == answers[1] == answers[2]
    cancels = [
        world.call(
            "POST",
            "/orders/{order_id}/cancel",
            {"order_id": order},
            {},
            claims=EVE,
            idempotency_key=new_key(),
        )
        for order in (story.order.id, guests.order.id, MISSING)
    ]
    assert cancels == [answers[0]] * 3
    held = [
        world.call(
            "POST",
            "/carts/{cart_id}/cancel",
            {"cart_id": order},
            {},
            cart_token=guests.token,
            idempotency_key=new_key(),
        )
        for order in (story.order.id, MISSING)
    ]
    assert held == [answers[0]] * 2
    assert world.dump() == before


# Cancelling


@pytest.mark.parametrize(("cancel", "owner", "kind", "who"), WAYS)
def test_cancelling_gives_the_stock_back_and_says_who_did_it(
    world: World, cancel: Cancel, owner: Any, kind: str, who: str
) -> None:
    story = placed_by(world, owner)
    assert world.reserved("MUG-1") == BASKET["MUG-1"]
    seen = ok(cancel(world, story, new_key()))
    assert (seen["state"], seen["cancel_reason"]) == ("cancelled", "changed my mind")
    assert {sku: world.reserved(sku) for sku in BASKET} == dict.fromkeys(BASKET, 0)
    dossier = dossier_of(world.db, story.order.id)
    event = dossier.events[-1]
    assert (event.type, event.data) == ("order.cancelled", {"reason": "changed my mind"})
    assert (event.actor.kind, event.actor.id) == (kind, who)
    reserve, release = world.journal(story.order.id)
    assert {move["kind"] for move in reserve["moves"]} == {"reserve"}
    assert {move["kind"] for move in release["moves"]} == {"release"}


@pytest.mark.parametrize(("cancel", "owner", "kind", "who"), WAYS)
def test_cancelling_again_is_a_repeat_or_too_late(
    world: World, cancel: Cancel, owner: Any, kind: str, who: str
) -> None:
    story, key = placed_by(world, owner), new_key()
    first = cancel(world, story, key)
    ok(first)
    before = world.dump()
    assert cancel(world, story, key) == first
    refused(cancel(world, story, new_key()), 409, "illegal-state")
    refused(cancel(world, story, key, "another reason"), 422, "idempotency-key-reused")
    assert world.dump() == before


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize(("cancel", "owner", "kind", "who"), WAYS)
def test_a_timeout_then_the_same_key_cancels_once(
    world: World, cancel: Cancel, owner: Any, kind: str, who: str, done: bool
) -> None:
    story, key = placed_by(world, owner), new_key()
    write = "transact_write_items"
    refused(
        world.breaking(write, done=done, request=lambda: cancel(world, story, key)), 503, "busy"
    )
    assert world.order(story.order.id).state == ("cancelled" if done else "placed")
    assert ok(cancel(world, story, key))["state"] == "cancelled"
    assert len(world.journal(story.order.id)) == 2
    assert world.reserved("MUG-1") == 0


@pytest.mark.parametrize(("cancel", "owner", "kind", "who"), WAYS)
def test_nobody_cancels_what_has_left(
    world: World, cancel: Cancel, owner: Any, kind: str, who: str
) -> None:
    story = Story(now=clock.now() - timedelta(hours=1)).filled()
    if owner:
        story._apply(
            cart.claim(
                story.order, cart.Claimant(derived("cus", owner["sub"]), CONTACT), story.facts
            )
        )
    story.placed().confirmed().scheduled().released().packed().shipped()
    store(world.db, story)
    before = world.dump()
    refused(cancel(world, story, new_key()), 409, "too-late")
    assert world.dump() == before


# Staff


def test_staff_see_everything_about_anybodys_order(world: World) -> None:
    story = Story(now=clock.now() - timedelta(hours=1)).filled().placed().confirmed()
    story.scheduled().released().packed().shipped().invoiced()
    store(world.db, story)
    path = {"order_id": story.order.id}
    seen = ok(world.call("GET", "/staff/orders/{order_id}", path, claims=PACKER))
    assert seen["order"]["id"] == story.order.id
    assert [shipment["id"] for shipment in seen["shipments"]] == [s.id for s in story.shipments]
    assert seen["invoices"] == [invoice.number for invoice in story.invoices]
    assert [event["type"] for event in seen["events"]] == [event.type for event in story.events]
    assert (seen["holds"], seen["alerts"]) == ([], [])


@pytest.mark.parametrize(("claims", "status"), [(ADA, 403), (None, 401)])
def test_the_staff_view_is_for_staff(world: World, claims: Any, status: int) -> None:
    story = placed_by(world, ADA)
    path = {"order_id": story.order.id}
    answer = world.call("GET", "/staff/orders/{order_id}", path, claims=claims)
    assert answer["statusCode"] == status
    assert story.order.id not in answer["body"]


def test_the_warehouse_looks_but_does_not_cancel(world: World) -> None:
    story = placed_by(world, ADA)
    before = world.dump()
    path = {"order_id": story.order.id}
    resource = "/staff/orders/{order_id}/cancel"
    answer = world.call("POST", resource, path, {}, claims=PACKER, idempotency_key=new_key())
    refused(answer, 403, "forbidden")
    assert world.dump() == before
    missing = {"order_id": MISSING}
    refused(world.call("GET", "/staff/orders/{order_id}", missing, claims=PACKER), 404, "not-found")
    refused(
        world.call("POST", resource, missing, {}, claims=CSR, idempotency_key=new_key()),
        404,
        "not-found",
    )


def test_an_expired_order_is_not_cancelled_on_top(world: World) -> None:
    story = Story(now=clock.now() - timedelta(hours=5)).filled().placed().expired()
    store(world.db, story)
    before = world.dump()
    for cancel in (cancel_held, cancel_any):
        refused(cancel(world, story, new_key()), 409, "illegal-state")
    assert world.dump() == before
