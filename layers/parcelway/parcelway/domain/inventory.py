"""What a document of the stock books changes in the money books: goods at what they cost the shop.

The cost of a unit is its product's when the document is booked, the standard cost; goods whose cost
nobody knows are worth nothing in these books. A transfer changes nothing: what is under way is the
shop's all the same.

What is posted is counted on the balance that it is about, in the same transaction, and told by the
move's journal entry: `owned` units that the books have there, and what they stand at (`worth`). At
a node that a transfer left or came to these are not the units that are there; over all nodes they
are what the shop has, under way or not. So account `inventory` is the sum of `worth`, whatever a
unit cost when it came and when it was sold: an order's goods leave at the cost that it was placed
at. When the standard cost changes, or units left at an older one, the difference is posted as a
revaluation: then `worth` is `owned` units at the standard cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from parcelway.domain import ledger
from parcelway.domain.channels import channel_of
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money
from parcelway.domain.stock import Balance, Entry, Kind, Move, posted
from parcelway.domain.stock_books import TRANSFER

Balances = Mapping[tuple[str, str], Balance]
_POSTED: Mapping[Kind, Callable[[str, str, datetime, Money], Posting]] = {
    "receive": ledger.goods_received,
    "return": ledger.goods_returned,
    "adjust": ledger.goods_adjusted,
    "sell": ledger.goods_sold,
}


def postings(entry: Entry, before: Balances, costs: Mapping[str, Money]) -> list[Posting]:
    """The postings of a document: one for each thing done with goods, and currency of their costs.

    `before` are the balances that it was booked on, `costs` what a unit of each SKU costs, without
    tax.
    """
    sums: dict[tuple[Kind, str], int] = {}
    for move in entry.moves:
        if (cost := costs.get(move.sku)) and not channel_of(move.node):
            for kind, units in _changes(entry, move, before):
                key = (kind, cost.currency)
                sums[key] = sums.get(key, 0) + cost.minor * units
    return [
        _POSTED[kind](
            entry.reference, f"{entry.sequence}:{currency}", entry.at, Money(minor, currency)
        )
        for (kind, currency), minor in sums.items()
        if minor
    ]


def valued(entry: Entry, before: Balances, costs: Mapping[str, Money]) -> tuple[Move, ...]:
    """The moves of a document with what `postings` posts of each. Units are counted where nobody
    knows their cost, too: it may be known some day."""
    return tuple(posted(m, _owned(entry, m, before), costs.get(m.sku)) for m in entry.moves)


def _owned(entry: Entry, move: Move, before: Balances) -> int:
    if channel_of(move.node):
        return 0
    return sum(-n if kind == "sell" else n for kind, n in _changes(entry, move, before))


def revalued(owned: int, worth: Mapping[str, int], cost: Money | None) -> dict[str, int]:
    """By how much the worth of units that the books own differs from their standard cost, by
    currency in minor units; nothing where they stand at it. None: nobody knows it any more."""
    target = {cost.currency: cost.minor * owned} if cost else {}
    differences = {c: target.get(c, 0) - worth.get(c, 0) for c in [*worth, *target]}
    return {currency: minor for currency, minor in differences.items() if minor}


def together(moves: Iterable[Move]) -> list[Money]:
    """What moves are worth, by currency, where that is not nothing."""
    sums: dict[str, int] = {}
    for worth in (move.worth for move in moves if move.worth is not None):
        sums[worth.currency] = sums.get(worth.currency, 0) + worth.minor
    return [Money(minor, currency) for currency, minor in sums.items() if minor]


def opened(entry: Entry) -> list[Posting]:
    """The postings of goods that were there when their books began, one for each currency."""
    return [
        ledger.goods_opened(entry.reference, worth.currency, entry.at, worth)
        for worth in together(entry.moves)
    ]


def _changes(entry: Entry, move: Move, before: Balances) -> Iterator[tuple[Kind, int]]:
    """The units that the shop has more or fewer of, by what is posted for them."""
    if move.kind == "receive":
        arrived = _under_way(entry, before[move.sku, move.node], move.quantity)
        yield ("adjust" if arrived else "receive"), move.quantity - arrived
    elif move.kind == "scrap":
        yield "adjust", -move.quantity
    elif move.kind in _POSTED and not _recalled(entry):
        yield move.kind, move.quantity


def _under_way(entry: Entry, balance: Balance, quantity: int) -> int:
    """How many of the units that came in were the shop's already, sent from another node."""
    sent = {e.reference for e in entry.expected if e.reference.startswith(f"{TRANSFER}_")}
    return min(quantity, sum(s.quantity for s in balance.supplies if s.reference in sent))


def _recalled(entry: Entry) -> bool:
    """Whether units of a transfer went back to where they came from."""
    return entry.reference.startswith(f"{TRANSFER}_")
