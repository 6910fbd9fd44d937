"""What the payment provider's word means for an order.

Every report is taken as a fact about one payment and decided against the order as it is now, so
reports may come twice, late or in any order. Money never outlives an order that cannot use it:
a success for an expired or cancelled order is undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from parcelway.domain import ledger
from parcelway.domain.backorder import Terms
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice
from parcelway.domain.money import Money, total
from parcelway.domain.order import (
    PAYMENT_LOST,
    WAITS,
    DeliveryGroup,
    Hold,
    Line,
    Order,
    PaymentStatus,
    Stage,
    advance,
    events,
    require,
    totals,
)
from parcelway.domain.parties import Actor
from parcelway.domain.payment import GatewayPayment, GatewayStatus, Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import take
from parcelway.values import dataclass

PROVIDER = Actor("provider")
# Entering a card and passing 3-D Secure may take this long; granted once per order.
GRACE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Undo:
    """What must be told to the provider before anything is written: money we may not keep."""

    action: Literal["void", "refund"]
    reference: str
    amount: Money


def next_attempt(order: Order, payment: Payment | None, now: datetime) -> int:
    """The number of the attempt a customer who wants to pay now should use.

    The last attempt while it can still be completed, else a new one. Raises Refusal
    ILLEGAL_STATE unless the order awaits payment, TOO_LATE when its hold is over.
    """
    _require_payable(order)
    if order.state == "placed" and (order.hold_until is None or order.hold_until <= now):
        raise Refusal(Reason.TOO_LATE, "The time to pay for this order is over.")
    if payment is not None and payment.open:
        return payment.number
    return order.payment_attempts + 1


def start(order: Order, seen: GatewayPayment, now: datetime) -> Decision | None:
    """Keep a payment that was created with the provider. None when it is already kept.

    The first attempt extends a hold that would lapse within GRACE, once.
    """
    _require_payable(order)
    if seen.attempt <= order.payment_attempts:
        return None
    payment = _payment(order, None, seen, now)
    until = _graced(order, now)
    return Decision(
        advance(order, payment_attempts=seen.attempt, hold_until=until), payment=payment
    )


def undo_first(order: Order, payment: Payment | None, seen: GatewayPayment) -> Undo | None:
    """What has to be undone at the provider before `seen` can be recorded; None if nothing.

    Money is undone when the order cannot use it: it expired or was cancelled, it is already paid
    for by another payment, or what is held is not the order's amount in its currency.
    """
    over = order.state in ("cancelled", "expired")
    if seen.status == "awaiting_customer" and over:
        return Undo("void", seen.reference, seen.authorized)  # or the customer could still pay it
    if seen.status not in ("authorized", "captured") or usable(order, payment, seen):
        return None
    if seen.status == "authorized" and not seen.captured:
        return Undo("void", seen.reference, seen.authorized)
    left = seen.captured - seen.refunded
    return Undo("refund", seen.reference, left) if left else None


def usable(order: Order, payment: Payment | None, seen: GatewayPayment) -> bool:
    """Whether the order is waiting for exactly this money, or already counts on it."""
    if payment is not None and (payment.authorized or payment.captured):
        return order.state in ("confirmed", "closed")
    return _payable(order) and seen.authorized - seen.refunded == totals(order).gross


def observe(
    order: Order, payment: Payment | None, seen: GatewayPayment, facts: Facts
) -> Decision | None:
    """Record what the provider holds for one payment. None when it is no news, or older than
    what is known.

    Call it after `undo_first` was carried out and the payment read again. An authorisation of an
    order that awaits it confirms the order; where the channel holds no stock before payment, the
    stock is taken here, and Refusal OUT_OF_STOCK means: cancel the order.
    """
    known = _payment(order, payment, seen, facts.now)
    if known == payment or _older(payment, known):
        return None
    changed = _with_sums(order, payment, known)
    postings = _postings(order, payment, known, facts.now)
    if known.authorized and usable(order, payment, seen) and order.state == "placed":
        return _confirm(changed, known, postings, facts)
    after = advance(changed, holds=_holds(changed, facts.now), hold_until=_graced(order, facts.now))
    told = events(after, facts.now, PROVIDER, *_news(payment, known))
    return Decision(after, told, payment=known, postings=postings)


def owed(invoices: Sequence[Invoice], captured: Money) -> Money:
    """What has been invoiced and is not captured yet; `captured` is what the provider says."""
    return total((invoice.gross for invoice in invoices), captured.currency) - captured


def capture_failed(order: Order, code: str, now: datetime) -> Decision | None:
    """Note that money for goods that have left could not be taken. None when that is noted."""
    if any(alert.code == "capture_failed" for alert in order.alerts):
        return None
    after = advance(order, alerts=(*order.alerts, Hold("capture_failed", code, now)))
    fact = ("payment.capture_failed", {"code": code})
    return Decision(after, events(after, now, PROVIDER, fact))


def awaits_money(order: Order) -> bool:
    """Whether what is owed may still be taken: it is held, or the customer can pay once more."""
    return order.authorized > order.captured or _payable(order)


def _payable(order: Order) -> bool:
    """Whether the order waits for a payment: a new one, or one that costs something and lost its
    money before any of it was taken, whether or not the goods have left by then."""
    if order.state != "confirmed" or order.captured or not totals(order).gross:
        return order.state == "placed"
    return not order.authorized or any(hold.code == PAYMENT_LOST for hold in order.holds)


def _require_payable(order: Order) -> None:
    if not _payable(order):
        require(order, "placed")


def _graced(order: Order, now: datetime) -> datetime | None:
    """When the order's hold lapses now that its first payment is under way."""
    if order.hold_until is None or order.payment_attempts or order.state != "placed":
        return order.hold_until
    return max(order.hold_until, now + GRACE)


def _holds(order: Order, now: datetime) -> tuple[Hold, ...]:
    """The order's holds: nothing more leaves for an order that lost its money, until it has some
    again."""
    others = tuple(hold for hold in order.holds if hold.code != PAYMENT_LOST)
    secured = order.authorized >= totals(order).gross.minor
    if order.state != "confirmed" or secured or not _to_hand_over(order):
        return others
    return (*others, Hold(PAYMENT_LOST, "The authorization was voided or has lapsed.", now))


def _to_hand_over(order: Order) -> bool:
    """Whether the shop still has units of the order to give away, be it on their way to a store."""
    here: tuple[Stage, ...] = (
        "open",
        "reserved",
        "backordered",
        "allocated",
        "released",
        "packed",
    )
    to_stores = {group.id for group in order.groups if group.via}
    return any(
        portion.stage in here or (portion.stage == "shipped" and portion.group in to_stores)
        for line in order.lines
        for portion in line.portions
    )


def _confirm(
    order: Order, payment: Payment, postings: tuple[ledger.Posting, ...], facts: Facts
) -> Decision:
    terms = Terms(facts.products, facts.now, "wait" if order.shortage in WAITS else "refuse")
    claim = take(order, "reserved", facts.balances, facts.shop, terms)
    groups, revisions = _promised(order, claim.lines, facts)
    confirmed = advance(
        order,
        state="confirmed",
        lines=claim.lines,
        groups=groups,
        hold_until=None,
        confirmed_at=facts.now,
    )
    told: list[tuple[str, Mapping[str, Any]]] = [
        ("payment.authorized", {"payment": payment.number, "amount": payment.authorized}),
        ("order.confirmed", {}),
        *revisions,
    ]
    return Decision(
        confirmed,
        events(confirmed, facts.now, PROVIDER, *told),
        claim.moves,
        payment=payment,
        postings=postings,
    )


def _promised(
    order: Order, lines: Sequence[Line], facts: Facts
) -> tuple[tuple[DeliveryGroup, ...], list[tuple[str, Mapping[str, Any]]]]:
    """The groups with their promises as they can be kept now that what was not held until the
    payment takes its place in a queue, which others may have joined meanwhile; and what to tell."""
    if lines == order.lines or not any(line.count("backordered") for line in lines):
        return order.groups, []
    from parcelway.domain.promising import revised, revision_told  # few payments need them

    groups = tuple(revised(order, group, lines, facts, "queue") for group in order.groups)
    later = zip(order.groups, groups, strict=True)
    return groups, [revision_told(now) for before, now in later if before != now]


# How far a payment is: none ever goes back to a lower rank. A declined one is still at the first.
_RANKS: Mapping[GatewayStatus, int] = {
    "awaiting_customer": 0,
    "processing": 0,
    "authorized": 1,
    "captured": 2,
    "voided": 2,
    "failed": 2,
}


def _older(before: Payment | None, known: Payment) -> bool:
    """Whether a reading was overtaken: it was made before the one that is known."""
    return before is not None and (
        _RANKS[known.status] < _RANKS[before.status] or known.captured < before.captured
    )


def _payment(order: Order, before: Payment | None, seen: GatewayPayment, now: datetime) -> Payment:
    """The order's record of a payment as the provider holds it now."""
    return Payment(
        order_id=order.id,
        number=seen.attempt,
        reference=seen.reference,
        method=before.method if before else order.payment_method,
        status=seen.status,
        amount=seen.amount,
        created_at=before.created_at if before else now,
        authorized=seen.authorized.minor,
        captured=seen.captured.minor,
        refunded=seen.refunded.minor,
        failure_code=seen.failure_code,
    )


def _with_sums(order: Order, before: Payment | None, known: Payment) -> Order:
    """The order with its sums and payment status as they are with `known` in place of `before`."""
    old = before or replace(known, authorized=0, captured=0, refunded=0)
    sums = replace(
        order,
        authorized=order.authorized + known.authorized - old.authorized,
        captured=order.captured + known.captured - old.captured,
        refunded=order.refunded + known.refunded - old.refunded,
        payment_attempts=max(order.payment_attempts, known.number),
    )
    return replace(sums, payment_status=_status(sums, known))


def _status(order: Order, known: Payment) -> PaymentStatus:
    if order.refunded:
        everything = order.refunded == order.captured == order.authorized
        return "refunded" if everything else "partially_refunded"
    if order.captured:
        return "captured" if order.captured >= order.authorized else "partially_captured"
    if order.authorized:
        return "authorized"
    if known.number < order.payment_attempts and order.payment_status in ("voided", "failed"):
        return order.payment_status  # the last attempt's, whichever is heard of last
    if known.status == "voided":
        return "voided"
    return "failed" if known.failure_code or known.status == "failed" else "none"


def _postings(
    order: Order, before: Payment | None, known: Payment, now: datetime
) -> tuple[ledger.Posting, ...]:
    """What the money books must say about captures and refunds that were not known before.

    A refund that failed comes off the sum again, so a sum may return: its key is the version.
    """
    currency, reference = known.amount.currency, known.reference
    captured = known.captured - (before.captured if before else 0)
    refunded = known.refunded - (before.refunded if before else 0)
    postings = []
    if captured:
        amount = Money(captured, currency)
        key = f"{reference}:{known.captured}"
        postings.append(ledger.captured(known.order_id, key, now, amount))
    if refunded:
        amount = Money(refunded, currency)
        key = f"{reference}:{order.version + 1}"
        postings.append(ledger.refunded(known.order_id, key, now, amount))
    return tuple(postings)


def _news(before: Payment | None, known: Payment) -> list[tuple[str, Mapping[str, Any]]]:
    """What happened to a payment between two readings, as events."""
    old = before or replace(
        known, status="awaiting_customer", authorized=0, captured=0, refunded=0, failure_code=""
    )
    news: list[tuple[str, Mapping[str, Any]]] = []
    if known.failure_code not in ("", old.failure_code):
        news.append(("payment.failed", {"payment": known.number, "code": known.failure_code}))
    if known.authorized > old.authorized:
        news.append(("payment.authorized", {"payment": known.number, "amount": known.authorized}))
    if known.status == "voided" and old.status != "voided":
        released = old.authorized - old.captured
        news.append(("payment.voided", {"payment": known.number, "amount": released}))
    if known.captured > old.captured:
        amount = known.captured - old.captured
        news.append(("payment.captured", {"payment": known.number, "amount": amount}))
    if known.refunded > old.refunded:
        amount = known.refunded - old.refunded
        news.append(("payment.refunded", {"payment": known.number, "amount": amount}))
    return news
