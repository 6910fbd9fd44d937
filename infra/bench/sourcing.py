"""Sourcing measured: real baskets planned over 43 nodes, against two simpler ways to do it.

    python -m infra.bench.sourcing [--baskets 10000]        (needs the dependency group `bench`)

The articles are all 92,331 of the source; `baskets.py` tells what is real and what is drawn. Every
basket finds the same stock, so that the ways can be compared on it. The planning time is CPU of
this thread, from the balances to the plan with a reason for every node.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from parcelway.domain.geo import locate, metres
from parcelway.domain.order import DeliveryGroup
from parcelway.domain.shop import Node, Settings, Shop, SourcingRules
from parcelway.domain.sourcing import Need, candidates, source
from parcelway.domain.stock import Balance
from parcelway.store.codec import decode

from infra.bench import baskets as inputs
from infra.bench.baskets import Article, Basket
from infra.bench.text import table
from infra.sample import network

SEED = 1
# What a parcel costs more for 100 km, in cents: beyond the zones of a parcel carrier's tariff.
COST_PER_100_KM = 12
PLANNER, NEAREST, HIGHEST = "planner", "nearest first", "highest stock first"
_Stock = Mapping[tuple[str, str], Balance]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One basket as one way serves it: units missing, and per parcel its cost and distance."""

    missing: int
    costs: tuple[int, ...]
    metres: tuple[int, ...]

    @property
    def parcels(self) -> int:
        """Nodes that send something."""
        return len(self.costs)


@dataclass(slots=True)
class Run:
    """What became of every basket, by way, and what planning took (seconds of CPU)."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unproven: int = 0


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.sourcing", description=__doc__)
    parser.add_argument("--baskets", type=int, default=10_000)
    asked = parser.parse_args(argv)
    articles, baskets = inputs.from_source(asked.baskets)
    print(report(measured(articles, baskets), len(articles)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory, the source's tables included: {peak:,.0f} MB")


def sample_shop() -> Shop:
    """The sample's settings with the network's nodes and the postal areas."""
    settings = json.loads((network.SAMPLE / "shop.json").read_text(encoding="utf-8"))
    rules = {"sourcing": {"cost_per_100_km": COST_PER_100_KM}}
    nodes = {node.id: node for node in inputs.network_nodes()}
    return Shop(decode(Settings, settings | rules), nodes, {}, inputs.sample_places())


def measured(articles: Sequence[Article], baskets: Sequence[Basket], seed: int = SEED) -> Run:
    """Plan every basket in every way."""
    shop = sample_shop()
    nodes = list(shop.nodes.values())
    shelves = inputs.Shelves(nodes, articles, seed)
    homes = inputs.Homes(nodes, dict(shop.places))
    run = Run({way: [] for way in (PLANNER, NEAREST, HIGHEST)})
    for basket in baskets:
        group = DeliveryGroup("g1", "delivery", homes.of(basket.household))
        stock = shelves.balances([sku for sku, _ in basket.units])
        needs = [Need(line, sku, units) for line, (sku, units) in enumerate(basket.units, start=1)]
        start = time.thread_time()
        planned = source(group, needs, stock, shop)
        run.seconds.append(time.thread_time() - start)
        run.lines.append(len(needs))
        run.unproven += not planned.proven
        best_first = candidates(group, shop.nodes, places=shop.places)
        for way, short, used in (
            (PLANNER, sum(planned.short.values()), planned.nodes),
            (NEAREST, *nearest_first(needs, stock, best_first)),
            (HIGHEST, *highest_first(needs, stock, best_first)),
        ):
            run.outcomes[way].append(_outcome(short, used, group, shop))
    return run


def nearest_first(
    needs: Sequence[Need], stock: _Stock, nodes: Sequence[Node]
) -> tuple[int, list[str]]:
    """The nearest node that has everything; when none has, node by node from the nearest on.

    `nodes` are the nearest first. Units missing, and the nodes used; so in the other way.
    """
    for node in nodes:
        if all(_available(stock, need.sku, node) >= need.quantity for need in needs):
            return 0, [node.id]
    left = {need.sku: need.quantity for need in needs}
    used = []
    for node in nodes:
        given = {sku: min(units, _available(stock, sku, node)) for sku, units in left.items()}
        if any(given.values()):
            used.append(node.id)
            left = {sku: units - given[sku] for sku, units in left.items()}
    return sum(left.values()), used


def highest_first(
    needs: Sequence[Need], stock: _Stock, nodes: Sequence[Node]
) -> tuple[int, list[str]]:
    """Every line from the node that has most of it, of those the nearest."""
    missing, used = 0, dict[str, None]()
    for need in needs:
        left = need.quantity
        for node in sorted(nodes, key=lambda n: -_available(stock, need.sku, n)):
            if taken := min(left, _available(stock, need.sku, node)):
                used[node.id] = None
                left -= taken
        missing += left
    return missing, list(used)


def _available(stock: _Stock, sku: str, node: Node) -> int:
    balance = stock.get((sku, node.id))
    return balance.available if balance else 0


def _outcome(missing: int, used: Sequence[str], group: DeliveryGroup, shop: Shop) -> Outcome:
    here = locate(group.address, shop.places)
    assert here is not None
    nodes = [shop.nodes[node] for node in used]
    away = [metres((node.latitude, node.longitude), here) for node in nodes]
    rules: SourcingRules = shop.settings.sourcing
    costs = [
        node.parcel_cost + (far * rules.cost_per_100_km + 50_000) // 100_000
        for node, far in zip(nodes, away, strict=True)
    ]
    return Outcome(missing, tuple(costs), tuple(away))


def report(run: Run, articles: int) -> str:
    """All of it as text."""
    head = ("way", "missing", "split", "parcels", "km a parcel", "cost an order", "more", "dearer")
    ms = sorted(seconds * 1000 for seconds in run.seconds)
    return "\n".join(
        [
            f"{len(ms):,} baskets of {articles:,} articles over {len(sample_shop().nodes)} nodes; "
            f"lines: median {statistics.median(run.lines):.0f}, most {max(run.lines)}",
            "",
            table(head, list(_rows(run))),
            "",
            "missing: of all units. split: orders of more than one parcel, of those with any.",
            "more, dearer: orders that the planner sends in more parcels, or at a higher cost.",
            f"planning, CPU per order: median {statistics.median(ms):.2f} ms, "
            f"p99 {ms[int(len(ms) * 0.99)]:.2f} ms, most {ms[-1]:.2f} ms; "
            f"not proven best: {run.unproven}",
        ]
    )


def _rows(run: Run) -> Iterator[tuple[str, ...]]:
    for way, outcomes in run.outcomes.items():
        served = [each for each in outcomes if each.parcels]
        away = [far for each in served for far in each.metres]
        pairs = list(zip(run.outcomes[PLANNER], outcomes, strict=True))
        more = sum(planned.parcels > each.parcels for planned, each in pairs)
        dearer = sum(sum(planned.costs) > sum(each.costs) for planned, each in pairs)
        yield (
            way,
            f"{sum(each.missing for each in outcomes):,}",
            f"{sum(each.parcels > 1 for each in served) / len(served):.1%}",
            f"{statistics.fmean(each.parcels for each in served):.3f}",
            f"{statistics.fmean(away) / 1000:,.0f}",
            f"${statistics.fmean(sum(each.costs) for each in served) / 100:,.2f}",
            f"{more:,}",
            f"{dearer:,}",
        )


if __name__ == "__main__":
    main()
