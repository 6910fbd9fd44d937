"""Why a decision says no. Every refusal has a stable name; the HTTP layer maps it to a status."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """The stable names of refusals; part of the public API."""

    NOT_FOUND = "not-found"
    STALE_VERSION = "stale-version"
    ILLEGAL_STATE = "illegal-state"
    UNKNOWN_SKU = "unknown-sku"
    UNKNOWN_NODE = "unknown-node"
    NOT_SELLABLE = "not-sellable"
    OUT_OF_STOCK = "out-of-stock"
    QUANTITY_LIMIT = "quantity-limit"
    QUANTITY_MISMATCH = "quantity-mismatch"
    TOO_MANY_LINES = "too-many-lines"
    EMPTY_CART = "empty-cart"
    INCOMPLETE_CHECKOUT = "incomplete-checkout"
    DELIVERY_UNAVAILABLE = "delivery-unavailable"
    PAYMENT_METHOD_UNAVAILABLE = "payment-method-unavailable"
    TOTAL_CHANGED = "total-changed"
    KEY_REUSED = "idempotency-key-reused"
    CURRENCY_UNAVAILABLE = "currency-unavailable"
    TOO_LATE = "too-late"
    STALE_COUNT = "stale-count"
    WRONG_CODE = "wrong-pickup-code"
    CODE_LOCKED = "pickup-code-locked"
    INVALID = "invalid-request"


class Refusal(Exception):
    """A decision that was refused. Nothing has been changed.

    `detail` is a sentence for the caller, `pointer` the JSON pointer (RFC 6901) of the field it
    concerns ('' for none), `facts` further members of the answer (plain values).
    """

    def __init__(self, reason: Reason, detail: str, pointer: str = "", **facts: Any) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.pointer = pointer
        self.facts = facts
