"""Stock per (SKU, node): counters that moves change, each move kept in a journal.

A move is a whole number of units and a kind; the kind says which counters it changes. Balances
are a projection of the journal: replaying all moves gives the counters.

Units that are promised but not there yet are `backordered`: they stand in a queue, first come
first served, for what the node expects (its supplies, each with a date). What comes in belongs to
the queue first, so `available` is net of it and is negative while people wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.values import dataclass

Kind = Literal[
    "receive",
    "adjust",
    "reserve",
    "release",
    "allocate",
    "deallocate",
    "ship",
    "backorder",
    "unqueue",
    "fill",
    "return",
    "sell",
    "send",
    "damage",
    "repair",
    "scrap",
    "safety",
    "revalue",
]

# Items that a document may change, with the places at which it is listed in the history of its
# balances; the rest of a transaction's 100 is for what goes with it.
_MOST_LISTED = 84

COUNTERS = ("on_hand", "reserved", "allocated", "backordered", "damaged", "safety")
# Change of COUNTERS per unit moved.
_EFFECTS: dict[Kind, tuple[int, int, int, int, int, int]] = {
    "receive": (1, 0, 0, 0, 0, 0),
    "adjust": (1, 0, 0, 0, 0, 0),  # quantity may be negative: a count found less than the book
    "reserve": (0, 1, 0, 0, 0, 0),
    "release": (0, -1, 0, 0, 0, 0),
    "allocate": (0, 0, 1, 0, 0, 0),
    "deallocate": (0, 0, -1, 0, 0, 0),
    "ship": (-1, 0, -1, 0, 0, 0),
    "backorder": (0, 0, 0, 1, 0, 0),  # a place in the queue
    "unqueue": (0, 0, 0, -1, 0, 0),  # given up
    "fill": (0, 1, 0, -1, 0, 0),  # its turn has come: the units are there, and reserved
    "return": (1, 0, 0, 0, 0, 0),  # back on the shelf
    "sell": (-1, 0, 0, 0, 0, 0),  # over the counter, from the shelf
    "send": (-1, 0, 0, 0, 0, 0),  # to another node
    "damage": (0, 0, 0, 0, 1, 0),
    "repair": (0, 0, 0, 0, -1, 0),
    "scrap": (-1, 0, 0, 0, -1, 0),
    "safety": (0, 0, 0, 0, 0, 1),  # quantity may be negative: less is kept back
    "revalue": (0, 0, 0, 0, 0, 0),  # of no units: those that are there stand at another cost
}
# What has happened, or what somebody decides over the heads of those who wait: it is booked even
# where it takes what was promised, and the negative balance shows it.
FACTS: frozenset[Kind] = frozenset({"adjust", "sell", "damage", "safety"})
UNBOUNDED = 10**9  # a move that counts on this much supply takes whatever is there


@dataclass(frozen=True, slots=True)
class Supply:
    """`quantity` units that a node expects on `due`; `reference` names the purchase order line,
    transfer or delivery note they come with."""

    reference: str
    due: date
    quantity: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The counters of one SKU at one node. `available` is what may still be promised at once.

    `safety` units are kept back for a person to decide on. `supplies` are sorted by date;
    `supplied` counts their changes. `counted_at` is when the units were last counted, and
    `reorder_point` how many available ones are so few that somebody is told (None: nobody is).
    `joined_at` is since when the last who joined the queue waits (None: nobody ever did).
    `withheld` is no part of the books: units that are not for whoever looks at it (see channels).
    """

    sku: str
    node: str
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    damaged: int = 0
    backordered: int = 0
    safety: int = 0
    supplies: tuple[Supply, ...] = ()
    supplied: int = 0
    counted_at: datetime | None = None
    reorder_point: int | None = None
    joined_at: datetime | None = None
    withheld: int = 0

    @property
    def free(self) -> int:
        """Units neither held, assigned, damaged nor kept back: what the queue is served from."""
        claimed = self.reserved + self.allocated + self.damaged
        return self.on_hand - claimed - self.safety - self.withheld

    @property
    def available(self) -> int:
        """Units that a newcomer may have: what is left when everybody in the queue is served."""
        return self.free - self.backordered

    @property
    def missing(self) -> int:
        """Units that were sold or are held for somebody, and are not there."""
        claimed = self.reserved + self.allocated + self.damaged
        return max(0, max(0, claimed) - self.on_hand)

    @property
    def short(self) -> bool:
        """Whether units are missing that were sold or are held for somebody."""
        return self.missing > 0

    def expected(self, until: date) -> int:
        """Units expected up to and including a day."""
        return sum(supply.quantity for supply in self.supplies if supply.due <= until)


@dataclass(frozen=True, slots=True)
class Move:
    """`quantity` units of `sku` at `node` moved in the way of `kind`.

    The rest is what the decision counted on, for the conditions and not for the books: units of
    supply up to the promised date (`counting_on`; for a fill, what was `available`; less what was
    withheld, so that it is negative where units must be left for others), the
    `supplied` count of these supplies (0: none were counted on), and since when the units wait.
    `owned` units more (or fewer) than before are in the money books, and their `worth` (see
    `inventory`): the balance and the journal keep both.
    """

    sku: str
    node: str
    kind: Kind
    quantity: int
    counting_on: int = 0
    supplied: int = 0
    since: datetime | None = None
    owned: int = 0
    worth: Money | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A supply as it was announced, moved or ended: `quantity` units are expected from now on.

    `supplied` is the balance's count of such changes with this one, which gives them an order.
    """

    sku: str
    node: str
    reference: str
    due: date
    quantity: int
    supplied: int


@dataclass(frozen=True, slots=True)
class Document:
    """What somebody told the books: `kind` names it, `by` is the member of staff.

    `fingerprint` tells its repeat from another one under the same reference; `oversold` are the
    units that were sold and, by the books, not there.
    """

    kind: str
    by: str
    fingerprint: str
    reason: str = ""
    source: str = ""
    oversold: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry: the moves of one commit and what caused them.

    `reference` is the order's or document's id, `sequence` unique within it. What an order does is
    told by the order itself; everything else has its `document`.
    """

    reference: str
    sequence: int
    at: datetime
    moves: tuple[Move, ...]
    expected: tuple[Expected, ...] = ()
    document: Document | None = None


def posted(move: Move, units: int, cost: Money | None) -> Move:
    """A move that is posted in the money books as so many units more (or fewer), of which each
    costs `cost` (None: nobody knows)."""
    return replace(move, owned=units, worth=cost * units if cost and units else None)


def listed(entry: Entry, others: int) -> list[tuple[str, str]]:
    """The balances in whose history a document is listed that changes `others` items besides: all
    that it is about, or none where one transaction would not hold them."""
    moved = [(move.sku, move.node) for move in entry.moves]
    places = dict.fromkeys([*moved, *((each.sku, each.node) for each in entry.expected)])
    return list(places) if len(places) + others <= _MOST_LISTED else []


def booked(moves: Iterable[Move]) -> tuple[Move, ...]:
    """The moves as the journal keeps them: without what they counted on."""
    return tuple(
        Move(m.sku, m.node, m.kind, m.quantity, owned=m.owned, worth=m.worth) for m in moves
    )


@dataclass(frozen=True, slots=True)
class Change:
    """The net effect of a commit's moves on one balance, and what must be there for it.

    `least_available` and `least_backordered` are what the balance must have (None: whatever it
    has), `supplied` the count at which its supplies must still be (0: whatever they are). `joins`
    is since when a newcomer to the queue waits: the last place in it must be an older one. `owned`
    units and `worth` (minor units by currency) are what is posted of it in the money books.
    """

    sku: str
    node: str
    on_hand: int
    reserved: int
    allocated: int
    backordered: int = 0
    damaged: int = 0
    safety: int = 0
    least_available: int | None = None
    least_backordered: int | None = None
    supplied: int = 0
    joins: datetime | None = None
    owned: int = 0
    worth: tuple[tuple[str, int], ...] = ()

    @property
    def available(self) -> int:
        """Change of the units that may still be promised."""
        held = self.reserved + self.allocated + self.backordered + self.damaged + self.safety
        return self.on_hand - held

    @property
    def plain(self) -> bool:
        """Whether it is about units that are there alone, all of which may be taken: only that can
        be split over shards."""
        return self.least_available in (None, -self.available) and not (
            self.backordered
            or self.damaged
            or self.safety
            or self.supplied
            or self.least_backordered is not None
        )

    @property
    def deltas(self) -> tuple[int, ...]:
        """The change of each of COUNTERS."""
        return tuple(getattr(self, name) for name in COUNTERS)


def net(moves: Iterable[Move]) -> list[Change]:
    """The net change per (SKU, node), in order of first mention; no-ops are left out.

    A transaction may touch each item once, so moves of one balance are added up first.
    """
    by_place: dict[tuple[str, str], list[Move]] = {}
    for move in moves:
        by_place.setdefault((move.sku, move.node), []).append(move)
    changes = [_net(sku, node, made) for (sku, node), made in by_place.items()]
    return [each for each in changes if any(each.deltas) or each.owned or each.worth]


def _net(sku: str, node: str, moves: Sequence[Move]) -> Change:
    """All moves of one balance as one change, whatever order they are in.

    What is taken must be there, less what is given back with it; what is backordered may count on
    supplies besides, the earliest promise first. Facts ask for nothing, but what they say is gone
    was not given back.
    """
    deltas, taken, given, gone = [0] * len(COUNTERS), 0, 0, 0
    for move in moves:
        effects = [per_unit * move.quantity for per_unit in _EFFECTS[move.kind]]
        deltas = [delta + effect for delta, effect in zip(deltas, effects, strict=True)]
        used = sum(effects[1:]) - effects[0]
        if move.kind in FACTS:
            gone += used
        elif move.kind != "backorder":
            taken += max(0, used)
            given += max(0, -used)
    taken -= max(0, given - max(0, gone))
    queued = sorted((move for move in moves if move.kind == "backorder"), key=_counting_on)
    left = max(
        (-move.counting_on for move in moves if move.kind in ("reserve", "allocate")), default=0
    )
    needs = [taken + max(0, left)] if taken > 0 else []
    for move in queued:
        taken += move.quantity
        needs += [taken - move.counting_on] if move.counting_on < UNBOUNDED else []
    queue = None
    filled = [move for move in moves if move.kind == "fill"]
    if filled:
        # Nobody may have come between: neither newcomers nor another fill from the same units.
        seen = filled[0].counting_on
        needs, queue = [*needs, seen], sum(move.quantity for move in filled) - seen
    supplied = max(move.supplied for move in moves)
    joined = [m.since for m in queued if m.since is not None and m.counting_on < UNBOUNDED]
    named = dict(zip(COUNTERS, deltas, strict=True))
    return Change(
        sku,
        node,
        **named,
        least_available=max(needs, default=None),
        least_backordered=queue,
        supplied=supplied,
        joins=max(joined, default=None),
        owned=sum(move.owned for move in moves),
        worth=_worth(moves),
    )


def _worth(moves: Iterable[Move]) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = {}
    for worth in (move.worth for move in moves if move.worth is not None):
        sums[worth.currency] = sums.get(worth.currency, 0) + worth.minor
    return tuple((currency, minor) for currency, minor in sorted(sums.items()) if minor)


def _counting_on(move: Move) -> int:
    return move.counting_on


def apply(balance: Balance, change: Change) -> Balance:
    """The balance after a change (of the same SKU and node)."""
    return replace(
        balance,
        on_hand=balance.on_hand + change.on_hand,
        reserved=balance.reserved + change.reserved,
        allocated=balance.allocated + change.allocated,
        backordered=balance.backordered + change.backordered,
        damaged=balance.damaged + change.damaged,
        safety=balance.safety + change.safety,
        joined_at=change.joins or balance.joined_at,
    )


def expecting(balance: Balance, expected: Expected) -> Balance:
    """The balance after one of its supplies was announced, changed or ended."""
    kept = [each for each in balance.supplies if each.reference != expected.reference]
    if expected.quantity:
        kept.append(Supply(expected.reference, expected.due, expected.quantity))
    supplies = tuple(sorted(kept, key=lambda supply: (supply.due, supply.reference)))
    return replace(balance, supplies=supplies, supplied=expected.supplied)


def allowed(balance: Balance, change: Change) -> bool:
    """Whether the change promises nothing that is not there and takes back no more than was taken.

    A counter that only grows is never refused, so a balance that a count has driven negative
    can still be filled up. `on_hand` is not guarded: what left the house has left it, even where
    a count had found less; the negative balance shows it.
    """
    after = apply(balance, change)
    return (
        all(
            getattr(change, name) >= 0 or getattr(after, name) >= 0
            for name in ("reserved", "allocated", "backordered", "damaged", "safety")
        )
        and (change.least_available is None or balance.available >= change.least_available)
        and (change.least_backordered is None or balance.backordered >= change.least_backordered)
        and change.supplied in (0, balance.supplied)
        and (change.joins is None or balance.joined_at is None or balance.joined_at < change.joins)
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
