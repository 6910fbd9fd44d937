"""What a movement of the provider's balance is of: the capture, refund or dispute that an order
knows, each settled once; or why it is of none of them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import field, replace
from typing import Literal

from parcelway.domain.dispute import Dispute
from parcelway.domain.money import Money
from parcelway.domain.payment import Payment
from parcelway.domain.payout import BalanceTransaction
from parcelway.values import dataclass

# Why something cannot be matched; '' for what can.
Why = Literal[
    "",
    "does_not_add_up",
    "unknown_account",
    "not_itemised",
    "unknown_payment",
    "exceeds_captured",
    "exceeds_refunded",
    "unknown_dispute",
    "differs_from_dispute",
    "unknown_payout",
    "unknown_kind",
    "unknown_order",
    "currency_differs",
    "amount_differs",
    "status_differs",
]


@dataclass(frozen=True, slots=True)
class Settled:
    """What of a payment has been settled so far, in minor units of its currency: captured,
    refunded, and moved by a dispute (`dispute:du_1`, `dispute_reversal:du_1`), each once."""

    order_id: str
    payment: str
    version: int = 0
    captured: int = 0
    refunded: int = 0
    disputes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of that which a batch of movements is about: payments, disputes and what was
    settled before by reference, and what was booked of payouts that did not arrive, in minor units
    of their currency. Of those that are `undecided` it is open how much will have been; those that
    somebody dealt with `by_hand` are not booked."""

    payments: Mapping[str, Payment] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    settled: Mapping[str, Settled] = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)
    undecided: Set[str] = frozenset()
    by_hand: Set[str] = frozenset()


def match(each: BalanceTransaction, facts: Known) -> tuple[Why, Settled | None]:
    """Why a movement is not of anything that is known, '' when it is; and what of its payment is
    settled with it (None: it is of no payment, or is unmatched)."""
    if not each.adds_up:
        return "does_not_add_up", None
    if each.kind in ("fee", "reserve"):
        return "", None
    if each.kind == "payout_failure":
        return ("" if each.source in facts.returned else "unknown_payout"), None
    if each.kind in ("foreign", "other"):
        return "unknown_kind", None
    payment = facts.payments.get(each.payment)
    original = each.original
    if payment is None or original is None or original.currency != payment.amount.currency:
        return "unknown_payment", None
    before = facts.settled.get(each.payment, Settled(payment.order_id, each.payment))
    after = _with(before, each, original.minor)
    why = _why_not(after, each, original, payment, facts.disputes.get(each.source))
    return why, None if why else after


def _with(before: Settled, each: BalanceTransaction, original: int) -> Settled:
    if each.kind == "charge":
        return replace(before, captured=before.captured + original)
    if each.kind in ("refund", "refund_failure"):
        return replace(before, refunded=before.refunded - original)
    name = _dispute_name(each)
    moved = before.disputes.get(name, 0) + original
    return replace(before, disputes={**before.disputes, name: moved})


def _dispute_name(each: BalanceTransaction) -> str:
    return f"{each.kind}:{each.source}"


def _why_not(
    after: Settled,
    each: BalanceTransaction,
    original: Money,
    payment: Payment,
    dispute: Dispute | None,
) -> Why:
    """Why the order would not have so much settled. A refund that failed is settled as both."""
    if each.kind == "charge":
        return "exceeds_captured" if after.captured > payment.captured else ""
    if each.kind == "refund":
        return "exceeds_refunded" if after.refunded > payment.refunded else ""
    if each.kind == "refund_failure":
        return ""
    if dispute is None:
        return "unknown_dispute"
    expected = dispute.amount if each.kind == "dispute_reversal" else -dispute.amount
    # One of each kind: a second one makes the sum another.
    once = after.disputes[_dispute_name(each)] == original.minor
    return "" if once and original == expected else "differs_from_dispute"
