"""Pick-up: who may have it, for how long it is kept, and that nothing is lost when nobody comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import (
    cancellation,
    collecting,
    delivery,
    fulfilment,
    fulfilment_orders,
    pickup,
)
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.delivery import Wanted
from parcelway.domain.mailing import mailed
from parcelway.domain.order import PAYMENT_LOST, DeliveryGroup, Hold, Shortage, advance
from parcelway.domain.parties import SYSTEM
from parcelway.domain.promise import hours_today
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Checkpoint, Shipment
from parcelway.domain.shop import Shop
from parcelway.domain.status import fulfilment_status
from parcelway.domain.stock import Balance, Entry, after, allowed, net
from parcelway.domain.switching import Switches

from infra.verify.statements import booked, holdings
from tests.orders import HOME, SHOP, WAREHOUSE, Story, at

STORE = SHOP.nodes["store-1"]  # works Monday to Friday, in New York


def mixed(shop: Shop = SHOP) -> Story:
    """An order of which one mug is sent and the rest is to be collected, both packed."""
    story = at("draft", shop=shop)
    rest = (("MUG-1", 2), ("TEA-9", 1), ("BOOK-3", 2))
    parts = (
        Wanted("standard", HOME, lines=(("MUG-1", 1),)),
        Wanted("collect", store="store-1", lines=rest),
    )
    story._apply(delivery.divide(story.order, parts, story.facts))
    for step in (story.placed, story.confirmed, story.scheduled, story.released, story.packed):
        step()
    return story


def collected_part(story: Story) -> Shipment:
    return next(shipment for shipment in story.shipments if shipment.method == "pickup")


def make_ready(story: Story) -> Story:
    shipment = collected_part(story)
    return story._apply(pickup.ready(story.order, shipment, WAREHOUSE, story.facts))


def see_to(story: Story) -> Decision | None:
    return pickup.see_to(story.order, story.shipments, story.facts)


def said(story: Story, code: str, key: str = "k") -> Decision | None:
    shipment = collected_part(story)
    return pickup.try_code(story.order, shipment, code, Command(key, code), story.facts)


def wrong_code_of(story: Story) -> str:
    right = collecting.code(story.order, collected_part(story))
    return f"{(int(right) + 1) % 10**6:06}"


def on_hand(story: Story) -> int:
    return sum(balance.on_hand for balance in story.balances.values())


# What lies ready is still the shop's


def test_units_leave_the_books_when_they_are_handed_over_and_not_before() -> None:
    story = at("packed", method="pickup")
    before = on_hand(story)
    story.shipped()
    assert not story.decisions[-1][0].moves
    assert on_hand(story) == before
    assert fulfilment_status(story.order) == "scheduled"
    story.delivered()
    units = sum(line.quantity for line in story.order.lines)
    assert on_hand(story) == before - units
    assert sum(balance.allocated for balance in story.balances.values()) == 0
    assert all(line.count("picked_up") == line.quantity for line in story.order.lines)


@pytest.mark.parametrize("stage", ["scheduled", "released"])
def test_it_is_not_ready_before_it_was_picked_and_packed(stage: str) -> None:
    story = at(stage, method="pickup")  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refusal:
        story.shipped()
    assert refusal.value.reason is Reason.ILLEGAL_STATE


def test_a_held_order_is_neither_handed_over_nor_taken_back() -> None:
    story = at("shipped", method="pickup")
    (shipment,) = story.shipments
    held = replace(story.order, holds=(Hold("fraud_review", "", story.now),))
    with pytest.raises(Refusal, match="fraud_review"):
        pickup.hand_over(held, shipment, "code", WAREHOUSE, story.facts)
    late = replace(story.facts, now=story.now + timedelta(days=30))
    kept = pickup.see_to(held, story.shipments, late)
    assert kept is not None
    assert (kept.moves, kept.shipments[0].status) == ((), "ready_for_pickup")
    assert kept.shipments[0].collect_by is not None
    assert kept.shipments[0].collect_by > late.now


def test_what_is_not_paid_for_any_more_is_taken_back_without_a_reminder() -> None:
    story = at("shipped", method="pickup")
    story.pays("voided", authorized=0)
    assert [hold.code for hold in story.order.holds] == [PAYMENT_LOST]
    story.now += timedelta(days=3)
    assert see_to(story) is None
    story.now += timedelta(days=30)
    taken = see_to(story)
    assert taken is not None
    assert taken.order.state == "cancelled"
    assert sum(balance.allocated for balance in after(story.balances, taken.moves).values()) == 0


def test_waiting_for_the_customer_is_not_overdue() -> None:
    story = at("shipped", method="pickup")
    (shipment,) = story.shipments
    assert fulfilment.overdue(story.order, shipment, "shipped", story.facts) is None


# The code


def test_every_pickup_has_a_code_of_its_own_that_no_record_holds() -> None:
    codes = set()
    for seed in range(20):
        story = make_ready(at("packed", method="pickup", seed=str(seed)))
        shipment = collected_part(story)
        code = collecting.code(story.order, shipment)
        assert len(code) == 6
        assert code.isdecimal()
        assert code == collecting.code(story.delivered().order, shipment)
        codes.add(code)
        assert code not in repr(story.events)
        assert code not in repr((shipment, story.order.uncollected))
    assert len(codes) == 20


def test_it_follows_from_the_secret_of_the_link() -> None:
    story = make_ready(at("packed", method="pickup"))
    shipment = collected_part(story)
    other = replace(story.order, link_token="another")
    assert collecting.code(other, shipment) != collecting.code(story.order, shipment)


def test_without_a_secret_there_is_no_right_code() -> None:
    story = make_ready(at("packed", method="pickup"))
    shipment, order = collected_part(story), replace(story.order, link_token="")
    guess = collecting.code(order, shipment)
    mistake = pickup.try_code(order, shipment, guess, Command("k", ""), story.facts)
    assert mistake is not None


def test_five_wrong_codes_lock_it_and_a_document_still_opens_it() -> None:
    story = make_ready(at("packed", method="pickup"))
    wrong = wrong_code_of(story)
    for number in range(1, pickup.MOST_MISTAKES + 1):
        story._apply(said(story, wrong, f"k{number}"))
        shipment = collected_part(story)
        assert (shipment.status, shipment.mistakes) == ("ready_for_pickup", number)
        left = pickup.wrong_code(shipment).facts["attempts_left"]
        assert left == pickup.MOST_MISTAKES - number
        alerts = [(alert.code, alert.detail) for alert in story.order.alerts]
        assert alerts == ([("pickup_code_locked", shipment.id)] if left == 0 else [])
    for code in (wrong, collecting.code(story.order, collected_part(story))):
        with pytest.raises(Refusal) as refusal:
            said(story, code, f"then {code}")
        assert refusal.value.reason is Reason.CODE_LOCKED
    shipment = collected_part(story)
    made = pickup.hand_over(story.order, shipment, "passport", WAREHOUSE, story.facts)
    story._apply(made)
    assert story.event("shipment.delivered").data["proof"] == "passport"


def test_the_same_try_again_is_no_second_mistake() -> None:
    story = make_ready(at("packed", method="pickup"))
    story._apply(said(story, wrong_code_of(story)))
    with pytest.raises(Refusal) as refusal:
        said(story, wrong_code_of(story))
    assert refusal.value.reason is Reason.WRONG_CODE
    assert refusal.value.facts == {"attempts_left": pickup.MOST_MISTAKES - 1}
    assert said(story, collecting.code(story.order, collected_part(story)), "k2") is None


def test_a_code_opens_nothing_that_is_not_ready() -> None:
    story = at("packed", method="pickup")
    with pytest.raises(Refusal) as refusal:
        said(story, collecting.code(story.order, collected_part(story)))
    assert refusal.value.reason is Reason.ILLEGAL_STATE


# Time


def ready_at(moment: datetime, **store: object) -> Story:
    shop = replace(SHOP, nodes={**SHOP.nodes, "store-1": replace(STORE, **store)})  # type: ignore[arg-type]
    story = at("packed", method="pickup", shop=shop)
    story.now = moment
    return make_ready(story)


@pytest.mark.parametrize(
    ("moment", "store", "remind", "last"),
    [
        # Monday 10:00 in New York: two working days later is Wednesday, five is next Monday.
        (datetime(2026, 11, 16, 15, tzinfo=UTC), {}, date(2026, 11, 18), date(2026, 11, 23)),
        # Thursday: Monday, and next Thursday; with a holiday on Friday each a day later.
        (datetime(2026, 11, 19, 15, tzinfo=UTC), {}, date(2026, 11, 23), date(2026, 11, 26)),
        (
            datetime(2026, 11, 19, 15, tzinfo=UTC),
            {"holidays": (date(2026, 11, 20),)},
            date(2026, 11, 24),
            date(2026, 11, 27),
        ),
        # Late in the evening there, the day after in UTC; open every day.
        (
            datetime(2026, 11, 17, 3, tzinfo=UTC),
            {"working_days": (0, 1, 2, 3, 4, 5, 6)},
            date(2026, 11, 18),
            date(2026, 11, 21),
        ),
    ],
)
def test_it_is_kept_for_days_on_which_the_store_works(
    moment: datetime, store: dict[str, object], remind: date, last: date
) -> None:
    story = ready_at(moment, **store)
    shipment = collected_part(story)
    assert collecting.last_day(shipment, story.shop.nodes) == last
    assert shipment.collect_by is not None
    five_hours = timedelta(hours=5)  # New York in winter
    midnight = datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC)
    assert shipment.collect_by == midnight + five_hours
    due = story.order.uncollected[shipment.id]
    assert (due - five_hours).date() == remind
    assert (due - moment) % timedelta(days=1) == timedelta()


def test_one_reminder_then_it_goes_back_on_the_shelf() -> None:
    story = make_ready(at("packed", method="pickup"))
    opening = sum(story.stock.values())
    due = story.order.uncollected[collected_part(story).id]
    story.now = due - timedelta(seconds=1)
    assert see_to(story) is None
    story.now = due
    story._apply(see_to(story))
    assert story.event("shipment.pickup_reminder").at == due
    assert see_to(story) is None
    collect_by = collected_part(story).collect_by
    assert collect_by is not None
    assert story.order.uncollected == {collected_part(story).id: collect_by}
    story.now = collect_by - timedelta(seconds=1)
    assert see_to(story) is None
    story.now = collect_by
    story._apply(see_to(story))
    assert (story.order.state, story.order.cancel_reason) == ("cancelled", "not_collected")
    assert on_hand(story) == opening
    assert sum(balance.allocated for balance in story.balances.values()) == 0
    assert story.order.uncollected == {}
    assert see_to(story) is None
    told = [e.type for e in story.events if mailed(e, story.order)][-2:]
    assert told == ["shipment.pickup_reminder", "shipment.pickup_expired"]


def test_what_is_late_already_is_not_reminded_of_first() -> None:
    story = make_ready(at("packed", method="pickup"))
    story.now += timedelta(days=30)
    story._apply(see_to(story))
    assert collected_part(story).status == "cancelled"


def test_a_shop_that_reminds_later_than_it_keeps_does_not_remind() -> None:
    settings = replace(SHOP.settings, pickup_reminder_days=9, pickup_days=3)
    story = make_ready(at("packed", method="pickup", shop=replace(SHOP, settings=settings)))
    shipment = collected_part(story)
    assert story.order.uncollected == {shipment.id: shipment.collect_by}


def test_who_comes_late_but_before_it_was_put_back_has_it() -> None:
    story = make_ready(at("packed", method="pickup"))
    story.now += timedelta(days=30)
    story.delivered()
    assert collected_part(story).status == "delivered"
    assert see_to(story) is None


def test_of_a_mixed_order_only_what_was_not_collected_is_given_up() -> None:
    story = make_ready(mixed())
    sent = next(s for s in story.shipments if s.method == "delivery")
    story._apply(fulfilment.ship(story.order, sent, "acme", "ACME1", WAREHOUSE, story.facts))
    before = on_hand(story)
    story.not_collected()
    assert story.order.state == "confirmed"
    assert on_hand(story) == before
    counts = {
        line.sku: (line.count("shipped"), line.count("cancelled")) for line in story.order.lines
    }
    assert counts == {"MUG-1": (1, 2), "TEA-9": (0, 1), "BOOK-3": (0, 2)}
    told = [e.type for e in story.events if mailed(e, story.order)][-2:]
    assert told == ["shipment.shipped", "shipment.pickup_expired"]


STOPPED = {"online": Switches(stop_ship="recall of the mugs")}


@pytest.mark.parametrize("by", ["a stop", "a hold of ours"])
@pytest.mark.parametrize("since", ["before the reminder", "after it"])
@pytest.mark.parametrize(("hours", "apart"), [(0, 1), (23, 1), (24, 1), (100, 7), (40 * 24, 12)])
def test_nobody_loses_what_they_could_not_collect_while_nothing_might_leave(
    by: str, since: str, hours: int, apart: int
) -> None:
    """However long it was stopped and however often somebody looked: they are told how long they
    have once it leaves again, and then have a day, less what passed between two looks."""
    story = make_ready(at("packed", method="pickup"))
    box, open_shop = collected_part(story), story.shop
    story.now = story.order.uncollected[box.id]
    if since == "after it":
        story._apply(see_to(story))
        story.now = story.order.uncollected[box.id]
    told = len(story.events)
    if by == "a stop":
        story.shop = replace(open_shop, switches=STOPPED)
    else:
        asked = Hold("recall_check", "", story.now)
        story._apply(Decision(advance(story.order, holds=(asked,))))
    lifted = story.now + timedelta(hours=hours)
    while story.now <= lifted:
        if made := see_to(story):
            story._apply(made)
            assert see_to(story) is None
        with pytest.raises(Refusal, match="recall"):
            story.delivered()
        story.now += timedelta(hours=apart)
    assert len(story.events) == told
    story._apply(Decision(advance(story.order, holds=())))
    story.shop, story.now = open_shop, max(lifted, story.order.uncollected[box.id])
    first = story.now
    story._apply(see_to(story))
    reminder, collect_by = story.events[-1], collected_part(story).collect_by
    assert (reminder.type, reminder.at) == ("shipment.pickup_reminder", first)
    assert collect_by is not None
    assert collect_by - first > timedelta(hours=22 - apart)  # a day may be an hour short
    assert story.order.uncollected == {box.id: collect_by}
    assert box.collect_by is not None
    assert collect_by - box.collect_by >= timedelta(hours=hours)
    story.now = collect_by
    story._apply(see_to(story))
    assert story.order.cancel_reason == "not_collected"


# Stores to choose from


def far_and_near(postal_code: str, stock: dict[tuple[str, str], int]) -> list[delivery.Option]:
    """What a cart of three articles is offered at two stores: in Columbus and in Louisville."""
    other = replace(STORE, id="store-2", latitude=38.2, longitude=-85.7)
    shop = replace(
        SHOP,
        nodes={**SHOP.nodes, "store-2": other},
        places={"US:432": (39.96, -83.0), "US:402": (38.25, -85.76)},
    )
    story = at("draft", shop=shop)
    balances = {key: Balance(*key, on_hand=units) for key, units in stock.items()}
    known = replace(story.facts, balances=balances)
    order = replace(story.order, groups=(DeliveryGroup("g1"),))
    found = delivery.options(order, "US", known, postal_code=postal_code)
    return [option for option in found if option.store]


def test_the_nearest_store_comes_first_and_says_what_it_lacks() -> None:
    stock = {("MUG-1", "store-1"): 1, ("TEA-9", "store-1"): 9, ("BOOK-3", "store-1"): 9}
    stock |= {(sku, "store-2"): 9 for sku in ("MUG-1", "TEA-9", "BOOK-3")}
    one, two = far_and_near("43215", stock)
    assert one.store
    assert two.store
    assert (one.store.id, two.store.id) == ("store-1", "store-2")
    assert (one.available, dict(one.missing)) == (False, {"MUG-1": 2})
    assert (two.available, dict(two.missing)) == (True, {})
    assert one.metres is not None
    assert two.metres is not None
    assert one.metres < 10_000
    assert 280_000 < two.metres < 310_000
    assert two.promise.ready_by is not None
    first = far_and_near("40202", stock)[0]
    assert first.store
    assert first.store.id == "store-2"


def test_stores_are_offered_in_any_case_when_it_is_not_known_where_the_customer_is() -> None:
    for postal_code in ("", "99999"):
        found = far_and_near(postal_code, {})
        assert [option.metres for option in found] == [None, None]


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        (datetime(2026, 11, 16, 15, tzinfo=UTC), (("09:00", "20:00"),)),
        (datetime(2026, 11, 17, 2, tzinfo=UTC), (("09:00", "20:00"),)),  # Monday evening there
        (datetime(2026, 11, 17, 15, tzinfo=UTC), ()),  # no hours on a Tuesday
        (datetime(2026, 11, 18, 15, tzinfo=UTC), ()),  # a holiday
        (datetime(2026, 11, 22, 15, tzinfo=UTC), ()),  # a Sunday
    ],
)
def test_the_hours_of_today_are_the_stores_own(
    moment: datetime, hours: tuple[tuple[str, str], ...]
) -> None:
    opens: tuple[tuple[str, str], ...] = (("09:00", "20:00"),)
    there = {"hours": {"0": opens, "2": opens, "6": opens}, "holidays": (date(2026, 11, 18),)}
    assert hours_today(replace(STORE, **there), moment) == hours  # type: ignore[arg-type]
    always = (("00:00", "24:00"),) if moment.day < 20 else ()
    assert hours_today(STORE, moment) == always


# Whatever comes first


def _see_to(story: Story) -> Decision | None:
    return see_to(story)


def _ready(story: Story) -> Decision | None:
    return pickup.ready(story.order, collected_part(story), WAREHOUSE, story.facts)


def _hand_over(story: Story) -> Decision | None:
    shipment = collected_part(story)
    return pickup.hand_over(story.order, shipment, "code", WAREHOUSE, story.facts)


def _ship(story: Story) -> Decision | None:
    sent = next(s for s in story.shipments if s.method == "delivery")
    return fulfilment.ship(story.order, sent, "acme", "ACME1", WAREHOUSE, story.facts)


def _reject(story: Story) -> Decision | None:
    shipment = collected_part(story)
    return fulfilment_orders.reject(
        story.order, story.shipments, shipment, "other", "", story.said()
    )


def _cancel(story: Story) -> Decision | None:
    return cancellation.cancel(story.order, story.shipments, "", SYSTEM, story.now)


def _guess(story: Story) -> Decision | None:
    return said(story, wrong_code_of(story), f"k{len(story.decisions)}")


STEPS: tuple[Callable[[Story], Decision | None], ...] = (
    _ready,
    _hand_over,
    _see_to,
    _ship,
    _reject,
    _cancel,
    _guess,
)


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 6)), max_size=12))
def test_no_unit_is_lost_whatever_happens_in_whatever_order(
    steps: list[tuple[Callable[[Story], Decision | None], int]],
) -> None:
    story = mixed()
    opening = sum(story.stock.values())
    ordered = {line.sku: line.quantity for line in story.order.lines}
    ends = 0
    for step, days in steps:
        story.now += timedelta(days=days)
        try:
            made = step(story)
        except Refusal:
            continue
        if made is None:
            continue
        assert all(allowed(story.balances[c.sku, c.node], c) for c in net(made.moves))
        was = collected_part(story).status
        story._apply(made)
        now = collected_part(story).status
        ends += now != was and now in ("delivered", "cancelled")
        order = story.order
        assert {line.sku: line.quantity for line in order.lines} == ordered
        gone = sum(line.count("shipped", "picked_up") for line in order.lines)
        here = sum(line.count("packed") for line in order.lines)
        assert on_hand(story) == opening - gone
        assert sum(balance.allocated for balance in story.balances.values()) == here
        ready = {s.id for s in story.shipments if s.status == "ready_for_pickup"}
        assert story.order.uncollected.keys() == ready
    assert ends <= 1


# Sent to the store from elsewhere


def sent_to_store(stock: dict[tuple[str, str], int], shortage: Shortage = "") -> Story:
    """An order to be collected, which other nodes may send to the store; packed."""
    service = replace(
        SHOP.services["collect"], id="fetch", via="ship_to_store", carrier="acme", countries=("US",)
    )
    shop = replace(SHOP, services={**SHOP.services, "fetch": service})
    story = at("draft", shop=shop, shortage=shortage)
    story.stock = stock
    story.balances = {key: Balance(*key, on_hand=units) for key, units in stock.items()}
    story._apply(delivery.pick_up_at(story.order, "store-1", "fetch", "", story.facts))
    for step in (story.placed, story.confirmed, story.scheduled, story.released, story.packed):
        step()
    return story


ELSEWHERE = {(sku, "dc-1"): 10 for sku in ("MUG-1", "TEA-9", "BOOK-3")}


def send(story: Story) -> Story:
    (shipment,) = (s for s in story.shipments if s.elsewhere)
    made = fulfilment.ship(story.order, shipment, "acme", "ACME1", WAREHOUSE, story.facts)
    return story._apply(made)


def receive(story: Story) -> Story:
    (shipment,) = (s for s in story.shipments if s.to_store)
    return story._apply(pickup.received(story.order, shipment, WAREHOUSE, story.facts))


def held(story: Story) -> dict[str, tuple[int, int]]:
    """On hand and allocated, by node."""
    nodes = {balance.node for balance in story.balances.values()}
    return {
        node: (
            sum(b.on_hand for b in story.balances.values() if b.node == node),
            sum(b.allocated for b in story.balances.values() if b.node == node),
        )
        for node in nodes
    }


def agrees(story: Story) -> bool:
    """Whether the order holds what its journal says."""
    moves = tuple(move for made, _ in story.decisions for move in made.moves)
    return holdings(story.order) == booked([Entry("", 1, story.now, moves)])


def test_units_change_the_books_when_they_change_the_node() -> None:
    story = sent_to_store(ELSEWHERE)
    (shipment,) = story.shipments
    assert (shipment.node, shipment.to_store, shipment.method) == ("dc-1", "store-1", "pickup")
    assert held(story)["dc-1"] == (30, 6)
    send(story)
    (shipment,) = story.shipments
    assert (shipment.status, shipment.shipped_at) == ("shipped", None)  # nothing to invoice yet
    assert held(story)["dc-1"] == (24, 0)
    assert agrees(story)
    receive(story)
    assert held(story) == {"dc-1": (24, 0), "store-1": (6, 6)}
    assert agrees(story)
    make_ready(story).delivered()
    assert held(story) == {"dc-1": (24, 0), "store-1": (0, 0)}
    assert agrees(story)
    assert story.invoiced().captured().closed().order.state == "closed"


def test_what_nobody_collects_stays_in_the_store() -> None:
    story = make_ready(receive(send(sent_to_store(ELSEWHERE)))).not_collected()
    assert story.order.state == "cancelled"
    assert held(story) == {"dc-1": (24, 0), "store-1": (6, 0)}
    assert agrees(story)


def test_what_is_called_off_after_it_came_stays_in_the_store_too() -> None:
    story = receive(send(sent_to_store(ELSEWHERE))).cancelled()
    assert held(story) == {"dc-1": (24, 0), "store-1": (6, 0)}
    assert agrees(story)
    (made,) = (decision for decision, _ in story.decisions if decision.entry)
    assert made.entry is not None
    moved = {
        (move.node, move.kind): move.quantity for move in made.entry.moves if move.sku == "MUG-1"
    }
    assert moved == {("dc-1", "send"): 3, ("store-1", "receive"): 3}


EVERYWHERE = {**ELSEWHERE, **{(sku, "store-1"): 5 for sku in ("MUG-1", "TEA-9", "BOOK-3")}}


def test_what_the_store_has_is_not_sent() -> None:
    story = sent_to_store(EVERYWHERE)
    assert [(s.node, s.to_store) for s in story.shipments] == [("store-1", "")]


def test_a_part_of_what_is_collected_is_there_and_a_part_is_sent() -> None:
    apart = {("MUG-1", "store-1"): 5, ("TEA-9", "dc-1"): 5, ("BOOK-3", "dc-1"): 5}
    story = sent_to_store(apart)
    assert {s.node: s.to_store for s in story.shipments} == {"store-1": "", "dc-1": "store-1"}
    receive(send(story))
    story.shipped().invoiced().captured().closed()
    assert story.order.state == "closed"
    assert agrees(story)


def test_each_step_in_its_turn_and_twice_is_none() -> None:
    story = sent_to_store(ELSEWHERE)
    (shipment,) = story.shipments
    with pytest.raises(Refusal, match="sent to the store first"):
        pickup.ready(story.order, shipment, WAREHOUSE, story.facts)
    with pytest.raises(Refusal, match="not been sent"):
        pickup.received(story.order, shipment, WAREHOUSE, story.facts)
    send(story)
    (shipment,) = story.shipments
    for refused in (
        lambda: cancellation.cancel(story.order, story.shipments, "", SYSTEM, story.now),
        lambda: _reject(story),
    ):
        with pytest.raises(Refusal) as refusal:
            refused()
        assert refusal.value.reason is Reason.TOO_LATE
    receive(story)
    (shipment,) = story.shipments
    assert pickup.received(story.order, shipment, WAREHOUSE, story.facts) is None
    again = fulfilment.ship(story.order, shipment, "acme", "ACME1", WAREHOUSE, story.facts)
    assert again is None
    ordinary = at("packed", method="pickup")
    with pytest.raises(Refusal, match="not sent from one node"):
        pickup.received(ordinary.order, ordinary.shipments[0], WAREHOUSE, ordinary.facts)


def test_the_carrier_does_not_hand_it_over() -> None:
    story = send(sent_to_store(ELSEWHERE))
    for status in ("in_transit", "delivered"):
        (shipment,) = story.shipments
        said = Checkpoint(f"e-{status}", status, story.now)  # type: ignore[arg-type]
        story._apply(fulfilment.track(story.order, shipment, said, WAREHOUSE, story.facts))
    (shipment,) = story.shipments
    assert (shipment.status, shipment.tracking) == ("shipped", "in_transit")
    assert len(shipment.checkpoints) == 2
    noted = fulfilment.overdue(story.order, shipment, "shipped", story.facts)
    assert noted is not None
    assert [alert.code for alert in noted.order.alerts] == ["overdue_received"]


def test_what_is_sent_to_the_store_is_promised_for_when_it_has_come() -> None:
    soon = sent_to_store(EVERYWHERE).order.group.promise
    later = sent_to_store(ELSEWHERE).order.group.promise
    assert soon is not None
    assert later is not None
    assert later.earliest > soon.earliest
    assert (soon.ready_by is None, later.ready_by) == (False, None)


def test_what_is_on_its_way_to_a_store_is_not_handed_out_once_its_money_is_lost() -> None:
    story = send(sent_to_store(ELSEWHERE)).pays("voided", authorized=0)
    receive(story)
    (box,) = story.shipments
    with pytest.raises(Refusal) as refused:
        pickup.ready(story.order, box, WAREHOUSE, story.facts)
    assert "payment_lost" in refused.value.detail
