"""Which events are written to somebody about: one answer for who sends and who checks."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.dunning import REMINDERS, open_of
from parcelway.domain.order import Event, Order

# The types of events that a mail can be about; `mailed` decides for each event.
KINDS = (
    "order.approval_asked",
    "order.approval_approved",
    "order.approval_rejected",
    "order.confirmed",
    "order.cancelled",
    "order.units_cancelled",
    "credit_note.issued",
    "invoice.falls_due",
    "invoice.overdue",
    "payment.link_sent",
    "payment.needed",
    "payment.refunded",
    "payment.voided",
    "promise.revised",
    "shipment.shipped",
    "shipment.out_for_delivery",
    "shipment.ready_for_pickup",
    "shipment.pickup_reminder",
    "shipment.pickup_expired",
    "shipment.delivered",
    "shipment.cancelled",
)
ASKS_APPROVER = "order.approval_asked"  # the one mail that goes to somebody else than the buyer
NOT_COLLECTED = "not_collected"  # why a pick-up, or an order of nothing else, was cancelled


def mailed(event: Event, order: Order) -> bool:
    """Whether the customer, or an approver of their business account whom the event names, is
    written to about `event` of `order`, however late this is asked.

    A voided payment is told only when it held money for an order that had expired by then: the
    customer paid and gets nothing. Else there was nothing to release, the order can still be paid,
    or the mail about its cancellation says it all. A new date is told to who has paid for it. What
    is cancelled because nobody collected it is told as just that. Who bought elsewhere is told
    there, by whom they bought from; who bought at a counter need not have an
    address, and of who was forgotten none is left.
    """
    if order.sold_elsewhere or order.contact is None or not order.contact.email:
        return False
    if event.type == "promise.revised":
        return order.confirmed_at is not None and order.confirmed_at <= event.at
    if event.type in ("order.cancelled", "shipment.cancelled"):
        return event.data.get("reason") != NOT_COLLECTED
    if event.type != "payment.voided":
        return event.type in KINDS
    released: int = event.data.get("amount", 0)
    late = order.state == "expired" and order.ended_at is not None and order.ended_at <= event.at
    return late and released > 0


def is_over(event: Event, order: Order, now: datetime) -> bool:
    """Whether a mail about `event` would by now ask for what cannot be done any more: to pay by a
    link an order that is paid, has ended, or is held no longer, or an invoice that is paid. Such a
    mail may come late, when its message was dead-lettered and sent on."""
    if event.type in REMINDERS:
        return not open_of(order, event.data["number"])
    if event.type != "payment.link_sent":
        return False
    return order.state != "placed" or order.hold_until is None or now >= order.hold_until
