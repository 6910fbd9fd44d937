"""Having one's data, and being forgotten: what goes, what stays, what is waited for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from parcelway.domain.acting import Desk, new_grant, open_for
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.erasing import LOOK_AGAIN
from parcelway.domain.importing import order_id_of
from parcelway.domain.notes import add_note
from parcelway.domain.order import advance
from parcelway.domain.parties import Actor
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.customers import get_customer
from parcelway.store.database import Database
from parcelway.store.erasures import due_erasures
from parcelway.store.grants import save_grant
from parcelway.store.guest_orders import claim as claim_orders
from parcelway.store.guest_orders import unclaimed
from parcelway.store.items import from_item
from parcelway.store.mails import MailKey, claim, suppress, suppressed
from parcelway.store.orders import get_order, guest_key
from parcelway.store.saving import save
from parcelway.store.timeline import save_note

from tests.functions.calls import load
from tests.functions.signup import EMAIL, World, world
from tests.functions.worlds import World as Function
from tests.imports import IMPORTS, SOURCE, lines, open_source_account, row
from tests.orders import CONTACT, HOME, PRODUCTS, at, store, store_shop

REASON = {"reason": "asked by letter"}
ASKED = {"grounds": "requested"}


@dataclass
class Shop:
    """The shop with a member, the privacy function and the sweeper."""

    world: World
    privacy: ModuleType
    sweeper: ModuleType
    token: str
    id: str

    def call(self, method: str, path: str, body: Any = None, **sent: Any) -> Any:
        """A supervisor's request to the privacy function."""
        claims = {"sub": "sub-boss", "cognito:groups": sent.pop("role", "csr_supervisor")}
        resource = path.replace(self.id, "{customer_id}")
        if method == "POST":
            sent.setdefault("key", f"key-{path}-{json.dumps(body)}"[:200].replace(" ", ""))
        kept, self.world.customers = self.world.customers, self.privacy
        try:
            return self.world.call(method, path, body, resource=resource, claims=claims, **sent)
        finally:
            self.world.customers = kept

    def erase(self, **body: Any) -> Any:
        return self.call("POST", f"/staff/customers/{self.id}/erasure", ASKED | body)

    def export(self) -> Any:
        path = f"/staff/customers/{self.id}/export"
        return self.call("GET", path, query=REASON).body

    def own_export(self) -> Any:
        kept, self.world.app = self.world.app, self.privacy
        try:
            return self.world.call("GET", "/customers/me/export", token=self.token)
        finally:
            self.world.app = kept

    def sweep(self) -> int:
        erased: int = self.sweeper.handler({}, None)["erased"]
        return erased

    def forget(self) -> None:
        """Sweep until the erasure is over."""
        for _ in range(6):
            self.sweep()
            clock.travel(LOOK_AGAIN)
        assert due_erasures(self.world.db, "9") == []

    def order(self, seed: str, stage: Any = "closed", *, guest: bool = False) -> str:
        """An order for the member's mailbox; theirs, or still of a guest."""
        db, mine = self.world.db, replace(CONTACT, email=EMAIL)
        order = store(db, at(stage, seed=seed, series=f"INV{seed}", contact=mine))
        record = get_customer(db, self.id)
        assert record is not None
        if not guest and order.placed_at is not None:
            claim_orders(
                db, replace(record, state="enabled", email_key=EMAIL), [order.id], order.placed_at
            )
        elif not guest:
            save(db, Decision(advance(order, customer_id=self.id)), order.created_at)
        return order.id

    def everything(self) -> dict[tuple[str, str], str]:
        """All items of all tables, as text."""
        db, found = self.world.db, {}
        for table in (db.customers, db.catalogue, db.stock, db.orders, db.ledger):
            for item in map(from_item, db.client.scan(TableName=table)["Items"]):
                found[item["pk"], item["sk"]] = json.dumps(item, ensure_ascii=False)
        return found


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with world(monkeypatch) as made:
        store_shop(made.db)
        monkeypatch.setenv("EVENT_BUS", "none")
        token = made.member()
        mine = made.call("GET", "/customers/me", token=token).body["id"]
        sweeper = load("sweeper")
        sweeper.bus = lambda: type("Bus", (), {"publish": lambda _, events: len(events)})()
        yield Shop(made, load("privacy"), sweeper, token, mine)
    clock.reset()


def test_nothing_of_a_person_is_left_but_their_invoices(shop: Shop) -> None:
    order_id = shop.order("1")
    db = shop.world.db
    order = get_order(db, order_id)
    assert order is not None
    decision, note = add_note(
        order, "Ada rang", Actor("staff", "s"), Command("n", "n"), clock.now()
    )
    save_note(db, decision, note, clock.now())
    claim(db, MailKey(order_id, 1, "order.placed"), "me", clock.now())
    suppress(db, EMAIL, "complaint", clock.now())
    shop.world.desk("GET", f"/{shop.id}", query={"reason": "Ada called"})
    shop.world.desk("GET", query={"family_name": "byron", "reason": "Ada Byron called"})
    assert shop.erase().body["status"] == "running"
    shop.forget()
    words = ("ada", "byron", "long lane", EMAIL, CONTACT.name.lower(), HOME.line1.lower())
    left = {
        key: [word for word in words if word in text.lower()]
        for key, text in shop.everything().items()
    }
    left = {key: found for key, found in left.items() if found}
    assert {sk.partition("#")[0] for _, sk in left} <= {"INV", "CRN"}, left
    assert left  # the invoice keeps its party
    assert shop.world.pool.find(EMAIL) is None
    assert suppressed(db, EMAIL)
    kept = get_order(db, order_id)
    assert kept is not None and kept.lines == order.lines and kept.captured == order.captured
    assert kept.customer_id == shop.id
    assert shop.erase().body["status"] == "done"


def test_what_is_open_is_told_and_nothing_is_changed(shop: Shop) -> None:
    open_ = shop.order("1", "confirmed")
    before = shop.everything()
    answer = shop.erase()
    assert answer.status == 409
    assert answer.body["in_the_way"] == [{"what": "open", "reference": open_}]
    assert shop.everything() == before


def test_who_is_forgotten_neither_signs_in_nor_is_found_nor_orders(shop: Shop) -> None:
    assert shop.erase().status == 202
    assert shop.world.call("GET", "/customers/me", token=shop.token).status == 401
    found = shop.world.desk("GET", query={"email": EMAIL, "reason": "test"}).body
    assert found["customers"] == []
    edit = shop.world.desk("PATCH", f"/{shop.id}", {"family_name": "Back"})
    assert edit.status == 404
    state = {"state": "enabled", "reason": "back"}
    assert shop.world.desk("PUT", f"/{shop.id}/state", state).status == 404
    shop.forget()
    assert shop.world.sign_in().status == 401
    assert shop.world.sign_up(key="again").status == 202  # the address is anybody's
    record = get_customer(shop.world.db, shop.id)
    assert record is not None and record.state == "erased"


def test_a_login_goes_whatever_its_address_is_by_now(shop: Shop) -> None:
    """And another person's, who signs in with the address that it had, stays."""
    pool = shop.world.pool
    login = pool.find(EMAIL)
    assert login is not None
    shop.world.moves(EMAIL, "moved@example.com")
    assert shop.world.sign_up(key="other").status == 202
    other = pool.find(EMAIL)
    assert other is not None and other.subject != login.subject
    assert shop.erase().status == 202
    shop.forget()
    assert pool.find_subject(login.subject) is None
    assert pool.find_subject(other.subject) is not None


def test_an_order_that_came_meanwhile_is_waited_for(shop: Shop) -> None:
    """One that the index did not show yet when it was decided."""
    assert shop.erase().status == 202
    order_id = shop.order("1", "confirmed")
    shop.sweep()
    order = get_order(shop.world.db, order_id)
    assert order is not None and order.contact is not None
    save(shop.world.db, at_its_end(order), clock.now())
    shop.forget()
    order = get_order(shop.world.db, order_id)
    assert order is not None and order.contact is None


def at_its_end(order: Any) -> Any:
    over = advance(order, state="cancelled", authorized=0, payment_attempts=0, secured=0, card="")
    return Decision(replace(over, payment_status="voided"))


def test_a_guest_is_forgotten_by_their_address(shop: Shop) -> None:
    db, address = shop.world.db, "grace@example.com"
    over = store(db, at("closed", seed="g", series="G", contact=replace(CONTACT, email=address))).id
    body = ASKED | {"email": "Grace@example.com"}
    assert shop.call("POST", "/staff/erasures", body).body["status"] == "running"
    clock.travel(timedelta(minutes=1))
    mine = replace(CONTACT, email=address)
    later = store(db, at("closed", seed="h", series="H", contact=mine, now=clock.now())).id
    shop.forget()
    order, new = get_order(db, over), get_order(db, later)
    assert order is not None and order.contact is None
    assert new is not None and new.contact is not None  # came after it was asked
    listed = db.query(db.orders, guest_key(address, "")["pk"])
    assert [item["sk"] for item in listed] == [later]


def test_a_customers_address_is_not_a_guests(shop: Shop) -> None:
    answer = shop.call("POST", "/staff/erasures", ASKED | {"email": EMAIL})
    assert (answer.status, answer.body["customer_id"]) == (409, shop.id)


def test_what_a_marketplace_sold_to_them_is_forgotten_too(shop: Shop) -> None:
    """Nobody can claim it, but it is of the same person: it is exported and forgotten, and the row
    sent once more makes no new one."""
    db, buyer = shop.world.db, {"name": "Ada Byron", "email": "ADA@example.com"}
    catalogue.upsert(db, PRODUCTS.values(), clock.now())
    store(db, at("draft", seed="stock", shop=IMPORTS))
    open_source_account(db)
    sold = lines([row("B-1", contact=buyer)])
    assert _imported(db, sold) == ["created"]
    order = get_order(db, order_id_of(SOURCE, "B-1"))
    assert order is not None and unclaimed(db, EMAIL) == []
    assert [each["order"]["id"] for each in shop.export()["guest_orders"]] == [order.id]
    assert shop.erase().body["in_the_way"] == [{"what": "open", "reference": order.id}]
    save(db, at_its_end(order), clock.now())
    assert shop.erase().status == 202
    shop.forget()
    words = ("Ada Byron", EMAIL, HOME.name, HOME.line1)
    told = {key for key, text in shop.everything().items() if any(word in text for word in words)}
    assert {sk.partition("#")[0] for pk, sk in told if order.id in (pk, sk, pk[4:])} == set()
    assert not [pk for pk, _ in shop.everything() if pk.startswith("SOLD#")]
    assert _imported(db, sold) == ["refused"]  # what it said is forgotten: it is not that row


def _imported(db: Database, text: str) -> list[str]:
    """What became of a marketplace's rows."""
    answer = Function(db, "order_import").call(
        "POST",
        "/staff/imports/{source}/orders",
        {"source": SOURCE},
        claims={"sub": "robot", "cognito:groups": f"integration,source-{SOURCE}"},
        text=text,
        content_type="application/x-ndjson",
    )
    return [each["status"] for each in json.loads(answer["body"])["results"]]


def test_store_credit_is_in_the_way_until_it_is_given_up(shop: Shop) -> None:
    cards = load("gift_cards")
    credit = {"kind": "store_credit", "value": {"minor": 500, "currency": "USD"}}
    credit |= {"customer_id": shop.id, "reason": "Ada was unlucky"}
    kept, shop.world.customers = shop.world.customers, cards
    claims = {"sub": "sub-boss", "cognito:groups": "finance"}
    path, key = "/staff/gift-cards", "a-key-that-is-hard-to-guess-0001"
    issued = shop.world.call("POST", path, credit, claims=claims, key=key).body
    assert [c["value"]["minor"] for c in shop.export()["store_credit"]] == [500]
    assert [each["what"] for each in shop.erase().body["in_the_way"]] == ["store_credit"]
    card = issued["card"]["id"]
    shop.world.call(
        *("POST", f"{path}/{card}/block", {"reason": "Ada gave it up"}),
        **{"claims": claims, "key": "block-it", "resource": f"{path}/{{card_id}}/block"},
    )
    shop.world.customers = kept
    assert shop.erase().status == 202
    shop.forget()
    assert not [key for key, text in shop.everything().items() if "Ada" in text]


def acted_on(shop: Shop, cart_id: str) -> None:
    """A member of staff is let act on a cart."""
    db, now = shop.world.db, clock.now()
    order, clerk = get_order(db, cart_id), Desk("sub-clerk", "")
    assert order is not None
    grant = new_grant(cart_id, clerk, "assistance", "key", now)
    save_grant(db, open_for(order, grant, clerk, Command("open", "open")), grant, now)


def test_an_export_has_all_and_no_secret(shop: Shop) -> None:
    mine, guest = shop.order("1"), shop.order("2", guest=True)
    cart = shop.order("3", "draft")
    acted_on(shop, cart)
    shop.world.desk("GET", f"/{shop.id}", query={"reason": "called"})
    found = shop.export()
    assert found["carts"][0]["order"]["causes"] == {"sub-clerk": ["assistance"]}
    assert found["customer"]["email"].lower() == EMAIL
    assert [each["order"]["id"] for each in found["orders"]] == [mine]
    assert [each["order"]["id"] for each in found["guest_orders"]] == [guest]
    assert [each["order"]["id"] for each in found["carts"]] == [cart]
    assert found["history"] and found["next_cursor"] is None
    assert [(each["how"], each["staff"]) for each in found["look_ups"]] == [
        ("opened", "sub-csr"),
        ("exported", "sub-boss"),
    ]
    own = shop.own_export().body
    assert {each["staff"] for each in own["look_ups"]} == {""}
    assert own["orders"][0]["documents"]
    for text in (json.dumps(found), json.dumps(own)):
        assert "access_hash" not in text and "link_token" not in text
    for staff in ("sub-csr", "sub-clerk", "acted_by", "causes"):
        assert staff not in json.dumps(own)
    shop.world.desk("GET", f"/{shop.id}", query={"reason": "again"})


def test_an_export_comes_in_parts_when_it_is_large(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {shop.order(str(n)) for n in range(7)}
    limits: Callable[..., Any] = shop.privacy.export.__globals__.__setitem__
    limits("_FULL", 1)
    path, found = f"/staff/customers/{shop.id}/export", list[str]()
    query: dict[str, str] = dict(REASON)
    while True:
        # What comes first may fill a page by itself.
        limits("_FULL", 100_000 if "cursor" not in query else 10)
        part = shop.call("GET", path, query=query).body
        found += [each["order"]["id"] for each in part["orders"]]
        if part["next_cursor"] is None:
            break
        query["cursor"] = part["next_cursor"]
        assert len(found) < 20
    assert (len(found), set(found)) == (7, ids)


def test_nothing_is_exported_of_who_was_forgotten(shop: Shop) -> None:
    shop.order("1")
    shop.erase()
    for found in (shop.export(), shop.own_export().body):
        del found["exported_at"]
        assert not any(found.values()), found


@pytest.mark.parametrize("role", ["csr", "finance", "warehouse"])
def test_only_supervisors_may(shop: Shop, role: str) -> None:
    path = f"/staff/customers/{shop.id}"
    assert shop.call("POST", f"{path}/erasure", ASKED, role=role).status == 403
    assert shop.call("GET", f"{path}/export", query=REASON, role=role).status == 403
