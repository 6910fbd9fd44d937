"""What the shop decides about an account: enabled, locked for a while, or disabled.

Whoever is locked or disabled neither signs in nor orders; orders that are open go on to their end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from parcelway.domain.customer import Change, Customer, changed
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal

Wanted = Literal["enabled", "locked", "disabled"]
BLOCKED = frozenset({"locked", "disabled", "erased"})


def require_others(customer: Customer, by: Actor) -> None:
    """Refuse with FOUR_EYES the record of the member of staff themselves, or the one it became."""
    if customer_id_of(by.id) in (customer.id, *customer.absorbed):
        raise Refusal(Reason.FOUR_EYES, "It is your own record: let somebody else see to it.")


def put_in_state(
    customer: Customer,
    wanted: Wanted,
    reason: str,
    proven: bool,
    holder: str,
    now: datetime,
    by: Actor,
) -> Change | None:
    """The record in another state; None when it is in that one already.

    `proven` tells whether the mailbox of its own login is its owner's: who was locked before they
    had shown that is pending again. A record that was taken over has no login, and nothing to show.
    `holder` is the id of the record that has its address, '' for none. Raises Refusal FOUR_EYES for
    the own record, ILLEGAL_STATE for one that was merged into another, and to enable one that only
    its owner can enable or whose address is another's.
    """
    require_others(customer, by)
    if customer.merged_into:
        raise Refusal(Reason.ILLEGAL_STATE, "This record was merged into another one.", "/state")
    if customer.state == "erased":
        raise Refusal(Reason.ILLEGAL_STATE, "Nobody is left whom this record is of.", "/state")
    if wanted == "enabled" and customer.state == "pending":
        raise Refusal(
            Reason.ILLEGAL_STATE,
            "The customer enables this account by proving that the mailbox is theirs.",
            "/state",
        )
    if wanted == "enabled" and holder not in ("", customer.id):
        raise Refusal(
            Reason.ILLEGAL_STATE,
            "Another record has this address now; this one can be merged into it.",
            "/state",
        )
    shown = proven or not customer.subject
    state = "pending" if wanted == "enabled" and not shown else wanted
    if state == customer.state:
        return None
    kept = "" if wanted == "enabled" else reason
    return replace(
        changed(customer, replace(customer, state=state, state_reason=kept), now, by), reason=reason
    )
