"""What the stock books answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from parcelway.domain.channels import channel_of, lifted
from parcelway.domain.stock import Balance, Entry, Expected, Kind, Supply
from parcelway.domain.stock_alerts import Alert, level
from parcelway.domain.stock_books import TRANSFER
from parcelway.store.stock_books import Booked
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class BalanceView:
    """The counters of a SKU at a node. `available` may be promised to a newcomer; it is negative
    when more was promised than is there. `short` tells that units are missing which
    the books have promised or sold, `low` that no more than the reorder point are available."""

    node: str
    on_hand: int
    reserved: int
    allocated: int
    backordered: int
    damaged: int
    safety: int
    available: int
    short: bool
    low: bool
    reorder_point: int | None
    supplies: list[Supply]
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuotaView:
    """How many units of a SKU a channel may sell in all (null: it is not capped any more), and how
    many it has sold or holds under this quota."""

    channel: str
    quantity: int | None
    used: int


@dataclass(frozen=True, slots=True)
class StockView:
    """A SKU at all nodes that have, expect or owe it. `in_transit` units are between two nodes."""

    sku: str
    balances: list[BalanceView]
    quotas: list[QuotaView]
    in_transit: int


@dataclass(frozen=True, slots=True)
class MoveView:
    """Units moved in the way of `kind`."""

    sku: str
    node: str
    kind: Kind
    quantity: int


@dataclass(frozen=True, slots=True)
class EntryView:
    """A document in the journal: units moved and supplies announced.

    `oversold` are units that were sold and, by the books, not there.
    """

    reference: str
    kind: str
    at: datetime
    by: str
    reason: str
    source: str
    moves: list[MoveView]
    expected: list[Expected]
    oversold: int


@dataclass(frozen=True, slots=True)
class BookedView:
    """The document as it was booked (none when there was nothing to book), and the balance now."""

    entry: EntryView | None
    balance: BalanceView


@dataclass(frozen=True, slots=True)
class JournalView:
    """A page of documents, newest first."""

    entries: list[EntryView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SentLine:
    """Units that left for another node, and those that are still between the two."""

    sku: str
    quantity: int
    in_transit: int


@dataclass(frozen=True, slots=True)
class TransferView:
    """A transfer; `id` is also the reference under which its units are received."""

    id: str
    from_node: str
    to_node: str
    sent_at: datetime
    lines: list[SentLine]


@dataclass(frozen=True, slots=True)
class RowView:
    """What became of a feed's row: booked with what is available now, or refused and why."""

    row: int
    booked: bool
    reference: str | None
    available: int | None
    refused: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class FeedView:
    """Every row of a feed, in its order."""

    rows: list[RowView]


@dataclass(frozen=True, slots=True)
class AlertsView:
    """A page of alerts, newest first."""

    alerts: list[Alert]
    next_cursor: str | None


def stock_view(sku: str, balances: Iterable[Balance]) -> StockView:
    """A SKU's balances and quotas."""
    ordered = sorted(balances, key=lambda balance: balance.node)
    supplies = [supply for balance in ordered for supply in balance.supplies]
    return StockView(
        sku,
        [balance_view(balance) for balance in ordered if not channel_of(balance.node)],
        [quota_view(balance) for balance in ordered if channel_of(balance.node)],
        sum(supply.quantity for supply in supplies if supply.reference.startswith(f"{TRANSFER}_")),
    )


def quota_view(quota: Balance) -> QuotaView:
    """A quota."""
    quantity = None if lifted(quota) else quota.on_hand
    return QuotaView(channel_of(quota.node), quantity, quota.reserved)


def transfer_view(
    entry: Entry, from_node: str, to_node: str, balances: Mapping[tuple[str, str], Balance]
) -> TransferView:
    """A transfer as it was sent, and what the balances say of its arrival."""
    lines = []
    for move in entry.moves:
        supplies = balances[move.sku, to_node].supplies
        left = [supply.quantity for supply in supplies if supply.reference == entry.reference]
        lines.append(SentLine(move.sku, move.quantity, sum(left)))
    return TransferView(entry.reference, from_node, to_node, entry.at, lines)


def entry_of(done: Booked) -> EntryView | None:
    return entry_view(done.entry) if done.entry else None


def entry_view(entry: Entry) -> EntryView:
    said = entry.document
    assert said is not None, "only documents have a history"
    return EntryView(
        reference=entry.reference,
        kind=said.kind,
        at=entry.at,
        by=said.by,
        reason=said.reason,
        source=said.source,
        moves=[MoveView(move.sku, move.node, move.kind, move.quantity) for move in entry.moves],
        expected=list(entry.expected),
        oversold=said.oversold,
    )


def balance_view(balance: Balance) -> BalanceView:
    return BalanceView(
        node=balance.node,
        on_hand=balance.on_hand,
        reserved=balance.reserved,
        allocated=balance.allocated,
        backordered=balance.backordered,
        damaged=balance.damaged,
        safety=balance.safety,
        available=balance.available,
        short=balance.short,
        low=level(balance) != "ok",
        reorder_point=balance.reorder_point,
        supplies=list(balance.supplies),
        counted_at=balance.counted_at,
    )
