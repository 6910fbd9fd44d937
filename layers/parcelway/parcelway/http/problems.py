"""Refusals and faults as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parcelway.domain.refusals import Reason, Refusal

CONTENT_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:parcelway:problem:"

# Status and title of every domain refusal.
_OF_REASON: Mapping[Reason, tuple[int, str]] = {
    Reason.NOT_FOUND: (404, "Not found"),
    Reason.STALE_VERSION: (409, "Changed meanwhile"),
    Reason.ILLEGAL_STATE: (409, "Not possible in this state"),
    Reason.UNKNOWN_SKU: (422, "Unknown SKU"),
    Reason.UNKNOWN_NODE: (422, "Unknown node"),
    Reason.NOT_SELLABLE: (409, "Not for sale"),
    Reason.OUT_OF_STOCK: (409, "Not enough stock"),
    Reason.QUANTITY_LIMIT: (422, "Quantity beyond the limit"),
    Reason.IN_KIT: (409, "Part of a kit"),
    Reason.KIT_CHANGED: (409, "The kit has changed"),
    Reason.STOCK_OF_COMPONENTS: (422, "Stock is kept of the components"),
    Reason.QUANTITY_MISMATCH: (409, "Quantities do not add up"),
    Reason.TOO_MANY_LINES: (422, "Too many lines"),
    Reason.EMPTY_CART: (409, "Empty cart"),
    Reason.INCOMPLETE_CHECKOUT: (409, "Checkout is not complete"),
    Reason.DELIVERY_UNAVAILABLE: (422, "Delivery not available"),
    Reason.PAYMENT_METHOD_UNAVAILABLE: (422, "Payment method not available"),
    Reason.COUPON_UNAVAILABLE: (422, "Code not available"),
    Reason.TOO_MANY_COUPONS: (409, "Too many codes"),
    Reason.TOTAL_CHANGED: (409, "The total has changed"),
    Reason.TOTAL_MISMATCH: (422, "The sums do not add up"),
    Reason.OTHER_CONTENT: (409, "Known with other content"),
    Reason.KEY_REUSED: (422, "Idempotency-Key reused"),
    Reason.CURRENCY_UNAVAILABLE: (422, "Currency not available"),
    Reason.TOO_LATE: (409, "Too late"),
    Reason.TOO_EARLY: (409, "Too early"),
    Reason.STALE_COUNT: (409, "Older than the last count"),
    Reason.WRONG_CODE: (422, "Wrong pick-up code"),
    Reason.CREDIT_LIMIT: (422, "More than was invoiced"),
    Reason.CODE_LOCKED: (409, "Too many wrong pick-up codes"),
    Reason.ADJUSTMENT_PENDING: (409, "An adjustment is not decided on yet"),
    Reason.FOUR_EYES: (403, "Needs somebody else"),
    Reason.ABOVE_LIMIT: (403, "Above your limit"),
    Reason.UNKNOWN_GIFT_CARD: (422, "Unknown gift card"),
    Reason.GIFT_CARD_UNUSABLE: (409, "Gift card cannot be used"),
    Reason.GIFT_CARD_LIMIT: (422, "Too many gift cards"),
    Reason.GIFT_CARD_LOCKED: (409, "Too many wrong gift card codes"),
    Reason.CUSTOMER_BLOCKED: (409, "Customer cannot order"),
    Reason.CHALLENGE_LOCKED: (409, "Too many wrong answers"),
    Reason.NOT_FOR_THIS_USE: (403, "Told for something else"),
    Reason.EMAIL_TAKEN: (409, "Address taken"),
    Reason.GRANT_OVER: (403, "The grant is over"),
    Reason.NOT_BY_GRANT: (403, "Not for who acts for another"),
    Reason.NO_PAYMENT_PAGE: (409, "No page to pay on"),
    Reason.TENDER_MISMATCH: (422, "Not what is to be paid"),
    Reason.TENDER_USED: (409, "Paid for another sale"),
    Reason.CHANNEL_CLOSED: (409, "Closed for now"),
    Reason.CHANNEL_BUSY: (429, "Too many orders at present"),
    Reason.PURCHASE_LIMIT: (409, "More than one customer may buy"),
    Reason.SHIPPING_STOPPED: (409, "Nothing leaves for now"),
    Reason.ERASURE_BLOCKED: (409, "Cannot be erased yet"),
    Reason.APPROVAL_NEEDED: (409, "Needs an approval"),
    Reason.NOT_A_BUYER: (403, "Does not buy for the account"),
    Reason.INVALID: (422, "Invalid request"),
}


class Problem(Exception):
    """An answer other than success. `code` is the stable end of its type URN."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.body = {"type": _TYPE_PREFIX + code, "title": title, "status": status}
        if detail:
            self.body["detail"] = detail
        self.body |= members


def of_refusal(refusal: Refusal) -> Problem:
    """The answer to a refused decision."""
    status, title = _OF_REASON[refusal.reason]
    members = dict(refusal.facts)
    if refusal.pointer:
        members["pointer"] = refusal.pointer
    waits = members.get("retry_after")
    headers = {"Retry-After": str(waits)} if waits is not None else None
    return Problem(status, refusal.reason.value, title, refusal.detail, headers=headers, **members)


def not_found() -> Problem:
    """The one answer for what does not exist and for what the caller may not know of."""
    return of_refusal(Refusal(Reason.NOT_FOUND, "There is nothing here for you."))


def bad_request(detail: str) -> Problem:
    """The request could not even be read."""
    return Problem(400, "malformed-request", "Malformed request", detail)


def busy() -> Problem:
    """The tables or the provider did not answer in time; a repeat settles what happened."""
    return Problem(
        503,
        "busy",
        "Busy",
        "Try again with the same Idempotency-Key.",
        headers={"Retry-After": "1"},
    )


def not_set_up() -> Problem:
    """The shop has no settings yet."""
    return Problem(503, "not-set-up", "Not set up", "The shop's settings have not been loaded yet.")


def internal() -> Problem:
    """A fault of ours; the log has it under the request id."""
    return Problem(500, "internal-error", "Internal error", "The fault is ours and was recorded.")
