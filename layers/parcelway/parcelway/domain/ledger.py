"""The money books: double entry, one posting per money event, each balanced by construction.

Accounts: `receivables` (what the customer owes; a credit balance is money held for them),
`gateway_clearing` (captured by the provider, not paid out yet), `revenue_goods`,
`revenue_shipping`, `tax_payable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from parcelway.domain.money import Money
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """`debit` (positive) or credit (negative) minor units on one account."""

    account: str
    debit: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced set of entries. `reference` names the event and is posted at most once."""

    order_id: str
    reference: str
    at: datetime
    currency: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if sum(entry.debit for entry in self.entries):
            raise ValueError(f"posting {self.reference} does not balance")


def invoiced(
    order_id: str, number: str, at: datetime, goods: Money, shipping: Money, tax: Money
) -> Posting:
    """An invoice was issued: the customer owes it, revenue and tax are earned."""
    owed = goods + shipping + tax
    return _posting(
        order_id,
        f"invoice:{number}",
        at,
        owed.currency,
        receivables=owed.minor,
        revenue_goods=-goods.minor,
        revenue_shipping=-shipping.minor,
        tax_payable=-tax.minor,
    )


def captured(order_id: str, key: str, at: datetime, amount: Money) -> Posting:
    """The provider took `amount` from the customer and holds it for us."""
    return _posting(
        order_id,
        f"capture:{key}",
        at,
        amount.currency,
        gateway_clearing=amount.minor,
        receivables=-amount.minor,
    )


def refunded(order_id: str, key: str, at: datetime, amount: Money) -> Posting:
    """`amount` went back to the customer."""
    return _posting(
        order_id,
        f"refund:{key}",
        at,
        amount.currency,
        receivables=amount.minor,
        gateway_clearing=-amount.minor,
    )


def balances(postings: Iterable[Posting]) -> Mapping[str, int]:
    """Debit balance per account; the postings must be of one currency."""
    sums: dict[str, int] = {}
    for posting in postings:
        for entry in posting.entries:
            sums[entry.account] = sums.get(entry.account, 0) + entry.debit
    return sums


def _posting(order_id: str, reference: str, at: datetime, currency: str, **debits: int) -> Posting:
    entries = tuple(Entry(account, debit) for account, debit in debits.items() if debit)
    return Posting(order_id, reference, at, currency, entries)
