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
    IN_KIT = "in-kit"
    KIT_CHANGED = "kit-changed"
    STOCK_OF_COMPONENTS = "stock-of-components"
    QUANTITY_MISMATCH = "quantity-mismatch"
    TOO_MANY_LINES = "too-many-lines"
    EMPTY_CART = "empty-cart"
    INCOMPLETE_CHECKOUT = "incomplete-checkout"
    DELIVERY_UNAVAILABLE = "delivery-unavailable"
    PAYMENT_METHOD_UNAVAILABLE = "payment-method-unavailable"
    COUPON_UNAVAILABLE = "coupon-unavailable"
    TOO_MANY_COUPONS = "too-many-coupons"
    TOTAL_CHANGED = "total-changed"
    TOTAL_MISMATCH = "total-mismatch"
    OTHER_CONTENT = "other-content"
    KEY_REUSED = "idempotency-key-reused"
    CURRENCY_UNAVAILABLE = "currency-unavailable"
    TOO_LATE = "too-late"
    TOO_EARLY = "too-early"
    STALE_COUNT = "stale-count"
    WRONG_CODE = "wrong-pickup-code"
    CREDIT_LIMIT = "credit-limit"
    CODE_LOCKED = "pickup-code-locked"
    ADJUSTMENT_PENDING = "adjustment-pending"
    FOUR_EYES = "four-eyes"
    ABOVE_LIMIT = "above-limit"
    UNKNOWN_GIFT_CARD = "unknown-gift-card"
    GIFT_CARD_UNUSABLE = "gift-card-unusable"
    GIFT_CARD_LIMIT = "gift-card-limit"
    GIFT_CARD_LOCKED = "gift-card-locked"
    CUSTOMER_BLOCKED = "customer-blocked"
    CHALLENGE_LOCKED = "challenge-locked"
    NOT_FOR_THIS_USE = "not-for-this-use"
    EMAIL_TAKEN = "email-taken"
    GRANT_OVER = "grant-over"
    NOT_BY_GRANT = "not-by-grant"
    NO_PAYMENT_PAGE = "no-payment-page"
    TENDER_MISMATCH = "tender-mismatch"
    TENDER_USED = "tender-used"
    CHANNEL_CLOSED = "channel-closed"
    CHANNEL_BUSY = "channel-busy"
    PURCHASE_LIMIT = "purchase-limit"
    SHIPPING_STOPPED = "shipping-stopped"
    ERASURE_BLOCKED = "erasure-blocked"
    APPROVAL_NEEDED = "approval-needed"
    NOT_A_BUYER = "not-a-buyer"
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
