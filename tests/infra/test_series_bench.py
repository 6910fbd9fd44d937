"""Parcels that leave at once: their invoices have every number once, however they race."""

from __future__ import annotations

import pytest

from infra.bench.series import issued
from infra.bench.tables import in_model


@pytest.mark.parametrize("containers", [1, 12])
def test_a_series_has_no_gap_and_no_number_twice(containers: int) -> None:
    run = issued(in_model(), parcels=24, containers=containers)
    assert run.numbers == tuple(range(1, 25))
    assert bool(run.conflicts) == (containers > 1)


def test_the_writer_gives_a_thousand_numbers_a_second() -> None:
    """By the model's clock, in which nothing but reads and transactions takes time."""
    run = issued(in_model(), parcels=96, containers=1, batch=96)
    assert run.numbers == tuple(range(1, 97))
    assert run.rate > 1000
