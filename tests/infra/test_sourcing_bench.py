"""The bench of sourcing on the sample's baskets: the planner is never behind the simpler ways."""

from __future__ import annotations

import pytest

from infra.bench import baskets, sourcing
from infra.bench.sourcing import HIGHEST, NEAREST, PLANNER, Run


@pytest.fixture(scope="module")
def run() -> Run:
    return sourcing.measured(*baskets.from_sample())


@pytest.mark.parametrize("way", [NEAREST, HIGHEST])
def test_the_planner_never_splits_more_and_never_costs_more(run: Run, way: str) -> None:
    """At equal units missing, which they are: all ways can take whatever there is."""
    planned, others = run.outcomes[PLANNER], run.outcomes[way]
    assert len(planned) == len(others) == len(run.seconds) == 260
    for ours, theirs in zip(planned, others, strict=True):
        assert ours.missing == theirs.missing
        assert ours.parcels <= theirs.parcels
        assert sum(ours.costs) <= sum(theirs.costs)
    assert sum(each.parcels for each in planned) < sum(each.parcels for each in others)
    assert sum(sum(each.costs) for each in planned) < sum(sum(each.costs) for each in others)
    assert run.unproven == 0


def test_the_network_makes_the_task_a_real_one(run: Run) -> None:
    """Not all orders come from one node, and not all can be served in full."""
    parcels = {each.parcels for each in run.outcomes[PLANNER]}
    assert {1, 2, 3} <= parcels
    assert any(each.missing for each in run.outcomes[PLANNER])


def test_the_report_has_a_row_for_every_way(run: Run) -> None:
    told = sourcing.report(run, 2013)
    assert "260 baskets of 2,013 articles over 43 nodes; lines: median 5, most 62" in told
    rows = [line for line in told.splitlines() if line.startswith((PLANNER, NEAREST, HIGHEST))]
    missing = {row.split()[-7] for row in rows}
    assert len(rows) == 3
    assert len(missing) == 1
    assert "planning, CPU per order: median" in told


def test_the_stock_is_drawn_the_same_each_time_and_differs_from_node_to_node() -> None:
    articles, _ = baskets.from_sample()
    nodes = list(baskets.network_nodes())
    skus = [article.sku for article in articles]
    one, again, other = (baskets.Shelves(nodes, articles, s).balances(skus) for s in (1, 1, 2))
    assert one == again != other
    held = {node.id: {sku for sku, at in one if at == node.id} for node in nodes}
    assert len({frozenset(skus) for skus in held.values()}) == len(nodes) == 43
