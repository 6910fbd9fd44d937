"""A request costs the same among a hundred orders as among ten thousand (`make bench`: 100,000)."""

from __future__ import annotations

import pytest

from infra.bench import growth
from infra.bench.growth import Cost

FEW, MANY = 100, 10_000


@pytest.fixture(scope="module")
def found() -> dict[int, list[Cost]]:
    return growth.measured((FEW, MANY), runs=1)


def test_calls_and_units_of_every_request_stay_the_same(found: dict[int, list[Cost]]) -> None:
    few, many = (
        {cost.name: (cost.calls, cost.read, cost.write) for cost in found[size]}
        for size in (FEW, MANY)
    )
    assert few == many


def test_the_requests_are_those_of_a_whole_order(found: dict[int, list[Cost]]) -> None:
    names = {cost.name for cost in found[FEW]}
    assert {"add line 1", "show cart", "checkout", "step schedule", "ship", "track"} <= names
    assert all(cost.calls for cost in found[FEW] if cost.name == "checkout")


def test_checkout_asks_once_more_whether_it_is_a_members_first_order(
    found: dict[int, list[Cost]],
) -> None:
    """The sample shop offers something for that; without, or for a guest, there are three calls
    (tests/functions/test_checkout.py)."""
    (checkout,) = (cost for cost in found[MANY] if cost.name == "checkout")
    assert checkout.calls == 3 + 1
