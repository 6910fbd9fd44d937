"""Forgetting a person (GDPR Art. 17), and what must stay (Art. 17(3)(b)).

The record becomes a tombstone at once, from which on nobody orders or signs in by it. Everything
else follows step by step: of an order that is over its lines, money and dates stay, of an invoice
or credit note what it was issued with. Of what people typed nothing stays: a name may be in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from parcelway.domain.attention import due_at
from parcelway.domain.customer import Change, Customer, changed
from parcelway.domain.decision import Decision
from parcelway.domain.dispute import Dispute
from parcelway.domain.gift_card import GiftCard
from parcelway.domain.guest_orders import told_by
from parcelway.domain.invoice import Invoice
from parcelway.domain.order import DeliveryGroup, Event, Hold, Order, advance, happened
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.values import dataclass

# The grounds of Art. 17(1): the person asks for it, or objects; what it was kept for is over; it
# never was lawful. A code, not a text: it is kept.
Grounds = Literal["requested", "not_needed", "unlawful"]
Obstacle = Literal["open", "money", "dispute", "store_credit"]
# What is placed or claimed at the same moment comes to light by then, also by an index that lags,
# or by a token that was still good: what the last look finds nothing in is over.
LOOK_AGAIN = timedelta(minutes=75)
_TYPED = frozenset({"reason", "note", "detail", "text", "name", "email", "place"})  # in events


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Why a person cannot be forgotten yet. `reference` is the order, or the store credit's id."""

    what: Obstacle
    reference: str


@dataclass(frozen=True, slots=True)
class Login:
    """A login that is to be deleted: the address it signs in with, and its subject."""

    email_key: str
    subject: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody who is being forgotten: what drives it until nothing is left, and goes with it.

    `id` is the customer's, or of a guest a digest of the mailbox. `records` are the customer's and
    those that were merged into it, `logins` theirs; orders of guests, and those that were imported,
    are those for `mailboxes` that were placed before it was asked for. `seen` tells that all was
    found and erased once.
    """

    id: str
    asked_at: datetime
    by: Actor
    grounds: Grounds
    mailboxes: tuple[str, ...]
    records: tuple[str, ...] = ()
    logins: tuple[Login, ...] = ()
    seen: bool = False


def erasure(
    customer: Customer,
    absorbed: Iterable[Customer],
    grounds: Grounds,
    now: datetime,
    by: Actor,
) -> tuple[Erasure, Change]:
    """What is to be erased of a customer, and their record without anything about them.

    Raises Refusal ILLEGAL_STATE for a record that was merged into another one: that one is theirs.
    """
    if customer.merged_into:
        raise Refusal(
            Reason.ILLEGAL_STATE,
            "This record was merged into another one; erase that.",
            merged_into=customer.merged_into,
        )
    records = [customer, *(each for each in absorbed if each.state != "erased")]
    addresses = dict.fromkeys(each.email_key for each in records if each.email_key)
    planned = Erasure(
        id=customer.id,
        asked_at=now,
        by=by,
        grounds=grounds,
        mailboxes=tuple(addresses),
        records=(customer.id, *customer.absorbed),
        logins=tuple(Login(each.email_key, each.subject) for each in records if each.subject),
    )
    return planned, forgotten(customer, grounds, now, by)


def forgotten(customer: Customer, grounds: Grounds, now: datetime, by: Actor) -> Change:
    """The record as a tombstone: its id, to which orders refer, and how it was merged."""
    stone = Customer(
        id=customer.id,
        version=customer.version,
        state="erased",
        subject="",
        email="",
        email_key="",
        name="",
        created_at=customer.created_at,
        merged_into=customer.merged_into,
        absorbed=customer.absorbed,
    )
    change = changed(customer, stone, now, by)
    return replace(change, fields=("state",), reason=grounds)


def in_the_way(order: Order, disputes: Iterable[Dispute], now: datetime) -> Obstacle | None:
    """Why an order's customer cannot be forgotten yet; None when nothing is in the way."""
    held = order.state == "draft" and order.hold_until is not None
    if held or order.state in ("placed", "confirmed"):
        return "open"
    if any(dispute.open for dispute in disputes):
        return "dispute"
    # What was sold elsewhere its source owes, not the person it was for.
    theirs = not order.sold_elsewhere
    if theirs and (due_at(order, now) is not None or order.owed or order.outstanding):
        return "money"
    return None


def credit_left(card: GiftCard, now: datetime) -> bool:
    """Whether store credit can still pay: who wants to lose it has it blocked first."""
    over = card.valid_until is not None and card.valid_until < now.date()
    return card.balance > 0 and not card.blocked and not over


def is_meant(order: Order, planned: Erasure) -> bool:
    """Whether an order is one of those that are to be erased, as it is now."""
    if order.customer_id:
        return order.customer_id in planned.records
    placed = order.placed_at
    return placed is not None and placed <= planned.asked_at and told_by(order) in planned.mailboxes


def without_person(order: Order) -> Order:
    """An order without anything about its customer but their tombstone's id.

    A draft is nobody's then, and its token opens nothing. The certificates by which no tax was
    charged stay with what was invoiced: they are the proof of it.
    """
    return replace(
        order,
        customer_id="" if order.state == "draft" else order.customer_id,
        access_hash="",
        link_token="",
        contact=None,
        billing_address=None,
        tax_id="",
        tax_exemptions=order.tax_exemptions if order.invoiced or order.credited else (),
        adjustments=tuple(replace(each, note="") for each in order.adjustments),
        approval=order.approval and replace(order.approval, reason=""),
        groups=tuple(_nowhere(group) for group in order.groups),
        holds=_untold(order.holds),
        alerts=_untold(order.alerts),
        cancel_reason="erased" if order.cancel_reason else "",
        commands={},
        customer_groups=(),
        preferences={},
        told_by_source="",
    )


def erase(order: Order, now: datetime) -> Decision | None:
    """An order that is over, without its customer; None when it is so already."""
    if without_person(order) == order:
        return None
    after = without_person(advance(order))
    return Decision(after, happened(after, now, "order.erased"))


def event_without_person(event: Event) -> Event:
    """What happened, without what anybody typed about it."""
    return replace(event, data=_without_words(event.data))


def shipment_without_person(shipment: Shipment) -> Shipment:
    """A shipment without the places it was seen at, which end at somebody's door, and remarks."""
    seen = tuple(replace(each, place="") for each in shipment.checkpoints)
    return replace(shipment, checkpoints=seen, held_note="")


def document_without_excess(document: Invoice) -> Invoice:
    """An invoice or credit note with what it was issued with, and no more: the phone number of its
    buyer is on none. Their e-mail address is: it is the buyer's electronic address (EN 16931,
    BT-49)."""
    return replace(document, buyer=replace(document.buyer, phone=""))


def _nowhere(group: DeliveryGroup) -> DeliveryGroup:
    return replace(group, address=None, instructions="")


def _untold(holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
    return tuple(replace(each, detail="") for each in holds)


def _without_words(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Plain values without those under names that hold words; also deeper down."""
    return {name: _plain(value) for name, value in data.items() if name not in _TYPED}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _without_words(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
