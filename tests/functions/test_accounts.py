"""Business accounts over HTTP: who notes them, who asks, who decides, and what is never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.account import AccountContact, changed
from parcelway.domain.commands import Command
from parcelway.domain.parties import SYSTEM
from parcelway.ports import clock
from parcelway.store import accounts, approvals, catalogue
from parcelway.store.saving import save

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import ACCOUNT, APPROVER, BUYER, PRODUCTS, START, at, dossier_of, store

ONE, CART = "/staff/accounts/{account}", "/account/approvals/{cart_id}"
BOSS = {"sub": "sub-boss", "email": APPROVER.email}
BUYS = {"sub": "sub-buyer", "email": BUYER.email}
COMPANY: dict[str, Any] = {
    "company": "Acme, Inc.",
    "tax_id": "at u13585627",
    "contacts": [{"email": "GRACE@acme.example", "roles": ["approver"]}],
    "po_required": True,
    "approval_above": {"minor": 5000, "currency": "USD"},
}


def claims(group: str) -> Mapping[str, str]:
    return {"sub": f"sub-{group}", "email": f"{group}@shop.example", "cognito:groups": group}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "accounts")
    clock.reset()


def put(world: World, body: Any, group: str = "finance", name: str = "beta", **more: str) -> Answer:
    return world.call("PUT", ONE, {"account": name}, body, claims=claims(group), **more)


def get(world: World, group: str = "csr", name: str = "beta") -> Answer:
    return world.call("GET", ONE, {"account": name}, claims=claims(group))


class Buyer:
    """A cart of Acme's, of 86.15, above the 50.00 that its buyer may order alone."""

    def __init__(self, world: World, seed: str = "1") -> None:
        self.world = world
        self.story = at("draft", account=ACCOUNT, seed=seed)
        self.id, self.token = store(world.db, self.story).id, self.story.token

    def ask(self, key: str = "", body: Any = None, token: str = "") -> Answer:
        path, key = {"cart_id": self.id}, key or new_key()
        token = token or self.token
        return self.world.call(
            "POST", "/carts/{cart_id}/approval", path, body, cart_token=token, idempotency_key=key
        )

    def asked(self) -> str:
        approval: str = ok(self.ask(), 201)["approval"]["id"]
        return approval

    def decide(
        self, verb: str, approval: str, who: Mapping[str, str] = BOSS, key: str = ""
    ) -> Answer:
        body = {"approval_id": approval} | ({"reason": "Too dear"} if verb == "reject" else {})
        path, key = {"cart_id": self.id}, key or new_key()
        return self.world.call(
            "POST", f"{CART}/{verb}", path, body, claims=who, idempotency_key=key
        )

    def add(self) -> None:
        order, facts = self.world.order(self.id), self.story.facts
        save(self.world.db, cart.add(order, "TEA-9", 1, facts, Command("more", "")), clock.now())


def waiting(world: World, who: Mapping[str, str] = BOSS, **query: str) -> Any:
    return ok(world.call("GET", "/account/approvals", query=query, claims=who))


# The record


def test_an_account_is_noted_read_and_changed_by_version(world: World) -> None:
    Buyer(world)  # so that there are customers
    refused(get(world), 404, "not-found")
    made = put(world, COMPANY)
    seen = ok(made)
    assert made["headers"]["ETag"] == '"1"'
    assert (seen["account"], seen["tax_id"], seen["version"]) == ("beta", "ATU13585627", 1)
    assert seen["contacts"] == [{"customer_id": APPROVER.id, "roles": ["approver"]}]
    assert ok(get(world)) == seen == ok(put(world, COMPANY, if_match='"7"'))  # nothing changes
    changed_ = COMPANY | {"po_required": False}
    refused(put(world, changed_, if_match='"7"'), 409, "stale-version")
    assert ok(put(world, changed_, if_match='"1"'))["version"] == 2
    kept = world.db.query(world.db.customers, "ACC#beta")
    history = [(each["sk"], each["fields"]) for each in kept if each["sk"].startswith("HIST#")]
    assert [fields for _, fields in history][1:] == [["po_required"]]
    assert kept[-1]["actor"] == {"kind": "staff", "id": "sub-finance"}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"tax_id": "DE136695977"}, "/tax_id"),
        ({"tax_id": "nonsense"}, "/tax_id"),
        ({"contacts": []}, "/contacts"),
        ({"contacts": [{"roles": ["approver"]}]}, "/contacts/0"),
        ({"contacts": [{"email": "nobody@acme.example", "roles": ["buyer"]}]}, "/contacts/0"),
        ({"contacts": [{"email": "no address", "roles": ["buyer"]}]}, "/contacts/0/email"),
        ({"contacts": [{"customer_id": f"cus_{'a' * 26}", "roles": ["buyer"]}]}, "/contacts/0"),
        ({"contacts": [{"email": APPROVER.email, "roles": []}]}, "/contacts/0/roles"),
        ({"contacts": [{"email": APPROVER.email, "roles": ["owner"]}]}, "/contacts/0/roles/0"),
        ({"contacts": COMPANY["contacts"] * 2}, "/contacts/1"),
        ({"approval_above": {"minor": -1, "currency": "USD"}}, "/approval_above/minor"),
        ({"company": ""}, "/company"),
        ({"credit_limit": 5}, "/credit_limit"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    world: World, wrong: Any, pointer: str
) -> None:
    Buyer(world)
    before = world.dump()
    assert refused(put(world, COMPANY | wrong), 422, "invalid-request")["pointer"] == pointer
    assert world.dump() == before


def test_more_that_is_refused(world: World) -> None:
    Buyer(world)
    foreign = COMPANY | {"approval_above": {"minor": 1, "currency": "EUR"}}
    refused(put(world, foreign), 422, "currency-unavailable")
    refused(put(world, COMPANY, name="No Name"), 404, "not-found")
    for group in ("csr", "warehouse"):
        refused(put(world, COMPANY, group), 403, "forbidden")
    refused(get(world, "warehouse"), 403, "forbidden")


# Approval


def test_a_cart_is_asked_about_listed_and_approved(world: World) -> None:
    buyer = Buyer(world)
    assert waiting(world)["approvals"] == []
    seen = ok(buyer.ask(), 201)
    assert (seen["approval"]["status"], seen["approval"]["total"]["minor"]) == ("asked", 8615)
    (listed,) = waiting(world)["approvals"]
    assert listed["approval"] == seen["approval"] and not listed["own"]
    assert listed["order"]["id"] == buyer.id
    assert buyer.token not in str(listed)
    answer = ok(buyer.decide("approve", seen["approval"]["id"]))
    assert answer["approval"]["status"] == "approved"
    assert waiting(world)["approvals"] == []
    assert world.db.query(world.db.orders, approvals.partition("acme")) == []
    told = [(e.type, e.actor.id) for e in dossier_of(world.db, buyer.id).events]
    assert told[-2:] == [
        ("order.approval_asked", BUYER.id),
        ("order.approval_approved", APPROVER.id),
    ]


def test_a_rejection_says_why_and_not_in_the_events(world: World) -> None:
    buyer = Buyer(world)
    seen = ok(buyer.decide("reject", buyer.asked()))
    assert (seen["approval"]["status"], seen["approval"]["reason"]) == ("rejected", "Too dear")
    assert "dear" not in str(dossier_of(world.db, buyer.id).events)
    assert waiting(world)["approvals"] == []


def test_a_repeat_is_answered_like_the_first_time(world: World) -> None:
    buyer, key = Buyer(world), new_key()
    first = ok(buyer.ask(key), 201)
    assert ok(buyer.ask(key), 201) == first
    before = world.dump()
    assert ok(buyer.ask(), 201) == first  # with another key: it is asked already
    assert world.dump() == before
    decided = ok(buyer.decide("approve", first["approval"]["id"], key="k" * 22))
    assert ok(buyer.decide("approve", first["approval"]["id"], key="k" * 22)) == decided
    refused(
        buyer.decide("reject", first["approval"]["id"], key="k" * 22), 422, "idempotency-key-reused"
    )
    refused(buyer.decide("approve", first["approval"]["id"]), 409, "illegal-state")


def test_a_cart_that_changed_is_off_the_list_and_cannot_be_approved(world: World) -> None:
    buyer = Buyer(world)
    approval = buyer.asked()
    buyer.add()
    assert waiting(world)["approvals"] == []
    refused(buyer.decide("approve", approval), 409, "stale-version")
    again = buyer.asked()
    assert [each["approval"]["id"] for each in waiting(world)["approvals"]] == [again]
    refused(buyer.decide("approve", approval), 409, "stale-version")  # the question of before
    ok(buyer.decide("approve", again))


def test_nobody_else_sees_or_decides(world: World) -> None:
    buyer = Buyer(world)
    approval = buyer.asked()
    before = world.dump()
    stranger = {"sub": "sub-stranger", "email": "s@other.example"}
    for who in (stranger, BUYS, claims("admin")):
        refused(world.call("GET", "/account/approvals", claims=who), 404, "not-found")
        refused(buyer.decide("approve", approval, who), 404, "not-found")
    refused(buyer.ask(token="wrong"), 404, "not-found")
    answer = world.call("GET", "/account/approvals")
    refused(answer, 401, "unauthenticated")
    assert world.dump() == before


def test_nobody_approves_their_own(world: World) -> None:
    both = replace(
        ACCOUNT,
        contacts=(*ACCOUNT.contacts, AccountContact(BUYER.id, ("approver",))),
    )
    buyer = Buyer(world)
    approval = buyer.asked()
    change = changed(ACCOUNT, both, START, SYSTEM)
    assert change is not None
    accounts.save_account(world.db, change)
    (listed,) = waiting(world, BUYS)["approvals"]
    assert listed["own"]
    refused(buyer.decide("approve", approval, BUYS), 403, "four-eyes")
    refused(buyer.decide("reject", approval, BUYS), 403, "four-eyes")
    ok(buyer.decide("approve", approval))


@pytest.mark.parametrize(
    "body", [{}, {"approval_id": ""}, {"approval_id": 5}, {"approval_id": "a", "total": 1}]
)
def test_a_decision_names_what_it_is_on(world: World, body: Any) -> None:
    buyer = Buyer(world)
    buyer.asked()
    before = world.dump()
    path = {"cart_id": buyer.id}
    answer = world.call(
        "POST", f"{CART}/approve", path, body, claims=BOSS, idempotency_key=new_key()
    )
    refused(answer, 422, "invalid-request")
    refused(buyer.ask(body={"please": True}), 422, "invalid-request")
    assert world.dump() == before


def test_the_list_is_paged_oldest_first_and_its_cursor_is_of_no_other(world: World) -> None:
    made = []
    for seed in ("1", "2", "3"):
        made.append(Buyer(world, seed).asked())
        clock.travel(timedelta(minutes=1))
    first = waiting(world, limit="2")
    rest = waiting(world, limit="2", cursor=first["next_cursor"])
    pages = [[each["approval"]["id"] for each in page["approvals"]] for page in (first, rest)]
    assert pages == [made[:2], made[2:]]
    assert rest["next_cursor"] is None
    items = world.db.query(world.db.orders, approvals.partition("acme"))
    assert all(item["expires"] > START.timestamp() for item in items)


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_asks_once(world: World, done: bool) -> None:
    buyer, key = Buyer(world), new_key()
    answer = world.breaking("transact_write_items", done=done, request=lambda: buyer.ask(key))
    assert answer["statusCode"] in (201, 503)
    ok(buyer.ask(key), 201)
    told = [e.type for e in dossier_of(world.db, buyer.id).events]
    assert told.count("order.approval_asked") == 1
    assert len(waiting(world)["approvals"]) == 1
