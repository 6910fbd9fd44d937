"""What is to be told, and booked, of a payment between two readings of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain import ledger
from parcelway.domain.gift_card import GIFT_CARD
from parcelway.domain.money import Money
from parcelway.domain.order import Event, Order, events
from parcelway.domain.payment import AT_TILL, GatewayPayment, Payment, till_account

Fact = tuple[str, Mapping[str, Any]]  # the type and data of an event


def asked(after: Order, seen: GatewayPayment, now: datetime) -> tuple[Event, ...]:
    """What is told of a payment that the shop is to authorise: no provider will tell of it."""
    if not seen.on_account:
        return ()
    return events(after, now, after.actor, ("payment.asked", {"payment": seen.attempt}))


def unheard(known: Payment) -> Payment:
    """A payment as it was before anything was known of it."""
    nothing = None if known.received is None else 0
    return replace(
        known,
        status="awaiting_customer",
        authorized=0,
        captured=0,
        refunded=0,
        failure_code="",
        received=nothing,
        returned=nothing,
    )


def postings_of(
    order: Order, before: Payment | None, known: Payment, now: datetime
) -> tuple[ledger.Posting, ...]:
    """What the money books must say about captures and refunds that were not known before.

    On account a capture is a claim, which the invoice has told of already, and a refund takes back
    what a credit note did: the books move when transfers come and go.

    A refund that failed comes off the sum again, so a sum may return: its key is the version.
    """
    currency, reference, owed = known.amount.currency, known.reference, order.owed
    old = before or unheard(known)
    captured, refunded = known.money_in - old.money_in, known.money_out - old.money_out
    by_card = known.method == GIFT_CARD
    place = "bank" if known.received is not None else "gateway_clearing"
    if known.method in AT_TILL:
        place = till_account(known)
    postings = []
    if captured:
        amount = Money(captured, currency)
        key = f"{reference}:{known.money_in}"
        taken = ledger.captured(known.order_id, key, now, owed, amount, place)
        if by_card:
            taken = ledger.gift_card_redeemed(known.order_id, key, now, owed, amount)
        postings.append(taken)
        owed -= amount
    if refunded:
        amount = Money(refunded, currency)
        key = f"{reference}:{order.version + 1}"
        given = ledger.refunded(known.order_id, key, now, owed, amount, place)
        if by_card:
            given = ledger.gift_card_returned(known.order_id, key, now, owed, amount)
        postings.append(given)
    return tuple(postings)


def news(before: Payment | None, known: Payment) -> list[Fact]:
    """What happened to a payment between two readings, as events."""
    old = before or unheard(known)
    told: list[Fact] = []
    if known.failure_code not in ("", old.failure_code):
        told.append(("payment.failed", {"payment": known.number, "code": known.failure_code}))
    if known.authorized > old.authorized:
        told.append(("payment.authorized", {"payment": known.number, "amount": known.authorized}))
    if known.status == "voided" and old.status != "voided":
        released = old.authorized - old.captured
        told.append(("payment.voided", {"payment": known.number, "amount": released}))
    if known.captured > old.captured:
        amount = known.captured - old.captured
        kind = "payment.claimed" if known.received is not None else "payment.captured"
        told.append((kind, {"payment": known.number, "amount": amount}))
    if known.refunded > old.refunded:
        amount = known.refunded - old.refunded
        told.append(("payment.refunded", {"payment": known.number, "amount": amount}))
    if (amount := (known.received or 0) - (old.received or 0)) > 0:
        told.append(("payment.received", {"payment": known.number, "amount": amount}))
    if (amount := (known.returned or 0) - (old.returned or 0)) > 0:
        told.append(("payment.returned", {"payment": known.number, "amount": amount}))
    return told
