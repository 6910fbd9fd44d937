"""From which node each unit comes: a pure plan that explains itself.

One node that has everything wins, the closest first; otherwise units are taken node by node,
each time from the one that covers most of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parcelway.domain.order import DeliveryGroup
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node
from parcelway.domain.stock import Balance
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """`quantity` units of `sku` wanted for order line `line`."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Pick:
    """`quantity` units for a line, taken from `node`."""

    line: int
    sku: str
    node: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Picks, what is short (per SKU: units missing), and why each node was taken or not."""

    picks: tuple[Pick, ...]
    short: Mapping[str, int]
    because: tuple[str, ...]


def candidates(group: DeliveryGroup, nodes: Mapping[str, Node]) -> list[Node]:
    """The nodes that may serve a delivery group, best first.

    Pick-up is served by the chosen store alone; delivery by every node that can ship, the
    closest to the address first, then by priority and id.
    """
    if group.method == "pickup":
        store = nodes.get(group.store)
        return [store] if store and "pickup" in store.capabilities else []
    shipping = [node for node in nodes.values() if "ship" in node.capabilities]
    return sorted(shipping, key=lambda n: (distance(n.address, group.address), n.priority, n.id))


def distance(origin: Address, destination: Address | None) -> int:
    """How far apart two addresses are, as a rank: 0 same postal area .. 3 another country.

    The postal area is the code's first three characters. 4 when the destination is not known.
    """
    if destination is None:
        return 4
    if origin.country != destination.country:
        return 3
    if origin.postal_code[:3] == destination.postal_code[:3]:
        return 0
    return 1 if origin.region and origin.region == destination.region else 2


def plan(
    needs: Sequence[Need], stock: Mapping[tuple[str, str], Balance], nodes: Sequence[Node]
) -> Plan:
    """Take `needs` from `nodes` (best first); `stock` is the balances by (SKU, node).

    Needs that share a SKU draw from the same stock: it is counted down as they are served.
    """
    left = {key: balance.available for key, balance in stock.items() if balance.available > 0}
    because: list[str] = []
    for node in nodes:
        missing = _missing(needs, left, node)
        if not missing:
            because.append(f"{node.id}: has everything and is the closest that does")
            return Plan(tuple(_take(needs, left, node)), {}, tuple(because))
        because.append(f"{node.id}: {missing} units missing for the whole order")
    picks: list[Pick] = []
    open_needs, unused = list(needs), list(nodes)
    while open_needs and unused:
        best = max(unused, key=lambda n: (_covered(open_needs, left, n), -unused.index(n)))
        taken = _take(open_needs, left, best)
        if not taken:
            break
        because.append(f"{best.id}: takes {sum(pick.quantity for pick in taken)} units of the rest")
        picks += taken
        unused.remove(best)
        open_needs = _rest(open_needs, taken)
    short: dict[str, int] = {}
    for need in open_needs:
        short[need.sku] = short.get(need.sku, 0) + need.quantity
    return Plan(tuple(picks), short, tuple(because))


def _wanted(needs: Sequence[Need]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for need in needs:
        wanted[need.sku] = wanted.get(need.sku, 0) + need.quantity
    return wanted


def _covered(needs: Sequence[Need], left: Mapping[tuple[str, str], int], node: Node) -> int:
    return sum(min(n, left.get((sku, node.id), 0)) for sku, n in _wanted(needs).items())


def _missing(needs: Sequence[Need], left: Mapping[tuple[str, str], int], node: Node) -> int:
    return sum(_wanted(needs).values()) - _covered(needs, left, node)


def _take(needs: Sequence[Need], left: dict[tuple[str, str], int], node: Node) -> list[Pick]:
    picks = []
    for need in needs:
        units = min(need.quantity, left.get((need.sku, node.id), 0))
        if units:
            left[need.sku, node.id] -= units
            picks.append(Pick(need.line, need.sku, node.id, units))
    return picks


def _rest(needs: Sequence[Need], taken: Sequence[Pick]) -> list[Need]:
    served: dict[int, int] = {}
    for pick in taken:
        served[pick.line] = served.get(pick.line, 0) + pick.quantity
    rest = [Need(n.line, n.sku, n.quantity - served.get(n.line, 0)) for n in needs]
    return [need for need in rest if need.quantity]
