"""Stock per (SKU, node): counters that moves change, each move kept in a journal.

A move is a whole number of units and a kind; the kind says which counters it changes. Balances
are a projection of the journal: replaying all moves gives the counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from parcelway.values import dataclass

Kind = Literal["receive", "adjust", "reserve", "release", "allocate", "deallocate", "ship"]

# Change of (on_hand, reserved, allocated) per unit moved.
_EFFECTS: dict[Kind, tuple[int, int, int]] = {
    "receive": (1, 0, 0),
    "adjust": (1, 0, 0),  # quantity may be negative: a count found less than the book
    "reserve": (0, 1, 0),
    "release": (0, -1, 0),
    "allocate": (0, 0, 1),
    "deallocate": (0, 0, -1),
    "ship": (-1, 0, -1),
}


@dataclass(frozen=True, slots=True)
class Balance:
    """The counters of one SKU at one node. `available` is what may still be promised."""

    sku: str
    node: str
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    damaged: int = 0

    @property
    def available(self) -> int:
        """Units neither held, assigned nor damaged."""
        return self.on_hand - self.reserved - self.allocated - self.damaged


@dataclass(frozen=True, slots=True)
class Move:
    """`quantity` units of `sku` at `node` moved in the way of `kind`."""

    sku: str
    node: str
    kind: Kind
    quantity: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry: the moves of one commit and the document that caused them.

    `reference` is the order's or feed's id, `sequence` unique within it.
    """

    reference: str
    sequence: int
    at: datetime
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The net effect of a commit's moves on one balance."""

    sku: str
    node: str
    on_hand: int
    reserved: int
    allocated: int

    @property
    def available(self) -> int:
        """Change of the units that may still be promised."""
        return self.on_hand - self.reserved - self.allocated


def net(moves: Iterable[Move]) -> list[Change]:
    """The net change per (SKU, node), in order of first mention; no-ops are left out.

    A transaction may touch each item once, so moves of one balance are added up first.
    """
    sums: dict[tuple[str, str], list[int]] = {}
    for move in moves:
        counters = sums.setdefault((move.sku, move.node), [0, 0, 0])
        for index, per_unit in enumerate(_EFFECTS[move.kind]):
            counters[index] += per_unit * move.quantity
    return [Change(sku, node, *counters) for (sku, node), counters in sums.items() if any(counters)]


def apply(balance: Balance, change: Change) -> Balance:
    """The balance after a change (of the same SKU and node)."""
    return Balance(
        balance.sku,
        balance.node,
        balance.on_hand + change.on_hand,
        balance.reserved + change.reserved,
        balance.allocated + change.allocated,
        balance.damaged,
    )


def allowed(balance: Balance, change: Change) -> bool:
    """Whether the change promises nothing that is not there and takes back no more than was taken.

    A counter that only grows is never refused, so a balance that a count has driven negative
    can still be filled up. `on_hand` is not guarded: what left the house has left it, even where
    a count had found less; the negative balance shows it.
    """
    after = apply(balance, change)
    return all(
        delta >= 0 or value >= 0
        for delta, value in (
            (change.reserved, after.reserved),
            (change.allocated, after.allocated),
            (change.available, after.available),
        )
    )


def after(
    balances: Mapping[tuple[str, str], Balance], moves: Iterable[Move]
) -> dict[tuple[str, str], Balance]:
    """The balances as they will be once `moves` are made; one not known yet starts empty."""
    result = dict(balances)
    for change in net(moves):
        key = change.sku, change.node
        result[key] = apply(result.get(key, Balance(*key)), change)
    return result
