"""Why a node was taken for an order, or not: what sourcing tells of every node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from parcelway.domain.offers import Choice, Offers, rest
from parcelway.values import dataclass

#   taken       it gives `units`
#   nothing     it has none of what is wanted
#   unneeded    nodes that send a parcel anyway give all that it has
#   lacks       with it, more parcels would be needed or more units be missing
#   keeps       it could stand in, but would be left with less than it is to keep back
#   dearer      it could stand in for a node that was taken, at a higher cost
#   farther     the same for no higher cost, from farther away
#   later       the same from no farther: the other comes first by priority or id
#   limit       the order may not have a further parcel
#   excluded    the caller has ruled it out
#   channel     it does not serve the order's channel
#   cannot      it does not send parcels, or does not hand out orders
#   elsewhere   the customer collects at another store
Code = Literal[
    "taken",
    "nothing",
    "unneeded",
    "lacks",
    "keeps",
    "dearer",
    "farther",
    "later",
    "limit",
    "excluded",
    "channel",
    "cannot",
    "elsewhere",
]
_NAMED = 3  # SKUs in a sentence


@dataclass(frozen=True, slots=True)
class NodeReason:
    """Why a node was taken or not, as a code and in words, and the units that it gives.

    `cost` is of a parcel from there, in minor units, `metres` the distance to the destination; None
    where they were not looked at.
    """

    node: str
    code: Code
    detail: str
    units: int = 0
    cost: int | None = None
    metres: int | None = None


def explain(
    table: Offers, choice: Choice, shared: Mapping[str, Mapping[str, int]], *, located: bool
) -> list[NodeReason]:
    """A reason for every node of the table. `located`: the distances are known."""
    stand_in = _StandIn(table, choice)
    reasons = []
    for node in table.has:
        given = {sku: nodes[node] for sku, nodes in shared.items() if node in nodes}
        if given:
            code, detail = _taken(table, node, given, located)
        elif not any(map(min, table.has[node], table.wanted)):
            code, detail = "nothing", "has none of what is wanted"
        else:
            code, detail = stand_in.verdict(node)
        away = table.away[node] if located else None
        units = sum(given.values())
        reasons.append(NodeReason(node, code, detail, units, table.costs[node], away))
    return reasons


def _taken(table: Offers, node: str, given: Mapping[str, int], located: bool) -> tuple[Code, str]:
    detail = f"gives {_units(sum(given.values()))} ({_list(given)})"
    if node in table.sending:
        detail += " with the parcel that it sends anyway"
    elif located:
        detail += f" from {_distance(table.away[node])} away"
    return "taken", detail


class _StandIn:
    """Whether a node could stand in for one that was taken, and why it does not."""

    def __init__(self, table: Offers, choice: Choice) -> None:
        self.table, self.choice = table, choice
        self.units = table.free if choice.keeping else table.has
        self.left = rest(table.wanted, table.has, (*table.sending, *choice.chosen))
        self.missing = sum(self.left)
        self.gaps = self._gaps(self.units)
        self.gaps_of_all = self.gaps if self.units == table.has else self._gaps(table.has)

    def _gaps(self, units: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """What is left to be given without each of the taken nodes."""
        chosen, sending = self.choice.chosen, self.table.sending
        return {
            taken: rest(self.table.wanted, units, (*sending, *(n for n in chosen if n != taken)))
            for taken in chosen
        }

    def verdict(self, node: str) -> tuple[Code, str]:
        """For a node that has something and was not taken."""
        table, has = self.table, self.table.has[node]
        if able := self._able(self.units[node], self.gaps):
            return self._compared(node, max(able, key=lambda n: (table.costs[n], table.away[n])))
        if self._able(has, self.gaps_of_all):
            return "keeps", "could only by giving what it is to keep back"
        if any(map(min, has, self.left)):
            return "limit", "would have some, but no further parcel is allowed"
        if not self.choice.chosen or node in table.sending:
            return "unneeded", "has nothing that the others do not give"
        lacking = {
            sku: want - have
            for sku, want, have in zip(table.skus, table.wanted, has, strict=True)
            if have < want
        }
        return "lacks", f"lacks {_units(sum(lacking.values()))} ({_list(lacking)})"

    def _able(self, units: Sequence[int], gaps: Mapping[str, Sequence[int]]) -> list[str]:
        """The taken nodes in whose place so many units would leave no more missing."""
        return [
            taken
            for taken, gap in gaps.items()
            if sum(gap) - sum(map(min, gap, units)) <= self.missing
        ]

    def _compared(self, node: str, taken: str) -> tuple[Code, str]:
        dearer = self.table.costs[node] - self.table.costs[taken]
        farther = self.table.away[node] - self.table.away[taken]
        if dearer > 0:
            return "dearer", f"could stand in for {taken}, but costs {dearer} more"
        if farther > 0:
            return "farther", f"could stand in for {taken}, but is {_distance(farther)} farther"
        return "later", f"could stand in for {taken}, which comes first"


def _list(units: Mapping[str, int]) -> str:
    named = [f"{count} of {sku}" for sku, count in units.items()][:_NAMED]
    more = len(units) - len(named)
    return ", ".join(named) + (f" and {more} more SKUs" if more else "")


def _units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def _distance(metres: int) -> str:
    return f"{metres} m" if metres < 1000 else f"{(metres + 500) // 1000} km"
