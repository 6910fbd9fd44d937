"""Two who decide about one order at the same moment, in every order in which they can meet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from parcelway.domain.account import Approval
from parcelway.domain.account_rules import content_of
from parcelway.domain.adjustment import Cap
from parcelway.domain.order import totals
from parcelway.ports import clock
from parcelway.store import proposals
from parcelway.store.database import Database
from parcelway.store.shop import put_settings
from parcelway.store.stock import read_balances

from tests.functions.worlds import World, ok
from tests.orders import ACCOUNT, SHOP, Story, at, dossier_of, store
from tests.races.desk import BOSS, CLERK, Call, claims, draft, order_of, placing, tables
from tests.races.interleavings import in_every_order

FINANCE = claims("books", "finance")
APPROVES = claims("boss")
SETTINGS = replace(
    SHOP.settings,
    adjustment_reasons={"goodwill": {"en": "Goodwill"}},
    adjustment_caps={"csr": Cap({"USD": 500}), "csr_supervisor": Cap({"USD": 5000})},
)
_CARTS = "/staff/carts/{cart_id}"
_ADJUSTMENT = f"{_CARTS}/adjustments/{{adjustment_id}}"


@pytest.fixture
def db() -> Iterator[Database]:
    yield tables()
    clock.reset()


# ---- one slip of a terminal at two tills ---------------------------------------------------------


def test_one_slip_pays_for_one_of_two_sales(db: Database) -> None:
    carts = [at_the_till(db, seed) for seed in ("1", "2")]
    mugs = ("MUG-1", "store-1")
    before, due = read_balances(db, [mugs], consistent=True)[mugs].on_hand, asked_for(db, carts[0])
    slip = {"method": "terminal", "amount": {"minor": due, "currency": "USD"}, "reference": "T-7"}
    tills = [
        Call(
            "counter",
            f"POST {_CARTS}/counter-sale",
            {"cart_id": cart.order.id},
            {"store": "store-1", "tenders": [slip]},
            CLERK,
        )
        for cart in carts
    ]

    def check(outcomes: Sequence[str]) -> None:
        orders = [order_of(db, cart) for cart in carts]
        assert [order.state == "confirmed" for order in orders] == [o == "done" for o in outcomes]
        assert sum(order.captured for order in orders) == due
        assert read_balances(db, [mugs], consistent=True)[mugs].on_hand == before - 3

    played = in_every_order(db, tills, check)
    assert set(played) == {("done", "tender-used"), ("tender-used", "done")}


def at_the_till(db: Database, seed: str) -> Story:
    """A cart in the store, with three mugs in it."""
    story = Story(seed=seed, channel="in_person", now=clock.now()).laden()
    store(db, story)
    return story


def asked_for(db: Database, story: Story) -> int:
    """What the till asks for: it says so when nothing is paid."""
    answer = World(db, "counter").call(
        "POST",
        f"{_CARTS}/counter-sale",
        {"cart_id": story.order.id},
        {"store": "store-1", "tenders": []},
        claims=CLERK,
        idempotency_key="asks-the-total",
    )
    total: int = json.loads(answer["body"])["total"]["minor"]
    return total


# ---- a reduction that waits for a decision -------------------------------------------------------


def proposed(db: Database) -> tuple[Story, dict[str, str]]:
    """A cart with a reduction above its maker's cap, and what names that."""
    story = draft(db)
    put_settings(db, SETTINGS)
    wish = {"kind": "amount_off", "value": {"minor": 2000, "currency": "USD"}, "reason": "goodwill"}
    answer = World(db, "adjustments").call(
        "POST",
        f"{_CARTS}/adjustments",
        {"cart_id": story.order.id},
        wish,
        claims=CLERK,
        idempotency_key="the-wish",
    )
    made = ok(answer, 201)["adjustments"][-1]
    assert made["status"] == "proposed"
    return story, {"cart_id": story.order.id, "adjustment_id": made["id"]}


def test_of_two_who_decide_on_a_reduction_one_does(db: Database) -> None:
    story, path = proposed(db)
    usual = totals(order_of(db, story)).gross.minor
    approve = Call("adjustments", f"POST {_ADJUSTMENT}/approve", path, claims=BOSS)
    reject = Call("adjustments", f"POST {_ADJUSTMENT}/reject", path, claims=FINANCE)

    def check(outcomes: Sequence[str]) -> None:
        order, said = order_of(db, story), "applied" if outcomes[0] == "done" else "rejected"
        assert [each.status for each in order.adjustments] == [said]
        assert (totals(order).gross.minor < usual) == (said == "applied")
        assert len(dossier_of(db, order.id).events) == events + 1
        assert proposals.waiting(db, 10, None)[0] == []

    events = len(dossier_of(db, story.order.id).events)
    played = in_every_order(db, [approve, reject], check)
    assert set(played) == {("done", "illegal-state"), ("illegal-state", "done")}


def test_what_its_maker_has_taken_back_takes_nothing_off(db: Database) -> None:
    story, path = proposed(db)
    usual = totals(order_of(db, story)).gross.minor
    approve = Call("adjustments", f"POST {_ADJUSTMENT}/approve", path, claims=BOSS)
    remove = Call("adjustments", f"DELETE {_ADJUSTMENT}", path, claims=CLERK)

    def check(_: Sequence[str]) -> None:
        order = order_of(db, story)
        assert order.adjustments == () and totals(order).gross.minor == usual
        assert proposals.waiting(db, 10, None)[0] == []

    played = in_every_order(db, [approve, remove], check)
    assert set(played) == {("done", "done"), ("not-found", "done")}


def test_a_reduction_is_approved_for_the_cart_that_it_was_proposed_for(db: Database) -> None:
    """The cart changes and is placed meanwhile: none is placed with a reduction that nobody agreed
    to for it, or while one waits."""
    story, path = proposed(db)
    units = sum(line.quantity for line in story.order.lines)
    mugs, agreed = {"cart_id": story.order.id, "sku": "MUG-1"}, list[int]()
    callers = [
        Call("adjustments", f"POST {_ADJUSTMENT}/approve", path, claims=BOSS),
        Call("cart", "PUT /carts/{cart_id}/lines/{sku}", mugs, {"quantity": 1}, token=story.token),
        placing(story),
    ]

    def watch() -> None:
        """The moment it takes effect."""
        order = order_of(db, story)
        if not agreed and [each.status for each in order.adjustments] == ["applied"]:
            agreed.append(sum(line.quantity for line in order.lines))

    def check(outcomes: Sequence[str]) -> None:
        approved, changed, placed = (outcome == "done" for outcome in outcomes)
        order = order_of(db, story)
        assert agreed == ([units] if approved else [])
        assert [each.status == "applied" for each in order.adjustments] == [approved]
        assert (order.state == "placed") == placed
        assert (sum(line.quantity for line in order.lines) < units) == changed

    played = in_every_order(db, callers, check, watch=watch, begin=agreed.clear, switches=1)
    assert set(played) == {
        ("done", "done", "done"),
        ("done", "done", "adjustment-pending"),
        ("done", "illegal-state", "done"),
        ("stale-version", "done", "adjustment-pending"),
    }


# ---- an order that an approver of its company is asked about -------------------------------------


def asked(db: Database) -> tuple[Story, Approval]:
    """A company's cart that its approver is asked about."""
    story = at("draft", account=ACCOUNT, now=clock.now()).asked()
    store(db, story)
    assert story.order.approval is not None
    return story, story.order.approval


def says(verb: str, story: Story, approval: Approval, **more: str) -> Call:
    """An approver's word."""
    route, path = f"POST /account/approvals/{{cart_id}}/{verb}", {"cart_id": story.order.id}
    return Call("accounts", route, path, {"approval_id": approval.id} | more, APPROVES)


def test_what_a_company_agreed_to_is_what_was_asked(db: Database) -> None:
    """The approver decides while the buyer changes the cart and places it."""
    story, approval = asked(db)
    tea, agreed = {"cart_id": story.order.id, "sku": "TEA-9"}, list[bool]()
    callers = [
        says("approve", story, approval),
        Call("cart", "PUT /carts/{cart_id}/lines/{sku}", tea, {"quantity": 5}, token=story.token),
        placing(story),
    ]

    def watch() -> None:
        """The moment it is agreed to."""
        order = order_of(db, story)
        if not agreed and order.approval and order.approval.status == "approved":
            agreed.append(content_of(order) == approval.content)

    def check(outcomes: Sequence[str]) -> None:
        order = order_of(db, story)
        assert agreed == ([True] if outcomes[0] == "done" else [])
        assert (order.state == "placed") == (outcomes[2] == "done")
        if order.state == "placed":
            assert content_of(order) == approval.content
            assert totals(order).gross <= approval.total

    played = in_every_order(db, callers, check, watch=watch, begin=agreed.clear, switches=1)
    assert set(played) == {
        ("done", "illegal-state", "done"),
        ("done", "done", "approval-needed"),
        ("stale-version", "done", "approval-needed"),
    }


def test_one_of_two_approvers_decides_and_what_is_cancelled_holds_nothing(db: Database) -> None:
    """One agrees while the other does not; the buyer places the order and cancels it."""
    story, approval = asked(db)
    place, path = placing(story), {"cart_id": story.order.id}
    cancel = Call("orders", "POST /carts/{cart_id}/cancel", path, {}, token=story.token)
    places = [(line.sku, "dc-1") for line in story.order.lines]
    callers = [
        says("approve", story, approval),
        says("reject", story, approval, reason="Too dear"),
        lambda db: (place(db), cancel(db)),
    ]

    def check(outcomes: Sequence[Any]) -> None:
        order, said = order_of(db, story), "approved" if outcomes[0] == "done" else "rejected"
        assert order.approval is not None and order.approval.status == said
        assert order.state == ("cancelled" if outcomes[2][0] == "done" else "draft")
        balances = read_balances(db, places, consistent=True)
        assert [balances[place].reserved for place in places] == [0, 0, 0]

    refused = ("approval-needed", "illegal-state")
    played = in_every_order(db, callers, check, switches=1)
    assert set(played) == {
        ("done", "illegal-state", ("done", "done")),
        ("done", "illegal-state", refused),
        ("illegal-state", "done", refused),
    }
