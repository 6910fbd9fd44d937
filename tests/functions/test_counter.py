"""Sales over the counter: paid and taken along in one transaction, said once or ten times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from parcelway.domain.account import AccountContact
from parcelway.domain.credit_notes import Wanted, credit
from parcelway.domain.customer import created
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoicing import Counter
from parcelway.domain.ledger import balances
from parcelway.domain.order import Order
from parcelway.domain.parties import SYSTEM
from parcelway.domain.switching import PurchaseLimit, Switches
from parcelway.ports import clock
from parcelway.store import catalogue, customers
from parcelway.store.issuing import Asked, issue_invoices
from parcelway.store.ledger import postings_of
from parcelway.store.orders import get_dossier
from parcelway.store.saving import save
from parcelway.store.switches import put_switches

from infra.verify import breaks
from tests.functions.tables import aws
from tests.functions.tills import STORE, cart, cash, on_hand, sell, terminal, total
from tests.functions.worlds import World, ok, refused
from tests.orders import ACCOUNT, BUYER, PRODUCTS, Story, at, store


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "counter")
    clock.reset()


def postings(world: World, order_id: str) -> dict[str, int]:
    """What the books say of an order, by account."""
    found = balances(booked.posting for booked in postings_of(world.db, order_id))
    return {account: debit for account, debit in found.items() if debit}


def worth(world: World) -> int:
    """What all the stock is worth, as its balances have it."""
    found = [item for table, item in map(json.loads, world.dump()) if table == world.db.stock]
    return sum(int(item.get("worth_USD", 0)) for item in found)


def invoiced(world: World, order: Order) -> Order:
    (line, *_) = order.lines
    asked = Asked(order.id, line.portions[0].shipment)
    assert issue_invoices(world.db, [asked], clock.now) == {}
    return world.order(order.id)


def test_what_is_paid_is_taken_along_and_said_again_it_is_one_sale(world: World) -> None:
    story = cart(world)
    due, before = total(world, story), on_hand(world)
    first = ok(sell(world, story, cash(due + 501), key="till-1"), 201)
    dump = world.dump()
    again = ok(sell(world, story, cash(due + 501), key="till-1"), 201)
    assert first == again and world.dump() == dump
    assert first["change"] == {"minor": 501, "currency": "USD"}
    assert on_hand(world) == before - 3
    order = world.order(story.order.id)
    assert (order.payment_status, order.captured, order.payment_method) == ("captured", due, "cash")
    assert {p.stage for line in order.lines for p in line.portions} == {"picked_up"}
    assert not order.alerts and order.actor.id == "csr-1"
    refused(sell(world, story, cash(due), key="till-2"), 409, "illegal-state")
    refused(sell(world, story, cash(due), key="till-1"), 422, "idempotency-key-reused")


def test_its_invoice_closes_it_and_the_books_agree(world: World) -> None:
    story = cart(world)
    due = total(world, story)
    ok(sell(world, story, terminal(1000), cash(due)), 201)
    order = world.order(story.order.id)
    held = postings(world, order.id)
    assert (held["cash:store-1"], held["terminal_clearing:store-1"]) == (due - 1000, 1000)
    assert held["customer_deposits"] == -due
    after = invoiced(world, order)
    assert (after.state, after.invoiced) == ("closed", due)
    books = postings(world, order.id)
    assert "customer_deposits" not in books and "receivables" not in books
    assert books["cash:store-1"] == due - 1000
    assert (
        -books["revenue_goods"]
        - sum(v for account, v in books.items() if account.startswith("tax_payable"))
        == due
    )
    assert books["cost_of_goods_sold"] == -books["inventory"] > 0


@pytest.mark.parametrize("there", [9, 1, 0], ids=["enough", "one of three", "none"])
def test_what_the_stock_is_worth_falls_by_what_the_books_say_it_cost(
    world: World, there: int
) -> None:
    stock = {("MUG-1", STORE): there, ("TEA-9", STORE): 9, ("BOOK-3", STORE): 9}
    story = cart(world, stock=stock)
    due, before = total(world, story), worth(world)
    ok(sell(world, story, cash(due)), 201)
    assert worth(world) - before == postings(world, story.order.id)["inventory"] < 0
    wrong = [b for b in breaks(world.db, clock.now()) if b.kind in ("goods.worth", "stock.posted")]
    assert wrong == []


def test_what_is_credited_is_given_back_at_the_till(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = cart(world)
    due = total(world, story)
    ok(sell(world, story, cash(due)), 201)
    invoiced(world, world.order(story.order.id))
    credited = _credit(world, story)
    capture = World(world.db, "capture")
    for _ in range(2):
        capture.function.handler({"order_id": story.order.id}, None)
    order = world.order(story.order.id)
    assert (order.refunded, order.payment_status) == (credited, "partially_refunded")
    assert postings(world, order.id)["cash:store-1"] == due - credited


def _credit(world: World, story: Story) -> int:
    dossier = get_dossier(world.db, story.order.id)
    assert dossier is not None
    facts = Facts(story.shop, clock.now())
    wanted, counter = Wanted({1: 1}), Counter("CRN")
    made = credit(dossier.order, dossier.invoices[0], [], wanted, counter, facts, "broken")
    save(world.db, made, facts.now)
    return made.credit_notes[0].gross.minor


def test_more_than_is_there_is_sold_and_somebody_is_told(world: World) -> None:
    """The customer has it in their hands: the books are wrong, not they."""
    story = cart(world, stock={("MUG-1", STORE): 1, ("TEA-9", STORE): 9, ("BOOK-3", STORE): 9})
    ok(sell(world, story, cash(total(world, story))), 201)
    assert on_hand(world) == 1 - 3
    (alert,) = world.order(story.order.id).alerts
    assert (alert.code, alert.detail) == ("oversold_at_counter", "MUG-1 at store-1: 2")


@pytest.mark.parametrize(
    "tenders",
    [
        [],
        [cash(1)],
        [terminal(10**6)],  # no change is given of what a card paid
        [terminal(10**6), cash(500)],
        [{"method": "cash", "amount": {"minor": 10**6, "currency": "EUR"}}],
    ],
    ids=str,
)
def test_what_does_not_come_to_the_total_sells_nothing(world: World, tenders: Any) -> None:
    story = cart(world)
    before = world.dump()
    refused(sell(world, story, *tenders), 422, "tender-mismatch")
    assert world.dump() == before


def test_nonsense_is_refused_and_sells_nothing(world: World) -> None:
    story = cart(world)
    before = world.dump()
    for wrong in (
        {"method": "cash", "amount": {"minor": 5, "currency": "USD"}, "reference": "x"},
        {"method": "terminal", "amount": {"minor": 5, "currency": "USD"}},
        {"method": "card", "amount": {"minor": 5, "currency": "USD"}},
        {"method": "cash", "amount": {"minor": -5, "currency": "USD"}},
    ):
        refused(sell(world, story, wrong), 422, "invalid-request")
    refused(sell(world, story, terminal(5, "4242424242424242")), 422, "card-number-refused")
    refused(sell(world, story, *[cash(1)] * 6), 422, "invalid-request")
    refused(sell(world, story, cash(10**6), store="dc-1"), 422, "unknown-node")
    refused(sell(world, story, cash(10**6), store="nowhere"), 422, "unknown-node")
    wrong_total = {"minor": 1, "currency": "USD"}
    refused(sell(world, story, cash(10**6), expected_total=wrong_total), 409, "total-changed")
    assert world.dump() == before


def test_a_cart_of_another_channel_is_not_sold_at_a_counter(world: World) -> None:
    story = at("draft", now=clock.now() - timedelta(minutes=5))
    store(world.db, story)
    refused(sell(world, story, cash(10**6)), 409, "illegal-state")


def test_the_switches_of_the_channel_bind_at_the_till(world: World) -> None:
    story = cart(world)
    due = total(world, story)
    limits = {"MUG-1": PurchaseLimit(2, 1)}
    put_switches(world.db, "in_person", Switches(purchase_limits=limits))
    refused(sell(world, story, cash(due)), 409, "purchase-limit")
    put_switches(world.db, "in_person", Switches(sellable=False))
    refused(sell(world, story, cash(due)), 409, "channel-closed")
    put_switches(world.db, "in_person", Switches())
    ok(sell(world, story, cash(due)), 201)


def test_nothing_of_a_channel_that_sends_nothing_is_taken_along(world: World) -> None:
    story = cart(world)
    due = total(world, story)
    put_switches(world.db, "in_person", Switches(stop_ship="recall of the mugs"))
    refused(sell(world, story, cash(due)), 409, "shipping-stopped")
    put_switches(world.db, "in_person", Switches())
    ok(sell(world, story, cash(due)), 201)


def test_what_a_terminal_took_pays_for_one_sale(world: World) -> None:
    one, other = cart(world), cart(world, "2")
    due = total(world, one)
    ok(sell(world, one, terminal(due), key="till-1"), 201)
    before = world.dump()
    refused(sell(world, other, terminal(due)), 409, "tender-used")
    refused(sell(world, other, terminal(1), cash(due)), 409, "tender-used")
    ok(sell(world, one, terminal(due), key="till-1"), 201)
    assert world.dump() == before
    ok(sell(world, other, terminal(due, "T-2")), 201)
    assert not [each for each in breaks(world.db, clock.now()) if "lookup" in each.kind]


@pytest.mark.parametrize("same", [True, False], ids=["same amount", "other amount"])
def test_a_reference_is_named_once_in_a_sale(world: World, same: bool) -> None:
    story = cart(world)
    due, before = total(world, story), world.dump()
    one = due // 2 if same else 1000
    twice = [terminal(one), terminal(one), cash(due)] if same else [terminal(1), terminal(due - 1)]
    refused(sell(world, story, *twice), 422, "invalid-request")
    assert world.dump() == before


def test_most_tenders_fit_in_one_transaction(world: World) -> None:
    story = cart(world)
    due = total(world, story)
    slips = [terminal(1, f"T-{n}") for n in range(4)]
    ok(sell(world, story, *slips, terminal(due - 4, "T-9")), 201)
    taken = postings(world, story.order.id)["terminal_clearing:store-1"]
    assert taken == due == world.order(story.order.id).captured


def test_above_its_amount_a_company_buys_at_the_till_what_was_approved(world: World) -> None:
    story = cart(world, account=ACCOUNT)
    due = total(world, cart(world, "2"))
    refused(sell(world, story, cash(due)), 409, "approval-needed")
    assert ACCOUNT.approval_above is not None
    assert due > ACCOUNT.approval_above.minor
    approved = cart(world, "3", account=ACCOUNT, agreed=True)
    ok(sell(world, approved, cash(10**6)), 201)


@pytest.mark.parametrize(
    ("buyer", "po_required", "code"),
    [
        ("cus_else", False, "not-a-buyer"),
        (BUYER.id, True, "incomplete-checkout"),
        (BUYER.id, False, ""),
    ],
)
def test_only_a_buyer_with_a_number_buys_for_a_company_at_the_till(
    world: World, buyer: str, po_required: bool, code: str
) -> None:
    terms = replace(ACCOUNT, approval_above=None, po_required=po_required)
    company = replace(terms, contacts=(AccountContact(buyer, ("buyer",)),))
    answer = sell(world, cart(world, account=company), cash(10**6))
    if code:
        refused(answer, 403 if code == "not-a-buyer" else 409, code)
    else:
        ok(answer, 201)


def test_a_customer_who_may_not_order_does_not_buy_at_the_till(world: World) -> None:
    story = cart(world)
    own = replace(story.order, version=story.order.version + 1, customer_id="cus_1")
    save(world.db, Decision(own), clock.now())
    made = created(replace(BUYER, id="cus_1", version=0, state="locked"), clock.now(), SYSTEM)
    customers.save_with_email(world.db, made, "", None)
    refused(sell(world, story, cash(10**6)), 409, "customer-blocked")


def test_a_sale_without_its_invoice_is_told_of_until_it_has_one(world: World) -> None:
    story = cart(world)
    ok(sell(world, story, cash(total(world, story))), 201)
    published: list[list[str]] = []
    sweeper = World(world.db, "sweeper").function
    sweeper.bus = lambda: SimpleNamespace(
        publish=lambda events: published.append([e.type for e in events]) or len(events)
    )
    for _ in range(3):
        clock.travel(timedelta(days=1, minutes=1))
        sweeper.handler({}, None)
    first, *later = published
    assert "order.sold" in first
    assert later == [["order.sold"]] * 2


@pytest.mark.parametrize("done", [False, True])
def test_an_answer_that_gets_lost_sells_nothing_twice(world: World, done: bool) -> None:
    story = cart(world)
    due, before = total(world, story), on_hand(world)
    answer = world.breaking(
        "transact_write_items",
        done=done,
        request=lambda: sell(world, story, cash(due), key="offline-1"),
    )
    assert answer["statusCode"] in (201, 503), json.loads(answer["body"])
    ok(sell(world, story, cash(due), key="offline-1"), 201)
    assert on_hand(world) == before - 3
    assert postings(world, story.order.id)["cash:store-1"] == due
