"""What is to be paid, taken and given back, however an order is cut, cancelled and paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cancellation, scheduling
from parcelway.domain.cancellation import Units, cancel_units, give_up
from parcelway.domain.capturing import Step, next_step, owed
from parcelway.domain.dues import (
    cancelled_value,
    card_forgotten,
    pay_until,
    payable,
    to_forget,
    to_pay,
    unsecured,
)
from parcelway.domain.lapsing import BEFORE_LAPSE
from parcelway.domain.money import Money, total
from parcelway.domain.order import PAYMENT_LOST, Order, totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Supply

from tests.orders import SPLIT_STOCK, START, THREE_WAYS, Story, at

MUG = ("MUG-1", "dc-1")
SOON = (START + timedelta(days=14)).date()
# Two of five mugs are there.
SHORT: dict[str, Any] = {
    "basket": {"MUG-1": 5, "TEA-9": 3, "BOOK-3": 2},
    "stock": {MUG: 2, ("TEA-9", "dc-1"): 9, ("BOOK-3", "dc-1"): 9},
    "supplies": {MUG: (Supply("po-1", SOON, 9),)},
    "shortage": "ship_available",
}
SKUS = ("MUG-1", "TEA-9", "BOOK-3")


def cancels(story: Story, *wanted: tuple[str, int]) -> Story:
    units = [Units(sku, quantity) for sku, quantity in wanted]
    made = cancel_units(story.order, story.shipments, units, "customer", SYSTEM, story.now)
    return story._apply(made)


def invoiced(story: Story) -> Money:
    return total((invoice.gross for invoice in story.invoices), "USD")


def finish(story: Story) -> None:
    """Everything that is left comes, is sent and invoiced."""
    story.received(*MUG, 9)
    if any(line.count("reserved") for line in story.order.lines):
        wave = story.order.waves + 1
        story._apply(scheduling.schedule(story.order, story.shipments, wave, story.facts))
    for status, step in (
        ("scheduled", Story.released),
        ("released", Story.packed),
        ("packed", Story.shipped),
    ):
        known = story.by_id
        story.by_id = {id: s for id, s in known.items() if s.status == status}
        step(story)
        story.by_id = known | story.by_id
    story.invoiced()


CANCEL = st.tuples(st.sampled_from(SKUS), st.integers(1, 3))
ORDERS = st.sampled_from([SHORT, {"stock": SPLIT_STOCK}, {"basket": SHORT["basket"]}])


@given(ORDERS, st.lists(st.none() | CANCEL, max_size=9))
def test_what_was_invoiced_and_what_was_cancelled_is_the_total_to_the_cent(
    options: dict[str, Any], history: list[tuple[str, int] | None]
) -> None:
    """Whatever is cancelled, in whatever steps, before and after part of it has left (None: it goes
    on)."""
    story = at("confirmed", **options)
    gross = totals(story.order).gross
    steps = [Story.scheduled, Story.released, Story.packed, Story.shipped, Story.invoiced]
    for wanted in history:
        if story.order.state == "cancelled":
            return
        if wanted is None and steps:
            steps.pop(0)(story)
        elif wanted is not None:
            before = payable(story.order)
            try:
                cancels(story, wanted)
            except Refusal as refusal:
                assert refusal.reason in (Reason.TOO_LATE, Reason.QUANTITY_MISMATCH)
            else:
                assert payable(story.order) <= before
    if story.order.state == "cancelled":
        return
    finish(story)
    assert invoiced(story) == payable(story.order)
    assert invoiced(story).minor + story.order.cancelled_gross == gross.minor
    assert story.order.cancelled_gross == cancelled_value(story.order, story.shipments).minor


def test_units_that_wait_are_cancelled_before_those_that_are_there() -> None:
    story = cancels(at("scheduled", **SHORT), ("MUG-1", 2))
    line = story.order.line("MUG-1")
    assert line is not None
    assert (line.count("allocated"), line.count("backordered"), line.count("cancelled")) == (
        2,
        1,
        2,
    )
    cancels(story, ("MUG-1", 2))
    line = story.order.line("MUG-1")
    assert line is not None
    assert (line.count("allocated"), line.count("cancelled")) == (1, 4)
    (shipment,) = story.shipments
    assert shipment.contents[line.number] == 1
    assert (story.balances[MUG].allocated, story.balances[MUG].backordered) == (1, 0)


def test_what_is_packed_or_gone_cannot_be_cancelled_and_nothing_changes() -> None:
    story = at("packed", **SHORT)
    before = story.order
    with pytest.raises(Refusal) as refused:
        cancels(story, ("MUG-1", 4))  # three wait, two are packed
    assert refused.value.reason is Reason.TOO_LATE
    assert story.order == before
    cancels(story, ("MUG-1", 3))
    assert not story.places


@pytest.mark.parametrize("wanted", [("MUG-1", 6), ("MUG-1", 0), ("MUG-1", -1), ("NO-1", 1)])
def test_units_that_the_order_has_not_are_refused(wanted: tuple[str, int]) -> None:
    with pytest.raises(Refusal) as refused:
        cancels(at("confirmed", **SHORT), wanted)
    assert refused.value.reason is Reason.QUANTITY_MISMATCH


def test_a_sku_that_is_named_twice_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        cancels(at("confirmed", **SHORT), ("MUG-1", 1), ("MUG-1", 1))
    assert (refused.value.reason, refused.value.pointer) == (
        Reason.QUANTITY_MISMATCH,
        "/lines/1/sku",
    )


def test_an_order_of_which_nothing_is_left_is_cancelled() -> None:
    story = cancels(at("confirmed", **SHORT), ("MUG-1", 5), ("TEA-9", 3), ("BOOK-3", 2))
    assert story.order.state == "cancelled"


def test_the_charge_of_a_delivery_goes_with_the_last_of_its_units() -> None:
    story = Story()
    story.filled().divided(*THREE_WAYS).placed().confirmed()
    away = story.order.groups[1]
    assert away.charge_net and away.charge_tax is not None
    shares = [line.share(away.id) for line in story.order.lines if line.units(away.id)]
    bears = total((share.net + share.tax for share in shares), "USD")
    story.scheduled()
    (theirs,) = (s for s in story.shipments if s.group == away.id)
    made = cancellation.cancel_shipment(
        story.order, story.shipments, theirs, "test", SYSTEM, story.now
    )
    story._apply(made)
    whole = bears + away.charge_net + away.charge_tax
    assert story.order.cancelled_gross == whole.minor
    finish(story)
    assert invoiced(story) == payable(story.order)


def test_a_rejected_shipment_of_what_nobody_has_takes_its_share_off_the_total() -> None:
    story = at("released", stock=SPLIT_STOCK)
    for shipment in story.shipments:
        story.balances |= {
            key: replace(b, on_hand=b.allocated) for key, b in story.balances.items()
        }
        if shipment.node == "dc-2":
            story.by_id = {shipment.id: shipment} | story.by_id
    story.rejected("other")
    assert story.order.cancelled_gross > 0
    assert story.order.cancelled_gross == cancelled_value(story.order, story.shipments).minor


# ---- what to do with the payments


def credited(story: Story, minor: int) -> Order:
    """The order with credit notes of so much."""
    return replace(story.order, credited=minor, invoiced=story.order.invoiced - minor)


def held(story: Story, **changes: Any) -> GatewayPayment:
    """The order's payment with everything held."""
    gross, nothing = totals(story.order).gross, Money(0, "USD")
    payment = GatewayPayment(
        "pi_1", story.order.id, 1, "authorized", gross, gross, nothing, nothing
    )
    return replace(payment, **changes)


def after(payment: GatewayPayment, step: Step) -> GatewayPayment:
    """The payment after the provider did a step, as Stripe does it."""
    if step.action == "void":
        assert not payment.captured
        return replace(payment, status="voided", authorized=Money(0, "USD"))
    if step.action == "refund":
        back = payment.refunded + step.amount
        assert back <= payment.captured
        return replace(payment, refunded=back)
    taken = payment.captured + step.amount
    assert payment.status == "authorized" and taken <= payment.authorized
    if step.final or taken == payment.authorized:
        return replace(payment, status="captured", authorized=taken, captured=taken)
    assert payment.multicapture
    return replace(payment, captured=taken)


def steps(story: Story, *seen: GatewayPayment) -> tuple[list[GatewayPayment], list[Step]]:
    """All the steps that are to be done now."""
    now, done = list(seen), list[Step]()
    while step := next_step(story.order, story.shipments, story.invoices, now, story.now):
        done.append(step)
        assert len(done) < 9
        now = [after(p, step) if p.reference == step.reference else p for p in now]
    return now, done


def test_every_parcel_is_paid_from_the_hold_and_the_last_one_releases_the_rest() -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    story._apply(story._issue(story.shipments[0]))
    (payment,), (first,) = steps(story, held(story, multicapture=True))
    assert (first.amount, first.final) == (story.invoices[0].gross, False)
    story.invoiced()
    (payment,), (last,) = steps(story, payment)
    assert (last.amount, last.final) == (story.invoices[1].gross, True)
    assert payment.captured == totals(story.order).gross


def test_a_hold_for_one_capture_waits_for_parcels_but_not_for_goods() -> None:
    two = at("shipped", stock=SPLIT_STOCK)
    two._apply(two._issue(two.shipments[0]))
    assert steps(two, held(two))[1] == []
    short = at("invoiced", **SHORT)
    (payment,), (step,) = steps(short, held(short))
    assert (step.amount, step.final) == (invoiced(short), True)
    short.pays("captured", authorized=payment.captured.minor, captured=payment.captured.minor)
    assert to_pay(short.order) == totals(short.order).gross - invoiced(short)
    assert not short.order.holds
    short.received(*MUG, 9)
    assert [hold.code for hold in short.order.holds] == [PAYMENT_LOST]


def test_a_hold_that_is_about_to_lapse_is_taken_from_while_it_lasts() -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    story._apply(story._issue(story.shipments[0]))
    lapses = story.now + BEFORE_LAPSE
    assert steps(story, held(story, capture_before=lapses + timedelta(minutes=1)))[1] == []
    (step,) = steps(story, held(story, capture_before=lapses))[1]
    assert (step.amount, step.final) == (story.invoices[0].gross, True)


def test_what_is_cancelled_is_never_taken_and_what_was_taken_for_it_goes_back() -> None:
    story = at("invoiced", **SHORT)
    cancels(story, ("MUG-1", 3))
    assert steps(story, held(story))[0][0].captured == payable(story.order)
    gross = totals(story.order).gross
    taken = held(story, status="captured", captured=gross)  # by hand, in the dashboard
    (payment,), (back,) = steps(story, taken)
    assert back.amount.minor == story.order.cancelled_gross
    assert payment.captured - payment.refunded == payable(story.order)


def test_what_was_credited_before_it_was_taken_is_not_taken_and_after_that_is_given_back() -> None:
    story = at("invoiced")
    order, gross = credited(story, 500), totals(story.order).gross
    step = next_step(order, story.shipments, story.invoices, [held(story)], story.now)
    assert step is not None and step.amount.minor == gross.minor - 500
    taken = held(story, status="captured", captured=gross)
    step = next_step(order, story.shipments, story.invoices, [taken], story.now)
    assert step == Step("refund", "pi_1", Money(500, "USD"), "refund:from:0")


def test_what_is_credited_goes_back_although_other_units_are_still_to_be_paid() -> None:
    story = at("invoiced", **SHORT)
    (payment,), _ = steps(story, held(story, multicapture=True))
    assert payment.captured == invoiced(story) and payment.status == "authorized"
    order = credited(story, 500)
    step = next_step(order, story.shipments, story.invoices, [payment], story.now)
    assert step == Step("refund", "pi_1", Money(500, "USD"), "refund:from:0")


def test_what_was_taken_in_advance_stays_until_its_units_are_cancelled() -> None:
    story = at("invoiced", **SHORT)
    gross = totals(story.order).gross
    whole = held(story, status="captured", captured=gross)  # by hand, in the dashboard
    assert steps(story, whole)[1] == []
    order = credited(story, 500)
    step = next_step(order, story.shipments, story.invoices, [whole], story.now)
    assert step == Step("refund", "pi_1", Money(500, "USD"), "refund:from:0")


def test_what_a_bank_took_back_is_not_given_back_again() -> None:
    story = at("invoiced")
    gross = totals(story.order).gross
    order = replace(credited(story, 500), charged_back=gross.minor)
    taken = held(story, status="captured", captured=gross)
    assert next_step(order, story.shipments, story.invoices, [taken], story.now) is None


def test_what_went_back_for_a_credit_note_is_asked_for_again_with_the_rest_when_a_hold_lapses() -> (
    None
):
    """But not what somebody gave back without one."""
    story = at("invoiced", **SHORT)
    part = invoiced(story).minor
    story.pays("authorized", captured=part)
    order = replace(credited(story, 500), refunded=500, secured=part)  # the rest has lapsed
    rest = totals(order).gross.minor - part
    assert to_pay(order).minor == rest  # the 500 are neither owed nor kept
    assert to_pay(replace(order, refunded=800)).minor == rest


def test_what_nobody_pays_anew_is_cancelled_but_not_what_has_left() -> None:
    story = at("invoiced", **SHORT)
    part = invoiced(story).minor
    story.pays("captured", authorized=part, captured=part).received(*MUG, 9)
    until = pay_until(story.order)
    assert until is not None
    early = give_up(story.order, story.shipments, until - timedelta(seconds=1))
    assert early is None
    story._apply(give_up(story.order, story.shipments, until))
    line = story.order.line("MUG-1")
    assert line is not None
    assert (line.count("shipped"), line.count("cancelled")) == (2, 3)
    assert (story.order.holds, to_pay(story.order).minor) == ((), 0)
    assert give_up(story.order, story.shipments, until) is None


def test_money_given_back_by_hand_is_not_taken_again() -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    story._apply(story._issue(story.shipments[0]))
    (payment,), _ = steps(story, held(story, multicapture=True))
    payment = replace(payment, refunded=Money(300, "USD"))
    story.invoiced()
    assert owed(story.order, story.invoices, [payment]) == story.invoices[1].gross


def test_money_comes_from_the_oldest_payment_and_goes_back_to_the_youngest() -> None:
    story = at("invoiced")
    gross = totals(story.order).gross
    part = Money(1000, "USD")
    first = held(story, amount=part, authorized=part)
    second = held(story, reference="pi_2", attempt=2, amount=gross - part, authorized=gross - part)
    seen, done = steps(story, first, second)
    assert [(step.reference, step.amount) for step in done] == [
        ("pi_1", part),
        ("pi_2", gross - part),
    ]
    order = credited(story, gross.minor - 400)
    step = next_step(order, story.shipments, story.invoices, seen, story.now)
    assert step == Step("refund", "pi_2", gross - part, "refund:from:0")
    seen[1] = after(seen[1], step)
    step = next_step(order, story.shipments, story.invoices, seen, story.now)
    assert step == Step("refund", "pi_1", Money(600, "USD"), "refund:from:0")


def test_a_hold_of_which_nothing_is_needed_any_more_is_given_up() -> None:
    story = at("invoiced")
    gross = totals(story.order).gross
    paid = held(story, status="captured", captured=gross)
    spare = held(story, reference="pi_2", attempt=2)
    assert steps(story, paid, spare)[1] == [Step("void", "pi_2", Money(0, "USD"), "unused")]


@pytest.mark.parametrize("status", ["awaiting_customer", "authorized", "captured", "voided"])
def test_a_kept_card_is_of_use_until_the_order_is_over_and_no_longer(status: Any) -> None:
    story = at("confirmed")
    assert story.seen is not None
    seen = replace(story.seen, status=status, keeps_card=True)
    order = replace(story.order, card=seen.reference)
    assert not to_forget(order, seen)
    other = replace(seen, reference="pi_other")  # it is not the one that would be charged
    assert to_forget(order, other) == (status != "awaiting_customer")
    for state in ("closed", "cancelled", "expired"):
        over = replace(order, state=state)  # type: ignore[arg-type]
        assert to_forget(over, seen)
        assert not to_forget(over, replace(seen, keeps_card=False))
        forgotten = card_forgotten(over, story.now)
        assert forgotten is not None and card_forgotten(forgotten.order, story.now) is None
    assert card_forgotten(order, story.now) is None


@given(
    invoiced=st.integers(0, 500),
    secured=st.integers(0, 500),
    refunded=st.integers(0, 100),
    credited=st.integers(0, 100),
)
def test_what_was_sent_is_unsecured_by_what_no_money_is_left_for(
    invoiced: int, secured: int, refunded: int, credited: int
) -> None:
    """Of money that went back only what was credited pays for nothing any more."""
    whole = totals(at("shipped").order).gross.minor
    order = replace(
        at("shipped").order,
        invoiced=min(invoiced, whole - credited),
        secured=secured,
        refunded=min(refunded, secured),
        credited=credited,
    )
    pays = secured - min(order.refunded, credited)
    assert unsecured(order) == (order.invoiced > pays)
    assert not unsecured(replace(order, state="closed"))
