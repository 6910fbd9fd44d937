"""Whole histories of the simulated provider: repeatable, restorable, and the money adds up."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.sim.stripe.provider import Provider
from infra.sim.stripe.views import Intent
from tests.sim.stripe_calls import draw
from tests.sim.test_stripe_same import Side, Simulated, simulated

START = datetime(2026, 11, 3, 12, tzinfo=UTC)


def _run(seed: int) -> list[tuple[dict[str, str], bytes]]:
    with simulated(multicapture=True) as side:
        assert isinstance(side.other, Simulated)
        side.other.moment = START
        for step in draw(seed):
            side.take(step)
        provider = side.other.provider
        return [provider.signed(event, START) for event in provider.events]


@pytest.mark.parametrize("seed", [3, 5])
def test_the_same_calls_are_the_same_history_to_the_byte(seed: int) -> None:
    assert _run(seed) == _run(seed) != []


@given(seed=st.integers(0, 10_000), cut=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_a_restored_provider_goes_on_as_if_nothing_had_been(seed: int, cut: int) -> None:
    with simulated(multicapture=True) as side:
        world = side.other
        assert isinstance(world, Simulated)
        steps = draw(seed)
        for step in steps[:cut]:
            side.take(step)
        kept, moment, number = world.provider.snapshot(), world.moment, next(world.numbers)
        known = Side(side.sdk, world, [*side.intents], {**side.secrets}, [*side.refunds])
        runs = []
        world.numbers = itertools.count(number)
        for run, restored in ((side, False), (known, True)):
            if restored:
                world.provider.restore(kept)
                world.moment, world.numbers = moment, itertools.count(number)
            outcomes = [run.take(step) for step in steps[cut:]]
            truth = [world.provider.intents_of(f"ord_{number}") for number in range(3)]
            runs.append((outcomes, truth, world.provider.events))
        assert runs[0] == runs[1]


@given(seed=st.integers(0, 10_000), multicapture=st.booleans())
@settings(max_examples=15, deadline=None)
def test_no_sequence_of_calls_makes_or_loses_money(seed: int, multicapture: bool) -> None:
    with simulated(multicapture) as side:
        assert isinstance(side.other, Simulated)
        for step in draw(seed):
            side.take(step)
        provider = side.other.provider
        for order in ("ord_0", "ord_1", "ord_2"):
            for intent in provider.intents_of(order):
                _check(intent, multicapture, provider)


def _check(intent: Intent, multicapture: bool, provider: Provider) -> None:
    assert intent.captured == sum(intent.captures) <= intent.amount
    assert intent.refunded == sum(intent.refunds) <= intent.captured
    assert intent.captured + intent.capturable <= intent.amount
    assert (intent.capturable > 0) <= (intent.status == "requires_capture")
    assert (intent.status == "succeeded") <= (intent.captured > 0)
    assert (intent.status == "canceled") <= (intent.captured == 0)
    assert multicapture or len(intent.captures) <= 1
    ours = [
        event
        for event in provider.events
        if intent.reference in (event.object["id"], event.object.get("payment_intent"))
    ]
    last = [event.object for event in ours if event.object["object"] == "payment_intent"][-1]
    assert last["status"] == intent.status or intent.status == "requires_confirmation"
    types = [event.type for event in ours]
    assert types.count("payment_intent.created") == 1
    assert types.count("payment_intent.succeeded") == (intent.status == "succeeded")
    assert types.count("charge.refunded") >= len(intent.refunds)
