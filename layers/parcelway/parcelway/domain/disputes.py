"""Disputes: the customer's bank questions a payment, and what that means for its order.

Nothing more leaves while a dispute is open, nor after one that was lost: the goods would be gone
with the money. What the bank took meanwhile is on the books (`ledger.disputed`); who was right
decides whether it comes back. An inquiry only asks, and takes nothing.

Every reading is a fact about one payment as it is at the provider now, so reports may come twice,
late or in any order; one that is over when it is first heard of is recorded as that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from parcelway.domain import ledger
from parcelway.domain.decision import Decision
from parcelway.domain.dispute import Dispute
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money
from parcelway.domain.order import Hold, Order, advance, events
from parcelway.domain.parties import Actor

DISPUTE = "dispute"  # the hold; its detail is the dispute's reference
_PROVIDER = Actor("provider")
_News = Literal["dispute.opened", "dispute.updated", "dispute.won", "dispute.lost"]


def observe(
    order: Order, known: Sequence[Dispute], seen: Sequence[Dispute], now: datetime
) -> Decision | None:
    """Record the disputes of one payment as the provider has them. None when none of it is news."""
    before = {dispute.reference: dispute for dispute in known}
    fresh = tuple(d for d in seen if _is_news(before.get(d.reference), d))
    if not fresh:
        return None
    pairs = [(before.get(dispute.reference), dispute) for dispute in fresh]
    moved = sum(dispute.taken - (old.taken if old else 0) for old, dispute in pairs)
    after = advance(
        order,
        charged_back=order.charged_back + moved,
        holds=_holds(order, fresh, now),
        alerts=(*order.alerts, *(alert for pair in pairs for alert in _alerts(*pair, now))),
    )
    return Decision(
        after,
        events(after, now, _PROVIDER, *(_told(*pair) for pair in pairs)),
        disputes=fresh,
        postings=tuple(made for pair in pairs for made in _postings(after, *pair, now)),
    )


def _is_news(before: Dispute | None, seen: Dispute) -> bool:
    """What was decided is not open again, except that a lost one may be appealed and won."""
    if before is None or before == seen:
        return before is None
    return before.open or (before.status == "lost" and seen.status == "won")


def _holds(order: Order, fresh: Sequence[Dispute], now: datetime) -> tuple[Hold, ...]:
    """Each dispute that is open or lost has one; an order that ended needs none."""
    concerned = {dispute.reference for dispute in fresh}
    kept = tuple(h for h in order.holds if h.code != DISPUTE or h.detail not in concerned)
    if order.state not in ("placed", "confirmed"):
        return kept
    since = {hold.detail: hold.since for hold in order.holds if hold.code == DISPUTE}
    return (
        *kept,
        *(
            Hold(DISPUTE, dispute.reference, since.get(dispute.reference, now))
            for dispute in fresh
            if dispute.open or dispute.status == "lost"
        ),
    )


def _alerts(before: Dispute | None, seen: Dispute, now: datetime) -> list[Hold]:
    """Somebody has to answer, and to hear how it ended badly."""
    news = []
    if seen.open and (before is None or before.inquiry != seen.inquiry):
        news.append(Hold("dispute_opened", seen.reference, now))
    if seen.status == "lost":
        news.append(Hold("dispute_lost", seen.reference, now))
    return news


def _told(before: Dispute | None, seen: Dispute) -> tuple[str, Mapping[str, Any]]:
    kind: _News = "dispute.updated"
    if seen.open:
        kind = "dispute.updated" if before else "dispute.opened"
    elif seen.status in ("won", "closed"):
        kind = "dispute.won"
    elif seen.status == "lost":
        kind = "dispute.lost"
    return kind, {
        "dispute": seen.reference,
        "payment": seen.payment,
        "amount": seen.amount.minor,
        "status": seen.status,
    }


def _postings(
    order: Order, before: Dispute | None, seen: Dispute, now: datetime
) -> tuple[Posting, ...]:
    """What the bank took or gave back since, and what is decided to be lost."""
    old = before or replace(seen, status="closed")
    taken, lost = seen.taken - old.taken, seen.lost - old.lost
    currency, key = seen.amount.currency, f"{seen.reference}:{order.version}"
    made = []
    if taken > 0:
        made.append(ledger.disputed(order.id, key, now, Money(taken, currency)))
    if lost:
        made.append(ledger.dispute_lost(order.id, key, now, Money(lost, currency)))
    if taken < 0:
        made.append(ledger.dispute_won(order.id, key, now, Money(-taken, currency)))
    return tuple(made)
