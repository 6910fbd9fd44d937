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
from parcelway.domain.decision import Decision, Rebooked
from parcelway.domain.dues import asked_of_card, asking, funded, to_pay, without_card
from parcelway.domain.facts import Facts
from parcelway.domain.lapsing import watched
from parcelway.domain.line import Line
from parcelway.domain.money import Money
from parcelway.domain.order import WAITS, Hold, Order, PaymentStatus, advance, events, require
from parcelway.domain.parties import Actor
from parcelway.domain.payment import GatewayPayment, GatewayStatus, Payment
from parcelway.domain.payment_news import asked, news, postings_of, unheard
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import require_one_transaction, take
from parcelway.values import dataclass

PROVIDER = Actor("provider")
# Entering a card and passing 3-D Secure may take this long; granted once per order.
GRACE = timedelta(minutes=15)
UNKNOWN_PAYMENT = "unknown_payment"
NO_AUTHORIZATION = "no_authorization"  # why nothing could be captured: nothing is held


@dataclass(frozen=True, slots=True)
class Undo:
    """What must be told to the provider before anything is written: money we may not keep."""

    action: Literal["void", "refund"]
    reference: str
    amount: Money


def next_attempt(order: Order, payment: Payment | None, now: datetime) -> int:
    """The number of the attempt a customer who wants to pay now should use.

    The last attempt while it can still be completed and is of the right amount and method, else a
    new one: money that comes by another one is given back. Raises Refusal
    ILLEGAL_STATE unless the order awaits payment, TOO_LATE when its hold is over.
    """
    _require_payable(order)
    if order.state == "placed" and (order.hold_until is None or order.hold_until <= now):
        raise Refusal(Reason.TOO_LATE, "The time to pay for this order is over.")
    if payment is None or not payment.open or payment.superseded:
        return order.payment_attempts + 1
    if (payment.method, payment.amount) == (order.payment_method, to_pay(order)):
        return payment.number
    return order.payment_attempts + 1


def start(order: Order, seen: GatewayPayment, now: datetime) -> Decision | None:
    """Keep a payment that was created with the provider. None when it is already kept.

    The first attempt extends a hold that would lapse within GRACE, once.
    """
    _require_payable(order)
    if seen.attempt <= order.payment_attempts:
        return None
    payment = recorded(order.id, None, seen, now)
    after = advance(
        order,
        payment_attempts=seen.attempt,
        open_payments=order.open_payments + payment.open,
        hold_until=_graced(order, now),
    )
    return Decision(after, asked(after, seen, now), payment=payment)


def undo_first(order: Order, payment: Payment | None, seen: GatewayPayment) -> Undo | None:
    """What has to be undone at the provider before `seen` can be recorded; None if nothing.

    Money is undone when the order cannot use it: it expired or was cancelled, it is already paid
    for by another payment, the customer chose another method meanwhile, or what is held is not the
    order's amount in its currency.
    """
    if usable(order, payment, seen):
        return None
    over = not awaits_payment(order) or (payment is not None and payment.superseded)
    if seen.status == "awaiting_customer" and over:
        return Undo("void", seen.reference, seen.authorized)  # or the customer could still pay it
    if seen.status not in ("authorized", "captured"):
        return None
    if seen.status == "authorized" and not seen.captured:
        return Undo("void", seen.reference, seen.authorized)
    left = seen.captured - seen.refunded
    return Undo("refund", seen.reference, left) if left else None


def usable(order: Order, payment: Payment | None, seen: GatewayPayment) -> bool:
    """Whether the order is waiting for exactly this money, or already counts on it."""
    if payment is not None and payment.counts:
        return order.state in ("placed", "confirmed", "closed")
    if payment.superseded if payment else seen.method != order.payment_method:
        return False
    return awaits_payment(order) and seen.authorized - seen.refunded == to_pay(order)


def observe(
    order: Order, payment: Payment | None, seen: GatewayPayment, facts: Facts
) -> Decision | None:
    """Record what the provider holds for one payment. None when it is no news, or older than
    what is known.

    Call it after `undo_first` was carried out and the payment read again. An authorisation of an
    order that awaits it confirms the order; where the channel holds no stock before payment, the
    stock is taken here, and Refusal OUT_OF_STOCK means: cancel the order. So does TOO_MANY_LINES,
    when it has come to lie at more places than one transaction can take it from.
    """
    known = recorded(order.id, payment, seen, facts.now)
    if known.authorized and usable(order, payment, seen):
        known = replace(known, counts=True)
    if known == payment or overtaken(payment, known):
        return None
    changed = _with_sums(order, payment, known, keeps_card=seen.keeps_card)
    postings = postings_of(order, payment, known, facts.now)
    if known.counts and order.state == "placed":
        return _confirm(changed, known, postings, facts)
    changed, funding = funded(changed, facts.now)
    if seen.off_session and known.failure_code not in ("", payment and payment.failure_code):
        changed, uncarded = without_card(changed)
        funding = [*funding, *uncarded]
    after = advance(changed, hold_until=_graced(order, facts.now))
    told = events(after, facts.now, PROVIDER, *news(payment, known), *funding)
    return Decision(after, told, payment=known, postings=postings)


def numbered(order: Order, payments: Sequence[Payment], seen: GatewayPayment) -> GatewayPayment:
    """A payment that none of the order's `payments` is, under a number that is nobody else's.

    Its own, unless another payment has that, or it has none: somebody made it by hand.
    """
    taken = {payment.number for payment in payments}
    if seen.attempt and seen.attempt not in taken:
        return seen
    return replace(seen, attempt=max([order.payment_attempts, *taken]) + 1)


def card_refused(order: Order, code: str, now: datetime) -> Decision | None:
    """Note that the kept card cannot be charged at all. None when nothing is asked of it."""
    if not asked_of_card(order):
        return None
    changed, uncarded = without_card(advance(order))
    refused = ("payment.failed", {"payment": order.payment_attempts, "code": code})
    return Decision(changed, events(changed, now, PROVIDER, refused, *uncarded))


def capture_failed(order: Order, code: str, now: datetime) -> Decision | None:
    """Note that money for goods that have left could not be taken. None when that is noted.

    Where nothing is held for them any more a card that was kept is charged first: nobody is
    bothered with what mends itself.
    """
    if code == NO_AUTHORIZATION and asked_of_card(order):
        after = advance(order)
        return Decision(after, events(after, now, PROVIDER, asking(order, sent=True)))
    if any(alert.code == "capture_failed" for alert in order.alerts):
        return None
    after = advance(order, alerts=(*order.alerts, Hold("capture_failed", code, now)))
    fact = ("payment.capture_failed", {"code": code})
    return Decision(after, events(after, now, PROVIDER, fact))


def vanished(payment: Payment) -> GatewayPayment:
    """How a payment reads that its order knows and the provider does not: nothing is held by it any
    more. What was captured is for finance to find, when it is not paid out."""
    money = (Money(m, payment.amount.currency) for m in (payment.captured, payment.refunded))
    captured, refunded = money
    return GatewayPayment(
        payment.reference,
        payment.order_id,
        payment.number,
        "failed",
        payment.amount,
        authorized=captured,
        captured=captured,
        refunded=refunded,
        failure_code=UNKNOWN_PAYMENT,
        method=payment.method,
    )


def note_vanished(order: Order, payment: Payment, now: datetime) -> Decision | None:
    """Have somebody look at an order with a payment that the provider does not know. None when that
    is noted."""
    if any((a.code, a.detail) == (UNKNOWN_PAYMENT, payment.reference) for a in order.alerts):
        return None
    alert = Hold(UNKNOWN_PAYMENT, payment.reference, now)
    after = advance(order, alerts=(*order.alerts, alert))
    fact = ("payment.vanished", {"payment": payment.number})
    return Decision(after, events(after, now, PROVIDER, fact))


def awaits_money(order: Order) -> bool:
    """Whether what is owed may still be taken: it is held, or the customer can pay once more."""
    return order.authorized > order.captured or awaits_payment(order)


def awaits_payment(order: Order) -> bool:
    """Whether the order waits for a payment: its first, or one for what no money secures any more,
    whether or not the goods have left by then."""
    return order.state in ("placed", "confirmed") and bool(to_pay(order))


def _require_payable(order: Order) -> None:
    if not awaits_payment(order):
        require(order, "placed")
        raise Refusal(Reason.ILLEGAL_STATE, "There is nothing to pay for this order.")


def _graced(order: Order, now: datetime) -> datetime | None:
    """When the order's hold lapses now that its first payment is under way."""
    asked_before = order.payment_attempts > len(order.gift_cards)
    if order.hold_until is None or asked_before or order.state != "placed":
        return order.hold_until
    return max(order.hold_until, now + GRACE)


def _confirm(
    order: Order, payment: Payment, postings: tuple[ledger.Posting, ...], facts: Facts
) -> Decision:
    terms = Terms(facts.products, facts.now, "wait" if order.shortage in WAITS else "refuse")
    claim = take(order, "reserved", facts.balances, facts.shop, terms)
    days, revisions = _promised(order, claim.lines, facts)
    require_one_transaction(claim.moves, claim.lines, len(days.taken) + len(days.given))
    confirmed = advance(
        order,
        state="confirmed",
        lines=claim.lines,
        groups=days.groups,
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
        taken=days.taken,
        given=days.given,
    )


def _promised(
    order: Order, lines: Sequence[Line], facts: Facts
) -> tuple[Rebooked, list[tuple[str, Mapping[str, Any]]]]:
    """The groups with their promises as they can be kept now that what was not held until the
    payment takes its place in a queue, which others may have joined meanwhile; and what to tell.
    Days are those of the nodes that send it."""
    if lines == order.lines:
        return Rebooked(order.groups), []
    from parcelway.domain.promising import revised, revision_told, settled  # few need them
    from parcelway.domain.slots import counted

    days = settled(order, lines, facts)
    if not any(line.count("backordered") for line in lines):
        return days, []
    left = replace(facts, busy=counted(facts.busy, given=days.given))
    groups = tuple(revised(order, group, lines, left, "queue") for group in days.groups)
    later = zip(days.groups, groups, strict=True)
    told = [revision_told(now) for before, now in later if before != now]
    return replace(days, groups=groups), told


# How far a payment is: none ever goes back to a lower rank. A declined one is still at the first.
_RANKS: Mapping[GatewayStatus, int] = {
    "awaiting_customer": 0,
    "processing": 0,
    "authorized": 1,
    "captured": 2,
    "voided": 2,
    "failed": 2,
}


def overtaken(before: Payment | None, known: Payment) -> bool:
    """Whether a reading was overtaken: it was made before the one that is known."""
    return before is not None and (
        _RANKS[known.status] < _RANKS[before.status]
        or known.captured < before.captured
        or (known.received or 0) < (before.received or 0)
        or (known.returned or 0) < (before.returned or 0)
    )


def recorded(order_id: str, before: Payment | None, seen: GatewayPayment, now: datetime) -> Payment:
    """An order's record of a payment as the provider holds it now, counting as it did `before`."""
    return Payment(
        order_id=order_id,
        number=before.number if before else seen.attempt,
        reference=seen.reference,
        method=before.method if before else seen.method,
        status=seen.status,
        amount=seen.amount,
        created_at=before.created_at if before else now,
        authorized=seen.authorized.minor,
        captured=seen.captured.minor,
        refunded=seen.refunded.minor,
        failure_code=seen.failure_code,
        counts=before is not None and before.counts,
        capture_before=seen.capture_before,
        superseded=before is not None and before.superseded,
        received=None if seen.received is None else seen.received.minor,
        returned=None if seen.returned is None else seen.returned.minor,
        due_days=seen.due_days,
    )


def _with_sums(order: Order, before: Payment | None, known: Payment, *, keeps_card: bool) -> Order:
    """The order with its sums and payment status as they are with `known` in place of `before`,
    and with its card where that pays for the order now."""
    old = before or unheard(known)
    counted = old.authorized if old.counts else 0
    new = known.counts and not (before and before.counts)
    sums = replace(
        order,
        card=known.reference if new and keeps_card else order.card,
        authorized=order.authorized + known.authorized - old.authorized,
        captured=order.captured + known.captured - old.captured,
        refunded=order.refunded + known.refunded - old.refunded,
        secured=order.secured + (known.authorized if known.counts else 0) - counted,
        outstanding=order.outstanding + known.outstanding - old.outstanding,
        due_days=known.due_days if known.counts else order.due_days,
        payment_attempts=max(order.payment_attempts, known.number),
        open_payments=order.open_payments + known.open - (before is not None and before.open),
        lapses=watched(order, before, known),
    )
    return replace(sums, payment_status=_status(sums, known))


def _status(order: Order, known: Payment) -> PaymentStatus:
    if order.refunded:
        everything = order.refunded == order.captured == order.authorized
        return "refunded" if everything else "partially_refunded"
    if order.captured and order.outstanding > 0:
        return "due"
    if order.captured:
        return "captured" if order.captured >= order.authorized else "partially_captured"
    if order.authorized and not (order.state == "placed" and to_pay(order)):
        return "authorized"
    if known.number < order.payment_attempts and order.payment_status in ("voided", "failed"):
        return order.payment_status  # the last attempt's, whichever is heard of last
    if known.status == "voided":
        return "voided"
    return "failed" if known.failure_code or known.status == "failed" else "none"


def to_authorize(order: Order, payment: Payment | None, seen: GatewayPayment) -> bool:
    """Whether the shop is to authorise a payment that it knows, as nobody else does."""
    asks = payment is not None and not payment.superseded and seen.on_account
    return asks and seen.status == "awaiting_customer" and awaits_payment(order)


def ask_again(order: Order, seen: GatewayPayment, now: datetime) -> Decision | None:
    """Have a payment looked at again that the customer asks for once more and that is the shop's to
    authorise; None where it is not."""
    if not seen.on_account or seen.status != "awaiting_customer":
        return None
    after = advance(order)
    return Decision(after, asked(after, seen, now))


def switch(
    order: Order, last: Payment | None, method: str, actor: Actor, now: datetime
) -> Decision | None:
    """Have an unpaid order paid by another method, as `actor` wants.

    None when it is that one already. Its open payment is superseded: it is ended at the provider,
    and undone should it come through all the same. Raises Refusal ILLEGAL_STATE when there is
    nothing to pay, or not any more.
    """
    _require_payable(order)
    if order.payment_method == method:
        return None
    old = replace(last, superseded=True) if last and last.open else None
    after = advance(order, payment_method=method)
    told = ("payment.method_changed", {"from": order.payment_method, "to": method})
    return Decision(after, events(after, now, actor, told), payment=old)
