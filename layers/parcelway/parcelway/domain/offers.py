"""What each node could give to an order at what cost: the table that a sourcing plan is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from parcelway.domain.cover import cover
from parcelway.domain.geo import Point, metres
from parcelway.domain.shop import Node, SourcingRules
from parcelway.domain.stock import Balance
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Offers:
    """The SKUs and units that are `wanted`, and by node what it has of them.

    `free` is what a node has beyond what it is to keep back. `costs` are of a parcel from there, in
    minor units, `away` metres; both are 0 for nodes that send one anyway, the `sending`.
    Nodes are in the order of preference.
    """

    skus: tuple[str, ...]
    wanted: tuple[int, ...]
    has: Mapping[str, Sequence[int]]
    free: Mapping[str, Sequence[int]]
    costs: Mapping[str, int]
    away: Mapping[str, int]
    sending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The nodes that give: those sending anyway, then the `chosen`.

    `keeping`: all of them are left with what they are to keep back. `proven`: none is better.
    """

    chosen: tuple[str, ...]
    keeping: bool
    proven: bool


def offers(
    wanted: Mapping[str, int],
    stock: Mapping[tuple[str, str], Balance],
    nodes: Sequence[Node],
    destination: Point | None,
    rules: SourcingRules,
    sending: Collection[str],
) -> Offers:
    """What `nodes` have of what is wanted (units by SKU)."""
    has: dict[str, list[int]] = {}
    free: dict[str, list[int]] = {}
    costs: dict[str, int] = {}
    away: dict[str, int] = {}
    for node in nodes:
        balances = [stock.get((sku, node.id)) for sku in wanted]
        mine = has[node.id] = [max(0, b.available) if b else 0 for b in balances]
        keep = node.keep_back
        free[node.id] = [max(0, units - keep) for units in mine] if keep else mine
        there = destination is not None and node.id not in sending
        far = metres((node.latitude, node.longitude), destination) if there and destination else 0
        away[node.id] = far
        by_distance = (far * rules.cost_per_100_km + 50_000) // 100_000
        costs[node.id] = 0 if node.id in sending else node.parcel_cost + by_distance
    anyway = tuple(node.id for node in nodes if node.id in sending)
    return Offers(tuple(wanted), tuple(wanted.values()), has, free, costs, away, anyway)


def choose(table: Offers, most: int | None) -> Choice:
    """The best nodes beside those that send anyway: at most `most`.

    What is to be kept back is a wish: it is kept where that leaves no more units missing and takes
    no more parcels.
    """
    others = [node for node in table.has if node not in table.sending]
    weights = [(table.costs[node], table.away[node]) for node in others]
    left = rest(table.wanted, table.has, table.sending)
    found = cover(left, [table.has[node] for node in others], weights, most)
    keeping, proven = table.free == table.has, found.proven
    if not keeping:
        left = rest(table.wanted, table.free, table.sending)
        size = len(found.chosen)
        kept = cover(left, [table.free[node] for node in others], weights, size)
        if (kept.missing, len(kept.chosen)) == (found.missing, size):
            found, keeping = kept, True
        proven = proven and kept.proven
    return Choice(tuple(others[j] for j in found.chosen), keeping, proven)


def rest(
    wanted: Sequence[int], units: Mapping[str, Sequence[int]], nodes: Collection[str]
) -> list[int]:
    """What is still wanted after `nodes` gave what they can of `units`."""
    left = list(wanted)
    for node in nodes:
        left = [max(0, want - have) for want, have in zip(left, units[node], strict=True)]
    return left


def share_out(table: Offers, chosen: Sequence[str]) -> dict[str, dict[str, int]]:
    """Units per SKU and node: what the nodes that send and the chosen ones give.

    Of each SKU the first node that can give all without touching what it is to keep back; else what
    the others have beyond that, then what they were to keep, from as few of them as can be.
    """
    serving = [node for node in table.has if node in table.sending or node in chosen]
    shared: dict[str, dict[str, int]] = {}
    for i, sku in enumerate(table.skus):
        left, given = table.wanted[i], dict[str, int]()
        for units in (table.free, table.has):
            can = {node: units[node][i] - given.get(node, 0) for node in serving}
            whole = [node for node in serving if can[node] >= left]
            most_first = sorted(serving, key=lambda n: (n not in given, -can[n]))
            for node in whole[:1] or most_first:
                if taken := min(left, can[node]):
                    given[node] = given.get(node, 0) + taken
                    left -= taken
        shared[sku] = given
    return shared
