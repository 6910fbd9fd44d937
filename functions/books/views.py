"""What the books answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from parcelway.domain.books import SETTLED, Balance, Booked, ends
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.receivables import Ageing, OpenItem
from parcelway.store.ledger import Locked
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class TrialBalanceView:
    """Every account of a currency. `debits` and `credits` are what was posted in the period, and
    always equal. A period that is not locked may change."""

    period: str
    currency: str
    locked: bool
    balances: list[Balance]
    debits: Money
    credits: Money


@dataclass(frozen=True, slots=True)
class EntryView:
    """Minor units on one side of an account."""

    account: str
    debit: int = 0
    credit: int = 0


@dataclass(frozen=True, slots=True)
class PostingView:
    """A posting in the journal. `dated` is the day it is booked on, `at` when what it tells of was:
    earlier when that month was locked. `subject` is the order, payout or gift card it is about."""

    number: str
    dated: date
    booked_at: datetime
    at: datetime
    subject: str
    reference: str
    currency: str
    entries: list[EntryView]
    due: date | None = None


@dataclass(frozen=True, slots=True)
class JournalView:
    """Postings of a period, in the order in which they were written."""

    period: str
    postings: list[PostingView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PeriodView:
    """A month. It can be locked from `lockable_from` on; `locked_by` is who locked it, or a later
    month and all before it."""

    period: str
    state: Literal["open", "locked"]
    lockable_from: datetime
    locked_at: datetime | None = None
    locked_by: str = ""


@dataclass(frozen=True, slots=True)
class PeriodsView:
    """Every month since the first posting, the first one first."""

    periods: list[PeriodView]


@dataclass(frozen=True, slots=True)
class OpenItemView:
    """What is still open of an invoice, or of what else the customer owes."""

    reference: str
    dated: date
    due: date
    amount: Money
    open: Money
    days_overdue: int


@dataclass(frozen=True, slots=True)
class AccountView:
    """An order's account: `owed` is negative when money is held for the customer."""

    order_id: str
    placed_at: datetime
    owed: Money
    items: list[OpenItemView]
    customer_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReceivablesView:
    """Accounts with what is open on them, the oldest order first, and their ages by currency: of
    these accounts, not of those on other pages."""

    accounts: list[AccountView]
    ageing: list[Ageing]
    next_cursor: str | None


def account_view(order: Order, items: tuple[OpenItem, ...], today: date) -> AccountView:
    """An order's account as it is answered."""
    if order.placed_at is None:
        raise ValueError(f"order {order.id} was never placed")
    return AccountView(
        order.id,
        order.placed_at,
        order.owed,
        [
            OpenItemView(i.reference, i.dated, i.due, i.amount, i.open, i.overdue(today))
            for i in items
        ],
        order.customer_id,
        order.contact.name if order.contact else "",
    )


def trial_balance_view(
    period: str, currency: str, balances: tuple[Balance, ...], *, locked: bool
) -> TrialBalanceView:
    """A trial balance as it is answered."""
    debits = sum(balance.debit.minor for balance in balances)
    credits_ = sum(balance.credit.minor for balance in balances)
    return TrialBalanceView(
        period,
        currency,
        locked,
        list(balances),
        Money(debits, currency),
        Money(credits_, currency),
    )


def posting_view(booked: Booked) -> PostingView:
    """A posting as it is answered."""
    posting = booked.posting
    entries = [
        EntryView(entry.account, max(0, entry.debit), max(0, -entry.debit))
        for entry in posting.entries
    ]
    return PostingView(
        booked.number,
        booked.dated,
        booked.booked_at,
        posting.at,
        posting.subject,
        posting.reference,
        posting.currency,
        entries,
        posting.due,
    )


def period_view(period: str, locked: Locked | None) -> PeriodView:
    """A month as it is answered."""
    lockable_from = ends(period) + SETTLED
    if locked is None:
        return PeriodView(period, "open", lockable_from)
    return PeriodView(period, "locked", lockable_from, locked.at, locked.by)
