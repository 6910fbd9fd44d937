"""Adjustments over HTTP: who may, what is listed for a decision, repeats, crashes and races."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.adjustment import Cap
from parcelway.domain.decision import Decision
from parcelway.domain.ids import derived
from parcelway.ports import clock
from parcelway.store import catalogue, proposals
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.shop import put_settings

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import PRODUCTS, SHOP, at, dossier_of, store

SETTINGS = replace(
    SHOP.settings,
    adjustment_reasons={"goodwill": {"en": "Goodwill", "de": "Kulanz"}},
    adjustment_caps={"csr": Cap({"USD": 500}), "csr_supervisor": Cap({"USD": 2000})},
)
_ALL = "/staff/carts/{cart_id}/adjustments"
_ONE = f"{_ALL}/{{adjustment_id}}"
LIST = "/staff/adjustments"


def claims(name: str, group: str) -> Mapping[str, str]:
    return {"sub": name, "email": f"{name}@shop.example", "cognito:groups": f"[{group}]"}


CLERK, OTHER = claims("sub-clerk", "csr"), claims("sub-other", "csr")
BOSS, FINANCE = claims("sub-boss", "csr_supervisor"), claims("sub-finance", "finance")


class Desk:
    """Staff at the cart of a story, of 76.30 and 5.99 for shipping."""

    def __init__(self, world: World, seed: str = "1") -> None:
        self.world = world
        self.id = store(world.db, at("draft", seed=seed)).id
        put_settings(world.db, SETTINGS)  # after the story's own

    def adjust(
        self,
        amount: int,
        who: Mapping[str, str] = CLERK,
        key: str = "",
        kind: str = "amount_off",
        **more: Any,
    ) -> Answer:
        body = {"kind": kind, "value": {"minor": amount, "currency": "USD"}, "reason": "goodwill"}
        path, key = {"cart_id": self.id}, key or new_key()
        headers = {name: more.pop(name) for name in ("if_match",) if name in more}
        return self.world.call(
            "POST", _ALL, path, body | more, claims=who, idempotency_key=key, **headers
        )

    def propose(self, amount: int = 1500) -> str:
        made = ok(self.adjust(amount), 201)["adjustments"][-1]
        assert made["status"] == "proposed"
        adjustment_id: str = made["id"]
        return adjustment_id

    def decide(self, verb: str, which: str, who: Mapping[str, str], key: str = "") -> Answer:
        path = {"cart_id": self.id, "adjustment_id": which}
        return self.world.call(
            "POST", f"{_ONE}/{verb}", path, claims=who, idempotency_key=key or new_key()
        )

    def remove(self, which: str, who: Mapping[str, str] = CLERK) -> Answer:
        path = {"cart_id": self.id, "adjustment_id": which}
        return self.world.call("DELETE", _ONE, path, claims=who)

    def waiting(self) -> list[str]:
        seen = ok(self.world.call("GET", LIST, claims=BOSS))
        return [each["adjustment"]["id"] for each in seen["proposals"]]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "adjustments")
    clock.reset()


def test_what_is_within_the_cap_counts_at_once(world: World) -> None:
    desk = Desk(world)
    seen = ok(desk.adjust(500, note="rang twice"), 201)
    (made,) = seen["adjustments"]
    assert (made["status"], made["note"], made["actor"]["id"]) == (
        "applied",
        "rang twice",
        "sub-clerk",
    )
    assert seen["order"]["totals"]["goods"]["minor"] == 7130
    event = dossier_of(world.db, desk.id).events[-1]
    assert (event.type, event.actor.id) == ("order.adjusted", "sub-clerk")
    assert "rang" not in str(event.data)
    assert desk.waiting() == []


def test_each_kind_finds_its_target(world: World) -> None:
    desk = Desk(world)
    ok(desk.adjust(599 - 100, kind="shipping_override", target="g1"), 201)
    seen = ok(desk.adjust(1195, kind="price_override", target="MUG-1"), 201)
    assert seen["order"]["totals"]["shipping"]["minor"] == 499
    assert seen["order"]["lines"][0]["unit_price"]["minor"] == 1195


def test_a_proposal_is_listed_until_it_is_approved(world: World) -> None:
    desk = Desk(world)
    made = desk.propose()
    assert desk.waiting() == [made]
    refused(desk.decide("approve", made, claims("sub-clerk", "admin")), 403, "four-eyes")
    seen = ok(desk.decide("approve", made, BOSS))
    assert seen["order"]["totals"]["goods"]["minor"] == 7630 - 1500
    assert seen["adjustments"][0]["decided_by"]["id"] == "sub-boss"
    assert desk.waiting() == []
    assert [event.type for event in dossier_of(world.db, desk.id).events] == [
        "order.adjustment_proposed",
        "order.adjustment_approved",
    ]


@pytest.mark.parametrize("ending", ["reject", "remove"])
def test_a_proposal_that_comes_to_nothing_is_off_the_list(world: World, ending: str) -> None:
    desk = Desk(world)
    made = desk.propose()
    ok(desk.decide("reject", made, BOSS) if ending == "reject" else desk.remove(made))
    assert desk.waiting() == []
    assert world.order(desk.id).adjustments == () or ending == "reject"
    assert {item["pk"] for item in world.db.query(world.db.orders, proposals.PK)} == set()


def test_the_list_is_paged_oldest_first_and_goes_with_its_drafts(world: World) -> None:
    desks = [Desk(world, seed) for seed in ("1", "2", "3")]
    made = []
    for desk in desks:
        made.append(desk.propose())
        clock.travel(timedelta(minutes=1))
    pages, cursor = [], ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        seen = ok(world.call("GET", LIST, query=query, claims=FINANCE))
        pages.append([each["adjustment"]["id"] for each in seen["proposals"]])
        cursor = seen["next_cursor"]
    assert [len(page) for page in pages] == [2, 1]
    assert [*pages[0], *pages[1]] == made
    draft = get_order(world.db, desks[0].id)
    assert draft is not None
    (first, *_) = world.db.query(world.db.orders, proposals.PK)
    assert first["expires"] > int(draft.created_at.timestamp())


def test_only_deciders_decide_and_see_the_list(world: World) -> None:
    desk = Desk(world)
    made = desk.propose()
    refused(desk.decide("approve", made, OTHER), 403, "forbidden")
    refused(desk.decide("reject", made, OTHER), 403, "forbidden")
    refused(world.call("GET", LIST, claims=OTHER), 403, "forbidden")
    refused(desk.adjust(1, claims("sub-w", "warehouse")), 403, "forbidden")


def test_the_cap_of_the_decider_holds_too(world: World) -> None:
    desk = Desk(world)
    made = desk.propose(2001)
    refused(desk.decide("approve", made, BOSS), 403, "above-limit")
    assert desk.waiting() == [made]
    ok(desk.decide("approve", made, FINANCE))


def test_nobody_adjusts_their_own_cart(world: World) -> None:
    desk = Desk(world)
    order = world.order(desk.id)
    own = replace(order, version=order.version + 1, customer_id=derived("cus", "sub-clerk"))
    save(world.db, Decision(own), clock.now())
    refused(desk.adjust(1), 403, "four-eyes")
    ok(desk.adjust(1, OTHER), 201)


def test_what_changed_since_is_not_approved(world: World) -> None:
    desk = Desk(world)
    made = desk.propose()
    mug = replace(PRODUCTS["MUG-1"], price=PRODUCTS["MUG-1"].price * 2)
    catalogue.upsert(world.db, [mug], clock.now())
    before = world.dump()
    refused(desk.decide("approve", made, BOSS), 409, "stale-version")
    assert world.dump() == before


def test_a_repeat_is_the_same_adjustment(world: World) -> None:
    desk, key = Desk(world), new_key()
    first = desk.adjust(500, key=key)
    before = world.dump()
    assert desk.adjust(500, key=key) == first
    assert world.dump() == before
    refused(desk.adjust(499, key=key), 422, "idempotency-key-reused")


def test_an_approval_that_comes_twice_counts_once(world: World) -> None:
    desk, key = Desk(world), new_key()
    made = desk.propose()
    first = desk.decide("approve", made, BOSS, key)
    assert desk.decide("approve", made, BOSS, key) == first
    refused(desk.decide("approve", made, BOSS), 409, "illegal-state")
    refused(desk.decide("reject", made, FINANCE), 409, "illegal-state")


@pytest.mark.parametrize("done", [True, False], ids=["answer lost", "never arrived"])
def test_a_crash_leaves_the_proposal_and_the_list_together(world: World, done: bool) -> None:
    desk, key = Desk(world), new_key()
    refused(
        world.breaking(
            "transact_write_items", done=done, request=lambda: desk.adjust(1500, key=key)
        ),
        503,
        "busy",
    )
    assert len(world.order(desk.id).adjustments) == len(desk.waiting()) == (1 if done else 0)
    ok(desk.adjust(1500, key=key), 201)
    assert len(world.order(desk.id).adjustments) == len(desk.waiting()) == 1


def test_two_at_once_do_not_exceed_the_cap_together(world: World) -> None:
    """Between the read and the commit of one another one gives something away: it decides anew."""
    desk = Desk(world)
    whole = world.db

    class Between:
        """A client before whose first transaction somebody else's comes."""

        def __init__(self) -> None:
            self.came = False

        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items" and not self.came:
                self.came, world.db = True, whole
                ok(desk.adjust(300, OTHER), 201)
                world.db = replace(whole, client=self)
            return getattr(whole.client, name)

    world.db = replace(whole, client=Between())
    seen = ok(desk.adjust(300), 201)
    assert [each["status"] for each in seen["adjustments"]] == ["applied", "proposed"]


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"reason": "because"}, 422, "invalid-request", "/reason"),
        ({"value": {"minor": 1, "currency": "EUR"}}, 422, "invalid-request", "/value/currency"),
        ({"value": {"minor": -1, "currency": "USD"}}, 422, "invalid-request", "/value/minor"),
        ({"value": {"minor": 7631, "currency": "USD"}}, 422, "invalid-request", "/value/minor"),
        ({"kind": "gift"}, 422, "invalid-request", "/kind"),
        ({"kind": "price_override"}, 422, "invalid-request", "/target"),
        ({"note": "4242 4242 4242 4242"}, 422, "card-number-refused", None),
        ({"more": 1}, 422, "invalid-request", "/more"),
    ],
)
def test_bad_input_changes_nothing(
    world: World, body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    desk = Desk(world)
    before = world.dump()
    answer = refused(desk.adjust(1, **body), status, code)
    assert answer.get("pointer") == pointer
    assert world.dump() == before


def test_an_unknown_cart_and_a_stale_version_are_refused(world: World) -> None:
    desk = Desk(world)
    refused(desk.adjust(1, if_match='"1"'), 409, "stale-version")
    desk.id = "ord_unknown"
    refused(desk.adjust(1), 404, "not-found")


def test_a_placed_order_is_not_adjusted(world: World) -> None:
    desk = Desk(world)
    desk.id = store(world.db, at("placed", seed="9")).id
    put_settings(world.db, SETTINGS)
    refused(desk.adjust(1), 409, "illegal-state")
