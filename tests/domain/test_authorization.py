"""Payments: whatever is reported when, the order's money is the provider's and none is stranded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import ledger
from parcelway.domain.authorization import (
    GRACE,
    Undo,
    awaits_money,
    capture_failed,
    next_attempt,
    observe,
    start,
    undo_first,
    usable,
)
from parcelway.domain.cancellation import cancel
from parcelway.domain.cart import lapse
from parcelway.domain.decision import Decision
from parcelway.domain.dues import to_pay
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money
from parcelway.domain.order import PAYMENT_LOST, Order, totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance

from tests.orders import PRODUCTS, SHOP, START, Stage, Story, at

PLACED = at("placed")
GROSS = totals(PLACED.order).gross
SOON = START + timedelta(minutes=20)


def reading(attempt: int = 1, amount: int = GROSS.minor, **changes: Any) -> GatewayPayment:
    """A fresh payment of the placed order as the provider has it."""
    nothing = Money(0, "USD")
    fresh = GatewayPayment(
        f"pi_{attempt}",
        PLACED.order.id,
        attempt,
        "awaiting_customer",
        Money(amount, "USD"),
        nothing,
        nothing,
        nothing,
    )
    return replace(fresh, **changes)


def life(attempt: int, amount: int, path: str, part: int) -> list[GatewayPayment]:
    """A payment from its creation to its end, as read after each thing that happened to it."""
    whole, some = Money(amount, "USD"), Money(min(part, amount), "USD")
    new = reading(attempt, amount)
    declined = replace(new, failure_code="card_declined")
    held = replace(new, status="authorized", authorized=whole)
    taken = replace(held, status="captured", captured=whole)
    paths = {
        "abandoned": [new, declined],
        "given up": [new, declined, replace(new, status="voided")],
        "failed": [new, replace(new, status="failed", failure_code="fraud")],
        "held": [new, replace(new, status="processing"), held],
        "released": [new, held, replace(new, status="voided")],
        "taken": [new, declined, held, taken],
        "taken in part": [new, held, replace(taken, authorized=some, captured=some)],
        "refunded": [
            new,
            held,
            taken,
            replace(taken, refunded=some),
            replace(taken, refunded=whole),
        ],
        "taken at once": [new, taken],
    }
    return paths[path]


PATHS = (
    "abandoned",
    "given up",
    "failed",
    "held",
    "released",
    "taken",
    "taken in part",
    "refunded",
    "taken at once",
)


@st.composite
def lives(draw: st.DrawFn, attempt: int) -> list[GatewayPayment]:
    """Any life of a payment, mostly of the right amount."""
    wrong = st.integers(1, 2 * GROSS.minor)
    amount = draw(st.just(GROSS.minor) | st.just(GROSS.minor) | wrong)
    return life(attempt, amount, draw(st.sampled_from(PATHS)), draw(st.integers(1, amount)))


@dataclass
class World:
    """One order, the payments the provider has for it, and the money books."""

    story: Story = field(default_factory=lambda: at("placed"))
    held: dict[int, GatewayPayment] = field(default_factory=dict)
    kept: dict[int, Payment] = field(default_factory=dict)
    books: list[Posting] = field(default_factory=list)

    @property
    def order(self) -> Order:
        return self.story.order

    def apply(self, made: Decision | None) -> None:
        if made is None:
            return
        self.story._apply(made)
        if made.payment is not None:
            self.kept[made.payment.number] = made.payment
        self.books += made.postings
        assert len({posting.reference for posting in self.books}) == len(self.books)

    def report(self, seen: GatewayPayment) -> None:
        """What the worker does with a reading, be it as old as it may."""
        payment = self.kept.get(seen.attempt)
        undo = undo_first(self.order, payment, seen)
        if undo is not None:
            after = self._undone(self.held[seen.attempt], undo)
            if after is None:
                return  # the provider refused; the message comes again
            self.held[seen.attempt] = seen = after
        self.apply(observe(self.order, payment, seen, self.story.facts))

    def _undone(self, actual: GatewayPayment, undo: Undo) -> GatewayPayment | None:
        nothing = Money(0, "USD")
        if undo.action == "void":
            if actual.status == "captured":
                return None
            return replace(actual, status="voided", authorized=nothing)
        if actual.captured - actual.refunded < undo.amount:
            return None
        return replace(actual, refunded=actual.refunded + undo.amount)

    def settle(self) -> None:
        """Every payment is read until there is no more news."""
        for _ in range(4):
            for attempt in sorted(self.held):
                self.report(self.held[attempt])

    def check(self) -> None:
        """What must hold after every step."""
        order, payments = self.order, self.kept.values()
        for name in ("authorized", "captured", "refunded"):
            assert getattr(order, name) == sum(getattr(p, name) for p in payments)
        assert order.authorized >= order.captured >= order.refunded >= 0
        accounts = ledger.balances(self.books)
        assert sum(accounts.values()) == 0
        assert accounts.get("gateway_clearing", 0) == order.captured - order.refunded
        assert accounts.get("customer_deposits", 0) == order.refunded - order.captured
        assert not accounts.get("receivables", 0)


def final(world: World) -> dict[str, object]:
    """The order as far as its money decides it, without times and versions."""
    order = world.order
    names = ("state", "payment_status", "authorized", "captured", "refunded", "payment_attempts")
    kept = {n: (p.status, p.authorized, p.captured, p.refunded) for n, p in world.kept.items()}
    return {name: getattr(order, name) for name in names} | {"payments": kept}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Things that happen to up to three payments, each in its own order, interleaved with reports
    that were read so many readings ago, and with the order's end."""
    payments = [draw(lives(n)) for n in range(1, draw(st.integers(1, 3)) + 1)]
    history: list[tuple[str, Any]] = []
    while any(payments):
        history.append(("happens", draw(st.sampled_from([p for p in payments if p])).pop(0)))
        history += [("report", ago) for ago in draw(st.lists(st.integers(0, 9), max_size=2))]
        if draw(st.integers(0, 9)) == 0:
            history.append((draw(st.sampled_from(["cancel", "expire"])), None))
    return history


def next_at_provider(before: GatewayPayment | None, seen: GatewayPayment) -> GatewayPayment:
    """What happens to a payment, as far as it still can after what we did to it."""
    if before is None:
        return seen
    if before.status in ("voided", "failed"):
        return before
    refunded = max(before.refunded.minor, seen.refunded.minor)
    return replace(seen, refunded=Money(min(refunded, seen.captured.minor), "USD"))


def played(history: list[tuple[str, Any]], *, settled: bool = True) -> World:
    """The world after a history, looked at after every step, and settled in the end unless all
    that was not reported is lost."""
    world, read = World(), list[GatewayPayment]()
    for kind, what in history:
        if kind == "happens":
            world.held[what.attempt] = next_at_provider(world.held.get(what.attempt), what)
            read.append(world.held[what.attempt])
        elif kind == "report":
            world.report(read[max(0, len(read) - 1 - what)])
        elif kind == "cancel" and world.order.state in ("placed", "confirmed"):
            world.apply(cancel(world.order, (), "customer", SYSTEM, world.story.now))
        elif kind == "expire":
            world.apply(lapse(world.order, world.story.now + timedelta(hours=2)))
        world.check()
    if settled:
        world.settle()
        world.check()
    return world


@given(histories())
def test_no_history_strands_money_or_breaks_the_books(history: list[tuple[str, Any]]) -> None:
    world = played(history)
    for attempt, seen in world.held.items():
        kept = world.kept[attempt]
        assert (kept.status, kept.captured, kept.refunded) == (
            seen.status,
            seen.captured.minor,
            seen.refunded.minor,
        )
        keeps = seen.status == "authorized" or seen.captured != seen.refunded
        if world.order.state in ("cancelled", "expired"):
            assert not keeps, "an order that has ended keeps money"
    with_money = [n for n, p in world.kept.items() if p.authorized > p.refunded]
    assert len(with_money) <= 1
    if world.order.state == "placed":
        assert not with_money


@given(lives(1), st.data())
def test_reports_of_one_payment_end_alike_in_any_order(
    seen: list[GatewayPayment], data: st.DataObject
) -> None:
    """Duplicates and stragglers after, before and between; the newest reading comes at some point.

    Only an order that saw its money before the payment ended is confirmed, so the states compared
    are those of lives in which every later reading still holds the money, or none ever did.
    """
    usable_at = [reading_ for reading_ in seen if usable(PLACED.order, None, reading_)]
    if usable_at and not usable(PLACED.order, None, seen[-1]):
        return
    in_order, shuffled = World(), World()
    for world, reports in (
        (in_order, seen),
        (shuffled, data.draw(st.permutations([*seen, *seen]))),
    ):
        world.held[1] = seen[-1]
        for one in reports:
            world.report(one)
            world.check()
        world.settle()
    assert final(in_order) == final(shuffled)


@given(lives(1), lives(2), st.data())
def test_reports_of_two_payments_end_alike_in_any_order(
    first: list[GatewayPayment], second: list[GatewayPayment], data: st.DataObject
) -> None:
    """Read at the end, as the worker does, however often and in whichever order each is reported.

    Which of two good payments an order keeps is decided by the one that comes first.
    """
    last = {1: first[-1], 2: second[-1]}
    if all(usable(PLACED.order, None, seen) for seen in last.values()):
        return
    worlds = []
    for _ in range(2):
        world = World(held=dict(last))
        for attempt in data.draw(st.lists(st.sampled_from([1, 2]), max_size=5)):
            world.report(world.held[attempt])
        world.settle()
        worlds.append(final(world))
    assert worlds[0] == worlds[1]


@given(lives(1))
def test_the_same_report_twice_is_no_news(seen: list[GatewayPayment]) -> None:
    world = World()
    for one in seen:
        world.held[1] = one
        world.report(one)
        before = world.order
        world.report(world.held[1])
        assert world.order == before


@pytest.mark.parametrize("ended", ["cancelled", "expired"])
@pytest.mark.parametrize("path", ["held", "taken", "taken at once"])
def test_a_late_success_is_undone_in_full(ended: str, path: str) -> None:
    story = at("placed")
    story = story.cancelled() if ended == "cancelled" else story.expired()
    world = World(story)
    world.held[1] = life(1, GROSS.minor, path, 1)[-1]
    undo = undo_first(world.order, None, world.held[1])
    assert undo == Undo("void" if path == "held" else "refund", "pi_1", GROSS)
    world.settle()
    world.check()
    assert world.order.state == ended
    assert world.order.payment_status == ("voided" if path == "held" else "refunded")


@pytest.mark.parametrize("ended", ["cancelled", "expired"])
def test_a_payment_that_nobody_completed_cannot_be_completed_after_the_end(ended: str) -> None:
    story = at("placed")
    world = World(story.cancelled() if ended == "cancelled" else story.expired())
    world.held[1] = reading()
    world.settle()
    assert world.held[1].status == "voided"
    assert world.order.state == ended


def test_a_confirmed_order_that_loses_its_money_is_held_until_it_has_some_again() -> None:
    story = at("packed").pays("voided", authorized=0)
    assert [hold.code for hold in story.order.holds] == [PAYMENT_LOST]
    with pytest.raises(Refusal) as refused:
        story.shipped()
    assert refused.value.reason is Reason.ILLEGAL_STATE


def test_a_capture_that_failed_is_noted_once_and_moves_nothing() -> None:
    story = at("invoiced")
    noted = capture_failed(story.order, "card_declined", story.now)
    assert noted is not None
    assert [alert.code for alert in noted.order.alerts] == ["capture_failed"]
    assert not (noted.moves or noted.postings or noted.order.holds)
    assert capture_failed(noted.order, "card_declined", story.now) is None


def test_what_is_owed_is_awaited_while_it_is_held_or_can_be_paid_once_more() -> None:
    story = at("invoiced")
    assert awaits_money(story.order)
    assert awaits_money(story.pays("voided", authorized=0).order)
    assert not awaits_money(at("captured").order)
    assert not awaits_money(replace(story.order, state="cancelled", authorized=0))


def test_what_is_left_of_an_order_can_be_paid_when_its_hold_lapsed_after_a_capture() -> None:
    story = at("invoiced")
    part = GROSS.minor // 3
    story.pays("captured", authorized=part, captured=part)  # the rest of the hold is gone
    assert to_pay(story.order).minor == GROSS.minor - part
    second = reading(2, GROSS.minor - part, status="authorized")
    assert next_attempt(story.order, story.payment, story.now) == 2
    paid = replace(second, authorized=second.amount, order_id=story.order.id)
    assert undo_first(story.order, None, paid) is None
    whole = replace(paid, amount=GROSS, authorized=GROSS)
    assert undo_first(story.order, None, whole) == Undo("void", "pi_2", GROSS)
    story._apply(observe(story.order, None, paid, story.facts))
    assert not to_pay(story.order)
    assert story.order.secured == GROSS.minor
    third = replace(paid, reference="pi_3", attempt=3)
    assert undo_first(story.order, None, third) == Undo("void", "pi_3", paid.amount)


def test_an_open_attempt_of_another_amount_is_not_offered_again() -> None:
    story = at("released")
    story.pays("voided", authorized=0)
    open_ = replace(story.payment, number=2, status="awaiting_customer")
    order = replace(story.order, payment_attempts=2)
    assert next_attempt(order, open_, story.now) == 2
    cheaper = replace(order, cancelled_gross=100)
    assert next_attempt(cheaper, open_, story.now) == 3


def test_money_of_a_wrong_amount_never_confirms_an_order_even_when_it_was_given_back() -> None:
    wrong = Money(GROSS.minor - 1, "USD")
    world = World()
    world.held[1] = reading(1, wrong.minor, status="captured", authorized=wrong, captured=wrong)
    world.settle()
    world.check()
    assert world.order.state == "placed"
    assert world.order.refunded == wrong.minor


@pytest.mark.parametrize(
    "changes",
    [
        {"authorized": Money(GROSS.minor - 1, "USD")},  # authorised in part only
        {"authorized": Money(GROSS.minor, "EUR"), "refunded": Money(0, "EUR")},
        {"authorized": GROSS, "captured": GROSS, "refunded": GROSS, "status": "captured"},
    ],
)
def test_less_than_the_whole_amount_does_not_pay_for_an_order(changes: dict[str, Any]) -> None:
    seen = reading(1, **({"status": "authorized"} | changes))
    assert not usable(PLACED.order, None, seen)


def test_a_reading_that_was_overtaken_takes_nothing_back() -> None:
    world = World()
    new, held = reading(), reading(status="authorized", authorized=GROSS)
    world.held[1] = held
    world.report(held)
    assert world.order.state == "confirmed"
    before = world.order
    world.report(new)
    assert world.order == before


def test_a_second_payment_is_undone_and_the_first_kept() -> None:
    world = World()
    for attempt in (1, 2):
        world.held[attempt] = reading(attempt, status="authorized", authorized=GROSS)
        world.report(world.held[attempt])
    world.check()
    assert world.order.state == "confirmed"
    assert (world.held[1].status, world.held[2].status) == ("authorized", "voided")
    assert world.order.payment_status == "authorized"


def test_a_second_payment_given_back_does_not_make_a_paid_order_refunded() -> None:
    world = World()
    world.held[1] = reading(1, status="authorized", authorized=GROSS)
    world.held[2] = reading(2, status="captured", authorized=GROSS, captured=GROSS)
    world.settle()
    world.check()
    assert world.order.state == "confirmed"
    assert world.order.payment_status != "refunded"


def test_a_refund_that_failed_and_was_made_again_is_booked_each_time() -> None:
    world = World()
    taken = reading(status="captured", authorized=GROSS, captured=GROSS)
    for refunded in (0, 500, 0, 500):
        world.held[1] = replace(taken, refunded=Money(refunded, "USD"))
        world.report(world.held[1])
        world.check()
    assert world.order.refunded == 500
    assert sum(posting.reference.startswith("refund:") for posting in world.books) == 3


def test_goods_sold_before_the_money_came_leave_nothing_behind() -> None:
    settings = replace(PLACED.shop.settings, reservation_policy={"online": "none"})
    story = at("placed", shop=replace(PLACED.shop, settings=settings))
    assert story.order.lines[0].count("reserved") == 0
    story.balances = {key: Balance(*key) for key in story.balances}
    seen = reading(status="authorized", authorized=GROSS)
    assert undo_first(story.order, None, seen) is None
    with pytest.raises(Refusal) as refusal:
        observe(story.order, None, seen, story.facts)
    assert refusal.value.reason is Reason.OUT_OF_STOCK
    world = World(story.cancelled("out_of_stock"))
    world.held[1] = seen
    world.settle()
    assert world.held[1].status == "voided"


def test_stock_is_taken_with_the_money_where_none_is_held_before() -> None:
    settings = replace(PLACED.shop.settings, reservation_policy={"online": "none"})
    story = at("confirmed", shop=replace(PLACED.shop, settings=settings))
    assert all(line.count("reserved") == line.quantity for line in story.order.lines)
    units = sum(line.quantity for line in story.order.lines)
    assert sum(balance.reserved for balance in story.balances.values()) == units
    assert all(balance.available >= 0 for balance in story.balances.values())


def test_an_open_attempt_is_used_again_a_dead_one_is_not() -> None:
    order = PLACED.order
    assert next_attempt(order, None, SOON) == 1
    begun = start(order, reading(), SOON)
    assert begun is not None
    assert next_attempt(begun.order, begun.payment, SOON) == 1
    assert start(begun.order, reading(), SOON) is None
    dead = replace(begun.payment, status="voided")  # type: ignore[type-var]
    assert next_attempt(begun.order, dead, SOON) == 2


def test_the_first_attempt_extends_a_hold_that_would_lapse_the_second_does_not() -> None:
    order = PLACED.order
    assert order.hold_until is not None
    late = order.hold_until - timedelta(minutes=1)
    first = start(order, reading(1), late)
    assert first is not None
    assert first.order.hold_until == late + GRACE
    second = start(first.order, reading(2), late + timedelta(minutes=5))
    assert second is not None
    assert second.order.hold_until == late + GRACE
    early = start(order, reading(1), START)
    assert early is not None
    assert early.order.hold_until == max(order.hold_until, START + GRACE)


def test_nobody_begins_to_pay_for_an_order_that_does_not_wait_for_it() -> None:
    order = PLACED.order
    assert order.hold_until is not None
    with pytest.raises(Refusal) as refusal:
        next_attempt(order, None, order.hold_until)
    assert refusal.value.reason is Reason.TOO_LATE
    for story in (at("draft"), at("confirmed"), at("placed").cancelled(), at("placed").expired()):
        for attempt in (
            lambda: next_attempt(story.order, None, START),  # noqa: B023
            lambda: start(story.order, reading(), START),  # noqa: B023
        ):
            with pytest.raises(Refusal) as refusal:
                attempt()
            assert refusal.value.reason is Reason.ILLEGAL_STATE


@pytest.mark.parametrize("stage", ["packed", "invoiced"])
def test_an_order_that_lost_its_money_can_be_paid_for_again(stage: Stage) -> None:
    story = at(stage).pays("voided", authorized=0)
    order, seen = story.order, story.seen
    assert seen is not None
    assert next_attempt(order, story.payment, story.now) == 2
    again = replace(
        seen, reference="pi_again", attempt=2, status="authorized", authorized=totals(order).gross
    )
    assert undo_first(order, None, again) is None
    decision = observe(order, None, again, story.facts)
    assert decision is not None
    assert decision.order.state == "confirmed"
    assert decision.order.holds == ()
    assert decision.order.payment_status == "authorized"
    second = replace(again, reference="pi_third", attempt=3)
    assert undo_first(decision.order, None, second) is not None


def test_nobody_pays_for_an_order_that_costs_nothing() -> None:
    free = {sku: replace(product, price=Money(0, "USD")) for sku, product in PRODUCTS.items()}
    story = at("draft", method="pickup", products=free).placed()
    assert (story.order.state, totals(story.order).gross) == ("confirmed", Money(0, "USD"))
    with pytest.raises(Refusal) as refused:
        next_attempt(story.order, None, story.now)
    assert refused.value.reason is Reason.ILLEGAL_STATE
    assert not awaits_money(story.order)


def test_where_nothing_was_held_the_days_are_those_of_the_nodes_that_send_it() -> None:
    limited = {id: replace(node, capacity=1) for id, node in SHOP.nodes.items()}
    settings = replace(SHOP.settings, reservation_policy={"online": "none"})
    shop = replace(SHOP, nodes=limited, settings=settings)
    story = at("placed", shop=shop)
    (promised,) = story.order.group.slots
    for place, there in [*story.balances.items()]:  # meanwhile the goods were taken elsewhere
        if place[1] == "dc-1":
            story.balances[place] = replace(there, on_hand=0)
            story.balances[place[0], "dc-2"] = Balance(place[0], "dc-2", there.on_hand)
    made, _ = story.confirmed().decisions[-1]
    (day,) = made.taken
    assert (promised[0], day[0], made.given) == ("dc-1", "dc-2", (promised,))
    assert story.order.group.slots == (day,)
    assert story.cancelled().busy == {}
