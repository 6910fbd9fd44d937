"""A look-up reads the same among a thousand customers as among thirty times as many (the bench:
a million), and never more than a page is."""

from __future__ import annotations

import pytest

from infra.bench import finding
from infra.bench.finding import LOOKUPS, Cost

FEW, MANY = 1_000, 30_000
PAGE = 20  # customers on a page
PAGE_UNITS = 3.0  # read units: 20 keys of some 500 bytes, strongly consistent


@pytest.fixture(scope="module")
def found() -> dict[int, list[Cost]]:
    return finding.measured((FEW, MANY))


def test_a_look_up_is_one_query_whoever_many_there_are(found: dict[int, list[Cost]]) -> None:
    for costs in found.values():
        calls = {cost.name: cost.calls for cost in costs}
        # Whose logon it is, and their record.
        assert calls == {name: 2 if name == "logon" else 1 for name, _ in LOOKUPS}


def test_a_look_up_reads_no_more_than_it_shows(found: dict[int, list[Cost]]) -> None:
    few, many = ({cost.name: cost for cost in found[size]} for size in (FEW, MANY))
    for name, cost in many.items():
        assert cost.read <= max(PAGE_UNITS * cost.shown / PAGE, cost.calls), name
        if few[name].shown == cost.shown:
            assert few[name].read == cost.read, name


def test_what_many_have_comes_in_pages_and_the_rest_is_one_customer(
    found: dict[int, list[Cost]],
) -> None:
    shown = {cost.name: (cost.shown, cost.more) for cost in found[MANY]}
    assert shown["family name"] == shown["family name, begun"] == (PAGE, True)
    assert shown["phone"] == shown["e-mail address"] == shown["logon"] == (1, False)
    assert shown["nobody"] == (0, False)
