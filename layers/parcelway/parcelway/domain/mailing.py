"""Which events the customer is written to about: one answer for who sends and who checks."""

from __future__ import annotations

from parcelway.domain.order import Event, Order

# The types of events that a mail can be about; `mailed` decides for each event.
KINDS = (
    "order.confirmed",
    "order.cancelled",
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
NOT_COLLECTED = "not_collected"  # why a pick-up, or an order of nothing else, was cancelled


def mailed(event: Event, order: Order) -> bool:
    """Whether the customer is written to about `event` of `order`, however late this is asked.

    A voided payment is told only when it held money for an order that had expired by then: the
    customer paid and gets nothing. Else there was nothing to release, the order can still be paid,
    or the mail about its cancellation says it all. A new date is told to who has paid for it. What
    is cancelled because nobody collected it is told as just that.
    """
    if event.type == "promise.revised":
        return order.confirmed_at is not None and order.confirmed_at <= event.at
    if event.type in ("order.cancelled", "shipment.cancelled"):
        return event.data.get("reason") != NOT_COLLECTED
    if event.type != "payment.voided":
        return event.type in KINDS
    released: int = event.data.get("amount", 0)
    late = order.state == "expired" and order.ended_at is not None and order.ended_at <= event.at
    return late and released > 0
