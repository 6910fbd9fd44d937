"""Several faults, interleaved handlers, webhooks three times, clocks that differ, stale reads."""

from __future__ import annotations

import pytest

from infra.faults.explore import play, random_story, shortest
from infra.sim.laboratory import Laboratory

HISTORIES, A_TEST = 200, 25


@pytest.mark.parametrize("first", range(0, HISTORIES, A_TEST))
def test_every_promise_holds(lab: Laboratory, first: int) -> None:
    for seed in range(first, first + A_TEST):
        outcome = play(lab, random_story(seed))
        if outcome.wrong:
            simplest = shortest(lab, outcome)
            pytest.fail(f"seed {seed}: {simplest.story}: {simplest.wrong}")
