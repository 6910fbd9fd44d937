"""What finance is told of credit and claims."""

from __future__ import annotations

from datetime import date, datetime

from parcelway.domain.credit import Claim, CreditAccount
from parcelway.domain.money import Money
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class AccountView:
    """The terms of a business account; `open` is what its orders have open, claimed or not."""

    account: str
    limit: Money
    open: Money
    days: int


@dataclass(frozen=True, slots=True)
class TransferView:
    """A movement of the bank; negative: to the customer."""

    bank_reference: str
    amount: Money
    value_date: date
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimView:
    """What an order owes on account. `held` is what may be claimed of it in all, `claimed` what is
    due with its invoices, `credited` what of that is not owed any more. `open` is what is still to
    come, `to_return` what is to be given back. `number` is the order's, as customers know it."""

    reference: str
    order_id: str
    number: str
    account: str
    status: str
    held: Money
    claimed: Money
    credited: Money
    received: Money
    returned: Money
    open: Money
    to_return: Money
    days: int
    transfers: list[TransferView]


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """The claims on an order, oldest first."""

    claims: list[ClaimView]


@dataclass(frozen=True, slots=True)
class RepaymentsView:
    """A page of claims of which money is to be given back."""

    claims: list[ClaimView]
    next_cursor: str | None


def account_view(account: CreditAccount) -> AccountView:
    """An account's credit as it is answered."""
    return AccountView(
        account.account,
        Money(account.limit, account.currency),
        Money(account.open, account.currency),
        account.days,
    )


def claim_view(claim: Claim) -> ClaimView:
    """A claim as it is answered."""
    currency = claim.amount.currency

    def money(minor: int) -> Money:
        return Money(minor, currency)

    return ClaimView(
        reference=claim.reference,
        order_id=claim.order_id,
        number=claim.number,
        account=claim.account,
        status=claim.status,
        held=money(claim.authorized),
        claimed=money(claim.captured),
        credited=money(claim.refunded),
        received=money(claim.received),
        returned=money(claim.returned),
        open=money(claim.open),
        to_return=money(claim.to_return),
        days=claim.days,
        transfers=[
            TransferView(each.reference, money(each.amount), each.value_date, each.at)
            for each in claim.transfers
        ],
    )
