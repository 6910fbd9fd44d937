"""Refusals in Stripe's error format (docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """An HTTP error answer with Stripe's error object.

    `executed` tells whether the endpoint had begun its work: only then does the Idempotency-Key
    remember the answer (docs.stripe.com/api/idempotent_requests).
    """

    def __init__(self, status: int, error: Json, *, executed: bool = True) -> None:
        super().__init__(error["message"])
        self.status = status
        self.body: Json = {"error": error}
        self.executed = executed


def invalid(message: str, *, code: str = "", param: str = "", status: int = 400) -> Refusal:
    """An `invalid_request_error` found while validating, before anything was done."""
    error = {"type": "invalid_request_error", "message": message}
    error |= {"code": code} if code else {}
    error |= {"param": param} if param else {}
    return Refusal(status, error, executed=False)


def missing(kind: str, reference: str) -> Refusal:
    """No object of this `kind` has this id."""
    message = f"No such {kind}: '{reference}'"
    return invalid(message, code="resource_missing", param="id", status=404)


def unexpected_state(intent: Json, message: str) -> Refusal:
    """The PaymentIntent's status does not allow the call; the intent comes with the error."""
    error = {
        "type": "invalid_request_error",
        "code": "payment_intent_unexpected_state",
        "message": message,
        "payment_intent": intent,
    }
    return Refusal(400, error)
