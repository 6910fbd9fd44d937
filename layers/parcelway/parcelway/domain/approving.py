"""Asking the approvers of a business account about a cart, and what they say.

What they agree to is the cart as it was asked about. Nothing is undone when it changes: an approval
holds as long as the cart contains the same and comes to no more (`account_rules.standing`), so that
no way to change a cart can be forgotten. Nobody decides on an order of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parcelway.domain.account import Account, Approval, ApprovalStatus
from parcelway.domain.account_rules import (
    buyer_ids,
    content_of,
    needs_approval,
    require_buyer,
    standing,
)
from parcelway.domain.account_state import BLOCKED
from parcelway.domain.checkout import require_complete
from parcelway.domain.commands import Command, remember
from parcelway.domain.customer import Customer
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.money import total
from parcelway.domain.order import Order, advance, events, require, totals
from parcelway.domain.parties import Actor
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shortage import resolve
from parcelway.values import dataclass

MOST = 20  # times that the approvers are asked about one cart: each is a mail to all of them


@dataclass(frozen=True, slots=True)
class Approver:
    """An approver of an account: their record, and the account as it is. `subject` is their
    login's, by which staff are known who act for others."""

    customer: Customer
    account: Account
    subject: str


def approver(customer: Customer | None, account: Account | None, subject: str) -> Approver:
    """Somebody as an approver of their account. Raises Refusal NOT_FOUND for who is none, or may
    not act at present."""
    if (
        customer is None
        or customer.state in BLOCKED
        or account is None
        or customer.account != account.id
        or not account.has("approver", (customer.id, *customer.absorbed))
    ):
        raise nothing_to_decide()
    return Approver(customer, account, subject)


def ask(order: Order, account: Account | None, facts: Facts, asked: Command) -> Decision | None:
    """Ask the account's approvers about the draft, at what placing it would come to now. None when
    they have been asked about it as it is, or have agreed to it.

    Raises Refusal ILLEGAL_STATE (no draft of such an account, or nobody has to agree to it),
    NOT_A_BUYER, QUANTITY_LIMIT, and what would keep it from being placed at all: EMPTY_CART,
    INCOMPLETE_CHECKOUT, OUT_OF_STOCK.
    """
    require(order, "draft")
    if account is None:
        raise Refusal(
            Reason.ILLEGAL_STATE, "This cart is not of a business account with approvers."
        )
    require_buyer(order, account)
    require_complete(order, account)
    priced = price(order, facts)
    parts = resolve(priced, facts)
    gross = total((totals(part.order).gross for part in parts), order.currency)
    if not needs_approval(priced, gross, account):
        raise Refusal(Reason.ILLEGAL_STATE, "This order needs no approval: place it.")
    if standing(priced, gross) in ("asked", "approved"):
        return None
    before = order.approval
    number = before.number + 1 if before else 1
    if number > MOST:
        raise Refusal(Reason.QUANTITY_LIMIT, f"Approvers are asked {MOST} times about one cart.")
    made = Approval(
        derived("apr", order.id, str(number)),
        number,
        "asked",
        content_of(priced),
        gross,
        order.actor,
        facts.now,
    )
    after = advance(priced, approval=made, commands=remember(order, asked))
    told = [
        ("order.approval_asked", {**_told(made), "approver": each})
        for each in account.those("approver")
    ]
    return Decision(
        after,
        events(after, facts.now, order.actor, *told),
        asking=made,
        asked=before if before and before.status == "asked" else None,
    )


def decide(
    order: Order,
    approval_id: str,
    status: ApprovalStatus,
    by: Approver,
    facts: Facts,
    asked: Command,
    reason: str = "",
) -> Decision:
    """Agree to what was asked (`approved`), or not (`rejected`, with a reason).

    Raises Refusal NOT_FOUND (no such cart of the account's, or not asked about), ILLEGAL_STATE,
    FOUR_EYES, STALE_VERSION when the cart is not what was asked about any more.
    """
    approval = order.approval
    if order.account != by.account.id or approval is None:
        raise nothing_to_decide()
    require(order, "draft")
    if approval.id != approval_id:
        raise Refusal(Reason.STALE_VERSION, "It was asked about anew: look at it again.")
    if approval.status != "asked":
        raise Refusal(
            Reason.ILLEGAL_STATE, f"It is {approval.status} already.", state=approval.status
        )
    if is_own(order, by):
        raise Refusal(Reason.FOUR_EYES, "It is your own order: somebody else decides on it.")
    if standing(order) == "void":
        raise Refusal(
            Reason.STALE_VERSION, "The cart has changed since this was asked: let them ask again."
        )
    made = replace(
        approval,
        status=status,
        decided_by=by.customer.id,
        decided_at=facts.now,
        reason=reason,
    )
    after = advance(order, approval=made, commands=remember(order, asked))
    actor = Actor("customer", by.customer.id)
    told = events(after, facts.now, actor, (f"order.approval_{status}", _told(made)))
    return Decision(after, told, asked=approval)


def nothing_to_decide() -> Refusal:
    """The one answer for what is not there, and for whom it is no business of."""
    return Refusal(Reason.NOT_FOUND, "There is nothing here for you to decide on.")


def is_own(order: Order, by: Approver) -> bool:
    """Whether the approver buys, or acts for who buys: then somebody else decides."""
    theirs = {by.customer.id, *by.customer.absorbed}
    return bool(theirs.intersection(buyer_ids(order))) or by.subject in order.acted_by


def _told(approval: Approval) -> Mapping[str, Any]:
    """What an event says of it: no reason, which may name people."""
    return {
        "approval": approval.id,
        "amount": approval.total.minor,
        "currency": approval.total.currency,
    }
