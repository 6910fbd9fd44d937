"""What people of the shop note about an order, for each other. Its text stays with the order: the
event that tells of it has none, and no customer is shown it."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.ids import derived
from parcelway.domain.order import Order, advance, happened
from parcelway.domain.parties import Actor
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """A note about an order, by whom and when."""

    id: str
    order_id: str
    text: str
    author: Actor
    at: datetime


def add_note(
    order: Order, text: str, author: Actor, asked: Command, now: datetime
) -> tuple[Decision, Note]:
    """Note something about an order, whatever its state."""
    note = Note(derived("nte", order.id, asked.key), order.id, text, author, now)
    after = advance(order, commands=remember(order, asked))
    return Decision(after, happened(after, now, "order.noted", author, note=note.id)), note
