"""Merging at the desk: one transaction for the records, and every order follows whatever stops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.claimants import claimant
from parcelway.domain.decision import Decision
from parcelway.domain.order import Order
from parcelway.ports import clock
from parcelway.store import merging
from parcelway.store.customers import get_customer
from parcelway.store.mergers import entries
from parcelway.store.orders import get_order, orders_of
from parcelway.store.saving import save

from tests.functions.calls import load
from tests.functions.signup import EMAIL, World, world
from tests.orders import CONTACT, SHOP, at, dossier_of, store, store_shop

REASON = {"reason": "called, and is one person"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made
    clock.reset()


@pytest.fixture
def people(shop: World) -> tuple[str, str]:
    """A member and the duplicate that the desk made of them: their ids."""
    token = shop.member()
    mine: str = shop.call("GET", "/customers/me", token=token).body["id"]
    names = {"given_name": "Ada", "family_name": "Byron"}
    other = shop.desk("POST", "", {"email": "ada@work.example", **names})
    return mine, other.body["customer"]["id"]


def order_of(shop: World, customer_id: str, number: int) -> Order:
    """An order that a customer has placed."""
    made = at("placed").order
    order = replace(made, id=f"ord_{number}", version=1, customer_id=customer_id)
    save(shop.db, Decision(order), clock.now())
    return order


def merge(shop: World, into: str, duplicate: str, role: str = "csr_supervisor", **sent: Any) -> Any:
    body = REASON | {"duplicate": duplicate}
    return shop.desk("POST", f"/{into}/merge", body, role=role, **sent)


def sweep(shop: World, now: datetime, most: int) -> int:
    return merging.sweep(shop.db, entries(shop.db, now), now, most).moved


def owners(shop: World, count: int) -> list[str]:
    orders = [get_order(shop.db, f"ord_{n}") for n in range(count)]
    return [order.customer_id for order in orders if order is not None]


def test_orders_follow_and_the_duplicates_login_ends(shop: World, people: tuple[str, str]) -> None:
    mine, other = people
    for number in range(3):
        order_of(shop, other, number)
    done = merge(shop, mine, other).body
    assert (done["orders_moved"], done["complete"]) == (3, True)
    assert done["customer"]["absorbed"] == [other]
    assert owners(shop, 3) == [mine] * 3
    assert sorted(orders_of(shop.db, mine, 10)[0]) == ["ord_0", "ord_1", "ord_2"]
    gone = shop.desk("GET", f"/{other}", query={"reason": "test"}).body
    assert (gone["merged_into"], gone["customer"]["state"]) == (mine, "disabled")
    assert shop.sign_in("ada@work.example", shop.pool.mailed[-1]).status == 401
    assert shop.sign_in(EMAIL).status == 200
    again = merge(shop, mine, other).body
    assert (again["orders_moved"], again["customer"]) == (0, done["customer"])


def test_the_login_that_has_the_duplicates_address_now_is_left_alone(shop: World) -> None:
    """Ada moves at the user pool, and somebody else proves her old address: her record has lost
    it. Merging that record away ends Ada's login, and not the other."""
    shop.member()
    (old,) = (record["id"] for record in shop.records())
    shop.moves(EMAIL, "moved@example.com")
    token = shop.member("key-2")
    new = shop.call("GET", "/customers/me", token=token).body["id"]
    assert merge(shop, new, old).status == 200
    assert shop.sign_in(EMAIL).status == 200
    assert shop.sign_in("moved@example.com").status == 401


def test_a_merger_of_ones_own_record_or_a_colleagues_needs_somebody_else(
    shop: World, people: tuple[str, str]
) -> None:
    mine, other = people
    login = shop.pool.find(EMAIL)
    assert login is not None
    before = shop.items()
    for role in ("csr_supervisor", "admin"):
        for into, duplicate in ((mine, other), (other, mine)):
            refused = merge(shop, into, duplicate, role, subject=login.subject)
            assert refused.body["type"] == "urn:parcelway:problem:four-eyes"
    shop.employs(EMAIL, "csr")
    for into, duplicate in ((mine, other), (other, mine)):
        assert merge(shop, into, duplicate).body["type"] == "urn:parcelway:problem:four-eyes"
    assert shop.items() == before
    assert shop.sign_in(EMAIL).status == 200
    assert merge(shop, other, mine, "admin").status == 200


def test_many_orders_follow_by_and_by_and_the_entry_goes_when_its_time_is_over(
    shop: World, people: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = people
    count = 7
    for number in range(count):
        order_of(shop, other, number)
    monkeypatch.setattr(shop.customers, "_MOST_AT_ONCE", 2)
    first = merge(shop, mine, other).body
    assert (first["orders_moved"], first["complete"]) == (2, False)
    assert sweep(shop, clock.now(), 3) == 3
    assert merge(shop, mine, other).body["orders_moved"] == 2
    assert owners(shop, count) == [mine] * count
    assert sweep(shop, clock.now(), 100) == 0
    order_of(shop, other, count)  # what the index shows only now
    assert sweep(shop, clock.now(), 100) == 1
    late = clock.now() + timedelta(hours=2)
    assert sweep(shop, late, 100) == 0
    assert not shop.items("MERGES")


def test_a_chain_of_mergers_ends_at_its_last_record(shop: World, people: tuple[str, str]) -> None:
    mine, other = people
    names = {"given_name": "Ada", "family_name": "King"}
    third = shop.desk("POST", "", {"email": "ada@king.example", **names}).body["customer"]["id"]
    assert merge(shop, other, mine).status == 200
    assert merge(shop, third, other).status == 200
    order_of(shop, mine, 0)
    assert sweep(shop, clock.now(), 10) == 1
    assert owners(shop, 1) == [third]
    refused = merge(shop, other, third)
    assert (refused.status, refused.body["type"]) == (409, "urn:parcelway:problem:illegal-state")


def test_the_sweeper_looks_after_mergers(
    shop: World, people: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = people
    merge(shop, mine, other)
    order_of(shop, other, 0)
    monkeypatch.setenv("EVENT_BUS", "bus")
    store_shop(shop.db, SHOP)
    assert load("sweeper").handler({}, None)["followed"] == 1
    assert owners(shop, 1) == [mine]


def damage(shop: World, order_id: str) -> None:
    shop.db.client.update_item(
        TableName=shop.db.orders,
        Key={"pk": {"S": f"ORD#{order_id}"}, "sk": {"S": "ORDER"}},
        UpdateExpression="SET #order = :nonsense",
        ExpressionAttributeNames={"#order": "order"},
        ExpressionAttributeValues={":nonsense": {"S": "nonsense"}},
    )


def test_an_order_that_cannot_be_read_stops_no_other(
    shop: World, people: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = people
    merge(shop, mine, other)
    for number in range(3):
        order_of(shop, other, number)
    damage(shop, "ord_1")
    monkeypatch.setenv("EVENT_BUS", "bus")
    store_shop(shop.db, SHOP)
    counts = load("sweeper").handler({}, None)
    assert (counts["followed"], counts["failed"]) == (2, 2)  # its own sweep, too
    again = merge(shop, mine, other).body
    assert (again["orders_moved"], again["complete"]) == (0, False)


def test_every_merger_is_looked_after_and_one_that_fails_stops_no_other(
    shop: World, people: tuple[str, str]
) -> None:
    mine, other = people
    merge(shop, mine, other)
    order_of(shop, other, 0)
    late = (clock.now() + timedelta(hours=1)).isoformat()
    for number in range(60):  # those before it in the list, and the first of them cannot be read
        key = {"pk": "MERGES", "sk": f"cus_{number:02}"}
        shop.put(key | {"survivor": "cus_broken" if not number else "cus_00", "until": late})
    shop.put({"pk": "CUS#cus_broken", "sk": "CUSTOMER", "customer": {"nonsense": 1}})
    done = merging.sweep(shop.db, entries(shop.db, clock.now()), clock.now(), 100)
    assert (done.moved, list(done.failed)) == (1, ["cus_00"])
    assert owners(shop, 1) == [mine]


def test_what_can_never_be_read_is_looked_at_less_and_less(
    shop: World, people: tuple[str, str]
) -> None:
    """And is found again once somebody has mended it."""
    mine, other = people
    merge(shop, mine, other)
    order_of(shop, other, 0)
    key = {"pk": {"S": "ORD#ord_0"}, "sk": {"S": "ORDER"}}
    whole = shop.db.client.get_item(TableName=shop.db.orders, Key=key)["Item"]
    damage(shop, "ord_0")
    now = start = clock.now()
    looks = []
    while now < start + timedelta(days=10):
        if found := entries(shop.db, now):
            looks.append(now)
            merging.sweep(shop.db, found, now, 10)
        now += timedelta(minutes=30)
    assert 10 < len(looks) < 30
    assert looks[-1] - looks[-2] <= timedelta(days=1, minutes=30)
    shop.db.client.put_item(TableName=shop.db.orders, Item=whole)
    now += timedelta(days=1)
    assert sweep(shop, now, 10) == 1
    assert owners(shop, 1) == [mine]
    sweep(shop, now, 10)
    assert entries(shop.db, now + timedelta(days=2)) == []


def guest_order(shop: World, email: str, seed: str) -> str:
    return store(shop.db, at("placed", seed=seed, contact=replace(CONTACT, email=email))).id


def test_guest_orders_for_the_duplicates_proven_mailbox_are_the_survivors(
    shop: World, people: tuple[str, str]
) -> None:
    """Nobody signs in with that mailbox any more. One that nobody has proven gives nothing."""
    mine, other = people
    store_shop(shop.db, SHOP)
    before = guest_order(shop, "Ada@work.example", "1")
    merged = merge(shop, other, mine)  # the member's record is the duplicate here
    assert merged.status == 200
    assert owner(shop, before) == ""
    now = clock.now()
    theirs = guest_order(shop, EMAIL.upper(), "2")  # placed while the two became one
    assert sweep(shop, now, 10) == 1
    assert (owner(shop, theirs), owner(shop, before)) == (other, "")
    assert sweep(shop, now, 10) == 0
    told = [each for each in dossier_of(shop.db, theirs).events if each.type == "order.claimed"]
    assert [each.actor.kind for each in told] == ["system"]


def test_an_unproven_duplicates_guest_orders_stay_guests(
    shop: World, people: tuple[str, str]
) -> None:
    mine, other = people
    store_shop(shop.db, SHOP)
    guests = guest_order(shop, "ada@work.example", "1")
    merge(shop, mine, other)
    assert sweep(shop, clock.now(), 10) == 0
    assert owner(shop, guests) == ""


def owner(shop: World, order_id: str) -> str:
    order = get_order(shop.db, order_id)
    assert order is not None
    return order.customer_id


def test_a_locked_sign_up_that_took_another_over_is_kept_when_it_is_pending_again(
    shop: World, people: tuple[str, str]
) -> None:
    _, other = people
    assert shop.sign_up("key-2", email="eve@example.com").status == 202
    (eve,) = [each["id"] for each in shop.records() if each["email"] == "eve@example.com"]
    refused = merge(shop, eve, other)
    assert (refused.status, refused.body["type"]) == (409, "urn:parcelway:problem:illegal-state")
    lock = {"state": "locked", "reason": "test"}
    assert shop.desk("PUT", f"/{eve}/state", lock, role="admin").status == 200
    assert merge(shop, eve, other).status == 200
    shop.desk("PUT", f"/{eve}/state", lock | {"state": "enabled"}, role="admin")
    (kept,) = [i for i in shop.items(f"CUS#{eve}") if i["sk"] == "CUSTOMER"]
    assert (kept["customer"]["state"], "expires" in kept) == ("pending", False)
    assert shop.sign_up("key-3", email="eve@example.com").status == 202
    after = get_customer(shop.db, eve)
    assert after is not None
    assert (after.state, after.absorbed) == ("disabled", (other,))


@pytest.mark.parametrize(
    ("change", "status"),
    [({"duplicate": "cus_none"}, 404), ({"reason": ""}, 422), ({"duplicate": None}, 422)],
)
def test_bad_input_merges_nothing(
    shop: World, people: tuple[str, str], change: dict[str, Any], status: int
) -> None:
    mine, other = people
    before = shop.items()
    body = REASON | {"duplicate": other} | change
    refused = shop.desk("POST", f"/{mine}/merge", body, role="admin")
    assert (refused.status, shop.items()) == (status, before)
    assert merge(shop, mine, mine).status == 422
    assert merge(shop, mine, other, version=99).status == 409
    assert merge(shop, mine, other, role="csr").status == 403
    assert shop.items() == before


def test_a_cart_of_the_duplicates_can_be_claimed_by_the_survivor(
    shop: World, people: tuple[str, str]
) -> None:
    mine, other = people
    story = at("draft")
    draft = replace(story.order, customer_id=other)
    merge(shop, mine, other)
    known = get_customer(shop.db, mine)
    assert known is not None
    claimed = cart.claim(draft, claimant(known, CONTACT), story.facts)
    assert claimed is not None
    assert (claimed.order.customer_id, claimed.order.is_for(other)) == (mine, True)
