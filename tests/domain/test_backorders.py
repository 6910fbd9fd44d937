"""Units that are not there: what can be chosen, who waits for what, and who is served first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import checkout, scheduling
from parcelway.domain.authorization import observe
from parcelway.domain.backorder import offers, queue_up, turn
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.order import PAYMENT_LOST, Order, Shortage, totals
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.replenishment import Place, dates, elsewhere, is_news, redate
from parcelway.domain.reservation import give_back, require_one_transaction, retake
from parcelway.domain.shortage import choices
from parcelway.domain.status import fulfilment_status, ready
from parcelway.domain.stock import Balance, Move, Supply, after, allowed, net
from parcelway.domain.switching import PurchaseLimit, Switches

from tests.orders import PRODUCTS, SHOP, START, Story, at

TODAY = START.date()
SOON, LATER = date(2026, 11, 30), date(2026, 12, 14)
MUG, DC = ("MUG-1", "dc-1"), "dc-1"
REST = {("TEA-9", DC): 9, ("BOOK-3", DC): 9}
SHORT = {"stock": {MUG: 2, **REST}, "supplies": {MUG: (Supply("po-1", SOON, 5),)}}


def waiting(shortage: Shortage, **options: object) -> Story:
    """A confirmed order of three mugs (two are there), a tea and two books."""
    return at("confirmed", shortage=shortage, **(SHORT | options))


def place(story: Story, expected: int | None = None) -> Decision:
    order = story.order
    return checkout.place(
        order,
        story.facts,
        Command("again", ""),
        names=(checkout.Names("PW-1", "one"), checkout.Names("PW-2", "two")),
        expected_total=None if expected is None else replace(totals(order).gross, minor=expected),
    )


def sums(balances: dict[tuple[str, str], Balance]) -> dict[tuple[str, str], int]:
    return {key: balance.on_hand for key, balance in balances.items()}


def test_without_a_choice_what_is_short_is_refused_with_what_could_be_had_later() -> None:
    with pytest.raises(Refusal) as refused:
        at("placed", **SHORT)
    assert refused.value.reason is Reason.OUT_OF_STOCK
    assert refused.value.facts["lines"] == [
        {
            "line": 1,
            "sku": "MUG-1",
            "wanted": 3,
            "available": 2,
            "later": [{"quantity": 1, "date": "2026-11-30"}],
        }
    ]


def test_what_is_there_goes_at_once_and_the_rest_when_it_comes() -> None:
    story = waiting("ship_available")
    line = story.order.line("MUG-1")
    assert line is not None
    assert (line.count("reserved"), line.count("backordered")) == (2, 1)
    assert fulfilment_status(story.order) == "backordered"
    story.scheduled()
    (first,) = story.shipments
    assert {sent.sku: sent.quantity for sent in first.lines} == {
        "MUG-1": 2,
        "TEA-9": 1,
        "BOOK-3": 2,
    }
    assert not ready(story.order)
    story.received(*MUG, 5)
    assert ready(story.order)
    story._apply(scheduling.schedule(story.order, story.shipments, 2, story.facts))
    second = story.shipments[1]
    assert [(sent.sku, sent.quantity, sent.invoiced_from) for sent in second.lines] == [
        ("MUG-1", 1, 2)
    ]
    assert (first.wave, second.wave) == (1, 2)
    assert story.balances[MUG].available == 4


def test_an_order_that_waits_for_all_is_sent_in_one_piece() -> None:
    story = waiting("ship_complete")
    assert not ready(story.order)
    made = scheduling.schedule(story.order, story.shipments, 1, story.facts)
    assert made is not None and not made.shipments  # the wave counts, and is empty
    story._apply(made).received(*MUG, 1)
    assert ready(story.order)
    story._apply(scheduling.schedule(story.order, story.shipments, 2, story.facts))
    assert [len(shipment.lines) for shipment in story.shipments] == [3]


def test_the_window_of_what_waits_ends_after_its_supply_and_that_of_a_whole_begins_there() -> None:
    available, complete = waiting("ship_available"), waiting("ship_complete")
    parts, whole = available.order.group.promise, complete.order.group.promise
    assert parts is not None and whole is not None
    assert parts.earliest < SOON < parts.latest
    assert whole.earliest > SOON
    assert parts.latest == whole.latest


def test_dropping_the_rest_makes_the_total_less_before_any_money_is_held() -> None:
    draft = at("draft", shortage="drop", **SHORT)
    before = totals(draft.order).gross
    made = place(draft)
    line = made.order.line("MUG-1")
    assert line is not None and line.quantity == 2
    assert totals(made.order).gross.minor < before.minor
    (told,) = [event for event in made.events if event.type == "order.placed"]
    assert told.data["dropped"] == [{"sku": "MUG-1", "name": "Stoneware mug, blue", "quantity": 1}]
    with pytest.raises(Refusal) as refused:
        place(draft, expected=before.minor)
    assert refused.value.reason is Reason.TOTAL_CHANGED


def test_dropping_everything_is_no_order() -> None:
    with pytest.raises(Refusal) as refused:
        at("placed", shortage="drop", basket={"MUG-1": 1}, stock={MUG: 0})
    assert refused.value.reason is Reason.OUT_OF_STOCK


def test_a_separate_order_keeps_the_prices_and_is_linked_both_ways() -> None:
    draft = at("draft", shortage="separate_order", **SHORT)
    made = place(draft)
    other = made.linked
    assert other is not None
    assert (made.order.linked, other.order.linked) == ((other.order.id,), (made.order.id,))
    first, second = made.order.line("MUG-1"), other.order.line("MUG-1")
    assert first is not None and second is not None
    assert (first.quantity, second.quantity) == (2, 1)
    assert first.unit_price == second.unit_price == PRODUCTS["MUG-1"].price
    assert [line.sku for line in other.order.lines] == ["MUG-1"]
    assert second.count("backordered") == 1
    assert other.order.version == 1 and other.order.state == "placed"
    assert other.order.tracking_number != made.order.tracking_number
    agreed = totals(made.order).gross + totals(other.order).gross
    assert place(draft, expected=agreed.minor).order == made.order


def many(whole: int, halves: int, **options: object) -> Story:
    """A cart of so many articles that are there, and so many of which half is."""
    skus = [f"MUG-{n}" for n in range(whole + halves)]
    return at(
        "draft",
        products={sku: replace(PRODUCTS["MUG-1"], sku=sku, weight_grams=1) for sku in skus},
        basket=dict.fromkeys(skus, 2),
        stock={(sku, DC): 2 if n < whole else 1 for n, sku in enumerate(skus)},
        supplies={(sku, DC): (Supply("po-1", SOON, 5),) for sku in skus[whole:]},
        **options,
    )


def writes(made: Decision) -> int:
    """How many writes a placing takes."""
    both = [made, *([made.linked] if made.linked else [])]
    moves = [move for each in both for move in each.moves]
    queues = {(move.sku, move.node) for move in moves if move.kind == "backorder"}
    days = {slot for each in both for slot in each.taken}
    own = sum(3 + len(each.events) for each in both)  # the order, its journal, its number
    return len(net(moves)) + len(queues) + len(days) + own


def test_two_orders_have_room_for_what_limits_count() -> None:
    """Articles of which half is there and one customer may buy some, known by their address."""
    story = many(0, 32, shortage="separate_order")
    limits = {line.sku: PurchaseLimit(9, 7) for line in story.order.lines}
    plain = place(story)
    story.shop = replace(story.shop, switches={"online": Switches(purchase_limits=limits)})
    assert writes(plain) <= 100 < writes(plain) + len(limits)
    with pytest.raises(Refusal) as refusal:
        place(story)
    assert refusal.value.reason is Reason.TOO_MANY_LINES


@pytest.mark.parametrize(("whole", "halves"), [(60, 10), (3, 40), (40, 30), (44, 40), (84, 0)])
def test_two_orders_are_placed_together_only_if_they_fit_into_one_transaction(
    whole: int, halves: int
) -> None:
    story = many(whole, halves, shortage="separate_order")
    try:
        assert writes(place(story)) <= 100
    except Refusal as refusal:
        assert refusal.reason is Reason.TOO_MANY_LINES
        assert whole + 2 * halves > 80
        assert "separate_order" not in [each.shortage for each in choices(story.order, story.facts)]


def test_the_goods_of_both_orders_cost_what_they_cost_in_one() -> None:
    draft = at("draft", shortage="separate_order", **SHORT)
    made = place(draft)
    assert made.linked is not None
    assert totals(made.order).goods + totals(made.linked.order).goods == totals(draft.order).goods


def test_every_choice_is_shown_as_it_would_come_out() -> None:
    draft = at("draft", **SHORT)
    found = choices(price(draft.order, draft.facts), draft.facts)
    assert [choice.shortage for choice in found] == [
        "ship_complete",
        "ship_available",
        "drop",
        "separate_order",
    ]
    for choice in found:
        placed = place(at("draft", shortage=choice.shortage, **SHORT))
        orders = [placed.order, *([placed.linked.order] if placed.linked else [])]
        assert [totals(part.order).gross for part in choice.parts] == [
            totals(order).gross for order in orders
        ]
        assert [[g.promise for g in order.groups] for order in orders] == [
            list(promises) for promises in choice.promises
        ]


def test_nothing_is_to_be_chosen_where_all_is_there_or_nothing_will_be() -> None:
    draft = at("draft")
    (only,) = choices(price(draft.order, draft.facts), draft.facts)
    assert only.shortage == ""
    never = at("draft", basket={"MUG-1": 1}, stock={MUG: 1})
    never.balances = {MUG: Balance(*MUG)}
    assert choices(price(never.order, never.facts), never.facts) == ()


def test_what_is_not_sold_on_back_order_is_refused_whatever_is_chosen() -> None:
    products = PRODUCTS | {"MUG-1": replace(PRODUCTS["MUG-1"], backorders=False)}
    with pytest.raises(Refusal) as refused:
        waiting("ship_available", products=products)
    assert refused.value.reason is Reason.OUT_OF_STOCK
    assert "later" not in refused.value.facts["lines"][0]


def test_a_cancelled_order_leaves_the_queue_and_the_stock_as_they_were() -> None:
    story = waiting("ship_available")
    story.cancelled("customer")
    assert [b.available for b in story.balances.values()] == [2, 9, 9]
    assert not any(b.reserved or b.backordered for b in story.balances.values())
    assert story.places == []


def test_a_waiting_order_whose_money_lapses_is_not_sent_when_its_goods_come() -> None:
    story = waiting("ship_complete", basket={"MUG-1": 5}, stock={MUG: 0})
    story.pays("voided", authorized=0)
    assert not story.order.holds  # nothing has to be paid for goods that are not there
    story.received(*MUG, 5)
    assert [hold.code for hold in story.order.holds] == [PAYMENT_LOST]
    assert story.event("payment.needed").data == {"amount": totals(story.order).gross.minor}
    assert not ready(story.order)
    assert story.seen is not None
    gross = totals(story.order).gross
    again = replace(story.seen, reference="pi_2", attempt=2, status="authorized", authorized=gross)
    story._apply(observe(story.order, None, again, story.facts))
    assert ready(story.order) and not story.order.holds
    assert story.event("order.funded")


def test_a_place_in_a_queue_that_is_taken_with_the_payment_has_the_promise_of_that_moment() -> None:
    """Nobody was told that others had taken the supply that the order was promised from."""
    policy = {"online": "none"}
    settings = replace(SHOP.settings, reservation_policy=policy)  # type: ignore[arg-type]
    story = at(
        "placed",
        shop=replace(SHOP, settings=settings),
        shortage="ship_available",
        **(SHORT | {"supplies": {MUG: (Supply("po-1", SOON, 5), Supply("po-2", LATER, 5))}}),
    )
    first = story.order.group.promise
    story.balances[MUG] = replace(story.balances[MUG], backordered=5)
    story.confirmed()
    present = story.order.group.present_promise
    assert first is not None and present is not None
    assert story.order.group.promise == first and present.latest > LATER > first.latest
    assert story.event("promise.revised").data["group"] == story.order.group.id


def test_before_its_launch_a_product_is_only_pre_ordered() -> None:
    launch = TODAY + timedelta(days=20)
    products = PRODUCTS | {"MUG-1": replace(PRODUCTS["MUG-1"], launch=launch)}
    story = at("confirmed", shortage="ship_available", products=products)
    line = story.order.line("MUG-1")
    assert line is not None
    assert [(p.stage, p.due) for p in line.portions] == [("backordered", launch)]
    assert story.order.group.promise is not None
    assert story.order.group.promise.latest > launch


supplies = st.lists(st.tuples(st.integers(-5, 40), st.integers(1, 9)), max_size=4).map(
    lambda rows: tuple(
        Supply(f"po-{n}", TODAY + timedelta(days=days), units)
        for n, (days, units) in enumerate(sorted(rows))
    )
)
balances = st.builds(
    lambda free, queue, expected: Balance(
        *MUG, on_hand=free, backordered=queue, supplies=expected, supplied=1
    ),
    st.integers(0, 9),
    st.integers(0, 20),
    supplies,
)
NODES = [SHOP.nodes[DC]]


@given(balances, st.integers(1, 30))
def test_what_is_offered_is_never_more_than_what_comes_less_the_queue(
    balance: Balance, wanted: int
) -> None:
    found = offers("MUG-1", {MUG: balance}, NODES, TODAY)
    taken, short = queue_up(1, "MUG-1", wanted, found)
    assert sum(waits.quantity for waits in taken) + short == wanted
    for day in {waits.due for waits in taken}:
        promised = sum(waits.quantity for waits in taken if waits.due <= day)
        assert promised <= max(0, balance.available + balance.expected(day)) - max(
            0, balance.available
        )
    assert all(waits.due >= TODAY for waits in taken)
    # The conditions of the very moves hold on the balance they were decided on.
    if balance.available <= 0:
        for change in net([waits.move(START) for waits in taken]):
            assert allowed(balance, change)


@given(balances, st.integers(1, 9), st.integers(1, 9))
def test_who_came_between_makes_a_place_that_counted_on_the_same_supply_fail(
    balance: Balance, mine: int, theirs: int
) -> None:
    balance = replace(balance, on_hand=0)
    found = offers("MUG-1", {MUG: balance}, NODES, TODAY)
    taken, short = queue_up(1, "MUG-1", mine, found)
    others, none = queue_up(1, "MUG-1", theirs, found)
    if short or none:
        return
    before = after({MUG: balance}, [waits.move(START) for waits in others])[MUG]
    (change,) = net([waits.move(turn(START, [before])) for waits in taken])
    if allowed(before, change):
        for day in {offer.due for offer in found}:
            offered = sum(offer.units for offer in found if offer.due <= day)
            assert sum(w.quantity for w in (*taken, *others) if w.due <= day) <= offered
    late = net([waits.move(before.joined_at or START) for waits in taken])
    assert not any(allowed(before, c) for c in late)  # nobody takes a place before theirs
    changed = replace(before, supplied=2)
    assert not allowed(changed, change)


@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
def test_units_that_came_are_filled_once_however_many_look(
    free: int, first: int, second: int
) -> None:
    balance = Balance(*MUG, on_hand=free, backordered=first + second)
    fills = [Move(*MUG, "fill", units, balance.available) for units in (first, second)]
    taken = 0
    seen = balance
    for move in fills:  # both decided on what was read first
        (change,) = net([move])
        if allowed(seen, change):
            seen = after({MUG: seen}, [move])[MUG]
            taken += move.quantity
    assert taken <= free
    assert seen.free >= 0
    assert seen.available == balance.available


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), balances)
def test_the_queue_is_dated_in_its_order_by_what_comes_first(
    wanted: Sequence[int], balance: Balance
) -> None:
    places = [
        Place(f"ord_{n}", *MUG, START + timedelta(minutes=n), {SOON: units})
        for n, units in enumerate(wanted)
    ]
    found = list(dates(places, balance, None, TODAY))
    assert [place for place, _ in found] == places
    days = [day for _, dated in found for units, day in dated for _ in range(units)]
    assert len(days) == sum(wanted)
    assert days == sorted(days, key=lambda day: day or date.max)
    for day in {day for day in days if day}:
        covered = balance.free + sum(
            s.quantity
            for s in balance.supplies
            if s.due <= day and s.due + timedelta(days=2) >= TODAY
        )
        assert sum(1 for each in days if each and each <= day) <= max(0, covered)


def test_a_supply_that_slips_dates_its_orders_anew_and_keeps_the_first_promise() -> None:
    story = waiting("ship_available")
    first = story.order.group.promise
    story.slipped(14)
    group = story.order.group
    assert group.promise == first
    assert group.present_promise is not None and first is not None
    assert group.present_promise.latest == first.latest + timedelta(days=14)
    assert [revision.reason for revision in group.revisions] == ["supply"]
    told = story.event("promise.revised")
    assert told.data == {
        "group": "g1",
        "latest": group.present_promise.latest.isoformat(),
        "reason": "supply",
    }
    version = story.order.version
    story.slipped(0)
    assert story.order.version == version  # told once


def test_a_supply_that_comes_earlier_changes_no_promise() -> None:
    story = waiting("ship_available")
    (there,) = story.places
    assert not is_news(there, [(1, TODAY)])
    assert redate(story.order, there, [(1, TODAY)], story.facts) is None


def test_without_a_date_a_whole_order_lets_go_of_what_others_wait_for() -> None:
    """Two orders that each hold what the other waits for: the older one gets both."""
    story = waiting("ship_complete")
    (there,) = story.places
    made = redate(story.order, there, [(1, None)], story.facts)
    assert made is not None
    assert all(line.count("backordered") == line.quantity for line in made.order.lines)
    books = after(story.balances, made.moves)
    assert all(balance.reserved == 0 for balance in books.values())
    assert [b.available for b in books.values()] == [b.available for b in story.balances.values()]
    assert made.order.group.present_promise is None


def test_what_a_whole_order_lets_go_of_at_once_fits_into_one_transaction() -> None:
    """It could never be told that nobody knows when, nor could anybody behind it in the queue."""
    story = waiting("ship_complete")
    (there,) = story.places
    mug, tea, _ = story.order.lines
    more = tuple(replace(tea, number=n, sku=f"TEA-{n}") for n in range(10, 91))
    order = replace(story.order, lines=(mug, *more))
    made = redate(order, there, [(1, None)], story.facts)
    assert made is not None
    queues = {(move.sku, move.node) for move in made.moves if move.kind == "backorder"}
    assert len(net(made.moves)) + len(queues) + len(made.events) + 3 <= 100
    assert sum(line.quantity for line in made.order.lines) == mug.quantity + len(more)


@given(st.sampled_from(["ship_complete", "ship_available", "separate_order"]), st.integers(0, 5))
def test_giving_up_a_waiting_order_leaves_nothing_behind(shortage: Shortage, units: int) -> None:
    story = at("placed", shortage=shortage, **(SHORT | {"stock": {MUG: units, **REST}}))
    orders: list[Order] = [story.order]
    placed = story.decisions[-1][0]
    balances_ = story.balances
    if placed.linked:
        orders.append(placed.linked.order)
        balances_ = after(balances_, placed.linked.moves)
    for order in orders:
        balances_ = after(balances_, give_back(order, "cancelled", "reserved", "backordered").moves)
    assert all(b.reserved == b.backordered == 0 for b in balances_.values())
    assert sums(balances_) == {MUG: units, **REST}


def test_a_day_that_is_full_moves_the_promise_and_every_parcel_takes_one_of_a_day() -> None:
    limited = replace(SHOP, nodes=SHOP.nodes | {DC: replace(SHOP.nodes[DC], capacity=1)})
    first = at("placed", shop=limited).order.group
    assert [node for node, _ in first.slots] == [DC]
    draft = at("draft", shop=limited)
    busy = replace(draft.facts, busy=dict.fromkeys(first.slots, 1))
    later = checkout.place(
        draft.order,
        busy,
        Command("again", ""),
        names=(checkout.Names("PW-1", "one"),) * 2,
        expected_total=None,
    )
    assert later.taken == later.order.group.slots != first.slots
    assert later.order.group.promise is not None and first.promise is not None
    assert later.order.group.promise.latest > first.promise.latest
    story = at("placed", shop=limited)
    assert story.cancelled("customer").decisions[-1][0].given == story.order.group.slots


@given(st.sampled_from(["ship_available", "separate_order"]), st.integers(0, 9), st.integers(0, 9))
def test_two_parcels_of_one_checkout_never_count_on_the_same_room(
    shortage: Shortage, days: int, full: int
) -> None:
    limited = replace(SHOP, nodes=SHOP.nodes | {DC: replace(SHOP.nodes[DC], capacity=1)})
    supply = Supply("po-1", TODAY + timedelta(days=days), 5)
    story = at("draft", shop=limited, shortage=shortage, **(SHORT | {"supplies": {MUG: (supply,)}}))
    busy = {(DC, TODAY + timedelta(days=n)): 1 for n in range(full)}
    facts = replace(story.facts, busy=busy)
    names = checkout.Names("PW-1", "one"), checkout.Names("PW-2", "two")
    command = Command("again", "")
    made = checkout.place(story.order, facts, command, names=names, expected_total=None)
    taken = [*made.taken, *(made.linked.taken if made.linked else ())]
    assert len({*taken, *busy}) == len(taken) + len(busy) == 2 + full
    last = made.linked.order.group if made.linked else made.order.group
    assert last.promise is not None and last.promise.latest > max(day for _, day in taken)
    offered = choices(price(story.order, facts), facts)
    assert {o.shortage: o.promises[-1][-1] for o in offered}[shortage] == last.promise


def test_what_another_node_has_by_now_is_taken_from_there_and_the_rest_keeps_its_place() -> None:
    story = waiting("ship_available", basket={"MUG-1": 6})
    (before,) = story.places
    story.balances[("MUG-1", "dc-2")] = Balance("MUG-1", "dc-2", on_hand=9, backordered=6)
    made = elsewhere(story.order, story.facts)
    assert made is not None
    for change in net(made.moves):
        assert allowed(story.balances[change.sku, change.node], change)
    story._apply(made)
    line = story.order.line("MUG-1")
    assert line is not None
    held = {p.node: p.quantity for p in line.portions if p.stage == "reserved"}
    assert held == {DC: 2, "dc-2": 3}  # the other six there are for who waits there
    (left,) = story.places
    assert (left.since, left.quantity) == (before.since, before.quantity - 3)
    assert elsewhere(story.order, story.facts) is None
    assert ready(story.order)


def test_what_is_had_elsewhere_at_once_fits_into_one_transaction() -> None:
    story = waiting("ship_available", basket={"MUG-1": 6})
    (line,) = story.order.lines
    (late,) = [portion for portion in line.portions if portion.stage == "backordered"]
    lines = tuple(replace(line, number=n, sku=f"MUG-{n}", portions=(late,)) for n in range(1, 41))
    there = {("MUG-1", DC): Balance("MUG-1", DC)} | {
        (each.sku, node): Balance(each.sku, node, units)
        for each in lines
        for node, units in ((DC, 0), ("dc-2", 9))
    }
    limited = {node: replace(each, capacity=1) for node, each in SHOP.nodes.items()}
    facts = replace(story.facts, balances=there, shop=replace(SHOP, nodes=limited))
    order, made = replace(story.order, lines=lines), list[Decision]()
    while each := elsewhere(order, facts):
        facts = replace(facts, balances=after(facts.balances, each.moves))
        order = each.order
        made.append(each)
    for each in made:
        queues = {(m.sku, m.node) for m in each.moves if m.kind == "unqueue"}
        days = {*each.taken, *each.given}
        assert len(net(each.moves)) + len(queues) + len(days) + len(each.events) + 2 <= 100
    assert not any(line.count("backordered") for line in order.lines)
    assert {node for node, _ in order.group.slots} == {"dc-2"}  # its day goes where it goes


def test_what_an_order_holds_already_must_fit_into_one_transaction_when_it_is_given_back() -> None:
    story = many(60, 0)
    held = retake(story.order, "reserved", story.balances, SHOP)
    with pytest.raises(Refusal) as refused:
        require_one_transaction((), held.lines, 40)
    assert refused.value.reason is Reason.TOO_MANY_LINES


NEVER = date.max  # as some systems say that they do not know


def test_a_day_at_the_end_of_time_is_one_that_nobody_knows() -> None:
    with pytest.raises(Refusal) as refused:
        waiting("ship_available", supplies={MUG: (Supply("po-1", NEVER, 5),)})
    assert refused.value.facts["lines"][0]["available"] == 2
    with pytest.raises(Refusal):
        waiting(
            "ship_available",
            products=PRODUCTS | {"MUG-1": replace(PRODUCTS["MUG-1"], launch=NEVER)},
        )


@pytest.mark.parametrize("launch", [None, NEVER])
def test_a_supply_or_launch_that_is_put_off_for_ever_leaves_its_orders_without_a_date(
    launch: date | None,
) -> None:
    story = waiting("ship_available")
    (there,) = story.places
    balance = replace(story.balances[MUG], supplies=(Supply("po-1", NEVER, 5),))
    ((place, new),) = dates([there], balance, launch, TODAY)
    assert new == ((1, None),)
    made = redate(story.order, place, new, story.facts)
    assert made is not None and made.order.group.present_promise is None
