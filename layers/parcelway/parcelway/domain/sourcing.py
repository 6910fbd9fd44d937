"""From which nodes the units of a delivery group come: an exact plan that explains itself.

Which nodes may serve is a matter of yes or no (`candidates`). Among them a plan is best that
leaves the fewest units missing; then has the fewest parcels; then leaves every node what it is to
keep back; then costs least; then goes the fewest kilometres; then takes the nodes that come first.
No set of nodes is better than the one taken, unless `Plan.proven` says that this is not certain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from parcelway.domain.geo import Point, locate, metres
from parcelway.domain.node_reasons import NodeReason, explain
from parcelway.domain.offers import choose, offers, share_out
from parcelway.domain.order import DeliveryGroup
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node, Settings, Shop, SourcingRules
from parcelway.domain.stock import Balance
from parcelway.values import dataclass

_UNPROVEN = "the best plan that was found; there are too many to be certain"
_ANY = SourcingRules()


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
    """Picks, what is short (per SKU: units missing), and why each node was taken or not.

    `cost` and `metres` are sums over the parcels that this plan adds. `proven` is False when the
    order was too great to be certain that nothing is better.
    """

    picks: tuple[Pick, ...]
    short: Mapping[str, int]
    reasons: tuple[NodeReason, ...] = ()
    cost: int = 0
    metres: int = 0
    proven: bool = True

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that give something, in the order of the picks."""
        return tuple(dict.fromkeys(pick.node for pick in self.picks))

    @property
    def because(self) -> tuple[str, ...]:
        """A sentence for every node."""
        told = tuple(f"{reason.node}: {reason.detail}" for reason in self.reasons)
        return told if self.proven else (*told, _UNPROVEN)

    @property
    def brief(self) -> tuple[str, ...]:
        """A sentence for every node that is taken, and how many others are not for which reason."""
        taken = [f"{r.node}: {r.detail}" for r in self.reasons if r.code == "taken"]
        counts: dict[str, int] = {}
        for reason in self.reasons:
            if reason.code != "taken":
                counts[reason.code] = counts.get(reason.code, 0) + 1
        others = ", ".join(f"{count} {code}" for code, count in counts.items())
        told = [*taken, *([f"not taken: {others}"] if others else [])]
        return tuple(told if self.proven else [*told, _UNPROVEN])


def source(
    group: DeliveryGroup,
    needs: Sequence[Need],
    stock: Mapping[tuple[str, str], Balance],
    shop: Shop,
    *,
    channel: str = "",
    excluded: Mapping[str, str] | None = None,
    sending: Collection[str] = (),
) -> Plan:
    """The plan for a delivery group over all nodes of the shop, every one of them explained.

    `excluded` is why nodes are ruled out, by node. `sending` are nodes that send a parcel to the
    group anyway: what they have costs nothing more.
    """
    barred = excluded or {}
    serving: list[Node] = []
    ruled_out: list[NodeReason] = []
    for node in shop.nodes.values():
        if reason := _barred(node, group, channel, shop.settings, barred):
            ruled_out.append(reason)
        else:
            serving.append(node)
    destination = _destination(group, shop.nodes)
    found = plan(
        needs,
        stock,
        _best_first(serving, destination, shop.places),
        places=shop.places,
        destination=destination,
        rules=shop.settings.sourcing,
        sending=[*sending, *at_hand(group)],
    )
    ruled_out.sort(key=lambda reason: reason.node)
    return replace(found, reasons=(*found.reasons, *ruled_out))


def candidates(
    group: DeliveryGroup,
    nodes: Mapping[str, Node],
    *,
    channel: str = "",
    settings: Settings | None = None,
    places: Mapping[str, Point] | None = None,
    excluded: Collection[str] = (),
) -> list[Node]:
    """The nodes that may serve a delivery group, best first.

    Pick-up is served by the chosen store alone, unless others send to it (`via`); delivery by every
    node that can ship, the closest to the address first, then by priority and id. `settings` tell
    which nodes serve a `channel`, `places` where the address is.
    """
    reasons = dict.fromkeys(excluded, "")
    serving = [n for n in nodes.values() if not _barred(n, group, channel, settings, reasons)]
    return _best_first(serving, _destination(group, nodes), places or {})


def serving(group: DeliveryGroup, shop: Shop, channel: str) -> list[Node]:
    """The nodes of the shop that may serve a delivery group in a channel's order, best first."""
    return candidates(
        group, shop.nodes, channel=channel, settings=shop.settings, places=shop.places
    )


def distance(origin: Address, destination: Address | None) -> int:
    """How far apart two addresses are, as a rank: 0 same postal area .. 3 another country.

    The postal area is the code's first three characters. 4 when the destination is not known.
    """
    if destination is None:
        return 4
    if origin.country != destination.country:
        return 3
    if origin.postal_code and origin.postal_code[:3] == destination.postal_code[:3]:
        return 0
    return 1 if origin.region and origin.region == destination.region else 2


def plan(
    needs: Sequence[Need],
    stock: Mapping[tuple[str, str], Balance],
    nodes: Sequence[Node],
    *,
    places: Mapping[str, Point] | None = None,
    destination: Address | None = None,
    rules: SourcingRules = _ANY,
    excluded: Mapping[str, str] | None = None,
    sending: Collection[str] = (),
) -> Plan:
    """Take `needs` from `nodes` (best first); `stock` is the balances by (SKU, node).

    Needs that share a SKU draw from the same stock: it is counted down as they are served.
    Kilometres count when `places` know the `destination`; else the order of `nodes` does.
    `excluded` and `sending` as in `source`.
    """
    barred = excluded or {}
    wanted: dict[str, int] = {}
    for need in needs:
        wanted[need.sku] = wanted.get(need.sku, 0) + need.quantity
    here = locate(destination, places or {})
    serving = [node for node in nodes if node.id not in barred]
    table = offers(wanted, stock, serving, here, rules, sending)
    choice = choose(table, rules.most_parcels)
    shared = share_out(table, choice.chosen)
    found = explain(table, choice, shared, located=here is not None)
    return Plan(
        _picks(needs, shared, list(table.has)),
        {
            sku: units - given
            for sku, units in wanted.items()
            if units > (given := sum(shared[sku].values()))
        },
        (*found, *(_excluded(node, barred) for node in nodes if node.id in barred)),
        sum(table.costs[node] for node in choice.chosen),
        sum(table.away[node] for node in choice.chosen),
        choice.proven,
    )


def _picks(
    needs: Sequence[Need], shared: Mapping[str, Mapping[str, int]], nodes: Sequence[str]
) -> tuple[Pick, ...]:
    """The units that each node gives of a SKU, handed to the needs in their order."""
    left = {sku: dict(given) for sku, given in shared.items()}
    picks: list[Pick] = []
    for need in needs:
        open_units = need.quantity
        for node, units in left[need.sku].items():
            if taken := min(open_units, units):
                picks.append(Pick(need.line, need.sku, node, taken))
                left[need.sku][node] -= taken
                open_units -= taken
    place = {node: number for number, node in enumerate(nodes)}
    return tuple(sorted(picks, key=lambda pick: place[pick.node]))


def _barred(
    node: Node,
    group: DeliveryGroup,
    channel: str,
    settings: Settings | None,
    excluded: Mapping[str, str],
) -> NodeReason | None:
    """Why a node cannot serve a delivery group at all; None when it can."""
    allowed = settings.channel_nodes.get(channel) if settings else None
    if group.method == "pickup" and node.id == group.store:
        if "pickup" not in node.capabilities:
            return NodeReason(node.id, "cannot", "does not hand out orders")
    elif group.method == "pickup" and not group.via:
        return NodeReason(node.id, "elsewhere", "is not the store that was chosen")
    elif "ship" not in node.capabilities:
        return NodeReason(node.id, "cannot", "does not send parcels")
    if allowed is not None and node.id not in allowed:
        return NodeReason(node.id, "channel", f"does not serve the channel {channel}")
    return _excluded(node, excluded) if node.id in excluded else None


def _excluded(node: Node, why: Mapping[str, str]) -> NodeReason:
    return NodeReason(node.id, "excluded", why[node.id] or "is ruled out")


def at_hand(group: DeliveryGroup) -> tuple[str, ...]:
    """The nodes that need no parcel to serve a group: the store to which others send theirs."""
    return (group.store,) if group.via else ()


def _destination(group: DeliveryGroup, nodes: Mapping[str, Node]) -> Address | None:
    """Where the parcels of a group go; None when nothing has to be sent."""
    if group.method != "pickup":
        return group.address
    store = nodes.get(group.store)
    return store.address if store and group.via else None


def _best_first(
    nodes: Sequence[Node], destination: Address | None, places: Mapping[str, Point]
) -> list[Node]:
    here = locate(destination, places)

    def away(node: Node) -> int:
        if here is None:
            return distance(node.address, destination)
        return metres((node.latitude, node.longitude), here)

    return sorted(nodes, key=lambda node: (away(node), node.priority, node.id))
