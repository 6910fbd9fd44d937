"""Stripe's disputes (docs.stripe.com/disputes/how-disputes-work, api/disputes/object).

A status that begins with `warning_` is an inquiry's: nothing is taken, and it may become a
chargeback with the same id. A `prevented` one was refunded before it came to that.
"""

from __future__ import annotations

from datetime import UTC, datetime

import stripe

from parcelway.domain.dispute import Dispute, DisputeStatus
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.stripe_api import from_stripe_amount, stripe_client, stripe_errors

_STATUSES: dict[str, DisputeStatus] = {
    "needs_response": "needs_response",
    "under_review": "under_review",
    "closed": "closed",
    "prevented": "closed",
    "won": "won",
    "lost": "lost",
}


class StripeDisputes:
    """The disputes of one account, behind `Disputes`."""

    def __init__(self, secret_key: str, *, api_base: str = "https://api.stripe.com") -> None:
        self._disputes = stripe_client(secret_key, api_base).v1.disputes

    def of_payment(self, reference: str) -> tuple[Dispute, ...]:
        """See Disputes.of_payment."""
        with stripe_errors():
            found = self._disputes.list({"payment_intent": reference, "limit": 100})
            return tuple(_dispute(each, reference) for each in found.auto_paging_iter())


def _dispute(seen: stripe.Dispute, payment: str) -> Dispute:
    status = _STATUSES.get(seen.status.removeprefix("warning_"))
    if status is None:
        raise GatewayRefused("status_unknown", seen.status)
    due_by = seen.evidence_details.due_by
    return Dispute(
        reference=seen.id,
        payment=payment,
        amount=from_stripe_amount(seen.amount, seen.currency),
        reason=seen.reason,
        status=status,
        opened_at=datetime.fromtimestamp(seen.created, UTC),
        due_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
        inquiry=seen.status.startswith("warning_"),
    )
