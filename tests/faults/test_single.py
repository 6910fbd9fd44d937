"""Single faults: all of the shortest scenario, every third of others; `make faults` plays all."""

from __future__ import annotations

import pytest

from infra.faults.explore import Story, play, single_faults
from infra.sim.laboratory import Laboratory

# Of how many faults one is played, and how many histories that is at least.
SCENARIOS = {
    "cancelled": (1, 400),
    "collected": (3, 150),
    "race": (3, 180),
    "kits": (12, 60),
    "disputed": (3, 40),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_single_fault_breaks_a_promise(lab: Laboratory, scenario: str) -> None:
    parts, least = SCENARIOS[scenario]
    count = 0
    for outcome in single_faults(lab, scenario, parts=parts):
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"
        count += 1
    assert count > least


def test_no_single_fault_of_a_credit_note_breaks_a_promise(lab: Laboratory) -> None:
    """Two of finance credit the same goods at once, one of them twice: one credit note."""
    plain = play(lab, Story("credited"))
    faults = [fault for fault in plain.faults if fault[0].function == "BillingFunction"]
    assert len(faults) > 10
    for point, mode in faults:
        outcome = play(lab, Story("credited", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_who_numbers_invoices_breaks_a_promise(lab: Laboratory) -> None:
    """Three parcels leave by one van: their invoices are numbered in one transaction."""
    plain = play(lab, Story("sent together"))
    assert not plain.wrong, plain.wrong
    faults = [fault for fault in plain.faults if fault[0].function == "InvoicingFunction"]
    assert {point.number for point, _ in faults} == {1}
    assert len(faults) > 10
    for point, mode in faults:
        outcome = play(lab, Story("sent together", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_who_serves_queues_breaks_a_promise(lab: Laboratory) -> None:
    """Goods come when the time to pay for them is over; somebody else waits behind."""
    plain = play(lab, Story("overtaken"))
    faults = [fault for fault in plain.faults if fault[0].function == "BackordersFunction"]
    assert len(faults) > 50
    for point, mode in faults[::2]:
        outcome = play(lab, Story("overtaken", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_who_returns_what_a_gift_card_paid_breaks_a_promise(
    lab: Laboratory,
) -> None:
    """Orders that cards paid for are sent, cancelled, never paid: no card loses what is its own."""
    plain = play(lab, Story("gift cards"))
    assert not plain.wrong, plain.wrong
    functions = ("GiftCardsFunction", "PaymentWorkerFunction")
    faults = [fault for fault in plain.faults if fault[0].function in functions]
    assert len(faults) > 50
    for point, mode in faults[::2]:
        outcome = play(lab, Story("gift cards", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_who_finds_what_nobody_told_of_breaks_a_promise(
    lab: Laboratory,
) -> None:
    """Three have paid and no webhook comes: faults of the run that finds it out."""
    plain = play(lab, Story("unheard"))
    assert not plain.wrong, plain.wrong
    faults = [fault for fault in plain.faults if fault[0].function == "ReconcilerFunction"]
    first = [(point, mode) for point, mode in faults if point.what != "invoke"][:45]
    assert {"stripe.PaymentIntentList", "sqs.SendMessage"} <= {point.what for point, _ in first}
    for point, mode in first[::5]:
        outcome = play(lab, Story("unheard", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_a_review_breaks_a_promise(lab: Laboratory) -> None:
    """An order counts on money that the provider does not have any more: faults of the run that
    reviews all, stage by stage, and of the one that goes on with it."""
    plain = play(lab, Story("vanished"))
    assert not plain.wrong, plain.wrong
    faults = [fault for fault in plain.faults if fault[0].function == "ReconcilerFunction"]
    reached = {point.what for point, _ in faults}
    assert {"dynamodb.TransactWriteItems", "dynamodb.Query", "sqs.SendMessage"} <= reached
    assert len(faults) > 60
    for point, mode in faults[::4]:
        outcome = play(lab, Story("vanished", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_a_till_breaks_a_promise(lab: Laboratory) -> None:
    """It says its sale three times, an online order is collected beside it, and one unit is
    credited: sold once, invoiced once, given back once, whatever call fails."""
    plain = play(lab, Story("counter"))
    assert not plain.wrong, plain.wrong
    known = ("CounterFunction", "InvoicingFunction", "CaptureFunction")
    faults = [fault for fault in plain.faults if fault[0].function in known]
    assert len(faults) > 60
    for point, mode in faults[::3]:
        outcome = play(lab, Story("counter", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"


def test_no_single_fault_of_who_imports_orders_breaks_a_promise(lab: Laboratory) -> None:
    """Two send one file at once, and again until they are answered: each good row is one order."""
    plain = play(lab, Story("imported"))
    assert not plain.wrong, plain.wrong
    faults = [fault for fault in plain.faults if fault[0].function == "OrderImportFunction"]
    assert len(faults) > 30
    for point, mode in faults:
        outcome = play(lab, Story("imported", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"
