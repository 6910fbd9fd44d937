"""Acting for customers over HTTP: what a grant opens, for how long, and who is on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.commands import REMEMBERED
from parcelway.domain.contacts import ContactPoint
from parcelway.domain.customer import Change, Customer, SavedAddress
from parcelway.domain.decision import Decision
from parcelway.domain.guest_orders import claimed, mailbox
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import SYSTEM, Actor, Contact
from parcelway.ports import clock
from parcelway.ports.identity import IdentityUnavailable, Login
from parcelway.store import catalogue, saving
from parcelway.store.customers import save
from parcelway.store.database import Database
from parcelway.store.finding import seen
from parcelway.store.orders import get_dossier

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import HOME, PRODUCTS, at, store

PAGE = "https://shop.example/pay/{number}?k={token}"
CARTS, GRANTS = "/staff/carts", "/staff/carts/{cart_id}/grants"
ONE = f"{GRANTS}/{{grant_id}}"
PHONE = {"channel": "phone", "cause": "phone_order"}


def claims(name: str, group: str = "csr") -> Mapping[str, str]:
    return {"sub": name, "email": f"{name}@shop.example", "cognito:groups": f"[{group}]"}


CLERK, OTHER = claims("sub-clerk"), claims("sub-other")


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with aws(monkeypatch, TAX_ENGINE="", PAYMENT_PAGE=PAGE) as db:
        yield db


class Colleagues:
    """The user pool, as far as a timeline asks it: one who left has no login any more."""

    def find_subject(self, subject: str) -> Login | None:
        if subject == "sub-busy":
            raise IdentityUnavailable
        login = Login("key", subject, f"{subject}@shop.example", "Robin Reyes")
        return {"sub-clerk": login, "sub-other": replace(login, name="")}.get(subject)


@pytest.fixture
def desk(db: Database) -> World:
    store(db, at("draft"))  # and the shop with it
    catalogue.upsert(db, PRODUCTS.values(), clock.now())
    world = World(db, "desk")
    world.function.identity = Colleagues
    return world


@pytest.fixture
def cart(db: Database) -> World:
    return World(db, "cart")


def customer(db: Database, name: str = "sub-ada", **changes: Any) -> Customer:
    known = Customer(
        customer_id_of(name),
        1,
        "enabled",
        name,
        "ada@customer.example",
        "ada@customer.example",
        "Ada Example",
        clock.now(),
        phone="+16145550123",
        language="de",
        addresses=(SavedAddress("adr_1", "Home", HOME, True, True),),
        groups=("trade",),
        account="acme",
    )
    known = replace(known, **changes)
    save(db, Change(known, ("name",), clock.now(), SYSTEM))
    return known


def begin(desk: World, body: Any = None, who: Mapping[str, str] = CLERK, key: str = "") -> Answer:
    return desk.call(
        "POST", CARTS, body=body or PHONE, claims=who, idempotency_key=key or new_key()
    )


def open_for(desk: World, cart_id: str, who: Mapping[str, str] = CLERK, key: str = "") -> Answer:
    return desk.call(
        "POST",
        GRANTS,
        {"cart_id": cart_id},
        {"cause": "assistance"},
        claims=who,
        idempotency_key=key or new_key(),
    )


def end(desk: World, cart_id: str, grant: str, who: Mapping[str, str] = CLERK) -> Answer:
    return desk.call("DELETE", ONE, {"cart_id": cart_id, "grant_id": grant}, claims=who)


def add(cart: World, cart_id: str, token: str, quantity: int = 1) -> Answer:
    return cart.call(
        "POST",
        "/carts/{cart_id}/lines",
        {"cart_id": cart_id},
        {"sku": "MUG-1", "quantity": quantity},
        cart_token=token,
        idempotency_key=new_key(),
    )


def test_a_cart_for_a_guest_is_held_by_the_grant_alone(desk: World, cart: World) -> None:
    made = ok(begin(desk), 201)
    cart_id = made["order"]["id"]
    assert (made["order"]["channel"], made["order"]["state"]) == ("phone", "draft")
    for token in ("", "grt_", "anything"):
        refused(add(cart, cart_id, token), 404, "not-found")
    ok(add(cart, cart_id, made["cart_token"]), 201)
    kept = desk.order(cart_id)
    assert (kept.actor, kept.acted_by) == (Actor("staff", "sub-clerk"), ("sub-clerk",))
    assert kept.customer_id == ""
    dossier = get_dossier(desk.db, cart_id)
    assert dossier is not None
    told = [(event.type, event.actor) for event in dossier.events]
    assert told == [("order.acting_began", Actor("staff", "sub-clerk"))]


def test_a_customer_gets_what_they_would_get_themselves(desk: World) -> None:
    known = customer(desk.db)
    made = ok(begin(desk, PHONE | {"customer_id": known.id}), 201)["order"]
    assert (made["language"], made["currency"]) == ("de", "USD")
    assert made["contact"]["email"] == "ada@customer.example"
    assert made["billing_address"] == made["deliveries"][0]["address"]
    kept = desk.order(made["id"])
    assert (kept.customer_id, kept.customer_groups, kept.account) == (known.id, ("trade",), "acme")
    assert kept.segment == "b2b"


@pytest.mark.parametrize(
    ("preferred", "language"), [("de-AT", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en")]
)
def test_what_the_shop_has_not_gives_way_to_what_it_has(
    desk: World, preferred: str, language: str
) -> None:
    known = customer(desk.db, language=preferred, currency="JPY")
    made = ok(begin(desk, PHONE | {"customer_id": known.id}), 201)["order"]
    assert (made["language"], made["currency"]) == (language, "USD")
    asked = PHONE | {"customer_id": known.id, "currency": "JPY"}  # what is asked for does not
    refused(begin(desk, asked), 422, "currency-unavailable")


@pytest.mark.parametrize("state", ["locked", "disabled", "replaced"])
def test_nothing_is_begun_for_a_customer_who_may_not_order(desk: World, state: Any) -> None:
    known = customer(desk.db, state=state)
    before = desk.dump()
    refused(begin(desk, PHONE | {"customer_id": known.id}), 409, "illegal-state")
    assert desk.dump() == before


def test_nobody_acts_for_themselves(desk: World) -> None:
    own = customer(desk.db, "sub-clerk")
    refused(begin(desk, PHONE | {"customer_id": own.id}), 403, "four-eyes")
    draft = store(desk.db, at("draft", seed="own"))
    claimed = replace(draft, customer_id=own.id, version=draft.version + 1)
    saving.save(desk.db, Decision(claimed), clock.now())
    mine = draft.id
    refused(open_for(desk, mine), 403, "four-eyes")
    ok(open_for(desk, mine, OTHER), 201)


def test_a_cart_for_a_sign_up_that_nobody_has_proven_is_a_guests_for_its_mailbox(
    desk: World,
) -> None:
    known = customer(desk.db, state="pending", account="", groups=())
    made = ok(begin(desk, PHONE | {"customer_id": known.id}), 201)["order"]
    kept = desk.order(made["id"])
    assert (kept.customer_id, kept.groups[0].address, kept.billing_address) == ("", HOME, HOME)
    looks, _ = seen(desk.db, known.id, 10, None)
    assert len(looks) == 1
    placed = replace(kept, state="placed", placed_at=clock.now())
    assert mailbox(placed) == known.email_key
    proven = replace(known, state="enabled")
    theirs = claimed(placed, proven, clock.now())
    assert theirs is not None and theirs.order.customer_id == known.id


def test_a_cart_for_whom_the_desk_invited_is_theirs(desk: World) -> None:
    known = customer(desk.db, state="pending", invited_by="sub-clerk")
    made = ok(begin(desk, PHONE | {"customer_id": known.id}), 201)["order"]
    assert desk.order(made["id"]).customer_id == known.id


def test_whose_data_a_cart_began_with_is_put_on_record(desk: World) -> None:
    known, key = customer(desk.db), new_key()
    for times in (1, 2):  # a repeat answers it again
        ok(begin(desk, PHONE | {"customer_id": known.id}, key=key), 201)
        looks, _ = seen(desk.db, known.id, 10, None)
        assert [(look.staff, look.reason) for look in looks] == [
            ("sub-clerk", "phone_order")
        ] * times


def test_a_customer_nobody_knows_is_refused(desk: World) -> None:
    unknown = PHONE | {"customer_id": "cus_" + "a" * 26}
    assert refused(begin(desk, unknown), 404, "not-found")["pointer"] == "/customer_id"


def test_a_repeat_is_answered_like_the_first_time(desk: World, cart: World) -> None:
    key = new_key()
    first = ok(begin(desk, key=key), 201)
    assert ok(begin(desk, key=key), 201) == first
    ok(add(cart, first["order"]["id"], first["cart_token"]), 201)
    refused(begin(desk, PHONE | {"language": "de"}, key=key), 422, "idempotency-key-reused")
    # Another member of staff with the same key has a cart of their own.
    assert ok(begin(desk, who=OTHER, key=key), 201)["cart_token"] != first["cart_token"]
    refused(begin(desk, key="guessable"), 400, "idempotency-key-too-weak")


def test_a_grant_is_over_after_half_an_hour(
    desk: World, cart: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = ok(begin(desk), 201), clock.now()
    cart_id, token = made["order"]["id"], made["cart_token"]
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=29))
    ok(add(cart, cart_id, token), 201)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=31))
    before = desk.dump()
    refused(add(cart, cart_id, token), 403, "grant-over")
    assert desk.dump() == before
    ok(add(cart, cart_id, ok(open_for(desk, cart_id), 201)["cart_token"]), 201)


def test_a_grant_that_was_ended_opens_nothing(desk: World, cart: World) -> None:
    made = ok(begin(desk), 201)
    cart_id = made["order"]["id"]
    first = ok(end(desk, cart_id, made["grant"], OTHER))
    assert first["ended_at"] is not None
    assert ok(end(desk, cart_id, made["grant"])) == first
    refused(add(cart, cart_id, made["cart_token"]), 403, "grant-over")
    refused(end(desk, cart_id, "grt_" + "a" * 26), 404, "not-found")


def test_a_grant_opens_no_other_order(desk: World, cart: World) -> None:
    one, two = (ok(begin(desk), 201) for _ in range(2))
    refused(add(cart, two["order"]["id"], one["cart_token"]), 404, "not-found")
    forged = f"{one['grant']}.{'0' * 64}"
    refused(add(cart, one["order"]["id"], forged), 404, "not-found")
    refused(add(cart, one["order"]["id"], "grt_" + "x" * 2000), 404, "not-found")


def test_a_change_decided_before_a_grant_ended_is_not_committed(desk: World, cart: World) -> None:
    """The grant ends between the look at it and the commit: the change is decided anew."""
    made = ok(begin(desk), 201)
    cart_id, events = made["order"]["id"], cart.db.client.meta.events
    ended: list[Any] = []

    def ends_meanwhile(**_: Any) -> None:
        if not ended:
            ended.append(None)
            ended.append(ok(end(desk, cart_id, made["grant"])))

    events.register("before-call.dynamodb.PutItem", ends_meanwhile)
    try:
        refused(add(cart, cart_id, made["cart_token"]), 403, "grant-over")
    finally:
        events.unregister("before-call.dynamodb.PutItem", ends_meanwhile)
    assert len(ended) == 2
    assert desk.order(cart_id).lines == ()


def test_a_customer_goes_on_with_what_staff_did(desk: World, cart: World) -> None:
    """Both hold the cart; who acts is on record each time."""
    created = ok(cart.call("POST", "/carts", body={}, idempotency_key=new_key()), 201)
    cart_id = created["cart"]["id"]
    granted = ok(open_for(desk, cart_id), 201)
    ok(add(cart, cart_id, granted["cart_token"]), 201)
    assert desk.order(cart_id).actor == Actor("staff", "sub-clerk")
    ok(add(cart, cart_id, created["cart_token"]), 201)
    kept = desk.order(cart_id)
    assert (kept.actor, kept.acted_by) == (Actor("guest"), ("sub-clerk",))
    assert kept.lines[0].quantity == 2


def test_who_acts_for_another_does_not_make_the_cart_their_own(desk: World, cart: World) -> None:
    made = ok(begin(desk), 201)
    answer = cart.call(
        "POST",
        "/carts/{cart_id}/claim",
        {"cart_id": made["order"]["id"]},
        {},
        claims=CLERK,
        cart_token=made["cart_token"],
    )
    refused(answer, 403, "not-by-grant")
    assert desk.order(made["order"]["id"]).customer_id == ""


def test_staff_who_cancel_or_pay_otherwise_are_on_record(desk: World) -> None:
    """Of a placed order the actor stays who placed it; what staff do by a grant is theirs."""
    placed = store(desk.db, at("placed", seed="cancelled"))
    token = ok(open_for(desk, placed.id), 201)["cart_token"]
    answer = World(desk.db, "orders").call(
        "POST",
        "/carts/{cart_id}/cancel",
        {"cart_id": placed.id},
        {},
        cart_token=token,
        idempotency_key=new_key(),
    )
    assert "k=" not in ok(answer)["tracking_path"]
    dossier = get_dossier(desk.db, placed.id)
    assert dossier is not None
    cancelled = next(event for event in dossier.events if event.type == "order.cancelled")
    assert cancelled.actor == Actor("staff", "sub-clerk")
    assert (dossier.order.state, dossier.order.actor) == ("cancelled", placed.actor)


def test_an_order_that_is_paid_is_not_opened_any_more(desk: World) -> None:
    placed = store(desk.db, at("placed", seed="placed")).id
    ok(open_for(desk, placed), 201)
    confirmed = store(desk.db, at("confirmed", seed="paid")).id
    refused(open_for(desk, confirmed), 409, "illegal-state")
    refused(open_for(desk, "ord_" + "a" * 26), 404, "not-found")


def test_the_holder_of_a_grant_sees_no_link(desk: World, cart: World) -> None:
    placed = store(desk.db, at("placed", seed="link"))
    made = ok(open_for(desk, placed.id), 201)
    path = {"cart_id": placed.id}
    seen = ok(cart.call("GET", "/carts/{cart_id}", path, cart_token=made["cart_token"]))
    link = desk.order(placed.id).link_token
    assert link
    for view in (seen, made["order"]):
        assert view["tracking_path"]
        assert link not in str(view)


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_leaves_one_cart_and_one_grant(desk: World, cart: World, done: bool) -> None:
    key = new_key()
    first = desk.breaking("transact_write_items", done=done, request=lambda: begin(desk, key=key))
    assert first["statusCode"] == 503
    made = ok(begin(desk, key=key), 201)
    ok(add(cart, made["order"]["id"], made["cart_token"]), 201)
    items = desk.db.query(desk.db.orders, f"ORD#{made['order']['id']}", "GRANT#")
    assert len(items) == 1
    assert made["cart_token"].partition(".")[2] not in str(items)


def test_a_grant_does_not_come_back_with_a_request_that_was_forgotten(
    desk: World, cart: World
) -> None:
    """The order remembers its latest commands only; what an old one opened stays ended."""
    key, cart_id = new_key(), ok(begin(desk), 201)["order"]["id"]
    opened = ok(open_for(desk, cart_id, key=key), 201)
    assert ok(open_for(desk, cart_id, key=key), 201) == opened
    ok(end(desk, cart_id, opened["grant"]))
    for number in range(REMEMBERED):
        note(desk, cart_id, f"Note {number}")
    before = desk.dump()
    answer = refused(open_for(desk, cart_id, key=key), 422, "idempotency-key-reused")
    assert answer["pointer"] == "/headers/Idempotency-Key"
    assert desk.dump() == before
    refused(add(cart, cart_id, opened["cart_token"]), 403, "grant-over")


def note(desk: World, order_id: str, text: str) -> None:
    path, body = {"order_id": order_id}, {"text": text}
    route = "/staff/orders/{order_id}/notes"
    ok(desk.call("POST", route, path, body, claims=CLERK, idempotency_key=new_key()), 201)


def test_what_somebody_acted_for_stays_with_the_order(desk: World) -> None:
    """The events of a draft go after a while, and the grants."""
    cart_id = ok(begin(desk), 201)["order"]["id"]
    for who in (OTHER, CLERK, CLERK):
        ok(open_for(desk, cart_id, who), 201)
    causes = {"sub-clerk": ("phone_order", "assistance"), "sub-other": ("assistance",)}
    assert desk.order(cart_id).causes == causes
    told = ok(
        desk.call("GET", "/staff/orders/{order_id}/timeline", {"order_id": cart_id}, claims=CLERK)
    )
    assert told["acted_by"] == ["sub-other", "sub-clerk"]
    assert told["causes"] == {who: list(given) for who, given in causes.items()}
    assert told["staff"] == {"sub-clerk": "Robin Reyes", "sub-other": "sub-other@shop.example"}


def test_a_timeline_is_told_without_the_names_of_who_left_or_when_nobody_answers(
    desk: World,
) -> None:
    cart_id = ok(begin(desk), 201)["order"]["id"]
    for who in ("sub-left", "sub-busy"):
        ok(open_for(desk, cart_id, claims(who)), 201)
    route, path = "/staff/orders/{order_id}/timeline", {"order_id": cart_id}
    told = ok(desk.call("GET", route, path, claims=CLERK))
    assert told["acted_by"] == ["sub-clerk", "sub-left", "sub-busy"]
    assert told["staff"] == {"sub-clerk": "Robin Reyes"}


def test_customers_are_not_told_who_of_the_staff_it_was(desk: World, cart: World) -> None:
    made = ok(begin(desk), 201)
    seen = cart.call(
        "GET", "/carts/{cart_id}", {"cart_id": made["order"]["id"]}, cart_token=made["cart_token"]
    )
    assert "Robin" not in str(ok(seen))


def send_link(desk: World, order_id: str) -> Answer:
    route, path = "/staff/orders/{order_id}/payment-link", {"order_id": order_id}
    return desk.call("POST", route, path, {}, claims=CLERK, idempotency_key=new_key())


def test_no_goods_are_held_for_a_link_that_leads_nowhere(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    placed = store(desk.db, at("placed", seed="paid by link", now=now)).id
    before = desk.dump()
    monkeypatch.setenv("PAYMENT_PAGE", "")
    refused(send_link(desk, placed), 409, "no-payment-page")
    assert desk.dump() == before
    monkeypatch.setenv("PAYMENT_PAGE", PAGE)
    ok(send_link(desk, placed), 201)


def describe(desk: World, cart_id: str, token: str, email: str) -> Answer:
    return World(desk.db, "checkout").call(
        "PATCH",
        "/carts/{cart_id}",
        {"cart_id": cart_id},
        {"contact": {"name": "Ada Example", "email": email}},
        cart_token=token,
    )


def test_a_grant_does_not_lead_a_customer_s_mails_elsewhere(desk: World) -> None:
    """They bring the link and the code to collect, which a grant does not open."""
    known = customer(desk.db, contacts=(ContactPoint("email", "ada@work.example"),))
    made = ok(begin(desk, PHONE | {"customer_id": known.id}), 201)
    cart_id, token = made["order"]["id"], made["cart_token"]
    before = desk.dump()
    answer = refused(describe(desk, cart_id, token, "clerk@shop.example"), 403, "not-by-grant")
    assert answer["pointer"] == "/contact/email"
    assert desk.dump() == before
    for theirs in ("ada@work.example", "ADA@customer.example"):
        ok(describe(desk, cart_id, token, theirs))
        assert desk.order(cart_id).contact == Contact("Ada Example", theirs)


def test_a_guest_s_mails_go_where_they_say(desk: World) -> None:
    made = ok(begin(desk), 201)
    ok(describe(desk, made["order"]["id"], made["cart_token"], "guest@customer.example"))


def test_a_customer_s_own_mails_go_where_they_say(desk: World, cart: World) -> None:
    created = ok(cart.call("POST", "/carts", body={}, idempotency_key=new_key()), 201)
    cart_id, token = created["cart"]["id"], created["cart_token"]
    known = customer(desk.db)
    draft = desk.order(cart_id)
    owned = replace(draft, customer_id=known.id, version=draft.version + 1)
    saving.save(desk.db, Decision(owned), clock.now())
    ok(describe(desk, cart_id, token, "elsewhere@customer.example"))
    granted = ok(open_for(desk, cart_id), 201)["cart_token"]
    ok(describe(desk, cart_id, granted, "elsewhere@customer.example"))  # as it is already
    refused(describe(desk, cart_id, granted, "clerk@shop.example"), 403, "not-by-grant")
