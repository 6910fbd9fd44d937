"""Reconciling: what the provider has of ours, compared with what orders know of it.

Webhooks get lost, and so does the answer to a call: then money is held or taken that no order
knows, or an order counts on money that is not there. So the provider's payments are listed again
and again, and each is compared with its order. What comes out is one of three things: all is well;
the payment worker is to look at it, whose rules (`authorization`) attach it, give it back or take
it off the order; or the two contradict each other in a way that no rule of ours can mend, which
finance has to see.

A pass goes through the payments of a window of time, page by page, and a pass that was cut off goes
on where it was. Each window begins before the last one ended: a payment is often paid only some
while after it was made, up to when its order's hold is over.

Once a day a review looks again at all of the days that a hold lasts: at what finance has not
decided yet, at what the provider has, and at what orders count on being held. It may take many
runs, each of which goes on where the last one came to, and new payments never wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from parcelway.domain.authorization import GRACE, overtaken, recorded, undo_first, usable
from parcelway.domain.matching import Why
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.settlement import (
    Booking,
    Difference,
    Reading,
    Unmatched,
    queued_as,
)
from parcelway.values import dataclass

# What is younger is still under way, by the usual path; and clocks differ a little.
SETTLING = timedelta(minutes=5)
# So far a window reaches into the one before it at least.
OVERLAP = timedelta(minutes=45) + GRACE
REVIEW_EVERY = timedelta(days=1)
# A hold lasts seven days (docs.stripe.com/payments/place-a-hold-on-a-payment-method).
REVIEWED = timedelta(days=9)

Verdict = Literal["agrees", "ask"] | Why
# What a review looks at, in this order: what the provider has must be known before what it has not.
Stage = Literal["open", "listing", "held"]
_NEXT: Mapping[Stage, Stage] = {"open": "listing", "listing": "held"}


@dataclass(frozen=True, slots=True)
class Review:
    """A long look that is under way: at what was made from `since` to before `until`.

    It is at `stage` and goes on after `after`, which is an item of finance's, a payment, or a place
    among the orders; '' is the stage's beginning. `pages` counts the pages that were listed.
    """

    since: datetime
    until: datetime
    stage: Stage = "open"
    after: str = ""
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the comparing has come. `version` counts its commits.

    Every payment made before `heard_until` was compared. A pass that is under way has a window from
    `since` to before `until` and goes on after the payment `after`. The last review was begun at
    `reviewed_at`; `review` is None once it is over.
    """

    version: int = 0
    heard_until: datetime | None = None
    reviewed_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str = ""
    review: Review | None = None

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """The window of the pass that is under way; None for none."""
        return (self.since, self.until) if self.since and self.until else None


def reach(hold: timedelta) -> timedelta:
    """So far a window reaches into the one before it: an order holds its stock for `hold`, GRACE
    longer for who is paying, and a payment of the last moment is seen only some time after it."""
    return max(OVERLAP, hold + 2 * GRACE)


def begin(known: Progress, now: datetime, back: timedelta) -> Progress:
    """With a pass under way: the one that was cut off, or a new one up to now, which reaches `back`
    into the one before it."""
    if known.window is not None:
        return known
    until = (now - SETTLING).replace(microsecond=0)  # the provider counts in seconds
    heard = known.heard_until or until
    return replace(known, since=min(heard, until) - back, until=until)


def turned(known: Progress, next_after: str) -> Progress:
    """After a page was compared, of which the next begins after the payment `next_after`; '' when
    it was the last one. What was heard of is never less than before."""
    version = known.version + 1
    if next_after:
        return replace(known, version=version, after=next_after)
    ends = [moment for moment in (known.heard_until, known.until) if moment is not None]
    over = replace(known, version=version, since=None, until=None, after="")
    return replace(over, heard_until=max(ends, default=None))


def reviewing(known: Progress, now: datetime) -> Progress:
    """With a review under way: the one that was not finished, or a new one when it is time. Of what
    was heard of, the newest is left to the next windows, which see it again anyway."""
    heard = known.heard_until
    due = known.reviewed_at is None or now - known.reviewed_at >= REVIEW_EVERY
    if known.review is not None or heard is None or not due:
        return known
    return replace(known, reviewed_at=now, review=Review(heard - REVIEWED, heard - OVERLAP))


def reviewed(known: Progress, next_after: str) -> Progress:
    """After a step of the review, of whose stage the next one begins after `next_after`; '' when it
    was the stage's last one. Raises ValueError when none is under way."""
    review = known.review
    if review is None:
        raise ValueError("no review is under way")
    stage: Stage | None = review.stage if next_after else _NEXT.get(review.stage)
    pages = review.pages + (review.stage == "listing")
    after = replace(review, stage=stage, after=next_after, pages=pages) if stage else None
    return replace(known, version=known.version + 1, review=after)


def may_be_held(seen: Iterable[GatewayPayment]) -> Iterator[str]:
    """Of what the provider has, the references of what an order may count on being held."""
    return (each.reference for each in seen if each.status not in ("captured", "voided"))


def differs(payment: Payment | None, seen: GatewayPayment, now: datetime) -> bool:
    """Whether the provider says anything else of a payment than its order has on record."""
    return payment is None or recorded(payment.order_id, payment, seen, now) != payment


def unlisted(held: Iterable[Payment], listed: Collection[str], review: Review) -> Iterator[Payment]:
    """Of what orders count on being `held`, the payments that a review should have shown and that
    were not `listed`: the provider does not know them, or they bear no mark of ours.

    An order has its payment on record only after the provider made it, at most some minutes.
    """
    begins = review.since + OVERLAP
    for payment in held:
        if payment.reference not in listed and begins <= payment.created_at < review.until:
            yield payment


def compare(
    order: Order | None, payment: Payment | None, seen: GatewayPayment, now: datetime
) -> Verdict:
    """What is to become of a payment: nothing, the payment worker looks at it, or finance does.

    `seen` was read after the order, so it is never older than what that knows.
    """
    if order is None:
        return "unknown_order" if _has_money(seen) else "agrees"
    if seen.amount.currency != order.currency:
        return "currency_differs" if _has_money(seen) else "agrees"
    if payment is None:
        wanted = _has_money(seen) and usable(order, None, seen)
        return "ask" if wanted or undo_first(order, None, seen) else "agrees"
    known = recorded(order.id, payment, seen, now)
    if payment.counts and seen.amount != payment.amount:
        return "amount_differs"
    if overtaken(payment, known):
        return "status_differs"
    return "ask" if known != payment or undo_first(order, payment, seen) else "agrees"


def difference(why: Why, payment: Payment | None, seen: GatewayPayment, now: datetime) -> Unmatched:
    """What finance sees of a payment on which order and provider contradict each other. `amount` is
    what the provider holds or took and did not give back."""
    made = seen.made_at or now
    ours = None if payment is None else _on_record(payment)
    return Unmatched(
        queued_as(f"{seen.reference}-{why}", made),
        "",
        why,
        made,
        seen.authorized - seen.refunded,
        difference=Difference(seen.reference, seen.order_id, _reading(seen), ours),
    )


def open_item(item: Unmatched) -> Booking:
    """Put what finance has to see into the queue."""
    return Booking(None, opened=(item,))


def mended(item: Unmatched) -> Booking:
    """Take out of the queue what is so no longer."""
    return Booking(None, closed=(item,))


def _has_money(seen: GatewayPayment) -> bool:
    return seen.authorized > seen.refunded


def _reading(seen: GatewayPayment) -> Reading:
    return Reading(seen.status, seen.amount, seen.authorized, seen.captured, seen.refunded)


def _on_record(payment: Payment) -> Reading:
    sums: Sequence[int] = (payment.authorized, payment.captured, payment.refunded)
    held, captured, refunded = (Money(minor, payment.amount.currency) for minor in sums)
    return Reading(payment.status, payment.amount, held, captured, refunded)
