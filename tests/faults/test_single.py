"""Every single fault at every point. The longer scenarios are played by `make faults` only."""

from __future__ import annotations

import pytest

from infra.faults.explore import Story, play, single_faults
from infra.sim.laboratory import Laboratory


@pytest.mark.parametrize("scenario", ["cancelled", "collected", "race"])
def test_no_single_fault_breaks_a_promise(lab: Laboratory, scenario: str) -> None:
    count = 0
    for outcome in single_faults(lab, scenario):
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"
        count += 1
    assert count > 300


def test_no_single_fault_of_who_serves_queues_breaks_a_promise(lab: Laboratory) -> None:
    """Goods come when the time to pay for them is over; somebody else waits behind."""
    plain = play(lab, Story("overtaken"))
    faults = [fault for fault in plain.faults if fault[0].function == "BackordersFunction"]
    assert len(faults) > 50
    for point, mode in faults:
        outcome = play(lab, Story("overtaken", plan={point: mode}))
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"
