"""Refunds: docs.stripe.com/refunds."""

from __future__ import annotations

from typing import Literal

from infra.local.stripe import balance, disputes
from infra.local.stripe.account import Account, integer, merge_metadata
from infra.local.stripe.errors import Json, Refusal, invalid

# docs.stripe.com/testing, "Refunds": what the two test cards for it do, by their last digits.
_BY_CARD: dict[str, Literal["pending", "fails"]] = {"7726": "pending", "5126": "fails"}


def create(account: Account, params: Json) -> Json:
    """Give back part of what a charge captured. Raises Refusal for more than is left of it."""
    charge = _charge(account, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = integer(params, "amount")
    amount = left if amount is None else amount
    disputes.require_refundable(account, charge)
    _check(charge, amount, left)
    reason = params.get("reason")
    if reason not in (None, "duplicate", "fraudulent", "requested_by_customer"):
        raise invalid(f"Invalid reason: {reason}", param="reason")
    refund = account.add(
        "refund",
        {
            "amount": amount,
            "balance_transaction": None,
            "currency": charge["currency"],
            "charge": charge["id"],
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "pending" if _fate(charge) == "pending" else "succeeded",
            "metadata": {},
        },
    )
    merge_metadata(refund, params.get("metadata"))
    _book(charge, amount)
    balance.refunded(account, refund)
    account.emit("refund.created", refund)
    account.emit("charge.refunded", charge, {"amount_refunded": charge["amount_refunded"] - amount})
    answer = dict(refund)
    if _fate(charge) == "pending":
        refund["status"] = "succeeded"
        account.emit("refund.updated", refund)
    elif _fate(charge) == "fails":
        fail(account, refund["id"])
    return answer


def _fate(charge: Json) -> str:
    return _BY_CARD.get(charge["payment_method_details"]["card"]["last4"], "")


def fail(account: Account, reference: str) -> Json:
    """The card's bank sent the refund back days later (docs.stripe.com/refunds#failed-refunds)."""
    refund = account.get("refund", reference)
    if refund["status"] != "succeeded":
        raise invalid(f"This refund is {refund['status']}.")
    refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    _book(account.get("charge", refund["charge"]), -refund["amount"])
    balance.refund_failed(account, refund)
    account.emit("refund.updated", refund)
    account.emit("refund.failed", refund)
    return refund


def _charge(account: Account, params: Json) -> Json:
    if "charge" in params:
        return account.get("charge", params["charge"])
    if "payment_intent" not in params:
        raise invalid("One of charge or payment_intent is required.", code="parameter_missing")
    intent = account.get("payment_intent", params["payment_intent"])
    if not intent["amount_received"]:
        message = (
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
        raise invalid(message, param="payment_intent")
    return account.get("charge", intent["latest_charge"])


def _check(charge: Json, amount: int, left: int) -> None:
    if left <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        error = {"type": "invalid_request_error", "code": "charge_already_refunded"}
        raise Refusal(400, {**error, "message": message})
    if amount > left:
        # Stripe gives no code here, only the parameter (seen in the wild; see README.md).
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise Refusal(400, {"type": "invalid_request_error", "message": message, "param": "amount"})
    if amount == 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")


def _book(charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    whole = charge["amount_refunded"] == charge["amount_captured"]
    charge["refunded"] = charge["captured"] and whole
