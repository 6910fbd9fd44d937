"""Who owes what, and for how long: the open items of an order's account, from its postings.

A payment goes to the oldest item first, as does a credit note; what is paid before anything is
owed waits for the next item.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from parcelway.domain.ledger import CUSTOMER, Posting, main
from parcelway.domain.money import Money, total, zero
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An invoice (or what else made the customer owe `amount`) of which `open` is not paid."""

    reference: str
    dated: date
    due: date
    amount: Money
    open: Money

    def overdue(self, today: date) -> int:
        """Days since it was due; 0 when it is not yet."""
        return max(0, (today - self.due).days)


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is owed in one currency, by the days since it was due. `held` is what customers have
    paid that nothing is owed for."""

    currency: str
    not_due: Money
    days_1_to_30: Money
    days_31_to_60: Money
    days_61_to_90: Money
    over_90_days: Money
    held: Money


def open_items(postings: Iterable[Posting]) -> tuple[tuple[OpenItem, ...], Money | None]:
    """What is open of an order's account, oldest first, and what is held for its customer.

    `postings` are in the order of writing and of one currency; None when there are none.
    """
    items: list[OpenItem] = []
    held: Money | None = None
    for posting in postings:
        change = _change(posting)
        held = held or zero(posting.currency)
        if change.minor < 0:
            items, left = _paid(items, -change)
            held += left
        elif change:
            used = min(held, change)
            held -= used
            if change - used:
                items.append(_item(posting, change, change - used))
    return tuple(items), held


def ageing(items: Iterable[OpenItem], held: Iterable[Money], currency: str, today: date) -> Ageing:
    """Items and held amounts of a currency by age."""
    buckets: list[list[Money]] = [[], [], [], [], []]
    for item in items:
        days = item.overdue(today)
        buckets[sum(days > limit for limit in (0, 30, 60, 90))].append(item.open)
    sums = [total(bucket, currency) for bucket in (*buckets, held)]
    return Ageing(currency, *sums)


def _change(posting: Posting) -> Money:
    """What a posting makes the customer owe more, or (negative) less."""
    entries = [entry.debit for entry in posting.entries if main(entry.account) in CUSTOMER]
    return Money(sum(entries), posting.currency)


def _item(posting: Posting, amount: Money, left: Money) -> OpenItem:
    day = posting.at.date()
    return OpenItem(posting.reference, day, posting.due or day, amount, left)


def _paid(items: list[OpenItem], amount: Money) -> tuple[list[OpenItem], Money]:
    """The items after a payment, and what is left of it."""
    after = []
    for item in items:
        paid = min(item.open, amount)
        amount -= paid
        if item.open - paid:
            after.append(
                OpenItem(item.reference, item.dated, item.due, item.amount, item.open - paid)
            )
    return after, amount
