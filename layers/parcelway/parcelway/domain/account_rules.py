"""What a business account asks of an order before it is placed: who buys, and who has approved."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from typing import Literal

from parcelway.domain.account import Account
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Address
from parcelway.domain.refusals import Reason, Refusal

Standing = Literal["", "asked", "approved", "rejected", "void"]


def content_of(order: Order) -> str:
    """A digest of all that an approver is asked about: for whom, what, how much of it, where it
    goes, whom it is billed to and how, and under which number of the company's."""
    deliveries = [
        (
            group.method,
            group.service,
            group.store,
            _fields(group.address),
            sorted((line.sku, line.units(group.id)) for line in order.lines),
        )
        for group in order.groups
    ]
    said = (
        (order.account, order.customer_id, order.currency),
        deliveries,
        (_fields(order.billing_address), order.tax_id, order.payment_method),
        order.purchase_order,
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()


def standing(order: Order, gross: Money | None = None) -> Standing:
    """How the approval of a draft that comes to `gross` (None: to what its lines say) stands:
    `void` once what was asked about has changed, or comes to more. Of a placed order, as it was."""
    approval = order.approval
    if approval is None:
        return ""
    if order.state == "draft":
        comes_to = gross if gross is not None else totals(order).gross
        if comes_to > approval.total or content_of(order) != approval.content:
            return "void"
    return approval.status


def needs_approval(order: Order, gross: Money, account: Account) -> bool:
    """Whether an approver has to agree to the order. In another currency than the account's amount
    it cannot be told what that comes to: so one has to."""
    above = account.approval_above
    if above is None or account.has("approver", buyer_ids(order)):
        return False
    return gross.currency != above.currency or gross > above


def require_buyer(order: Order, account: Account) -> None:
    """Refuse with NOT_A_BUYER an order for somebody who may not buy for the account."""
    named = account.those("buyer")
    if not named or any(account.has(role, buyer_ids(order)) for role in ("buyer", "approver")):
        return
    raise Refusal(Reason.NOT_A_BUYER, "This customer does not buy for the account.")


def require_approved(order: Order, gross: Money, account: Account) -> None:
    """Refuse with APPROVAL_NEEDED an order that no approver has agreed to, as it is and at this
    total, where one has to."""
    if not needs_approval(order, gross, account):
        return
    stands = standing(order, gross)
    if stands == "approved":
        return
    above = account.approval_above
    raise Refusal(
        Reason.APPROVAL_NEEDED,
        f"{_TOLD[stands]} Ask with POST /carts/{order.id}/approval.",
        approval=stands,
        total=_plain(gross),
        above=_plain(above) if above is not None else None,
    )


def buyer_ids(order: Order) -> tuple[str, ...]:
    """Every id that the order's customer has or had."""
    return tuple(each for each in (order.customer_id, *order.formerly) if each)


_TOLD = {
    "": "An approver of the account has to agree to this order.",
    "asked": "The account's approvers have been asked and have not decided yet.",
    "rejected": "An approver of the account has rejected this order.",
    "void": "The order has changed, or comes to more, since an approver was asked.",
}


def _plain(money: Money) -> dict[str, int | str]:
    return {"minor": money.minor, "currency": money.currency}


def _fields(address: Address | None) -> tuple[str, ...]:
    return astuple(address) if address is not None else ()
