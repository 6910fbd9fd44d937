"""Gift cards over HTTP: issued once, found by code alone, redeemed once, given back to the cent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain import fulfilment, invoicing, scheduling
from parcelway.domain.cancellation import cancel
from parcelway.domain.facts import Facts
from parcelway.domain.gift_cards import card_id
from parcelway.domain.invoicing import Counter as Numbers
from parcelway.domain.order import MAX_MISSES, Order, totals
from parcelway.domain.parties import SYSTEM
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.gift_cards import get_card, history
from parcelway.store.ledger import postings_of
from parcelway.store.orders import get_order
from parcelway.store.saving import save

from infra.verify import breaks
from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.tables import aws
from tests.functions.worlds import Answer, Broken, World, new_key, ok, refused
from tests.orders import PRODUCTS, SHOP, Story, at, dossier_of, store

STAFF = "/staff/gift-cards"
FINANCE = {"sub": "sub-finance", "cognito:groups": "[finance]"}
CART = "/carts/{cart_id}/gift-cards"


class Till:
    """Staff who issue cards, and carts of 82.29 (with shipping) that are ready to be placed."""

    def __init__(self, world: World) -> None:
        self.world, self.db = world, world.db
        self.checkout = World(world.db, "checkout")
        self.carts: dict[str, str] = {}

    def issue(self, minor: int, key: str = "", **more: Any) -> Any:
        body = {"kind": "gift_card", "reason": "broken mug"} | more
        body["value"] = {"minor": minor, "currency": "USD"}
        return self.world.call(
            "POST", STAFF, body=body, claims=FINANCE, idempotency_key=key or new_key()
        )

    def code(self, minor: int) -> str:
        code: str = ok(self.issue(minor), 201)["code"]
        return code

    def cart(self, seed: str = "1") -> str:
        story = at("draft", seed=seed, now=clock.now() - timedelta(minutes=30))
        store(self.db, story)
        self.carts[story.order.id] = story.token
        return story.order.id

    def put(self, cart: str, code: str, under: str = "") -> Answer:
        path = {"cart_id": cart}
        token = self.carts[cart]
        return self.world.call("PUT", CART + under, path, {"code": code}, cart_token=token)

    def place(self, cart: str, key: str = "") -> Answer:
        return self.checkout.call(
            "POST",
            "/carts/{cart_id}/checkout",
            {"cart_id": cart},
            {},
            cart_token=self.carts[cart],
            idempotency_key=key or new_key(),
        )

    def balance(self, code: str) -> int:
        card = get_card(self.db, card_id(code))
        assert card is not None
        return card.balance

    def order(self, cart: str) -> Order:
        order = get_order(self.db, cart)
        assert order is not None
        return order

    def ends(self, cart: str) -> None:
        """Its order is cancelled, and what that asks for is done, twice as the bus may."""
        order = self.order(cart)
        shipments = dossier_of(self.db, cart).shipments
        save(self.db, cancel(order, shipments, "regret", SYSTEM, clock.now()), clock.now())
        (told,) = (e for e in dossier_of(self.db, cart).events if e.type == "order.cancelled")
        for _ in range(2):
            function = load("payment_worker")
            function.db = lambda: self.db
            assert failed(function.handler(queue_event(bus_event(told)), Context())) == []

    def captures(self, cart: str) -> None:
        """What has left is paid for. There is no gateway here: whoever asks one fails."""
        function = load("capture")
        function.db = lambda: self.db
        function.handler({"order_id": cart}, Context())

    def sends(self, cart: str) -> None:
        """Its goods leave, with an invoice for them."""
        facts = Facts(SHOP, clock.now(), PRODUCTS)
        facts = replace(facts, balances=Story().balances)
        save(self.db, scheduling.schedule(self.order(cart), (), 1, facts), clock.now())  # type: ignore[arg-type]
        for step in (self._release, self._pack, self._ship, self._invoice):
            for shipment in dossier_of(self.db, cart).shipments:
                step(cart, shipment, facts)

    def _release(self, cart: str, shipment: Any, facts: Facts) -> None:
        self._save(fulfilment.release(self.order(cart), shipment, facts))

    def _pack(self, cart: str, shipment: Any, facts: Facts) -> None:
        self._save(fulfilment.pack(self.order(cart), shipment, SYSTEM, facts))

    def _ship(self, cart: str, shipment: Any, facts: Facts) -> None:
        number = f"P{cart[-6:]}"
        self._save(fulfilment.ship(self.order(cart), shipment, "acme", number, SYSTEM, facts))

    def _invoice(self, cart: str, shipment: Any, facts: Facts) -> None:
        all_of_it = dossier_of(self.db, cart).shipments
        order = self.order(cart)
        self._save(invoicing.issue(order, shipment, all_of_it, Numbers("INV"), facts))

    def _save(self, made: Any) -> None:
        save(self.db, made, clock.now())


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        till = Till(World(db, "gift_cards"))
        till.cart("shop")  # the shop's settings with it
        yield till
        found = breaks(db, clock.now() + timedelta(hours=3))
        assert [str(each) for each in found if each.kind.startswith(("money", "gift"))] == []
    clock.reset()


def test_a_card_is_issued_once_and_its_code_kept_nowhere(till: Till) -> None:
    key = new_key()
    first, again = ok(till.issue(2000, key), 201), ok(till.issue(2000, key), 201)
    assert first == again
    code = first["code"]
    assert first["card"]["ending"] == code[-4:]
    assert code.replace("-", "") not in "".join(till.world.dump()).replace("-", "").upper()
    (posting,) = postings_of(till.db, first["card"]["id"])
    assert {e.account: e.debit for e in posting.posting.entries} == {
        "goodwill": 2000,
        "gift_cards": -2000,
    }
    refused(till.issue(3000, key), 422, "idempotency-key-reused")
    refused(till.issue(2000, "too-weak"), 400, "idempotency-key-too-weak")


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_makes_no_second_card(till: Till, done: bool) -> None:
    key = new_key()
    answer = till.world.breaking(
        "transact_write_items", done=done, request=lambda: till.issue(2000, key)
    )
    refused(answer, 503, "busy")
    code = ok(till.issue(2000, key), 201)["code"]
    assert [entry.kind for entry in history(till.db, card_id(code))] == ["issued"]


def test_bad_cards_are_refused_and_nothing_is_written(till: Till) -> None:
    before = till.world.dump()
    refused(till.issue(0), 422, "invalid-request")
    refused(till.issue(5, kind="store_credit"), 422, "invalid-request")
    refused(till.issue(5, kind="store_credit", customer_id="cus_none"), 404, "not-found")
    refused(till.issue(5, valid_until="2001-01-01"), 422, "invalid-request")
    body = {"kind": "gift_card", "reason": "x", "value": {"minor": 5, "currency": "EUR"}}
    answer = till.world.call("POST", STAFF, body=body, claims=FINANCE, idempotency_key=new_key())
    assert refused(answer, 422, "currency-unavailable")["pointer"] == "/value/currency"
    assert till.world.dump() == before


def test_a_cart_shows_what_its_cards_will_pay(till: Till) -> None:
    cart, code = till.cart(), till.code(2000)
    gross = totals(till.order(cart)).gross.minor
    seen = ok(till.put(cart, code.lower().replace("-", " ")))
    (tender,) = seen["gift_cards"]
    assert (tender["ending"], tender["amount"]["minor"]) == (code[-4:], 2000)
    assert seen["to_pay"]["minor"] == gross - 2000
    assert ok(till.put(cart, code)) == seen  # a double click
    assert till.balance(code) == 2000
    path = {"cart_id": cart, "card_id": tender["card"]}
    for _ in range(2):
        left = till.world.call("DELETE", f"{CART}/{{card_id}}", path, cart_token=till.carts[cart])
        assert ok(left)["gift_cards"] == []


def test_an_unknown_code_is_always_answered_the_same_and_counted(till: Till) -> None:
    cart, code = till.cart(), till.code(2000)
    credit = "BCDF-GHJK-MNPQ-RSTV-WXYZ"
    answers = [
        till.put(cart, wrong, under) for under in ("", "/balance") for wrong in (credit, "x")
    ]
    assert {json.dumps(refused(each, 422, "unknown-gift-card")) for each in answers} == {
        json.dumps(refused(answers[0], 422, "unknown-gift-card"))
    }
    assert ok(till.put(cart, code, "/balance"))["balance"]["minor"] == 2000
    for _ in range(MAX_MISSES - len(answers)):
        refused(till.put(cart, credit), 422, "unknown-gift-card")
    for under in ("", "/balance"):
        refused(till.put(cart, code, under), 409, "gift-card-locked")
    assert till.order(cart).gift_cards == ()


def test_a_blocked_card_is_refused_until_it_is_let_go(till: Till) -> None:
    cart, made = till.cart(), ok(till.issue(2000), 201)
    path, why = {"card_id": made["card"]["id"]}, {"reason": "stolen"}
    for verb, kinds in (
        ("block", ["issued", "blocked"]),
        ("unblock", ["issued", "blocked", "unblocked"]),
    ):
        for _ in range(2):
            answer = till.world.call(
                "POST",
                f"{STAFF}/{{card_id}}/{verb}",
                path,
                why,
                claims=FINANCE,
                idempotency_key=new_key(),
            )
            assert [entry["kind"] for entry in ok(answer)["history"]] == kinds
        if verb == "block":
            before = till.order(cart)
            refused(till.put(cart, made["code"]), 409, "gift-card-unusable")
            assert till.order(cart) == before
    assert ok(till.put(cart, made["code"]))["gift_cards"]
    seen = ok(till.world.call("GET", f"{STAFF}/{{card_id}}", path, claims=FINANCE))
    assert (seen["card"]["ending"], seen["card"]["blocked"]) == (made["code"][-4:], False)


def test_a_part_is_redeemed_once_and_comes_back(till: Till) -> None:
    cart, code, key = till.cart(), till.code(2000), new_key()
    ok(till.put(cart, code))
    placed = [ok(till.place(cart, key), 201) for _ in range(2)]
    assert placed[0] == placed[1]
    assert placed[0]["state"] == "placed"
    assert placed[0]["to_pay"]["minor"] == placed[0]["totals"]["gross"]["minor"] - 2000
    assert till.balance(code) == 0
    (payment,) = dossier_of(till.db, cart).payments
    assert (payment.method, payment.authorized, payment.counts) == ("gift_card", 2000, True)
    till.ends(cart)
    assert till.balance(code) == 2000
    kinds = [(e.kind, e.change, e.order_id) for e in history(till.db, card_id(code))][1:]
    assert kinds == [("redeemed", -2000, cart), ("returned", 2000, cart)]
    assert till.order(cart).payment_status == "voided"


@pytest.mark.parametrize("done", [True, False])
def test_a_crash_while_placing_takes_all_or_nothing(till: Till, done: bool) -> None:
    cart, code, key = till.cart(), till.code(2000), new_key()
    ok(till.put(cart, code))
    broken = Broken(till.db.client, "transact_write_items", done=done)
    till.checkout.db = replace(till.db, client=broken)
    refused(till.place(cart, key), 503, "busy")
    assert (till.balance(code) == 0) == (till.order(cart).state == "placed") == done
    till.checkout.db = till.db
    assert ok(till.place(cart, key), 201)["state"] == "placed"
    assert till.balance(code) == 0


def test_what_the_card_pays_is_taken_without_asking_anybody(till: Till) -> None:
    cart, code = till.cart(), till.code(20_000)
    ok(till.put(cart, code))
    placed = ok(till.place(cart), 201)
    gross = placed["totals"]["gross"]["minor"]
    assert (placed["state"], placed["to_pay"]["minor"]) == ("confirmed", 0)
    till.sends(cart)
    for _ in range(2):  # told twice, taken once
        till.captures(cart)
    order = till.order(cart)
    assert (order.captured, order.payment_status) == (gross, "captured")
    assert till.balance(code) == 20_000 - gross
    sums = Counter[str]()
    for booked in postings_of(till.db, cart):
        sums.update({e.account: e.debit for e in booked.posting.entries})
    assert sums["gift_cards"] == gross
    assert sums["receivables"] == sums["gateway_clearing"] == 0
