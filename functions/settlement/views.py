"""What finance sees of settlement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from parcelway.domain.matching import Why
from parcelway.domain.money import Money, zero
from parcelway.domain.payout import BalanceTransaction, PayoutStatus
from parcelway.domain.settlement import (
    Difference,
    Item,
    Settlement,
    State,
    Unmatched,
)
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout. `status` is the provider's, `state` the shop's: refused, being imported, settled to
    `account`, returned by the bank, or resolved by hand. `gross` is by kind of movement; `net` is
    what is left of it without fees and the tax on them; with `others`, which systems that share the
    account with the provider have on their books, it is `amount`. `unmatched` of `count` movements
    wait."""

    id: str
    gateway: str
    amount: Money
    status: PayoutStatus
    created_at: datetime
    arrives_on: date
    state: State
    why: Why
    account: str
    count: int
    unmatched: int
    gross: Mapping[str, Money]
    fees: Money
    fee_taxes: Money
    net: Money
    others: Money
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class PayoutsView:
    """A page of payouts, newest first."""

    payouts: list[PayoutView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ItemizedView:
    """A payout, and a page of its movements; `why` of one that is unmatched says why."""

    payout: PayoutView
    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UnmatchedView:
    """What waits for a person, or did: a payout that was refused, a movement of one, or the
    `difference` between a payment and its order's record of it. `amount` is what the books do not
    explain."""

    id: str
    payout: str
    why: Why
    since: datetime
    amount: Money
    transaction: BalanceTransaction | None
    difference: Difference | None
    resolved_by: str
    resolved_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class QueueView:
    """A page of what waits for a person, oldest first."""

    items: list[UnmatchedView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OrderFeesView:
    """What was settled of an order: by currency, what providers kept for it, the tax on that, and
    what was left; and every movement."""

    order_id: str
    fees: list[Money]
    fee_taxes: list[Money]
    net: list[Money]
    transactions: list[BalanceTransaction]


def payout_view(known: Settlement) -> PayoutView:
    """A payout as finance sees it."""
    payout, currency = known.payout, known.payout.amount.currency
    return PayoutView(
        id=payout.id,
        gateway=payout.gateway,
        amount=payout.amount,
        status=payout.status,
        created_at=payout.created_at,
        arrives_on=payout.arrives_on,
        state=known.state,
        why=known.reason,
        account=known.account,
        count=known.count,
        unmatched=known.unmatched,
        gross={kind: Money(minor, currency) for kind, minor in known.gross.items()},
        fees=Money(known.fees, currency),
        fee_taxes=Money(known.fee_taxes, currency),
        net=Money(known.net, currency),
        others=Money(known.others, currency),
        settled_at=known.settled_at,
    )


def unmatched_view(item: Unmatched) -> UnmatchedView:
    """An item of the queue as finance sees it."""
    done = item.resolution
    return UnmatchedView(
        id=item.id,
        payout=item.payout,
        why=item.why,
        since=item.since,
        amount=item.amount,
        transaction=item.transaction,
        difference=item.difference,
        resolved_by=done.by if done else "",
        resolved_at=done.at if done else None,
        reason=done.reason if done else "",
    )


def order_fees_view(order_id: str, settled: list[BalanceTransaction]) -> OrderFeesView:
    """What an order cost to be paid."""
    return OrderFeesView(
        order_id,
        _by_currency(each.fee for each in settled),
        _by_currency(each.fee_tax for each in settled),
        _by_currency(each.net for each in settled),
        settled,
    )


def _by_currency(amounts: Iterable[Money]) -> list[Money]:
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, zero(amount.currency)) + amount
    return [sums[currency] for currency in sorted(sums)]
