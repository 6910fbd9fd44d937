"""Periods of the books, and what their postings come to.

A period is a calendar month in UTC, written `2026-11`. A posting goes into the month in which its
event was, unless that one is locked by the time it is written: then it goes into the present one.
Months are locked up to and including one; unlocking does not exist, a posting of the reverse does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from parcelway.domain.ledger import CHART, Kind, Posting, main
from parcelway.domain.money import Money
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

PERIOD_PATTERN = r"^20\d\d-(0[1-9]|1[0-2])$"
_PERIOD = re.compile(PERIOD_PATTERN)
# No function of AWS Lambda runs longer than 15 minutes: an hour after the end of a month, what was
# decided in it is written, and indexes have followed. So the present month needs no guard.
SETTLED = timedelta(hours=1)

# Sums of debits and of credits in minor units, by currency and account.
Turnover = Mapping[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Booked:
    """A posting as it stands in the books: in which period, written when, under what `number`."""

    period: str
    booked_at: datetime
    number: str
    posting: Posting

    @property
    def dated(self) -> date:
        """The day in its period that it is booked on: when the event was, or, where that was in a
        period that was locked by then, when it was written."""
        at = self.posting.at if period_of(self.posting.at) == self.period else self.booked_at
        return at.astimezone(UTC).date()


def period_of(moment: datetime) -> str:
    """The period that a moment lies in."""
    return f"{moment.astimezone(UTC):%Y-%m}"


def begins(period: str) -> datetime:
    """When a period begins. Raises Refusal INVALID for what is none."""
    if not _PERIOD.match(period):
        raise Refusal(Reason.INVALID, "A period is a month, such as 2026-11.", "/period")
    return datetime(int(period[:4]), int(period[5:]), 1, tzinfo=UTC)


def ends(period: str) -> datetime:
    """The moment at which a period is over and the next one begins."""
    return begins(next_period(period))


def next_period(period: str) -> str:
    """The period after it."""
    return period_of(begins(period) + timedelta(days=31))


def periods(first: str, last: str) -> Iterator[str]:
    """Every period from `first` to `last`, both included."""
    while first <= last:
        yield first
        first = next_period(first)


def booked_in(at: datetime, now: datetime, locked_through: str) -> str:
    """The period that a posting of an event at `at` goes into when it is written at `now`."""
    own = period_of(at)
    return own if locked_through < own < period_of(now) else period_of(now)


def require_lockable(period: str, now: datetime) -> None:
    """Refuse to lock a period that may still get postings of its own.

    Raises Refusal TOO_EARLY, INVALID for what is no period.
    """
    if now < ends(period) + SETTLED:
        raise Refusal(
            Reason.TOO_EARLY,
            "A period can be locked once it has been over for an hour.",
            lockable_from=(ends(period) + SETTLED).isoformat().replace("+00:00", "Z"),
        )


def turnover(postings: Iterable[Posting]) -> Turnover:
    """Debits and credits of `postings`, by currency and account."""
    return together(
        {
            (posting.currency, entry.account): (max(0, entry.debit), max(0, -entry.debit))
            for entry in posting.entries
        }
        for posting in postings
    )


def together(turnovers: Iterable[Turnover]) -> Turnover:
    """Several turnovers as one."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for each in turnovers:
        for key, (debit, credit) in each.items():
            before = sums.get(key, (0, 0))
            sums[key] = (before[0] + debit, before[1] + credit)
    return sums


@dataclass(frozen=True, slots=True)
class Balance:
    """An account in a trial balance. `opening` and `closing` are debit balances (negative: credit),
    `debit` and `credit` what was posted in between: opening + debit - credit = closing."""

    account: str
    kind: Kind
    opening: Money
    debit: Money
    credit: Money
    closing: Money


def trial_balance(before: Turnover, during: Turnover, currency: str) -> tuple[Balance, ...]:
    """Every account of a currency, in the chart's order; `before` are all earlier periods.

    Closing balances sum to zero, and debits are as much as credits: every posting is so.
    """
    accounts = {account for code, account in (*before, *during) if code == currency}
    chart = list(CHART)
    balances = []
    for account in sorted(accounts, key=lambda name: (chart.index(main(name)), name)):
        carried = before.get((currency, account), (0, 0))
        debit, credit = during.get((currency, account), (0, 0))
        opening = carried[0] - carried[1]
        amounts = (opening, debit, credit, opening + debit - credit)
        of_currency = (Money(minor, currency) for minor in amounts)
        balances.append(Balance(account, CHART[main(account)], *of_currency))
    return tuple(balances)
