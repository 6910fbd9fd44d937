"""Grants: what lets a member of staff fill and place one order as its customer would.

It is for one order, for half an hour, and was given for a cause that is on record. Its token goes
where the cart's own would, and whoever has it can use it, like the cart's own: the routes of carts
know nobody's sign-in. So it is short, cannot be renewed, can be ended by anybody of the desk, is
kept as a hash only, and opens less than its customer can do: no payment in which a card is entered,
no making the cart one's own, not the link that shows the code to collect, and no sending of a
customer's mails elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import replace
from datetime import datetime
from typing import Literal

from parcelway.domain.order import Order
from parcelway.domain.parties import GUEST, Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

Cause = Literal["phone_order", "counter_order", "assistance", "complaint"]
PREFIX = "grt_"
_TOKEN = re.compile(rf"({PREFIX}[a-z2-7]{{26}})\.([0-9a-f]{{64}})")


@dataclass(frozen=True, slots=True)
class Grant:
    """What lets one member of staff act on one order as its customer would, until `expires_at`.

    `staff` is their subject in the user pool, `secret_hash` proves the token.
    """

    id: str
    order_id: str
    staff: str
    cause: Cause
    opened_at: datetime
    expires_at: datetime
    secret_hash: str
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def actor(self) -> Actor:
        """Who acts by it."""
        return Actor("staff", self.staff)


def named_by(token: str) -> tuple[str, str] | None:
    """The grant's id and the secret in a token; None when it has not the form of one."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def proves(grant: Grant, secret: str) -> bool:
    """Whether a secret is the grant's (constant time)."""
    return hmac.compare_digest(grant.secret_hash, hashed(secret))


def require_valid(grant: Grant, now: datetime) -> None:
    """Refuse with GRANT_OVER what has expired or was ended."""
    if grant.ended_at is not None:
        raise Refusal(Reason.GRANT_OVER, "This grant was ended; open another one.")
    if now >= grant.expires_at:
        raise Refusal(Reason.GRANT_OVER, "This grant has expired; open another one.")


def holder(order: Order, grant: Grant | None) -> Actor:
    """Who acts on an order as its holder: staff by a grant, its customer, or a guest."""
    if grant is not None:
        return grant.actor
    return Actor("customer", order.customer_id) if order.customer_id else GUEST


def as_held(order: Order, grant: Grant | None) -> Order:
    """The order as its holder acts on it. A draft's actor is who acts now; of a placed one it stays
    who placed it."""
    actor = holder(order, grant)
    if order.state != "draft" or order.actor == actor:
        return order
    return replace(order, actor=actor)


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
