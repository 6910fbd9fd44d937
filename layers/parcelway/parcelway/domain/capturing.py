"""What is to be done with an order's payments next: taken for what has left, released, given back.

One step at a time, each decided on what the provider holds at that moment, so that steps may be
repeated, overtaken or interrupted anywhere. The documents say what is owed: invoices less credit
notes. Money is taken from the oldest payment that counts and given back to the youngest first, so
that what was paid in several ways returns the way it came.

A hold that allows one capture only is kept together until every shipment that there is has been
invoiced, but not for goods that the shop does not have: those are paid anew when they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from parcelway.domain.dues import overpaid
from parcelway.domain.invoice import Invoice
from parcelway.domain.lapsing import BEFORE_LAPSE
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import Order
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.shipment import Shipment
from parcelway.domain.status import waits
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One call to the provider about a payment. `key` names it among all of the payment's: the
    same amount from the same point on is the same step."""

    action: Literal["capture", "void", "refund"]
    reference: str
    amount: Money
    key: str
    final: bool = False


def owed(order: Order, invoices: Sequence[Invoice], seen: Sequence[GatewayPayment]) -> Money:
    """What has been invoiced and is neither taken nor credited; `seen` are the payments that count.

    What was credited and not given back yet is not taken in the first place. Money that somebody
    gave back at the provider without a credit note is not taken again.
    """
    currency = order.currency
    taken = total((payment.captured for payment in seen), currency)
    returned = total((payment.refunded for payment in seen), currency)
    open_credit = max(0, order.credited - returned.minor)
    return total((i.gross for i in invoices), currency) - taken - Money(open_credit, currency)


def next_step(
    order: Order,
    shipments: Sequence[Shipment],
    invoices: Sequence[Invoice],
    seen: Sequence[GatewayPayment],
    now: datetime,
) -> Step | None:
    """The next thing to do with the payments that count, oldest first in `seen`; None for nothing.

    For an order that is confirmed or closed. Whoever calls it does the step, reads again, and asks
    for the next one.
    """
    due = owed(order, invoices, seen)
    invoiced = all(s.invoice_number or s.status == "cancelled" for s in shipments)
    over = invoiced and not waits(order)
    for payment in seen:
        if payment.status != "authorized":
            continue
        step = _taking(payment, due, invoiced=invoiced, over=over, now=now)
        if step is not None:
            return step
        due -= min(max(due, zero(order.currency)), payment.authorized - payment.captured)
    return _giving_back(order, seen)


def _taking(
    payment: GatewayPayment, due: Money, *, invoiced: bool, over: bool, now: datetime
) -> Step | None:
    """What to do with a hold, of all that is to come from it `due` now."""
    nothing = zero(due.currency)
    take = max(nothing, min(due, payment.authorized - payment.captured))
    lapses = payment.capture_before is not None and payment.capture_before - BEFORE_LAPSE <= now
    key = f"from:{payment.captured.minor}"
    if take and (payment.multicapture or invoiced or lapses):
        return Step("capture", payment.reference, take, key, final=over or not payment.multicapture)
    if not over or take:
        return None
    if payment.captured:  # nothing more to come: what is still held is let go
        return Step("capture", payment.reference, nothing, key, final=True)
    return Step("void", payment.reference, nothing, "unused")


def _giving_back(order: Order, seen: Sequence[GatewayPayment]) -> Step | None:
    """What was taken beyond what is owed, from the youngest payment that has it."""
    taken = total((payment.captured for payment in seen), order.currency)
    returned = total((payment.refunded for payment in seen), order.currency)
    surplus = overpaid(order, taken, returned)
    for payment in reversed(seen):
        back = min(surplus, payment.captured - payment.refunded)
        if back.minor > 0:
            key = f"refund:from:{payment.refunded.minor}"
            return Step("refund", payment.reference, back, key)
    return None
