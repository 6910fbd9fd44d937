"""Disputes: docs.stripe.com/disputes/how-disputes-work and, for what ends them in tests,
docs.stripe.com/testing, "Disputes" and "Evidence"."""

from __future__ import annotations

from typing import Any

import stripe

from infra.local.stripe import balance
from infra.local.stripe.account import Account, integer, merge_metadata
from infra.local.stripe.errors import Json, Refusal, invalid

_TO_ANSWER = 14 * 24 * 3600
# docs.stripe.com/testing, "Disputes": why, and whether it is but an inquiry, by last digits.
BY_CARD = {
    "0259": ("fraudulent", False),
    "2685": ("product_not_received", False),
    "1976": ("product_not_received", True),
}
_REASONS = frozenset(
    (
        *("credit_not_processed", "duplicate", "fraudulent", "general"),
        *("product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized"),
    )
)
_OPEN = frozenset(
    ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
)
_EVIDENCE = tuple(
    name for name in stripe.Dispute.Evidence.__annotations__ if not name.startswith("_")
)
_ENDS = {"winning_evidence": True, "losing_evidence": False}


def of_card(account: Account, charge: Json) -> None:
    """What the test cards for disputes do once their charge is captured."""
    card = charge["payment_method_details"]["card"]["last4"]
    if card in BY_CARD and not charge["disputed"]:
        reason, inquiry = BY_CARD[card]
        create(account, charge, {"reason": reason}, inquiry=inquiry)


def of_payment(account: Account, wanted: Json) -> Json:
    """Dispute the charge of `wanted["payment"]`, by its `amount`, `reason` and `inquiry` if any.
    Raises Refusal as `create` does."""
    intent = account.get("payment_intent", str(wanted.get("payment")))
    charge = account.get("charge", str(intent["latest_charge"]))
    params: Json = {name: str(wanted[name]) for name in ("amount", "reason") if name in wanted}
    return create(account, charge, params, inquiry=wanted.get("inquiry") is True)


def create(account: Account, charge: Json, params: Json, *, inquiry: bool = False) -> Json:
    """The cardholder questions a charge, or `amount` of it; a chargeback takes the money at once.

    Raises Refusal for what was never captured, an amount above it, and an unknown reason.
    """
    amount = integer(params, "amount")
    amount = charge["amount_captured"] if amount is None else amount
    if not 0 < amount <= charge["amount_captured"]:
        raise invalid("Only what was captured can be disputed.", param="amount")
    reason = params.get("reason", "fraudulent")
    if reason not in _REASONS:
        raise invalid(f"Invalid reason: {reason}", param="reason")
    dispute = account.add("dispute", _fields(account, charge, amount, reason, inquiry))
    charge["disputed"] = True
    account.emit("charge.dispute.created", dispute)
    if not inquiry:
        _move(account, dispute, ("adjustment", "dispute"), -amount, account.pricing.dispute)
        account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def update(account: Account, dispute: Json, params: Json) -> Json:
    """Evidence; unless it is not to be submitted yet, the bank looks at it. The texts for tests
    end the dispute."""
    _require_open(dispute)
    evidence = params.get("evidence", {})
    if not isinstance(evidence, dict) or not evidence.keys() <= set(_EVIDENCE):
        raise invalid("Invalid evidence", param="evidence")
    merge_metadata(dispute, params.get("metadata"))
    dispute["evidence"] |= evidence
    details = dispute["evidence_details"]
    details["has_evidence"] = True
    if params.get("submit", "true") == "false" or not evidence:
        account.emit("charge.dispute.updated", dispute)
        return dispute
    details["submission_count"] += 1
    details["submission_method"] = "manual"
    dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    account.emit("charge.dispute.updated", dispute)
    ends = _ENDS.get(evidence.get("uncategorized_text", ""))
    return dispute if ends is None else end(account, dispute, won=ends)


def close(account: Account, dispute: Json) -> Json:
    """The merchant gives in: lost (docs.stripe.com/api/disputes/close)."""
    _require_open(dispute)
    return end(account, dispute, won=False)


def end(account: Account, dispute: Json, *, won: bool) -> Json:
    """The bank has decided. A won one's money comes back, its fee by the account's pricing."""
    _require_open(dispute)
    inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
    account.emit("charge.dispute.closed", dispute)
    if won and not inquiry:
        back = account.pricing.dispute if account.pricing.dispute_returned else 0
        _move(account, dispute, ("adjustment", "dispute_reversal"), dispute["amount"], -back)
        account.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def require_refundable(account: Account, charge: Json) -> None:
    """Refuse to refund what a chargeback took or may take for good: docs.stripe.com/error-codes,
    charge_disputed. What was won back, and an inquiry, may be refunded."""
    for dispute in account.objects["dispute"].values():
        if dispute["charge"] == charge["id"] and dispute["status"] in (
            *("needs_response", "under_review", "lost"),
        ):
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            error = {"type": "invalid_request_error", "code": "charge_disputed"}
            raise Refusal(400, {**error, "message": message})


def _move(account: Account, dispute: Json, kind: tuple[str, str], amount: int, fee: int) -> None:
    moved = balance.record(account, kind, amount, dispute, fee=fee, fee_name="Dispute fee")
    dispute["balance_transactions"].append(moved)


def _require_open(dispute: Json) -> None:
    if dispute["status"] not in _OPEN:
        raise invalid("This dispute is already closed", param="dispute")


def _fields(account: Account, charge: Json, amount: int, reason: str, inquiry: bool) -> Json:
    brand = charge["payment_method_details"]["card"]["brand"]
    evidence: dict[str, Any] = dict.fromkeys(_EVIDENCE)
    case = "inquiry" if inquiry else "chargeback"
    return {
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**evidence, "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": account.now() + _TO_ANSWER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": brand,
                "case_type": case,
                "network": brand,
                "network_reason_code": None,
            },
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
