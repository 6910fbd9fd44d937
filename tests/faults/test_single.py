"""Every single fault at every point. The longer scenarios are played by `make faults` only."""

from __future__ import annotations

import pytest

from infra.faults.explore import single_faults
from infra.sim.laboratory import Laboratory


@pytest.mark.parametrize("scenario", ["cancelled", "collected", "race"])
def test_no_single_fault_breaks_a_promise(lab: Laboratory, scenario: str) -> None:
    count = 0
    for outcome in single_faults(lab, scenario):
        assert not outcome.wrong, f"{outcome.story}: {outcome.wrong}"
        count += 1
    assert count > 300
