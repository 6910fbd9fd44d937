"""Customers who are merged, forgotten, invited and recognised, while somebody orders, merges or
asks the same: in every order in which two can meet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from parcelway.domain.account_state import BLOCKED
from parcelway.domain.challenge import MAX_WRONG, agreed
from parcelway.domain.customer import Customer, created
from parcelway.domain.erasing import LOOK_AGAIN, Login
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.ports import clock
from parcelway.ports.identity import Login as InPool
from parcelway.store import challenges, erasing, guest_orders, merging
from parcelway.store.codec import iso
from parcelway.store.customers import get_customer, holder_of, save_with_email
from parcelway.store.database import Database
from parcelway.store.erasures import due_erasures
from parcelway.store.items import from_item
from parcelway.store.mergers import entries
from parcelway.store.orders import orders_of

from infra.bench.conflicts import ConflictWindow
from infra.bench.tables import container, scan
from infra.verify import breaks
from tests.orders import CONTACT, Story, at, store
from tests.races.crowd import at_once
from tests.races.desk import BOSS, CLERK, Call, draft, order_of, placing, tables
from tests.races.interleavings import in_every_order
from tests.races.logins import Logins

_ONE = "/staff/customers/{customer_id}"


@pytest.fixture
def db() -> Iterator[Database]:
    yield tables()
    clock.reset()


def customer(db: Database, name: str, email: str = "") -> Customer:
    """Somebody who has signed up, and proven their address."""
    email = email or f"{name}@customer.example"
    made = Customer(
        id=customer_id_of(f"sub-{name}"),
        version=0,
        state="enabled",
        subject=f"sub-{name}",
        email=email,
        email_key=email,
        name="Ada Example",
        created_at=clock.now(),
    )
    save_with_email(db, created(made, clock.now(), SYSTEM), "", None)
    return record(db, made.id)


def record(db: Database, customer_id: str) -> Customer:
    found = get_customer(db, customer_id)
    assert found is not None
    return found


def merges(survivor: Customer, duplicate: Customer) -> Call:
    body = {"duplicate": duplicate.id, "reason": "one person"}
    return Call("customers", f"POST {_ONE}/merge", {"customer_id": survivor.id}, body, BOSS)


def erases(who: Customer) -> Call:
    body = {"grounds": "requested"}
    return Call("privacy", f"POST {_ONE}/erasure", {"customer_id": who.id}, body, BOSS)


class Blocked:
    """Watches that nothing is placed for somebody who may not order."""

    def __init__(self, db: Database, story: Story) -> None:
        self.db, self.story, self.was_draft = db, story, True

    def begin(self) -> None:
        self.was_draft = True

    def __call__(self) -> None:
        order = order_of(self.db, self.story)
        if self.was_draft and order.state != "draft":
            self.was_draft = False
            buyer = get_customer(self.db, order.customer_id)
            assert buyer is None or buyer.state not in BLOCKED, f"{buyer.state} when it was placed"


# ---- merged --------------------------------------------------------------------------------------


def test_an_order_is_placed_before_its_customer_is_merged_or_not_at_all(db: Database) -> None:
    mine, other = customer(db, "ada"), customer(db, "twin")
    story = draft(db, owner=other.id)
    watch, model = Blocked(db, story), db.client.model

    def begin() -> None:
        """The index of orders by customer is behind as long as the race is on."""
        watch.begin()
        model.stale = lambda table, operation: operation == "Query"

    def check(outcomes: Sequence[str]) -> None:
        model.stale = None
        merging.sweep(db, entries(db, clock.now()), clock.now(), 100)
        order = order_of(db, story)
        placed = order.state == "placed"
        assert placed == (outcomes[1] == "done")
        assert order.customer_id == (mine.id if placed else other.id)
        assert orders_of(db, other.id, 10)[0] == []
        assert orders_of(db, mine.id, 10)[0] == ([order.id] if placed else [])
        wrong = [str(each) for each in breaks(db, clock.now())]
        assert wrong == []

    callers = [merges(mine, other), placing(story)]
    played = in_every_order(db, callers, check, watch=watch, begin=begin)
    assert set(played) == {("done", "done"), ("done", "customer-blocked")}


def test_of_two_records_that_are_merged_into_each_other_one_is_left(db: Database) -> None:
    ada, twin = customer(db, "ada"), customer(db, "twin")

    def check(_: Sequence[str]) -> None:
        records = [record(db, each.id) for each in (ada, twin)]
        (left,) = [each for each in records if each.state == "enabled"]
        (gone,) = [each for each in records if each.merged_into]
        assert gone.merged_into == left.id and left.absorbed == (gone.id,)

    played = in_every_order(db, [merges(ada, twin), merges(twin, ada)], check)
    assert set(played) == {("done", "illegal-state"), ("illegal-state", "done")}


# ---- forgotten -----------------------------------------------------------------------------------


def sweep(db: Database, at_most: int = 100) -> None:
    """What the sweeper does for those who are being forgotten."""
    now = clock.now()
    for item in due_erasures(db, iso(now)):
        erasing.proceed(db, _no_login, item, now, at_most)


def _no_login(_: Login) -> bool:
    return False


def forget(db: Database) -> None:
    """Sweep until nobody is being forgotten any more."""
    for _ in range(4):
        sweep(db)
        clock.travel(LOOK_AGAIN)
    clock.reset()
    assert due_erasures(db, "9") == []


def what_names(db: Database, *words: str) -> list[str]:
    """The items that tell of somebody."""
    found = []
    for table in (db.customers, db.orders, db.stock, db.ledger):
        for item in map(from_item, scan(db.client, table)):
            told = json.dumps(item, ensure_ascii=False)
            found += [f"{item['pk']} {item['sk']}" for word in words if word in told]
    return found


def test_whoever_is_merged_and_forgotten_at_once_is_forgotten_with_the_record_that_is_left(
    db: Database,
) -> None:
    ada, twin = customer(db, "ada"), customer(db, "twin")

    def check(outcomes: Sequence[str]) -> None:
        forget(db)
        absorbed = record(db, ada.id).absorbed
        assert absorbed == ((twin.id,) if outcomes[0] == "done" else ())
        left = what_names(db, "twin@customer")
        assert bool(left) == (outcomes[0] != "done"), left
        assert what_names(db, "ada@customer") == []

    played = in_every_order(db, [merges(ada, twin), erases(ada)], check)
    assert set(played) == {("done", "done"), ("not-found", "done")}


def test_nothing_is_ordered_by_who_is_being_forgotten_and_nothing_is_left(db: Database) -> None:
    """They make a cart theirs and place it with a token from before, while the desk has them
    forgotten and the sweeper begins with it. Whatever was first: an order is in the way until it
    is over, and then it is forgotten too."""
    ada = customer(db, "ada", CONTACT.email)
    story = draft(db)
    watch, path = Blocked(db, story), {"cart_id": story.order.id}
    token = {"sub": ada.subject, "email": ada.email, "name": ada.name}
    claim = Call("cart", "POST /carts/{cart_id}/claim", path, None, token, story.token)
    place, erase, later = placing(story), erases(ada), erases(ada)
    cancel = Call("orders", "POST /carts/{cart_id}/cancel", path, {}, token=story.token)

    def orders(db: Database) -> tuple[str, str]:
        return claim(db), place(db)

    def has_her_forgotten(db: Database) -> str:
        outcome = erase(db)
        sweep(db)
        return outcome

    def check(outcomes: Sequence[Any]) -> None:
        (claimed, placed), erased = outcomes
        assert (order_of(db, story).state == "placed") == (placed == "done")
        if placed == "done":
            assert cancel(db) == "done"
        if erased != "done":
            assert later(db) == "done"
        forget(db)
        order, names = order_of(db, story), what_names(db, CONTACT.email, CONTACT.name)
        # What they order as a guest after all, they order anew.
        assert bool(names) == (claimed == "customer-blocked"), names
        assert order.customer_id == (ada.id if claimed == placed == "done" else "")

    callers = [orders, has_her_forgotten]
    played = in_every_order(db, callers, check, watch=watch, begin=watch.begin, switches=1)
    assert set(played) == {
        (("done", "done"), "done"),
        (("done", "done"), "erasure-blocked"),
        (("done", "customer-blocked"), "done"),
        (("done", "not-found"), "done"),
        (("customer-blocked", "done"), "done"),
    }


def test_a_guests_order_is_claimed_or_forgotten(db: Database) -> None:
    """Somebody proves a mailbox just as the guest is forgotten who ordered for it: either the order
    is theirs, with all that they ordered with, or it is nobody's."""
    story = at("closed", now=clock.now() - 8 * LOOK_AGAIN)
    store(db, story)
    body = {"grounds": "requested", "email": CONTACT.email}
    erase = Call("privacy", "POST /staff/erasures", {}, body, BOSS)
    assert erase(db) == "done"
    ada = customer(db, "ada", CONTACT.email)
    found = guest_orders.unclaimed(db, ada.email_key)
    assert found == [story.order.id]

    def claims(db: Database) -> None:
        guest_orders.claim(db, ada, found, clock.now())

    def check(_: Sequence[None]) -> None:
        order = order_of(db, story)
        assert (order.customer_id, bool(order.contact)) in ((ada.id, True), ("", False))
        kept = f"ORD#{order.id} ORDER" in what_names(db, CONTACT.name)
        assert kept == bool(order.contact)
        ends[order.customer_id] += 1
        assert guest_orders.unclaimed(db, ada.email_key) == []

    ends = Counter[str]()
    in_every_order(db, [claims, sweep], check)
    assert set(ends) == {ada.id, ""}


# ---- invited -------------------------------------------------------------------------------------


def invites(logins: Logins, **more: Any) -> Call:
    body = {"email": "Ada@Customer.example", "given_name": "Ada", "family_name": "Byron"}
    return Call("customers", "POST /staff/customers", {}, body, CLERK, logins=logins, **more)


@pytest.mark.parametrize("same", [True, False])
def test_whoever_is_invited_twice_at_once_is_one_customer_and_gets_one_mail(
    db: Database, same: bool
) -> None:
    """By two clicks, or by two at the desk: then one of them learns that it is done."""
    logins = Logins()
    key = {"key": "one-and-the-same"} if same else {}

    def check(_: Sequence[str]) -> None:
        (login,) = logins.users.values()
        assert logins.mailed == [login.email]
        held = holder_of(db, "ada@customer.example")
        assert held == customer_id_of(login.subject)
        assert (record(db, held).state, record(db, held).version) == ("pending", 1)

    callers = [invites(logins, **key), invites(logins, **key)]
    played = in_every_order(db, callers, check, begin=logins.empty)
    if same:
        assert set(played) == {("done", "done")}
    else:
        assert set(played) == {("done", "email-taken"), ("email-taken", "done")}


def test_an_invitation_that_is_mailed_anew_by_two_tries_at_once_is_noted_once(db: Database) -> None:
    """Each may have mailed before it could know of the other; nothing else happens twice."""
    ada, logins = customer(db, "ada"), Logins()
    path, key = {"customer_id": ada.id}, "one-and-the-same"

    def begin() -> None:
        logins.empty()
        logins.users[ada.email] = InPool(ada.email, ada.subject, ada.email, invited=True)

    def check(_: Sequence[str]) -> None:
        assert 1 <= len(logins.mailed) <= 2
        assert record(db, ada.id).version == ada.version + 1

    route = f"POST {_ONE}/invitation"
    calls = [Call("customers", route, path, None, CLERK, "", key, logins) for _ in range(2)]
    assert set(in_every_order(db, calls, check, begin=begin)) == {("done", "done")}


# ---- recognised ----------------------------------------------------------------------------------


def test_of_answers_that_are_given_at_once_five_are_looked_at(client: Any) -> None:
    """A dozen at different desks, none of whom knows of the others."""
    shared = container(client)
    ada = customer(shared, "ada", f"ada-{id(client)}@customer.example")
    challenge = agreed("Your first teacher?", "Mrs. Right", "00" * 16, clock.now(), None)
    by = Actor("staff", "clerk")
    challenges.save_challenge(shared, ada, challenge, "challenge", iso(clock.now()), by)
    contended = ConflictWindow(client, 0.002)
    path = {"customer_id": ada.id}
    guesses = [
        Call("customers", f"POST {_ONE}/challenge/verify", path, {"answer": f"Mr. {n}"}, CLERK)
        for n in range(12)
    ]

    def guess(call: Call) -> str:
        return call(container(contended))

    outcomes = Counter(at_once(guess, guesses))
    assert outcomes == {"done": MAX_WRONG, "challenge-locked": 12 - MAX_WRONG}
    kept = challenges.get_challenge(shared, ada.id)
    assert kept is not None and kept.left(clock.now()) == 0
    history = [item["fields"] for item in shared.query(shared.customers, f"CUS#{ada.id}", "HIST#")]
    assert history.count(["challenge.failed"]) == MAX_WRONG
