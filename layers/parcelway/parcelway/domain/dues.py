"""What an order's customer has to pay in all, and what secures it.

Every unit of a line bears a frozen share of the line's price (`shares.units_share`). Units that
are cancelled take theirs with them, units that were credited have it given back; what is left is
the sum of the invoices that there are or will be, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain.decision import Decision
from parcelway.domain.line import Line, Stage
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import PAYMENT_LOST, DeliveryGroup, Hold, Order, advance, events, totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.shares import units_share
from parcelway.domain.shipment import Shipment

# So long what came in is kept for an order that has to be paid anew.
PAY_AGAIN = timedelta(days=7)

_OVER = ("closed", "cancelled", "expired")

Fact = tuple[str, Mapping[str, Any]]  # the type and data of an event

# Stages in which the shop still has the units and is about to give them away. What waits for goods
# is not: it needs no money before they are there.
_TO_GIVE: tuple[Stage, ...] = ("open", "reserved", "allocated", "released", "packed")


def payable(order: Order) -> Money:
    """What the order comes to as it is now: its total less what was cancelled and credited."""
    return Money(totals(order).gross.minor - order.cancelled_gross - order.credited, order.currency)


def to_pay(order: Order) -> Money:
    """What of it is neither held nor taken, so that a payment is asked for; never negative.

    What went back for a credit note pays for nothing any more. What somebody gave back without one
    was the shop's own doing: the customer is not asked for it.
    """
    secured = order.secured - min(order.refunded, order.credited)
    return Money(max(0, payable(order).minor - secured), order.currency)


def overpaid(order: Order, captured: Money, refunded: Money) -> Money:
    """What of the money that was taken must be given back; never negative.

    That is what the invoices less the credit notes do not need, except what was taken in advance
    for units that are still to be invoiced. What a bank took back in a dispute is not given back a
    second time.
    """
    invoices = order.invoiced + order.credited
    to_come = payable(order).minor - order.invoiced
    advance = min(max(0, captured.minor - invoices), max(0, to_come))
    kept = captured.minor - refunded.minor - order.charged_back
    return Money(max(0, kept - order.invoiced - advance), order.currency)


def lacks_money(order: Order) -> bool:
    """Whether units are about to be given away that nothing pays for, be they on their way to the
    store where they are collected."""
    if order.state != "confirmed" or not to_pay(order):
        return False
    to_stores = {group.id for group in order.groups if group.via}
    return any(
        portion.stage in _TO_GIVE or (portion.stage == "shipped" and portion.group in to_stores)
        for line in order.lines
        for portion in line.portions
    )


def pay_until(order: Order) -> datetime | None:
    """Until when an order is to be paid that lacks money; None when it lacks none."""
    lost = [hold.since for hold in order.holds if hold.code == PAYMENT_LOST]
    return lost[0] + PAY_AGAIN if lost else None


def keeps_card(order: Order) -> bool:
    """Whether the card that pays the order is to be kept, to be charged again without the customer.

    Only where part of the order waits for goods, which money is seldom held long enough for: who
    buys what is there agrees to one payment, and no more is kept than that takes.
    """
    return any(line.count("backordered") for line in order.lines)


def asked_of_card(order: Order) -> bool:
    """Whether the order has lost its money, for what is to be sent or what has been, and the card
    that was kept for it is to be charged: not once another method was chosen."""
    lost = pay_until(order) is not None or unsecured(order)
    return bool(order.card) and order.payment_method == "card" and lost


def unsecured(order: Order) -> bool:
    """Whether more was sent and invoiced than anything pays for: its hold was lost meanwhile."""
    pays = order.secured - min(order.refunded, order.credited)
    return order.state == "confirmed" and order.invoiced > pays and bool(to_pay(order))


def without_card(order: Order) -> tuple[Order, list[Fact]]:
    """The order whose card cannot be charged without the customer, and what is to be told of it:
    the card is of no more use, and they are asked themselves if the order lacks money."""
    after = replace(order, card="")
    asked = [asking(after, sent=pay_until(order) is None)] if asked_of_card(order) else []
    return after, [*asked, *card_released(order)]


def card_released(order: Order) -> list[Fact]:
    """What is to be told when a kept card, if there is one, will not be charged any more."""
    return [("payment.card_released", {})] if order.card else []


def to_forget(order: Order, seen: GatewayPayment) -> bool:
    """Whether the provider is to delete the card that it keeps with a payment.

    It was kept for this order alone: when that is over nothing may be charged any more. Before,
    only the card is of use that the order would charge next. `seen` is recorded with the order.
    """
    if not seen.keeps_card:
        return False
    if order.state in _OVER:
        return True
    return order.card != seen.reference and seen.status not in ("awaiting_customer", "processing")


def card_forgotten(order: Order, now: datetime) -> Decision | None:
    """Note that no card is kept any more for an order that is over. None when that is noted."""
    if order.state not in _OVER or not order.card:
        return None
    after = advance(order, card="")
    return Decision(after, events(after, now, SYSTEM, ("payment.card_deleted", {})))


def asking(order: Order, *, sent: bool) -> Fact:
    """Who is asked for what is to be paid: the kept card first, so that no customer is bothered
    with what mends itself. What was `sent` already waits for no payment."""
    data: dict[str, Any] = {"amount": to_pay(order).minor}
    data |= {"sent": True} if sent else {}
    return ("payment.due" if order.card else "payment.needed", data)


def funded(order: Order, now: datetime) -> tuple[Order, list[Fact]]:
    """The order with the hold that it needs or needs no more, and what is to be told of that:
    nothing leaves for an order that lacks money, until it has some."""
    holds = tuple(hold for hold in order.holds if hold.code != PAYMENT_LOST)
    if not lacks_money(order):
        told: list[Fact] = [("order.funded", {})] if len(holds) < len(order.holds) else []
        return replace(order, holds=holds), told
    if len(holds) < len(order.holds):
        return order, []
    lost = Hold(PAYMENT_LOST, "Nothing pays for what is to be sent.", now)
    return replace(order, holds=(*holds, lost)), [asking(order, sent=False)]


def less_cancelled(decision: Decision, shipments: Sequence[Shipment]) -> Decision:
    """The decision with its order's `cancelled_gross` as it is after it; `shipments` are all of
    the order's as they were before. An order that ended keeps its total: all its money goes back.
    """
    known = {shipment.id: shipment for shipment in shipments}
    known |= {shipment.id: shipment for shipment in decision.shipments}
    gone = cancelled_value(decision.order, list(known.values()))
    order = replace(decision.order, cancelled_gross=gone.minor)
    return replace(decision, order=order)


def cancelled_value(order: Order, shipments: Sequence[Shipment]) -> Money:
    """What cancelled units and the charges of deliveries that are cancelled as a whole bear.

    Which units of a line these are is told by which are left: those in shipments have numbers, and
    those that wait will be given the lowest that are free (`scheduling`).
    """
    left = zero(order.currency)
    for line in order.lines:
        for share in line.by_group:
            units = line.units(share.group)
            for first, last in _left(line, share.group, shipments):
                # Net and tax are divided apart, as on the invoice: their sum may round otherwise.
                left += units_share(share.net, units, first, last)
                left += units_share(share.tax, units, first, last)
    left += total((_charge(order, group) for group in order.groups), order.currency)
    return totals(order).gross - left


def _left(line: Line, group: str, shipments: Sequence[Shipment]) -> Iterator[tuple[int, int]]:
    """The numbers of a line's units in a group that are not cancelled, as half-open ranges."""
    sent = sorted(
        (part.invoiced_from, part.invoiced_from + part.quantity)
        for shipment in shipments
        if shipment.status != "cancelled" and shipment.group == group
        for part in shipment.lines
        if part.line == line.number
    )
    yield from sent
    alive = sum(p.quantity for p in line.portions if p.group == group and p.stage != "cancelled")
    waiting, first, units = alive - sum(last - start for start, last in sent), 0, line.units(group)
    for begins, ends in [*sent, (units, units)]:
        here = min(waiting, begins - first)
        if here > 0:
            yield first, first + here
            waiting -= here
        first = max(first, ends)


def _charge(order: Order, group: DeliveryGroup) -> Money:
    nothing = zero(order.currency)
    wanted = any(
        portion.group == group.id and portion.stage != "cancelled"
        for line in order.lines
        for portion in line.portions
    )
    return (group.charge_net or nothing) + (group.charge_tax or nothing) if wanted else nothing
