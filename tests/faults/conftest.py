"""One laboratory for all histories of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.faults.people import SHOP
from infra.sim.laboratory import Laboratory, laboratory


@pytest.fixture(scope="package")
def lab() -> Iterator[Laboratory]:
    with laboratory() as made:
        made.load(SHOP)
        yield made
