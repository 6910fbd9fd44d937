"""Buying on account: the credit of a business account, and what is claimed and received under it.

Our own record is the truth here. A claim is what a payment is at a card's provider: it is
authorised when the account's limit has room for it, captured as parcels are invoiced, and from
then on due; the money comes later, by bank transfer, and may be more or less than was claimed.
What came and is neither claimed nor still to be claimed is to be given back by a transfer.

The codes of refusals are those of the other gateways, so that whoever asks need not know which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import date, datetime

from parcelway.domain.money import Money
from parcelway.domain.payment import GatewayPayment, GatewayStatus
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

METHOD = "invoice"
OVER_LIMIT = "credit_limit_exceeded"


class CreditRefused(Exception):
    """A step with a claim that can never be taken. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CreditAccount:
    """The terms of a business account: at most `limit` may be open, in minor units of `currency`,
    and an invoice is due `days` after its date. `open` sums what its claims have open."""

    account: str
    version: int
    currency: str
    limit: int
    days: int
    open: int = 0

    def has_room(self, amount: Money) -> bool:
        """Whether `amount` more may be open."""
        return amount.currency == self.currency and self.open + amount.minor <= self.limit


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came by bank, or went back to the customer (negative), in minor units.

    `reference` is the bank's for this movement, `value_date` the day from which it counts.
    """

    reference: str
    amount: int
    value_date: date
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What an order owes on account. `captures` and `refunds` keep each step's amount by its key.
    `days` are the account's terms when it was asked for, `number` is the order's, by which whoever
    pays names it."""

    reference: str
    version: int
    order_id: str
    attempt: int
    account: str
    amount: Money
    days: int
    number: str
    status: GatewayStatus = "awaiting_customer"
    authorized: int = 0
    captures: Mapping[str, int] = field(default_factory=dict)
    refunds: Mapping[str, int] = field(default_factory=dict)
    transfers: tuple[Transfer, ...] = ()

    @property
    def captured(self) -> int:
        """What was claimed."""
        return sum(self.captures.values())

    @property
    def refunded(self) -> int:
        """What of it was taken back."""
        return sum(self.refunds.values())

    @property
    def received(self) -> int:
        """What came by transfer."""
        return sum(each.amount for each in self.transfers if each.amount > 0)

    @property
    def returned(self) -> int:
        """What went back by transfer."""
        return -sum(each.amount for each in self.transfers if each.amount < 0)

    @property
    def open(self) -> int:
        """What is still to come, of what was or may yet be claimed."""
        return max(0, -self._beyond)

    @property
    def to_return(self) -> int:
        """What came beyond that, so that it is to be given back."""
        return max(0, self._beyond)

    @property
    def _beyond(self) -> int:
        return self.received - self.returned - (self.authorized - self.refunded)

    def seen(self) -> GatewayPayment:
        """The claim as any payment is seen."""
        currency = self.amount.currency
        return GatewayPayment(
            reference=self.reference,
            order_id=self.order_id,
            attempt=self.attempt,
            status=self.status,
            amount=self.amount,
            authorized=Money(self.authorized, currency),
            captured=Money(self.captured, currency),
            refunded=Money(self.refunded, currency),
            multicapture=True,
            method=METHOD,
            received=Money(self.received, currency),
            returned=Money(self.returned, currency),
            due_days=self.days,
        )


def reference_of(order_id: str, attempt: int) -> str:
    """The name of the claim for an attempt at paying an order."""
    return f"acc_{order_id}_{attempt}"


def authorize(claim: Claim, account: CreditAccount) -> Claim:
    """The claim once the account's credit covers it. Raises CreditRefused OVER_LIMIT, or
    `payment_intent_unexpected_state` for one that was given up."""
    if claim.status in ("authorized", "captured"):
        return claim
    _require_status(claim, "awaiting_customer")
    if not account.has_room(claim.amount):
        raise CreditRefused(OVER_LIMIT)
    return _next(claim, status="authorized", authorized=claim.amount.minor)


def capture(claim: Claim, amount: Money, key: str, *, final: bool) -> Claim:
    """The claim with `amount` of it due; with `final` the rest is released.

    Raises CreditRefused `idempotency_error`, `payment_intent_unexpected_state`, `amount_too_large`,
    `amount_too_small` (nothing, of which nothing is released either), `currency_mismatch`.
    """
    if _repeated(claim, claim.captures, key, amount):
        return claim
    _require_status(claim, "authorized")
    if amount.minor > claim.authorized - claim.captured:
        raise CreditRefused("amount_too_large")
    if not amount and not (final and claim.captured):
        raise CreditRefused("amount_too_small")
    taken = _next(claim, captures={**claim.captures, key: amount.minor})
    if final or taken.captured == taken.authorized:
        return replace(taken, status="captured", authorized=taken.captured)
    return taken


def void(claim: Claim) -> Claim:
    """The claim given up. Raises CreditRefused once any of it was captured."""
    if claim.status == "voided":
        return claim
    if claim.captured:
        raise CreditRefused("payment_intent_unexpected_state")
    return _next(claim, status="voided", authorized=0)


def refund(claim: Claim, amount: Money, key: str) -> Claim:
    """The claim less `amount`, which is owed no more and goes back if it has come.

    Raises CreditRefused `idempotency_error`, `refund_exceeds_capture`, `currency_mismatch`.
    """
    if _repeated(claim, claim.refunds, key, amount):
        return claim
    if amount.minor > claim.captured - claim.refunded:
        raise CreditRefused("refund_exceeds_capture")
    return _next(claim, refunds={**claim.refunds, key: amount.minor})


def receive(claim: Claim, transfer: Transfer) -> Claim:
    """The claim with money that came: before or after it was due, or after it was given up.

    Raises Refusal ILLEGAL_STATE for one that was never authorised.
    """
    if claim.status == "awaiting_customer":
        raise Refusal(Reason.ILLEGAL_STATE, "Nothing was bought on account here.")
    return _next(claim, transfers=(*claim.transfers, transfer))


def give_back(claim: Claim, transfer: Transfer) -> Claim:
    """The claim with money that went back (a negative amount).

    Raises Refusal ILLEGAL_STATE for more than is to be given back.
    """
    if -transfer.amount > claim.to_return:
        left = Money(claim.to_return, claim.amount.currency)
        raise Refusal(Reason.ILLEGAL_STATE, f"{left} of this is to be given back.", "/amount")
    return _next(claim, transfers=(*claim.transfers, transfer))


def with_terms(known: CreditAccount | None, account: str, limit: Money, days: int) -> CreditAccount:
    """An account with other terms; `known` itself when it has them.

    Raises Refusal ILLEGAL_STATE for another currency while something is open.
    """
    if known is None:
        return CreditAccount(account, 1, limit.currency, limit.minor, days)
    if known.open and known.currency != limit.currency:
        raise Refusal(Reason.ILLEGAL_STATE, f"There is {known.currency} open.", "/limit/currency")
    if (known.currency, known.limit, known.days) == (limit.currency, limit.minor, days):
        return known
    return replace(
        known, version=known.version + 1, currency=limit.currency, limit=limit.minor, days=days
    )


def after(account: CreditAccount, before: Claim | None, claim: Claim) -> CreditAccount:
    """The account once a claim is as it is now."""
    moved = claim.open - (before.open if before else 0)
    return replace(account, version=account.version + 1, open=account.open + moved)


def _repeated(claim: Claim, done: Mapping[str, int], key: str, amount: Money) -> bool:
    if amount.currency != claim.amount.currency:
        raise CreditRefused("currency_mismatch")
    if key in done and done[key] != amount.minor:
        raise CreditRefused("idempotency_error")
    return key in done


def _require_status(claim: Claim, status: GatewayStatus) -> None:
    if claim.status != status:
        raise CreditRefused("payment_intent_unexpected_state")


def _next(claim: Claim, **changes: object) -> Claim:
    return replace(claim, version=claim.version + 1, **changes)  # type: ignore[arg-type]
