"""Parcels that do not get to their store: no unit and no cent is lost with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import astray, delivery, fulfilment, pickup, scheduling
from parcelway.domain.cancellation import Units
from parcelway.domain.dues import payable
from parcelway.domain.ledger import balances
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.progress import public_status
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Checkpoint, Shipment
from parcelway.domain.status import ready
from parcelway.domain.stock import Entry, Supply, allowed, net

from infra.verify.statements import booked, holdings
from tests.domain.test_pickup import (
    ELSEWHERE,
    agrees,
    held,
    send,
    sent_to_store,
)
from tests.orders import CARRIER, PRODUCTS, WAREHOUSE, Story, at

SKUS = ("MUG-1", "TEA-9", "BOOK-3")
AT_BOTH = {**ELSEWHERE, **{(sku, "dc-2"): 10 for sku in SKUS}}


def on_its_way(story: Story) -> Shipment:
    return next(s for s in story.shipments if s.status == "shipped")


def lost(story: Story, then: astray.Then | None = None) -> Story:
    parcel = on_its_way(story)
    made = astray.lost(story.order, story.shipments, parcel, then, "", story.said())
    return story._apply(made)


def came_back(story: Story, *fit: Units, then: astray.Then | None = None) -> Story:
    parcel = on_its_way(story)
    made = astray.came_back(
        story.order, story.shipments, parcel, fit, "damaged", then, "", story.said()
    )
    return story._apply(made)


def sent_again(story: Story) -> Story:
    """The next wave, packed and on its way."""
    wave = story.order.waves + 1
    story._apply(scheduling.schedule(story.order, story.shipments, wave, story.facts))
    for shipment in story.shipments:
        if shipment.wave == wave:
            parcel = f"ACME{wave}"
            story._apply(fulfilment.release(story.order, shipment, story.facts))
            packed = fulfilment.pack(story.order, story.by_id[shipment.id], WAREHOUSE, story.facts)
            story._apply(packed)
            here = story.by_id[shipment.id]
            story._apply(fulfilment.ship(story.order, here, "acme", parcel, WAREHOUSE, story.facts))
    return story


def written_off(story: Story) -> list[Entry]:
    return [made.entry for made, _ in story.decisions if made.entry and made.entry.moves]


def test_what_is_lost_is_written_off_and_sent_again_and_collected() -> None:
    story = send(sent_to_store(ELSEWHERE))
    first = story.order.group.present_promise
    story.now += timedelta(days=4)  # the carrier looks for it
    lost(story)
    assert held(story)["dc-1"] == (24, 0)  # what left is not there, what is promised anew is
    (entry,) = written_off(story)
    assert {(m.kind, m.quantity) for m in entry.moves if m.sku == "MUG-1"} == {("adjust", -3)}
    assert entry.document is not None
    assert (entry.document.reason, entry.document.source) == ("lost", story.order.id)
    (parcel,) = story.shipments
    assert (parcel.status, parcel.astray) == ("cancelled", "lost")
    assert ready(story.order)
    assert agrees(story)
    revised = story.event("promise.revised").data
    assert (revised["reason"], story.order.group.promise) == ("lost_on_its_way", first)
    sent_again(story)
    assert held(story)["dc-1"] == (18, 0)
    receive_last(story)
    make_last_ready(story)
    story.delivered().invoiced().captured().closed()
    assert story.order.state == "closed"
    assert agrees(story)
    assert held(story) == {"dc-1": (18, 0), "store-1": (0, 0)}


def receive_last(story: Story) -> Story:
    return story._apply(pickup.received(story.order, on_its_way(story), WAREHOUSE, story.facts))


def make_last_ready(story: Story) -> Story:
    (shipment,) = (s for s in story.shipments if s.status == "packed")
    return story._apply(pickup.ready(story.order, shipment, WAREHOUSE, story.facts))


def test_what_is_lost_is_in_the_money_books_at_cost() -> None:
    for then in ("send_again", "cancel"):
        story = send(sent_to_store(ELSEWHERE))
        cost = Money(210, "USD")
        story.products = {s: replace(p, unit_cost=cost) for s, p in story.products.items()}
        lost(story, then=then)  # type: ignore[arg-type]
        postings = [each for made, _ in story.decisions for each in made.postings]
        assert balances(postings)["inventory_adjustments"] == 6 * cost.minor


def test_what_comes_back_stays_the_customers() -> None:
    """Though others wait for such goods there, and no other node has any."""
    story = send(sent_to_store(ELSEWHERE))
    queue = {key: replace(b, backordered=50) for key, b in story.balances.items()}
    story.balances = queue
    came_back(story)
    assert not written_off(story)
    assert held(story)["dc-1"] == (30, 0)
    assert [line.count("reserved") for line in story.order.lines] == [
        line.quantity for line in story.order.lines
    ]
    assert agrees(story)
    sent_again(story)
    assert held(story)["dc-1"] == (24, 0)


def test_what_came_back_broken_comes_from_elsewhere() -> None:
    story = send(sent_to_store({**ELSEWHERE, ("MUG-1", "dc-1"): 3, ("MUG-1", "dc-2"): 9}))
    came_back(story, Units("MUG-1", 1))
    (entry,) = written_off(story)
    assert [(m.sku, m.kind, m.quantity) for m in entry.moves] == [("MUG-1", "damage", 2)]
    mugs = story.order.line("MUG-1")
    assert mugs is not None
    assert {(p.node, p.stage, p.quantity) for p in mugs.portions} == {
        ("dc-1", "reserved", 1),
        ("dc-2", "reserved", 2),
    }
    assert agrees(story)


def test_what_nobody_has_waits_its_turn_where_the_customer_chose_to_wait() -> None:
    story = send(sent_to_store({**ELSEWHERE, ("MUG-1", "dc-1"): 3}, "ship_available"))
    due, mugs_there = date(2026, 11, 30), story.balances["MUG-1", "dc-1"]
    expected = (Supply("po", due, 9),)
    story.balances["MUG-1", "dc-1"] = replace(mugs_there, supplies=expected, supplied=1)
    lost(story)
    mugs = story.order.line("MUG-1")
    assert mugs is not None
    assert [(p.stage, p.node, p.due) for p in mugs.portions] == [("backordered", "dc-1", due)]
    assert agrees(story)
    story.received("MUG-1", "dc-1", 3)
    assert all(line.count("reserved") == line.quantity for line in story.order.lines)


def test_what_nobody_has_is_cancelled_where_nobody_waits_and_not_paid() -> None:
    story = send(sent_to_store({**ELSEWHERE, ("MUG-1", "dc-1"): 3}))
    lost(story)
    mugs = story.order.line("MUG-1")
    assert mugs is not None
    assert mugs.count("cancelled") == 3
    assert payable(story.order) == totals(story.order).gross - mugs.net - mugs.tax
    assert story.event("shipment.cancelled").data["lines"] == [{"sku": "MUG-1", "quantity": 3}]
    assert agrees(story)


def test_the_second_parcel_that_fails_is_the_last_unless_people_want_another() -> None:
    for then, state in ((None, "cancelled"), ("send_again", "confirmed")):
        story = sent_again(lost(send(sent_to_store(AT_BOTH))))
        came_back(story, then=then)  # type: ignore[arg-type]
        assert story.order.state == state
        assert agrees(story)
        assert held(story)["dc-1"] == (24, 0)  # the first is gone, the second is back
    with_two = send(sent_to_store(AT_BOTH))
    lost(with_two, then="cancel")
    assert (with_two.order.state, with_two.order.cancel_reason) == ("cancelled", "lost_on_its_way")


def test_parcels_of_one_wave_do_not_count_against_each_other() -> None:
    apart = {
        ("MUG-1", "dc-1"): 1,
        ("MUG-1", "dc-2"): 9,
        ("TEA-9", "dc-2"): 9,
        ("BOOK-3", "dc-1"): 9,
    }
    story = sent_to_store(apart)
    for number, shipment in enumerate(story.shipments):
        made = fulfilment.ship(
            story.order, shipment, "acme", f"ACME{number}", WAREHOUSE, story.facts
        )
        story._apply(made)
    parcels = [shipment.id for shipment in story.shipments]
    assert len(parcels) == 2
    for parcel in parcels:
        made_ = astray.came_back(
            story.order, story.shipments, story.by_id[parcel], (), "lost", None, "", story.said()
        )
        story._apply(made_)
    assert all(line.count("reserved") == line.quantity for line in story.order.lines)


def test_only_what_is_on_its_way_can_go_astray_and_once() -> None:
    story = sent_to_store(ELSEWHERE)
    (packed,) = story.shipments
    with pytest.raises(Refusal) as refused:
        astray.lost(story.order, story.shipments, packed, None, "", story.said())
    assert refused.value.reason is Reason.ILLEGAL_STATE
    send(story)
    with pytest.raises(Refusal) as refused:
        came_back(story, Units("MUG-1", 4))
    assert refused.value.reason is Reason.QUANTITY_MISMATCH
    lost(story)
    (gone,) = story.shipments
    assert astray.lost(story.order, story.shipments, gone, None, "", story.said()) is None
    for late in (
        lambda: pickup.received(story.order, gone, WAREHOUSE, story.facts),
        lambda: astray.came_back(
            story.order, story.shipments, gone, (), "lost", None, "", story.said()
        ),
    ):
        with pytest.raises(Refusal) as refused:
            late()
        assert refused.value.reason is Reason.ILLEGAL_STATE


def told(story: Story, status: str) -> Story:
    (parcel,) = story.shipments
    seen = Checkpoint(f"e-{status}", status, story.now)  # type: ignore[arg-type]
    return story._apply(fulfilment.track(story.order, parcel, seen, CARRIER, story.facts))


def test_what_the_carrier_finds_after_all_is_told_to_people() -> None:
    story = lost(send(sent_to_store(ELSEWHERE)))
    told(told(story, "in_transit"), "delivered")
    assert [alert.code for alert in story.order.alerts] == ["lost_parcel_found"]
    assert story.shipments[0].status == "cancelled"


def test_a_parcel_that_comes_back_asks_for_people_until_it_is_received() -> None:
    story = told(send(sent_to_store(ELSEWHERE)), "returned")
    assert [alert.code for alert in story.order.alerts] == ["returned_to_sender"]
    assert public_status(story.order, story.shipments) == "problem"
    assert came_back(story).order.alerts == ()


@given(st.lists(st.sampled_from(["lost", "back", "cancel", "broken"]), max_size=4))
def test_no_unit_is_lost_however_parcels_go_astray(fates: list[str]) -> None:
    story = send(sent_to_store(AT_BOTH))
    ordered = {line.sku: line.quantity for line in story.order.lines}
    for fate in fates:
        if not any(s.status == "shipped" for s in story.shipments):
            break
        if fate in ("lost", "cancel"):
            parcel = on_its_way(story)
            then = "cancel" if fate == "cancel" else "send_again"
            made = astray.lost(story.order, story.shipments, parcel, then, "", story.said())  # type: ignore[arg-type]
        else:
            first = on_its_way(story).lines[0]
            fit = [Units(first.sku, 0)] if fate == "broken" else []
            made = astray.came_back(
                story.order,
                story.shipments,
                on_its_way(story),
                fit,
                "damaged",
                "send_again",
                "",
                story.said(),
            )
        assert made is not None
        entry = made.entry.moves if made.entry else ()
        assert all(allowed(story.balances[c.sku, c.node], c) for c in net([*made.moves, *entry]))
        story._apply(made)
        assert {line.sku: line.quantity for line in story.order.lines} == ordered
        moves = tuple(move for done, _ in story.decisions for move in done.moves)
        assert holdings(story.order) == booked([Entry("", 1, story.now, moves)])
        if story.order.state == "confirmed":
            sent_again(story)


@pytest.mark.parametrize("articles", [43, 60])
def test_a_parcel_of_many_articles_that_is_lost_can_be_called_off(articles: int) -> None:
    """One transaction has no room to send so many again; the customer gets their money back."""
    skus = [f"S-{number}" for number in range(articles)]
    light = replace(PRODUCTS["MUG-1"], weight_grams=1)
    story = at(
        "draft",
        shop=sent_to_store(ELSEWHERE).shop,
        products={sku: replace(light, sku=sku) for sku in skus},
        basket=dict.fromkeys(skus, 1),
        stock={(sku, "dc-1"): 10 for sku in skus},
    )
    story._apply(delivery.pick_up_at(story.order, "store-1", "fetch", "", story.facts))
    for step in (story.placed, story.confirmed, story.scheduled, story.released, story.packed):
        step()
    send(story)
    lost(story, "cancel")
    assert story.order.state == "cancelled"
